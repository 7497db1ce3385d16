import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, select

from argtree.evidence import TRUSTED_RATER
from argtree.graph import ArgumentGraph, Claim, Measurement
from argtree.propagate import propagate
from argtree.quantity_value import quantity_worths
from argtree.value import share_resolved
from store.claims import add_argument, add_claim, add_root, get_claim, record_belief
from store.corrections import take_back
from store.database import read_scope, session_scope
from store.errors import ImpossibleNumberError, LeaseLostError
from store.graphs import load_graph, save_graph
from store.queue import (
    LeasedQuestion,
    next_question,
    open_questions,
    release,
    submit_answer,
)
from store.ranking import rerank, watermark
from store.raters import get_rater
from store.tables import Answer, Lease, Question, Rater
from tests.store.factories import NOW, PriorsOnly, fill_queue, flat_graph, jelly_graph, later, nails_graph, priors_only


def _take(session: Session, name: str, seconds: float = 0) -> LeasedQuestion:
    leased = next_question(session, get_rater(session, name, NOW), later(seconds))
    assert leased is not None
    return leased


def _say(session: Session, name: str, token: str, kind: str = "yes", prob: float | None = None) -> Answer:
    return submit_answer(session, token, get_rater(session, name, NOW), kind, prob, NOW)  # type: ignore[arg-type]


def _open(session: Session) -> list[str]:
    return [question.claim for question in open_questions(session, NOW)]


def test_the_queue_holds_the_askable_and_uncertain_most_valuable_first(session: Session) -> None:
    fill_queue(session, nails_graph())
    asked = open_questions(session, NOW)
    assert [(question.claim, question.prob) for question in asked] == [("t", 0.3), ("h", 0.9)]
    assert [question.value for question in asked] == pytest.approx([0.21, 0.09])


def test_what_comes_in_while_ranking_is_taken_in(session: Session) -> None:
    fill_queue(session, flat_graph(2))
    leased, ada = _take(session, "Ada"), get_rater(session, "Ada", NOW)
    calls: list[int] = []

    def slow(graph: ArgumentGraph) -> PriorsOnly:
        if not calls:
            submit_answer(session, leased.token, ada, "yes", None, NOW)
        calls.append(len(graph.evidence))
        return priors_only(graph)

    rerank(session, slow, NOW)
    assert calls == [0, 1]


def test_ranking_ends_even_if_something_always_comes_in(session: Session) -> None:
    fill_queue(session, flat_graph(2))
    sizes: list[int] = []

    def disturbed(graph: ArgumentGraph) -> PriorsOnly:
        sizes.append(len(graph.claims))
        add_claim(session, f"New {len(sizes)}.", 0.5, NOW)
        session.commit()
        return priors_only(graph)

    rerank(session, disturbed, NOW)
    assert sizes == [3, 4, 5] and len(_open(session)) == 4  # what came in last waits for the next ranking


def test_the_watermark_rises_with_all_that_a_ranking_rests_on(session: Session) -> None:
    seen = [watermark(session)]
    a, b = (add_claim(session, text, 0.5, NOW) for text in ("A", "B"))
    seen.append(watermark(session))
    add_argument(session, a, "support", 0.5, [(b, True)], None, NOW)
    seen.append(watermark(session))
    add_root(session, "A?", a, NOW)
    seen.append(watermark(session))
    rerank(session, priors_only, NOW)
    assert watermark(session) == seen[-1]
    _say(session, "Ada", _take(session, "Ada").token)
    seen.append(watermark(session))
    take_back(session, get_rater(session, "Ada", NOW), later(1))
    seen.append(watermark(session))
    get_rater(session, "Ada", NOW).vouched ^= True
    session.flush()
    seen.append(watermark(session))
    assert len(set(seen)) == len(seen)


def test_a_question_argued_or_settled_meanwhile_is_withdrawn_and_may_come_back(session: Session) -> None:
    fill_queue(session, flat_graph(3))
    p0, p1 = get_claim(session, "p0"), get_claim(session, "p1")
    new = add_claim(session, "New.", 0.4, NOW)
    add_argument(session, p0, "support", 0.5, [(new, True)], "m", NOW)
    prior, p1.prior = p1.prior, 1.0
    rerank(session, priors_only, NOW)
    assert set(_open(session)) == {"p2", new.key}
    p1.prior = prior
    rerank(session, priors_only, NOW)
    assert "p1" in _open(session)


