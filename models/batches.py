"""Which rows of tokens are read together, and what they begin with alike: arithmetic only, no model is known here."""

from collections.abc import Iterator, Sequence
from itertools import groupby, pairwise
from typing import NamedTuple

from models.chat import TokenIds

BATCH_SIZE = 32  # rows in one forward pass
PASS_TOKENS = 128  # what a forward pass more counts as, in tokens read: to read less of them must save more


class Group(NamedTuple):
    """Rows whose beginning is read once."""

    shared: int  # tokens that all of them begin with, less than any has; 0: nothing is worth reading once
    batches: list[list[int]]  # indices of rows of like length, at most `BATCH_SIZE` each


def groups(rows: Sequence[TokenIds], rooms: Sequence[int]) -> Iterator[Group]:
    """Every row's index once, in groups of equal room whose batches spend little on padding and on reading again.

    Args:
        rows: At least one token each.
        rooms: How many tokens may follow each; for rows that are only read, all alike.
    """
    order = sorted(range(len(rows)), key=lambda i: (rooms[i], rows[i]))
    for _, same_room in groupby(order, key=lambda i: rooms[i]):
        for shared, members in _by_beginning(list(same_room), rows):
            members.sort(key=lambda i: len(rows[i]))
            batches = [members[start : start + BATCH_SIZE] for start in range(0, len(members), BATCH_SIZE)]
            yield Group(min(shared, len(rows[members[0]]) - 1), batches)


def _by_beginning(order: list[int], rows: Sequence[TokenIds]) -> Iterator[tuple[int, list[int]]]:
    """Sorted rows cut into those that share a beginning, with its length, from the longest beginnings to none.

    Walks the tree of beginnings (Abouelhoda, Kurtz and Ohlebusch 2004, algorithm 4.4): a beginning is read for itself
    where that saves more tokens than it costs, else its rows go to the next shorter one.
    """
    open_: list[tuple[int, list[int]]] = [(0, [])]
    ends = [alike(rows[one], rows[other]) for one, other in pairwise(order)] + [0]
    for i, level in zip(order, ends, strict=True):
        open_.append((len(rows[i]), [i]))
        while open_[-1][0] > level:
            shared, members = open_.pop()
            if open_[-1][0] < level:
                open_.append((level, []))
            below = open_[-1][0]
            if (len(members) - 1) * (shared - below) > below + PASS_TOKENS:
                yield shared, members
            else:
                open_[-1][1].extend(members)
    if open_[0][1]:
        yield 0, open_[0][1]


def alike(one: Sequence[int], other: Sequence[int]) -> int:
    """How many tokens two rows begin with alike."""
    for n, (a, b) in enumerate(zip(one, other, strict=False)):
        if a != b:
            return n
    return min(len(one), len(other))
