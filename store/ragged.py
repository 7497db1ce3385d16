"""Lists of different lengths as two flat arrays, so that a million of them are worked on at once. Pure.

Axes: K lists, F things in all of them.
"""

from collections.abc import Sequence
from itertools import chain
from typing import Any, NamedTuple, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

IntArray = NDArray[np.int64]
Whole = TypeVar("Whole", bound=np.signedinteger[Any])


class Ragged(NamedTuple):
    """K lists of places."""

    start: IntArray  # [K + 1] list k is flat[start[k]:start[k + 1]]
    flat: IntArray  # [F]

    @classmethod
    def of(cls, lists: Sequence[Sequence[int]]) -> Self:
        """Returns the lists, flat."""
        start = starts(np.fromiter(map(len, lists), np.int64, len(lists)))
        return cls(start, np.fromiter(chain.from_iterable(lists), np.int64, int(start[-1])))

    @classmethod
    def single(cls, values: IntArray) -> Self:
        """Returns a list of one for each value."""
        return cls(np.arange(len(values) + 1), values)

    def take(self, chosen: IntArray) -> Self:
        """Returns some of the lists."""
        counts = np.diff(self.start)[chosen]
        return type(self)(starts(counts), self.flat[ranges(self.start[:-1][chosen], counts)])

    def head(self, size: int) -> Self:
        """Returns the first things of each list, at most so many."""
        counts = np.minimum(np.diff(self.start), size)
        if counts.sum() == len(self.flat):
            return self
        return type(self)(starts(counts), self.flat[ranges(self.start[:-1], counts)])

    def into(self, parts: IntArray) -> Self:
        """Returns the lists with what their things stand for: thing p becomes parts[p], ..., parts[p + 1] - 1."""
        counts = np.diff(parts)[self.flat]
        return type(self)(starts(counts)[self.start], ranges(parts[:-1][self.flat], counts))

    def distinct(self, of: IntArray) -> Self:
        """Returns what the things have in `of`, a number from 0, each once in a list, where it stands first."""
        values = of[self.flat]
        if len(values) == 0 or np.diff(self.start).max() == 1:
            return type(self)(self.start, values)
        owner = np.repeat(np.arange(len(self.start) - 1), np.diff(self.start))
        first = np.sort(np.unique(owner * (int(of.max()) + 1) + values, return_index=True)[1])
        return type(self)(starts(np.bincount(owner[first], minlength=len(self.start) - 1)), values[first])

    def largest(self, of: NDArray[Whole]) -> NDArray[Whole]:
        """Returns [K] the largest that the things of each list have in `of`; no list may be empty."""
        if not len(self.flat):
            return of[:0]
        found: NDArray[Whole] = np.maximum.reduceat(of[self.flat], self.start[:-1])
        return found


def starts(counts: IntArray) -> IntArray:
    """Returns [K + 1] where lists of these lengths start, and where the last one ends."""
    return np.concatenate([np.zeros(1, np.int64), np.cumsum(counts, dtype=np.int64)])


def ranges(first: NDArray[Whole], counts: NDArray[Whole]) -> IntArray:
    """Returns first[k], first[k] + 1, ..., counts[k] of them, for one k after the other."""
    found: IntArray = np.arange(int(counts.sum())) + np.repeat(first - (np.cumsum(counts) - counts), counts)
    return found
