"""Value of information: how much an answer about a claim is expected to change a root.

With p = P(x), rho = P(r), d = P(r | x) - P(r | not x), all given the evidence, an answer a of likelihoods l1 =
P(a | x) and l0 = P(a | not x) is heard with probability P(a) = p l1 + (1-p) l0 and moves the root by

    delta_a = P(r | a) - rho = p (1-p) d (l1 - l0) / P(a).

Each measure is the mean over answers of what such a move counts: delta^2, |delta|, or the divergence of rho + delta
from rho. A claim that is certain, or whose one state is impossible, can teach nothing: 0. Not here: prices
(`rank`), several questions at once (`batch`), utilities (`decision`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal, get_args

import numpy as np
from scipy.special import xlog1py

from argtree.compiled import FloatArray
from argtree.evidence import Reliability, answer_likelihood

Measure = Literal["variance_reduction", "expected_shift", "mutual_information"]

MEASURES: tuple[Measure, ...] = get_args(Measure)

PERFECT = Reliability(1.0, 1.0)
"""A rater who is always right."""

YES_OR_NO = (1.0, 0.0)
"""The answers that a rater chooses from by default, each as the probability that it gives the claim."""

_SMALLEST_PROB = 1e-300  # below it 1 / p overflows, and any value is too small to matter
_BLOCK = 2**14  # claims at once: temporaries stay in the processor's cache
_SMALL_RATIO = 1e-3  # up to here a series is nearer than the difference that it expands


def value_of_information(
    measure: Measure,
    prob: FloatArray | float,
    root_prob: FloatArray | float,
    difference: FloatArray | float,
    reliability: Reliability = PERFECT,
    answers: Sequence[float] = YES_OR_NO,
) -> FloatArray:
    """Returns the value of one answer about a claim for a root, never negative; element by element.

    Against a perfect rater, the value of perfect information; against any other, of a sample (EVSI), which is at
    most that. For the variance it is (p (1-p) d J)^2 / (q (1-q)), for the shift 2 p (1-p) |d| |J|, with J =
    sensitivity + specificity - 1 and q = P(the rater says yes) (Raiffa and Schlaifer 1961, chapter 4).

    Args:
        measure: one of `MEASURES`. `variance_reduction` is in squared probability, `expected_shift` in
            probability, `mutual_information` in nats.
        prob: P(claim); this and the next two of any shapes that broadcast together.
        root_prob: P(root).
        difference: P(root | claim true) - P(root | claim false), taken without cancellation; 0 where a state is
            impossible.
        reliability: of the rater who will be asked.
        answers: what the rater may say, see `answer_table`.

    Raises:
        ValueError: no such measure, or no such set of answers.
    """
    check_measure(measure)
    table = answer_table(reliability, answers)
    arrays = [np.asarray(one, dtype=np.float64) for one in (prob, root_prob, difference)]
    value = np.empty(np.broadcast_shapes(*(one.shape for one in arrays)))
    flat = value.reshape(-1)
    arrays = [np.broadcast_to(one, value.shape).reshape(-1) if one.ndim else one for one in arrays]
    for start in range(0, len(flat), _BLOCK):
        p, rho, d = (one[start : start + _BLOCK] if one.ndim else one for one in arrays)
        open_ = ~((p <= _SMALLEST_PROB) | (p >= 1))  # what is not a number stays that
        p = np.where(open_, p, 0.5)
        flat[start : start + _BLOCK] = _FORMULAS[measure](p, rho, np.where(open_, d, 0.0), table)
    return value


def share_resolved(prob: FloatArray | float, reliability: Reliability) -> FloatArray:
    """Returns which share of a claim's variance a yes or no of this rater is expected to take, in [0, 1].

    It is the squared correlation of claim and answer, p (1-p) J^2 / (q (1-q)), and does not depend on the root: the
    rater's value of a question in `variance_reduction` is its perfect value times this share, summed over roots too.

    Args:
        prob: P(claim), of any shape.
        reliability: of the rater who will be asked.
    """
    p = np.clip(np.asarray(prob, dtype=np.float64), _SMALLEST_PROB, 1 - np.finfo(np.float64).epsneg)
    return _share(p, answer_table(reliability))


def most_resolved(reliability: Reliability) -> float:
    """Returns the largest `share_resolved` that a claim of any probability can have.

    The maximal squared correlation of a binary channel, (sqrt(s t) - sqrt((1-s)(1-t)))^2: setting the derivative of
    log(p (1-p) / (q (1-q))) to 0 gives p / (1-p) = sqrt(t (1-t) / (s (1-s))).
    """
    s, t = reliability.sensitivity, reliability.specificity
    return float((np.sqrt(s * t) - np.sqrt((1 - s) * (1 - t))) ** 2)


def check_measure(measure: str) -> None:
    """Checks a measure's name.

    Raises:
        ValueError: no such measure.
    """
    if measure not in MEASURES:
        raise ValueError(f"the measure is {measure!r}; it must be one of {', '.join(MEASURES)}")


def answer_table(reliability: Reliability, answers: Sequence[float] = YES_OR_NO) -> FloatArray:
    """Returns (P(answer | claim false), P(answer | claim true)) for each possible answer, [K, 2]; columns sum to 1.

    A probability counts as the mixture of yes and no (`evidence.answer_likelihood`). So a rater who may say one is
    taken to have come to a yes or a no, as the reliability says, and to voice it through a noisy channel, P(says a |
    yes) proportional to a and P(says a | no) to 1 - a. By the data processing inequality a finer scale, so
    understood, is never worth more than a plain yes or no. Answers that cannot occur are left out.

    Args:
        reliability: the rater's.
        answers: probabilities in [0, 1] whose mean is 1/2, such as 0.1, 0.3, 0.5, 0.7, 0.9: without reason, no side
            is favoured.

    Raises:
        ValueError: an answer is no probability, or their mean is not 1/2.
    """
    likelihoods = [answer_likelihood(answer, reliability) for answer in answers]
    if not answers or abs(sum(answers) / len(answers) - 0.5) > 1e-9:
        raise ValueError(f"the answers are {tuple(answers)}; their mean must be 1/2")
    table = np.array(likelihoods, dtype=np.float64) * (2 / len(answers))
    return np.asarray(table[table.any(axis=1)])


def answer_prob(prob: FloatArray, answer: FloatArray) -> FloatArray:
    """Returns P(answer) for one answer's likelihoods [2] and each P(claim)."""
    return np.asarray(prob * answer[1] + (1 - prob) * answer[0])


