"""The places of a question: it has as many as it wants raters, and an accepted answer or a live lease takes one. A gold
question has been answered already; who is tried by it takes no place.

Whoever gives or takes a place, or closes a question, locks its row first (`lock_question`) and then counts. On SQLite
nobody else writes meanwhile; elsewhere a lock keeps them out, and what they did before is seen because a statement
after the lock sees all that was committed by then.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, literal_column
from sqlmodel import Session, col, exists, func, select

from argtree.evidence import Reliability, label_prob, product_likelihood
from store.answers import is_standing, is_taken_back, override_likelihood, override_of
from store.claims import known
from store.holding import must_be_held
from store.outbox import note_label
from store.policy import raters_wanted
from store.reliabilities import reliabilities
from store.tables import Answer, Lease, Override, Question, Rater

IS_OPEN: ColumnElement[bool] = col(Question.status) == literal_column("'open'")
"""Spelt out, not bound: SQLite takes a partial index only for a condition that it can read."""

CLOSED = ("answered", "held")
"""The states of a question that nobody is asked and that a ranking leaves as they are."""


def lock_question(session: Session, question_id: int) -> Question | None:
    """Returns the question as it stands now, which stands still until the transaction ends; None if there is none."""
    query = select(Question).where(Question.id == question_id).with_for_update(key_share=True)
    return session.exec(query.execution_options(populate_existing=True)).first()


def lock_rater(session: Session, rater_id: int) -> None:
    """Lets one act of a rater's happen at a time, so that two pages of theirs show one question."""
    session.exec(select(Rater.id).where(Rater.id == rater_id).with_for_update(key_share=True)).one()


def has_free_place(rater_id: int, now: datetime) -> ColumnElement[bool]:
    """Returns the condition that a question has a place that neither an answer nor another rater's lease takes."""
    return _count(_accepted()) + _count(_held_by_others(rater_id, now)) < col(Question.wanted)


def is_answered_by(rater_id: int) -> ColumnElement[bool]:
    """Returns the condition that the rater has answered a question, or passed on it: dismissed answers come back."""
    # A count, since Postgres might read all of the rater's answers for an EXISTS.
    own = select(func.count()).where(Answer.rater_id == rater_id, ~is_taken_back())
    return _count(own.where(Answer.question_id == Question.id)) > 0


def is_held(now: datetime) -> ColumnElement[bool]:
    """Returns the condition that somebody is looking at a question."""
    return exists().where(col(Lease.question_id) == col(Question.id), col(Lease.expires_at) > now).correlate(Question)


def fulfils(session: Session, question: Question, *conditions: ColumnElement[bool]) -> bool:
    """Says whether a locked question meets such conditions, by all that is committed."""
    return session.exec(select(Question.id).where(Question.id == question.id, *conditions)).first() is not None


def settle(session: Session, question: Question, now: datetime) -> None:
    """Closes, holds or reopens a locked question after something came or went that was said about it.

    It wants more raters where they disagree.
    """
    session.flush()
    accepted = select(Answer).where(Answer.question_id == question.id, Answer.kind != "cannot_say", is_standing())
    answers = session.exec(accepted.order_by(col(Answer.id))).all()
    trusted = reliabilities(session, {answer.rater_id for answer in answers})
    said = [(one.prob, trusted[one.rater_id].mean) for one in answers if one.prob is not None]
    numbers = [(one.number, one.sd) for one in answers if one.number is not None and one.sd is not None]
    question.wanted = raters_wanted(question.wanted, said, numbers)
    override = override_of(session, question.claim_id)
    if must_be_held(session, known(question.id)):
        question.status = "held"
    elif len(answers) >= question.wanted or override is not None:
        question.status = "answered"
    elif question.status in CLOSED:
        question.status = "open"
    session.add(question)
    session.flush()
    if question.claim_id is not None:
        note_label(session, question.claim_id, _label(said, override), now)


def _label(said: Sequence[tuple[float, Reliability]], override: Override | None) -> float | None:
    """Returns the same as `store.answers.label_of`, of what was read already."""
    if override is not None and override.prob is not None:
        return label_prob(*override_likelihood(override.prob))
    return label_prob(*product_likelihood(said)) if said else None


def _accepted() -> Select[Any]:
    said = select(func.count()).where(Answer.question_id == Question.id, Answer.kind != "cannot_say")
    return said.where(is_standing())


def _held_by_others(rater_id: int, now: datetime) -> Select[Any]:
    leases = select(func.count()).where(Lease.question_id == Question.id, col(Lease.expires_at) > now)
    return leases.where(Lease.rater_id != rater_id, ~col(Lease.is_gold))


def _count(query: Select[Any]) -> ColumnElement[int]:
    return query.correlate(Question).scalar_subquery()
