"""Taking back and overriding: nothing is changed, and all who read follow."""

from pathlib import Path

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, select

from argtree.evidence import answer_likelihood
from argtree.loop_asking import answers_since
from argtree.slow import labels_of
from store.answers import answers_by_claim, labels
from store.claims import get_claim
from store.corrections import last_answer, override, take_back
from store.database import session_scope
from store.drafts import Typed, load_draft
from store.errors import ExportError, TooLateError
from store.graphs import load_graph, measurements
from store.history import history
from store.queue import AnswerKind, next_question, open_questions, submit_answer
from store.ranking import rerank
from store.raters import get_rater
from store.tables import Answer, Question, Rater
from tests.store.datasets import export, fight_graph, rows
from tests.store.factories import NOW, fill_queue, flat_graph, jelly_graph, later, priors_only


@pytest.fixture
def ada(session: Session) -> Rater:
    fill_queue(session, flat_graph(2))
    return get_rater(session, "Ada", NOW)


def _answer(session: Session, rater: Rater, kind: AnswerKind = "yes", seconds: float = 0) -> Answer:
    leased = next_question(session, rater, later(seconds))
    assert leased is not None
    return submit_answer(session, leased.token, rater, kind, None, later(seconds), "a note")


def test_what_is_taken_back_counts_no_more_and_is_asked_again(session: Session, ada: Rater) -> None:
    before = load_graph(session)
    answer = _answer(session, ada)
    assert labels(session) == {"p1": pytest.approx(0.97)} == {} | labels(session)
    again = take_back(session, ada, later(60), "Misread.")
    assert again is not None and again.question_id == answer.question_id and again.token != answer.token
    assert labels(session) == answers_by_claim(session) == labels_of(session) == {}
    assert load_graph(session) == before
    assert load_draft(session, ada, answer.question_id) == Typed("yes", note="a note")
    assert submit_answer(session, again.token, ada, "no", None, later(61)).prob == 0.0
    assert labels(session) == {"p1": pytest.approx(0.03)}


def test_taking_back_twice_takes_back_once(session: Session, ada: Rater) -> None:
    first, second = _answer(session, ada), _answer(session, ada)
    assert last_answer(session, ada, NOW) == second
    one, two = take_back(session, ada, NOW), take_back(session, ada, NOW)
    assert one and two and one.question_id == two.question_id == second.question_id
    assert last_answer(session, ada, NOW) is None and set(labels(session)) == {"p1"}
    assert first.question_id != second.question_id


def test_an_answer_can_be_taken_back_for_ten_minutes(session: Session, ada: Rater) -> None:
    with pytest.raises(TooLateError, match="not answered anything"):
        take_back(session, ada, NOW)
    _answer(session, ada)
    with pytest.raises(TooLateError, match="for 10 minutes"):
        take_back(session, ada, later(601))
    assert last_answer(session, ada, later(601)) is None and len(labels(session)) == 1
    assert take_back(session, ada, later(600)) is not None


def test_who_could_not_say_may_think_again(session: Session, ada: Rater) -> None:
    passed = _answer(session, ada, "cannot_say")
    bob = get_rater(session, "Bob", NOW)
    held = next_question(session, bob, NOW)
    assert held is not None and held.question_id == passed.question_id
    assert take_back(session, ada, NOW) is None  # Bob looks at it
    again = next_question(session, ada, later(301))
    assert again is not None and again.question_id == passed.question_id


def test_a_ranking_notices_what_was_taken_back(session: Session, ada: Rater) -> None:
    _answer(session, ada)
    session.exec(select(Question)).all()
    rerank(session, priors_only, NOW)
    assert [one.claim for one in open_questions(session, NOW)] == ["p0"]
    take_back(session, ada, NOW)
    rerank(session, priors_only, later(301))
    assert [one.claim for one in open_questions(session, NOW)] == ["p1", "p0"]


def test_a_number_is_taken_back_too(session: Session) -> None:
    fill_queue(session, jelly_graph())
    rerank(session, priors_only, NOW, lambda graph: {"milk": 1.0})
    ada, before = get_rater(session, "Ada", NOW), measurements(session)
    leased = next_question(session, ada, NOW)
    assert leased is not None
    submit_answer(session, leased.token, ada, "number", None, NOW, number=(1.0, 0.1))
    assert len(measurements(session)) == len(before) + 1
    take_back(session, ada, NOW)
    assert measurements(session) == before
    assert load_draft(session, ada, leased.question_id) == Typed("number", number=(1.0, 0.1))


