"""Calibrating a generation's beliefs on claims whose truth is known: none, Platt's or isotonic, whichever is proved.

A calibration is learnt from pairs of a raw belief and a settled label, and is used on other claims only: whoever wants
to know what it does to the very claims that it is learnt from takes `cross_fitted`. Which claims those are, and which
beliefs, is the store's to say (`store.settled`).

Covered: choosing and fitting, and what it did. Not covered: a model whose mistakes depend on what a claim is about, and
claims of another kind than the settled ones; the queue asks about uncertain claims first, so these are what is learnt
from.
"""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from models.base import FloatArray
from models.beliefs import MIN_PROB
from models.statistics import expected_calibration_error

Method = Literal["none", "platt", "isotonic"]
METHODS: tuple[Method, ...] = ("none", "platt", "isotonic")
# Settled claims of each sign below which nothing is fitted. benchmarks/beliefs.py: with 10 labels in all no method is
# proved better, and what looks better is worse on other claims as often as not.
LEAST_OF_EACH = 10
NUM_FOLDS = 5
# By how many standard errors of the paired differences a method must beat another that does less. Choosing the simpler
# of two that can't be told apart: Breiman, Friedman, Olshen and Stone 1984, section 3.4.3, with one standard error.
STANDARD_ERRORS = 1.0

IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Calibration:
    """A non-decreasing map from a raw belief to a probability."""

    method: Method = "none"
    num_true: int = 0  # settled claims that it was chosen by
    num_false: int = 0
    # Knots of a function that is linear between them and constant beyond: log-odds of the raw belief, ascending, and of
    # the calibrated one. A straight line has two.
    raw: FloatArray = field(default_factory=lambda: np.empty(0))
    calibrated: FloatArray = field(default_factory=lambda: np.empty(0))

    def __call__(self, prob: FloatArray) -> FloatArray:
        """Calibrated probabilities, as many and in [1e-4, 1 - 1e-4]; the same ones where nothing was learnt."""
        prob = np.asarray(prob, dtype=np.float64)
        if self.method == "none":
            return prob.copy()
        found: FloatArray = np.interp(_log_odds(prob), self.raw, self.calibrated)
        return np.clip(1 / (1 + np.exp(-found)), MIN_PROB, 1 - MIN_PROB)

    def of(self, prob: float) -> float:
        """The calibrated probability of one belief."""
        return float(self(np.array([prob]))[0])


class Scores(NamedTuple):
    """How good n probabilities are."""

    ece: float  # expected calibration error, in [0, 1]
    brier: float  # in [0, 1]
    log_loss: float  # nats


def calibrate(prob: FloatArray, truth: FloatArray, fold: IntArray) -> Calibration:
    """The calibration that is proved better on claims that it was not fitted to, fitted to all.

    With fewer than LEAST_OF_EACH claims of either sign it's none. Else the methods, from the one that does least, are
    compared by log loss where each fold's claims get the fit to the other folds; one must beat the best so far by its
    standard error. So chance rarely chooses one that makes beliefs worse (`benchmarks/beliefs.py` counts how often).

    Args:
        prob: Raw beliefs, [n] in [0, 1].
        truth: 0 or 1, [n].
        fold: Which fold a claim belongs to, [n]; by `folds`, so that it's the same in every fit.

    Raises:
        ValueError: They are not as many of each.
    """
    if not len(prob) == len(truth) == len(fold):
        raise ValueError(f"there are {len(prob)} beliefs, {len(truth)} truths and {len(fold)} folds")
    num_true, num_false = int((truth > 0.5).sum()), int((truth <= 0.5).sum())
    if min(num_true, num_false) < LEAST_OF_EACH:
        return Calibration("none", num_true, num_false)
    return fit(_chosen(prob, truth, fold), prob, truth)


def fit(method: Method, prob: FloatArray, truth: FloatArray) -> Calibration:
    """The calibration by this method, whether or not it is any good; see `calibrate`.

    Args:
        prob: Raw beliefs, [n] in [0, 1].
        truth: 0 or 1, [n], for Platt's method and the isotonic one at least one of each.
    """
    counts = int((truth > 0.5).sum()), int((truth <= 0.5).sum())
    if method == "none":
        return Calibration("none", *counts)
    return Calibration(method, *counts, *(_platt(prob, truth) if method == "platt" else _isotonic(prob, truth)))


