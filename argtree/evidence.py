"""What answers say about a claim: likelihoods that enter a graph as evidence.

Answers enter as the product of P(answer | claim) over raters, never as a posterior, so that the graph's own
probability of the claim is counted once. Not here: learning how reliable a rater is (`reliability`, `crowd`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]

SETTLED = 0.95
"""A label with a probability of at least this, or at most one minus this, is settled."""

_SMALL = 1e-100


def _check_prob(name: str, value: float) -> None:
    if not 0 <= value <= 1:
        raise ValueError(f"{name} is {value}; it must lie in [0, 1]")


@dataclass(frozen=True)
class Reliability:
    """How often a rater is right."""

    sensitivity: float  # P(says yes | claim true), in [0, 1]
    specificity: float  # P(says no | claim false), in [0, 1]

    def __post_init__(self) -> None:
        _check_prob("sensitivity", self.sensitivity)
        _check_prob("specificity", self.specificity)


TRUSTED_RATER = Reliability(0.97, 0.97)
"""Somebody for whom whoever runs the desk vouches, before anything was learnt; of others see `reliability.STRANGER`."""


def answer_likelihood(prob: float, reliability: Reliability = TRUSTED_RATER) -> tuple[float, float]:
    """Returns (P(answer | claim false), P(answer | claim true)) of an answer that gives the claim `prob`.

    A probability between no and yes counts as the mixture of the two answers, so 0.5 says nothing if the
    rater errs equally often both ways.

    Args:
        prob: what the answer says P(claim) is, in [0, 1]; yes is 1, no is 0.
        reliability: the rater's.

    Raises:
        ValueError: `prob` is not a probability.
    """
    _check_prob("prob", prob)
    if_false = prob * (1 - reliability.specificity) + (1 - prob) * reliability.specificity
    if_true = prob * reliability.sensitivity + (1 - prob) * (1 - reliability.sensitivity)
    return if_false, if_true


def product_likelihood(answers: Iterable[tuple[float, Reliability]]) -> tuple[float, float]:
    """Returns the product of `answer_likelihood` over independent answers, each with its rater's reliability.

    (1, 1) for none: who cannot say has said nothing about the claim, and gives no answer here. Only the ratio of the
    two matters. It is kept where the product itself would underflow: then both are divided by the larger.
    """
    if_false, if_true = 1.0, 1.0
    for prob, reliability in answers:
        l0, l1 = answer_likelihood(prob, reliability)
        if_false, if_true = if_false * l0, if_true * l1
        larger = max(if_false, if_true)
        if 0 < larger < _SMALL:
            if_false, if_true = if_false / larger, if_true / larger
    return if_false, if_true


def label_prob(l0: float, l1: float) -> float:
    """Returns l1 / (l0 + l1): the probability of the claim that the answers alone speak for.

    Raises:
        ValueError: a likelihood is negative, or both are zero (answers that contradict each other with certainty).
    """
    if not (l0 >= 0 and l1 >= 0 and l0 + l1 > 0):
        raise ValueError(f"the likelihoods are ({l0}, {l1}); they must be non-negative and not both 0")
    return l1 / (l0 + l1)


def is_settled(prob: float) -> bool:
    """Returns whether a label of this probability is beyond doubt (`SETTLED`) either way."""
    return prob >= SETTLED or prob <= 1 - SETTLED


def answer_losses(prob: FloatArray, likelihoods: FloatArray) -> FloatArray:
    """Returns -ln P(answers) of each claim but for a constant, [n] in nats.

    P(answers) = p P(answers | true) + (1-p) P(answers | false): the log loss of p where what is true is told by raters
    who err.

    Args:
        prob: p, [n] in [0, 1].
        likelihoods: P(answers | claim false) and P(answers | claim true), [n, 2].
    """
    share = likelihoods / likelihoods.sum(axis=1, keepdims=True)
    losses: FloatArray = -np.log(prob * share[:, 1] + (1 - prob) * share[:, 0] + 1e-300)
    return losses
