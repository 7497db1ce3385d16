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

from argtree.evidence import answer_losses
from models.base import FloatArray
from models.beliefs import MIN_PROB
from models.statistics import expected_calibration_error

Method = Literal["none", "platt", "isotonic"]
METHODS: tuple[Method, ...] = ("none", "platt", "isotonic")
# Settled claims of each sign below which nothing is fitted. benchmarks/beliefs.py: with 10 and with 30 labels in all
# either method, if it were always used, makes the bundled model's beliefs in other claims worse in every draw.
LEAST_OF_EACH = 15
# Settled claims in all below which no steps are fitted: they take more data than a line (Niculescu-Mizil and Caruana
# 2005, "Predicting good probabilities with supervised learning", section 5, has them level at about a thousand).
LEAST_FOR_STEPS = 500
NUM_FOLDS = 5
# By how many standard errors of the paired differences a method must beat another that does less. Choosing the simpler
# of two that can't be told apart: Breiman, Friedman, Olshen and Stone 1984, section 3.4.3. They take one; two here, as
# to use beliefs as they are costs less than to spoil them.
STANDARD_ERRORS = 2.0
MAX_ROUNDS, MOVED = 6, 0.01  # of expectation and maximisation; no target moved by more in the last

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


def calibrate(prob: FloatArray, likelihoods: FloatArray, fold: IntArray) -> Calibration:
    """The calibration that is proved better on claims that it was not fitted to, fitted to all.

    With fewer than LEAST_OF_EACH claims of either sign it's none. Else the methods, from the one that does least, are
    compared by `answer_losses` where each fold's claims get the fit to the other folds; one must beat the best so far
    by STANDARD_ERRORS. So chance rarely chooses one that makes beliefs worse (`benchmarks/beliefs.py`).

    Args:
        prob: Raw beliefs, [n] in [0, 1].
        likelihoods: P(answers | claim false) and P(answers | claim true), [n, 2]. Raters err: a claim that is surely
            false is called true now and then, and a calibration that took this for the truth would learn their errors.
        fold: Which fold a claim belongs to, [n]; by `folds`, so that it's the same in every fit.

    Raises:
        ValueError: They are not as many of each.
    """
    if not len(prob) == len(likelihoods) == len(fold):
        raise ValueError(f"there are {len(prob)} beliefs, {len(likelihoods)} labels and {len(fold)} folds")
    num_true, num_false = _counts(likelihoods)
    if min(num_true, num_false) < LEAST_OF_EACH:
        return Calibration("none", num_true, num_false)
    return fit(_chosen(prob, likelihoods, fold), prob, likelihoods)


def fit(method: Method, prob: FloatArray, likelihoods: FloatArray) -> Calibration:
    """The calibration by this method, whether or not it is any good; see `calibrate`.

    Labels are uncertain, so it is fitted by expectation and maximisation (Dempster, Laird and Rubin 1977): how likely
    each claim is given its answers and the calibrated belief, from the raw one on; then the method with these for its
    targets.
    """
    made = Calibration("none", *_counts(likelihoods))
    if method == "none":
        return made
    last = np.full(len(prob), np.inf)
    for _ in range(MAX_ROUNDS):
        target = _given_answers(made(prob), likelihoods)
        if np.abs(target - last).max(initial=0.0) <= MOVED:
            break
        last = target
        knots = _platt(prob, target) if method == "platt" else _isotonic(prob, target)
        made = Calibration(method, made.num_true, made.num_false, *knots)
    return made


def cross_fitted(prob: FloatArray, likelihoods: FloatArray, fold: IntArray) -> FloatArray:
    """What calibrating makes of each claim without its own label, [n]: method and fit are those of the other folds.

    See `calibrate`. Where these are too few, the raw belief.
    """
    found = np.array(prob, dtype=np.float64)
    for one in np.unique(fold):
        rest = fold != one
        found[~rest] = calibrate(prob[rest], likelihoods[rest], fold[rest])(prob[~rest])
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


def _chosen(prob: FloatArray, likelihoods: FloatArray, fold: IntArray) -> Method:
    best: Method = "none"
    loss = answer_losses(prob, likelihoods)
    for method in METHODS[1:] if len(prob) >= LEAST_FOR_STEPS else METHODS[1:2]:
        other = np.empty(len(prob))
        for one in np.unique(fold):
            rest = fold != one
            other[~rest] = answer_losses(fit(method, prob[rest], likelihoods[rest])(prob[~rest]), likelihoods[~rest])
        gain = loss - other
        if gain.mean() > STANDARD_ERRORS * gain.std(ddof=1) / np.sqrt(len(gain)):
            best, loss = method, other
    return best


def _counts(likelihoods: FloatArray) -> tuple[int, int]:
    """How many claims the answers speak for, and against."""
    is_true = likelihoods[:, 1] > likelihoods[:, 0]
    return int(is_true.sum()), int((~is_true).sum())


def _given_answers(prob: FloatArray, likelihoods: FloatArray) -> FloatArray:
    """P(claim | answers) by Bayes' rule, [n]."""
    prob = np.clip(prob, MIN_PROB, 1 - MIN_PROB)
    true, false = prob * likelihoods[:, 1], (1 - prob) * likelihoods[:, 0]
    found: FloatArray = true / (true + false)
    return found


def _platt(prob: FloatArray, target: FloatArray) -> tuple[FloatArray, FloatArray]:
    """A logistic regression of the targets on the belief's log-odds, with these a little inside 0 and 1.

    Platt 1999, "Probabilistic outputs for support vector machines", section 2.2: a true claim's target is (N1 + 1) /
    (N1 + 2) and a false one's 1 / (N0 + 2), so that beliefs which happen to tell the two apart stay finite. A line that
    falls, which says that the model is wrong more often than right, is made level: a calibration turns no belief round.
    """
    from sklearn.linear_model import LogisticRegression

    num_true = target.sum()
    num_false = len(target) - num_true
    target = target * (num_true + 1) / (num_true + 2) + (1 - target) / (num_false + 2)
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


def _isotonic(prob: FloatArray, target: FloatArray) -> tuple[FloatArray, FloatArray]:
    """The non-decreasing step function nearest to the targets, kept a little inside 0 and 1 (Laplace's rule).

    Zadrozny and Elkan 2002, "Transforming classifier scores into accurate multiclass probability estimates".
    """
    from sklearn.isotonic import IsotonicRegression

    least = 1 / (len(prob) + 2)
    steps = IsotonicRegression(y_min=least, y_max=1 - least, out_of_bounds="clip").fit(_log_odds(prob), target)
    return np.asarray(steps.X_thresholds_, dtype=np.float64), _log_odds(np.asarray(steps.y_thresholds_))


def _log_odds(prob: FloatArray) -> FloatArray:
    prob = np.clip(prob, MIN_PROB, 1 - MIN_PROB)
    found: FloatArray = np.log(prob) - np.log1p(-prob)
    return found