def test_a_leased_question_is_not_withdrawn_under_a_raters_eyes(session: Session) -> None:
    fill_queue(session, flat_graph(2))
    leased = _take(session, "Ada")
    get_claim(session, leased.claim).prior = 1.0
    rerank(session, priors_only, NOW)
    assert leased.claim in _open(session)
    rerank(session, priors_only, later(301))
    assert leased.claim not in _open(session)


def test_a_rater_may_answer_while_the_ranking_propagates(engine: Engine) -> None:
    with session_scope(engine) as session:
        fill_queue(session, flat_graph(2))
        token = _take(session, "Ada").token

    def slowly(graph: ArgumentGraph) -> PriorsOnly:
        with session_scope(engine) as other:  # would wait for ever if the ranking held the store
            _say(other, "Ada", token)
        return priors_only(graph)

    with session_scope(engine) as session:
        rerank(session, slowly, NOW)
        assert _open(session) == ["p0"]


def test_an_empty_store_has_nothing_to_ask(session: Session) -> None:
    rerank(session, priors_only, NOW)
    assert next_question(session, get_rater(session, "Ada", NOW), NOW) is None


def test_raters_get_different_questions_best_first(session: Session) -> None:
    fill_queue(session, flat_graph(3))
    assert [_take(session, name).claim for name in ("Ada", "Bob", "Cy")] == ["p2", "p1", "p0"]
    assert next_question(session, get_rater(session, "Dee", NOW), NOW) is None
    assert all(question.leased for question in open_questions(session, NOW))


def test_the_last_questions_are_asked_though_they_just_fill_a_page_of_the_index(session: Session) -> None:
    alike = tuple(Claim(f"c{number}", f"Claim {number}.", 0.3, askable=True) for number in range(16))
    fill_queue(session, ArgumentGraph(alike, ()))
    assert {_take(session, f"Rater {number}").claim for number in range(16)} == {claim.id for claim in alike}


def test_asking_again_gives_the_same_question_and_prolongs_the_lease(session: Session) -> None:
    fill_queue(session, flat_graph(3))
    first, again = _take(session, "Ada"), _take(session, "Ada", 200)
    assert again.token == first.token and again.expires_at == first.expires_at + timedelta(seconds=200)


def test_a_lease_that_ran_out_frees_the_question(session: Session) -> None:
    fill_queue(session, flat_graph(1))
    held = _take(session, "Ada")
    assert next_question(session, get_rater(session, "Bob", NOW), later(299)) is None
    assert _take(session, "Bob", 300).claim == held.claim
    with pytest.raises(LeaseLostError):
        _say(session, "Ada", held.token)
    assert session.exec(select(Answer)).all() == []


def test_a_late_answer_counts_if_nobody_took_the_question(session: Session) -> None:
    fill_queue(session, flat_graph(1))
    token = _take(session, "Ada").token
    answer = submit_answer(session, token, get_rater(session, "Ada", NOW), "yes", None, later(9999))
    assert answer.prob == 1.0 and _open(session) == []


def test_a_released_question_goes_to_the_next_rater(session: Session) -> None:
    fill_queue(session, flat_graph(1))
    held = _take(session, "Ada")
    release(session, held.token)
    release(session, held.token)
    assert _take(session, "Bob").claim == held.claim


def test_an_answer_keeps_what_was_known_when_it_was_asked(session: Session) -> None:
    fill_queue(session, flat_graph(1))
    record_belief(session, get_claim(session, "p0"), "m1", "direct", 0.4, 3, NOW)
    leased = _take(session, "Ada")
    record_belief(session, get_claim(session, "p0"), "m2", "direct", 0.6, 3, later(1))
    get_claim(session, "p0").prior = 0.5
    rerank(session, priors_only, NOW)
    answer = _say(session, "Ada", leased.token, "probability", 0.7)
    assert (answer.kind, answer.prob, answer.generation) == ("probability", 0.7, "m1")
    worth = 0.05 * 0.95 * float(share_resolved(0.05, TRUSTED_RATER))
    assert (answer.value_when_asked, answer.prob_before) == (leased.value, leased.prob) == (worth, 0.05)


