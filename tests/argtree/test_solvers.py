"""Every solver of cores against the polynomial summed over all states, in 50 decimal digits."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal, localcontext
from functools import cache
from itertools import product

import numpy as np
import pytest

from argtree.compiled import CompiledGraph, FloatArray, compile_graph, fold_certain
from argtree.core import Core, Solution, Solver
from argtree.diagram import DiagramSolver
from argtree.elimination_solver import EliminationSolver
from argtree.graph import Argument, ArgumentGraph, Claim, Premise
from tests.argtree.random_graphs import random_graph

SOLVERS: dict[str, Callable[[Core], Solver]] = {
    "elimination": EliminationSolver,
    "diagram": lambda core: DiagramSolver(core, max_nodes=2**16, seconds=60.0, now=time.monotonic),
}
"""Exact solvers by layer."""


@dataclass(frozen=True)
class Summed:
    """The fields of `Solution` without the axis J, of dtype object (Decimal)."""

    total: np.ndarray  # [T, 2]
    derivative: np.ndarray  # [N, 2, T, 2]

    @property
    def determinant(self) -> np.ndarray:
        """[N, T]."""
        d = self.derivative
        return d[:, 1, :, 1] * d[:, 0, :, 0] - d[:, 1, :, 0] * d[:, 0, :, 1]


def sum_all_states(core: Core, indicator: FloatArray) -> Summed:
    """Returns f and its derivatives straight from the definition, in 50 digits."""
    with localcontext(prec=50):
        return _sum_all_states(core, indicator)


def _sum_all_states(core: Core, indicator: FloatArray) -> Summed:
    num_claims, num_outputs = core.graph.num_claims, len(core.outputs)
    weights = [[Decimal(value) for value in pair] for pair in indicator.tolist()]
    total = np.full((num_outputs, 2), Decimal(0))
    derivative = np.full((num_claims, 2, num_outputs, 2), Decimal(0))
    for state in product((0, 1), repeat=num_claims):
        given = Decimal(1)
        for claim in np.flatnonzero(core.graph.is_argued).tolist():
            true = prob_true(core.graph, claim, state)
            given *= true if state[claim] else 1 - true
        if not given:
            continue
        factors = [weights[c][state[c]] for c in range(num_claims)]
        held = core.outputs, np.array(state)[core.outputs]
        everything = given * _product(factors)
        total[np.arange(num_outputs), held[1]] += everything
        for c in range(num_claims):
            others = given * _product(factors[:c] + factors[c + 1 :])
            derivative[c, state[c], np.arange(num_outputs), held[1]] += others
    return Summed(total, derivative)


def prob_true(graph: CompiledGraph, claim: int, state: tuple[int, ...]) -> Decimal:
    """Returns P(claim | premises), the formula of docs/design.md letter for letter."""
    off, keep = 1 - Decimal(graph.prior[claim]), Decimal(1)
    for a in range(graph.argument_start[claim], graph.argument_start[claim + 1]):
        places = range(graph.premise_start[a], graph.premise_start[a + 1])
        fires = all(state[graph.premise[p]] == graph.holds[p] for p in places)
        if graph.is_support[a]:
            off *= 1 - Decimal(graph.strength[a]) * fires
        else:
            keep *= 1 - Decimal(graph.strength[a]) * fires
    return (1 - off) * keep


def _product(factors: list[Decimal]) -> Decimal:
    result = Decimal(1)
    for factor in factors:
        result *= factor
    return result


def random_core(rng: np.random.Generator, max_claims: int = 9, sharp: float = 0.15) -> tuple[Core, FloatArray]:
    """Returns a whole random graph as one core, with random outputs, and indicators, some of them zero or ones."""
    graph, _ = fold_certain(compile_graph(random_graph(rng, max_claims, sharp=sharp)))
    outputs = rng.choice(graph.num_claims, int(rng.integers(1, min(3, graph.num_claims) + 1)), replace=False)
    indicator = rng.random((graph.num_claims, 2)) * 10.0 ** rng.integers(-3, 4)
    indicator[graph.is_argued & (rng.random(graph.num_claims) < 0.6)] = 1.0
    certain = rng.random(graph.num_claims) < 0.1
    indicator[certain, rng.integers(0, 2, certain.sum())] = 0.0
    return Core(graph, outputs), indicator


def assert_equal(solution: Solution, expected: Summed) -> None:
    """Compares up to the free scales, determinants to 1e-6 of themselves down to 1e-12 of their terms."""
    with localcontext(prec=50):
        _assert_equal(solution, expected)


def _assert_equal(solution: Solution, expected: Summed) -> None:
    assert solution.total.shape[0] == 1, "an exact solver has one replicate"
    np.testing.assert_allclose(*_scaled(solution.total[0], expected.total), rtol=1e-9)
    for c in range(len(expected.derivative)):
        found, wanted = solution.derivative[0, c], expected.derivative[c]
        np.testing.assert_allclose(*_scaled(found, wanted), rtol=1e-9, err_msg=f"claim {c}")
        scale = Decimal(float(found.sum())) / wanted.sum() if wanted.sum() else Decimal(0)
        terms = (wanted[1, :, 1] * wanted[0, :, 0] + wanted[1, :, 0] * wanted[0, :, 1]) * scale**2
        error = np.abs(solution.determinant[0, c] - (expected.determinant[c] * scale**2).astype(float))
        size = np.maximum(np.abs(expected.determinant[c] * scale**2), terms / 10**12).astype(float)
        assert (error <= 1e-6 * size).all(), f"determinant of claim {c}"


def _scaled(found: FloatArray, wanted: np.ndarray) -> tuple[FloatArray, FloatArray]:
    """Returns both divided by their sums, where there is anything."""
    total = wanted.sum()
    return found / (found.sum() or 1.0), (wanted / total if total else wanted).astype(np.float64)


@cache
def problem(seed: int, sharp: float = 0.15) -> tuple[Core, FloatArray, Summed]:
    """A random core, indicators, and what follows: worked out once for all solvers."""
    core, indicator = random_core(np.random.default_rng(seed), sharp=sharp)
    return core, indicator, sum_all_states(core, indicator)


each_solver = pytest.mark.parametrize("solver_of", SOLVERS.values(), ids=SOLVERS)


@each_solver
@pytest.mark.parametrize("seed", range(60))
def test_sums_over_all_states(solver_of: Callable[[Core], Solver], seed: int) -> None:
    core, indicator, expected = problem(seed)
    assert_equal(solver_of(core).solve(indicator), expected)


@each_solver
@pytest.mark.parametrize("seed", range(20))
def test_sums_over_all_states_of_plain_logic(solver_of: Callable[[Core], Solver], seed: int) -> None:
    core, indicator, expected = problem(seed, sharp=1.0)
    assert_equal(solver_of(core).solve(indicator), expected)


@each_solver
def test_one_solver_serves_any_indicators(solver_of: Callable[[Core], Solver]) -> None:
    rng = np.random.default_rng(7)
    core, indicator = random_core(rng)
    solver = solver_of(core)
    for _ in range(5):
        changed = np.where(rng.random((len(indicator), 1)) < 0.5, rng.random(indicator.shape), indicator)
        assert_equal(solver.solve(changed), sum_all_states(core, changed))


@each_solver
@pytest.mark.parametrize("rare", [1e-4, 1e-8, 1e-11])
def test_a_tiny_determinant_keeps_its_digits(solver_of: Callable[[Core], Solver], rare: float) -> None:
    """The root hardly depends on c: only with a rare accomplice, itself shared so that nothing is a tree."""
    claims = [Claim(name, name, 0.0 if name in "gr" else 0.5) for name in "crxygt"]
    claims[-1] = Claim("t", "t", 0.3)
    arguments = [
        Argument("1", "g", "support", 1.0, [Premise("c"), Premise("r")]),
        Argument("2", "t", "support", 0.9, [Premise("x"), Premise("y")]),
        Argument("3", "t", "support", 0.7, [Premise("g"), Premise("x")]),
        Argument("4", "t", "attack", 0.4, [Premise("r"), Premise("y")]),
    ]
    graph = compile_graph(ArgumentGraph(claims, arguments, [], {}))
    core = Core(graph, np.array([5]))
    indicator = np.array([[0.5, 0.5], [1 - rare, rare], [0.4, 0.6], [0.3, 0.7], [1, 1], [1, 1]])
    assert_equal(solver_of(core).solve(indicator), sum_all_states(core, indicator))
