"""Who did what and when: answers, answers taken back and overrides in one list."""

from dataclasses import dataclass, replace
from datetime import datetime
from heapq import merge
from itertools import islice
from typing import Any, Literal

from sqlalchemy import select
from sqlmodel import Session, col

from store.columns import column
from store.tables import Answer, Claim, Flag, Override, Quantity, Rater, Retraction

Deed = Literal["answered", "took_back", "overrode", "lifted"]  # an override, that is


@dataclass(frozen=True)
class Event:
    """One thing that somebody did."""

    at: datetime
    rater: str  # name
    deed: Deed
    text: str  # of the claim or quantity
    claim: str | None  # key; None: it is about a quantity
    answer: int | None  # id of the answer given or taken back
    kind: str | None  # of that answer
    prob: float | None  # stated, or set by an override
    number: tuple[float, float] | None  # stated, and its error
    note: str  # or the reason
    source: str = ""  # a link, of an answer
    reason: str | None = None  # why a rater could not say
    flag: str | None = None  # what they found wrong with the question


def history(session: Session, limit: int = 100, *, rater: str | None = None, claim: str | None = None) -> list[Event]:
    """Returns what was done, the newest first.

    Args:
        limit: how much of it, at most.
        rater: only what somebody of this name did.
        claim: only what is about the claim of this key.
    """
    answered = _with_subject(select(Answer, Rater, Claim, Quantity, column(Flag, "kind")), Answer)
    answered = answered.outerjoin(Flag, col(Flag.answer_id) == col(Answer.id))
    said = _chosen(answered, Answer, rater, claim)
    back: Any = select(Retraction, Rater, Claim, Quantity, Answer).join(
        Answer, col(Answer.id) == col(Retraction.answer_id)
    )
    taken = _chosen(_with_subject(back, Retraction, Answer), Retraction, rater, claim)
    sets: Any = select(Override, Rater, Claim).join(Rater, col(Rater.id) == col(Override.rater_id))
    overrides = _chosen(sets.join(Claim, col(Claim.id) == col(Override.claim_id)), Override, rater, claim)
    events = (
        [_answered(*row) for row in session.execute(said.limit(limit))],
        [_took_back(*row) for row in session.execute(taken.limit(limit))],
        [_overrode(*row) for row in session.execute(overrides.limit(limit))],
    )
    return list(islice(merge(*events, key=lambda event: event.at, reverse=True), limit))


def _with_subject(query: Any, by: type[Answer] | type[Retraction], about: type[Answer] = Answer) -> Any:
    joined = query.join(Rater, col(Rater.id) == col(by.rater_id))
    joined = joined.outerjoin(Claim, col(Claim.id) == col(about.claim_id))
    return joined.outerjoin(Quantity, col(Quantity.id) == col(about.quantity_id))


def _chosen(query: Any, table: Any, rater: str | None, claim: str | None) -> Any:
    if rater is not None:
        query = query.where(col(Rater.name) == rater)
    if claim is not None:
        query = query.where(col(Claim.key) == claim)
    return query.order_by(table.id.desc())


def _answered(answer: Answer, by: Rater, claim: Claim | None, quantity: Quantity | None, flag: str | None) -> Event:
    event = _event("answered", answer.answered_at, by, claim, quantity, answer, answer.note)
    return replace(event, source=answer.source, reason=answer.reason, flag=flag)


def _took_back(row: Retraction, by: Rater, claim: Claim | None, quantity: Quantity | None, answer: Answer) -> Event:
    return _event("took_back", row.retracted_at, by, claim, quantity, answer, row.reason)


def _overrode(row: Override, by: Rater, claim: Claim) -> Event:
    deed: Deed = "lifted" if row.prob is None else "overrode"
    return Event(row.overridden_at, by.name, deed, claim.text, claim.key, None, None, row.prob, None, row.note)


def _event(
    deed: Deed, at: datetime, by: Rater, claim: Claim | None, quantity: Quantity | None, answer: Answer, note: str
) -> Event:
    about = claim or quantity
    assert about is not None
    number = None if answer.number is None or answer.sd is None else (answer.number, answer.sd)
    key = claim.key if claim else None
    return Event(at, by.name, deed, about.text, key, answer.id, answer.kind, answer.prob, number, note)
