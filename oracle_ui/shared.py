"""What the pages share: where the store is, the time, and what was read and propagated already."""

import os
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path

import streamlit as st

from argtree.budget import Budget
from argtree.errors import ArgtreeError
from argtree.graph import ArgumentGraph
from argtree.history import History, history
from argtree.propagate import Propagation, Propagator
from oracle_ui import reading, style, theme_desk
from oracle_ui.clickable import clickable
from oracle_ui.foresight import Foresight
from oracle_ui.guidelines import GUIDELINES_VARIABLE, read_guidelines
from oracle_ui.patience import PATIENCE_SECONDS, propagate_soon
from oracle_ui.reading import Snapshot
from oracle_ui.serve import STORE_VARIABLE
from oracle_ui.view_trees import choices
from store.database import DEFAULT_STORE
from store.errors import StoreError

_MOST_POINTS = 60  # of a history


def store_url() -> str:
    """Returns the store that the server was started for."""
    return os.environ.get(STORE_VARIABLE) or DEFAULT_STORE


def guidelines() -> str:
    """Returns what raters see beside the questions, as Markdown. Raises GuidelinesError, if the file went meanwhile."""
    path = os.environ.get(GUIDELINES_VARIABLE)
    return read_guidelines(Path(path) if path else None)


def now() -> datetime:
    """Returns the time, aware, in UTC."""
    return datetime.now(UTC)


def _fingerprint(graph: ArgumentGraph) -> int:
    told = (graph.evidence, graph.direct_beliefs)  # which a graph's own hash leaves aside
    return hash((graph, *(tuple(some.items()) for some in told)))


@st.cache_resource(max_entries=12, show_spinner=False, hash_funcs={ArgumentGraph: _fingerprint})
def propagated(graph: ArgumentGraph) -> Propagation:
    """Returns what follows from a graph, shared by all who look at the same state of the store."""
    return propagate_soon(graph)


@st.cache_resource(show_spinner=False)
def foresight() -> Foresight:
    """Returns what works ahead for all raters of this server."""
    return Foresight(propagated)


def frame(draw: Callable[[], None]) -> None:
    """Draws a page of the desk; what goes wrong is a sentence on it."""
    st.html(style.STYLE)
    try:
        draw()
    except ArgtreeError as exc:
        st.html(theme_desk.block(theme_desk.notice(str(exc))))
        st.button("Try again")


def show(*parts: str) -> None:
    """Shows HTML of `theme_desk` in which nothing is to be clicked."""
    st.html(theme_desk.block(*parts))


def picture(*parts: str, key: str) -> None:
    """Shows HTML of `theme_desk` with pictures in it, which `st.html` would take out."""
    clickable(theme_desk.block(*parts), key)


def go_to_claim(key: str | None) -> None:
    """Opens a claim's page, if one was chosen."""
    if key is not None:
        st.switch_page("desk/claim.py", query_params={"key": key})


def search(label: str, texts: Mapping[str, str], key: str) -> str | None:
    """Shows a list to search by words; the key of what is chosen, None if nothing is.

    Args:
        label: ours; texts of others are shown as they are in the list only.
        texts: of what can be found, by their keys.
        key: of the widget.
    """
    shown = choices(texts)
    return st.selectbox(
        label, list(shown), index=None, format_func=shown.__getitem__, placeholder="Type a few words", key=key
    )


def choose_claim(label: str, texts: Mapping[str, str], key: str) -> None:
    """Shows a list to search for a claim (see `search`), and opens the page of the one that is chosen."""
    chosen = search(label, texts, key)
    if chosen is not None:
        del st.session_state[key]  # who comes back can choose the same one again
        go_to_claim(chosen)


def snapshot() -> Snapshot:
    """Returns the store as it is now, read again only when something came in. Raises StoreError."""
    return _snapshot(store_url(), reading.mark(store_url()))


def course() -> History | None:
    """Returns how posteriors went as answers came in; None where that can't be worked out. Raises StoreError."""
    mark = reading.mark(store_url())
    try:
        return _history(store_url(), mark)
    except StoreError:
        raise
    except ArgtreeError:
        return None


@st.cache_resource(max_entries=2, show_spinner=False)
def _snapshot(url: str, mark: tuple[int, ...]) -> Snapshot:
    return reading.read(url)


@st.cache_resource(max_entries=2, show_spinner="Working out how it came to this")
def _history(url: str, mark: tuple[int, ...]) -> History:
    there = _snapshot(url, mark)
    propagate_fn = Propagator(Budget(seconds=PATIENCE_SECONDS), only_askable=True)
    began = time.monotonic()
    propagate_fn(there.bare)  # to see how dear a point is
    seconds = max(time.monotonic() - began, 1e-3)
    return history(there.bare, there.given, propagate_fn, int(min(max(PATIENCE_SECONDS / seconds, 4), _MOST_POINTS)))
