"""The raters' queue: what is asked next, who holds it, and what they said.

Every function that changes something is one act: it commits before it returns, so what it returned is on the disk.
On SQLite the acts exclude one another because `session_scope` begins them with BEGIN IMMEDIATE; elsewhere the rows
that an act decides by are locked (FOR UPDATE, which SQLite's dialect leaves out).
"""

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, Protocol, TypeVar, get_args

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import delete
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, func, or_, select

from argtree.distributions import FINEST, Measured, check_number, check_positive, measure
from argtree.graph import ArgumentGraph
from store.claims import known
from store.errors import ImpossibleNumberError, LeaseLostError
from store.graphs import load_distribution, load_graph, measurements
from store.tables import Answer, Argument, Belief, Claim, Lease, Quantity, Question, Rater, Root
from store.texts import is_storable

AnswerKind = Literal["yes", "no", "probability", "number", "cannot_say"]
LEASE_SECONDS = 300.0
_RANKINGS = 3  # what comes in while this propagates is taken in, but not without end
_WORTHLESS = 1e-12  # a value of information up to this is rounding
_BEST_FIRST = (col(Question.value).desc(), col(Question.claim_id), col(Question.quantity_id))


class Propagated(Protocol):
    """What the queue needs of a propagation; rows are in the order of the graph's claims."""

    @property
    def prob(self) -> NDArray[np.float64]: ...

    def value(self) -> NDArray[np.float64]: ...


PropagatedT = TypeVar("PropagatedT", bound=Propagated)
QuantityWorthsFn = Callable[[ArgumentGraph], Mapping[str, float]]
"""Gives what learning each quantity would be worth, by id, in the measure of `Propagated.value`."""


@dataclass(frozen=True)
class LeasedQuestion:
    """A question that a rater holds."""

    question_id: int
    claim: str | None  # key: the claim's id in the graph; None: the question is about a quantity
    text: str
    value: float  # of information, when it was asked
    prob: float | None  # posterior of the claim, when it was asked
    token: str  # to release it or answer with
    expires_at: datetime
    quantity: str | None = None  # key: the quantity's id in the graph


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


def rerank(
    session: Session,
    propagate_fn: Callable[[ArgumentGraph], PropagatedT],
    now: datetime,
    worths_fn: QuantityWorthsFn | None = None,
) -> PropagatedT:
    """Returns the propagation of the whole store, by which the queue now stands. Commits, also before propagating.

    Open are then the questions about askable, uncertain claims, and about quantities, that are of some value and not
    answered yet. Others are withdrawn, unless somebody is looking at them.

    Args:
        worths_fn: gives the values of quantities; without it questions about them stay as they stand.
    """
    for _ in range(_RANKINGS):
        graph, before = load_graph(session), watermark(session)
        session.commit()  # raters need not wait while this propagates
        result = propagate_fn(graph)
        worths = worths_fn(graph) if worths_fn is not None and graph.quantities else {}
        if watermark(session) == before:
            break  # from here on nobody else writes
    prob, value = np.clip(result.prob, 0.0, 1.0), result.value()  # rounding may leave [0, 1]
    questions = _questions(session)
    answered = {key for key, (question, _) in questions.items() if question.status == "answered"}
    wanted = [key for key in _worth_asking(graph, prob, value) if key not in answered]
    kept = frozenset(wanted)
    ids = dict(session.exec(select(Claim.key, Claim.id)).all())
    for key in wanted:
        if key not in questions:
            new = Question(claim_id=known(ids[key]), value=0, prob=0, opened_at=now, ranked_at=now)
            questions[key] = new, None
    for key, row in graph.index.items():
        if key in answered or key not in questions:
            continue
        question, leased_until = questions[key]
        question.prob = float(prob[row])
        _stand(session, question, float(value[row]), key in kept, leased_until, now)
    if worths_fn is not None:
        _rank_quantities(session, worths, now)
    session.commit()
    return result


def next_question(
    session: Session, rater: Rater, now: datetime, lease_seconds: float = LEASE_SECONDS
) -> LeasedQuestion | None:
    """Returns the question that the rater now holds, None if nothing is left to ask them. Commits.

    It is the one that they hold already, its lease prolonged, or else the most valuable open question that nobody else
    holds and that they have not answered or passed on. Two raters never hold the same one.
    """
    expires_at = now + timedelta(seconds=lease_seconds)
    lease = _held_lease(session, rater, now)
    if lease is not None:
        lease.expires_at = expires_at
    else:
        lease = _take_lease(session, rater, now, expires_at)
    leased = _described(session, lease) if lease is not None else None
    session.commit()
    return leased


