"""What to expand next: pure choices on a graph and its propagation, no model and no store.

To first order, learning all there is to learn about a claim takes (dr/dp)^2 Var(p) off a root's variance, where p is
the claim's probability (docs/design.md, "Exploring"). On an argument graph r = P(r | not c) + p (P(r | c) - P(r | not
c)) is linear in p, so dr/dp is the difference that the propagation already holds.

A method is a function from a `Frontier` to the ids of claims (`Choose`). Here: best first, which the explorer uses, and
breadth first. Those that go down the tree by visits are in `argtree.search_tree`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt

from argtree.graph import Claim
from argtree.propagate import Propagation

MIN_GAIN = 1e-7  # of root variance: an expansion that promises less is not worth a model call

EQUAL_WITHIN = 1e-9
"""Gains that differ by less than this part of them are equal: the same sum in another order differs by its rounding."""

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Frontier:
    """All that a choice of what to expand may look at. Axis: C claims."""

    result: Propagation  # of the graph as it stands
    variances: Mapping[str, float]  # Var(p), in [0, 1/4], of the claims that can be expanded, by id
    visits: Mapping[str, int] = field(default_factory=dict)  # expansions of each claim so far; none if it is not there
    shares: FloatArray | None = None  # [C] of its gain that each claim keeps while others are at work; None: all

    @property
    def claims(self) -> Sequence[Claim]:
        """[C] in the graph's order."""
        return self.result.graph.claims

    @property
    def index(self) -> Mapping[str, int]:
        """The row of each claim, by its id."""
        return self.result.graph.index

    @cached_property
    def gains(self) -> FloatArray:
        """[C] `expansion_gains`, as far as they are not left to others."""
        gains = expansion_gains(self.result, self.variances)
        return gains if self.shares is None else gains * self.shares

    def rivals(self, row: int) -> IntArray:
        """The rows of the claims that move a root which the claim of this row moves."""
        return self.result.rivals(row)

    def bare_roots(self) -> list[int]:
        """The rows of the roots that nothing argues for or against."""
        graph = self.result.graph
        return [graph.index[root.claim] for root in graph.roots if not graph.arguments_for(root.claim)]

    def among(self, kept: Mask) -> Frontier:
        """The frontier without the claims that are not kept, [C]."""
        return replace(self, variances={one: of for one, of in self.variances.items() if kept[self.index[one]]})

    def beside(self, held: Collection[str]) -> Frontier:
        """The frontier without claims of the graph that others expand, visits counted; see `gain_shares`."""
        visits = dict(self.visits) | {claim: self.visits.get(claim, 0) + 1 for claim in held}
        variances = {claim: variance for claim, variance in self.variances.items() if claim not in held}
        shares = gain_shares(self.result, [self.index[claim] for claim in held])
        return replace(self, variances=variances, visits=visits, shares=shares)

    def unshared(self) -> Frontier:
        """The frontier in which each claim keeps all of its gain."""
        return replace(self, shares=None)


Choose = Callable[[Frontier, int], list[str]]
"""Gives the ids of at most so many claims (at least 1) to expand together, best first; [] where none is worth it.

No two of them move a root in common, so what the expansion of one brings to light about the roots changes nothing about
the gains of the others: expanded together they are as well chosen as one after the other. The same frontier always
gives the same choice.
"""


def belief_variance(mean: float, pseudo_count: float, num_arguments: int) -> float:
    """Returns the variance of a belief in a claim, each argument about it counting as one more observation.

    That of the Beta distribution with such a mean and pseudo-count, p (1-p) / (n + 1). That an argument settles as much
    as one observation is ours.

    Args:
        mean: P(claim) as the model says, in [0, 1].
        pseudo_count: what the belief is worth in observations, above 0.
        num_arguments: about the claim, at least 0.
    """
    return mean * (1 - mean) / (pseudo_count + num_arguments + 1)


