"""Answers that no longer count, because their rater turned out to be no good; they stay in the record."""

from datetime import datetime

from sqlmodel import Session, col, func, select

from store.answers import label_of
from store.outbox import note_label
from store.places import lock_question, settle
from store.tables import Answer, Dismissal, Rater

NONE = -1
"""In place of the newest answer's id: all answers count again."""


def dismiss(session: Session, rater: Rater, reason: str, by: Rater | None, now: datetime) -> None:
    """Lets none of a rater's answers, and comparisons, up to now count; the caller's scope commits.

    Their questions have a place again. Who may do that is asked in `store.roles`.
    """
    newest = session.exec(select(func.max(Answer.id))).one() or 0
    _append(session, rater, newest, reason, by, now)


def reinstate(session: Session, rater: Rater, reason: str, by: Rater | None, now: datetime) -> None:
    """Lets all of a rater's answers count again; the caller's scope commits."""
    _append(session, rater, NONE, reason, by, now)


def is_dismissed(session: Session, rater: Rater) -> bool:
    """Says whether some of a rater's answers, or comparisons, are dismissed."""
    newest = select(Dismissal.through_id).where(Dismissal.rater_id == rater.id).order_by(col(Dismissal.id).desc())
    return session.exec(newest.limit(1)).first() not in (None, NONE)


def dismissed_raters(session: Session) -> set[int]:
    """Returns the ids of the raters of whom some answers are dismissed."""
    newest = select(func.max(Dismissal.id)).group_by(col(Dismissal.rater_id))
    return set(
        session.exec(select(Dismissal.rater_id).where(col(Dismissal.id).in_(newest), Dismissal.through_id != NONE))
    )


def _append(session: Session, rater: Rater, through: int, reason: str, by: Rater | None, now: datetime) -> None:
    assert rater.id is not None
    by_id = None if by is None else by.id
    session.add(Dismissal(rater_id=rater.id, through_id=through, by_id=by_id, reason=reason, dismissed_at=now))
    session.flush()
    answered = select(Answer.question_id).where(Answer.rater_id == rater.id).distinct()
    for question_id in sorted(session.exec(answered)):  # in the order of ids, so that two such acts don't cross
        question = lock_question(session, question_id)
        if question is not None and question.status != "withdrawn":
            settle(session, question, now)
        elif question is not None and question.claim_id is not None:
            note_label(session, question.claim_id, label_of(session, question.claim_id), now)
