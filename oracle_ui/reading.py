"""What the desk's pages read in the store: one snapshot of all that they show. No widgets, nothing is written but posed
questions.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from sqlalchemy import Engine, case
from sqlmodel import Session, col, func, select

from argtree.evidence import Reliability
from argtree.graph import ArgumentGraph
from oracle_ui.wording import answer_words
from store import posed, ranking
from store.answers import labels, standing_answers
from store.claims import get_claim, known, root_questions
from store.corrections import last_answer
from store.database import open_store, read_scope, session_scope
from store.graphs import load_graph
from store.leases import lease_on
from store.places import IS_OPEN
from store.raters import find_rater
from store.reliabilities import is_vouched, is_vouched_for, reliabilities
from store.shown import ShownFact, shown_about
from store.tables import Argument, Belief, Claim, Flag, Question, Trust


@dataclass(frozen=True)
class Given:
    """An answer that counts."""

    claim: str | None  # key; None: it is about a quantity
    quantity: str | None  # key
    text: str  # of the claim or quantity
    unit: str  # of the quantity
    rater: str
    reliability: Reliability  # of the rater, as far as it is known
    kind: str  # of `store.queue.AnswerKind`
    prob: float | None  # stated
    number: tuple[float, float] | None  # stated, and its error
    note: str
    at: datetime
    value: float  # of information, when it was asked
    source: str = ""  # a link
    why: str | None = None  # of "cannot_say": the reason, or what is wrong with the question

    @property
    def words(self) -> str:
        """What was said."""
        return answer_words(self.kind, self.prob, self.number, self.unit, self.why)


@dataclass(frozen=True, eq=False)
class Snapshot:
    """The store at one moment."""

    graph: ArgumentGraph  # with answers
    bare: ArgumentGraph  # without
    questions: Mapping[str, str]  # the question of each root, by its claim's key
    labels: Mapping[str, float]  # of answered claims, by key
    given: tuple[Given, ...]  # oldest first
    open: Mapping[str, float]  # claims in the queue -> value when it was ranked
    num_open: int  # questions in the queue, quantities included

    @cached_property
    def texts(self) -> dict[str, str]:
        """Key -> text of every claim; of a root its question."""
        return {claim.id: self.questions.get(claim.id, claim.text) for claim in self.graph.claims}


@dataclass(frozen=True)
class Held:
    """A belief of a generation."""

    generation: str
    kind: str  # "direct" | "residual"
    mean: float
    pseudo_count: float
    at: datetime
    shown: tuple[ShownFact, ...] = ()  # with it


@dataclass(frozen=True)
class Record:
    """What is written down of one claim beside the graph."""

    created_at: datetime
    beliefs: tuple[Held, ...]  # oldest first
    proposed_by: Mapping[str, str]  # generation of each argument about it that a model proposed, by key
    is_exhausted: bool  # the model had no more arguments to give
    shown: tuple[ShownFact, ...] = ()  # when it was asked for arguments, oldest first


@contextmanager
def opened(url: str) -> Iterator[Engine]:
    """Gives the store's engine for one act. Raises StoreError."""
    engine = open_store(url, create=False)
    try:
        yield engine
    finally:
        engine.dispose()


def mark(url: str) -> tuple[int, ...]:
    """Returns figures that change when something comes in that a page shows. Raises StoreError."""
    with opened(url) as engine, read_scope(engine) as session:
        return mark_of(session)


def mark_of(session: Session) -> tuple[int, ...]:
    """Returns the same as `mark` in a session that is there."""
    believed = func.sum(case((is_vouched_for(), 1), else_=0))
    changing: list[Any] = [func.max(Belief.id), func.max(Question.ranked_at), func.sum(Claim.prior), believed]
    changing += [func.max(Trust.learnt_at), func.count(col(Trust.rater_id))]
    rest = [str(session.exec(select(one)).one()) for one in changing]
    return (*ranking.watermark(session), hash(tuple(rest)))


def read(url: str) -> Snapshot:
    """Returns the store as it is now. Raises StoreError."""
    with opened(url) as engine, read_scope(engine) as session:
        questions = root_questions(session)
        open_ = session.exec(
            select(Claim.key, Question.value).join(Question, col(Question.claim_id) == col(Claim.id)).where(IS_OPEN)
        )
        return Snapshot(
            graph=load_graph(session),
            bare=load_graph(session, with_answers=False),
            questions=questions,
            labels=labels(session),
            given=tuple(_given(session)),
            open=dict(open_.all()),
            num_open=session.exec(select(func.count()).select_from(Question).where(IS_OPEN)).one(),
        )


def read_claim(url: str, key: str) -> Record:
    """Returns what is written down of a claim. Raises StoreError, also where there is no such claim."""
    with opened(url) as engine, read_scope(engine) as session:
        claim = get_claim(session, key)
        beliefs = session.exec(select(Belief).where(Belief.claim_id == claim.id).order_by(col(Belief.id)))
        arguments = session.exec(
            select(Argument.key, Argument.generation).where(Argument.conclusion_id == claim.id)
        ).all()
        shown: dict[int | None, tuple[ShownFact, ...]] = {}
        for fact in shown_about(session, claim):
            shown[fact.belief_id] = (*shown.get(fact.belief_id, ()), fact)
        return Record(
            claim.created_at,
            tuple(
                Held(one.generation, one.kind, one.mean, one.pseudo_count, one.held_at, shown.get(one.id, ()))
                for one in beliefs
            ),
            {one: generation for one, generation in arguments if generation is not None},
            claim.explored_at is not None,
            shown.get(None, ()),
        )


def is_kept_from(url: str, name: str, key: str, now: datetime) -> bool:
    """Says whether what is known of a claim is kept from a rater: they are being asked, or may yet change their answer.

    Not from those who get no gold questions (`store.gold`). Raises StoreError.
    """
    with opened(url) as engine, read_scope(engine) as session:
        rater, claim_id = find_rater(session, name), known(get_claim(session, key).id)
        if is_vouched(rater):
            return False
        last = last_answer(session, rater, now)
        return lease_on(session, known(rater.id), claim_id) is not None or (
            last is not None and last.claim_id == claim_id
        )


def read_posed(url: str) -> list[posed.Posed]:
    """Returns the posed questions, newest first. Raises StoreError."""
    with opened(url) as engine, read_scope(engine) as session:
        return posed.list_posed(session)


def pose(url: str, text: str, asked_by: str, now: datetime) -> posed.Posed:
    """Returns the posed question, on the disk. Raises StoreError."""
    with opened(url) as engine, session_scope(engine) as session:
        return posed.pose(session, text, asked_by, now)


def _given(session: Session) -> Iterator[Given]:
    flagged, trusted = dict(session.exec(select(Flag.answer_id, Flag.kind)).all()), reliabilities(session)
    for answer, rater, claim, quantity in session.exec(standing_answers()):
        yield Given(
            claim=claim.key if claim else None,
            quantity=quantity.key if quantity else None,
            text=(claim or quantity).text,
            unit=quantity.unit if quantity else "",
            rater=rater.name,
            reliability=trusted[answer.rater_id].mean,
            kind=answer.kind,
            prob=answer.prob,
            number=None if answer.number is None or answer.sd is None else (answer.number, answer.sd),
            note=answer.note,
            at=answer.answered_at,
            value=answer.value_when_asked,
            source=answer.source,
            why=flagged.get(known(answer.id), answer.reason),
        )