def test_the_same_token_stores_one_answer(session: Session) -> None:
    fill_queue(session, flat_graph(2))
    token = _take(session, "Ada").token
    first = _say(session, "Ada", token, "yes")
    assert _say(session, "Ada", token, "no").id == first.id
    assert [answer.kind for answer in session.exec(select(Answer))] == ["yes"]


def test_somebody_elses_token_is_refused(session: Session) -> None:
    fill_queue(session, flat_graph(2))
    token = _take(session, "Ada").token
    with pytest.raises(LeaseLostError):
        _say(session, "Bob", token)
    _say(session, "Ada", token)
    with pytest.raises(LeaseLostError):
        _say(session, "Bob", token)


def test_who_cannot_say_is_not_asked_again_but_others_are(session: Session) -> None:
    fill_queue(session, flat_graph(1))
    assert _say(session, "Ada", _take(session, "Ada").token, "cannot_say").prob is None
    assert next_question(session, get_rater(session, "Ada", NOW), NOW) is None
    _say(session, "Bob", _take(session, "Bob").token, "no")
    rerank(session, priors_only, NOW)
    assert _open(session) == []  # an answered question is not opened again


@pytest.mark.parametrize(
    "kind, prob",
    [("probability", None), ("probability", 1.1), ("probability", float("nan")), ("yes", 0.5), ("maybe", None)],
)
def test_answers_that_make_no_sense_are_refused(session: Session, kind: str, prob: float | None) -> None:
    fill_queue(session, flat_graph(1))
    token = _take(session, "Ada").token
    with pytest.raises(ValueError):
        _say(session, "Ada", token, kind, prob)
    assert session.exec(select(Lease)).one().token == token


@pytest.mark.parametrize("act", ["UPDATE answer SET kind = 'no'", "DELETE FROM answer"])
def test_answers_are_append_only(engine: Engine, act: str) -> None:
    with session_scope(engine) as session:
        fill_queue(session, flat_graph(1))
        _say(session, "Ada", _take(session, "Ada").token)
    with pytest.raises(IntegrityError, match="append-only"), engine.begin() as connection:
        connection.execute(text(act))


def test_sixteen_raters_at_once_never_share_a_question(engine: Engine) -> None:
    with session_scope(engine) as session:
        fill_queue(session, flat_graph(96))

    def work(number: int) -> int:
        answered = 0
        while True:
            with session_scope(engine) as session:
                rater = get_rater(session, f"Rater {number}", NOW)
                leased = next_question(session, rater, NOW)
            if leased is None:
                return answered
            with session_scope(engine) as session:  # where nobody else got it, the lease is still there to answer with
                submit_answer(session, leased.token, rater, "yes", None, NOW)
            answered += 1

    with ThreadPoolExecutor(16) as pool:
        assert sum(pool.map(work, range(16))) == 96
    with read_scope(engine) as session:
        answers = session.exec(select(Answer)).all()
        assert len({answer.question_id for answer in answers}) == len(answers) == 96