def cross_fitted(prob: FloatArray, truth: FloatArray, fold: IntArray) -> FloatArray:
    """What calibrating makes of each claim without its own label, [n]: method and fit are those of the other folds.

    See `calibrate`. Where these are too few, the raw belief.
    """
    found = np.array(prob, dtype=np.float64)
    for one in np.unique(fold):
        rest = fold != one
        found[~rest] = calibrate(prob[rest], truth[rest], fold[rest])(prob[~rest])
    return found


def folds(keys: Sequence[str]) -> IntArray:
    """The fold of each claim, by its key alone, in [0, NUM_FOLDS)."""
    return np.array([zlib.crc32(key.encode("utf-8", "surrogatepass")) % NUM_FOLDS for key in keys], dtype=np.int64)


def scores(prob: FloatArray, truth: FloatArray) -> Scores:
    """Of n probabilities, at least one; they are clipped to [1e-4, 1 - 1e-4] for the log loss."""
    losses = log_losses(prob, truth)
    return Scores(expected_calibration_error(prob, truth), float(np.mean((prob - truth) ** 2)), float(np.mean(losses)))


def log_losses(prob: FloatArray, truth: FloatArray) -> FloatArray:
    """-ln P(what is true) of each, [n] in nats, of probabilities clipped to [1e-4, 1 - 1e-4]."""
    prob = np.clip(prob, MIN_PROB, 1 - MIN_PROB)
    losses: FloatArray = -np.where(truth > 0.5, np.log(prob), np.log1p(-prob))
    return losses


def _chosen(prob: FloatArray, truth: FloatArray, fold: IntArray) -> Method:
    best: Method = "none"
    loss = log_losses(prob, truth)
    for method in METHODS[1:]:
        other = np.empty(len(prob))
        for one in np.unique(fold):
            rest = fold != one
            if len(np.unique(truth[rest])) < 2:
                return "none"
            other[~rest] = log_losses(fit(method, prob[rest], truth[rest])(prob[~rest]), truth[~rest])
        gain = loss - other
        if gain.mean() > STANDARD_ERRORS * gain.std(ddof=1) / np.sqrt(len(gain)):
            best, loss = method, other
    return best


def _platt(prob: FloatArray, truth: FloatArray) -> tuple[FloatArray, FloatArray]:
    """A logistic regression of the truth on the belief's log-odds, with targets a little inside 0 and 1.

    Platt 1999, "Probabilistic outputs for support vector machines", section 2.2: targets (N1 + 1) / (N1 + 2) and
    1 / (N0 + 2), so that beliefs which happen to tell the two apart stay finite. A line that falls, which says that the
    model is wrong more often than right, is made level: a calibration turns no belief round.
    """
    from sklearn.linear_model import LogisticRegression

    is_true = truth > 0.5
    target = np.where(is_true, (is_true.sum() + 1) / (is_true.sum() + 2), 1 / ((~is_true).sum() + 2))
    x = _log_odds(prob)
    line = LogisticRegression(C=np.inf, max_iter=1000).fit(
        np.concatenate([x, x])[:, np.newaxis],
        np.repeat([1, 0], len(x)),
        sample_weight=np.concatenate([target, 1 - target]),
    )
    slope, offset = float(line.coef_[0, 0]), float(line.intercept_[0])
    if slope < 0:
        slope, offset = 0.0, float(_log_odds(np.array([target.mean()]))[0])
    ends = _log_odds(np.array([MIN_PROB, 1 - MIN_PROB]))
    return ends, offset + slope * ends


def _isotonic(prob: FloatArray, truth: FloatArray) -> tuple[FloatArray, FloatArray]:
    """The non-decreasing step function nearest to the truths, kept a little inside 0 and 1 (Laplace's rule).

    Zadrozny and Elkan 2002, "Transforming classifier scores into accurate multiclass probability estimates".
    """
    from sklearn.isotonic import IsotonicRegression

    least = 1 / (len(prob) + 2)
    steps = IsotonicRegression(y_min=least, y_max=1 - least, out_of_bounds="clip").fit(_log_odds(prob), truth)
    return np.asarray(steps.X_thresholds_, dtype=np.float64), _log_odds(np.asarray(steps.y_thresholds_))


def _log_odds(prob: FloatArray) -> FloatArray:
    prob = np.clip(prob, MIN_PROB, 1 - MIN_PROB)
    found: FloatArray = np.log(prob) - np.log1p(-prob)
    return found
