"""What holds of any graph: `propagate` against enumeration, and changes to a graph that change nothing or one thing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from argtree import Argument, ArgumentGraph, Claim, ImpossibleEvidenceError, Premise, Propagation, Root, propagate
from benchmarks.random_dags import random_dag
from tests.argtree.random_graphs import joint, random_graph

TOLERANCE = 1e-10


def _property(max_examples: int, max_claims: int = 9):  # type: ignore[no-untyped-def]
    """Runs a test on random graphs; `sharp` of their numbers are exactly 0 or 1."""
    graphs = st.builds(
        lambda seed, size, tree, sharp: random_graph(np.random.default_rng(seed), size, tree, sharp),
        st.integers(0, 2**32),
        st.integers(1, max_claims),
        st.booleans(),
        st.sampled_from([0.0, 0.15, 0.5, 0.9]),
    )
    seeds = st.integers(0, 2**32).map(np.random.default_rng)
    return lambda test: settings(max_examples=max_examples, deadline=None, derandomize=True)(given(graphs, seeds)(test))


def _propagate_if_possible(graph: ArgumentGraph) -> Propagation | None:
    try:
        return propagate(graph)
    except ImpossibleEvidenceError:
        return None


def _assert_same(one: Propagation | None, other: Propagation | None) -> None:
    """Compares claims and roots of the first with those of the same id in the second."""
    assert (one is None) == (other is None)
    if one is None or other is None:
        return
    rows = [other.graph.index[claim.id] for claim in one.graph.claims]
    roots = [other.graph.roots.index(root) for root in one.graph.roots]
    np.testing.assert_allclose(one.prob, other.prob[rows], atol=TOLERANCE, rtol=0)
    for field in ("root_if_true", "root_if_false"):
        mine, theirs = getattr(one, field), getattr(other, field)
        np.testing.assert_allclose(mine, theirs[np.ix_(roots, rows)], atol=TOLERANCE, rtol=0)
    if len(one.graph.roots) == len(other.graph.roots):
        np.testing.assert_allclose(one.value(), other.value()[rows], atol=TOLERANCE, rtol=0)


@_property(60, max_claims=12)
def test_equals_enumeration(graph: ArgumentGraph, rng: np.random.Generator) -> None:
    states, weight = joint(graph)
    result = _propagate_if_possible(graph)
    assert (result is None) == (weight.sum() == 0)
    if result is None:
        return
    assert result.exact
    np.testing.assert_allclose(result.prob, weight @ states / weight.sum(), atol=TOLERANCE, rtol=0)
    is_root = states[:, [graph.index[root.claim] for root in graph.roots]]  # [2^C, R]
    for state, found in ((0, result.root_if_false), (1, result.root_if_true)):
        total = weight @ (states == state)  # [C]
        with np.errstate(invalid="ignore"):
            expected = (is_root * weight[:, np.newaxis]).T @ (states == state) / total
        np.testing.assert_allclose(found, expected, atol=TOLERANCE, rtol=0)


@_property(60)
def test_the_order_of_claims_arguments_premises_and_roots_changes_nothing(
    graph: ArgumentGraph, rng: np.random.Generator
) -> None:
    def shuffled(things: tuple) -> list:  # type: ignore[type-arg]
        return [things[i] for i in rng.permutation(len(things))]

    arguments = [replace(argument, premises=shuffled(argument.premises)) for argument in shuffled(graph.arguments)]
    evidence = dict(shuffled(tuple(graph.evidence.items())))
    other = ArgumentGraph(shuffled(graph.claims), arguments, shuffled(graph.roots), evidence)
    _assert_same(_propagate_if_possible(graph), _propagate_if_possible(other))


@_property(60)
def test_certain_evidence_equals_conditioning(graph: ArgumentGraph, rng: np.random.Generator) -> None:
    result = _propagate_if_possible(graph)
    if result is None:
        return
    row, state = int(rng.integers(len(graph.claims))), int(rng.integers(2))
    claim = graph.claims[row].id
    pair = [0.0, 0.0]
    pair[state] = graph.evidence.get(claim, (1.0, 1.0))[state]
    seen = _propagate_if_possible(replace(graph, evidence={**graph.evidence, claim: tuple(pair)}))
    if seen is None:
        assert result.prob[row] == 1 - state
        return
    expected = (result.root_if_false, result.root_if_true)[state][:, row]
    root_rows = [graph.index[root.claim] for root in graph.roots]
    np.testing.assert_allclose(seen.prob[root_rows], expected, atol=TOLERANCE, rtol=0)


@_property(60)
def test_claims_that_nothing_rests_on_change_nothing(graph: ArgumentGraph, rng: np.random.Generator) -> None:
    chosen = rng.choice(len(graph.claims), min(3, len(graph.claims)), replace=False)
    premises = [Premise(graph.claims[row].id, bool(rng.integers(2))) for row in chosen]
    claims = (Claim("alone", "", 0.4), Claim("upshot", "", 0.3), *graph.claims)
    arguments = [*graph.arguments, Argument("new", "upshot", "support", 0.6, premises)]
    more = replace(graph, claims=claims, arguments=arguments)
    result = _propagate_if_possible(more)
    _assert_same(_propagate_if_possible(graph), result)
    if result is not None:
        assert result.value()[0] == 0 and result.prob[0] == pytest.approx(0.4)


@_property(60)
def test_naming_a_conjunction_changes_nothing(graph: ArgumentGraph, rng: np.random.Generator) -> None:
    if not graph.arguments:
        return
    place = int(rng.integers(len(graph.arguments)))
    argument = graph.arguments[place]
    arguments = list(graph.arguments)
    arguments[place] = replace(argument, premises=[Premise("all of them")])
    arguments.append(Argument("naming", "all of them", "support", 1.0, argument.premises))
    named = replace(graph, claims=(*graph.claims, Claim("all of them", "", 0.0)), arguments=arguments)
    _assert_same(_propagate_if_possible(graph), _propagate_if_possible(named))


def test_contradictory_evidence_is_named() -> None:
    claims = [Claim(name, "", 0.0 if name == "effect" else 0.5) for name in ("cause", "other", "effect")]
    arguments = [Argument(name, "effect", "support", 1.0, [Premise(name)]) for name in ("cause", "other")]
    evidence = {"cause": (0.0, 1.0), "effect": (0.7, 0.0)}
    with pytest.raises(ImpossibleEvidenceError, match="'effect' is false.*given the evidence on 'cause'"):
        propagate(ArgumentGraph(claims, arguments, [Root("other")], evidence))


def test_ten_thousand_claims_deep_over_one_shared_premise() -> None:
    size = 10_000
    claims = [*(Claim(f"c{i}", "", 0.001) for i in range(size)), Claim("shared", "", 0.3)]
    arguments = [
        Argument(f"a{i}", f"c{i}", "support", 0.99, [Premise(f"c{i + 1}"), Premise("shared", i % 2 == 0)])
        for i in range(size - 1)
    ]
    result = propagate(ArgumentGraph(claims, arguments, [Root("c0")]))
    given_shared = np.full(2, 0.001)  # P(c_i | shared false, true)
    for i in reversed(range(size - 1)):
        holds = np.array([i % 2 == 1, i % 2 == 0])
        given_shared = 1 - (1 - 0.001) * (1 - 0.99 * given_shared * holds)
    assert result.prob[0] == pytest.approx(given_shared @ [0.7, 0.3], abs=1e-12)
    assert result.root_if_false[0, -1] == pytest.approx(given_shared[0], abs=1e-12)
    assert result.root_if_true[0, -1] == pytest.approx(given_shared[1], abs=1e-12)


def _tree_root_prob(graph: ArgumentGraph, held: dict[str, float]) -> float:
    """P(root) of a tree without evidence, claim by claim; `held` are claims without arguments held at a probability."""
    prob: dict[str, float] = {}
    for row in graph.topological_order:
        claim = graph.claims[row]
        off, keep = 1 - held.get(claim.id, claim.prior), 1.0
        for argument in graph.arguments_for(claim.id):
            holds = argument.strength
            for premise in argument.premises:
                holds *= prob[premise.claim] if premise.holds else 1 - prob[premise.claim]
            off, keep = (off * (1 - holds), keep) if argument.polarity == "support" else (off, keep * (1 - holds))
        prob[claim.id] = (1 - off) * keep
    return prob[graph.roots[0].claim]


def test_two_hundred_thousand_claims() -> None:
    # A step that is quadratic in claims would take hours here.
    graph = random_dag(200_000, 0.0, seed=0)
    result = propagate(graph)
    assert result.prob[0] == pytest.approx(_tree_root_prob(graph, {}), abs=1e-12)
    leaves = np.array([not graph.arguments_for(claim.id) for claim in graph.claims])
    best = int(np.argmax(np.where(leaves, result.value(), -1.0)))
    name = graph.claims[best].id
    assert result.root_if_true[0, best] == pytest.approx(_tree_root_prob(graph, {name: 1.0}), abs=1e-12)
    assert result.root_if_false[0, best] == pytest.approx(_tree_root_prob(graph, {name: 0.0}), abs=1e-12)
