"""Decision diagrams beyond the contract in `test_solvers`: real fault trees, depth, caps."""

from __future__ import annotations

import json
import time
from itertools import count
from pathlib import Path

import numpy as np
import pytest

from argtree import MEASURES, Argument, ArgumentGraph, Claim, Premise, TooEntangledError, boolean, read_graph
from argtree.boolean import ORDERS, Order, order_variables
from argtree.compiled import CompiledGraph, FloatArray, compile_graph, fold_certain
from argtree.core import Core
from argtree.diagram import DiagramSolver
from argtree.value import value_of_information
from tests.argtree.test_solvers import assert_equal, random_core, sum_all_states


def _solver(core: Core, max_nodes: int = 2**20) -> DiagramSolver:
    return DiagramSolver(core, max_nodes, 60.0, time.monotonic)


def _priors(graph: CompiledGraph) -> FloatArray:
    """Indicators [N, 2] that say nothing but the priors of claims without arguments."""
    prior = np.stack([1 - graph.prior, graph.prior], axis=1)
    return np.where(graph.is_argued[:, np.newaxis], 1.0, prior)


@pytest.mark.parametrize("name", ["chinese", "das9201", "edf9206", "edfpa15r", "isp9602"])
def test_agrees_with_outside_software_on_real_fault_trees(outside_graphs: Path, name: str) -> None:
    graph = read_graph(outside_graphs / f"aralia_{name}.json")
    expected = json.loads((outside_graphs / f"aralia_{name}.expected.json").read_text())
    compiled, _ = fold_certain(compile_graph(graph))
    core = Core(compiled, np.array([graph.index[graph.roots[0].claim]]))
    solution = _solver(core).solve(_priors(compiled))
    total = solution.total[0, 0]
    assert total[1] / total.sum() == pytest.approx(expected["root_prob"], abs=1e-9)
    rows = [graph.index[row["claim"]] for row in expected["values"]]
    prob = np.array([row["prob"] for row in expected["values"]])
    false, true = (_ratio(solution.derivative[0, rows, state, 0]) for state in (0, 1))
    for measure in MEASURES:
        value = value_of_information(measure, prob, expected["root_prob"], true - false)
        np.testing.assert_allclose(value, [row[measure] for row in expected["values"]], atol=1e-9, rtol=0)


def _ratio(pair: FloatArray) -> FloatArray:
    return np.asarray(pair[..., 1] / pair.sum(axis=-1))


def _ladder(rungs: int) -> CompiledGraph:
    """Claim g_i holds if g_(i-1) and x_i do, or if y_i does: rows 3 i, 3 i - 2 and 3 i - 1, and 0 for g_0."""
    claims, arguments = [Claim("g0", "", 0.5)], []
    for i in range(1, rungs + 1):
        claims += [Claim(f"x{i}", "", 0.5), Claim(f"y{i}", "", 0.5), Claim(f"g{i}", "", 0.0)]
        both = [Premise(f"g{i - 1}"), Premise(f"x{i}")]
        arguments.append(Argument(f"a{i}", f"g{i}", "support", 1.0, both))
        arguments.append(Argument(f"b{i}", f"g{i}", "support", 1.0, [Premise(f"y{i}")]))
    return compile_graph(ArgumentGraph(claims, arguments, [], {}))


@pytest.mark.parametrize("rungs", [200, 3_400])
def test_tiny_effects_keep_six_digits_over_thousands_of_levels(rungs: int) -> None:
    """P(top | g_k) - P(top | not g_k) is the product of P(x_i and not y_i) over the rungs above: down to 1e-12."""
    graph = _ladder(rungs)
    indicator = np.ones((graph.num_claims, 2))
    step = 1e-12 ** (1 / rungs)
    indicator[1::3] = 1 - np.sqrt(step), np.sqrt(step)
    indicator[2::3] = indicator[1::3, ::-1]
    solution = _solver(Core(graph, np.array([3 * rungs]))).solve(indicator)
    given = solution.derivative[0, ::3, :, 0].sum(axis=-1)  # [rungs + 1, 2] of g_k
    effect = solution.determinant[0, ::3, 0] / given.prod(axis=1)
    np.testing.assert_allclose(effect, step ** np.arange(rungs, -1.0, -1.0), rtol=1e-6)


@pytest.mark.parametrize("order", ORDERS)
def test_a_claim_comes_after_all_that_it_rests_on(order: Order) -> None:
    for seed in range(20):
        core, _ = random_core(np.random.default_rng(seed))
        graph, variables = core.graph, order_variables(core, order)
        used = np.concatenate([variables.claim, variables.leak, variables.works])
        assert sorted(used[used >= 0]) == list(range(variables.num_levels - 1))
        conclusion = graph.conclusion[graph.argument]
        assert (variables.claim[conclusion] > variables.claim[graph.premise]).all()
        assert (variables.claim > variables.leak).all()
        assert (variables.claim[graph.conclusion] > variables.works).all()


def test_evidence_on_more_claims_than_before_is_taken_in() -> None:
    core, indicator = random_core(np.random.default_rng(3), sharp=0.5)
    solver = _solver(core)
    for claim in np.flatnonzero(core.graph.is_argued).tolist():
        indicator[claim] = 0.2, 0.9
        assert_equal(solver.solve(indicator), sum_all_states(core, indicator))


def test_evidence_that_entangles_too_much_leaves_the_solver_as_it_was() -> None:
    graph, top = _ladder(50), 150
    solver, indicator = _solver(Core(graph, np.array([top])), 700), np.ones((graph.num_claims, 2))
    before = solver.solve(indicator)
    evidence = np.where(graph.is_argued[:, np.newaxis], [0.3, 0.6], 1.0)
    with pytest.raises(TooEntangledError):
        solver.solve(evidence)
    np.testing.assert_array_equal(solver.solve(indicator).derivative, before.derivative)


def test_too_many_nodes_is_said() -> None:
    core = Core(_ladder(50), np.array([150]))
    assert _solver(core, 10_000).num_nodes < 10_000
    with pytest.raises(TooEntangledError, match="nodes"):
        _solver(core, 150)


def test_too_little_time_is_said() -> None:
    clock = count()
    with pytest.raises(TooEntangledError, match="within 10 seconds"):
        DiagramSolver(Core(_ladder(50), np.array([150])), 2**16, 10.0, lambda: float(next(clock)))


def test_too_many_variables_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(boolean, "MAX_VARIABLES", 100)
    with pytest.raises(TooEntangledError, match="152 variables"):
        _solver(Core(_ladder(50), np.array([150])))
