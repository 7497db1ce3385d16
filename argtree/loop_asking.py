"""The asking step of a round: put the top questions to the simulated rater, or wait for people; and what it changed.

An answer belongs to a round by its id: all that came after the round's asking began. So nothing is put twice, however
often the step is killed. Not here: the queue itself (`store.queue`).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import numpy.typing as npt
from sqlalchemy import Engine
from sqlmodel import col, func, select

from argtree.errors import ArgtreeError
from argtree.evidence import Reliability
from argtree.graph import ArgumentGraph
from argtree.history import with_told
from argtree.propagate import Propagation, Propagator
from argtree.quantity_value import quantity_worths
from models.everyday.oracle import RATER, SimulatedOracle
from store import queue, ranking
from store.answers import standing_answers
from store.claims import root_questions
from store.database import read_scope, session_scope
from store.graphs import load_graph
from store.raters import get_rater
from store.reliabilities import reliabilities
from store.tables import Answer, Claim, Quantity, Rater

FloatArray = npt.NDArray[np.float64]
MOVED = 0.05  # a root that an answer moves by this much counts as moved by it
LEAST_SHOWN = 0.005  # a move below this is not named
SHOWN_MOVES = 3  # roots named with an answer, those that moved most
MAX_ASKED_FACTOR = 10  # questions put for each answer wanted; the rest would be "can't say"


@dataclass(frozen=True)
class Given:
    """An answer of the round."""

    id: int
    claim: str | None  # key; None: it is about a quantity
    quantity: str | None  # key
    text: str
    rater: str
    reliability: Reliability  # of the rater, as far as it is known
    kind: str
    prob: float | None  # stated
    number: tuple[float, float] | None  # stated, and its error
    prob_before: float | None  # posterior when it was asked
    value: float  # of information, when it was asked


def newest_answer(engine: Engine) -> int:
    """Returns the newest answer's id, 0 where there is none."""
    with read_scope(engine) as session:
        return session.exec(select(func.max(Answer.id))).one() or 0


def answers_since(engine: Engine, since: int, rater: str | None = None) -> list[Given]:
    """Returns the standing answers after the one of id `since`, oldest first; of one rater, if one is named."""
    query = standing_answers().where(col(Answer.id) > since)
    if rater is not None:
        query = query.where(Rater.name == rater)
    with read_scope(engine) as session:
        trusted = reliabilities(session)
        return [
            _given(answer, by, trusted[answer.rater_id].mean, claim or quantity, claim is not None)
            for answer, by, claim, quantity in session.exec(query)
        ]


def says_something(answers: Sequence[Given]) -> list[Given]:
    """Returns the answers but for "can't say"."""
    return [answer for answer in answers if answer.kind != "cannot_say"]


def ask_simulated(
    engine: Engine,
    oracle: SimulatedOracle,
    wanted: int,
    since: int,
    now_fn: Callable[[], datetime],
    on_answer: Callable[[list[Given]], None],
) -> list[Given]:
    """Puts the best question to the oracle, ranked anew after each answer, until it gave `wanted`; the answers.

    It ends early where the queue is empty, or nearly everything asked lies outside of the oracle's world.
    """
    propagate = Propagator(only_askable=True)
    while True:
        given = answers_since(engine, since, RATER)
        on_answer(given)
        if len(says_something(given)) >= wanted or len(given) >= wanted * MAX_ASKED_FACTOR:
            return given
        with session_scope(engine) as session:
            ranking.rerank(session, propagate, now_fn(), quantity_worths)
            rater = get_rater(session, RATER, now_fn())
            asked = queue.next_question(session, rater, now_fn())
            if asked is None:
                return given
            said = oracle.answer(asked.text) if asked.claim is not None else "cannot_say"
            queue.submit_answer(session, asked.token, rater, said, None, now_fn(), "Simulated.")


def wait_for_people(
    engine: Engine,
    wanted: int,
    since: int,
    now_fn: Callable[[], datetime],
    on_answer: Callable[[list[Given]], None],
    pause_fn: Callable[[], None],
) -> list[Given]:
    """Returns the round's answers once `wanted` have come in by the page or the terminal, or nothing is left to ask.

    The queue is ranked anew whenever something came in.

    Args:
        pause_fn: waits a little.
    """
    propagate = Propagator(only_askable=True)
    seen: tuple[int, ...] | None = None
    while True:
        given = answers_since(engine, since)
        on_answer(given)
        if len(says_something(given)) >= wanted:
            return given
        with read_scope(engine) as session:
            now = ranking.watermark(session)
        if now != seen:
            with session_scope(engine) as session:
                ranking.rerank(session, propagate, now_fn(), quantity_worths)
            seen = now
        with read_scope(engine) as session:
            if not queue.open_questions(session, now_fn(), limit=1):
                return answers_since(engine, since)
        pause_fn()


def effects(
    engine: Engine, since: int, given: Sequence[Given], on_effect: Callable[[int], None] = lambda done: None
) -> list[dict[str, Any]]:
    """Returns, for each answer of a round, what was asked and how it moved the roots, given the answers before it.

    Worked out on the graph as it is now. `moved` is None where that can't be: too entangled, or answers that exclude
    one another.

    Args:
        engine: of the store.
        since: id of the newest answer before the round's.
        given: the round's answers, oldest first.
        on_effect: told how many are worked out.
    """
    with read_scope(engine) as session:
        graph = load_graph(session, with_answers=False)
        questions = root_questions(session)
    told = [answer for answer in answers_since(engine, 0) if answer.id <= since]
    propagate = Propagator(only_askable=True)
    probs = _root_probs(graph, told, propagate)
    found = []
    for answer in given:
        told.append(answer)
        after = probs if answer.kind == "cannot_say" else _root_probs(graph, told, propagate)
        found.append(_effect(answer, probs, after, [questions[root.claim] for root in graph.roots]))
        probs = after
        on_effect(len(found))
    return found


def _root_probs(graph: ArgumentGraph, told: Sequence[Given], propagate: Propagator) -> FloatArray | None:
    try:
        result: Propagation = propagate(with_told(graph, told))
    except ArgtreeError:
        return None
    return np.array([result.prob[graph.index[root.claim]] for root in graph.roots])


def _effect(
    answer: Given, before: FloatArray | None, after: FloatArray | None, questions: Sequence[str]
) -> dict[str, Any]:
    asked = {
        "answer": answer.id,
        "text": answer.text,
        "kind": answer.kind,
        "prob": answer.prob,
        "number": answer.number,
        "rater": answer.rater,
        "prob_before": answer.prob_before,
        "value": answer.value,
    }
    if before is None or after is None:
        return asked | {"moved": None, "moves": []}
    by = np.abs(after - before)
    most = sorted(range(len(by)), key=lambda i: (-by[i], i))[:SHOWN_MOVES]
    moves = [
        {"question": questions[i], "before": float(before[i]), "after": float(after[i])}
        for i in most
        if by[i] >= LEAST_SHOWN
    ]
    return asked | {"moved": int(np.sum(by >= MOVED)), "moves": moves}


def _given(answer: Answer, by: Rater, reliability: Reliability, about: Claim | Quantity, is_claim: bool) -> Given:
    assert answer.id is not None
    number = None if answer.number is None or answer.sd is None else (answer.number, answer.sd)
    return Given(
        id=answer.id,
        claim=about.key if is_claim else None,
        quantity=None if is_claim else about.key,
        text=about.text,
        rater=by.name,
        reliability=reliability,
        kind=answer.kind,
        prob=answer.prob,
        number=number,
        prob_before=answer.prob_before,
        value=answer.value_when_asked,
    )
