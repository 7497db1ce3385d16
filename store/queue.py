"""The raters' queue: what is asked next, who holds it, and what they said.

Every function that changes something is one act: it commits before it returns, so what it returned is on the disk.
How acts keep out of each other's way is told in `store.places`; what a question is worth is `store.ranking`'s, and
which one a rater gets is `store.leases`'.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, NoReturn, get_args

from sqlalchemy import case, delete
from sqlmodel import Session, col, func, select

from argtree.distributions import FINEST, Measured, check_number, check_positive, measure
from store import gold, trust
from store.claims import known
from store.drafts import Typed, drop_draft, keep
from store.errors import ImpossibleNumberError, LeaseLostError
from store.graphs import load_distribution, measurements
from store.leases import BEST_FIRST, end_lease, lease_of, new_lease, prolonged, question_of, take_gold, take_lease
from store.places import (
    IS_OPEN,
    fulfils,
    has_free_place,
    is_answered_by,
    is_held,
    lock_question,
    lock_rater,
    settle,
)
from store.roles import require_not_paused
from store.sources import checked_source
from store.tables import Answer, Claim, Lease, Quantity, Question, Rater
from store.texts import storable

AnswerKind = Literal["yes", "no", "probability", "number", "cannot_say"]
Reason = Literal["unknown", "unclear", "too_long"]
"""Why a rater can't say: they don't know, the question is unclear, or it would take them too long."""

LEASE_SECONDS = 300.0
MOST_COUNTED = 10_000
"""Open questions are counted up to here."""


@dataclass(frozen=True)
class LeasedQuestion:
    """A question that a rater holds."""

    question_id: int
    claim: str | None  # key: the claim's id in the graph; None: the question is about a quantity
    text: str
    value: float  # of information from this rater, when it was asked
    prob: float | None  # posterior of the claim, when it was asked
    token: str  # to release it or answer with
    expires_at: datetime
    quantity: str | None = None  # key: the quantity's id in the graph
    is_gold: bool = False  # not for the rater's eyes


@dataclass(frozen=True)
class OpenQuestion:
    """A question that waits for an answer."""

    question_id: int
    claim: str | None  # None: the question is about a quantity
    text: str
    value: float
    prob: float | None
    leased: bool  # somebody is looking at it
    quantity: str | None = None


def next_question(
    session: Session,
    rater: Rater,
    now: datetime,
    lease_seconds: float = LEASE_SECONDS,
    *,
    gold_share: float | None = None,
) -> LeasedQuestion | None:
    """Returns the question that the rater now holds, None if nothing is left to ask them. Commits.

    It is the one that they hold already, its lease prolonged, or else the one worth most when they answer it (EVSI) of
    the open questions that have a free place and that they have not answered or passed on. Answers and leases together
    never take more places than there are, and a lease's place is free again at the moment at which the lease ends.

    Args:
        session: of the store.
        rater: who asks.
        now: the time.
        lease_seconds: for how long they hold it.
        gold_share: how often it is a gold question, in [0, 1], if there is one; as `gold.share` says by default.

    Raises:
        PausedError: an administrator has paused the rater, for the reason that it gives.
    """
    rater_id, expires_at = known(rater.id), now + timedelta(seconds=lease_seconds)
    lock_rater(session, rater_id)
    require_not_paused(session, rater)
    lease = prolonged(session, rater_id, now, expires_at)
    if lease is None:
        lease = take_lease(session, rater_id, now, expires_at)
        if lease is not None:  # so that an empty queue looks empty
            is_due = gold.is_due(gold.share(session, rater) if gold_share is None else gold_share)
            lease = (take_gold(session, rater_id, now, expires_at) if is_due else None) or lease
    leased = _described(session, lease) if lease is not None else None
    session.commit()
    return leased


def release(session: Session, token: str) -> None:
    """Gives a question back to the queue; a lease that is gone already is no error. Commits.

    A gold question waits for its rater, as the best question would: to ask again must not show which it was.
    """
    lease = lease_of(session, token)
    if lease is not None and lease.is_gold:
        end_lease(lease)
        session.add(lease)
    else:
        session.exec(delete(Lease).where(col(Lease.token) == token))
    session.commit()


def submit_answer(
    session: Session,
    token: str,
    rater: Rater,
    kind: AnswerKind,
    prob: float | None,
    now: datetime,
    note: str = "",
    number: tuple[float, float] | None = None,
    *,
    source: str = "",
    reason: Reason | None = None,
) -> Answer:
    """Returns the stored answer to the leased question. Commits: once this returns, the answer is on the disk.

    The same token stores one answer however often it is submitted; later calls return the first one. "cannot_say"
    takes no place and leaves the question open for others; with every other kind it is closed once as many raters have
    answered as it wants. What the answer tells of its rater is taken in, and who turns out to be no good is paused.

    Args:
        token: the lease's. It may have run out, as long as there still is a place in the question.
        prob: P(claim is true) for the kind "probability", else None.
        number: for the kind "number", which is the one for a question about a quantity, the number in the quantity's
            unit and the standard deviation of its error; else None.
        source: a link to where the rater found it; "" for none.
        reason: for the kind "cannot_say", why, if they said; else None.

    Raises:
        LeaseLostError: others took all places, or the question was released. What was said is kept as a draft.
        ImpossibleNumberError: the quantity's distribution rules the number out. Nothing is stored.
        SourceError: the source is no link. Nothing is stored.
        ValueError: an unknown kind or reason, or one that does not go with the question, the prob or the number.
    """
    answer, is_new = accept_answer(session, token, rater, Typed(kind, prob, number, note, source), now, reason)
    session.commit()
    if is_new:
        trust.check(session, answer.rater_id, now)
    return answer


def accept_answer(
    session: Session, token: str, rater: Rater, said: Typed, now: datetime, reason: Reason | None = None
) -> tuple[Answer, bool]:
    """Does as `submit_answer`, leaves the commit to the caller, and says besides whether the answer is a new one."""
    _check_reason(said.kind, reason)
    kind = _checked_kind(said.kind)
    stated, measured = _stated_prob(kind, said.prob), _stated_number(kind, said.number)
    link = checked_source(said.source)
    rater_id = known(rater.id)
    lock_rater(session, rater_id)  # before a question, as whoever pauses the rater does
    held = lease_of(session, token)
    question_id = question_of(token) if held is None else held.question_id
    question = lock_question(session, question_id) if question_id is not None else None
    there = session.exec(select(Answer).where(Answer.token == token)).first()  # of two submissions one sees the other's
    if there is not None and there.rater_id == rater_id:
        return there, False
    lease = lease_of(session, token)  # again, now that nobody can take it
    if question is None or lease is None or not _may_answer(session, question, lease, rater_id, kind, now):
        _refuse_late(session, question, rater_id, said, now)
    _refuse_unfit(session, question, kind, measured)
    answer = Answer(
        question_id=known(question.id),
        claim_id=question.claim_id,
        quantity_id=question.quantity_id,
        rater_id=rater_id,
        kind=kind,
        prob=stated,
        number=measured[0] if measured else None,
        sd=measured[1] if measured else None,
        note=storable(said.note),
        answered_at=now,
        generation=lease.generation,
        prob_before=lease.prob,
        value_when_asked=lease.value,
        token=token,
        source=link,
        reason=reason,
        seconds=None if lease.shown_at is None else max(0.0, (now - lease.shown_at).total_seconds()),
        is_gold=lease.is_gold,
    )
    session.add(answer)
    trust.hear(session, rater_id, answer, now)
    settle(session, question, now)
    drop_draft(session, rater_id, known(question.id))
    session.exec(delete(Lease).where(col(Lease.token) == token))
    return answer, True


def open_questions(session: Session, now: datetime, limit: int = 20) -> list[OpenQuestion]:
    """Returns the open questions, most valuable first."""
    query = (
        select(Question, Claim, Quantity, is_held(now))
        .outerjoin(Claim, col(Claim.id) == col(Question.claim_id))
        .outerjoin(Quantity, col(Quantity.id) == col(Question.quantity_id))
        .where(IS_OPEN)
        .order_by(*BEST_FIRST)
        .limit(limit)
        .execution_options(populate_existing=True)
    )
    return [
        OpenQuestion(
            question_id=known(question.id),
            claim=claim.key if claim else None,
            text=(claim or quantity).text,
            value=question.value,
            prob=question.prob,
            leased=bool(leased),
            quantity=quantity.key if quantity else None,
        )
        for question, claim, quantity, leased in session.exec(query)
    ]


def best_value(session: Session) -> float:
    """Returns what the best open question about a claim is worth, as last ranked; 0 where none is open."""
    query = select(Question.value).where(IS_OPEN, col(Question.claim_id).is_not(None)).order_by(*BEST_FIRST).limit(1)
    return session.exec(query).first() or 0.0


def closed_to(session: Session, rater: Rater) -> tuple[int, int]:
    """Returns how many open questions others are looking at, and how many the rater has answered or passed on.

    For a rater to whom nothing is left to ask; counted up to some thousands.
    """
    passed = case((is_answered_by(known(rater.id)), 1), else_=0).label("passed")
    some = select(passed).select_from(Question).where(IS_OPEN).order_by(*BEST_FIRST).limit(MOST_COUNTED).subquery()
    count, own = session.execute(
        select(func.count(), func.coalesce(func.sum(some.c.passed), 0)).select_from(some)
    ).one()
    return count - own, own


def lease_again(session: Session, answer: Answer, question: Question, now: datetime) -> LeasedQuestion | None:
    """Returns a locked question as held by the rater of an answer, in place of what they hold.

    None if it has no place for them; a gold question always has.
    """
    rater_id, expires_at = answer.rater_id, now + timedelta(seconds=LEASE_SECONDS)
    fits = [~is_answered_by(rater_id)]
    if not answer.is_gold:
        fits += [IS_OPEN, has_free_place(rater_id, now)]
    if not fulfils(session, question, *fits):
        return None
    asked = gold.Gold(question, answer.value_when_asked, answer.prob_before) if answer.is_gold else None
    return _described(session, new_lease(session, rater_id, question, answer.value_when_asked, now, expires_at, asked))


def held_question(session: Session, token: str, rater: Rater) -> LeasedQuestion | None:
    """Returns the question that the rater holds by this token, None if they don't."""
    lease = lease_of(session, token)
    return _described(session, lease) if lease is not None and lease.rater_id == rater.id else None


