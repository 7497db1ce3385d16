"""Claims about quantities against closed forms, samples and enumeration of the rewritten graph."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
import pytest
from scipy.stats import norm

from argtree import Argument, ArgumentGraph, Claim, ImpossibleEvidenceError, Premise, Root, TooEntangledError, propagate
from argtree.distributions import Distribution, LogNormal, Normal, Quantiles, Uniform
from argtree.graph import Comparison, Measurement, Quantity, Relation, Threshold
from argtree.quantities import beliefs, clusters, expand_quantities, holds, states
from tests.argtree.random_graphs import joint

KINDS: tuple[Distribution, ...] = (
    Normal(1.0, 0.5),
    LogNormal(-0.2, 0.7),
    Uniform(0.2, 2.0),
    Quantiles(((0.0, -1.0), (0.3, 0.9), (1.0, 2.5))),
)


def quantity(name: str, distribution: Distribution, unit: str = "m") -> Quantity:
    return Quantity(name, f"The length of {name}.", unit, distribution)


def below(name: str, value: float, relation: Relation = "<") -> Claim:
    return Claim(f"{name}{relation}{value}", f"{name} {relation} {value}", 0.0, about=Threshold(name, relation, value))


def less(name: str, other: str, relation: Relation = "<") -> Claim:
    return Claim(f"{name}{relation}{other}", f"{name} {relation} {other}", 0.0, about=Comparison(name, relation, other))


def graph_of(claims: Sequence[Claim], *distributions: Distribution) -> ArgumentGraph:
    quantities = tuple(map(quantity, "xyzvwu", distributions))
    return ArgumentGraph(tuple(claims), quantities=quantities)


def sampled(graph: ArgumentGraph, count: int, seed: int = 0) -> np.ndarray:
    """Returns [count, C] states of the claims about quantities by drawing the quantities."""
    rng = np.random.default_rng(seed)
    numbers = {name: belief.ppf(rng.random(count)) for name, belief in beliefs(graph).items()}
    return np.array([holds(claim.about, numbers) for claim in graph.claims if claim.about is not None]).T


def rewritten(graph: ArgumentGraph) -> dict[tuple[int, ...], float]:
    """Returns the joint distribution of the rewritten graph by enumeration."""
    rows, weights = joint(expand_quantities(graph))
    return {tuple(row): float(weight) for row, weight in zip(rows.tolist(), weights, strict=True) if weight > 0}


@pytest.mark.parametrize("distribution", KINDS)
def test_thresholds_of_one_quantity_keep_their_joint_distribution(distribution: Distribution) -> None:
    cuts = [1.1, 0.4, 0.4, 1.7]
    graph = graph_of(
        [below("x", cuts[0]), below("x", cuts[1], ">"), below("x", cuts[2]), below("x", cuts[3])], distribution
    )
    belief = beliefs(graph)["x"]
    bounds = [-np.inf, 0.4, 1.1, 1.7, np.inf]
    cells = [(1, 0, 1, 1), (1, 1, 0, 1), (0, 1, 0, 1), (0, 1, 0, 0)]
    expected = {
        cell: float(belief.cdf(b) - belief.cdf(a)) for cell, a, b in zip(cells, bounds, bounds[1:], strict=False)
    }
    assert rewritten(graph) == {cell: pytest.approx(prob, abs=1e-14) for cell, prob in expected.items()}


def test_far_tails_keep_their_digits() -> None:
    claims = [below("x", value, ">") for value in (10.0, 20.0, 30.0)]
    prob = propagate(graph_of(claims, Normal(0.0, 1.0))).prob
    np.testing.assert_allclose(prob, norm.sf([10.0, 20.0, 30.0]), rtol=1e-12)
    few = ArgumentGraph(
        tuple([*claims, less("x", "y")]), quantities=(quantity("x", Normal(0, 1)), quantity("y", Normal(0, 1)))
    )
    np.testing.assert_allclose(propagate(few).prob[:3], norm.sf([10.0, 20.0, 30.0]), rtol=1e-10)


def test_a_comparison_of_normals_is_the_closed_form() -> None:
    graph = graph_of([less("x", "y"), less("x", "y", ">")], Normal(1.0, 0.3), Normal(1.2, 0.4))
    prob = norm.cdf(0.2 / 0.5)
    np.testing.assert_allclose(propagate(graph).prob, [prob, 1 - prob], rtol=1e-13)


def test_orders_of_equals_are_equally_likely() -> None:
    pairs = ["xy", "xz", "xv", "yz", "yv", "zv"]
    graph = graph_of([less(*pair) for pair in pairs], *[LogNormal(0.0, 2.0)] * 4)
    (cluster,) = clusters(graph)
    found = states(cluster)
    assert len(found) == 24 and list(found.values()) == pytest.approx([1 / 24] * 24, rel=1e-12)


def test_linked_quantities_of_all_kinds_agree_with_samples() -> None:
    claims = [
        less("x", "y"),
        below("x", 1.0),
        less("z", "y", ">"),
        below("z", 0.8, ">"),
        less("v", "x"),
        below("v", 1.5),
    ]
    graph = graph_of(claims, *KINDS)
    exact = rewritten(graph)
    count = 200_000
    patterns, tally = np.unique(sampled(graph, count), axis=0, return_counts=True)
    for pattern, number in zip(patterns.astype(int).tolist(), tally.tolist(), strict=True):
        prob = exact[tuple(pattern)]
        assert abs(number / count - prob) < 5 * np.sqrt(prob / count)
    assert sum(exact.values()) == pytest.approx(1.0, rel=1e-12)


def test_linked_thresholds_keep_their_own_distribution_exactly() -> None:
    claims = [below("x", 0.9), less("x", "y"), below("y", 0.7, ">"), less("y", "z"), below("z", 0.3)]
    graph = graph_of(claims, *KINDS[:3])
    known = beliefs(graph)
    prob = propagate(graph).prob
    expected = [known["x"].cdf(0.9), known["y"].sf(0.7), known["z"].cdf(0.3)]
    np.testing.assert_allclose(prob[[0, 2, 4]], np.array(expected, dtype=float), rtol=1e-12)


def test_rewriting_keeps_ids_rows_roots_and_who_may_be_asked() -> None:
    claims = (
        Claim("r", "Root.", 0.1),
        below("x", 2.0),
        dataclasses.replace(below("x", 1.0), askable=False),
        less("x", "y"),
        below("x", 3.0),
    )
    arguments = (Argument("quantity-1", "r", "support", 0.5, (Premise("x<2.0"),)),)
    graph = ArgumentGraph(claims, arguments, (Root("r"),), {"x<2.0": (0.1, 0.9)}, graph_of((), *KINDS[:2]).quantities)
    plain = expand_quantities(graph)
    assert [claim.id for claim in plain.claims] == [claim.id for claim in claims] and plain.quantities == ()
    assert [plain.is_askable(claim.id) for claim in claims] == [False, True, False, True, True]
    assert (plain.roots, plain.evidence, plain.arguments[0]) == (graph.roots, graph.evidence, arguments[0])
    assert propagate(graph).graph is graph and expand_quantities(plain) is plain


def test_a_measurement_moves_the_root() -> None:
    claims = (Claim("r", "Root.", 0.0), below("x", 1.0))
    arguments = (Argument("a", "r", "support", 0.8, (Premise("x<1.0"),)),)
    quantities = (quantity("x", Normal(1.0, 1.0)),)
    graph = ArgumentGraph(claims, arguments, (Root("r"),), {}, quantities, (Measurement("x", 2.0, 1.0),) * 2)
    assert propagate(graph).prob[0] == pytest.approx(0.8 * norm.cdf(1.0, 5 / 3, np.sqrt(1 / 3)))


def test_a_measurement_that_cannot_be_is_named() -> None:
    quantities = (quantity("x", Uniform(0.0, 1.0)),)
    graph = ArgumentGraph((below("x", 0.5),), quantities=quantities, measurements=(Measurement("x", 9.0, 0.01),))
    with pytest.raises(ImpossibleEvidenceError, match="measured of the quantity 'x' has probability 0"):
        propagate(graph)


def test_too_many_linked_are_refused_before_any_work() -> None:
    claims = [less("x", "y"), *(below("x", float(value)) for value in range(10))]
    with pytest.raises(TooEntangledError, match="2 quantities with 11 claims"):
        propagate(graph_of(claims, *KINDS[:2]))


def test_a_thousand_thresholds_of_one_quantity_are_no_trouble() -> None:
    values = np.linspace(-3, 3, 1000)
    graph = graph_of([below("x", float(value)) for value in np.random.default_rng(0).permutation(values)], Normal(0, 1))
    np.testing.assert_allclose(np.sort(propagate(graph).prob), norm.cdf(values), rtol=1e-10)


X = quantity("x", Normal(0.0, 1.0))


@pytest.mark.parametrize(
    "parts, offender",
    [
        ({"quantities": [X, X]}, "two quantities with the id 'x'"),
        ({"quantities": [dataclasses.replace(X, id="")]}, "a quantity's id is ''"),
        ({"quantities": [dataclasses.replace(X, unit=None)]}, "the unit of quantity 'x' is None"),
        ({"quantities": [dataclasses.replace(X, distribution=1.0)]}, "the distribution of quantity 'x' is 1.0"),
        ({"measurements": [Measurement("y", 1.0, 1.0)]}, "a measurement of 'y', which is not"),
        ({"measurements": [Measurement("x", float("inf"), 1.0)]}, "a measurement of 'x' is inf"),
        ({"measurements": [Measurement("x", 1.0, 0.0)]}, "the sd of a measurement of 'x' is 0.0"),
        ({"measurements": [Measurement("x", 1.0, 1e-12)]}, "at least 1e-09 of its value"),
        ({"claims": [below("q", 1.0)]}, "is about 'q', which is not"),
        ({"claims": [below("x", float("nan"))]}, "the threshold of claim 'x<nan' is nan"),
        ({"claims": [below("x", 1.0, "=")]}, "the relation of claim 'x=1.0' is '='"),
        ({"claims": [dataclasses.replace(below("x", 1.0), prior=0.5)]}, "0.5 must be 0"),
        ({"claims": [less("x", "x")]}, "compares 'x' with itself"),
        ({"claims": [less("x", "y")], "quantities": [X, quantity("y", Normal(0, 1), "s")]}, "their units differ"),
        (
            {"claims": [below("x", 1.0)], "arguments": [Argument("a", "x<1.0", "support", 0.5, ())]},
            "no argument may conclude it",
        ),
    ],
)
def test_what_is_wrong_is_refused_by_name(parts: dict[str, object], offender: str) -> None:
    with pytest.raises(ValueError, match=offender):
        ArgumentGraph(**{"claims": [], "quantities": [X], **parts})  # type: ignore[arg-type]
