"""Who did what and when, in one list: answers with flags, what was taken back, labels that were set, what was decided
about flags, answers that were dismissed, and pauses.

Of pauses only those that still hold are in the store, and not who began them. Not here: comparisons of arguments.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from heapq import merge
from itertools import islice
from typing import Any, Literal

from sqlalchemy import false, or_, select, tuple_
from sqlalchemy.orm import aliased
from sqlmodel import Session, col

from store.columns import column
from store.dismissals import NONE
from store.flags import FlagKind
from store.roles import require
from store.tables import Answer, Claim, Dismissal, Flag, Override, Quantity, Question, Rater, Resolution, Retraction

Deed = Literal[
    "answered", "took_back", "overrode", "lifted", "queued_again", "set_aside", "dismissed", "reinstated", "paused"
]
"""What somebody did; "overrode" and "lifted" an override, "queued_again" and "set_aside" a question that was flagged,
"dismissed" and "reinstated" a rater's answers.
"""

Older = Mapping[str, tuple[Any, ...] | None]
"""Where a page of the list ended: of each kind of event what the next page begins below, in the order of its rows; None
where there is no more of it.
"""


@dataclass(frozen=True)
class Event:
    """One thing that somebody did."""

    at: datetime
    rater: str | None  # name of who did it; None: the store's checks, or whoever has the store itself
    deed: Deed
    text: str  # of the claim or quantity; "" where it is about a rater
    claim: str | None  # key; None: it is about a quantity or a rater
    answer: int | None  # id of the answer given or taken back
    kind: str | None  # of that answer
    prob: float | None  # stated, or set by an override
    number: tuple[float, float] | None  # stated, and its error
    note: str  # or the reason
    source: str = ""  # a link, of an answer
    reason: str | None = None  # why a rater could not say
    flag: FlagKind | None = None  # what they found wrong with the question
    unit: str = ""  # of the number
    whom: str | None = None  # name of the rater who was paused, or whose answers were dismissed or reinstated
    is_gold: bool = False  # an answer to a gold question


@dataclass(frozen=True)
class Page:
    """A part of the list, the newest event first."""

    events: tuple[Event, ...]
    older: Older | None  # for the next page; None: there is nothing older


@dataclass(frozen=True)
class _Kind:
    """How one kind of event is read: the first thing in a row is of the kind's own table."""

    query: Any  # of all of its rows
    make: Callable[..., Event]
    order: Sequence[Any]  # columns of that table, which rise with time and differ from row to row
    raters: Sequence[Any]  # columns of the names of whom it concerns
    has_claim: bool = True


def history(
    session: Session,
    by: Rater | None,
    limit: int = 100,
    *,
    rater: str | None = None,
    claim: str | None = None,
    older: Older | None = None,
) -> Page:
    """Returns what was done, the newest first.

    Args:
        session: of the store.
        by: a reviewer or administrator; None stands for whoever has the store itself.
        limit: how much of it, at most.
        rater: only what somebody of this name did, or what was done about them.
        claim: only what is about the claim of this key.
        older: of the page before; what came in meanwhile moves nothing from one page to another.

    Raises:
        NotAllowedError: by is neither, or paused.
    """
    require(by, "reviewer")
    begun = older or {}
    streams = {
        name: [
            (name, kind.make(*row), tuple(getattr(row[0], one.key) for one in kind.order))
            for row in session.execute(_part(kind, rater, claim, begun.get(name)).limit(limit + 1))
        ]
        for name, kind in _kinds().items()
        if begun.get(name, ()) is not None
    }
    found = list(islice(merge(*streams.values(), key=lambda one: one[1].at, reverse=True), limit + 1))
    ends: dict[str, tuple[Any, ...] | None] = {
        name: _above(rows[0][2]) if rows else None for name, rows in streams.items()
    }
    ends |= {name: at for name, _, at in found[:limit]}  # the last of each kind
    return Page(tuple(event for _, event, _ in found[:limit]), {**begun, **ends} if len(found) > limit else None)


def names(session: Session, by: Rater | None) -> list[str]:
    """Returns the names by which `history` can be asked for what somebody did, in order. Raises NotAllowedError too."""
    require(by, "reviewer")
    return list(session.scalars(select(col(Rater.name)).order_by(col(Rater.name))))


def _above(at: tuple[Any, ...]) -> tuple[Any, ...]:
    """Returns what is just above a row: so that one comes which was not shown yet, and nothing newer."""
    return *at[:-1], at[-1] + 1


