"""Likelihoods of answers."""

from __future__ import annotations

import pytest

from argtree import TRUSTED_RATER, Reliability, answer_likelihood, is_settled, label_prob, product_likelihood


def test_a_yes_and_a_no_use_what_the_rater_is_known_for() -> None:
    rater = Reliability(sensitivity=0.9, specificity=0.8)
    assert answer_likelihood(1.0, rater) == pytest.approx((0.2, 0.9))
    assert answer_likelihood(0.0, rater) == pytest.approx((0.8, 0.1))
    assert answer_likelihood(0.5) == pytest.approx((0.5, 0.5))


def test_answers_multiply() -> None:
    said = [(prob, TRUSTED_RATER) for prob in (1.0, 1.0, 0.0)]
    assert product_likelihood(said) == pytest.approx((0.03**2 * 0.97, 0.97**2 * 0.03))
    assert product_likelihood([]) == (1.0, 1.0)
    assert label_prob(*answer_likelihood(1.0)) == pytest.approx(TRUSTED_RATER.sensitivity)


def test_a_thousand_answers_do_not_underflow() -> None:
    said = [(prob, TRUSTED_RATER) for prob in [1.0, 0.0] * 1000 + [1.0]]
    assert label_prob(*product_likelihood(said)) == pytest.approx(0.97)


@pytest.mark.parametrize("prob, settled", [(0.95, True), (0.05, True), (0.94, False), (0.06, False), (1.0, True)])
def test_settled_is_beyond_one_in_twenty(prob: float, settled: bool) -> None:
    assert is_settled(prob) is settled


@pytest.mark.parametrize("prob", [-0.1, 1.1, float("nan")])
def test_an_answer_that_is_no_probability_is_refused(prob: float) -> None:
    with pytest.raises(ValueError, match="prob is"):
        answer_likelihood(prob)


def test_a_reliability_out_of_range_is_refused() -> None:
    with pytest.raises(ValueError, match="specificity is 2"):
        Reliability(0.9, 2)


@pytest.mark.parametrize("pair", [(0.0, 0.0), (-1.0, 2.0)])
def test_likelihoods_that_say_nothing_possible_are_refused(pair: tuple[float, float]) -> None:
    with pytest.raises(ValueError, match="not both 0"):
        label_prob(*pair)
