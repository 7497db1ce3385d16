"""Which claims to hold so that all else is cheap to sum out.

A w-cutset (Bidyuk and Dechter 2007, "Cutset Sampling for Bayesian Networks"): with its variables held, elimination of
the others meets no table above a limit. Not here: any probability.
"""

from __future__ import annotations

import heapq
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace

_CHEAP, _TOO_LARGE, _CHEAP_LATER, _TOO_LARGE_LATER = range(4)
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

    Greedy: what is cheap is eliminated, least fill first (Kjaerulff 1990), candidates only after all else is gone;
    where nothing is cheap, the candidate with the most neighbours is held, which cheapens all of them. Afterwards
    variables that are not needed are let go. The same input gives the same answer. Where no candidate is left, tables
    above the limit remain.

    Args:
        sizes: number of states of each variable.
        scopes: the variables of each factor.
        candidates: variables that may be held; best those without which the rest is a tree.
        max_entries: largest table, over a variable and its neighbours, that counts as cheap.
        avoid: candidates to hold only if no other is left.
    """
    neighbours: list[set[int]] = [set() for _ in sizes]
    for scope in scopes:
        for variable in scope:
            neighbours[variable].update(scope)
    for variable, near in enumerate(neighbours):
        near.discard(variable)
    graph = _Graph(neighbours, sizes, set(candidates), max_entries)
    graph.eliminate()  # what is cheap anyway; few variables stay entangled
    held = graph.copy().eliminate([graph.candidates - set(avoid), graph.candidates & set(avoid)])
    for variable in held[-_MAX_LET_GO:][::-1]:  # held last, needed least
        fewer = [one for one in held if one != variable]
        left = graph.copy(without=fewer)
        left.eliminate()
        if not any(left.neighbours):
            held = fewer
    return tuple(sorted(held))


@dataclass(frozen=True, eq=False)
class _Graph:
    """Which variables stand in a factor together."""

    neighbours: list[set[int]]  # of each variable; empty once it is gone
    sizes: Sequence[int]
    candidates: set[int]
    max_entries: int

    def copy(self, without: Collection[int] = ()) -> _Graph:
        gone = set(without)
        left = [set() if variable in gone else near - gone for variable, near in enumerate(self.neighbours)]
        return replace(self, neighbours=left)

    def eliminate(self, ranked: Sequence[set[int]] = ()) -> list[int]:
        """Eliminates in place, holding candidates where nothing is cheap; returns those held, in order.

        Without candidates to hold it stops where nothing is cheap; whoever still has neighbours is left. A candidate
        is eliminated only when nothing else is left.
        """
        keys = {variable: self.key(variable) for variable, near in enumerate(self.neighbours) if near}
        heap = [(key, variable) for variable, key in keys.items()]
        heapq.heapify(heap)
        held: list[int] = []
        while heap:
            key, variable = heapq.heappop(heap)
            if key != keys.get(variable):
                continue  # an entry that a later one replaced
            is_held = False
            if key[0] in (_TOO_LARGE, _TOO_LARGE_LATER):
                if not ranked:
                    break
                choice = self.most_entangled(ranked, keys)
                if choice is not None:
                    heapq.heappush(heap, (key, variable))
                    variable, is_held = choice, True
                    held.append(variable)
            del keys[variable]
            for other in sorted(self.take_out(variable, joining=not is_held)):
                keys[other] = self.key(other)
                heapq.heappush(heap, (keys[other], other))
        return held

    def most_entangled(self, ranked: Sequence[set[int]], waiting: Collection[int]) -> int | None:
        for candidates in ranked:
            left = [variable for variable in candidates if variable in waiting]
            if left:
                return max(left, key=lambda variable: (len(self.neighbours[variable]), -variable))
        return None

    def take_out(self, variable: int, joining: bool) -> set[int]:
        """Removes a variable, joining its neighbours to each other or not; returns whose key may have changed."""
        near = self.neighbours[variable]
        changed = set(near)
        for one in near:
            self.neighbours[one].discard(variable)
            if joining:
                added = near - self.neighbours[one]
                added.discard(one)
                if added:
                    self.neighbours[one] |= added
                    if len(self.neighbours[one]) <= _MAX_COUNTED_DEGREE:
                        changed |= self.neighbours[one]
        changed.discard(variable)
        self.neighbours[variable] = set()
        return changed

    def key(self, variable: int) -> tuple[int, int, int]:
        """Returns in which order to go: (whether it is cheap, fill, entries)."""
        near = self.neighbours[variable]
        entries = self.sizes[variable]
        for other in near:
            entries *= self.sizes[other]
            if entries > self.max_entries:
                return (_TOO_LARGE_LATER if variable in self.candidates else _TOO_LARGE), 0, 0
        fill = len(near) * (len(near) - 1)
        if 1 < len(near) <= _MAX_COUNTED_DEGREE:
            fill -= sum(len(near & self.neighbours[other]) for other in near)
        later = variable in self.candidates and fill > 0
        return (_CHEAP_LATER if later else _CHEAP), fill // 2, entries
