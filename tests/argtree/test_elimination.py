"""The solver by elimination against enumeration in exact fractions, and the order's promises."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from itertools import product

import numpy as np
import pytest

from argtree.compiled import CompiledGraph, compile_graph, fold_certain
from argtree.core import Core, Solution
from argtree.elimination import Limits, find_order
from argtree.elimination_solver import EliminationSolver
from argtree.errors import TooEntangledError
from argtree.factors import build_factors
from argtree.graph import Argument, ArgumentGraph, Claim, Premise
from tests.argtree.random_graphs import random_graph

Exact = dict[tuple[int, int, int, int], Fraction]


def _conditional(graph: CompiledGraph, row: int, state: tuple[int, ...]) -> Fraction:
    """P(claim is as in the state | its premises), from DESIGN's formula."""
    off, keep = 1 - Fraction(graph.prior[row]), Fraction(1)
    for a in range(graph.argument_start[row], graph.argument_start[row + 1]):
        places = range(graph.premise_start[a], graph.premise_start[a + 1])
        if all(state[graph.premise[p]] == graph.holds[p] for p in places):
            miss = 1 - Fraction(graph.strength[a])
            off, keep = (off * miss, keep) if graph.is_support[a] else (off, keep * miss)
    prob = (1 - off) * keep
    return prob if state[row] else 1 - prob


def _enumerated(core: Core, indicator: np.ndarray) -> tuple[list[list[Fraction]], Exact]:
    """f with output t held at s, and [c, v, t, s] its derivatives."""
    graph, size = core.graph, len(indicator)
    total = [[Fraction(0)] * 2 for _ in core.outputs]
    derivative: Exact = {}
    pairs = [[Fraction(x) for x in pair] for pair in (indicator / indicator.sum(axis=1, keepdims=True)).tolist()]
    for state in product((0, 1), repeat=size):
        weight = Fraction(1)
        for row in np.flatnonzero(graph.is_argued).tolist():
            weight *= _conditional(graph, row, state)
        if weight == 0:
            continue
        for c in range(-1, size):  # c is left out of the product
            term = weight
            for other in range(size):
                if other != c:
                    term *= pairs[other][state[other]]
            for t, output in enumerate(core.outputs.tolist()):
                if c < 0:
                    total[t][state[output]] += term
                else:
                    key = c, state[c], t, state[output]
                    derivative[key] = derivative.get(key, Fraction(0)) + term
    return total, derivative


def _assert_equals(solution: Solution, total: list[list[Fraction]], derivative: Exact, rtol: float = 1e-6) -> None:
    whole = sum(total[0])
    np.testing.assert_allclose(solution.total[0], [[float(x / whole) for x in row] for row in total], rtol=1e-11)
    _, num_claims, _, num_outputs, _ = solution.derivative.shape
    for c, t in product(range(num_claims), range(num_outputs)):
        exact = [[derivative.get((c, v, t, s), Fraction(0)) / whole for s in (0, 1)] for v in (0, 1)]
        wanted = [[float(x) for x in row] for row in exact]
        np.testing.assert_allclose(solution.derivative[0, c, :, t], wanted, rtol=1e-11, atol=1e-300)
        determinant = exact[1][1] * exact[0][0] - exact[1][0] * exact[0][1]
        terms = exact[1][1] * exact[0][0] + exact[1][0] * exact[0][1]
        error = abs(Fraction(float(solution.determinant[0, c, t])) - determinant)
        assert error <= max(Fraction(rtol) * abs(determinant), Fraction(10) ** -18 * terms)


def _core(graph: ArgumentGraph, outputs: list[int]) -> Core:
    return Core(fold_certain(compile_graph(replace(graph, evidence={})))[0], np.array(outputs))


def _outputs(rng: np.random.Generator, size: int) -> list[int]:
    return rng.choice(size, min(size, int(rng.integers(1, 4))), replace=False).tolist()


@pytest.mark.parametrize("sharp", [0.0, 0.4])
def test_equals_enumeration_in_fractions(sharp: float) -> None:
    for seed in range(25):
        rng = np.random.default_rng([seed, 5])
        graph = random_graph(rng, 7, sharp=sharp)
        core = _core(graph, _outputs(rng, len(graph.claims)))
        indicator = rng.random((len(graph.claims), 2)) + 0.01
        _assert_equals(EliminationSolver(core).solve(indicator), *_enumerated(core, indicator))


