"""Which of some things are better, from comparisons of two at a time, and which two to compare next.

Thing i has a strength s_i, and a tournament a readiness to call two things equal, nu. With d = s_i - s_j an answer is
"i is better", "j is better" or "equal" in the proportions exp(d/2) : exp(-d/2) : nu (Davidson 1970; without ties that
is Bradley and Terry 1952). Ties are part of the model, not half a win for each: half a win counts the same however
ready a tournament's raters are to say "equal", and does not tell how probable a tie is, which the choice of the next
pair needs.

The prior is Gaussian in the strengths and in log nu, so the posterior is log-concave. It is kept as weighted points:
Gaussian quasi-random points around the mode (Newton's method; covariance from the curvature there), each with its
importance weight. A Gaussian alone is up to 0.05 off in P(i better than j) where there are few comparisons; with the
weights 0.015 is the most that was seen. The points are always the same, so equal tallies give equal figures.

Every comparison counts the same, whoever made it. Not here: raters who are less reliable, or who favour one side.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt
from scipy.special import xlogy

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]
Outcome = Literal["first", "second", "equal"]

STRENGTH_SD = 1.65
"""Standard deviation of a strength before any comparison. With it two raters who both prefer one of two random things
prefer the same one 73 times in 100, as the raters of Ouyang et al. 2022 did (section 3.4: 72.6 +- 1.5 %)."""
TIE_ODDS = 0.5
"""Median of nu before any comparison: two things of one strength are called equal 1 time in 5."""
TIE_SD = 1.0
"""Standard deviation of log nu before any comparison."""
LEAST_GAIN = 0.02
"""Nats. A comparison that is expected to tell less than this about the ranking is not worth a rater's time."""

_POINTS = 4096  # S
_WIDER = 1.2  # the points' covariance over the curvature's, so that the tails have points too
_NEWTON_STEPS = 50  # six do
_LONGEST_STEP = 4.0  # in strength; from far away a full step would overshoot


@dataclass(frozen=True, eq=False)
class Tally:
    """How often each was called better than each. Axis: K things."""

    wins: IntArray  # [K, K] times that the first was called better than the second; diagonal 0
    ties: IntArray  # [K, K] times that the two were called equal; symmetric, diagonal 0

    @classmethod
    def of(cls, num_things: int, comparisons: Iterable[tuple[int, int, Outcome]]) -> Tally:
        """Returns the tally of comparisons, each (first, second, which is better).

        Raises:
            ValueError: fewer than two things, a comparison of a thing with itself or of one out of range, or another
                outcome than the three.
        """
        if num_things < 2:
            raise ValueError(f"there are {num_things} things; it takes two to compare")
        wins, ties = np.zeros((2, num_things, num_things), np.int64)
        for first, second, outcome in comparisons:
            if first == second or not (0 <= first < num_things and 0 <= second < num_things):
                raise ValueError(f"{first} cannot be compared with {second} among {num_things} things")
            if outcome not in get_args(Outcome):
                raise ValueError(f"the outcome is {outcome!r}; it must be one of {', '.join(get_args(Outcome))}")
            if outcome == "equal":
                ties[first, second] += 1
                ties[second, first] += 1
            else:
                wins[(first, second) if outcome == "first" else (second, first)] += 1
        return cls(wins, ties)


@dataclass(frozen=True, eq=False)
class Standings:
    """The posterior, as weighted points. Axes: S points, K things, N = K (K - 1) / 2 pairs i < j, row by row."""

    strength: FloatArray  # [S, K]
    log_ties: FloatArray  # [S] log nu
    weight: FloatArray  # [S] adding up to 1

    @property
    def mean(self) -> FloatArray:
        """[K] expected strength."""
        return self.weight @ self.strength

    @property
    def sd(self) -> FloatArray:
        """[K] standard deviation of the strength."""
        return np.sqrt(self.weight @ (self.strength - self.mean) ** 2)

    @cached_property
    def better_prob(self) -> FloatArray:
        """[K, K] P(the first is stronger than the second); 1/2 on the diagonal."""
        first, second = _pairs(self.strength.shape[1])
        found = np.full((self.strength.shape[1],) * 2, 0.5)
        found[first, second] = self.weight @ self._is_ordered
        found[second, first] = 1 - found[first, second]
        return found

    @property
    def order(self) -> list[int]:
        """Things from the best to the worst, by how many others each is expected to be stronger than."""
        found: list[int] = np.argsort(-self.better_prob.sum(axis=1), kind="stable").tolist()
        return found

    @cached_property
    def outcome_prob(self) -> FloatArray:
        """[N, 3] P(answer to the pair): the first is better, the second, equal."""
        return np.stack([self.weight @ of_answer for of_answer in self._outcomes], axis=1)

    @cached_property
    def gain(self) -> FloatArray:
        """[K, K] nats that comparing two is expected to tell about the ranking; 0 on the diagonal.

        That is the mutual information of the answer and the order of two things, summed over all pairs of things: how
        far the answer is expected to bring down the entropies of all orders (Lindley 1956; for pairs, of strengths
        rather than orders, Glickman and Jensen 2005 and Pfeiffer et al. 2012). Orders are what a ranking is made of
        and what Kendall's tau counts. Exact up to the points.
        """
        size = self.strength.shape[1]
        first, second = _pairs(size)
        ordered = self.weight @ self._is_ordered  # [N]
        told = np.zeros(len(first))
        for of_answer in self._outcomes:
            weighted = of_answer * self.weight[:, np.newaxis]
            answer = weighted.sum(axis=0)[:, np.newaxis]  # [N, 1]
            joint = weighted.T @ self._is_ordered  # [N, N] P(answer to one pair, the order of another)
            for both, marginal in ((joint, ordered), (answer - joint, 1 - ordered)):
                share = np.maximum(both, 0.0)  # rounding may leave it below
                expected = np.maximum(answer * marginal, np.finfo(float).tiny)
                told += xlogy(share, share / expected).sum(axis=1)
        gain = np.zeros((size, size))
        gain[first, second] = gain[second, first] = np.maximum(told, 0.0)
        return gain

    @cached_property
    def _is_ordered(self) -> FloatArray:
        """[S, N] 1 where the first of a pair is the stronger."""
        first, second = _pairs(self.strength.shape[1])
        return (self.strength[:, first] > self.strength[:, second]).astype(np.float64)

    @cached_property
    def _outcomes(self) -> FloatArray:
        """[3, S, N] P(answer | point)."""
        first, second = _pairs(self.strength.shape[1])
        difference = self.strength[:, first] - self.strength[:, second]
        return np.exp(_log_outcomes(difference, self.log_ties[:, np.newaxis]))


