"""In which order to sum variables out, and at what cost: known before any table is filled.

Greedy minimum fill (Kjaerulff 1990), on trees the same as leaves first and linear. Not here: any number that is a
probability.
"""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable, Iterable, Sequence

from argtree.errors import TooEntangledError

MAX_TABLE_ENTRIES = 2**22
"""Largest table of one elimination step that is still filled (32 MiB in double precision)."""

MAX_TOTAL_ENTRIES = 2**25
"""Largest sum of all steps' tables: bounds time and memory."""

_EASY_ENTRIES = 2**16  # below this no better order is looked for
_NUM_SHUFFLES = 6
_MAX_COUNTED_DEGREE = 48  # past this a variable's fill is bounded from above instead of counted

_KeyFn = Callable[[int, int], tuple[float, ...]]  # (fill, entries) -> what to minimise


def elimination_order(sizes: Sequence[int], scopes: Iterable[Sequence[int]]) -> list[int]:
    """Returns all variables in an order of elimination whose tables are small.

    The same input gives the same order.

    Args:
        sizes: number of states of each variable.
        scopes: the variables of each factor.

    Raises:
        TooEntangledError: no order was found whose largest table fits `MAX_TABLE_ENTRIES` and whose tables
            together fit `MAX_TOTAL_ENTRIES`.
    """
    neighbours = _neighbours(len(sizes), scopes)
    best: tuple[int, list[int]] | None = None
    for attempt, key_fn in enumerate(_key_fns()):
        found = _greedy([set(near) for near in neighbours], sizes, key_fn)
        if found is not None and (best is None or found[0] < best[0]):
            best = found
        if (best is None and attempt > 0) or (best is not None and best[0] <= _EASY_ENTRIES):
            break  # shuffling makes an order better that fits; it hardly ever saves one that does not
    if best is None:
        raise too_entangled()
    return best[1]


def too_entangled() -> TooEntangledError:
    """Returns the error that says what does not fit."""
    return TooEntangledError(
        "The graph's claims share premises in too entangled a way for exact propagation: it would need a table of more "
        f"than {MAX_TABLE_ENTRIES:,} entries, or more than {MAX_TOTAL_ENTRIES:,} in all."
    )


def _key_fns() -> Iterable[_KeyFn]:
    yield lambda fill, entries: (fill, entries)
    yield lambda fill, entries: (entries, fill)
    for seed in range(_NUM_SHUFFLES):
        yield _shuffled(random.Random(seed))


def _shuffled(rng: random.Random) -> _KeyFn:
    """Minimum fill with ties broken by chance: entangled graphs have many, and some are far better."""
    return lambda fill, entries: (fill, rng.random())


def _neighbours(num_variables: int, scopes: Iterable[Sequence[int]]) -> list[set[int]]:
    neighbours: list[set[int]] = [set() for _ in range(num_variables)]
    for scope in scopes:
        for variable in scope:
            neighbours[variable].update(scope)
    for variable, near in enumerate(neighbours):
        near.discard(variable)
    return neighbours


def _greedy(neighbours: list[set[int]], sizes: Sequence[int], key_fn: _KeyFn) -> tuple[int, list[int]] | None:
    """Returns (sum of table entries, order), or None as soon as a table gets too large."""
    keys = [_key(variable, neighbours, sizes, key_fn) for variable in range(len(sizes))]
    heap = [(key, variable) for variable, key in enumerate(keys)]
    heapq.heapify(heap)
    done: list[bool] = [False] * len(sizes)
    order: list[int] = []
    total = 0
    while heap:
        key, variable = heapq.heappop(heap)
        if done[variable] or key != keys[variable]:
            continue  # an entry that a later one replaced
        entries = _entries(variable, neighbours, sizes)
        total += entries
        if entries > MAX_TABLE_ENTRIES or total > MAX_TOTAL_ENTRIES:
            return None
        done[variable] = True
        order.append(variable)
        for changed in sorted(_eliminate(variable, neighbours)):
            keys[changed] = _key(changed, neighbours, sizes, key_fn)
            heapq.heappush(heap, (keys[changed], changed))
    return total, order


def _eliminate(variable: int, neighbours: list[set[int]]) -> set[int]:
    """Joins the variable's neighbours to each other, takes it out; returns whose fill may have changed."""
    near = neighbours[variable]
    changed = set(near)
    for one in near:
        added = near - neighbours[one]
        added.discard(one)
        neighbours[one].discard(variable)
        for other in added:
            if other > one:  # each new link once; whoever neighbours both ends lacks one link less
                smaller, larger = sorted((neighbours[one], neighbours[other]), key=len)
                if len(smaller) <= _MAX_COUNTED_DEGREE:
                    changed.update(smaller & larger)
        neighbours[one] |= added
    changed.discard(variable)
    neighbours[variable] = set()
    return changed


def _key(variable: int, neighbours: list[set[int]], sizes: Sequence[int], key_fn: _KeyFn) -> tuple[float, ...]:
    near = neighbours[variable]
    fill = len(near) * (len(near) - 1)
    if 1 < len(near) <= _MAX_COUNTED_DEGREE:
        fill -= sum(len(near & neighbours[other]) for other in near)
    return key_fn(fill // 2, _entries(variable, neighbours, sizes))


def _entries(variable: int, neighbours: list[set[int]], sizes: Sequence[int]) -> int:
    """Returns the size of the table over the variable and its neighbours (bounded: it may be astronomical)."""
    near = neighbours[variable]
    if len(near) > _MAX_COUNTED_DEGREE:
        return 1 << _MAX_COUNTED_DEGREE
    entries = sizes[variable]
    for other in near:
        entries *= sizes[other]
    return entries
