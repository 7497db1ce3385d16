"""What an answer is worth to somebody who must act on a root or not, in the units of their utility.

Acting gains g(rho) = rho (u[act, true] - u[not, true]) + (1 - rho) (u[act, false] - u[not, false]) over not acting,
where rho = P(root). The better choice loses what it would regret: an answer that takes rho to rho_a is worth the
|g(rho_a)| that it saves where it turns the choice, and nothing where it does not (Raiffa and Schlaifer 1961, section
4.4; Howard 1966). Not here: choices between more than two acts, or about several roots at once.
"""

from __future__ import annotations

from dataclasses import astuple, dataclass

import numpy as np

from argtree.compiled import FloatArray
from argtree.evidence import Reliability
from argtree.propagate import Propagation
from argtree.value import PERFECT, answer_prob, answer_table, root_move


@dataclass(frozen=True)
class Utilities:
    """What each choice comes to, in one unit of the reader's own.

    Raises:
        ValueError: a utility is not finite.
    """

    act_if_true: float
    act_if_false: float
    not_if_true: float
    not_if_false: float

    def __post_init__(self) -> None:
        if not np.isfinite(astuple(self)).all():
            raise ValueError(f"the utilities are {astuple(self)}; they must be finite")


@dataclass(frozen=True)
class Decision:
    """The better choice as things stand, and what answers would be worth to it. Axis: C claims."""

    act: bool  # whether acting is better; not acting where they are equal
    utility: float  # expected of that choice
    threshold: float  # P(root) at which the choice turns, in [0, 1]; NaN where one choice is better throughout
    perfect: float  # what knowing the root itself for certain would be worth, at least 0
    values: FloatArray  # [C] what an answer about each claim is worth, in [0, perfect]


def decide(result: Propagation, root: str, utilities: Utilities, reliability: Reliability = PERFECT) -> Decision:
    """Returns the choice of greater expected utility, and the value of an answer about each claim.

    Args:
        result: of `propagate`.
        root: id of the claim to act on; one of the graph's roots.
        utilities: of acting and of not acting, each with the root true and false.
        reliability: of the rater who will be asked.

    Raises:
        ValueError: not a root of the graph.
    """
    roots = [one.claim for one in result.graph.roots]
    if root not in roots:
        raise ValueError(f"{root!r} is not a root of the graph; its roots are {', '.join(map(repr, roots)) or 'none'}")
    rho = float(result.root_prob[roots.index(root)])
    difference = np.zeros(len(result.prob))
    claims, moves = result.influence.of_root(roots.index(root))
    difference[claims] = moves
    if_true = utilities.act_if_true - utilities.not_if_true
    if_false = utilities.act_if_false - utilities.not_if_false
    gain, slope = rho * if_true + (1 - rho) * if_false, if_true - if_false
    act = gain > 0
    kept = (utilities.act_if_true, utilities.act_if_false) if act else (utilities.not_if_true, utilities.not_if_false)
    side = 1.0 if act else -1.0
    regrets = (rho * max(-side * if_true, 0.0), (1 - rho) * max(-side * if_false, 0.0))  # root true, root false
    return Decision(
        act=act,
        utility=rho * kept[0] + (1 - rho) * kept[1],
        threshold=-if_false / slope if if_true * if_false < 0 else np.nan,
        perfect=sum(regrets),
        values=_saved(result.prob, difference, side * gain, side * slope, reliability),
    )


def _saved(prob: FloatArray, difference: FloatArray, lead: float, slope: float, reliability: Reliability) -> FloatArray:
    """Returns [C] the mean over answers of what the choice would lose by, where its lead at the answer is negative."""
    open_ = (prob > 0) & (prob < 1)
    p, saved = np.where(open_, prob, 0.5), np.zeros(len(prob))
    for answer in answer_table(reliability):
        lead_after = lead + slope * root_move(p, difference, answer)
        saved += answer_prob(p, answer) * np.maximum(-lead_after, 0.0)
    return np.where(open_, saved, 0.0)