def standings(tally: Tally) -> Standings:
    """Returns the posterior of the strengths after some comparisons; see the module on how exact it is."""
    mode, covariance = laplace(tally)
    size = len(tally.wins)
    normal = _normal_points(size + 1)
    point = mode + normal @ np.linalg.cholesky(_WIDER * covariance).T
    strength, log_ties = point[:, :size], point[:, size]
    first, second = _pairs(size)
    log_prob = _log_outcomes(strength[:, first] - strength[:, second], log_ties[:, np.newaxis])  # [3, S, N]
    log_weight = np.einsum("asn,na->s", log_prob, _counts(tally))
    log_weight -= 0.5 * ((strength / STRENGTH_SD) ** 2).sum(axis=1)
    log_weight -= 0.5 * ((log_ties - math.log(TIE_ODDS)) / TIE_SD) ** 2
    log_weight += 0.5 * (normal**2).sum(axis=1)  # what the points were drawn with
    weight = np.exp(log_weight - log_weight.max())
    return Standings(strength, log_ties, weight / weight.sum())


def best_pair(gain: FloatArray, allowed: BoolArray | None = None) -> tuple[int, int, float] | None:
    """Returns (i, j, nats) of the pair i < j that is expected to tell most; None if none is worth asking (LEAST_GAIN).

    Args:
        gain: [K, K] as of `Standings.gain`.
        allowed: [K, K] which pairs may be asked, read above the diagonal; None: all.
    """
    open_ = np.triu(gain if allowed is None else np.where(allowed, gain, 0.0))
    first, second = divmod(int(open_.argmax()), len(open_))
    most = float(open_[first, second])
    return (first, second, most) if most >= LEAST_GAIN else None


def laplace(tally: Tally) -> tuple[FloatArray, FloatArray]:
    """Returns the posterior's mode, [K + 1] strengths and log nu, and the inverse curvature there, [K + 1, K + 1]."""
    size = len(tally.wins)
    first, second = _pairs(size)
    counts, pair = _counts(tally), np.arange(len(first))
    utility = np.zeros((len(first), 3, size + 1))  # [N, 3, K + 1] of each answer, linear in what is sought
    for answer, sign in ((0, 0.5), (1, -0.5)):
        utility[pair, answer, first], utility[pair, answer, second] = sign, -sign
    utility[:, 2, size] = 1.0
    precision = np.diag([STRENGTH_SD**-2] * size + [TIE_SD**-2])
    centre = np.append(np.zeros(size), math.log(TIE_ODDS))
    mode = centre
    for _ in range(_NEWTON_STEPS):
        prob = np.exp(_log_outcomes(mode[first] - mode[second], mode[size])).T
        slope = np.einsum("nc,nck->k", counts - counts.sum(axis=1, keepdims=True) * prob, utility)
        expected = np.einsum("nc,nck->nk", prob, utility)
        centred = (utility - expected[:, np.newaxis]).reshape(-1, size + 1)
        curvature = precision + centred.T @ (centred * (counts.sum(axis=1, keepdims=True) * prob).reshape(-1, 1))
        step = np.linalg.solve(curvature, slope - precision @ (mode - centre))
        length = float(np.abs(step).max())
        mode = mode + step * min(1.0, _LONGEST_STEP / max(length, _LONGEST_STEP))
        if length < 1e-10:
            break
    return mode, np.linalg.inv(curvature)


def _log_outcomes(difference: FloatArray, log_ties: FloatArray | float) -> FloatArray:
    """Returns [3, ...] the logarithms of the answers' probabilities, by the difference of the strengths."""
    half = 0.5 * difference
    least = np.maximum(np.abs(half), log_ties)  # taken out, so that nothing overflows
    total = least + np.log(np.exp(half - least) + np.exp(-half - least) + np.exp(log_ties - least))
    found: FloatArray = np.stack([half - total, -half - total, log_ties - total])
    return found


def _counts(tally: Tally) -> IntArray:
    """Returns [N, 3] how often each pair was answered in each way."""
    first, second = _pairs(len(tally.wins))
    return np.stack([tally.wins[first, second], tally.wins[second, first], tally.ties[first, second]], axis=1)


@lru_cache(maxsize=32)
def _pairs(size: int) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    first, second = np.triu_indices(size, 1)
    return first, second


@lru_cache(maxsize=32)
def _normal_points(size: int) -> FloatArray:
    """Returns [S, size] quasi-random points of the standard normal distribution (scrambled Sobol), always the same."""
    from scipy.stats import qmc  # here: scipy.stats takes longer to import than most commands to run

    found: FloatArray = qmc.MultivariateNormalQMC(np.zeros(size), rng=0).random(_POINTS)
    return found
