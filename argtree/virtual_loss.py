"""What an explorer leaves to others that are at work: pure, no store and no clock.

Explorers that choose by the same rule on the same graph would all choose the same claim. In parallel tree search each
therefore counts what another has begun as a visit that brought nothing, until its outcome is known (Chaslot, Winands
and van den Herik 2008, "Parallel Monte-Carlo tree search", "virtual loss"). Here, in the terms of a choice by promised
gain: a claim that another expands is not chosen; its visit is counted already; and a root on which n others are at work
counts 1 / (1 + n) of its weight, as if what it promises were shared among all who come to it.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

import numpy as np

from argtree.propagate import Propagation
from argtree.search import Choose, FloatArray, Frontier


def with_virtual_loss(frontier: Frontier, held: Collection[str]) -> Frontier:
    """Returns the frontier as it is for an explorer while others expand some claims.

    Args:
        frontier: of the graph as it stands.
        held: ids of the claims that others expand; those that are not in the graph move none of its roots.
    """
    if not held:
        return frontier  # whose result may still have to be worked out
    index = frontier.result.graph.index
    there = [claim for claim in held if claim in index]
    if not there:
        return frontier
    visits = dict(frontier.visits) | {claim: frontier.visits.get(claim, 0) + 1 for claim in there}
    variances = {claim: variance for claim, variance in frontier.variances.items() if claim not in held}
    shares = gain_shares(frontier.result, [index[claim] for claim in there])
    return Frontier(frontier.result, variances, visits, shares)


def choose_beside(choose_fn: Choose, frontier: Frontier, held: Collection[str], at_most: int) -> list[str]:
    """Returns what the function chooses with virtual loss; where nothing is worth it then, without, so none is idle.

    Args:
        choose_fn, frontier, at_most: see `argtree.search.Choose`.
        held: as in `with_virtual_loss`; none of them is chosen.
    """
    beside = with_virtual_loss(frontier, held)
    chosen = choose_fn(beside, at_most)
    if chosen or beside is frontier:
        return chosen
    return choose_fn(replace(beside, shares=None), at_most)


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
