"""Decisions against the expected utilities written out over all states and answers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from argtree import Argument, ArgumentGraph, Claim, Premise, Reliability, Root, propagate
from argtree.decision import Utilities, decide
from argtree.value import PERFECT
from tests.argtree.random_graphs import joint, random_graph

UMBRELLA = Utilities(act_if_true=-1, act_if_false=-1, not_if_true=-10, not_if_false=0)


def _enumerated(graph: ArgumentGraph, row: int, utilities: Utilities, rater: Reliability) -> float:
    """Expected utility of choosing after the answer, less that of choosing before it."""
    states, weight = joint(graph)
    weight = weight / weight.sum()
    is_root = states[:, graph.index[graph.roots[0].claim]] == 1
    says_yes = np.where(states[:, row] == 1, rater.sensitivity, 1 - rater.specificity)

    def best(part: np.ndarray) -> float:
        true, false = part[is_root].sum(), part[~is_root].sum()
        return max(
            true * utilities.act_if_true + false * utilities.act_if_false,
            true * utilities.not_if_true + false * utilities.not_if_false,
        )

    return best(weight * says_yes) + best(weight * (1 - says_yes)) - best(weight)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.integers(0, 2**32), st.tuples(*[st.floats(-5, 5)] * 4), st.floats(0, 1), st.floats(0, 1))
def test_an_answer_is_worth_what_it_adds_to_the_expected_utility(
    seed: int, numbers: tuple[float, float, float, float], s: float, t: float
) -> None:
    graph = random_graph(np.random.default_rng(seed), 6)
    if not graph.roots or joint(graph)[1].sum() == 0:
        return
    utilities, result = Utilities(*numbers), propagate(graph)
    perfect = decide(result, graph.roots[0].claim, utilities)
    sample = decide(result, graph.roots[0].claim, utilities, Reliability(s, t))
    for row in range(len(graph.claims)):
        for decision, rater in ((perfect, PERFECT), (sample, Reliability(s, t))):
            assert decision.values[row] == pytest.approx(_enumerated(graph, row, utilities, rater), abs=1e-9)
        assert perfect.perfect + 1e-12 >= perfect.values[row] >= sample.values[row] - 1e-12
    assert (sample.values >= 0).all()


def _rain(prob: float) -> ArgumentGraph:
    claims = [Claim("rain", "", 0.0), Claim("clouds", "", prob)]
    return ArgumentGraph(claims, [Argument("a", "rain", "support", 0.5, [Premise("clouds")])], [Root("rain")])


def test_an_umbrella_by_hand() -> None:
    decision = decide(propagate(_rain(0.5)), "rain", UMBRELLA)  # P(rain) = 1/4: staying dry costs 1 against 2.5
    assert decision.act and decision.utility == -1 and decision.threshold == pytest.approx(0.1)
    assert decision.perfect == pytest.approx(0.75)  # it is not needed three times of four
    assert decision.values == pytest.approx([0.75, 0.5])  # without clouds, half the time, it is not needed


def test_what_cannot_turn_the_choice_is_worth_nothing() -> None:
    graph = ArgumentGraph(
        [Claim("rain", "", 0.5), Claim("clouds", "", 0.5)],
        [Argument("a", "rain", "support", 0.5, [Premise("clouds")])],
        [Root("rain")],
    )
    assert decide(propagate(graph), "rain", UMBRELLA).values[1] == 0


def test_one_choice_better_throughout_has_no_threshold() -> None:
    decision = decide(propagate(_rain(0.5)), "rain", Utilities(2, 2, 1, 1))
    assert decision.act and np.isnan(decision.threshold) and decision.perfect == 0 and not decision.values.any()


def test_only_roots_are_decided_on() -> None:
    with pytest.raises(ValueError, match="'clouds' is not a root"):
        decide(propagate(_rain(0.5)), "clouds", UMBRELLA)
    with pytest.raises(ValueError, match="must be finite"):
        Utilities(1, 2, 3, float("inf"))
