"""Which solver takes which core: the cheapest that fits, exact before sampled.

Elimination where its cost, known beforehand, fits; decision diagrams where it does not, or is dear, and the core is
plain logic; sampling else.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from argtree import elimination
from argtree.budget import Budget
from argtree.compiled import CompiledGraph
from argtree.core import Core, Solver
from argtree.diagram import DiagramSolver
from argtree.elimination_solver import SECONDS_PER_PRODUCT, EliminationSolver
from argtree.errors import TooEntangledError
from argtree.sampling import SamplingSolver

_BYTES_PER_ENTRY = 40  # of one variant, with what the way back needs
_BYTES_PER_NODE = 200
_MAX_NODES = 2**20  # more take minutes to build
_MAX_UNCERTAIN = 20  # strengths and priors strictly between 0 and 1 in a core that still counts as logic
_EXACT_SHARE = 0.5  # of the time left, that one exact solver may take
_QUICK_SEARCH_SECONDS = 0.3  # for an order of elimination, at first
_SEARCH_SHARE = 0.1  # of the time left, for a better one
_CHEAP_SECONDS = 1.0  # elimination that takes less need not be bettered


@dataclass(frozen=True)
class Allowance:
    """What the solvers of one propagation may use, and until when."""

    budget: Budget
    clock_fn: Callable[[], float]  # seconds on any steady clock
    deadline: float  # by that clock

    @property
    def seconds_left(self) -> float:
        """Seconds until the deadline; never less than a thousandth of the budget."""
        return max(self.deadline - self.clock_fn(), 1e-3 * self.budget.seconds)


def prepare(core: Core, allowance: Allowance) -> Solver:
    """Returns a solver for a core; sampling always fits.

    Raises:
        TooEntangledError: what is left to solve for each sample is too large even so.
    """
    quick = _eliminated(core, allowance, _QUICK_SEARCH_SECONDS)
    if quick is not None and quick.seconds < _CHEAP_SECONDS:
        return quick
    if _num_uncertain(core.graph) <= _MAX_UNCERTAIN:
        try:
            max_nodes = min(_MAX_NODES, allowance.budget.memory_bytes // _BYTES_PER_NODE)
            seconds = _EXACT_SHARE * allowance.seconds_left
            return DiagramSolver(core, max_nodes, seconds, allowance.clock_fn)
        except TooEntangledError:
            pass
    thorough = _eliminated(core, allowance, _SEARCH_SHARE * allowance.seconds_left)
    return (
        thorough
        or quick
        or SamplingSolver(
            core,
            rng=np.random.default_rng(0),
            budget=allowance.budget,
            clock_fn=allowance.clock_fn,
            seconds=allowance.seconds_left,
        )
    )


def _eliminated(core: Core, allowance: Allowance, search_seconds: float) -> EliminationSolver | None:
    """Returns elimination after so much search for an order, or None where it does not fit."""
    seconds = _EXACT_SHARE * allowance.seconds_left
    limits = elimination.Limits(
        max_products=seconds / (SECONDS_PER_PRODUCT * len(core.outputs)),
        max_entries=allowance.budget.memory_bytes / (2 * _BYTES_PER_ENTRY),
        search_seconds=search_seconds,
    )
    try:
        return EliminationSolver(core, limits)
    except TooEntangledError:
        return None


def _num_uncertain(graph: CompiledGraph) -> int:
    """Returns how many strengths, and priors of argued claims, are neither 0 nor 1."""
    prior = graph.prior[graph.is_argued]
    return int(((graph.strength > 0) & (graph.strength < 1)).sum() + ((prior > 0) & (prior < 1)).sum())
