"""What an explorer has in mind of the store: the graph under its roots, and what expanding each claim could tell.

It is loaded once; from then on only what has come into the store is taken in, whoever wrote it. It says what one that
was loaded anew would say. Not here: the graph's propagation (`argtree.growing_graph`), what is new (`store.news`),
choosing (`argtree.search`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np
from sqlmodel import Session

from argtree.coherence import disagreement, likelihood
from argtree.graph import Claim, Root
from argtree.growing_graph import GrowingGraph
from argtree.propagate import Propagation, Propagator
from argtree.search import FloatArray, Frontier, IntArray, Mask, belief_variance
from store import claims
from store.direct import direct_weight, frozen
from store.graphs import evidence_of_claims, load_argument, load_graph
from store.news import News, mark, news_since

VisitsFn = Callable[[], Mapping[str, int]]


class Picture:
    """The graph under some roots, and Var(p) of every claim there that can be expanded."""

    def __init__(self, session: Session, root_keys: Collection[str] | None = None) -> None:
        """Loads what the session sees.

        Args:
            session: of the store.
            root_keys: the roots; by default all of the store's, those to come too.

        Raises:
            RootNotFoundError: one of root_keys is not the key of a root's claim.
            TooEntangledError, ImpossibleEvidenceError: the graph cannot be propagated.
        """
        self.root_keys = root_keys if root_keys is None else frozenset(root_keys)
        self._mark = mark(session)
        keys = [key for _, key in claims.root_keys(session)] if root_keys is None else root_keys
        self.graph = GrowingGraph(load_graph(session, keys), Propagator(only_askable=True))
        ids = claims.claim_ids(session)
        self._row = {ids[key]: row for key, row in self.graph.index.items()}  # by the claim's id
        self._beliefs = claims.latest_beliefs(session)
        self._closed = set(claims.closed_claims(session))
        self._weight = direct_weight(session)
        kept = frozen(session).items() if self._weight else ()
        self._gaps = {key: disagreement(one.belief, one.marginal) for key, one in kept}
        self._variances = np.empty(0)
        self._vary(range(len(self._row)))

    def catch_up(self, session: Session) -> bool:
        """Takes in what has come into the store; False where all has to be loaded anew, and this one is of no use.

        Args:
            session: that sees no less than the one before.
        """
        now = mark(session)
        if now == self._mark:
            return True
        is_told = now.said != self._mark.said
        news = None if is_told and self.graph.quantities else news_since(session, self._mark, now)
        if news is None or not self._grow(news):
            return False
        changed = self._take_in(news)
        if is_told:
            changed |= self._hear(evidence_of_claims(session))
        self._vary(changed)
        self._mark = now
        return True

    def frontier(self, without: Iterable[str], visits_fn: VisitsFn) -> Frontier:
        """Returns what there is to choose from.

        Args:
            without: keys of claims that are not to be expanded.
            visits_fn: gives the expansions of each claim so far, by its key, if a choice asks for them.
        """
        variances, index = self._variances.copy(), self.graph.index
        variances[[index[key] for key in without if key in index]] = np.nan
        return _Seen(self.graph, variances, visits_fn)

    def _grow(self, news: News) -> bool:
        """Adds the claims, arguments and roots that came under the roots; False where an old claim came there too."""
        new = {claim.id: claim for claim in news.claims if claim.id > self._mark.claim}
        premises, reasons = defaultdict[int, list[Any]](list), defaultdict[int, list[int]](list)
        for premise in news.premises:
            premises[premise.argument_id].append(premise)
        for argument in news.arguments:
            reasons[argument.conclusion_id] += [premise.claim_id for premise in premises[argument.id]]
        roots = news.roots if self.root_keys is None else ()
        there = self._row.keys()
        entering, used = set[int](), [root.claim_id for root in roots]
        used += [below for conclusion in reasons.keys() & there for below in reasons[conclusion]]
        while used:
            claim_id = used.pop()
            if claim_id not in there and claim_id not in entering:
                entering.add(claim_id)
                used += reasons[claim_id]
        if not new.keys() >= entering:
            return False
        for claim_id in sorted(entering):
            self._row[claim_id] = len(self._row)
            one = new[claim_id]
            self.graph.add([Claim(one.key, one.text, one.prior, one.askable)], [], [])
        added = [argument for argument in news.arguments if argument.conclusion_id in self._row]
        named = {p.claim_id for a in added for p in premises[a.id]} | {a.conclusion_id for a in added}
        keys = {one: self._key(one) for one in named}
        self.graph.add([], [load_argument(argument, premises[argument.id], keys) for argument in added], [])
        self.graph.add([], [], [Root(self._key(root.claim_id), root.weight) for root in roots])
        return True

    def _take_in(self, news: News) -> set[int]:
        """Takes in what is told of claims; the rows of those of which something changed."""
        changed = {self._row[one.conclusion_id] for one in news.arguments if one.conclusion_id in self._row}
        for claim in news.claims:
            if claim.explored_at is not None:
                self._closed.add(claim.key)
            if claim.id in self._row:
                self.graph.set_prior(self._row[claim.id], claim.prior)
                changed.add(self._row[claim.id])
        for key, belief in news.beliefs.items():
            self._beliefs[key] = belief
            if key in self.graph.index:
                changed.add(self.graph.index[key])
        for one in news.frozen if self._weight else ():
            if one.claim_id in self._row:
                self._gaps[self._key(one.claim_id)] = disagreement(one.belief, one.marginal)
                told = likelihood(one.belief, one.marginal, self._weight)
                self.graph.set_direct_belief(self._key(one.claim_id), told)
        return changed

    def _hear(self, said: Mapping[int, tuple[float, float]]) -> set[int]:
        """Takes in what people say of claims; the rows of those of which they say something else."""
        return self.graph.set_evidence({self._key(one): told for one, told in said.items() if one in self._row})

    def _key(self, claim_id: int) -> str:
        return self.graph.claims[self._row[claim_id]].id

    def _vary(self, rows: Iterable[int]) -> None:
        """Works out anew how far beliefs in claims may be off."""
        more = len(self._row) - len(self._variances)
        self._variances = np.concatenate([self._variances, np.full(more, np.nan)])
        for row in rows:
            self._variances[row] = self._variance(self.graph.claims[row].id)

    def _variance(self, key: str) -> float:
        """Var(p) of a claim; NaN where it can't be expanded.

        Claims that no model holds a belief about came with an imported graph and are left as they are; what a person
        answered needs no arguments.
        """
        belief = self._beliefs.get(key)
        if belief is None or key in self._closed or key in self.graph.evidence:
            return np.nan
        variance = belief_variance(belief.mean, belief.pseudo_count, len(self.graph.arguments_for(key)))
        # Where a claim and its arguments disagree, one of them leaves something out.
        return variance + self._weight * self._gaps.get(key, 0.0)


class _Seen(Frontier):
    """A frontier whose costly parts are worked out when they are asked for."""

    def __init__(
        self, graph: GrowingGraph, variances: FloatArray, visits_fn: VisitsFn, shares: FloatArray | None = None
    ) -> None:
        """Args:
        graph: as it stands.
        variances: [C] Var(p); NaN where a claim can't be expanded.
        visits_fn: gives `visits`.
        shares: see `Frontier`.
        """
        self._graph = graph
        self._variances = variances
        self._visits_fn = visits_fn
        self._shares = shares

    @property
    def claims(self) -> Sequence[Claim]:
        return self._graph.claims

    @property
    def index(self) -> Mapping[str, int]:
        return self._graph.index

    @cached_property
    def gains(self) -> FloatArray:
        gains = np.where(np.isnan(self._variances), 0.0, self._variances) * self._graph.shift()
        return gains if self._shares is None else gains * self._shares

    @cached_property
    def result(self) -> Propagation:
        return Propagator(only_askable=True)(self._graph.whole())

    @cached_property
    def variances(self) -> Mapping[str, float]:
        rows = np.flatnonzero(~np.isnan(self._variances)).tolist()
        return {self.claims[row].id: float(self._variances[row]) for row in rows}

    @cached_property
    def visits(self) -> Mapping[str, int]:
        return self._visits_fn()

    def rivals(self, row: int) -> IntArray:
        return self._graph.rivals(row)

    def bare_roots(self) -> list[int]:
        return self._graph.bare_roots()

    def among(self, kept: Mask) -> Frontier:
        return _Seen(self._graph, np.where(kept, self._variances, np.nan), self._visits_fn, self._shares)

    def beside(self, held: Collection[str]) -> Frontier:
        rows = [self.index[claim] for claim in held]
        variances = self._variances.copy()
        variances[rows] = np.nan

        def visits() -> Mapping[str, int]:
            return {**self.visits, **{claim: self.visits.get(claim, 0) + 1 for claim in held}}

        return _Seen(self._graph, variances, visits, self._graph.gain_shares(rows))

    def unshared(self) -> Frontier:
        return _Seen(self._graph, self._variances, self._visits_fn)
