"""Values of questions for raters, and who gets which."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest

from argtree import MEASURES, Measure, Reliability, propagate
from argtree.assign import assign, values_by_rater
from tests.argtree.random_graphs import random_graph

RATERS = [Reliability(0.95, 0.9), Reliability(0.6, 0.6), Reliability(0.99, 0.4), Reliability(0.5, 0.5)]


@pytest.mark.parametrize("measure", MEASURES)
def test_values_are_those_of_the_propagation(measure: Measure) -> None:
    result = propagate(random_graph(np.random.default_rng(3)))
    weights = np.array([root.weight for root in result.graph.roots])
    found = values_by_rater(measure, result.prob, result.root_prob, result.difference, weights, RATERS)
    assert found == pytest.approx(np.array([result.value(measure, rater) for rater in RATERS]))
    assert found[3] == pytest.approx(0) and (found >= 0).all()


def test_two_numbers_a_question_are_enough_for_the_variance() -> None:
    result = propagate(random_graph(np.random.default_rng(5)))
    only = np.sqrt(result.shift())[np.newaxis]
    found = values_by_rater("variance_reduction", result.prob, np.array([0.5]), only, np.ones(1), RATERS)
    assert found == pytest.approx(np.array([result.value("variance_reduction", rater) for rater in RATERS]))


def test_each_rater_gets_what_suits() -> None:
    """Who always says yes to the true is worth most where a no is to be expected, and the other way round."""
    raters = [Reliability(0.99, 0.6), Reliability(0.6, 0.99)]
    values = values_by_rater(
        "variance_reduction", np.array([0.1, 0.9]), np.array([0.5]), np.ones((1, 2)), np.ones(1), raters
    )
    assert assign(values) == [(0, int(values[0].argmax())), (1, int(values[1].argmax()))]
    assert values[0].argmax() != values[1].argmax()


@pytest.mark.parametrize("shape", [(3, 3), (2, 4), (4, 2)])
def test_an_assignment_has_the_highest_total(shape: tuple[int, int]) -> None:
    values = np.random.default_rng(1).random(shape)
    wide = values if shape[0] <= shape[1] else values.T
    best = max(sum(wide[i, c] for i, c in enumerate(p)) for p in permutations(range(wide.shape[1]), len(wide)))
    assert sum(values[pair] for pair in assign(values)) == pytest.approx(best)


def test_nobody_is_asked_for_nothing() -> None:
    assert assign(np.array([[0.0, 2.0], [0.0, 1.0]])) == [(0, 1)]
    assert assign(np.empty((2, 0))) == []
