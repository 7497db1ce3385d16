"""Which questions that a model could ask itself are worth exploring: a guess of what stays unsure, and a choice by it.

A root that was explored to the end and still stands at p is unsure by p (1 - p), what an answer to it would take off
its Brier score on average. That is guessed for questions not yet explored by a Gaussian process over the roots that
are. Pure. Not here: posing questions and the store (`argtree.posing`).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.linalg import LinAlgError, cho_solve, cholesky
from scipy.optimize import minimize

LEAST_FINISHED = (
    30  # roots below which the guess is the model's own doubt: fewer teach no more (benchmarks/curiosity.py)
)
MOST_FINISHED = 400  # the newest that a predictor learns from: it takes the cube of their number in time
EXPLORED_SHARE = 0.25  # of picks that are drawn at random: what is never tried is never learnt about
SHORTEST, LONGEST = 8, 200  # characters of a question

FloatArray = npt.NDArray[np.float64]
_LOG_SPAN = 8.0  # how far from its start the logarithm of a variance may go
_JITTER = 1e-9  # relative, so that a covariance matrix of twins can be factored
_END = re.compile(r"[^?？؟]+[?？؟]")
_OPEN = re.compile(
    r"(?:^|,\s*)(?:(?:and|so|but|in|on|at|to|of|from|by|for|with)\s+)?"
    r"(?:what|which|who|whom|whose|when|where|why|how)\b(?!\s*(?:ever|soever))",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Candidate:
    """A question before it is explored, and what the model holds of its claim."""

    question: str
    prob: float  # belief in the claim: mean, in [0, 1]
    pseudo_count: float  # what the belief is worth in observations, at least 0

    @property
    def doubt(self) -> float:
        """p (1 - p) of the belief, in [0, 1/4]."""
        return self.prob * (1 - self.prob)


class Guess(NamedTuple):
    """How unsure N questions will stay, in units of p (1 - p)."""

    mean: FloatArray  # [N], of any sign: it is a linear guess
    sd: FloatArray  # [N], of what a root's own p (1 - p) differs from the mean, its scatter included; above 0


class Pick(NamedTuple):
    """A question that was picked."""

    row: int
    is_random: bool


@dataclass(frozen=True, eq=False)
class Predictor:
    """A Gaussian process with a linear kernel for what a claim says and another for the model's belief and the wording.

    Axes: M roots learnt from, D places of an embedding, F other features.
    """

    vectors: FloatArray  # [M, D]
    features: FloatArray  # [M, F], standardised
    centre: FloatArray  # [F]
    scale: FloatArray  # [F]
    level: float  # mean of what was learnt from
    variances: FloatArray  # [3]: of the embedding's kernel, of the features', of the scatter
    factor: FloatArray  # [M, M] lower Cholesky factor of the covariance
    weights: FloatArray  # [M]

    def __call__(self, vectors: npt.NDArray[np.floating], candidates: Sequence[Candidate]) -> Guess:
        """Returns the guess for these candidates; of Rasmussen and Williams 2006, equations 2.23 and 2.24.

        Args:
            vectors: unit vectors of the candidates' claims, [N, D].
            candidates: N of them.
        """
        here = np.asarray(vectors, dtype=np.float64)
        features = (_features(candidates) - self.centre) / self.scale
        cross = _kernel(here, features, self.vectors, self.features, self.variances)
        own = self.variances[0] * (here**2).sum(axis=1) + self.variances[1] * (features**2).mean(axis=1)
        spread = own - (cross * cho_solve((self.factor, True), cross.T).T).sum(axis=1)
        return Guess(self.level + cross @ self.weights, np.sqrt(np.maximum(spread, 0.0) + self.variances[2]))


def learn(
    vectors: npt.NDArray[np.floating],
    finished: Sequence[Candidate],
    residuals: Sequence[float],
    least: int = LEAST_FINISHED,
) -> Predictor | None:
    """Returns a predictor learnt from roots that were explored to the end; None with fewer than `least`.

    The three variances are those of the highest marginal likelihood (Rasmussen and Williams 2006, "Gaussian Processes
    for Machine Learning", equation 2.30): what an embedding, say, tells nothing about gets none.

    Args:
        vectors: unit vectors of the roots' claims, [N, D].
        finished: the roots as they were before they were explored, N of them; the newest last.
        residuals: p (1 - p) of each at the end, in [0, 1/4].
        least: how many roots it takes, at least 2.

    Raises:
        ValueError: they are not as many of each.
    """
    if not len(vectors) == len(finished) == len(residuals):
        raise ValueError(f"there are {len(vectors)} vectors, {len(finished)} roots and {len(residuals)} residuals")
    if len(finished) < least:
        return None
    here = np.asarray(vectors, dtype=np.float64)[-MOST_FINISHED:]
    raw = _features(finished[-MOST_FINISHED:])
    target = np.asarray(residuals, dtype=np.float64)[-MOST_FINISHED:]
    centre, scale = raw.mean(axis=0), raw.std(axis=0)
    scale[scale == 0] = 1.0  # what never varies tells nothing either way
    features, level = (raw - centre) / scale, float(target.mean())
    variances = _likeliest(here, features, target - level)
    factor = _factor(_kernel(here, features, here, features, variances), variances[2])
    weights = cho_solve((factor, True), target - level)
    return Predictor(here, features, centre, scale, level, variances, factor, weights)


def pick(values: Sequence[float] | FloatArray, count: int, rng: np.random.Generator) -> list[Pick]:
    """Returns the rows of `count` candidates at most: each by turn the best that is left, or one drawn at random.

    Args:
        values: how unsure each candidate is expected to stay; of equals the first is the best.
        count: how many, at least 0.
        rng: decides which turns draw, a share of EXPLORED_SHARE on average, and what they draw.
    """
    left = np.argsort(-np.asarray(values, dtype=np.float64), kind="stable").tolist()
    picks = []
    while left and len(picks) < count:
        is_random = bool(rng.random() < EXPLORED_SHARE)
        picks.append(Pick(left.pop(int(rng.integers(len(left))) if is_random else 0), is_random))
    return picks


def drawn_by_doubt(probs: Sequence[float] | FloatArray, count: int, rng: np.random.Generator) -> list[int]:
    """Returns the rows of `count` claims at most, each drawn in proportion to its p (1 - p), none twice.

    Args:
        probs: posteriors, in [0, 1]; certain claims are never drawn.
        count: how many, at least 0.
        rng: draws.
    """
    prob = np.asarray(probs, dtype=np.float64)
    doubt = np.maximum(prob * (1 - prob), 0.0)
    count = min(count, int((doubt > 0).sum()))
    return rng.choice(len(doubt), count, replace=False, p=doubt / doubt.sum()).tolist() if count else []


def fault(question: str) -> str | None:
    """Returns why a text is no question that yes or no answers, in words to log; None where nothing is wrong with it.

    By its form alone. Questions that begin with an English question word ("what", "how") are refused; in other
    languages only the length and the question mark are looked at.
    """
    text = question.strip()
    if not SHORTEST <= len(text) <= LONGEST:
        return f"it has {len(text):,} characters, and {SHORTEST} to {LONGEST} are taken"
    if _END.fullmatch(text) is None:
        return "it is not one question with its question mark"
    asked = text.rpartition(":")[2]  # what stands before a colon only leads up to the question
    return "yes or no is no answer to it" if _OPEN.search(asked.strip()) else None


def _features(candidates: Sequence[Candidate]) -> FloatArray:
    """What is looked at beside the embedding, [N, F]: the belief, how firm it is, and how long the question is."""
    return np.array(
        [
            (one.doubt, one.prob, 1 / (one.pseudo_count + 1), np.log(1 + len(one.question.split())))
            for one in candidates
        ],
        dtype=np.float64,
    ).reshape(len(candidates), 4)


def _kernel(
    vectors: FloatArray, features: FloatArray, other_vectors: FloatArray, other_features: FloatArray, of: FloatArray
) -> FloatArray:
    said: FloatArray = of[0] * (vectors @ other_vectors.T)
    return said + of[1] * (features @ other_features.T) / features.shape[1]


def _likeliest(vectors: FloatArray, features: FloatArray, target: FloatArray) -> FloatArray:
    variance = max(float(target.var()), 1e-8)  # roots that all stand alike have none: any small one will do
    start = np.log(np.full(3, variance / 3))
    said, believed = vectors @ vectors.T, features @ features.T / features.shape[1]

    def loss(log_variances: FloatArray) -> float:
        of = np.exp(log_variances)
        try:
            factor = _factor(of[0] * said + of[1] * believed, of[2])
        except LinAlgError:
            return 1e12
        fit = target @ cho_solve((factor, True), target)
        return float(fit / 2 + np.log(np.diag(factor)).sum())

    bounds = [(at - _LOG_SPAN, at + _LOG_SPAN) for at in start]
    found: FloatArray = np.exp(minimize(loss, start, method="L-BFGS-B", bounds=bounds).x)
    return found


def _factor(covariance: FloatArray, scatter: float) -> FloatArray:
    """The lower Cholesky factor of the covariance of what was seen."""
    size = len(covariance)
    jitter = scatter + _JITTER * float(np.trace(covariance)) / size
    found: FloatArray = cholesky(covariance + jitter * np.eye(size), lower=True)
    return found