def expansion_gains(result: Propagation, variances: Mapping[str, float]) -> FloatArray:
    """How much of the roots' variance each claim's expansion could remove, to first order, [C]; weighted over roots.

    Args:
        result: the propagation of the graph as it stands.
        variances: Var(p) of the claims that can be expanded, in [0, 1/4], by claim id; other claims gain nothing.

    Raises:
        KeyError: a claim of `variances` is not in the graph.
    """
    spread = np.zeros(len(result.prob))
    for claim, variance in variances.items():
        spread[result.graph.index[claim]] = variance
    return spread * result.shift()


def gain_shares(result: Propagation, rows: Collection[int]) -> FloatArray:
    """Returns [C] which share of its gain each claim keeps, in (0, 1], while claims of these rows are expanded.

    A claim's gain is a sum over roots (`argtree.search.expansion_gains`), of which each counts 1 / (1 + n) where n of
    the rows move it. 1 for a claim that moves no root.
    """
    at_work = np.zeros(len(result.graph.roots))  # [R]
    for row in rows:
        at_work += result.influence.of_claim(row) != 0
    total = result.shift()
    lost = np.zeros(len(total))
    for root in np.flatnonzero(at_work).tolist():
        _, claims, difference = result.influence.of_roots(root, root + 1)
        weight = result.graph.roots[root].weight * at_work[root] / (1 + at_work[root])
        np.add.at(lost, claims, weight * np.square(difference))
    shares = 1 - np.divide(lost, total, out=np.zeros(len(total)), where=total > 0)
    return np.asarray(np.clip(shares, 1 / (1 + at_work.max(initial=0.0)), 1.0))


def choose_expansions(frontier: Frontier, at_most: int = 1, min_gain: float = MIN_GAIN) -> list[str]:
    """The claims whose expansions could move the roots most; none where none promises `min_gain`.

    Of equals the first in the graph comes first.

    Args:
        frontier, at_most: see `Choose`.
        min_gain: of root variance, above 0.
    """

    def best(blocked: Mask) -> int | None:
        gains = np.where(blocked, 0.0, frontier.gains)
        most = float(gains.max(initial=0.0))
        return int(np.argmax(gains >= most * (1 - EQUAL_WITHIN))) if most >= min_gain else None

    return pick_apart(frontier, at_most, best)


def breadth_first(frontier: Frontier, at_most: int = 1) -> list[str]:
    """The claims expanded least often, of those the nearest to a root; whatever they could move.

    Args:
        frontier, at_most: see `Choose`.
    """
    index = frontier.result.graph.index
    depth = _depths(frontier.result)
    order = sorted(
        (frontier.visits.get(claim, 0), depth[row], row)
        for claim, row in ((claim, index[claim]) for claim in frontier.variances)
        if row in depth
    )

    def nearest(blocked: Mask) -> int | None:
        return next((row for _, _, row in order if not blocked[row]), None)

    return pick_apart(frontier, at_most, nearest)


def pick_apart(frontier: Frontier, at_most: int, pick_fn: Callable[[Mask], int | None]) -> list[str]:
    """Returns the ids of claims picked one after the other, none of which moves a root that one before it moves.

    Args:
        frontier: what may be looked at.
        at_most: how many, at least 1.
        pick_fn: gives the row of the best claim that is not blocked, [C]; None where there is none.
    """
    blocked = np.zeros(len(frontier.claims), dtype=np.bool_)
    chosen: list[str] = []
    while len(chosen) < at_most and (row := pick_fn(blocked)) is not None:
        chosen.append(frontier.claims[row].id)
        if len(chosen) < at_most:
            blocked[row] = True
            blocked[frontier.rivals(row)] = True
    return chosen


def _depths(result: Propagation) -> dict[int, int]:
    """Returns how many arguments lie between each claim under the roots and the nearest root, by row."""
    graph = result.graph
    depth = {graph.index[root.claim]: 0 for root in graph.roots}
    waiting = list(depth)
    for row in waiting:  # grows meanwhile: nearer claims come before farther ones
        for argument in graph.arguments_for(graph.claims[row].id):
            for premise in argument.premises:
                below = graph.index[premise.claim]
                if below not in depth:
                    depth[below] = depth[row] + 1
                    waiting.append(below)
    return depth
