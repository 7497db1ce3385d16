"""Who should be asked what: the value of each question to be answered by each rater, and who gets which.

A rater who is often right is worth more where much hangs on the answer; one who only ever sees the true is worth more
where the claim is probably false. Nothing is propagated: what answers move is known from one propagation already.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.optimize import linear_sum_assignment

from argtree.compiled import FloatArray
from argtree.evidence import Reliability
from argtree.value import Measure, value_of_information


def values_by_rater(
    measure: Measure,
    prob: FloatArray,
    root_prob: FloatArray,
    difference: FloatArray,
    weights: FloatArray,
    raters: Sequence[Reliability],
) -> FloatArray:
    """Returns [W, C] the value (EVSI) of each question when each rater answers it, summed over roots by weight.

    `variance_reduction` needs no root by itself: one root of weight 1 with the difference sqrt(`Propagation.shift()`)
    has the same values, so two numbers a question are all that a queue must keep to order it for anybody.

    Args:
        measure: see `value_of_information`, like the next three.
        prob: [C] P(claim) of the questions' claims.
        root_prob: [R] P(root).
        difference: [R, C] P(root | claim) - P(root | not claim).
        weights: [R] of the roots.
        raters: [W] reliabilities; for an uncertain one its mean, which is exact for one answer.

    Raises:
        ValueError: no such measure.
    """
    of_root = root_prob[:, np.newaxis]
    values = [weights @ value_of_information(measure, prob, of_root, difference, one) for one in raters]
    return np.array(values, dtype=np.float64).reshape(len(raters), len(prob))


def assign(values: FloatArray) -> list[tuple[int, int]]:
    """Returns (rater, question) pairs of the highest total value: nobody gets two questions, no question two raters.

    Exact (linear assignment). The total counts each answer as if it were the only one. Nobody gets a question that is
    worth nothing from them.

    Args:
        values: [W, C] worth of each question to each rater, per second if they take different times; 0 where a
            rater must not be asked.
    """
    pairs = zip(*(rows.tolist() for rows in linear_sum_assignment(values, maximize=True)), strict=True)
    return [(rater, question) for rater, question in pairs if values[rater, question] > 0]
