"""Which solver takes which core: the cheapest that fits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from argtree.budget import Budget
from argtree.core import Core, Solver
from argtree.elimination_solver import EliminationSolver


@dataclass(frozen=True)
class Limits:
    """What the solvers of one propagation may use, and until when."""

    budget: Budget
    clock_fn: Callable[[], float]  # seconds on any steady clock
    deadline: float  # by that clock


def prepare(core: Core, limits: Limits) -> Solver:
    """Returns a solver for the core."""
    return EliminationSolver(core)