def release(session: Session, token: str) -> None:
    """Gives a question back to the queue; a lease that is gone already is no error. Commits."""
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
) -> Answer:
    """Returns the stored answer to the leased question. Commits: once this returns, the answer is on the disk.

    The same token stores one answer however often it is submitted; later calls return the first one. "cannot_say"
    leaves the question open for others; every other kind closes it.

    Args:
        token: the lease's. It may have run out, as long as nobody else took the question since.
        prob: P(claim is true) for the kind "probability", else None.
        number: for the kind "number", which is the one for a question about a quantity, the number in the quantity's
            unit and the standard deviation of its error; else None.

    Raises:
        LeaseLostError: somebody else took the question, or it was released. Nothing is stored.
        ImpossibleNumberError: the quantity's distribution rules the number out. Nothing is stored.
        ValueError: an unknown kind, or one that does not go with the question, the prob or the number.
    """
    stated, measured = _stated_prob(kind, prob), _stated_number(kind, number)
    lease = _lease(session, token)  # locked first, so that of two submissions one sees the other's answer
    there = session.exec(select(Answer).where(Answer.token == token)).first()
    if there is not None and there.rater_id == rater.id:
        session.commit()
        return there
    if lease is None or lease.rater_id != rater.id:
        raise LeaseLostError("This question went back to the queue before the answer came, so it was not stored.")
    question = session.exec(select(Question).where(Question.id == lease.question_id)).one()
    if kind != "cannot_say" and (kind == "number") != (question.quantity_id is not None):
        raise ValueError(f"An answer {kind!r} does not go with this question.")
    if question.quantity_id is not None and measured is not None:
        _refuse_impossible(session, question.quantity_id, measured)
    answer = Answer(
        question_id=lease.question_id,
        claim_id=question.claim_id,
        quantity_id=question.quantity_id,
        rater_id=lease.rater_id,
        kind=kind,
        prob=stated,
        number=measured[0] if measured else None,
        sd=measured[1] if measured else None,
        note=note if is_storable(note) else ascii(note),
        answered_at=now,
        generation=lease.generation,
        prob_before=lease.prob,
        value_when_asked=lease.value,
        token=token,
    )
    if kind != "cannot_say":
        question.status = "answered"
    session.add_all([answer, question])
    session.delete(lease)
    session.commit()
    return answer


def watermark(session: Session) -> tuple[int, ...]:
    """Returns the newest ids of all that a ranking rests on: it changes when something comes in."""
    newest = [session.exec(select(func.max(table.id))).one() for table in (Answer, Argument, Claim, Root)]
    return tuple(one or 0 for one in newest)


def open_questions(session: Session, now: datetime, limit: int = 20) -> list[OpenQuestion]:
    """Returns the open questions, most valuable first."""
    query = (
        select(Question, Claim, Quantity, Lease.expires_at)
        .outerjoin(Claim, col(Claim.id) == col(Question.claim_id))
        .outerjoin(Quantity, col(Quantity.id) == col(Question.quantity_id))
        .outerjoin(Lease, col(Lease.question_id) == col(Question.id))
        .where(Question.status == "open")
        .order_by(*_BEST_FIRST)
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
            leased=bool(until and until > now),
            quantity=quantity.key if quantity else None,
        )
        for question, claim, quantity, until in session.exec(query)
    ]


def _worth_asking(graph: ArgumentGraph, prob: NDArray[np.float64], value: NDArray[np.float64]) -> list[str]:
    """Returns the ids of the claims to ask about, most valuable first; of equals the first in the graph."""
    rows = [
        row
        for row, claim in enumerate(graph.claims)
        if graph.is_askable(claim.id) and 0 < prob[row] < 1 and value[row] > _WORTHLESS
    ]
    return [graph.claims[row].id for row in sorted(rows, key=lambda row: (-value[row], row))]


def _questions(session: Session) -> dict[str, tuple[Question, datetime | None]]:
    """Returns every question, as it stands now, with the end of its lease, by its claim's key."""
    query = (
        select(Claim.key, Question, Lease.expires_at)
        .join(Question, col(Question.claim_id) == col(Claim.id))
        .outerjoin(Lease, col(Lease.question_id) == col(Question.id))
        .execution_options(populate_existing=True)
    )
    return {key: (question, leased_until) for key, question, leased_until in session.exec(query)}


