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
from scipy.sparse import csr_array

from argtree.compiled import FloatArray, IntArray, spans


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
    def _is_one_tree(self) -> bool:
        return bool((self.anchor == self.anchor[0]).all())

    def of_root(self, root: int) -> tuple[IntArray, FloatArray]:
        """Returns the claims [n] that the root has to do with and their differences [n]; each claim once."""
        start, stop = self.at_anchor.indptr[root : root + 2]
        anchors, strengths = self.at_anchor.indices[start:stop], self.at_anchor.data[start:stop]
        if len(anchors) == 1 and self._is_one_tree:
            return self.claim, strengths * self.factor
        order, begins = self._places_by_anchor
        counts = begins[anchors + 1] - begins[anchors]
        places = order[spans(begins[anchors], begins[anchors + 1])]
        return self.claim[places], np.repeat(strengths, counts) * self.factor[places]

    def dense(self) -> FloatArray:
        """Returns [R, C] the differences of all claims for all roots, 0 for those that have nothing to do with it."""
        out = np.zeros((self.num_roots, self.num_claims))
        for root in range(self.num_roots):
            claims, difference = self.of_root(root)
            out[root, claims] = difference
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
