"""Figures that take a propagation or a count, kept as long as they are right."""

import time
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from threading import Lock

from sqlalchemy import Engine
from sqlmodel import Session, SQLModel, col, func, select

from argtree.errors import ArgtreeError
from argtree.graph import ArgumentGraph
from argtree.propagate import Propagation
from oracle_ui.api.schemas import Stats
from oracle_ui.patience import propagate_soon
from oracle_ui.reading import mark_of
from store.database import read_scope
from store.errors import StoreError
from store.graphs import load_graph
from store.places import IS_OPEN
from store.queue import MOST_COUNTED
from store.tables import Answer, Argument, Claim, Lease, Question, Rater, Root

STATS_SECONDS = 5.0
"""Counting all answers takes longer the more there are: so it is not done more often."""

_KEPT = 4  # propagations


@dataclass(frozen=True)
class Known:
    """The graph of the store, and what follows from it."""

    mark: tuple[int, ...]
    result: Propagation | None
    trouble: str | None  # why there is no result

    def posterior(self, key: str) -> float | None:
        """Returns the probability of a claim, None where it is not known."""
        row = None if self.result is None else self.result.graph.index.get(key)
        # Rounding may leave [0, 1].
        return None if self.result is None or row is None else min(max(float(self.result.prob[row]), 0.0), 1.0)


class Figures:
    """What one server works out only once for all its clients."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._propagating, self._looking, self._counting = Lock(), Lock(), Lock()
        self._propagate_fn = lru_cache(_KEPT)(propagate_soon)  # a graph is compared with its evidence
        self._known: Known | None = None
        self._stats: tuple[float, Stats] | None = None  # and the clock's time

    def propagated(self, graph: ArgumentGraph) -> Propagation:
        """Returns what follows from a graph. Raises ArgtreeError."""
        with self._propagating:
            return self._propagate_fn(graph)

    def known(self) -> Known:
        """Returns what follows from the store as it is now, worked out anew when something came in."""
        with self._looking:
            with read_scope(self._engine) as session:
                mark = mark_of(session)
                if self._known is not None and self._known.mark == mark:
                    return self._known
                graph = load_graph(session)
            try:
                self._known = Known(mark, self.propagated(graph), None)
            except StoreError:
                raise
            except ArgtreeError as exc:  # too entangled, or answers that exclude one another
                self._known = Known(mark, None, str(exc))
            return self._known

    def stats(self, now: datetime) -> Stats:
        """Returns how many there are of what, as of the last few seconds."""
        with self._counting:
            if self._stats is None or time.monotonic() - self._stats[0] >= STATS_SECONDS:
                with read_scope(self._engine) as session:
                    self._stats = (time.monotonic(), _count(session, now))
            return self._stats[1]


def _count(session: Session, now: datetime) -> Stats:
    some = select(Question.id).where(IS_OPEN).limit(MOST_COUNTED).subquery()
    answers, claims, arguments, roots, raters = (_rows(session, one) for one in (Answer, Claim, Argument, Root, Rater))
    return Stats(
        at=now,
        open_questions=session.exec(select(func.count()).select_from(some)).one(),
        leased_questions=session.exec(
            select(func.count(func.distinct(Lease.question_id))).where(Lease.expires_at > now)
        ).one(),
        answers=answers,
        claims=claims,
        arguments=arguments,
        roots=roots,
        raters=raters,
        paused_raters=session.exec(select(func.count()).where(col(Rater.paused_at).is_not(None))).one(),
    )


def _rows(session: Session, table: type[SQLModel]) -> int:
    return session.exec(select(func.count()).select_from(table)).one()