def _stand(
    session: Session, question: Question, value: float, is_wanted: bool, leased_until: datetime | None, now: datetime
) -> None:
    """Sets what a question that is not answered is worth, and whether it stays open."""
    held = question.status == "open" and leased_until is not None and leased_until > now
    question.value, question.ranked_at = value, now
    question.status = "open" if held or is_wanted else "withdrawn"
    session.add(question)


def _rank_quantities(session: Session, worths: Mapping[str, float], now: datetime) -> None:
    query = (
        select(Quantity, Question, Lease.expires_at)
        .outerjoin(Question, col(Question.quantity_id) == col(Quantity.id))
        .outerjoin(Lease, col(Lease.question_id) == col(Question.id))
        .order_by(col(Quantity.id))
        .execution_options(populate_existing=True)
    )
    for quantity, there, leased_until in session.exec(query).all():
        value = worths.get(quantity.key, 0.0)
        question = there
        if question is None and value > _WORTHLESS:
            question = Question(quantity_id=known(quantity.id), value=0, opened_at=now, ranked_at=now)
        if question is not None and question.status != "answered":
            _stand(session, question, value, value > _WORTHLESS, leased_until, now)


def _refuse_impossible(session: Session, quantity_id: int, measured: tuple[float, float]) -> None:
    """Refuses what would leave the quantity no possible value: nothing could be propagated any more."""
    quantity = session.exec(select(Quantity).where(Quantity.id == quantity_id)).one()
    before = [(value, sd) for one, value, sd in measurements(session) if one == quantity_id]
    belief = measure(load_distribution(quantity), [*before, measured])
    if isinstance(belief, Measured) and not belief.total > 0:
        raise ImpossibleNumberError(
            f"What is known of this quantity rules out {measured[0]:g} give or take {measured[1]:g}, so it was not "
            "stored: allow for a larger error, or say that you can't say."
        )


def _lease(session: Session, token: str) -> Lease | None:
    query = select(Lease).where(Lease.token == token).with_for_update()
    return session.exec(query.execution_options(populate_existing=True)).first()


def _held_lease(session: Session, rater: Rater, now: datetime) -> Lease | None:
    query = select(Lease).where(Lease.rater_id == rater.id, Lease.expires_at > now).order_by(col(Lease.question_id))
    return session.exec(query.with_for_update().execution_options(populate_existing=True)).first()


def _take_lease(session: Session, rater: Rater, now: datetime, expires_at: datetime) -> Lease | None:
    """Returns a new lease on the best question that is free, None if there is none."""
    answered = select(Answer.question_id).where(Answer.rater_id == rater.id)
    free = (
        select(Question)
        .outerjoin(Lease, col(Lease.question_id) == col(Question.id))
        .where(Question.status == "open", col(Question.id).not_in(answered))
        .where(or_(col(Lease.question_id).is_(None), col(Lease.expires_at) <= now))
        .order_by(*_BEST_FIRST)
        .limit(1)
        .with_for_update(skip_locked=True, of=Question)
        .execution_options(populate_existing=True)
    )
    while (question := session.exec(free).first()) is not None:
        session.exec(delete(Lease).where(col(Lease.question_id) == question.id, col(Lease.expires_at) <= now))
        lease = Lease(
            question_id=known(question.id),
            rater_id=known(rater.id),
            token=secrets.token_hex(16),
            expires_at=expires_at,
            value=question.value,
            prob=question.prob,
            generation=_newest_generation(session, question.claim_id),
        )
        try:
            with session.begin_nested():
                session.add(lease)
            return lease
        except IntegrityError:  # not on SQLite: between our look and our lock somebody took it
            continue
    return None


def _newest_generation(session: Session, claim_id: int | None) -> str | None:
    newest = select(Belief.generation).where(Belief.claim_id == claim_id)
    return session.exec(newest.order_by(col(Belief.held_at).desc(), col(Belief.id).desc()).limit(1)).first()


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
    )


def _stated_prob(kind: AnswerKind, prob: float | None) -> float | None:
    if kind not in get_args(AnswerKind):
        raise ValueError(f"kind must be one of {', '.join(get_args(AnswerKind))}, got {kind!r}.")
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
