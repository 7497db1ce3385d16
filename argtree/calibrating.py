"""What the answers so far tell of a generation's beliefs, for the explorer and for people.

Joins the store with `models.calibration` and `argtree.coherence`; decides nothing itself. Not here: printing
(`cli_calibration.py`) and drawing (`calibration_plot.py`).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlmodel import Session

from argtree.coherence import LEAST_SETTLED, START_WEIGHT, fit_weight, without_own_answers
from argtree.propagate import Propagator
from models.calibration import Calibration, Scores, calibrate, cross_fitted, folds, scores
from models.everyday.oracle import RATER
from models.statistics import reliability_bins
from store import claims
from store.direct import frozen
from store.graphs import load_graph
from store.settled import Settled, settled_beliefs

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Report:
    """How well calibrated a generation's beliefs are on the claims that were settled since it held them. Axis: N."""

    generation: str
    num_simulated: int  # of the claims, those that nobody but the simulated rater answered
    truth: FloatArray  # [N] 0 or 1
    before: FloatArray  # [N] its beliefs as it said them
    after: FloatArray  # [N] calibrated on the other claims
    calibration: Calibration  # as the explorer uses it, on claims that nobody answered

    @property
    def figures(self) -> tuple[Scores, Scores]:
        """Before and after."""
        return scores(self.before, self.truth), scores(self.after, self.truth)

    def to_json(self) -> dict[str, Any]:
        """Returns the figures and the points of the diagram."""
        before, after = self.figures
        return {
            "generation": self.generation,
            "claims": len(self.truth),
            "true": self.calibration.num_true,
            "false": self.calibration.num_false,
            "simulated": self.num_simulated,
            "method": self.calibration.method,
            "before": before._asdict(),
            "after": after._asdict(),
            "bins": [one._asdict() for one in reliability_bins(self.before, self.truth)],
        }


def calibration_reports(session: Session) -> list[Report]:
    """Returns a report for every generation of which a belief was settled, oldest first."""
    return [_report(generation, found) for generation, found in settled_beliefs(session, {RATER}).items()]


def calibration_of(session: Session, generation: str) -> Calibration:
    """Returns what the settled claims tell of a generation's beliefs in others."""
    found = settled_beliefs(session).get(generation, [])
    prob, likelihoods, _ = _columns(found)
    return calibrate(prob, likelihoods, folds([one.key for one in found]))


def follow(session: Session, generation: str, calibration: Calibration) -> int:
    """Gives unanswered claims without arguments what the calibration makes of the generation's beliefs; how many.

    The beliefs themselves stay as the model said them.
    """
    there = claims.believed_plain(session, generation)
    prior, belief = np.array(list(there.values()), dtype=np.float64).reshape(-1, 2).T
    wanted = calibration(belief)
    moved = np.abs(wanted - prior) > 1e-12
    claims.set_priors(
        session,
        {one: prob for one, prob, is_moved in zip(there, wanted.tolist(), moved.tolist(), strict=True) if is_moved},
    )
    return int(moved.sum())


def weigh(session: Session) -> tuple[float, int]:
    """Returns how far direct beliefs in argued claims should count, and how many argued claims people settled.

    Raises:
        TooEntangledError, ImpossibleEvidenceError: the graph cannot be propagated.
    """
    kept = frozen(session)
    told = {one.key: one for of in settled_beliefs(session).values() for one in of if one.key in kept} if kept else {}
    if len(told) < LEAST_SETTLED:
        return START_WEIGHT, len(told)
    graph = replace(load_graph(session), direct_beliefs={})
    prob = Propagator()(graph).prob[[graph.index[key] for key in told]]
    likelihoods = np.array([one.likelihoods for one in told.values()])
    cavity = without_own_answers(prob, likelihoods)
    belief, marginal = np.array([(kept[key].belief, kept[key].marginal) for key in told]).T
    return fit_weight(belief, marginal, cavity, likelihoods, folds(list(told))), len(told)


def _report(generation: str, found: Sequence[Settled]) -> Report:
    (prob, likelihoods, truth), fold = _columns(found), folds([one.key for one in found])
    simulated = sum(one.is_simulated for one in found)
    after = cross_fitted(prob, likelihoods, fold)
    return Report(generation, simulated, truth, prob, after, calibrate(prob, likelihoods, fold))


def _columns(found: Sequence[Settled]) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Returns beliefs [N], likelihoods [N, 2] and truths [N]."""
    likelihoods = np.array([one.likelihoods for one in found]).reshape(-1, 2)
    return np.array([one.belief for one in found]), likelihoods, np.array([float(one.truth) for one in found])
