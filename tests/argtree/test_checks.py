"""Reasons to pause a rater, against enumeration and closed forms."""

from __future__ import annotations

from itertools import product
from math import comb

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from argtree.checks import SUSPICIOUS, hasty_p_value, reasons_to_pause, runs_p_value, sameness_p_value
from argtree.reliability import STRANGER, Beta, RaterReliability

GOOD = RaterReliability(Beta(40, 10), Beta(40, 10))
HALF = [0.5] * 30


def _two_sided(counts: np.ndarray[tuple[int], np.dtype[np.float64]], seen: int) -> float:
    return float(min(1.0, 2 * min(counts[: seen + 1].sum(), counts[seen:].sum())))


@given(st.lists(st.tuples(st.booleans(), st.floats(0, 1)), min_size=2, max_size=7))
def test_runs_are_those_of_enumeration(rows: list[tuple[bool, float]]) -> None:
    said, prob = [float(yes) for yes, _ in rows], [p for _, p in rows]
    counts = np.zeros(len(rows))
    for world in product([0, 1], repeat=len(rows)):
        weight = np.prod([p if yes else 1 - p for yes, p in zip(world, prob, strict=True)])
        counts[int(np.abs(np.diff(world)).sum())] += weight
    assert runs_p_value(said, prob) == pytest.approx(_two_sided(counts, int(np.abs(np.diff(said)).sum())), abs=1e-9)


def test_sameness_grants_every_rater_who_is_not_worse_than_a_coin() -> None:
    prob = [0.2, 0.9, 0.6]
    # All yes at best: the true seen, half of the false believed.
    assert sameness_p_value([1, 1, 1], prob) == pytest.approx(2 * 0.6 * 0.95 * 0.8)
    # All no at best: the false seen, half of the true missed.
    assert sameness_p_value([0, 0, 0], prob) == pytest.approx(min(1, 2 * 0.9 * 0.55 * 0.7))
    assert sameness_p_value([], []) == 1
    assert sameness_p_value([1.0] * 200, [1.0] * 200) == 1  # all were true


def test_hasty_answers_are_counted_by_a_binomial_tail() -> None:
    assert hasty_p_value([0.5, 0.2, 9.0]) == pytest.approx(comb(3, 2) * 0.01 * 0.9 + 0.001)
    assert hasty_p_value([]) == hasty_p_value([1.0, 30.0]) == 1


def test_who_does_not_look_is_paused_and_told_why() -> None:
    assert reasons_to_pause(STRANGER) == ()
    same = reasons_to_pause(RaterReliability(Beta(40, 1), Beta(2, 30)), [1.0] * 40, [0.5] * 40)
    assert len(same) == 1 and "same answer" in same[0]
    turns = reasons_to_pause(GOOD, [1.0, 0.0] * 15, HALF)
    assert len(turns) == 1 and "pattern" in turns[0]
    fast = reasons_to_pause(GOOD, seconds=[0.4] * 8)
    assert len(fast) == 1 and "less than 1 s" in fast[0]
    wrong = reasons_to_pause(RaterReliability(Beta(4, 12), Beta(5, 12)))
    assert len(wrong) == 1 and "Better than chance" in wrong[0]


def test_claims_that_come_in_order_are_no_offence() -> None:
    said, prob = [1.0] * 20 + [0.0] * 20, [0.99] * 20 + [0.01] * 20
    able = RaterReliability(Beta(97, 3), Beta(97, 3))
    assert reasons_to_pause(able, said, prob, [12.0] * 40) == ()
    assert runs_p_value(said, [0.5] * 40) < SUSPICIOUS


def test_honest_raters_are_suspected_no_more_often_than_the_p_value_says() -> None:
    rng = np.random.default_rng(0)
    low = {"sameness": 0, "runs": 0}
    for _ in range(400):
        prob = rng.random(25)
        said = (rng.random(25) < np.where(rng.random(25) < prob, 0.8, 0.3)).astype(float)
        low["sameness"] += sameness_p_value(said.tolist(), prob.tolist()) < 0.05
        low["runs"] += runs_p_value(said.tolist(), prob * 0.8 + (1 - prob) * 0.3) < 0.05
    assert max(low.values()) <= 32  # 20 expected at most, standard deviation 4.4


def test_an_answer_without_a_probability_is_refused() -> None:
    with pytest.raises(ValueError, match="2 answers with 1 probabilities"):
        sameness_p_value([1.0, 0.0], [0.5])
