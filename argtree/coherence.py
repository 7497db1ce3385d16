"""Whether what a model says hangs together: its direct belief in a claim against what its own arguments say of it.

Pure: no model and no store. Not here: what is kept of it (`store.direct`), asking (`models.elicitation`).
"""

from collections.abc import Iterable, Mapping, Sequence
from math import exp, prod
from typing import Protocol

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize_scalar
from scipy.special import expit, logit

from argtree.evidence import answer_losses
from argtree.graph import Argument, Polarity

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
Reason = tuple[Polarity, float, Iterable[tuple[float, bool]]]
"""An argument: polarity, strength, and of each premise its probability and whether it is taken as holding."""

LEAST = 1e-4
"""No probability is taken as surer than this, either way; as in `models.elicitation`."""

START_WEIGHT = 0.5
"""How far direct beliefs count until settled claims say otherwise: as two opinions of which neither is known to be the
better (Genest and Zidek 1986). Without it exploring makes the bundled model's roots worse: benchmarks/search.py."""

LEAST_SETTLED = 60
"""Settled argued claims below which that weight stands; benchmarks/beliefs.py says what fewer tell."""


def argued_prob(prior: float, reasons: Iterable[Reason]) -> float:
    """Returns P(claim) from its arguments, their premises taken as independent: exact where none is shared.

    [1 - (1-prior) * prod over supports (1 - w q)] * prod over attacks (1 - w q), with q the probability that all
    premises are as taken (docs/design.md, "Conditional probability").
    """
    fails = {"support": 1.0, "attack": 1.0}
    for polarity, strength, premises in reasons:
        fails[polarity] *= 1 - strength * prod(prob if holds else 1 - prob for prob, holds in premises)
    return (1 - (1 - prior) * fails["support"]) * fails["attack"]


class Argued(Protocol):
    """A graph, as far as claims' probabilities from their arguments need it."""

    @property
    def index(self) -> Mapping[str, int]:
        """The claims' ids, each with its row."""

    def arguments_for(self, claim_id: str) -> Sequence[Argument]:
        """Returns the arguments about a claim. Raises KeyError: no such claim."""

    def prior(self, claim_id: str) -> float:
        """Returns P(claim) when no argument about it fires. Raises KeyError: no such claim."""


class Marginals:
    """P(claim) without any evidence, premises taken as independent; each claim is worked out once, when asked for."""

    def __init__(self, graph: Argued) -> None:
        self.graph = graph
        self._found: dict[str, float] = {}

    def __call__(self, claim_id: str) -> float:
        """Returns a claim's. Raises KeyError where the graph has no such claim."""
        waiting = [claim_id]
        while waiting:  # not recursive: arguments may lie a thousand deep
            claim = waiting[-1]
            arguments = () if claim in self._found else self.graph.arguments_for(claim)
            open_premises = [p.claim for a in arguments for p in a.premises if p.claim not in self._found]
            if open_premises:
                waiting += open_premises
                continue
            waiting.pop()
            if claim not in self._found:
                reasons: list[Reason] = [
                    (a.polarity, a.strength, [(self._found[p.claim], p.holds) for p in a.premises]) for a in arguments
                ]
                self._found[claim] = argued_prob(self.graph.prior(claim), reasons)
        return self._found[claim_id]


def likelihood(belief: float, marginal: float, weight: float) -> tuple[float, float]:
    """Returns the likelihoods, the larger one 1, with which a direct belief enters beside arguments.

    Their ratio is (odds(belief) / odds(marginal)) ** weight: at weight 1 the posterior that the arguments alone gave
    becomes the belief, at 0 nothing changes, nor does it where the two agree. It is the logarithmic opinion pool of the
    two (Genest and Zidek 1986, section 3.2), once the arguments' own share is divided out.

    Args:
        belief: the model's direct belief, in [0, 1].
        marginal: P(claim) from the arguments, in [0, 1].
        weight: in [0, 1].
    """
    log_ratio = weight * float(_log_odds(belief) - _log_odds(marginal))
    return exp(min(0.0, -log_ratio)), exp(min(0.0, log_ratio))


def disagreement(belief: float, marginal: float) -> float:
    """Returns the variance of two readings of one probability, ((belief - marginal) / 2)^2, in [0, 1/4].

    As a direct belief's own variance comes from the disagreement of its two readings (`models.elicitation`), so does
    this from that of the claim itself and its arguments: there is something that one of them leaves out.
    """
    return ((belief - marginal) / 2) ** 2


def fit_weight(
    belief: FloatArray, marginal: FloatArray, cavity: FloatArray, likelihoods: FloatArray, fold: IntArray
) -> float:
    """Returns the weight in [0, 1] under which answers about argued claims are likeliest, or START_WEIGHT.

    P(answers) = p P(answers | true) + (1-p) P(answers | false) with p = logistic(logit(cavity) + weight *
    (logit(belief) - logit(marginal))): a logistic regression with an offset and one coefficient, whose outcomes are
    told by raters who err. It is returned if on the folds that a fit has not seen the log loss is below that of
    `START_WEIGHT` by more than the standard error of the differences.

    Args:
        belief: direct beliefs, frozen, [n] in [0, 1].
        marginal: what the arguments said when those were frozen, [n].
        cavity: P(claim) now from all but what people say of the claim itself, and without any direct belief, [n].
        likelihoods: P(answers | claim false) and P(answers | claim true), [n, 2].
        fold: the part that a claim belongs to, [n].
    """
    is_true = likelihoods[:, 1] > likelihoods[:, 0]
    if len(is_true) < LEAST_SETTLED or is_true.all() or not is_true.any():
        return START_WEIGHT
    offset, slope = _log_odds(cavity), _log_odds(belief) - _log_odds(marginal)
    before, gain = answer_losses(expit(offset + START_WEIGHT * slope), likelihoods), np.empty(len(offset))
    for one in np.unique(fold):
        here = fold == one
        weight = _likeliest(offset[~here], slope[~here], likelihoods[~here])
        after = answer_losses(expit(offset[here] + weight * slope[here]), likelihoods[here])
        gain[here] = before[here] - after
    if gain.mean() <= gain.std(ddof=1) / np.sqrt(len(gain)):
        return START_WEIGHT
    return _likeliest(offset, slope, likelihoods)


def without_own_answers(prob: FloatArray, likelihoods: FloatArray) -> FloatArray:
    """Returns P(claim | evidence elsewhere), [n]: posteriors with the claim's own likelihoods divided out.

    Args:
        prob: posteriors, [n].
        likelihoods: (P(answers | claim false), P(answers | claim true)), [n, 2], above 0.
    """
    edge = 1e-12
    found: FloatArray = expit(logit(np.clip(prob, edge, 1 - edge)) - np.log(likelihoods[:, 1] / likelihoods[:, 0]))
    return found


def _likeliest(offset: FloatArray, slope: FloatArray, likelihoods: FloatArray) -> float:
    def loss(weight: float) -> float:
        return float(answer_losses(expit(offset + weight * slope), likelihoods).sum())

    found = float(minimize_scalar(loss, bounds=(0.0, 1.0), method="bounded", options={"xatol": 1e-4}).x)
    return min((0.0, found, 1.0), key=loss)  # a bounded search stops short of the bounds


def _log_odds(prob: FloatArray | float) -> FloatArray:
    found: FloatArray = logit(np.clip(prob, LEAST, 1 - LEAST))
    return found
