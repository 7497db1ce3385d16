"""How long somebody waits for figures: the same on the pages and for programs."""

from argtree.budget import Budget
from argtree.graph import ArgumentGraph
from argtree.propagate import Propagation, propagate

PATIENCE_SECONDS = 10.0  # that somebody may wait for figures that have to be sampled


def propagate_soon(graph: ArgumentGraph) -> Propagation:
    """Returns what follows from a graph, worked out as for somebody who waits for it."""
    return propagate(graph, Budget(seconds=PATIENCE_SECONDS), only_askable=True)
