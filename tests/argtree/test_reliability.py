"""What is known of one rater."""

from __future__ import annotations

from math import comb

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from argtree.evidence import Reliability, answer_likelihood, label_prob, product_likelihood
from argtree.reliability import STRANGER, Beta, RaterReliability, heard

GRID = (np.arange(400) + 0.5) / 400


def _density(beta: Beta) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    density = GRID ** (beta.hits - 1) * (1 - GRID) ** (beta.misses - 1)
    return np.asarray(density / density.sum())


@pytest.mark.parametrize("a, b, c, d", [(4, 2, 4, 2), (30, 3, 2, 9), (1, 1, 1, 1), (2, 40, 3, 50)])
def test_better_than_chance_is_the_closed_form_for_whole_numbers(a: int, b: int, c: int, d: int) -> None:
    """P(X > Y) of Beta variables with whole parameters is a sum (Miller 2015), here by the order of uniform draws."""
    known = RaterReliability(Beta(a, b), Beta(c, d))
    # X is the a-th smallest of n, Y = 1 - specificity the d-th smallest of m: Y < X if at least d of m lie below it.
    n, m = a + b - 1, c + d - 1
    ways = [comb(a - 1 + k, k) * comb(n - a + m - k, m - k) / comb(n + m, m) for k in range(m + 1)]
    assert known.better_than_chance_prob == pytest.approx(sum(ways[d:]), abs=1e-6)


def test_a_stranger_is_probably_better_than_chance_and_no_more() -> None:
    assert 0.85 < STRANGER.better_than_chance_prob < 0.95
    assert STRANGER.mean == Reliability(4 / 6, 4 / 6)


def test_one_answer_by_a_stranger_moves_a_claim_less_than_one_by_a_proven_rater() -> None:
    proven = STRANGER
    for truth in [1.0, 0.0] * 20:
        proven = heard(proven, truth, truth)
    by_stranger, by_proven = (label_prob(*answer_likelihood(1.0, one.mean)) for one in (STRANGER, proven))
    assert 0.5 < by_stranger < by_proven < 1
    assert label_prob(*product_likelihood([(1.0, STRANGER.mean), (0.0, proven.mean)])) < 0.5


def test_gold_answers_are_counted() -> None:
    known = heard(heard(heard(STRANGER, 1.0, 1.0), 0.0, 1.0), 0.0, 0.0)
    assert (known.sensitivity.hits, known.sensitivity.misses) == pytest.approx((5, 3))
    assert (known.specificity.hits, known.specificity.misses) == pytest.approx((5, 2))


@settings(deadline=None, max_examples=50)
@given(st.floats(0, 1), st.floats(0, 1), st.floats(1, 20), st.floats(1, 20), st.floats(1, 20), st.floats(1, 20))
def test_an_answer_leaves_the_moments_of_the_exact_posterior(
    prob: float, claim_prob: float, a: float, b: float, c: float, d: float
) -> None:
    known = RaterReliability(Beta(a, b), Beta(c, d))
    s, t = GRID[:, np.newaxis], GRID[np.newaxis, :]
    if_true, if_false = prob * s + (1 - prob) * (1 - s), prob * (1 - t) + (1 - prob) * t
    joint = np.outer(_density(known.sensitivity), _density(known.specificity))
    joint *= claim_prob * if_true + (1 - claim_prob) * if_false
    after = heard(known, prob, claim_prob)
    for marginal, found in ((joint.sum(axis=1), after.sensitivity), (joint.sum(axis=0), after.specificity)):
        mean = marginal @ GRID / marginal.sum()
        variance = marginal @ (GRID - mean) ** 2 / marginal.sum()
        assert found.mean == pytest.approx(mean, abs=1e-3)
        assert found.mean * (1 - found.mean) / (found.weight + 1) == pytest.approx(variance, abs=1e-3)


def test_what_says_nothing_teaches_nothing() -> None:
    unsure = heard(STRANGER, 0.5, 0.5)
    assert unsure.sensitivity.mean == pytest.approx(STRANGER.sensitivity.mean)
    assert unsure.sensitivity.weight == pytest.approx(STRANGER.sensitivity.weight)


@pytest.mark.parametrize("hits, misses", [(0, 1), (1, -1), (float("nan"), 1), (1, float("inf"))])
def test_a_beta_distribution_that_is_none_is_refused(hits: float, misses: float) -> None:
    with pytest.raises(ValueError, match="above 0"):
        Beta(hits, misses)


@pytest.mark.parametrize("prob, claim_prob", [(1.5, 0.5), (0.5, -0.1), (0.5, float("nan"))])
def test_probabilities_out_of_range_are_refused(prob: float, claim_prob: float) -> None:
    with pytest.raises(ValueError, match="must lie in"):
        heard(STRANGER, prob, claim_prob)
