"""What many answers come to: scores with bootstrap intervals, calibration, and a paired test of two models.

Pure functions of probabilities and truths (0 or 1), both [n].
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from models.base import FloatArray

NUM_BINS = 10
NUM_RESAMPLES = 1000  # of the bootstrap
NUM_PERMUTATIONS = 9999
COVERAGE = 0.95  # of all intervals


class Figure(NamedTuple):
    """A figure with its bootstrap interval over items."""

    value: float
    low: float
    high: float
    num_items: int


class Bin(NamedTuple):
    """The claims whose probability lies in one interval."""

    prob: float  # mean
    share_true: float
    num_claims: int


def judged(prob: FloatArray, truth: FloatArray, seed: int) -> dict[str, Figure]:
    """Accuracy, Brier score and calibration error of n answers, each with its bootstrap interval over items."""
    rows = _resamples(len(prob), seed)
    right, brier = ((prob > 0.5) == (truth > 0.5)).astype(float), (prob - truth) ** 2
    ece, resampled = expected_calibration_error(prob, truth), _calibration_errors(prob[rows], truth[rows])
    # Resampling adds noise to every bin, so that resampled errors lie too high as a whole: they are moved back.
    return {
        "accuracy": Figure(float(right.mean()), *_interval(right[rows].mean(axis=1)), len(prob)),
        "brier": Figure(float(brier.mean()), *_interval(brier[rows].mean(axis=1)), len(prob)),
        "ece": Figure(ece, *_interval(np.maximum(0.0, resampled - resampled.mean() + ece)), len(prob)),
    }


def paired_p_value(gains: FloatArray, seed: int = 0) -> float:
    """P(a mean gain at least as large | which of the two models is which is a toss-up for every item).

    The one-sided paired permutation test (sign flips), all of them or 9,999 drawn at random: Good 2005, "Permutation,
    parametric and bootstrap tests of hypotheses", section 3.2. Where nothing differs it's 1.
    """
    from scipy import stats

    if not len(gains) or not gains.any():
        return 1.0
    test = stats.permutation_test(
        (gains,),
        lambda x, axis: np.mean(x, axis=axis),
        permutation_type="samples",
        vectorized=True,
        n_resamples=NUM_PERMUTATIONS,
        batch=max(1, 4_000_000 // len(gains)),  # 32 MB
        alternative="greater",
        rng=np.random.default_rng([seed, 9]),
    )
    return float(test.pvalue)


def expected_calibration_error(prob: FloatArray, truth: FloatArray, num_bins: int = NUM_BINS) -> float:
    """Mean |share true - mean probability| over bins of equal width, weighted by how many fall in each; in [0, 1].

    Source: Naeini, Cooper and Hauskrecht 2015, "Obtaining well calibrated probabilities using Bayesian binning", ECE.
    """
    return float(_calibration_errors(prob[None], truth[None], num_bins)[0])


def reliability_bins(prob: FloatArray, truth: FloatArray, num_bins: int = NUM_BINS) -> list[Bin]:
    """The points of a reliability diagram: the bins of equal width that hold anything, from the lowest."""
    place = np.minimum((prob * num_bins).astype(int), num_bins - 1)
    return [
        Bin(float(prob[place == b].mean()), float(truth[place == b].mean()), int((place == b).sum()))
        for b in np.unique(place)
    ]


def bootstrap(values: FloatArray, seed: int = 0) -> tuple[float, float]:
    """The 95 % percentile interval of the mean over items (Efron and Tibshirani 1993, section 13.3)."""
    return _interval(values[_resamples(len(values), seed)].mean(axis=1))


def _calibration_errors(prob: FloatArray, truth: FloatArray, num_bins: int = NUM_BINS) -> FloatArray:
    """ECE of each row: [B, n] to [B]."""
    bins = np.minimum((prob * num_bins).astype(int), num_bins - 1)
    gap = truth - prob
    errors: FloatArray = sum(np.abs(np.where(bins == b, gap, 0.0).sum(axis=1)) for b in range(num_bins)) / prob.shape[1]
    return errors


def _resamples(count: int, seed: int) -> npt.NDArray[np.int64]:
    return np.random.default_rng([seed, 12]).integers(count, size=(NUM_RESAMPLES, count))


def _interval(values: FloatArray) -> tuple[float, float]:
    low, high = np.quantile(values, [(1 - COVERAGE) / 2, (1 + COVERAGE) / 2])
    return float(low), float(high)
