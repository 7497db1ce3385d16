"""An argument graph that grows, and how its claims move its roots: only what hangs together with a change is done anew.

A part is what arguments and shared quantities connect. No claim of one part tells anything of another, so after changes
the parts that they touched are propagated by themselves, all of them at once. Where everything hangs together that is
the whole graph.

Not here: which claims can be expanded (`argtree.picture`), the store.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from argtree.graph import Argument, ArgumentGraph, Claim, Root
from argtree.propagate import Propagation
from argtree.search import gain_shares

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]

Likelihoods = tuple[float, float]


@dataclass(eq=False)
class _Solved:
    """The propagation of some parts."""

    result: Propagation
    rows: IntArray  # [N] row in the growing graph of each of its claims, ascending
    num_live: int  # how many of them it still tells of


class GrowingGraph:
    """A graph to which claims and arguments are added. Its C claims are rows, in the order in which they came."""

    def __init__(self, graph: ArgumentGraph, propagate_fn: Callable[[ArgumentGraph], Propagation]) -> None:
        """Propagates a graph to begin with. Raises what `propagate_fn` does."""
        self._propagate = propagate_fn
        self.claims: list[Claim] = []
        self.index: dict[str, int] = {}
        self.roots: list[Root] = []
        self.evidence = dict(graph.evidence)
        self.direct_beliefs = dict(graph.direct_beliefs)
        self.quantities, self.measurements = graph.quantities, graph.measurements
        self._about: dict[int, list[Argument]] = {}  # the arguments about a claim
        self._linked: dict[int, list[int]] = {}  # the claims that stand in one argument with a claim, or share a number
        self._root_at: dict[int, int] = {}  # place in `roots` of a claim
        self._touched: set[int] = set()  # rows of parts that are to be propagated
        self.add(graph.claims, graph.arguments, graph.roots)
        self._link_quantities()
        first = _Solved(propagate_fn(graph), np.arange(len(self.claims)), len(self.claims))
        self._solved = {0: first}  # by a number that grows
        self._by = np.zeros(len(self.claims), dtype=np.intp)  # [C] which of them tells of a claim
        self._shift = first.result.shift()
        self._touched.clear()

    def add(self, claims: Iterable[Claim], arguments: Iterable[Argument], roots: Iterable[Root]) -> None:
        """Adds claims, and arguments and roots whose claims are there."""
        for claim in claims:
            self.index[claim.id] = len(self.claims)
            self._touched.add(len(self.claims))
            self.claims.append(claim)
        for argument in arguments:
            conclusion = self.index[argument.conclusion]
            self._about.setdefault(conclusion, []).append(argument)
            self._touched.add(conclusion)
            for premise in argument.premises:
                self._link(conclusion, self.index[premise.claim])
        for root in roots:
            self._root_at[self.index[root.claim]] = len(self.roots)
            self._touched.add(self.index[root.claim])
            self.roots.append(root)

    def set_prior(self, row: int, prior: float) -> None:
        """Gives a claim another prior."""
        if prior != self.claims[row].prior:
            self.claims[row] = replace(self.claims[row], prior=prior)
            self._touched.add(row)

    def set_evidence(self, evidence: Mapping[str, Likelihoods]) -> set[int]:
        """Puts other evidence in the place of what there is; returns the rows of the claims of which it differs."""
        old, self.evidence = self.evidence, dict(evidence)
        changed = {self.index[claim] for claim in old.keys() | evidence.keys() if old.get(claim) != evidence.get(claim)}
        self._touched |= changed
        return changed

    def set_direct_belief(self, claim_id: str, likelihoods: Likelihoods) -> None:
        """Sets what a direct belief in a claim adds to its arguments."""
        if self.direct_beliefs.get(claim_id) != likelihoods:
            self.direct_beliefs[claim_id] = likelihoods
            self._touched.add(self.index[claim_id])

    def arguments_for(self, claim_id: str) -> Sequence[Argument]:
        """Returns the arguments about a claim, in their order. Raises KeyError: no such claim."""
        return self._about.get(self.index[claim_id], ())

    def text(self, claim_id: str) -> str:
        """Returns a claim's text. Raises KeyError: no such claim."""
        return self.claims[self.index[claim_id]].text

    def prior(self, claim_id: str) -> float:
        """Returns a claim's prior. Raises KeyError: no such claim."""
        return self.claims[self.index[claim_id]].prior

    def bare_roots(self) -> list[int]:
        """Returns the rows of the roots that nothing argues for or against."""
        return [row for row in self._root_at if row not in self._about]

    def shift(self) -> FloatArray:
        """Returns [C] `Propagation.shift` of the graph as it stands. Raises what the propagation does."""
        self._catch_up()
        return self._shift

    def rivals(self, row: int) -> IntArray:
        """Returns the rows of all claims that move a root which this one moves."""
        self._catch_up()
        solved = self._solved[int(self._by[row])]
        return solved.rows[solved.result.rivals(int(np.searchsorted(solved.rows, row)))]

    def gain_shares(self, rows: Iterable[int]) -> FloatArray:
        """Returns [C] `argtree.search.gain_shares` while claims of these rows are expanded."""
        self._catch_up()
        found, by_part = np.ones(len(self.claims)), defaultdict[int, list[int]](list)
        for row in rows:
            by_part[int(self._by[row])].append(row)
        for number, held in by_part.items():
            solved = self._solved[number]
            shares = gain_shares(solved.result, np.searchsorted(solved.rows, held).tolist())
            is_live = self._by[solved.rows] == number
            found[solved.rows[is_live]] = shares[is_live]
        return found

    def whole(self) -> ArgumentGraph:
        """Returns the graph as it stands, checked: in time linear in its size."""
        return self._cut(range(len(self.claims)))

    def _link(self, one: int, other: int) -> None:
        self._linked.setdefault(one, []).append(other)
        self._linked.setdefault(other, []).append(one)

    def _link_quantities(self) -> None:
        first: dict[str, int] = {}
        for row, claim in enumerate(self.claims):
            for quantity in claim.quantities:
                self._link(row, first.setdefault(quantity, row))

    def _catch_up(self) -> None:
        """Propagates the parts that were touched."""
        if not self._touched:
            return
        rows = np.array(sorted(self._parts(self._touched)), dtype=np.intp)
        result = self._propagate(self._cut(rows.tolist()))
        more = len(self.claims) - len(self._by)
        number = max(self._solved) + 1
        self._by = np.concatenate([self._by, np.full(more, number)])
        self._shift = np.concatenate([self._shift, np.zeros(more)])
        for old, count in zip(*np.unique(self._by[rows], return_counts=True), strict=True):
            if old != number:
                self._solved[int(old)].num_live -= int(count)
                if not self._solved[int(old)].num_live:
                    del self._solved[int(old)]
        self._solved[number] = _Solved(result, rows, len(rows))
        self._by[rows] = number
        self._shift[rows] = result.shift()
        self._touched = set()

    def _parts(self, rows: Iterable[int]) -> set[int]:
        """Returns the rows of all claims that hang together with some."""
        found = set(rows)
        waiting = list(found)
        while waiting:
            for other in self._linked.get(waiting.pop(), ()):
                if other not in found:
                    found.add(other)
                    waiting.append(other)
        return found

    def _cut(self, rows: Sequence[int]) -> ArgumentGraph:
        """Returns the graph of whole parts alone; everything in its order."""
        claims = [self.claims[row] for row in rows]
        ids = [claim.id for claim in claims]
        used = {quantity for claim in claims for quantity in claim.quantities}
        places = sorted(self._root_at[row] for row in rows if row in self._root_at)
        return ArgumentGraph(
            claims=tuple(claims),
            arguments=tuple(argument for row in rows for argument in self._about.get(row, ())),
            roots=tuple(self.roots[place] for place in places),
            evidence={one: self.evidence[one] for one in ids if one in self.evidence},
            quantities=tuple(one for one in self.quantities if one.id in used),
            measurements=tuple(one for one in self.measurements if one.quantity in used),
            direct_beliefs={one: self.direct_beliefs[one] for one in ids if one in self.direct_beliefs},
        )
