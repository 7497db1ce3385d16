"""How much each claim moves each root: P(root | claim) - P(root | not claim), stored in the room that it needs.

Below a module all claims act on the roots through it alone, so that the difference of claim c for root r is that of
c's *anchor* (the module, or any claim of a topmost core) for r, times a factor of c's own. Thousands of roots over a
million claims so take one number for each claim and one for each root and anchor that have to do with each other.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.sparse import csc_array, csr_array

from argtree.compiled import FloatArray, IntArray, spans

_MAX_AT_ONCE = 2**21  # numbers


@dataclass(frozen=True, eq=False)
class Influence:
    """The differences of R roots by I places, each place a claim's (a claim has one for each view that shows it)."""

    num_claims: int  # C
    claim: IntArray  # [I] row of the claim at each place
    anchor: IntArray  # [I] place of its anchor
    factor: FloatArray  # [I] by which the anchor's difference is multiplied
    at_anchor: csr_array  # [R, I] P(root | claim) - P(root | not claim) for the claims at anchors, signed

    @property
    def num_roots(self) -> int:
        """R."""
        return int(self.at_anchor.shape[0])

    @cached_property
    def _places_by_anchor(self) -> tuple[IntArray, IntArray]:
        """(places sorted by anchor, [I + 1] where each anchor's begin)."""
        order = np.argsort(self.anchor, kind="stable")
        return order, np.searchsorted(self.anchor[order], np.arange(len(self.anchor) + 1))

    @cached_property
    def _places_by_claim(self) -> tuple[IntArray, IntArray]:
        """(places sorted by claim, [C + 1] where each claim's begin)."""
        order = np.argsort(self.claim, kind="stable")
        return order, np.searchsorted(self.claim[order], np.arange(self.num_claims + 1))

    @cached_property
    def _by_anchor(self) -> csc_array:
        return csc_array(self.at_anchor)

    @cached_property
    def _is_one_tree(self) -> bool:
        return bool((self.anchor == self.anchor[0]).all()) and np.array_equal(self.claim, np.arange(self.num_claims))

    def of_root(self, root: int) -> tuple[IntArray | slice, FloatArray]:
        """Returns the claims [n] that the root has to do with, each once, and their differences [n].

        The claims are an index: rows, or a slice that means all of them in order.
        """
        start, stop = self.at_anchor.indptr[root : root + 2]
        if stop - start == 1 and self._is_one_tree:
            return slice(None), self.at_anchor.data[start] * self.factor
        _, claims, difference = self.of_roots(root, root + 1)
        return claims, difference

    def of_roots(self, first: int, last: int) -> tuple[IntArray, IntArray, FloatArray]:
        """Returns (root, claim, difference), [n] each, for the roots from `first` up to but not including `last`."""
        start, stop = self.at_anchor.indptr[first], self.at_anchor.indptr[last]
        anchors, strengths = self.at_anchor.indices[start:stop], self.at_anchor.data[start:stop]
        roots = np.repeat(np.arange(first, last), np.diff(self.at_anchor.indptr[first : last + 1]))
        order, begins = self._places_by_anchor
        counts = begins[anchors + 1] - begins[anchors]
        places = order[spans(begins[anchors], begins[anchors + 1])]
        return np.repeat(roots, counts), self.claim[places], np.repeat(strengths, counts) * self.factor[places]

    def of_claim(self, claim: int) -> FloatArray:
        """Returns [R] the differences of one claim for all roots."""
        order, begins = self._places_by_claim
        places = order[begins[claim] : begins[claim + 1]]
        by_anchor, anchors = self._by_anchor, self.anchor[places]
        start, stop = by_anchor.indptr[anchors], by_anchor.indptr[anchors + 1]
        at = spans(start, stop)
        found = by_anchor.data[at] * np.repeat(self.factor[places], stop - start)
        return np.asarray(np.bincount(by_anchor.indices[at], found, self.num_roots), dtype=np.float64)

    def portions(self) -> list[tuple[int, int]]:
        """Returns (first, last) of runs of roots that together have to do with a bounded number of claims."""
        if self.num_roots < 2:
            return [(0, self.num_roots)]
        _, begins = self._places_by_anchor
        sizes = np.diff(begins)[self.at_anchor.indices]
        upto = np.concatenate([[0], np.cumsum(sizes)])[self.at_anchor.indptr]  # [R + 1]
        edges = [0]
        while edges[-1] < self.num_roots:
            enough = int(np.searchsorted(upto, upto[edges[-1]] + _MAX_AT_ONCE, side="right")) - 1
            edges.append(max(enough, edges[-1] + 1))
        return list(zip(edges[:-1], edges[1:], strict=True))

    def dense(self) -> FloatArray:
        """Returns [R, C] the differences of all claims for all roots, 0 for those that have nothing to do with it."""
        out = np.zeros((self.num_roots, self.num_claims))
        for first, last in self.portions():
            roots, claims, difference = self.of_roots(first, last)
            out[roots, claims] = difference
        return out

    def summed(self, of_difference: Callable[[FloatArray], FloatArray], weights: FloatArray) -> FloatArray:
        """Returns [C] the sum over roots of weight times |difference|^n, for the power function given.

        Args:
            of_difference: a function with f(x y) = f(x) f(y), such as the absolute value or the square.
            weights: [R].
        """
        transformed = csr_array(
            (of_difference(self.at_anchor.data), self.at_anchor.indices, self.at_anchor.indptr),
            shape=self.at_anchor.shape,
        )
        per_place = (weights @ transformed)[self.anchor] * of_difference(self.factor)
        return np.asarray(np.bincount(self.claim, per_place, self.num_claims), dtype=np.float64)
