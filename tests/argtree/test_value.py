"""Values of information against the formulas in exact arithmetic, and against the definition by enumeration."""

from __future__ import annotations

import math
from decimal import Decimal, localcontext

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from argtree.evidence import Reliability, answer_likelihood
from argtree.propagate import propagate
from argtree.value import (
    MEASURES,
    PERFECT,
    YES_OR_NO,
    Measure,
    most_resolved,
    share_resolved,
    value_of_information,
)
from tests.argtree.random_graphs import random_graph

PROBS = st.floats(0, 1)
FINE = (0.05, 0.25, 0.5, 0.75, 0.95)


def _one(
    measure: str, p: float, rho: float, d: float, rater: Reliability = PERFECT, answers: tuple[float, ...] = YES_OR_NO
) -> float:
    rows = np.array([p]), np.array([rho]), np.array([d])
    return float(value_of_information(measure, *rows, rater, answers)[0])  # type: ignore[arg-type]


def _exact_information(p: float, rho: float, d: float) -> float:
    with localcontext() as context:
        context.prec = 60
        dp, root, gap = Decimal(p), Decimal(rho), Decimal(d)

        def entropy(q: Decimal) -> Decimal:
            return -sum((x * x.ln() for x in (q, 1 - q) if x > 0), Decimal(0))

        return float(entropy(root) - dp * entropy(root + (1 - dp) * gap) - (1 - dp) * entropy(root - dp * gap))


@pytest.mark.parametrize("p", [1e-9, 0.3, 0.999])
@pytest.mark.parametrize(
    "r0, r1", [(0.2, 0.9), (0.5, 0.5 + 1e-6), (0.0, 1.0), (0.3, 0.301), (1e-12, 3e-12), (1.0, 0.4)]
)
def test_mutual_information_keeps_its_digits(p: float, r0: float, r1: float) -> None:
    rho, d = p * r1 + (1 - p) * r0, r1 - r0
    assert _one("mutual_information", p, rho, d) == pytest.approx(_exact_information(p, rho, d), rel=1e-9)


def test_fractions_by_hand() -> None:
    assert _one("variance_reduction", 0.25, 0.625, 0.5) == pytest.approx(3 / 64)
    assert _one("expected_shift", 0.25, 0.625, 0.5) == pytest.approx(3 / 16)
    assert _one("mutual_information", 0.5, 0.5, 1.0) == pytest.approx(math.log(2))
    rater = Reliability(0.9, 0.8)  # q = 0.6 * 0.9 + 0.4 * 0.2 = 0.62, J = 0.7
    assert _one("variance_reduction", 0.6, 0.5, 0.5, rater) == pytest.approx((0.24 * 0.5 * 0.7) ** 2 / (0.62 * 0.38))
    assert _one("expected_shift", 0.6, 0.5, 0.5, rater) == pytest.approx(2 * 0.24 * 0.5 * 0.7)


@pytest.mark.parametrize("measure", MEASURES)
@pytest.mark.parametrize("p, rho, d", [(0.0, 0.4, 0.0), (1.0, 0.4, 0.0), (0.5, 0.4, 0.0), (1e-310, 0.0, 1.0)])
def test_what_teaches_nothing_is_worth_nothing(measure: str, p: float, rho: float, d: float) -> None:
    assert _one(measure, p, rho, d) == _one(measure, p, rho, d, Reliability(0.7, 0.9)) == 0


@pytest.mark.parametrize("answers", [YES_OR_NO, FINE])
def test_an_erring_rater_is_worth_what_the_joint_says(answers: tuple[float, ...]) -> None:
    rng = np.random.default_rng(3)
    for _ in range(50):
        p, r1, r0, s, t = rng.random(5)
        rater, rho = Reliability(s, t), p * r1 + (1 - p) * r0
        for measure in MEASURES:
            expected = _enumerated(measure, p, r1, r0, rater, answers)
            assert _one(measure, p, rho, r1 - r0, rater, answers) == pytest.approx(expected, rel=1e-9, abs=1e-14)


def _enumerated(
    measure: Measure, p: float, r1: float, r0: float, rater: Reliability, answers: tuple[float, ...]
) -> float:
    """The mean over answers of what is said of the root, straight from the table of claim, root and answer."""
    rho, total = p * r1 + (1 - p) * r0, 0.0
    for answer in answers:
        l0, l1 = (2 / len(answers) * one for one in answer_likelihood(answer, rater))
        q = p * l1 + (1 - p) * l0
        after = (p * l1 * r1 + (1 - p) * l0 * r0) / q
        if measure == "variance_reduction":
            total += q * (after - rho) ** 2
        elif measure == "expected_shift":
            total += q * abs(after - rho)
        else:
            total += q * (after * math.log(after / rho) + (1 - after) * math.log((1 - after) / (1 - rho)))
    return total


@settings(max_examples=300, deadline=None, derandomize=True)
@given(PROBS, PROBS, PROBS, PROBS, PROBS)
def test_a_perfect_answer_is_worth_most_and_no_answer_less_than_nothing(
    p: float, r1: float, r0: float, s: float, t: float
) -> None:
    rho = p * r1 + (1 - p) * r0
    for measure in MEASURES:
        perfect, sample, fine = (
            _one(measure, p, rho, r1 - r0, rater, answers)
            for rater, answers in ((PERFECT, YES_OR_NO), (Reliability(s, t), YES_OR_NO), (Reliability(s, t), FINE))
        )
        assert perfect * (1 + 1e-9) + 1e-300 >= sample >= 0
        assert sample * (1 + 1e-9) + 1e-300 >= fine >= 0


@pytest.mark.parametrize("measure", MEASURES)
def test_a_rater_who_always_lies_tells_as_much_as_one_who_never_does(measure: str) -> None:
    assert _one(measure, 0.3, 0.6, 0.5, Reliability(0.0, 0.0)) == pytest.approx(_one(measure, 0.3, 0.6, 0.5))


def test_answers_that_favour_a_side_are_refused() -> None:
    with pytest.raises(ValueError, match="their mean must be 1/2"):
        _one("expected_shift", 0.3, 0.6, 0.5, PERFECT, (0.0, 0.7))


@pytest.mark.parametrize(
    "rater", [Reliability(0.95, 0.9), Reliability(0.6, 0.6), Reliability(0.99, 0.4), Reliability(0.2, 0.3)]
)
def test_what_a_rater_is_worth_is_a_share_of_the_perfect_value(rater: Reliability) -> None:
    result = propagate(random_graph(np.random.default_rng(5)))
    share = share_resolved(result.prob, rater)
    assert result.value("variance_reduction", rater) == pytest.approx(result.value() * share, abs=1e-15)
    grid = np.linspace(1e-6, 1 - 1e-6, 200_001)
    assert most_resolved(rater) == pytest.approx(share_resolved(grid, rater).max(), rel=1e-6)
    assert share_resolved(np.array([0.0, 1.0]), rater) == pytest.approx([0, 0], abs=1e-12)