def _may_answer(
    session: Session, question: Question, lease: Lease, rater_id: int, kind: AnswerKind, now: datetime
) -> bool:
    if lease.rater_id != rater_id or fulfils(session, question, is_answered_by(rater_id)):
        return False
    return kind == "cannot_say" or lease.is_gold or fulfils(session, question, has_free_place(rater_id, now))


def _refuse_late(session: Session, question: Question | None, rater_id: int, typed: Typed, now: datetime) -> NoReturn:
    """Keeps what was typed, if it is known about what, and says so."""
    if question is None:
        session.commit()
        raise LeaseLostError("This question went back to the queue before the answer came, so it was not stored.")
    keep(session, rater_id, known(question.id), typed, now)
    session.commit()
    raise LeaseLostError(
        "This question went back to the queue before the answer came, so it was not stored: what you said is kept as a "
        "draft, in case it comes up again."
    )


def _refuse_unfit(session: Session, question: Question, kind: AnswerKind, measured: tuple[float, float] | None) -> None:
    """Raises ValueError for a kind that does not go with the question, ImpossibleNumberError as submit_answer says."""
    if kind != "cannot_say" and (kind == "number") != (question.quantity_id is not None):
        raise ValueError(f"An answer {kind!r} does not go with this question.")
    if question.quantity_id is None or measured is None:
        return
    quantity = session.exec(select(Quantity).where(Quantity.id == question.quantity_id)).one()
    before = [(value, sd) for _, value, sd in measurements(session, quantity_id=question.quantity_id)]
    belief = measure(load_distribution(quantity), [*before, measured])
    if isinstance(belief, Measured) and not belief.total > 0:  # nothing could be propagated any more
        raise ImpossibleNumberError(
            f"What is known of this quantity rules out {measured[0]:g} give or take {measured[1]:g}, so it was not "
            "stored: allow for a larger error, or say that you can't say."
        )


