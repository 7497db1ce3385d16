"""Leases: which question a rater gets, and holds for a while. The caller's scope commits.

A rater is asked what is worth most when *they* answer it, which depends on how reliable they are. Now and then they are
asked a gold question in its place (`store.gold`).
"""

import math
import secrets
from collections.abc import Iterator, Sequence
from datetime import datetime
from heapq import heappop, heappush

from sqlalchemy import ColumnElement, delete
from sqlmodel import Session, and_, col, or_, select

from argtree.evidence import Reliability
from argtree.value import most_resolved, share_resolved
from store import gold
from store.claims import known
from store.columns import columns
from store.places import CLOSED, IS_OPEN, fulfils, has_free_place, is_answered_by, lock_question
from store.reliabilities import reliability_of
from store.tables import Belief, Lease, Question

BEST_FIRST = (col(Question.value).desc(), col(Question.id))
"""The order of the queue's index."""

_PAGE = 16  # questions read at first, and then twice as many each time
_MOST_READ = 10_000  # no more are read for a rater; the best of these is asked


def question_of(token: str) -> int | None:
    """Returns the id of the question that a lease's token names, None if the token is none of ours."""
    number = token.partition("-")[0]
    return int(number) if number.isascii() and number.isdigit() and len(number) <= 9 else None


def prolonged(session: Session, rater_id: int, now: datetime, expires_at: datetime) -> Lease | None:
    """Returns the rater's lease, if it is live or on a gold question, to its new end."""
    own = select(Lease).where(Lease.rater_id == rater_id, or_(Lease.expires_at > now, col(Lease.is_gold)))
    held = session.exec(own.execution_options(populate_existing=True)).first()
    if held is None or (question := lock_question(session, held.question_id)) is None:
        return None
    lease = session.exec(own.execution_options(populate_existing=True)).first()  # an answer may have come meanwhile
    if lease is None or not fulfils(session, question, *_still_fits(lease, now)):
        return None
    if lease.expires_at <= now:  # as if it were another one
        lease.token, lease.shown_at = _new_token(lease.question_id), now
    lease.expires_at = expires_at
    session.add(lease)
    return lease


def lease_on(session: Session, rater_id: int, claim_id: int) -> Lease | None:
    """Returns the rater's lease on a claim's question, though it may have ended: it may still be answered."""
    held = select(Lease).join(Question, col(Question.id) == col(Lease.question_id))
    return session.exec(held.where(Question.claim_id == claim_id, Lease.rater_id == rater_id)).first()


def end_lease(lease: Lease) -> None:
    """Ends a lease that stays until its rater asks again; its token is worthless."""
    lease.token, lease.expires_at = _new_token(lease.question_id), lease.shown_at or lease.expires_at


def _new_token(question_id: int) -> str:
    return f"{question_id}-{secrets.token_hex(16)}"  # names the question, which outlives the lease


def _still_fits(lease: Lease, now: datetime) -> tuple[ColumnElement[bool], ...]:
    """Returns what must hold of its question for a lease to be good."""
    if lease.is_gold:
        return (col(Question.status) != "held", ~is_answered_by(lease.rater_id))
    return (col(Question.status).not_in(CLOSED), has_free_place(lease.rater_id, now))


def take_gold(session: Session, rater_id: int, now: datetime, expires_at: datetime) -> Lease | None:
    """Returns a new lease on a gold question, None if there is none for the rater."""
    drawn = gold.draw(session, rater_id)
    return None if drawn is None else new_lease(session, rater_id, drawn.question, drawn.value, now, expires_at, drawn)


def take_lease(session: Session, rater_id: int, now: datetime, expires_at: datetime) -> Lease | None:
    """Returns a new lease on the best question for the rater, None if there is none."""
    fits = (IS_OPEN, ~is_answered_by(rater_id), has_free_place(rater_id, now))
    reliability = reliability_of(session, rater_id).mean
    is_patient = False
    while True:
        are_locked = False
        for question_id, worth in _best_first(session, reliability, *fits):
            with session.begin_nested() as look:  # which lets go of what does not fit: who waits holds no other
                lock = select(Question).where(Question.id == question_id).execution_options(populate_existing=True)
                lock = lock.with_for_update(key_share=True, skip_locked=not is_patient)
                question = session.exec(lock).first()
                if question is not None and fulfils(session, question, *fits):
                    return new_lease(session, rater_id, question, worth, now, expires_at)
                look.rollback()
            are_locked |= question is None
        if not are_locked:
            return None
        # On Postgres only. All that is left was locked, by a ranking or by others' answers, and is worth waiting for.
        is_patient = True


def _best_first(session: Session, reliability: Reliability, *fits: ColumnElement[bool]) -> Iterator[tuple[int, float]]:
    """Gives the ids of questions that fit and what an answer by such a rater is worth (EVSI), the best first.

    What it is worth to a perfect rater, by which the index goes, times the share that this one resolves is at most
    that value times `most_resolved`: whatever beats that for the next one in the index beats all that are still to come
    (Fagin, Lotem and Naor 2003, the threshold algorithm).
    """
    most = most_resolved(reliability)
    found: list[tuple[float, int]] = []  # a heap of (minus worth, id)
    for rows, still_to_come in _pages(session, *fits):
        for question_id, value, prob in rows:
            share = most if prob is None else float(share_resolved(prob, reliability))
            heappush(found, (-value * share, question_id))
        while found and (still_to_come == -math.inf or -found[0][0] >= still_to_come * most):
            worth, question_id = heappop(found)
            yield question_id, -worth


def _pages(
    session: Session, *fits: ColumnElement[bool]
) -> Iterator[tuple[Sequence[tuple[int, float, float | None]], float]]:
    """Gives (id, value, probability) of the questions that fit as the index has them, in pages that grow.

    With each page comes what the next one is worth at most, minus infinity after the last.
    """
    page = columns(Question, "id", "value", "prob").where(*fits).order_by(*BEST_FIRST)
    size, read = _PAGE, 0
    rows = session.execute(page.limit(size)).all()
    while True:
        read += len(rows)
        is_last = len(rows) < size or read >= _MOST_READ
        yield [(row.id, row.value, row.prob) for row in rows], -math.inf if is_last else rows[-1].value
        if is_last:
            return
        size, last = 2 * size, rows[-1]
        same = and_(col(Question.value) == last.value, col(Question.id) > last.id)
        after = page.where(col(Question.value) <= last.value, or_(col(Question.value) < last.value, same))
        rows = session.execute(after.limit(size)).all()


def new_lease(
    session: Session,
    rater_id: int,
    question: Question,
    worth: float,
    now: datetime,
    expires_at: datetime,
    as_gold: gold.Gold | None = None,
) -> Lease:
    session.exec(delete(Lease).where(col(Lease.rater_id) == rater_id))
    lease = Lease(
        rater_id=rater_id,
        question_id=known(question.id),
        token=_new_token(known(question.id)),
        shown_at=now,
        expires_at=expires_at,
        value=worth,
        prob=question.prob if as_gold is None else as_gold.prob,
        generation=_newest_generation(session, question.claim_id),
        is_gold=as_gold is not None,
    )
    session.add(lease)
    session.flush()
    return lease


def lease_of(session: Session, token: str) -> Lease | None:
    return session.exec(select(Lease).where(Lease.token == token).execution_options(populate_existing=True)).first()


def _newest_generation(session: Session, claim_id: int | None) -> str | None:
    newest = select(Belief.generation).where(Belief.claim_id == claim_id)
    return session.exec(newest.order_by(col(Belief.held_at).desc(), col(Belief.id).desc()).limit(1)).first()
