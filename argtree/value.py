"""Value of information: how much a certain answer about a claim is expected to change a root.

With p = P(x), r1 = P(r | x), r0 = P(r | not x), d = r1 - r0, all given the evidence. A claim that is certain, or
whose one state is impossible, can teach nothing: 0. Not here: raters who err, prices.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, get_args

import numpy as np
from scipy.special import xlog1py

from argtree.compiled import FloatArray

Measure = Literal["variance_reduction", "expected_shift", "mutual_information"]

MEASURES: tuple[Measure, ...] = get_args(Measure)

_SMALLEST_PROB = 1e-300  # below it 1 / p overflows, and any value is too small to matter
_SMALL_RATIO = 1e-3  # up to here a series is nearer than the difference that it expands


def value_of_information(measure: Measure, prob: FloatArray, if_true: FloatArray, if_false: FloatArray) -> FloatArray:
    """Returns the value of each claim for each root, [R, C], never negative.

    Args:
        measure: one of `MEASURES`. `variance_reduction` is in squared probability, `expected_shift` in
            probability, `mutual_information` in nats.
        prob: [C] P(claim).
        if_true: [R, C] P(root | claim true); NaN where that is impossible.
        if_false: [R, C] P(root | claim false); NaN likewise.

    Raises:
        ValueError: no such measure.
    """
    if measure not in MEASURES:
        raise ValueError(f"the measure is {measure!r}; it must be one of {', '.join(MEASURES)}")
    open_ = (prob > _SMALLEST_PROB) & (prob < 1) & np.isfinite(if_true) & np.isfinite(if_false)
    value = _FORMULAS[measure](prob, np.where(open_, if_true, 0.0), np.where(open_, if_false, 0.0))
    return np.where(open_, value, 0.0)


def _variance_reduction(p: FloatArray, r1: FloatArray, r0: FloatArray) -> FloatArray:
    return np.asarray(p * (1 - p) * (r1 - r0) ** 2)


def _expected_shift(p: FloatArray, r1: FloatArray, r0: FloatArray) -> FloatArray:
    return np.asarray(2 * p * (1 - p) * np.abs(r1 - r0))


def _mutual_information(p: FloatArray, r1: FloatArray, r0: FloatArray) -> FloatArray:
    """H(r) - p H(r1) - (1-p) H(r0), as the expected Kullback-Leibler divergence of the answered from the asked.

    Differences of entropies would lose what is left of a small value; each term here is non-negative.
    """
    rho, d = p * r1 + (1 - p) * r0, r1 - r0
    not_rho = p * (1 - r1) + (1 - p) * (1 - r0)
    if_yes = _excess(rho, (1 - p) * d) + _excess(not_rho, -(1 - p) * d)
    if_no = _excess(rho, -p * d) + _excess(not_rho, p * d)
    return p * if_yes + (1 - p) * if_no


def _excess(base: FloatArray, change: FloatArray) -> FloatArray:
    """Returns (base + change) log((base + change) / base) - change, at least 0, and 0 where base is 0."""
    possible = base > 0
    ratio = np.maximum(np.where(possible, change, 0.0) / np.where(possible, base, 1.0), -1.0)
    direct = xlog1py(1 + ratio, ratio) - ratio
    small = np.clip(ratio, -_SMALL_RATIO, _SMALL_RATIO)
    series = small**2 * (1 / 2 - small * (1 / 6 - small * (1 / 12 - small * (1 / 20 - small / 30))))
    return np.asarray(base * np.where(small == ratio, series, direct))


_FORMULAS: dict[Measure, Callable[[FloatArray, FloatArray, FloatArray], FloatArray]] = {
    "variance_reduction": _variance_reduction,
    "expected_shift": _expected_shift,
    "mutual_information": _mutual_information,
}
