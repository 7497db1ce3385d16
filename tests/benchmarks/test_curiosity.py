"""The figures of benchmarks/curiosity.py against what they must be on roots made up for it."""

import numpy as np
import pytest

from benchmarks.curiosity import DOUBT, Spent, _rates, aurocs, interval
from benchmarks.curiosity_roots import Finished

DRAWN = np.random.default_rng(0).uniform(size=(60, 2))


def finished(number: int, belief: float, prob: float) -> Finished:
    claim = f"Thing {number} would survive a drop from a roof."
    return Finished(f"{claim}?", claim, f"family {number % 6}", belief, 2.0, prob, 0.9, True, 40, 1000)


def test_a_belief_that_decides_is_found_under_both_splits_and_one_that_does_not_is_not() -> None:
    follows = aurocs([finished(n, prob, prob) for n, (prob, _) in enumerate(DRAWN)], 0)
    chance = aurocs([finished(n, belief, prob) for n, (prob, belief) in enumerate(DRAWN)], 0)
    for split in ("unseen questions", "unseen family"):
        assert follows[f"{split}, {DOUBT}"] == pytest.approx(1.0) and follows[f"{split}, predictor"] > 0.9
        assert 0.25 < chance[f"{split}, {DOUBT}"] < 0.75 and 0.2 < chance[f"{split}, predictor"] < 0.8


def test_information_is_what_ten_answers_take_off_the_variance_and_the_brier_score_by_tokens() -> None:
    rates = _rates(Spent([finished(0, 0.5, 0.5), finished(1, 0.5, 0.9)], 4000))
    assert rates["resolved"] == pytest.approx((0.25 - 0.09) / 4)
    assert rates["brier drop"] == pytest.approx((0.25 - 0.01) / 4)
    assert rates["stay unsure"] == 0.5


def test_interval_is_students() -> None:
    one = interval([1.0, 2.0, 3.0])
    assert one == {"value": 2.0, "low": pytest.approx(2 - 2.48414, abs=1e-4), "high": pytest.approx(4.48414, abs=1e-4)}
