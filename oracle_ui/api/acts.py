"""What a program does in the store: the same functions as the page's (`oracle_ui.sitting`), on an engine that is open.

Propagation happens outside of transactions. What an answer did to the roots is not said: a program asks for the roots.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Engine
from sqlmodel import Session, col, func, select

from argtree.errors import ArgtreeError
from oracle_ui import sitting
from oracle_ui.api.problems import BUSY, UnfitAnswerError
from oracle_ui.sitting import PropagateFn, Said
from oracle_ui.view import see_number
from store import queue
from store.answers import is_standing, label_of
from store.claims import known
from store.database import read_scope, session_scope
from store.drafts import Typed, load_draft
from store.errors import StoreError
from store.graphs import load_graph
from store.leases import lease_on
from store.queue import LeasedQuestion
from store.raters import find_rater
from store.tables import Answer, Claim, Quantity, Root
from store.texts import is_storable

NowFn = Callable[[], datetime]


@dataclass(frozen=True)
class Asked:
    """A question that a rater holds."""

    leased: LeasedQuestion
    unit: str | None  # None: it is about a claim
    typed: Typed | None  # of a draft


@dataclass(frozen=True)
class Judged:
    """What people said of a claim."""

    text: str
    label: float | None  # P(claim); None: nobody said anything
    answers: int  # that say something and count
    prob_when_asked: float | None  # posterior, where the rater is just being asked about it; else None


def ask(engine: Engine, name: str, now: datetime) -> Asked | None:
    """Returns the question that the rater now holds, None if nothing is left. Raises as `queue.next_question`."""
    with session_scope(engine) as session:
        rater = find_rater(session, name)
        leased = queue.next_question(session, rater, now)
        if leased is None:
            return None
        unit = session.exec(select(Quantity.unit).where(Quantity.key == leased.quantity)).first()
        return Asked(leased, unit, load_draft(session, rater, leased.question_id))


def answer(
    engine: Engine, name: str, token: str, said: Said, now_fn: NowFn, propagate_fn: PropagateFn
) -> tuple[Answer, str | None]:
    """Returns the stored answer, and a sentence where the queue could not be ranked anew.

    Raises:
        UnfitAnswerError: the kind of answer does not go with the question; nothing is stored.
        StoreError, DoubtfulNumberError: as `sitting.answer`; nothing is stored.
    """
    if said.number is not None:
        _look_twice(engine, name, token, said)
    try:
        with session_scope(engine) as session:
            _, stored = sitting.hand_in(session, token, find_rater(session, name), said, now_fn())
    except StoreError:
        raise
    except ValueError as exc:
        raise UnfitAnswerError(str(exc)) from exc
    try:
        sitting.rank_anew(engine, now_fn(), propagate_fn)
    except StoreError:
        return stored, BUSY
    except ArgtreeError as exc:
        return stored, str(exc)
    return stored, None


def release(engine: Engine, token: str) -> None:
    """Gives a question back to the queue. Raises StoreError."""
    with session_scope(engine) as session:
        queue.release(session, token)


def look_at_claim(engine: Engine, name: str, key: str) -> Judged | None:
    """Returns what people said of a claim, None if there is none of that key. Raises StoreError.

    Of a claim that the rater is being asked about, or was and may still answer, it says what it was thought to be when
    they were asked, and nothing of others' answers: theirs is to be their own, and a gold question is not to be told
    from others.
    """
    if not is_storable(key):
        return None
    with read_scope(engine) as session:
        claim = session.exec(select(Claim).where(Claim.key == key)).first()
        if claim is None:
            return None
        claim_id = known(claim.id)
        lease = lease_on(session, known(find_rater(session, name).id), claim_id)
        if lease is not None:
            return Judged(claim.text, None, 0, lease.prob)
        return Judged(claim.text, label_of(session, claim_id), _answers(session, claim_id), None)


def list_roots(engine: Engine) -> list[tuple[str, str, float]]:
    """Returns the key, question and weight of each root, oldest first. Raises StoreError."""
    with read_scope(engine) as session:
        query = select(Claim.key, Root.question, Root.weight).where(Root.claim_id == Claim.id).order_by(col(Root.id))
        return list(session.exec(query))


def _answers(session: Session, claim_id: int) -> int:
    said = select(func.count()).where(Answer.claim_id == claim_id, Answer.kind != "cannot_say", is_standing())
    return session.exec(said).one()


def _look_twice(engine: Engine, name: str, token: str, said: Said) -> None:
    """Raises DoubtfulNumberError as the page does."""
    with read_scope(engine) as session:
        leased = queue.held_question(session, token, find_rater(session, name))
        if leased is None or leased.quantity is None:
            return
        graph = load_graph(session)
    sitting.look_twice(see_number(leased, graph, None, {}), said, graph)
