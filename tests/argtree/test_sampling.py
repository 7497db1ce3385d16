"""Sampled cores against the whole joint, and their standard errors against the errors that are made."""

from __future__ import annotations

from itertools import count

import numpy as np
import pytest

from argtree import sampling
from argtree.budget import Budget
from argtree.compiled import compile_graph, fold_certain
from argtree.core import Core, Solution
from argtree.cutset import choose_cutset
from argtree.errors import ImpossibleEvidenceError, TooEntangledError
from argtree.graph import Argument, ArgumentGraph, Claim, Premise
from argtree.sampling import NUM_GROUPS, SamplingSolver, jackknife_error
from tests.argtree.random_graphs import joint

FloatArray = np.ndarray


@pytest.fixture(autouse=True)
def small_tables(monkeypatch: pytest.MonkeyPatch) -> None:
    """Graphs that can be enumerated have to be sampled."""
    monkeypatch.setattr(sampling, "MAX_ENTRIES", 4)


def entangled(seed: int, num_claims: int = 12, num_labels: int = 0) -> ArgumentGraph:
    """Returns a graph whose claims share premises; the later half is argued, `num_labels` of it with soft evidence."""
    rng = np.random.default_rng(seed)
    claims = [Claim(f"c{i}", f"c{i}", float(rng.uniform(0.05, 0.6))) for i in range(num_claims)]
    arguments = []
    for i in range(num_claims // 2, num_claims):
        for place in range(2):
            premises = [Premise(f"c{j}", bool(rng.random() < 0.8)) for j in rng.choice(i, 2, replace=False)]
            polarity = "attack" if place and rng.random() < 0.4 else "support"
            arguments.append(Argument(f"a{i}.{place}", f"c{i}", polarity, float(rng.uniform(0.5, 1)), premises))
    labelled = rng.choice(np.arange(num_claims // 2, num_claims - 1), num_labels, replace=False)
    evidence = {f"c{i}": tuple(rng.uniform(0.1, 1, 2).tolist()) for i in labelled.tolist()}
    return ArgumentGraph(claims, arguments, [], evidence)


def as_core(graph: ArgumentGraph, outputs: list[int]) -> tuple[Core, FloatArray]:
    """Returns the whole graph as one core, and its indicators."""
    folded, _ = fold_certain(compile_graph(graph))
    message = np.stack([1 - folded.prior, folded.prior], axis=1)
    return Core(folded, np.array(outputs)), folded.evidence * np.where(folded.is_argued[:, np.newaxis], 1.0, message)


def solver(
    core: Core, seed: int = 0, seconds: float = 0, precision: float = 1e-12, memory: int = 2**28
) -> SamplingSolver:
    """Each round takes a second by its clock."""
    ticks = count()
    budget = Budget(precision=precision, memory_bytes=memory)
    rng = np.random.default_rng(seed)
    return SamplingSolver(core, rng=rng, budget=budget, clock_fn=lambda: float(next(ticks)), seconds=seconds)


def figures(solution: Solution, indicator: FloatArray) -> FloatArray:
    """Returns [J, T + 2 N T]: P(output), then P(output | claim false), then P(output | claim true)."""
    given = solution.derivative[..., 1] / solution.derivative.sum(axis=-1)  # [J, N, 2, T]
    prob = solution.total[..., 1] / solution.total.sum(axis=-1)
    return np.concatenate([prob, np.moveaxis(given, 1, 2).reshape(len(prob), -1)], axis=1)


def exact_figures(graph: ArgumentGraph, outputs: list[int]) -> FloatArray:
    states, weight = joint(graph)
    prob = [weight @ states[:, t] / weight.sum() for t in outputs]
    for v in (0, 1):
        for c in range(len(graph.claims)):
            given = weight * (states[:, c] == v)
            prob += [given @ states[:, t] / given.sum() for t in outputs]
    return np.array(prob)


@pytest.mark.parametrize("num_labels", [0, 3])
@pytest.mark.parametrize("seed", range(5))
def test_agrees_with_the_joint_within_its_errors(seed: int, num_labels: int) -> None:
    graph, outputs = entangled(seed, num_labels=num_labels), [11, 9]
    core, indicator = as_core(graph, outputs)
    sampled = solver(core, seed, seconds=12)
    found = figures(sampled.solve(indicator), indicator)
    assert len(sampled.held) > 1
    error = jackknife_error(found)
    assert error.max() < 0.05
    assert (np.abs(found[0] - exact_figures(graph, outputs)) <= 5 * error + 1e-9).all()


@pytest.mark.parametrize("num_labels", [0, 3])
def test_standard_errors_are_the_errors_made(num_labels: int) -> None:
    """Student's t with 19 degrees of freedom: 67 % within one, 94 % within two; three binomial deviations allowed."""
    graph, num_seeds = entangled(1, num_labels=num_labels), 200
    core, indicator = as_core(graph, [11])
    exact, z = exact_figures(graph, [11]), []
    for seed in range(num_seeds):
        found = figures(solver(core, seed).solve(indicator), indicator)
        with np.errstate(invalid="ignore", divide="ignore"):  # P(c11 | c11 true) has no error
            z.append((found[0] - exact) / jackknife_error(found))
    of_root = np.array(z)[:, 0]
    assert abs((np.abs(of_root) < 1).mean() - 0.67) < 3 * 0.033
    assert abs((np.abs(of_root) < 2).mean() - 0.94) < 3 * 0.017
    assert abs(of_root.mean()) < 0.25
    held = [1 + v * 12 + c for v in (0, 1) for c in solver(core).held.tolist() if c != 11]
    assert 0.55 < (np.abs(np.array(z)[:, held]) < 1).mean() < 0.75


def test_is_exact_where_the_held_claims_do_not_matter() -> None:
    """The root stands apart from what is entangled: every sample gives the same figure."""
    graph = entangled(2)
    apart = Argument("apart", "root", "support", 0.5, [Premise("leaf")])
    graph = ArgumentGraph(
        [*graph.claims, Claim("leaf", "leaf", 0.25), Claim("root", "root", 0.0)], [*graph.arguments, apart]
    )
    core, indicator = as_core(graph, [13])
    found = figures(solver(core).solve(indicator), indicator)
    assert found[0, 0] == pytest.approx(0.125, rel=1e-12)
    assert jackknife_error(found).max() < 1e-12


def test_the_same_seed_gives_the_same_answer_however_much_memory_there_is() -> None:
    core, indicator = as_core(entangled(3, num_labels=2), [11, 10, 9])
    first, again = (solver(core, 7, memory=memory).solve(indicator) for memory in (2**28, 40_000))
    np.testing.assert_allclose(first.total / first.total.sum(), again.total / again.total.sum(), rtol=1e-12)
    np.testing.assert_allclose(figures(first, indicator), figures(again, indicator), rtol=1e-9)


def test_stops_at_the_precision_asked_for() -> None:
    core, indicator = as_core(entangled(3), [11])
    coarse, fine = (solver(core, precision=precision, seconds=200) for precision in (0.02, 0.001))
    for sampled in (coarse, fine):
        found = sampled.solve(indicator)
        assert jackknife_error(found.total[..., 1] / found.total.sum(axis=2)).max() <= (
            0.02 if sampled is coarse else 0.001
        )
    assert coarse.num_samples < fine.num_samples


def test_likelihoods_may_be_tiny() -> None:
    graph = entangled(1, num_labels=3)
    core, indicator = as_core(graph, [11])
    plain = figures(solver(core).solve(indicator), indicator)
    scale = 10.0 ** -np.arange(300 - len(indicator), 300)[:, np.newaxis]
    np.testing.assert_allclose(figures(solver(core).solve(indicator * scale), indicator), plain, rtol=1e-9)


def test_says_that_no_sample_fits() -> None:
    """c is hardly ever true, and certainly is: no sample shows it, which does not prove that it cannot be."""
    arguments = [
        Argument("1", "c", "support", 1.0, [Premise("x")]),
        Argument("2", "d", "support", 0.9, [Premise("c"), Premise("y")]),
        Argument("3", "e", "support", 0.8, [Premise("c"), Premise("y", False)]),
        Argument("4", "r", "support", 0.7, [Premise("d"), Premise("e")]),
    ]
    graph = ArgumentGraph([Claim(name, name, 0.5 if name == "y" else 0.0) for name in "xycder"], arguments)
    core = Core(compile_graph(graph), np.array([5]))
    indicator = np.ones((6, 2))
    indicator[0], indicator[2] = (1.0, 1e-30), (0.0, 1.0)
    with pytest.raises(TooEntangledError, match="None of 160 samples fits"):
        solver(core).solve(indicator)
    indicator[0] = 0.0
    with pytest.raises(ImpossibleEvidenceError):
        solver(core).solve(indicator)


def test_a_rare_state_is_drawn_all_the_same() -> None:
    graph = entangled(1)
    core, indicator = as_core(graph, [11])
    rare = [row for row in solver(core).held.tolist() if not core.graph.is_argued[row]]
    assert rare
    indicator[rare] = (1.0, 1e-6)
    found = solver(core, seconds=12).solve(indicator)
    assert (found.derivative[:, rare].sum(axis=(3, 4)) > 0).all()


def test_jackknife_error_of_a_mean_is_the_usual_one() -> None:
    values = np.random.default_rng(0).normal(size=NUM_GROUPS)
    left_out = (values.sum() - values) / (NUM_GROUPS - 1)
    usual = values.std(ddof=1) / np.sqrt(NUM_GROUPS)
    assert jackknife_error(np.concatenate([[values.mean()], left_out])) == pytest.approx(usual)
    assert (jackknife_error(np.ones((1, 3))) == 0).all()


def test_error_is_infinite_where_one_group_alone_knows() -> None:
    assert jackknife_error(np.array([0.5, 0.5, np.nan, 0.5])) == np.inf


def test_cutset_breaks_all_large_tables() -> None:
    """A grid needs tables of 2^5 to be summed out; with its middle column held two rows of three are left."""
    grid = np.arange(25).reshape(5, 5)
    scopes = [*zip(grid[:, :-1].flat, grid[:, 1:].flat, strict=True), *zip(grid[:-1].flat, grid[1:].flat, strict=True)]
    assert choose_cutset([2] * 25, scopes, range(25), 2**6) == ()
    held = choose_cutset([2] * 25, scopes, range(25), 2**3)
    assert 0 < len(held) <= 8
