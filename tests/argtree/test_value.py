"""Values of information against the formulas in exact arithmetic."""

from __future__ import annotations

import math
from decimal import Decimal, localcontext

import numpy as np
import pytest

from argtree.value import MEASURES, value_of_information


def _one(measure: str, p: float, r1: float, r0: float) -> float:
    return float(value_of_information(measure, np.array([p]), np.array([[r1]]), np.array([[r0]]))[0, 0])  # type: ignore[arg-type]


def _exact_information(p: float, r1: float, r0: float) -> float:
    with localcontext() as context:
        context.prec = 60
        dp, d1, d0 = Decimal(p), Decimal(r1), Decimal(r0)

        def entropy(q: Decimal) -> Decimal:
            return -sum((x * x.ln() for x in (q, 1 - q) if x > 0), Decimal(0))

        return float(entropy(dp * d1 + (1 - dp) * d0) - dp * entropy(d1) - (1 - dp) * entropy(d0))


@pytest.mark.parametrize("p", [1e-9, 0.3, 0.999])
@pytest.mark.parametrize(
    "r0, r1", [(0.2, 0.9), (0.5, 0.5 + 1e-6), (0.0, 1.0), (0.3, 0.301), (1e-12, 3e-12), (1.0, 0.4)]
)
def test_mutual_information_keeps_its_digits(p: float, r0: float, r1: float) -> None:
    assert _one("mutual_information", p, r1, r0) == pytest.approx(_exact_information(p, r1, r0), rel=1e-9)


def test_fractions_by_hand() -> None:
    assert _one("variance_reduction", 0.25, 1.0, 0.5) == pytest.approx(3 / 64)
    assert _one("expected_shift", 0.25, 1.0, 0.5) == pytest.approx(3 / 16)
    assert _one("mutual_information", 0.5, 1.0, 0.0) == pytest.approx(math.log(2))


@pytest.mark.parametrize("measure", MEASURES)
@pytest.mark.parametrize("p, r1, r0", [(0.0, math.nan, 0.4), (1.0, 0.4, math.nan), (0.5, 0.4, 0.4), (1e-310, 1.0, 0.0)])
def test_what_teaches_nothing_is_worth_nothing(measure: str, p: float, r1: float, r0: float) -> None:
    assert _one(measure, p, r1, r0) == 0