def _described(session: Session, lease: Lease) -> LeasedQuestion:
    query = (
        select(Claim, Quantity)
        .select_from(Question)
        .outerjoin(Claim, col(Claim.id) == col(Question.claim_id))
        .outerjoin(Quantity, col(Quantity.id) == col(Question.quantity_id))
        .where(Question.id == lease.question_id)
    )
    claim, quantity = session.exec(query).one()
    return LeasedQuestion(
        question_id=lease.question_id,
        claim=claim.key if claim else None,
        text=(claim or quantity).text,
        value=lease.value,
        prob=lease.prob,
        token=lease.token,
        expires_at=lease.expires_at,
        quantity=quantity.key if quantity else None,
        is_gold=lease.is_gold,
    )


def _check_reason(kind: str | None, reason: Reason | None) -> None:
    if reason is not None and (kind != "cannot_say" or reason not in get_args(Reason)):
        raise ValueError(f"An answer {kind!r} does not go with the reason {reason!r}.")


def _checked_kind(kind: str | None) -> AnswerKind:
    kinds: tuple[AnswerKind, ...] = get_args(AnswerKind)
    if kind not in kinds:
        raise ValueError(f"kind must be one of {', '.join(kinds)}, got {kind!r}.")
    return kinds[kinds.index(kind)]


def _stated_prob(kind: AnswerKind, prob: float | None) -> float | None:
    if kind == "probability":
        if prob is None or not 0 <= prob <= 1:  # NaN too
            raise ValueError(f"A probability must be a number in [0, 1], got {prob!r}.")
        return float(prob)
    if prob is not None:
        raise ValueError(f"An answer {kind!r} has no probability of its own, got {prob!r}.")
    return {"yes": 1.0, "no": 0.0, "cannot_say": None, "number": None}[kind]


def _stated_number(kind: AnswerKind, number: tuple[float, float] | None) -> tuple[float, float] | None:
    if (kind == "number") != (number is not None):
        raise ValueError(f"An answer {kind!r} came with the number {number!r}.")
    if number is None:
        return None
    value, sd = number
    check_number("the number", value)
    check_positive("its error", sd)
    return float(value), max(float(sd), FINEST * abs(float(value)))
