"""What a rater's sitting does in the store: ask, answer, leave. No widgets, no state of its own.

The store is opened for each act, so one that was moved, replaced or locked meanwhile is noticed and said.
Propagation happens outside of transactions.
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Engine
from sqlmodel import Session

from argtree.errors import ArgtreeError, ImpossibleEvidenceError, TooEntangledError
from argtree.evidence import Reliability, answer_likelihood
from argtree.graph import ArgumentGraph, Measurement
from argtree.propagate import Propagation
from argtree.quantities import beliefs
from argtree.quantity_value import quantity_worths
from oracle_ui.reading import opened
from oracle_ui.view import (
    Effect,
    Left,
    NothingView,
    NumberView,
    QuestionView,
    see_effect,
    see_number,
    see_question,
)
from oracle_ui.wording import answer_words
from store import corrections, drafts, flags, leases, queue, ranking
from store.claims import known, root_questions
from store.database import read_scope, session_scope
from store.graphs import imported_evidence, load_graph
from store.raters import find_rater, get_rater
from store.reliabilities import reliability_of
from store.tables import Answer, Question, Rater

PropagateFn = Callable[[ArgumentGraph], Propagation]


class DoubtfulNumberError(ArgtreeError):
    """A number so far from what is expected that the rater should look again before it is stored."""


@dataclass(frozen=True)
class Said:
    """What a rater answers."""

    kind: queue.AnswerKind
    prob: float | None = None  # for the kind "probability"
    note: str = ""
    number: tuple[float, float] | None = (
        None  # for the kind "number": in the quantity's unit, and how far off it may be
    )
    is_sure: bool = False  # of a number, however far it is from what is expected
    source: str = ""  # a link
    reason: queue.Reason | None = None  # for the kind "cannot_say", why
    flag: flags.FlagKind | None = None  # for the kind "cannot_say", what is wrong with the question

    def words(self, unit: str = "") -> str:
        """Returns what was said, a number with its unit."""
        return answer_words(self.kind, self.prob, self.number, unit, self.flag or self.reason)


def enter(url: str, name: str, now: datetime) -> str:
    """Returns the rater's name as the store spells it. Raises StoreError, RaterNameError for a name that won't do."""
    with opened(url) as engine, session_scope(engine) as session:
        return get_rater(session, name, now).name


def ask(url: str, name: str, now: datetime, propagate_fn: PropagateFn) -> QuestionView | NumberView | NothingView:
    """Returns the question that the rater now holds: the same one as long as they do. Raises StoreError."""
    with opened(url) as engine:
        with session_scope(engine) as session:
            rater = get_rater(session, name, now)
            leased = queue.next_question(session, rater, now)
            if leased is None:
                return NothingView(*queue.closed_to(session, rater))
            typed = drafts.load_draft(session, rater, leased.question_id) or drafts.Typed()
            reliability = reliability_of(session, known(rater.id)).mean
        with read_scope(engine) as session:
            graph, questions = load_graph(session), root_questions(session)
            if leased.is_gold and leased.claim is not None:
                graph = without_answers(session, graph, leased.claim)
    return replace(_seen(leased, graph, questions, reliability, propagate_fn), typed=typed)


def without_answers(session: Session, graph: ArgumentGraph, claim: str) -> ArgumentGraph:
    """Returns the graph as it would be had nobody answered a claim: so a gold question shows nothing of its answer."""
    evidence = {key: one for key, one in graph.evidence.items() if key != claim} | imported_evidence(session, claim)
    return graph.given(evidence, graph.measurements)


def _seen(
    leased: queue.LeasedQuestion,
    graph: ArgumentGraph,
    questions: Mapping[str, str],
    reliability: Reliability,
    propagate_fn: PropagateFn,
) -> QuestionView | NumberView:
    if leased.quantity is not None:
        try:
            return see_number(leased, graph, propagate_fn(graph), questions)
        except ArgtreeError:
            return see_number(leased, graph, None, questions)
    try:
        return see_question(leased, propagate_fn(graph), questions, reliability)
    except ArgtreeError as exc:  # too entangled, or answers that exclude one another: it can still be asked
        assert leased.prob is not None
        gold = leased.claim if leased.is_gold else None
        return QuestionView(leased.token, leased.text, leased.prob, None, str(exc), gold)


def answer(
    url: str, name: str, question: QuestionView | NumberView, said: Said, now: datetime, propagate_fn: PropagateFn
) -> Effect:
    """Returns what the answer did; once this returns it is on the disk, even if it cannot be propagated.

    Raises:
        LeaseLostError: the question went to somebody else; nothing is stored.
        ImpossibleNumberError: what is known rules the number out; nothing is stored.
        SourceError: the source is no link; nothing is stored.
        DoubtfulNumberError: the number is far off and `said` is not sure; nothing is stored.
        StoreError: nothing is stored either.
    """
    asked, words = (
        (question.text, said.words(question.unit))
        if isinstance(question, NumberView)
        else (question.claim, said.words())
    )
    with opened(url) as engine:
        gold = question.gold if isinstance(question, QuestionView) else None
        with read_scope(engine) as session:
            graph = load_graph(session)
            if gold is not None:
                graph = without_answers(session, graph, gold)
        if isinstance(question, NumberView):
            look_twice(question, said, graph)
        try:
            before = propagate_fn(graph)
        except ArgtreeError:
            before = None
        with session_scope(engine) as session:
            rater = get_rater(session, name, now)
            reliability = reliability_of(session, known(rater.id)).mean
            left, given = hand_in(session, question.token, rater, said, now)
        try:
            after = rank_anew(engine, now, propagate_fn)
            with read_scope(engine) as session:
                questions = root_questions(session)
            if gold is not None:  # it counts for nothing, and must not look so
                after = propagate_fn(with_gold_answer(graph, gold, given.prob, reliability))
        except ArgtreeError as exc:
            return Effect(words, asked, (), str(exc), left=left)
    return replace(see_effect(words, asked, before, after, questions), left=left)


def hand_in(session: Session, token: str, rater: Rater, said: Said, now: datetime) -> tuple[Left, Answer]:
    """Returns how the question was left if it was not answered, and what was stored. Commits.

    Raises:
        ValueError: as `queue.submit_answer` and `flags.flag`, and StoreError; nothing is stored.
    """
    if said.flag is not None:
        flagged = flags.flag(session, token, rater, said.flag, now, said.note, source=said.source)
        is_held = session.get_one(Question, flagged.question_id).status == "held"
        return ("held" if is_held else "flagged"), session.get_one(Answer, flagged.answer_id)
    given = queue.submit_answer(
        session,
        token,
        rater,
        said.kind,
        said.prob,
        now,
        said.note,
        said.number,
        source=said.source,
        reason=said.reason,
    )
    return ("skipped" if said.kind == "cannot_say" else ""), given


def with_gold_answer(graph: ArgumentGraph, claim: str, prob: float | None, reliability: Reliability) -> ArgumentGraph:
    """Returns the graph as it would be if an answer to a gold question counted."""
    if prob is None:
        return graph
    (l0, l1), (if_false, if_true) = answer_likelihood(prob, reliability), graph.evidence.get(claim, (1.0, 1.0))
    return graph.given({**graph.evidence, claim: (l0 * if_false, l1 * if_true)}, graph.measurements)


def rank_anew(engine: Engine, now: datetime, propagate_fn: PropagateFn) -> Propagation:
    """Returns the propagation by which the queue now stands. Raises ArgtreeError where there is none."""
    with session_scope(engine) as session:
        return ranking.rerank(session, propagate_fn, now, quantity_worths)


def look_twice(question: NumberView, said: Said, graph: ArgumentGraph) -> None:
    """Raises DoubtfulNumberError for a number far off that is not sure; the store refuses one ruled out."""
    if said.number is None or said.is_sure or not (doubt := question.doubt(*said.number)):
        return
    measured = Measurement(question.quantity, *said.number)
    try:
        beliefs(replace(graph, measurements=(*graph.measurements, measured)))
    except ArgtreeError:
        return
    raise DoubtfulNumberError(doubt)


def leave(url: str, token: str) -> None:
    """Gives the question back to the queue. Raises StoreError."""
    with opened(url) as engine, session_scope(engine) as session:
        queue.release(session, token)


def keep(url: str, name: str, token: str, typed: drafts.Typed, now: datetime) -> None:
    """Keeps what the rater typed about the question that they hold, or held a moment ago. Raises StoreError."""
    question_id = leases.question_of(token)
    assert question_id is not None, "a lease's token"
    with opened(url) as engine, session_scope(engine) as session:
        drafts.save_draft(session, find_rater(session, name), question_id, typed, now)


def undoable(url: str, name: str, now: datetime) -> Answer | None:
    """Returns the answer that the rater can take back, None if there is none. Raises StoreError."""
    with opened(url) as engine, read_scope(engine) as session:
        return corrections.last_answer(session, find_rater(session, name), now)


def take_back(url: str, name: str, now: datetime, propagate_fn: PropagateFn) -> None:
    """Takes back the rater's last answer, and ranks the queue without it; they hold its question again.

    Raises:
        TooLateError: it is too old, or there is none.
        StoreError: nothing is changed.
    """
    with opened(url) as engine:
        with session_scope(engine) as session:
            corrections.take_back(session, find_rater(session, name), now)
        with suppress(TooEntangledError, ImpossibleEvidenceError):
            rank_anew(engine, now, propagate_fn)


def look_again(url: str, now: datetime, propagate_fn: PropagateFn) -> None:
    """Ranks the queue anew, for claims that came into the store by other ways. Raises ArgtreeError."""
    with opened(url) as engine:
        rank_anew(engine, now, propagate_fn)
