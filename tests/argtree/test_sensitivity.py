"""Derivatives by parameters against enumeration with the parameter moved, and against closed forms."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from argtree import Argument, ArgumentGraph, Claim, ImpossibleEvidenceError, Premise, Root
from argtree.sensitivity import Parameter, sensitivity
from tests.argtree.random_graphs import joint, random_graph


def _moved(graph: ArgumentGraph, parameter: Parameter, value: float) -> ArgumentGraph:
    if parameter.kind == "prior":
        claims = [replace(one, prior=value) if one.id == parameter.id else one for one in graph.claims]
        return replace(graph, claims=claims)
    arguments = [replace(one, strength=value) if one.id == parameter.id else one for one in graph.arguments]
    return replace(graph, arguments=arguments)


def _totals(graph: ArgumentGraph) -> np.ndarray:
    """P(evidence), then P(root, evidence) for each root, [1 + R]."""
    states, weight = joint(graph)
    rows = [graph.index[root.claim] for root in graph.roots]
    return np.array([weight.sum(), *(weight @ states[:, row] for row in rows)])


def _enumerated(graph: ArgumentGraph, parameter: Parameter) -> np.ndarray:
    """The derivative by the quotient rule: all totals are linear in one parameter, so two of them give their slopes."""
    total = _totals(graph)
    slope = _totals(_moved(graph, parameter, 1.0)) - _totals(_moved(graph, parameter, 0.0))
    return np.asarray((slope[1:] * total[0] - total[1:] * slope[0]) / total[0] ** 2)


@pytest.mark.parametrize("sharp", [0.0, 0.15, 0.6])
def test_equals_enumeration_on_random_graphs(sharp: float) -> None:
    checked = 0
    for seed in range(60):
        graph = random_graph(np.random.default_rng([seed, 5]), 6, sharp=sharp)
        if not graph.roots or _totals(graph)[0] == 0:
            continue
        found = sensitivity(graph)
        for i, parameter in enumerate(found.parameters):
            np.testing.assert_allclose(found.derivative[:, i], _enumerated(graph, parameter), rtol=1e-9, atol=1e-9)
            checked += 1
    assert checked > 300


def test_equals_a_central_difference() -> None:
    graph = random_graph(np.random.default_rng(12), 6, sharp=0.0)
    found = sensitivity(graph)
    for i, parameter in enumerate(found.parameters):
        above, below = (_totals(_moved(graph, parameter, parameter.value + step)) for step in (1e-5, -1e-5))
        slope = (above[1:] / above[0] - below[1:] / below[0]) / 2e-5
        np.testing.assert_allclose(found.derivative[:, i], slope, atol=1e-8)


def _two_reasons(first: float, second: float) -> ArgumentGraph:
    claims = [Claim("root", "", 0.0), Claim("a", "", 0.3), Claim("b", "", 0.6)]
    arguments = [Argument(f"by {c}", "root", "support", w, [Premise(c)]) for c, w in (("a", first), ("b", second))]
    return ArgumentGraph(claims, arguments, [Root("root")])


@pytest.mark.parametrize("first, second", [(0.5, 0.9), (0.0, 1.0), (1.0, 1e-12)])
def test_two_reasons_by_hand(first: float, second: float) -> None:
    # P(root) = 1 - (1 - prior) (1 - 0.3 first) (1 - 0.6 second)
    derivative = sensitivity(_two_reasons(first, second)).derivative[0]
    if_not_a, if_not_b = 1 - 0.3 * first, 1 - 0.6 * second
    expected = [if_not_a * if_not_b, first * if_not_b, second * if_not_a, 0.3 * if_not_b, 0.6 * if_not_a]
    np.testing.assert_allclose(derivative, expected, rtol=1e-12, atol=1e-15)


def test_the_most_important_come_first() -> None:
    found = sensitivity(_two_reasons(0.5, 0.9))
    top = found.top(2)
    assert top == (Parameter("prior", "b", 0.6), Parameter("strength", "by b", 0.9))
    assert len(found.top()) == 5 and found.importance[0] == 0  # a prior of 0 counts as meant


def test_ids_that_look_like_the_hidden_ones_do_no_harm() -> None:
    graph = _two_reasons(0.5, 0.9)
    renamed = replace(graph, claims=(*graph.claims, Claim("+0", "", 0.5), Claim("++1", "", 0.5)))
    np.testing.assert_allclose(sensitivity(renamed).derivative[0, [0, 1, 2, 5, 6]], sensitivity(graph).derivative[0])


def test_impossible_evidence_is_no_tiny_evidence() -> None:
    graph = replace(_two_reasons(0.0, 0.0), evidence={"root": (0.0, 1.0)})
    with pytest.raises(ImpossibleEvidenceError):
        sensitivity(graph)
