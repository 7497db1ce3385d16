"""Which claims to hold so that all else is cheap to sum out.

A w-cutset (Bidyuk and Dechter 2007, "Cutset Sampling for Bayesian Networks"): with its variables held, elimination of
the others meets no table above a limit. Not here: any probability.
"""

from __future__ import annotations

import heapq
from collections.abc import Collection, Iterable, Sequence

_MAX_COUNTED_DEGREE = 32  # past this a variable's fill is bounded from above instead of counted
_MAX_LET_GO = 64  # held variables that are tried for letting go, one elimination each


def choose_cutset(
    sizes: Sequence[int],
    scopes: Iterable[Sequence[int]],
    candidates: Collection[int],
    max_entries: int,
    avoid: Collection[int] = (),
) -> tuple[int, ...]:
    """Returns few variables such that, with them held, the others can be eliminated within tables of a given size.

    Greedy: what is cheap is eliminated, least fill first (Kjaerulff 1990); where nothing is cheap, the candidate with
    the most neighbours is held, which cheapens all of them. Afterwards variables that are not needed are let go. The
    same input gives the same answer. Where no candidate is left, tables above the limit remain.

    Args:
        sizes: number of states of each variable.
        scopes: the variables of each factor.
        candidates: variables that may be held.
        max_entries: largest table, over a variable and its neighbours, that counts as cheap.
        avoid: candidates to hold only if no other is left.
    """
    neighbours: list[set[int]] = [set() for _ in sizes]
    for scope in scopes:
        for variable in scope:
            neighbours[variable].update(scope)
    for variable, near in enumerate(neighbours):
        near.discard(variable)
    ranked = [set(candidates) - set(avoid), set(candidates) & set(avoid)]
    _eliminate(neighbours, sizes, [], max_entries)  # what is cheap anyway; few variables stay entangled
    held = _eliminate([set(near) for near in neighbours], sizes, ranked, max_entries)
    for variable in held[-_MAX_LET_GO:][::-1]:  # held last, needed least
        fewer = [one for one in held if one != variable]
        left = _without(neighbours, fewer)
        _eliminate(left, sizes, [], max_entries)
        if not any(left):
            held = fewer
    return tuple(sorted(held))


def _without(neighbours: Sequence[set[int]], held: Collection[int]) -> list[set[int]]:
    gone = set(held)
    return [set() if variable in gone else near - gone for variable, near in enumerate(neighbours)]


def _eliminate(
    neighbours: list[set[int]], sizes: Sequence[int], ranked: Sequence[set[int]], max_entries: int
) -> list[int]:
    """Eliminates in place, holding candidates where nothing is cheap; returns those held, in order.

    Without candidates it stops where nothing is cheap; whoever still has neighbours is left.
    """
    keys = {v: _key(v, neighbours, sizes, max_entries) for v, near in enumerate(neighbours) if near}
    heap = [(key, variable) for variable, key in keys.items()]
    heapq.heapify(heap)
    held: list[int] = []
    while heap:
        key, variable = heapq.heappop(heap)
        if key != keys.get(variable):
            continue  # an entry that a later one replaced
        is_held = False
        if key[0]:  # too large, like all that are left
            if not ranked:
                break
            choice = _most_entangled(neighbours, ranked, keys)
            if choice is not None:
                heapq.heappush(heap, (key, variable))
                variable, is_held = choice, True
                held.append(variable)
        del keys[variable]
        for other in sorted(_take_out(variable, neighbours, joining=not is_held)):
            keys[other] = _key(other, neighbours, sizes, max_entries)
            heapq.heappush(heap, (keys[other], other))
    return held


def _most_entangled(
    neighbours: Sequence[set[int]], ranked: Sequence[set[int]], waiting: Collection[int]
) -> int | None:
    for candidates in ranked:
        left = [variable for variable in candidates if variable in waiting]
        if left:
            return max(left, key=lambda variable: (len(neighbours[variable]), -variable))
    return None


def _take_out(variable: int, neighbours: list[set[int]], joining: bool) -> set[int]:
    """Removes a variable, joining its neighbours to each other or not; returns whose key may have changed."""
    near = neighbours[variable]
    changed = set(near)
    for one in near:
        neighbours[one].discard(variable)
        if joining:
            added = near - neighbours[one]
            added.discard(one)
            if added:
                neighbours[one] |= added
                if len(neighbours[one]) <= _MAX_COUNTED_DEGREE:
                    changed |= neighbours[one]
    changed.discard(variable)
    neighbours[variable] = set()
    return changed


def _key(variable: int, neighbours: Sequence[set[int]], sizes: Sequence[int], max_entries: int) -> tuple[int, int, int]:
    """Returns (1 if too large a table, fill, entries)."""
    near = neighbours[variable]
    entries = sizes[variable]
    for other in near:
        entries *= sizes[other]
        if entries > max_entries:
            return 1, 0, 0
    fill = len(near) * (len(near) - 1)
    if 1 < len(near) <= _MAX_COUNTED_DEGREE:
        fill -= sum(len(near & neighbours[other]) for other in near)
    return 0, fill // 2, entries
