"""Exactly as many raters as wanted: places, taken one at a time and by many raters at once."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import Engine
from sqlmodel import Session, select

from store.database import read_scope, session_scope
from store.errors import LeaseLostError
from store.graphs import save_graph
from store.queue import AnswerKind, LeasedQuestion, closed_to, next_question, open_questions, submit_answer
from store.ranking import rerank
from store.raters import get_rater
from store.tables import Answer, Lease, Question
from tests.store.factories import NOW, flat_graph, later, priors_only


def _fill(session: Session, questions: int, wanted: int) -> None:
    save_graph(session, flat_graph(questions), NOW)
    rerank(session, priors_only, NOW, wanted=wanted)


def _ask(session: Session, name: str, seconds: float = 0) -> LeasedQuestion | None:
    return next_question(session, get_rater(session, name, NOW), later(seconds))


def _take(session: Session, name: str, seconds: float = 0) -> LeasedQuestion:
    leased = _ask(session, name, seconds)
    assert leased is not None
    return leased


def _say(session: Session, name: str, token: str, kind: AnswerKind = "yes", seconds: float = 0) -> Answer:
    return submit_answer(session, token, get_rater(session, name, NOW), kind, None, later(seconds))


def _question(session: Session) -> Question:
    return session.exec(select(Question).execution_options(populate_existing=True)).one()


def test_as_many_may_look_at_a_question_as_it_has_places(session: Session) -> None:
    _fill(session, 1, wanted=3)
    assert {_take(session, name).claim for name in ("Ada", "Bob", "Cy")} == {"p0"}
    assert _ask(session, "Dee") is None
    assert [one.leased for one in open_questions(session, NOW)] == [True]


def test_answers_take_places_and_the_last_one_closes_the_question(session: Session) -> None:
    _fill(session, 1, wanted=2)
    _say(session, "Ada", _take(session, "Ada").token)
    assert _question(session).status == "open" and _ask(session, "Ada") is None
    bob = _take(session, "Bob").token
    assert _ask(session, "Cy") is None
    _say(session, "Bob", bob)
    assert _question(session).status == "answered" and _ask(session, "Cy") is None


def test_who_disagrees_brings_a_third(session: Session) -> None:
    _fill(session, 1, wanted=2)
    _say(session, "Ada", _take(session, "Ada").token, "yes")
    _say(session, "Bob", _take(session, "Bob").token, "no")
    assert (_question(session).wanted, _question(session).status) == (3, "open")
    _say(session, "Cy", _take(session, "Cy").token, "no")
    assert _question(session).status == "answered"


def test_who_cannot_say_takes_no_place(session: Session) -> None:
    _fill(session, 1, wanted=1)
    for name in ("Ada", "Bob", "Cy"):
        _say(session, name, _take(session, name).token, "cannot_say")
    assert closed_to(session, get_rater(session, "Ada", NOW)) == (0, 1)
    assert closed_to(session, get_rater(session, "Dee", NOW)) == (1, 0)
    _say(session, "Dee", _take(session, "Dee").token)
    assert _question(session).status == "answered"


def test_a_place_is_free_the_moment_its_lease_ends(session: Session) -> None:
    _fill(session, 1, wanted=2)
    _take(session, "Ada"), _take(session, "Bob", 10)
    assert _ask(session, "Cy", 299.999) is None
    assert _take(session, "Cy", 300).claim == "p0"  # Ada's
    assert _ask(session, "Dee", 309.999) is None


def test_a_late_answer_counts_only_while_a_place_is_free(session: Session) -> None:
    _fill(session, 1, wanted=2)
    ada, bob = _take(session, "Ada").token, _take(session, "Bob").token
    cy = _take(session, "Cy", 400).token
    _say(session, "Bob", bob, seconds=401)  # one place was left
    with pytest.raises(LeaseLostError):
        _say(session, "Ada", ada, seconds=402)
    _say(session, "Cy", cy, seconds=403)
    assert len(session.exec(select(Answer)).all()) == 2


def test_a_rater_holds_one_question_and_answers_it_once(session: Session) -> None:
    _fill(session, 2, wanted=2)
    old = _take(session, "Ada").token
    new = _take(session, "Ada", 301).token  # in another window, after the first lease's end
    assert [lease.token for lease in session.exec(select(Lease))] == [new]
    _say(session, "Ada", new, seconds=302)
    with pytest.raises(LeaseLostError):
        _say(session, "Ada", old, seconds=303)
    assert _take(session, "Ada", 304).claim == "p0"


@pytest.mark.parametrize("wanted, questions", [(1, 64), (3, 8)])
def test_sixty_four_raters_at_once_give_exactly_as_many_answers_as_are_wanted(
    engine: Engine, wanted: int, questions: int
) -> None:
    with session_scope(engine) as session:
        _fill(session, questions, wanted)
        for number in range(64):
            get_rater(session, f"Rater {number}", NOW)

    def work(number: int) -> int:
        answered = 0
        while True:
            with session_scope(engine) as session:
                leased = _ask(session, f"Rater {number}")
            if leased is None:
                return answered
            with session_scope(engine) as session:
                _say(session, f"Rater {number}", leased.token)
            answered += 1

    with ThreadPoolExecutor(64) as pool:
        given = sum(pool.map(work, range(64)))
    with read_scope(engine) as session:
        pairs = session.exec(select(Answer.question_id, Answer.rater_id)).all()
        assert session.exec(select(Lease)).all() == [] and open_questions(session, NOW) == []
    assert len(set(pairs)) == len(pairs) == given
    assert Counter(question for question, _ in pairs) == dict.fromkeys(range(1, questions + 1), wanted)


def test_the_same_form_handed_in_by_many_at_once_is_one_answer(engine: Engine) -> None:
    with session_scope(engine) as session:
        _fill(session, 1, wanted=3)
        token = _take(session, "Ada").token

    def submit(_: int) -> int | None:
        with session_scope(engine) as session:
            return _say(session, "Ada", token).id

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(submit, range(8))) == {1}
