"""What is known of a rater's reliability: a Beta distribution of the sensitivity and one of the specificity.

A rater's answer enters a graph with the likelihoods of the mean: P(says yes | claim true) = E[sensitivity], which is
exact for one answer. Several answers by one rater to different claims share the same unknown sensitivity, so given the
claims they are not quite independent; that is ignored, to first order in the variances. It makes a rater's twentieth
wrong answer count as much as the first until the reliability is learnt anew.

Not here: learning the reliabilities of a whole crowd (`crowd`), what follows from a bad one (`checks`).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.special import betainc, betaincinv

from argtree.evidence import TRUSTED_RATER, Reliability, answer_likelihood

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(200)


@dataclass(frozen=True)
class Beta:
    """The distribution of an unknown probability, as if `hits` of `hits + misses` trials had gone well."""

    hits: float  # above 0
    misses: float  # above 0

    def __post_init__(self) -> None:
        if not (0 < self.hits < np.inf and 0 < self.misses < np.inf):
            raise ValueError(f"a Beta distribution of {self.hits} hits and {self.misses} misses; both must be above 0")

    @property
    def weight(self) -> float:
        """Of how many trials it is worth."""
        return self.hits + self.misses

    @property
    def mean(self) -> float:
        """The probability of a hit."""
        return self.hits / self.weight

    def quantile(self, prob: float) -> float:
        """Returns the value that the unknown probability is below with probability `prob`."""
        return float(betaincinv(self.hits, self.misses, prob))


@dataclass(frozen=True)
class RaterReliability:
    """What is known of how often a rater is right."""

    sensitivity: Beta  # of P(says yes | claim true)
    specificity: Beta  # of P(says no | claim false)

    @property
    def mean(self) -> Reliability:
        """What likelihoods and values of questions are worked out with."""
        return Reliability(self.sensitivity.mean, self.specificity.mean)

    @cached_property
    def better_than_chance_prob(self) -> float:
        """P(sensitivity + specificity > 1): that a yes speaks for a claim at all, sensitivity being independent.

        E[F(sensitivity)], F being the distribution of 1 - specificity: 200-point Gauss-Legendre over the quantiles.
        """
        right, wrong = self.sensitivity, self.specificity
        says_yes = betaincinv(right.hits, right.misses, (_NODES + 1) / 2)
        return float(_WEIGHTS @ betainc(wrong.misses, wrong.hits, says_yes)) / 2


STRANGER = RaterReliability(Beta(4, 2), Beta(4, 2))
"""What is assumed of a rater of whom nothing is known, worth six answers of which four were right.

It was set by reasoning, not fitted: most raters beat chance, P(sensitivity > 1/2) = 0.81, and half a dozen answers to
gold questions must be able to show that one does not. It also says which of two mirror images is meant: the answers of
a crowd are explained as well by a world where everything is the other way round and everybody errs.
"""


VOUCHED = RaterReliability(
    *(Beta(20 * mean, 20 * (1 - mean)) for mean in (TRUSTED_RATER.sensitivity, TRUSTED_RATER.specificity))
)
"""What is assumed of a rater for whom whoever runs the desk vouches: `TRUSTED_RATER`'s, worth twenty answers."""


def heard(known: RaterReliability, prob: float, claim_prob: float) -> RaterReliability:
    """Returns what is known of a rater after one more answer: the cheap update between two fits of the crowd.

    The exact posterior is a mixture: the claim is true or not, the rater came to a yes or a no. Each of the two
    reliabilities gets the Beta distribution of that mixture's mean and variance (assumed density filtering, Minka
    2001). For a claim that is certain and a plain yes or no nothing is approximated: one is added to hits or misses.

    Args:
        known: before the answer.
        prob: what the answer says P(claim) is, in [0, 1]; yes is 1, no is 0.
        claim_prob: P(claim | all but this answer), in [0, 1]; 0 or 1 for a gold question.

    Raises:
        ValueError: a probability out of range.
    """
    if not 0 <= claim_prob <= 1:
        raise ValueError(f"claim_prob is {claim_prob}; it must lie in [0, 1]")
    if_false, if_true = answer_likelihood(prob, known.mean)
    total = claim_prob * if_true + (1 - claim_prob) * if_false
    s, t = known.mean.sensitivity, known.mean.specificity
    true, false = claim_prob / total, (1 - claim_prob) / total
    return RaterReliability(
        _tried(known.sensitivity, true * prob * s, true * (1 - prob) * (1 - s)),
        _tried(known.specificity, false * (1 - prob) * t, false * prob * (1 - t)),
    )


def _tried(before: Beta, hit_prob: float, miss_prob: float) -> Beta:
    """Returns the Beta distribution with the moments of the mixture: one hit more, one miss more, or as before."""
    a, n = before.hits, before.weight
    chances = np.array([hit_prob, miss_prob, max(0.0, 1 - hit_prob - miss_prob)])
    hits, weights = np.array([a + 1, a, a]), np.array([n + 1, n + 1, n])
    mean = float(chances @ (hits / weights))
    variance = float(chances @ (hits * (hits + 1) / (weights * (weights + 1)))) - mean**2
    weight = mean * (1 - mean) / variance - 1
    return Beta(weight * mean, weight * (1 - mean))
