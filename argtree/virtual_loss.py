"""What an explorer leaves to others that are at work: pure, no store and no clock.

Explorers that choose by the same rule on the same graph would all choose the same claim. In parallel tree search each
therefore counts what another has begun as a visit that brought nothing, until its outcome is known (Chaslot, Winands
and van den Herik 2008, "Parallel Monte-Carlo tree search", "virtual loss"). Here, in the terms of a choice by promised
gain: a claim that another expands is not chosen; its visit is counted already; and a root on which n others are at work
counts 1 / (1 + n) of its weight, as if what it promises were shared among all who come to it.
"""

from __future__ import annotations

from collections.abc import Collection

from argtree.search import Choose, Frontier


def with_virtual_loss(frontier: Frontier, held: Collection[str]) -> Frontier:
    """Returns the frontier as it is for an explorer while others expand some claims.

    Args:
        frontier: of the graph as it stands.
        held: ids of the claims that others expand; those that are not in the graph move none of its roots.
    """
    there = [claim for claim in held if claim in frontier.index]
    return frontier.beside(there) if there else frontier


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
    return choose_fn(beside.unshared(), at_most)