def test_a_killed_process_loses_no_acknowledged_answer(engine: Engine) -> None:
    with session_scope(engine) as session:
        fill_queue(session, flat_graph(400))
    command = [sys.executable, "-m", "tests.store._answer_forever", engine.url.render_as_string(hide_password=False)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        tokens = [process.stdout.readline().strip() for _ in range(20)]
        process.send_signal(signal.SIGKILL)
        tokens += process.stdout.read().split("\n")[:-1]  # whole lines only
    assert process.returncode == -signal.SIGKILL
    with read_scope(engine) as session:
        assert set(tokens) <= set(session.exec(select(Answer.token)))
        answered = session.exec(select(Question).where(Question.status == "answered")).all()
        assert len(answered) == len(session.exec(select(Answer)).all())  # no half of an act


@pytest.fixture
def measured(session: Session) -> Session:
    """A queue with two quantities; the density of jelly, which decides both roots, stands first."""
    save_graph(session, jelly_graph(), NOW)
    rerank(session, propagate, NOW, quantity_worths)
    return session


def _measure(session: Session, name: str, token: str, number: tuple[float, float] | None) -> Answer:
    return submit_answer(session, token, get_rater(session, name, NOW), "number", None, NOW, number=number)


def test_quantities_stand_in_the_queue_by_what_they_are_worth(measured: Session) -> None:
    asked = open_questions(measured, NOW)
    assert [(one.quantity or one.claim, one.prob is None) for one in asked][:2] == [("jelly", True), ("light", False)]
    assert {one.quantity or one.claim for one in asked} == {"jelly", "milk", "light", "heavy"}
    worths = quantity_worths(load_graph(measured))
    assert {one.quantity: one.value for one in asked if one.quantity} == worths
    leased = _take(measured, "Ada")
    assert (leased.quantity, leased.claim, leased.prob, leased.text) == ("jelly", None, None, "The density of jelly")


def test_a_number_moves_the_root_and_closes_its_question(measured: Session) -> None:
    before = propagate(load_graph(measured)).prob[0]
    answer = _measure(measured, "Ada", _take(measured, "Ada").token, (0.9, 0.02))
    assert (answer.kind, answer.number, answer.sd, answer.prob, answer.claim_id) == ("number", 0.9, 0.02, None, None)
    result = rerank(measured, propagate, NOW, quantity_worths)
    assert load_graph(measured).measurements == (Measurement("jelly", 1.0, 0.2), Measurement("jelly", 0.9, 0.02))
    assert load_graph(measured, with_answers=False).measurements == jelly_graph().measurements
    assert result.prob[0] > 0.9 > 0.3 > before
    assert all(one.quantity != "jelly" for one in open_questions(measured, NOW))


def test_a_quantity_without_worth_is_withdrawn_and_only_by_who_can_tell(measured: Session) -> None:
    rerank(measured, propagate, NOW)
    assert "jelly" in {one.quantity for one in open_questions(measured, NOW)}
    rerank(measured, propagate, NOW, lambda graph: {"milk": 1.0})
    assert [one.quantity for one in open_questions(measured, NOW) if one.quantity] == ["milk"]


def test_who_cannot_say_a_number_leaves_it_to_others(measured: Session) -> None:
    token = _take(measured, "Ada").token
    assert _say(measured, "Ada", token, "cannot_say").quantity_id == 1
    assert _take(measured, "Ada").claim == "light" and _take(measured, "Bob").quantity == "jelly"


@pytest.mark.parametrize("number", [None, (float("nan"), 1.0), (1.0, 0.0), (1.0, -1.0), (1e200, 1.0)])
def test_numbers_that_make_no_sense_are_refused(measured: Session, number: tuple[float, float] | None) -> None:
    token = _take(measured, "Ada").token
    with pytest.raises(ValueError):
        _measure(measured, "Ada", token, number)
    with pytest.raises(ValueError, match="does not go with this question"):
        _say(measured, "Ada", token, "yes")
    assert measured.exec(select(Answer)).all() == []


def test_a_claim_takes_no_number(session: Session) -> None:
    fill_queue(session, flat_graph(1))
    with pytest.raises(ValueError, match="does not go with this question"):
        _measure(session, "Ada", _take(session, "Ada").token, (1.0, 1.0))


def test_a_number_that_cannot_be_is_refused(measured: Session) -> None:
    rerank(measured, propagate, NOW, lambda graph: {"milk": 1.0})
    token = _take(measured, "Ada").token
    with pytest.raises(ImpossibleNumberError, match="rules out 5 give or take 0.01"):
        _measure(measured, "Ada", token, (5.0, 0.01))
    assert _measure(measured, "Ada", token, (1.05, 0.01)).sd == 0.01
    propagate(load_graph(measured))


def test_a_rater_outlives_the_session(engine: Engine) -> None:
    with session_scope(engine) as session:
        fill_queue(session, flat_graph(1))
        rater: Rater = get_rater(session, "Ada", NOW)
        next_question(session, rater, NOW)
    assert rater.name == "Ada"
