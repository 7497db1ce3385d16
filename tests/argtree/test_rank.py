"""What is asked first."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm

from argtree import Argument, ArgumentGraph, Claim, Premise, Reliability, Root, propagate, rank
from argtree.rank import TopConfidence, rank_confidence, top_confidence
from argtree.value import PERFECT


def _graph() -> ArgumentGraph:
    claims = [
        Claim("root", "the root", 0.1),
        Claim("weak", "hardly matters", 0.5),
        Claim("strong", "matters", 0.5),
        Claim("hidden", "not for raters", 0.5, askable=False),
        Claim("sure", "known", 1.0),
        Claim("argued", "argued but askable", 0.2, askable=True),
    ]
    strengths = {"weak": 0.1, "strong": 0.9, "hidden": 0.5, "sure": 0.2, "argued": 0.3}
    arguments = [Argument(name, "root", "support", w, [Premise(name)]) for name, w in strengths.items()]
    arguments.append(Argument("more", "argued", "support", 0.5, [Premise("weak")]))
    return ArgumentGraph(claims, arguments, [Root("root")])


def test_lists_what_may_be_asked_most_valuable_first() -> None:
    ranked = rank(propagate(_graph()))
    assert [one.claim for one in ranked] == ["strong", "argued", "weak"]
    assert ranked[0].text == "matters" and ranked[0].standard_error == 0.0


def test_lists_every_claim_when_told_to() -> None:
    result = propagate(_graph())
    ranked = rank(result, "mutual_information", everything=True)
    assert len(ranked) == 6 and ranked[0].claim == "root" and ranked[-1].claim == "sure"
    assert [one.value for one in ranked] == sorted(result.value("mutual_information"), reverse=True)


def test_equals_keep_the_order_of_the_graph() -> None:
    claims = [Claim(name, "", 0.5) for name in "zay"]
    assert [one.claim for one in rank(propagate(ArgumentGraph(claims)))] == ["z", "a", "y"]


def test_a_quick_question_goes_before_a_slow_one_worth_more() -> None:
    result = propagate(_graph())
    ranked = rank(result, seconds={"strong": 3000.0, "weak": 10.0})
    assert [one.claim for one in ranked] == ["weak", "argued", "strong"]
    assert ranked[2].value_per_second == ranked[2].value / 3000
    with pytest.raises(ValueError, match="takes 0 s"):
        rank(result, seconds={"weak": 0})


def test_an_erring_rater_lowers_every_value() -> None:
    result = propagate(_graph())
    perfect, erring = (
        {one.claim: one.value for one in rank(result, reliability=r)} for r in (PERFECT, Reliability(0.8, 0.9))
    )
    assert perfect.keys() == erring.keys() and all(0 < erring[name] < perfect[name] for name in perfect)


def test_exact_values_leave_no_doubt_about_the_best() -> None:
    assert top_confidence(np.array([0.1, 0.3, 0.3]), np.zeros((0, 3)), 2) == TopConfidence(1.0, (1.0, 1.0))


def test_the_first_of_a_ranking_are_as_sure_as_its_result() -> None:
    assert rank_confidence(propagate(_graph()), 5) == TopConfidence(1.0, (1.0, 1.0, 1.0))


def test_there_is_no_doubt_about_an_empty_list() -> None:
    nothing = ArgumentGraph([Claim("sure", "", 1.0)], roots=[Root("sure")])
    assert rank_confidence(propagate(nothing), 3) == TopConfidence(1.0, ())


def _replicates(values: np.ndarray, errors: np.ndarray, num: int, rng: np.random.Generator) -> np.ndarray:
    """Jackknife replicates of means of independent normal groups: each shows the standard errors given, on average."""
    groups = values + errors * np.sqrt(num) * rng.standard_normal((num, len(values)))
    groups += values - groups.mean(axis=0)
    return (groups.sum(axis=0) - groups) / (num - 1)


def test_the_best_of_two_is_as_sure_as_the_distance_in_standard_errors() -> None:
    values, errors = np.array([0.0, 1.0]), np.array([0.6, 0.8])  # of the difference: 1
    replicates = _replicates(values, errors, 2000, np.random.default_rng(5))
    confidence = top_confidence(values, replicates, 1)
    assert confidence.together == confidence.each[0] == pytest.approx(norm.cdf(1), abs=0.03)


def test_what_varies_together_does_not_blur_the_order() -> None:
    values = np.array([1.0, 2.0, 3.0, 2.999])
    common = np.random.default_rng(6).standard_normal((20, 1))
    confidence = top_confidence(values, values + common, 3)
    assert confidence == TopConfidence(1.0, (1.0, 1.0, 1.0))


def test_the_claimed_confidence_is_met_by_repeated_sampling() -> None:
    # Truths drawn around nothing, estimates around the truths: of lists held right with 0.6, 0.6 should be right.
    rng = np.random.default_rng(7)
    claimed, right = [], []
    for _ in range(400):
        truth = rng.normal(0, 3, 6)
        groups = truth + np.sqrt(16) * rng.standard_normal((16, 6))
        values = groups.mean(axis=0)
        claimed.append(top_confidence(values, (groups.sum(axis=0) - groups) / 15, 2).together)
        right.append(set(np.argsort(-values)[:2]) == set(np.argsort(-truth)[:2]))
    assert np.mean(claimed) == pytest.approx(np.mean(right), abs=0.06)
