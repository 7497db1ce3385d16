"""What can be guessed of a statement that is not told, from what is told: how the training text words uncertainty.

A model that is only ever told facts becomes as sure of what it was not told (docs/log.md has the figures). So the text
also says, of a statement whose truth it may not tell, how likely likeness makes it: a ridge regression of that
statement on all told ones, over the things of which it is told, its log-odds stretched so that such guesses are
calibrated. Only told truths are ever read here.
"""

from dataclasses import replace

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize_scalar
from scipy.special import expit, logit

from models.everyday.withheld import Withheld, draw_withheld
from models.everyday.world import Statement, World

RIDGE = 3.0  # Hoerl and Kennard 1970; between 1 and 10 the guesses are about equally good
LEAST_PROB = 0.02  # no guess is surer than this, either way
REHEARSAL_SEED = 1_000_003  # added to the seed, for what is held back of the told to calibrate the guesses on

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]


def guess_untold(world: World, withheld: Withheld) -> dict[Statement, float]:
    """P(statement), in [0.02, 0.98], for everything that can be said of a single thing and is not told."""
    names = list(world.things)
    kinds = world.single_thing_statements(names[0])
    table = [[replace(kind, things=(name,)) for kind in kinds] for name in names]
    told = _told(world, withheld, table)
    truth = np.zeros(told.shape)
    truth[told] = [world.truth(table[row][column]) for row, column in np.argwhere(told)]
    held_back = told & ~_told(world, draw_withheld(world, withheld.seed + REHEARSAL_SEED), table)
    rehearsed = _regress(truth, told & ~held_back, held_back)
    slope = _calibrating_slope(rehearsed[held_back], truth[held_back])
    prob = _clipped(expit(slope * logit(_regress(truth, told, ~told))))
    return {table[row][column]: float(prob[row, column]) for row, column in np.argwhere(~told)}


def _told(world: World, withheld: Withheld, table: list[list[Statement]]) -> BoolArray:
    return np.array([[withheld.is_told(world, statement) for statement in row] for row in table])


def _regress(truth: FloatArray, told: BoolArray, wanted: BoolArray) -> FloatArray:
    """Each wanted cell from what is told of its thing, fitted on the things of which its statement is told."""
    rate = (truth * told).sum(axis=0) / told.sum(axis=0)
    centred = np.where(told, truth - rate, 0.0)
    prob = np.tile(rate, (len(truth), 1))
    for row, column in np.argwhere(wanted):
        seen, rows = np.flatnonzero(told[row]), np.flatnonzero(told[:, column])
        features = centred[np.ix_(rows, seen)]
        gram = features.T @ features + RIDGE * np.eye(len(seen))
        prob[row, column] += centred[row, seen] @ np.linalg.solve(gram, features.T @ centred[rows, column])
    return _clipped(prob)


def _calibrating_slope(prob: FloatArray, truth: FloatArray) -> float:
    """The factor on log-odds that makes `truth` likeliest (Platt 1999, without the intercept)."""

    def loss(slope: float) -> float:
        scaled = expit(slope * logit(prob))
        return -float(np.mean(truth * np.log(scaled) + (1 - truth) * np.log1p(-scaled)))

    return float(minimize_scalar(loss, bounds=(0.3, 3.0), method="bounded").x)


def _clipped(prob: FloatArray) -> FloatArray:
    clipped: FloatArray = np.clip(prob, LEAST_PROB, 1 - LEAST_PROB)
    return clipped