def test_an_override_stands_in_place_of_all_answers_until_it_is_lifted(session: Session, ada: Rater) -> None:
    _answer(session, ada)
    claim = get_claim(session, "p1")
    ada.role = "reviewer"
    override(session, claim, 0.0, ada, NOW, "It is not.")
    assert labels(session) == {"p1": pytest.approx(0.001)}
    override(session, claim, 0.2, ada, NOW)
    if_false, if_true = load_graph(session).evidence["p1"]
    assert if_true / (if_true + if_false) == pytest.approx(0.2 * 0.999 + 0.8 * 0.001)
    override(session, claim, None, ada, NOW)
    assert load_graph(session).evidence == {"p1": answer_likelihood(1.0)}


def test_what_is_overridden_is_not_asked(session: Session, ada: Rater) -> None:
    ada.role = "reviewer"
    override(session, get_claim(session, "p1"), 0.5, ada, NOW)
    override(session, get_claim(session, "r"), 0.5, ada, NOW)  # never was a question
    get_claim(session, "r").askable = True
    rerank(session, priors_only, NOW)
    assert [one.claim for one in open_questions(session, NOW)] == ["p0"]
    override(session, get_claim(session, "p1"), None, ada, NOW)
    assert [one.claim for one in open_questions(session, NOW)] == ["p1", "p0"]


@pytest.mark.parametrize("prob", [-0.1, 1.1, float("nan")])
def test_an_override_is_a_probability(session: Session, ada: Rater, prob: float) -> None:
    ada.role = "reviewer"
    with pytest.raises(ValueError, match="probability must be"):
        override(session, get_claim(session, "p1"), prob, ada, NOW)


def test_history_lists_who_did_what_newest_first(session: Session, ada: Rater) -> None:
    bob = get_rater(session, "Bob", NOW)
    bob.role = "administrator"
    answer = _answer(session, ada)
    take_back(session, ada, later(1), "Misread.")
    override(session, get_claim(session, "p0"), 0.9, bob, later(2), "Known.")
    override(session, get_claim(session, "p0"), None, bob, later(3))
    listed = history(session, bob).events
    assert [(one.rater, one.deed, one.claim, one.prob, one.note) for one in listed] == [
        ("Bob", "lifted", "p0", None, ""),
        ("Bob", "overrode", "p0", 0.9, "Known."),
        ("Ada", "took_back", "p1", 1.0, "Misread."),
        ("Ada", "answered", "p1", 1.0, "a note"),
    ]
    assert [one.answer for one in listed] == [None, None, answer.id, answer.id]
    assert history(session, bob, 3).events == listed[:3]
    of_ada, of_p1 = history(session, bob, rater="Ada"), history(session, bob, claim="p1")
    assert of_ada == of_p1 and of_ada.events == listed[2:] and of_ada.older is None


@pytest.mark.parametrize("table", ["answer", "retraction", "override"])
@pytest.mark.parametrize("act", ["UPDATE {} SET rater_id = 2", "DELETE FROM {}"])
def test_history_is_append_only(engine: Engine, table: str, act: str) -> None:
    with session_scope(engine) as session:
        fill_queue(session, flat_graph(2))
        ada = get_rater(session, "Ada", NOW)
        _answer(session, ada)
        take_back(session, ada, NOW)
        ada.role = "reviewer"
        override(session, get_claim(session, "p0"), 0.9, ada, NOW)
    with pytest.raises(IntegrityError, match=f"{table}s are append-only"), engine.begin() as connection:
        connection.execute(text(act.format(table)))


def test_the_loop_sees_standing_answers_only(engine: Engine) -> None:
    with session_scope(engine) as session:
        fill_queue(session, flat_graph(2))
        ada = get_rater(session, "Ada", NOW)
        kept, taken = _answer(session, ada), _answer(session, ada)
        take_back(session, ada, NOW)
    assert [one.id for one in answers_since(engine, 0)] == [kept.id] and taken.id != kept.id


def test_the_dataset_follows(session: Session, tmp_path: Path) -> None:
    fill_queue(session, fight_graph())
    ada = get_rater(session, "Ada", NOW)
    with pytest.raises(ExportError, match="nothing to export"):
        export(session, tmp_path / "none")
    first, taken = _answer(session, ada), _answer(session, ada)
    take_back(session, ada, NOW)
    ada.role = "reviewer"
    override(session, get_claim(session, "n"), 0.0, ada, NOW)
    export(session, tmp_path / "data")
    premises = {row["claim"]: row for row in rows(tmp_path / "data", "premises", None)}
    by_id = {one.id: one.key for one in map(lambda key: get_claim(session, key), "rshtwnu")}
    assert set(premises) == {by_id[first.claim_id], "n"} and by_id[taken.claim_id] not in premises
    assert premises["n"]["label"] == "no" and premises["n"]["n_answers"] == 0
    assert {row["completion"][0]["content"] for row in rows(tmp_path / "data", "beliefs")} == {"yes", "no"}