def _part(kind: _Kind, rater: str | None, claim: str | None, older: tuple[Any, ...] | None) -> Any:
    query = kind.query.order_by(*(one.desc() for one in kind.order))
    if rater is not None:
        query = query.where(or_(*(one == rater for one in kind.raters)))
    if claim is not None:
        query = query.where(col(Claim.key) == claim if kind.has_claim else false())
    return query if older is None else query.where(tuple_(*kind.order) < older)


def _kinds() -> Mapping[str, _Kind]:
    name, of = col(Rater.name), aliased(Rater)
    answers = _with_subject(select(Answer, Rater, Claim, Quantity, column(Flag, "kind")), Answer, Answer)
    taken: Any = select(Retraction, Rater, Claim, Quantity, Answer)
    taken = taken.join(Answer, col(Answer.id) == col(Retraction.answer_id))
    sets: Any = select(Override, Rater, Claim).join(Rater, col(Rater.id) == col(Override.rater_id))
    decided: Any = select(Resolution, Rater, Claim, Quantity)
    decided = decided.join(Question, col(Question.id) == col(Resolution.question_id))
    dismissed: Any = select(Dismissal, Rater, of).outerjoin(Rater, col(Rater.id) == col(Dismissal.by_id))
    return {
        "answer": _Kind(
            answers.outerjoin(Flag, col(Flag.answer_id) == col(Answer.id)), _answered, [col(Answer.id)], [name]
        ),
        "retraction": _Kind(_with_subject(taken, Retraction, Answer), _took_back, [col(Retraction.id)], [name]),
        "override": _Kind(
            sets.join(Claim, col(Claim.id) == col(Override.claim_id)), _overrode, [col(Override.id)], [name]
        ),
        "resolution": _Kind(_with_subject(decided, Resolution, Question), _resolved, [col(Resolution.id)], [name]),
        "dismissal": _Kind(
            dismissed.join(of, col(of.id) == col(Dismissal.rater_id)),
            _dismissed,
            [col(Dismissal.id)],
            [name, of.name],
            has_claim=False,
        ),
        "pause": _Kind(
            select(Rater).where(col(Rater.paused_at).is_not(None)),
            _paused,
            [col(Rater.paused_at), col(Rater.id)],
            [name],
            has_claim=False,
        ),
    }


def _with_subject(query: Any, by: Any, about: Any) -> Any:
    joined = query.outerjoin(Rater, col(Rater.id) == col(by.rater_id))
    joined = joined.outerjoin(Claim, col(Claim.id) == col(about.claim_id))
    return joined.outerjoin(Quantity, col(Quantity.id) == col(about.quantity_id))


def _answered(
    answer: Answer, by: Rater, claim: Claim | None, quantity: Quantity | None, flag: FlagKind | None
) -> Event:
    event = _event("answered", answer.answered_at, by, claim, quantity, answer, answer.note)
    return replace(event, source=answer.source, reason=answer.reason, flag=flag, is_gold=answer.is_gold)


def _took_back(row: Retraction, by: Rater, claim: Claim | None, quantity: Quantity | None, answer: Answer) -> Event:
    return _event("took_back", row.retracted_at, by, claim, quantity, answer, row.reason)


def _overrode(row: Override, by: Rater, claim: Claim) -> Event:
    deed: Deed = "lifted" if row.prob is None else "overrode"
    return replace(_event(deed, row.overridden_at, by, claim, None, None, row.note), prob=row.prob)


def _resolved(row: Resolution, by: Rater | None, claim: Claim | None, quantity: Quantity | None) -> Event:
    return _event(
        "queued_again" if row.back_to_queue else "set_aside", row.resolved_at, by, claim, quantity, None, row.note
    )


def _dismissed(row: Dismissal, by: Rater | None, of: Rater) -> Event:
    deed: Deed = "reinstated" if row.through_id == NONE else "dismissed"
    return replace(_event(deed, row.dismissed_at, by, None, None, None, row.reason), whom=of.name)


def _paused(rater: Rater) -> Event:
    assert rater.paused_at is not None
    return replace(
        _event("paused", rater.paused_at, None, None, None, None, rater.paused_reason or ""), whom=rater.name
    )


def _event(
    deed: Deed,
    at: datetime,
    by: Rater | None,
    claim: Claim | None,
    quantity: Quantity | None,
    answer: Answer | None,
    note: str,
) -> Event:
    about = claim or quantity
    stated = None if answer is None or answer.number is None or answer.sd is None else (answer.number, answer.sd)
    return Event(
        at=at,
        rater=by.name if by else None,
        deed=deed,
        text=about.text if about else "",
        claim=claim.key if claim else None,
        answer=answer.id if answer else None,
        kind=answer.kind if answer else None,
        prob=answer.prob if answer else None,
        number=stated,
        note=note,
        unit=quantity.unit if quantity else "",
    )
