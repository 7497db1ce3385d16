"""What to ask first: claims in order of what an answer would be worth for a rater's time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from argtree.compiled import FloatArray
from argtree.evidence import Reliability
from argtree.propagate import Propagation
from argtree.value import PERFECT, Measure

CERTAIN_WITHIN = 1e-12
"""A claim whose probability is this close to 0 or 1 is certain: nobody need be asked."""

DEFAULT_SECONDS = 30.0
"""What one question takes a rater where nothing else is known; as long as all take the same it orders nothing."""

_EQUAL_SECONDS: Mapping[str, float] = MappingProxyType({})
_DRAWS = 2048  # a probability of 0.5 is then right to within 0.022, two standard errors
_MAX_DRAWN_AT_ONCE = 2**22  # numbers, 32 MiB


@dataclass(frozen=True)
class Ranked:
    """One claim and the worth of an answer about it."""

    claim: str  # the claim's id
    text: str
    prob: float  # P(claim | evidence)
    value: float  # in the units of the measure, at least 0
    standard_error: float  # of `value`; 0 where it is exact
    seconds: float = DEFAULT_SECONDS  # of a rater, that an answer is expected to take, above 0

    @property
    def value_per_second(self) -> float:
        """What it is ranked by."""
        return self.value / self.seconds


@dataclass(frozen=True)
class TopConfidence:
    """How sure it is that the claims listed first belong there."""

    together: float  # P(the k listed are the k best), in [0, 1]
    each: tuple[float, ...]  # [k] P(this one is among the k best), in the order listed


def rank(
    result: Propagation,
    measure: Measure = "variance_reduction",
    everything: bool = False,
    *,
    reliability: Reliability = PERFECT,
    seconds: Mapping[str, float] = _EQUAL_SECONDS,
) -> list[Ranked]:
    """Returns the askable claims that are not certain yet, highest value per second first; equals in the graph's order.

    Args:
        result: of `propagate`.
        measure: see `value_of_information`.
        everything: list every claim instead.
        reliability: of the rater who will be asked.
        seconds: claim id -> expected seconds of an answer, above 0; `DEFAULT_SECONDS` for claims not in it.

    Raises:
        ValueError: no such measure, or seconds that are not above 0.
    """
    durations = question_seconds(result, seconds)
    values, errors = result.value(measure, reliability), result.value_error(measure, reliability)
    rows = np.arange(len(values)) if everything else open_rows(result)
    order = rows[np.argsort(-(values[rows] / durations[rows]), kind="stable")]
    return [
        Ranked(
            (claim := result.graph.claims[row]).id,
            claim.text,
            float(result.prob[row]),
            float(values[row]),
            float(errors[row]),
            float(durations[row]),
        )
        for row in order.tolist()
    ]


def open_rows(result: Propagation) -> np.ndarray[tuple[int], np.dtype[np.intp]]:
    """Returns the rows of the claims that could be asked: askable, and not certain yet; in the graph's order."""
    is_open = (result.prob > CERTAIN_WITHIN) & (result.prob < 1 - CERTAIN_WITHIN)
    uncertain = np.flatnonzero(is_open | np.isinf(result.prob_error))  # a state that no sample had may be so yet
    claims = result.graph.claims
    return np.array([row for row in uncertain.tolist() if result.graph.is_askable(claims[row].id)], dtype=np.intp)


def question_seconds(result: Propagation, seconds: Mapping[str, float] = _EQUAL_SECONDS) -> FloatArray:
    """Returns the expected seconds of a question about each claim, [C].

    Raises:
        ValueError: seconds that are not above 0.
        KeyError: a claim that is not in the graph.
    """
    durations = np.full(len(result.prob), DEFAULT_SECONDS)
    for claim, duration in seconds.items():
        if not 0 < duration < np.inf:
            raise ValueError(f"a question about {claim!r} takes {duration} s; it must be a finite time above 0")
        durations[result.graph.index[claim]] = duration
    return durations


def rank_confidence(
    result: Propagation,
    k: int,
    measure: Measure = "variance_reduction",
    *,
    reliability: Reliability = PERFECT,
    seconds: Mapping[str, float] = _EQUAL_SECONDS,
) -> TopConfidence:
    """Returns how probable it is that the first k of `rank` with the same arguments are the k best; 1 where exact.

    0 where some value has an error without bound.

    Raises:
        ValueError: as `rank`; or k is negative. More than are listed counts as all of them.
    """
    rows, durations = open_rows(result), question_seconds(result, seconds)
    worths = [one.value(measure, reliability)[rows] / durations[rows] for one in (result, *result.replicates)]
    if not np.isfinite(worths).all():  # some value has an error without bound
        return TopConfidence(0.0, (0.0,) * min(k, len(rows)))
    return top_confidence(worths[0], np.array(worths[1:]).reshape(len(worths) - 1, len(rows)), min(k, len(rows)))


def top_confidence(values: FloatArray, replicates: FloatArray, k: int, seed: int = 0) -> TopConfidence:
    """Returns how probable it is that the k highest of estimated values are the k highest of the true ones.

    Assumed: the estimates lie about the truth in a multivariate Student distribution with J - 1 degrees of freedom
    and the jackknife's covariance, (J - 1) / J times the sum of the replicates' outer deviations (Efron and Stein
    1981). Truths are drawn from it around the estimates and ranked. Equal values never unseat each other.

    Args:
        values: [C] the estimates.
        replicates: [J, C] the estimates with one group of samples left out each; J = 0 where `values` is exact.
        k: how many are listed, in [0, C].
        seed: of the draws; the same gives the same.

    Raises:
        ValueError: k out of range, or a single replicate.
    """
    num_replicates = len(replicates)
    if not 0 <= k <= len(values) or num_replicates == 1:
        raise ValueError(
            f"k is {k} of {len(values)} claims with {num_replicates} replicates; no confidence can be told"
        )
    order = np.argsort(-values, kind="stable")
    if num_replicates == 0 or k in (0, len(values)):
        return TopConfidence(1.0, (1.0,) * k)
    deviations = (replicates - replicates.mean(axis=0)) * np.sqrt((num_replicates - 1) / num_replicates)
    near = _contenders(values, np.sqrt((deviations**2).sum(axis=0)), order, k)
    rng = np.random.default_rng(seed)
    belongs: list[np.ndarray[tuple[int, ...], np.dtype[np.bool_]]] = []  # [draws, k]
    for num_draws in _portions(_DRAWS, max(1, _MAX_DRAWN_AT_ONCE // len(near))):
        scale = np.sqrt((num_replicates - 1) / rng.chisquare(num_replicates - 1, (num_draws, 1)))
        drawn = values[near] + scale * (rng.standard_normal((num_draws, num_replicates)) @ deviations[:, near])
        kth_best = np.partition(drawn, -k, axis=1)[:, -k:].min(axis=1, keepdims=True)
        belongs.append(drawn[:, :k] >= kth_best)
    among_best = np.concatenate(belongs)
    return TopConfidence(float(among_best.all(axis=1).mean()), tuple(among_best.mean(axis=0).tolist()))


def _portions(total: int, most: int) -> list[int]:
    return [min(most, total - start) for start in range(0, total, most)]


def _contenders(
    values: FloatArray, errors: FloatArray, order: np.ndarray[tuple[int], np.dtype[np.intp]], k: int
) -> np.ndarray[tuple[int], np.dtype[np.intp]]:
    """Returns the k listed rows, then those whose value could with any likelihood reach the lowest of them."""
    lowest = (values - 8 * errors)[order[:k]].min()
    return np.concatenate([order[:k], order[k:][(values + 8 * errors)[order[k:]] > lowest]])
