"""What would follow from the next answer, worked out while its rater still reads, so that the answer finds it done.

One thread of the server's propagates the graph as it would be after a yes and after a no to the question that a rater
holds, through the function that the answer itself will use, whose results are kept. It only reads the store, drops what
the store has moved on from, and ends with the process. Not here: keeping results (`shared.propagated`).
"""

import logging
from collections.abc import Callable
from threading import Condition, Thread
from typing import NamedTuple

from sqlmodel import Session, select

from argtree.errors import ArgtreeError
from argtree.graph import ArgumentGraph
from oracle_ui.reading import opened
from oracle_ui.sitting import with_gold_answer, without_answers
from store.claims import known
from store.database import read_scope
from store.graphs import load_graph, with_answer
from store.leases import question_of
from store.ranking import watermark
from store.raters import find_rater
from store.reliabilities import reliability_of
from store.tables import Claim, Lease, Question

_LOG = logging.getLogger(__name__)


class _Wanted(NamedTuple):
    """A question that a rater holds."""

    url: str
    name: str  # of the rater
    token: str  # of the lease


class Foresight:
    """Works ahead for all raters of a server, for whoever came last first."""

    def __init__(self, propagate_fn: Callable[[ArgumentGraph], object]) -> None:
        """Takes what propagates a graph, and keeps the result for whoever propagates the same one later."""
        self._propagate_fn = propagate_fn
        self._changed = Condition()
        self._wanted: dict[str, _Wanted] = {}  # by rater
        self._done: dict[str, tuple[str, tuple[int, ...]]] = {}  # by rater: token, and the store's state then
        self._is_busy = False
        self._thread: Thread | None = None

    def look_ahead(self, url: str, name: str, token: str) -> None:
        """Has both answers to the question that this rater holds worked out, in place of those to their last one."""
        with self._changed:
            self._wanted.pop(name, None)  # so that it comes last
            self._wanted[name] = _Wanted(url, name, token)
            if self._thread is None:
                self._thread = Thread(target=self._work, name="foresight", daemon=True)
                self._thread.start()
            self._changed.notify_all()

    def wait(self, seconds: float) -> bool:
        """Says whether all that was asked for is done, or dropped, after waiting so long at most."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._wanted and not self._is_busy, seconds)

    def _work(self) -> None:
        while True:
            with self._changed:
                self._is_busy = False
                self._changed.notify_all()
                self._changed.wait_for(lambda: self._wanted)
                _, wanted = self._wanted.popitem()
                self._is_busy = True
            try:
                self._foresee(wanted)
            except ArgtreeError:
                pass  # whoever answers meets the same, and is told
            except Exception:
                _LOG.exception("What would follow from an answer could not be worked out ahead.")

    def _foresee(self, wanted: _Wanted) -> None:
        with opened(wanted.url) as engine:
            with read_scope(engine) as session:
                mark = watermark(session)
                if self._done.get(wanted.name) == (wanted.token, mark):
                    return
                self._done[wanted.name] = (wanted.token, mark)
                graphs = _graphs_after(session, wanted)
            for graph in graphs:
                with read_scope(engine) as session:
                    next_one = self._wanted.get(wanted.name, wanted)
                    if watermark(session) != mark or next_one.token != wanted.token:
                        return
                self._propagate_fn(graph)


def _graphs_after(session: Session, wanted: _Wanted) -> list[ArgumentGraph]:
    """Returns the graph as it would be after a yes and after a no, the likelier first; none about a quantity.

    A gold question's too: it must not be told by how long its answer takes.
    """
    asked = select(Claim.key, Question.prob).where(Claim.id == Question.claim_id)
    found = session.exec(asked.where(Question.id == question_of(wanted.token))).first()
    if found is None:
        return []
    key, prob = found
    rater_id = known(find_rater(session, wanted.name).id)
    graph = load_graph(session)
    answers = sorted((1.0, 0.0), key=lambda said: abs(said - (0.5 if prob is None else prob)))
    if session.exec(select(Lease.is_gold).where(Lease.token == wanted.token)).first():
        bare, reliability = without_answers(session, graph, key), reliability_of(session, rater_id).mean
        return [with_gold_answer(bare, key, said, reliability) for said in answers]
    return [with_answer(session, graph, key, rater_id, said) for said in answers]
