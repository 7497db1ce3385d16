"""Same-decision probabilities against the definition by enumeration, and against closed forms."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom, norm

from argtree import Argument, ArgumentGraph, Claim, Normal, Premise, Quantity, Root, Threshold, propagate
from argtree.rank import open_rows
from argtree.stopping import same_decision
from tests.argtree.random_graphs import joint, random_graph


def _enumerated(graph: ArgumentGraph, root: str, threshold: float) -> float:
    states, weight = joint(graph)
    weight = weight / weight.sum()
    is_root, rows = states[:, graph.index[root]] == 1, open_rows(propagate(graph))
    now, total = weight[is_root].sum(), 0.0
    for found in product((0, 1), repeat=len(rows)):
        held = (states[:, rows] == found).all(axis=1)
        prob = weight[held].sum()
        if prob > 0 and (weight[held & is_root].sum() / prob >= threshold - 1e-12) == (now >= threshold - 1e-12):
            total += prob
    return float(total)


def _check(graph: ArgumentGraph, threshold: float) -> None:
    for root in graph.roots:
        found = same_decision(graph, root.claim, threshold)
        assert found.exact and found.low == found.prob == found.high
        assert found.prob == pytest.approx(_enumerated(graph, root.claim, threshold), abs=1e-9)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(st.integers(0, 2**32), st.booleans(), st.sampled_from([0.0, 0.3]), st.floats(0.05, 0.95))
def test_equals_enumeration_on_any_graph(seed: int, tree: bool, sharp: float, threshold: float) -> None:
    graph = random_graph(np.random.default_rng(seed), 7, tree, sharp)
    if joint(graph)[1].sum() > 0:
        _check(graph, threshold)


@pytest.mark.parametrize("tree", [True, False])
def test_equals_enumeration_where_argued_claims_are_asked_about(tree: bool) -> None:
    for seed in range(25):
        rng = np.random.default_rng([seed, 8])
        graph = random_graph(rng, 6, tree, sharp=0.0)
        claims = [replace(claim, askable=bool(rng.random() < 0.6)) for claim in graph.claims]
        _check(replace(graph, claims=claims), 0.5)


def _many_reasons(count: int, strength: float, twisted: int = 0) -> ArgumentGraph:
    """A root with so many equal reasons; the first `twisted` of them also speak against it."""
    claims = [Claim("root", "", 0.0), *(Claim(f"c{i}", "", 0.3) for i in range(count))]
    arguments = [Argument(f"a{i}", "root", "support", strength, [Premise(f"c{i}")]) for i in range(count)]
    arguments += [Argument(f"b{i}", "root", "attack", 0.1, [Premise(f"c{i}")]) for i in range(twisted)]
    return ArgumentGraph(claims, arguments, [Root("root")])


def test_more_unknowns_than_can_be_enumerated_by_bounds() -> None:
    # P(root) reaches 0.5 from 1 reason of 40 on: 1 - 0.45 >= 0.5. None hold with probability 0.7^40.
    found = same_decision(_many_reasons(40, 0.55), "root")
    assert found.exact and found.prob == pytest.approx(1 - 0.7**40, rel=1e-9) and found.propagations < 200
    few = same_decision(_many_reasons(12, 0.25), "root")  # from 3 of 12 on: 0.75^3 < 0.5 < 0.75^2
    assert few.exact and few.prob == pytest.approx(1 - binom.cdf(2, 12, 0.3), rel=1e-9)


@pytest.mark.parametrize("twisted", [0, 4, 30])
def test_what_is_not_decided_is_sampled_with_its_error(twisted: int) -> None:
    graph = _many_reasons(30, 0.1, twisted)
    found = same_decision(graph, "root", max_propagations=400)
    both, others = np.arange(twisted + 1)[:, np.newaxis], np.arange(31 - twisted)
    prob = (1 - 0.9 ** (both + others)) * 0.9**both
    mass = binom.pmf(both, twisted, 0.3) * binom.pmf(others, 30 - twisted, 0.3)
    expected = mass[(prob >= 0.5) == (propagate(graph).prob[0] >= 0.5)].sum()
    assert not found.exact and found.propagations <= 400 and found.low <= expected <= found.high
    assert 0 < found.standard_error < 0.05 and found.prob == pytest.approx(expected, abs=4 * found.standard_error)
    assert found == same_decision(graph, "root", max_propagations=400)


def test_dependent_unknowns_past_enumeration_are_sampled() -> None:
    graph = _many_reasons(20, 0.1, twisted=2)
    told = replace(graph, evidence={"root": (0.3, 0.6)})
    found = same_decision(told, "root", max_propagations=400)
    assert not found.exact and found.propagations <= 400 and 0 < found.standard_error < 0.15


def test_a_settled_root_stays_as_it_is() -> None:
    graph = ArgumentGraph([Claim("root", "", 0.4), Claim("other", "", 0.5)], (), [Root("root")])
    assert same_decision(replace(graph, claims=(Claim("root", "", 0.4, False), graph.claims[1])), "root").prob == 1
    assert same_decision(graph, "root").prob == pytest.approx(0.6)  # the root itself may be asked about
    with pytest.raises(ValueError, match="threshold is 1.5"):
        same_decision(graph, "root", 1.5)


def test_claims_about_one_number_are_not_taken_as_independent() -> None:
    claims = [Claim("root", "", 0.0), Claim("low", "", 0.0, about=Threshold("x", "<", -1.0))]
    claims.append(Claim("high", "", 0.0, about=Threshold("x", ">", 1.0)))
    arguments = [Argument(name, "root", "support", 0.6, [Premise(name)]) for name in ("low", "high")]
    graph = ArgumentGraph(claims, arguments, [Root("root")], quantities=[Quantity("x", "", "m", Normal(0.0, 1.0))])
    # One of them at most holds, so the root is never likelier than 0.6.
    assert same_decision(graph, "root", 0.7).prob == pytest.approx(1.0)
    assert same_decision(graph, "root", 0.5).prob == pytest.approx(1 - 2 * norm.sf(1.0))
