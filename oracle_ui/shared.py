"""What the pages share: where the store is, the time, and what was propagated already."""

import os
from datetime import UTC, datetime

import streamlit as st

from argtree.budget import Budget
from argtree.graph import ArgumentGraph
from argtree.propagate import Propagation, propagate
from oracle_ui.serve import STORE_VARIABLE
from store.database import DEFAULT_STORE

PATIENCE_SECONDS = 10.0  # that somebody may wait for figures that have to be sampled


def store_url() -> str:
    """Returns the store that the server was started for."""
    return os.environ.get(STORE_VARIABLE) or DEFAULT_STORE


def now() -> datetime:
    """Returns the time, aware, in UTC."""
    return datetime.now(UTC)


def _fingerprint(graph: ArgumentGraph) -> int:
    return hash((graph, tuple(graph.evidence.items())))  # a graph's own hash leaves the evidence aside


@st.cache_resource(max_entries=4, show_spinner=False, hash_funcs={ArgumentGraph: _fingerprint})
def propagated(graph: ArgumentGraph) -> Propagation:
    """Returns what follows from a graph, shared by all who look at the same state of the store."""
    return propagate(graph, Budget(seconds=PATIENCE_SECONDS), only_askable=True)