def root_move(prob: FloatArray, difference: FloatArray, answer: FloatArray) -> FloatArray:
    """Returns P(root | answer) - P(root) [..., C] for `prob` within (0, 1), `difference` likewise, `answer` [2]."""
    return np.asarray(prob * (1 - prob) / answer_prob(prob, answer) * (answer[1] - answer[0]) * difference)


def _variance_reduction(p: FloatArray, rho: FloatArray, d: FloatArray, table: FloatArray) -> FloatArray:
    return np.asarray(p * (1 - p) * _share(p, table) * d**2)


def _share(p: FloatArray, table: FloatArray) -> FloatArray:
    """Returns the share of the claim's own variance that the answer takes: 1 from a perfect rater."""
    return np.asarray(sum(p * (1 - p) / answer_prob(p, one) * (one[1] - one[0]) ** 2 for one in table))


def _expected_shift(p: FloatArray, rho: FloatArray, d: FloatArray, table: FloatArray) -> FloatArray:
    return np.asarray(p * (1 - p) * np.abs(table[:, 1] - table[:, 0]).sum() * np.abs(d))


def _mutual_information(p: FloatArray, rho: FloatArray, d: FloatArray, table: FloatArray) -> FloatArray:
    """H(r) - E[H(r | answer)], as the expected Kullback-Leibler divergence of the answered from the asked.

    Differences of entropies would lose what is left of a small value; each term here is non-negative.
    """
    # 1 - rho may have lost its digits, but no answer may take the root's probability past 0 or 1.
    not_rho = np.maximum(1 - rho, np.maximum((1 - p) * d, -p * d))
    rho = np.maximum(rho, np.maximum(p * d, -(1 - p) * d))
    value = np.zeros(d.shape)
    for answer in table:
        move = root_move(p, d, answer)
        value += answer_prob(p, answer) * (_excess(rho, move) + _excess(not_rho, -move))
    return value


def _excess(base: FloatArray, change: FloatArray) -> FloatArray:
    """Returns (base + change) log((base + change) / base) - change, at least 0, and 0 where base is 0."""
    ratio = np.divide(change, base, out=np.zeros_like(change), where=base > 0)
    np.maximum(ratio, -1.0, out=ratio)
    large = np.flatnonzero(np.abs(ratio) > _SMALL_RATIO)
    far = ratio[large]
    ratio[large] = 0.0
    found = np.full_like(ratio, 1 / 30)
    for coefficient in (1 / 20, 1 / 12, 1 / 6, 1 / 2):  # ratio^2 (1/2 - ratio/6 + ratio^2/12 - ratio^3/20 + ratio^4/30)
        found *= ratio
        np.subtract(coefficient, found, out=found)
    found *= ratio
    found *= ratio
    found[large] = xlog1py(1 + far, far) - far
    found *= base
    return found


_FORMULAS: dict[Measure, Callable[[FloatArray, FloatArray, FloatArray, FloatArray], FloatArray]] = {
    "variance_reduction": _variance_reduction,
    "expected_shift": _expected_shift,
    "mutual_information": _mutual_information,
}