def test_certain_evidence_equals_enumeration() -> None:
    for seed in range(25):
        rng = np.random.default_rng([seed, 6])
        graph = random_graph(rng, 7, sharp=0.0)
        core = _core(graph, _outputs(rng, len(graph.claims)))
        indicator = rng.random((len(graph.claims), 2))
        certain = rng.random(len(graph.claims)) < 0.3
        indicator[certain] = np.eye(2)[rng.integers(0, 2, certain.sum())]
        _assert_equals(EliminationSolver(core).solve(indicator), *_enumerated(core, indicator))


def _weak_core(seed: int, weakest: float) -> Core:
    """Strengths down to `weakest`, so that most claims hardly tell anything about the outputs."""
    rng = np.random.default_rng([seed, 8])
    graph = random_graph(rng, 8, sharp=0.0)
    arguments = [replace(one, strength=float(weakest ** rng.random())) for one in graph.arguments]
    graph = replace(graph, arguments=tuple(arguments))
    return _core(graph, [graph.index[f"c{len(graph.claims) - 1}"]])


@pytest.mark.parametrize("weakest", [1e-3, 1e-6, 1e-12])
def test_tiny_determinants_keep_their_digits(weakest: float) -> None:
    for seed in range(15):
        core = _weak_core(seed, weakest)
        rng = np.random.default_rng([seed, 9])
        indicator = weakest ** rng.random((core.graph.num_claims, 2))  # tiny probabilities too
        _assert_equals(EliminationSolver(core).solve(indicator), *_enumerated(core, indicator))


def test_a_chain_of_weak_steps_keeps_its_digits() -> None:
    claims = [Claim(f"c{i}", "", 0.3) for i in range(7)]
    arguments = [Argument(f"a{i}", f"c{i}", "support", 0.01, [Premise(f"c{i + 1}")]) for i in range(6)]
    core = _core(ArgumentGraph(claims, arguments), [0])
    indicator = np.full((7, 2), 0.5)
    _assert_equals(EliminationSolver(core).solve(indicator), *_enumerated(core, indicator), rtol=1e-9)


def test_taking_outputs_in_portions_changes_nothing() -> None:
    graph = random_graph(np.random.default_rng(4), 9, sharp=0.0)
    core = _core(graph, list(range(len(graph.claims))))
    indicator = np.random.default_rng(5).random((len(graph.claims), 2))
    together = EliminationSolver(core).solve(indicator)
    apart = EliminationSolver(core, Limits(max_entries=2000)).solve(indicator)
    np.testing.assert_allclose(apart.derivative, together.derivative, rtol=1e-12)


def test_holding_variables_where_memory_is_short_changes_nothing() -> None:
    for seed in range(10):
        rng = np.random.default_rng([seed, 11])
        graph = random_graph(rng, 9, sharp=0.0)
        core = _core(graph, _outputs(rng, len(graph.claims)))
        indicator = rng.random((len(graph.claims), 2))
        whole = EliminationSolver(core)
        sliced = EliminationSolver(core, Limits(max_entries=0.6 * whole.order.num_entries))
        assert sliced.order.held
        for name in ("total", "derivative", "determinant"):
            expected = getattr(whole.solve(indicator), name)
            np.testing.assert_allclose(getattr(sliced.solve(indicator), name), expected, rtol=1e-9, atol=1e-15)


def _entangled_core() -> Core:
    rng = np.random.default_rng(0)
    claims = [Claim(f"c{i}", "", 0.3) for i in range(60)]
    arguments = [
        Argument(f"a{i}.{k}", f"c{i}", "support", 0.5, [Premise(f"c{j}") for j in rng.choice(i, 3, replace=False)])
        for i in range(20, 60)
        for k in range(2)
    ]
    return _core(ArgumentGraph(claims, arguments), [59])


def test_more_search_finds_no_worse_order_and_the_same_every_time() -> None:
    factors = build_factors(_entangled_core().graph)
    scopes = [factor.scope for factor in factors.factors]
    short, long, again = (
        find_order(factors.sizes, factors.num_claims, scopes, Limits(2.0**60, 2.0**60, seconds))
        for seconds in (0.0, 0.5, 0.5)
    )
    assert long.num_products < short.num_products
    assert long == again


def test_what_costs_too_much_is_refused() -> None:
    with pytest.raises(TooEntangledError, match="1,000 products"):
        EliminationSolver(_entangled_core(), Limits(max_products=1000))


def test_contradictory_evidence_makes_everything_zero() -> None:
    claims = [Claim("root", "", 0.0), Claim("premise", "", 0.5)]
    core = _core(ArgumentGraph(claims, [Argument("a", "root", "support", 0.5, [Premise("premise")])]), [0])
    solution = EliminationSolver(core).solve(np.array([[0.0, 1.0], [1.0, 0.0]]))
    assert not solution.total.any() and not solution.derivative.any()
