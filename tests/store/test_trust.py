"""Whom the store believes: what answers tell of raters, what that does to labels, and who is paused."""

import random
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pandas as pd
import pytest
from crowdkit.aggregation import DawidSkene
from sqlalchemy import Engine
from sqlmodel import Session, col, select

from argtree.evidence import answer_likelihood, product_likelihood
from argtree.graph import ArgumentGraph, Claim
from argtree.reliability import STRANGER, VOUCHED, Beta, RaterReliability
from argtree.value import value_of_information
from store import gold, roles, trust
from store.answers import labels
from store.claims import get_claim
from store.corrections import override, take_back
from store.database import session_scope
from store.errors import LeaseLostError, PausedError
from store.graphs import load_graph, save_graph
from store.queue import AnswerKind, LeasedQuestion, next_question, release, submit_answer
from store.ranking import rerank
from store.raters import get_rater
from store.reliabilities import reliability_of
from store.tables import Answer, Question, Rater
from tests.store.factories import NOW, flat_graph, later, priors_only


def _rater(session: Session, name: str, *, vouched: bool = False) -> Rater:
    rater = get_rater(session, name, NOW)
    rater.vouched = vouched
    session.add(rater)
    session.flush()
    return rater


def _fill(session: Session, questions: int, wanted: int = 1) -> None:
    save_graph(session, flat_graph(questions), NOW)
    rerank(session, priors_only, NOW, wanted=wanted)


def _take(session: Session, rater: Rater, share: float = 0.0) -> LeasedQuestion:
    leased = next_question(session, rater, NOW, gold_share=share)
    assert leased is not None
    return leased


def _say(session: Session, rater: Rater, kind: AnswerKind, share: float = 0.0, seconds: float = 9) -> Answer:
    return submit_answer(session, _take(session, rater, share).token, rater, kind, None, later(seconds))


def _question(session: Session, question_id: int) -> Question:
    return session.exec(select(Question).where(Question.id == question_id)).one()


def test_a_proven_raters_answer_moves_the_graph_more_than_a_strangers(session: Session) -> None:
    _fill(session, 2, wanted=2)
    owner, stranger = _rater(session, "Owner", vouched=True), _rater(session, "New")
    said = _say(session, stranger, "yes")
    assert load_graph(session).evidence == {"p1": answer_likelihood(1.0, STRANGER.mean)}
    assert _say(session, owner, "yes").claim_id == said.claim_id
    both = product_likelihood([(1.0, STRANGER.mean), (1.0, VOUCHED.mean)])
    assert load_graph(session).evidence == {"p1": pytest.approx(both)}


def test_a_question_stays_open_until_those_who_agree_could_settle_it(session: Session) -> None:
    _fill(session, 1)
    for name in "ABCD":
        question_id = _say(session, _rater(session, name), "yes").question_id
        assert _question(session, question_id).status == "open"
    _say(session, _rater(session, "E"), "yes")
    assert _question(session, question_id).status == "answered" and labels(session)["p0"] == pytest.approx(32 / 33)


@pytest.mark.filterwarnings("ignore")  # crowd-kit's own, of pandas
def test_reliabilities_are_those_of_crowd_kit_where_much_is_known(session: Session) -> None:
    rng = random.Random(1)
    claims = tuple(Claim(f"c{i}", f"Claim {i}.", 0.5, askable=True) for i in range(240))
    save_graph(session, ArgumentGraph(claims, ()), NOW)
    rates = {"A": 0.95, "B": 0.9, "C": 0.85, "D": 0.7}
    raters = {name: _rater(session, name) for name in rates}
    truth = {claim.id: rng.random() < 0.5 for claim in claims}
    rows = [(key, name, truth[key] == (rng.random() < rates[name])) for key in truth for name in rates]
    _store(session, [(key, raters[name], said) for key, name, said in rows])
    trust.fit(session, NOW)
    said = [(key, name, "yes" if is_yes else "no") for key, name, is_yes in rows]
    fitted = DawidSkene(n_iter=100).fit(pd.DataFrame(said, columns=["task", "worker", "label"]))
    for name, rater in raters.items():
        known, errors = reliability_of(session, rater.id or 0), fitted.errors_
        assert known.sensitivity.mean == pytest.approx(errors.loc[(name, "yes"), "yes"], abs=0.03)
        assert known.specificity.mean == pytest.approx(errors.loc[(name, "no"), "no"], abs=0.03)
    label = labels(session)
    right = sum((label[key] > 0.5) == truth[key] for key in truth)
    assert right >= sum((fitted.labels_[key] == "yes") == truth[key] for key in truth) - 2


def test_who_answers_alone_stays_as_they_were_taken_to_be(session: Session) -> None:
    _fill(session, 30)
    owner = _rater(session, "Owner", vouched=True)
    for _ in range(25):
        _say(session, owner, "yes")
    rerank(session, priors_only, NOW)
    assert reliability_of(session, owner.id or 0) == VOUCHED and labels(session)["p29"] == pytest.approx(0.97)


def test_the_best_question_is_the_one_worth_most_from_that_rater(session: Session) -> None:
    _fill(session, 40, wanted=2)
    picky, plain = _rater(session, "Picky"), _rater(session, "Plain", vouched=True)
    known = RaterReliability(Beta(99, 1), Beta(2, 2))  # a no from them says much, a yes little
    trust._write(session, {picky.id or 0: known}, NOW)
    for rater, reliability in ((picky, known.mean), (plain, VOUCHED.mean)):
        asked = session.exec(select(Question).where(Question.status == "open")).all()
        worth = {}
        for one in asked:
            assert one.prob is not None
            difference = (one.value / (one.prob * (1 - one.prob))) ** 0.5
            worth[one.id] = float(value_of_information("variance_reduction", one.prob, 0.5, difference, reliability))
        leased = _take(session, rater)
        assert leased.question_id == max(worth, key=lambda one: worth[one])
        assert leased.value == pytest.approx(worth[leased.question_id])


def _settle(session: Session, questions: int) -> Rater:
    _fill(session, questions + 2)
    owner = _rater(session, "Owner", vouched=True)
    for number in range(questions):
        _say(session, owner, "yes" if number % 2 else "no")
    return owner


def test_a_gold_question_looks_as_it_did_and_counts_for_the_rater_only(session: Session) -> None:
    _settle(session, 1)
    new = _rater(session, "New")
    first = session.exec(select(Answer)).one()
    graph, question = load_graph(session), _question(session, first.question_id).model_dump()
    leased = _take(session, new, share=1.0)
    assert leased.is_gold and (leased.question_id, leased.prob) == (first.question_id, first.prob_before)
    assert next_question(session, new, later(1)).token == leased.token  # type: ignore[union-attr]
    answer = submit_answer(session, leased.token, new, "yes", None, later(9))
    assert (answer.is_gold, answer.seconds) == (True, 9.0)
    assert load_graph(session) == graph and _question(session, first.question_id).model_dump() == question
    known = reliability_of(session, new.id or 0)
    assert known.specificity.mean < STRANGER.specificity.mean  # it was a no
    assert not _take(session, new, share=1.0).is_gold  # there is no other one


def test_gold_questions_are_for_those_for_whom_nobody_vouches(session: Session) -> None:
    owner = _settle(session, 9)
    new = _rater(session, "New")
    assert (gold.share(session, owner), gold.share(session, new)) == (0.0, gold.FIRST_SHARE)
    for _ in range(gold.FIRST_COUNT):
        assert gold.share(session, new) == gold.FIRST_SHARE
        _say(session, new, "yes", share=1.0)
    assert gold.share(session, new) == gold.STEADY_SHARE
    new.role = "reviewer"
    assert gold.share(session, new) == 0.0


def test_a_gold_answer_can_be_taken_back_and_given_again(session: Session) -> None:
    _settle(session, 1)
    new = _rater(session, "New")
    first = _say(session, new, "no", share=1.0)
    again = take_back(session, new, later(10))
    assert again is not None and again.is_gold and again.question_id == first.question_id
    assert submit_answer(session, again.token, new, "yes", None, later(12)).is_gold


def test_a_gold_question_cannot_be_told_by_giving_it_back_or_by_an_empty_queue(session: Session) -> None:
    _settle(session, 9)
    new = _rater(session, "New")
    first = _take(session, new, share=1.0)
    assert first.is_gold
    for _ in range(3):
        release(session, first.token)
        again = next_question(session, new, later(9999), gold_share=0.0)  # long after: the best question does the same
        assert again is not None and again.question_id == first.question_id and again.token != first.token
        with pytest.raises(LeaseLostError):
            submit_answer(session, first.token, new, "yes", None, later(9999))
        first = again
    submit_answer(session, first.token, new, "yes", None, later(9999))
    while (leased := next_question(session, new, NOW, gold_share=0.0)) is not None:
        submit_answer(session, leased.token, new, "cannot_say", None, later(9))
    assert next_question(session, new, NOW, gold_share=1.0) is None


def _gold_wrong(session: Session, questions: int = 20) -> Rater:
    """A rater who contradicts whatever was settled, until they are paused."""
    _settle(session, questions)
    bad = _rater(session, "Bad")
    assert _say(session, bad, "yes").id is not None and "p1" in labels(session)
    while bad.paused_at is None:
        leased = _take(session, bad, share=1.0)
        said = labels(session)[leased.claim or ""]
        submit_answer(session, leased.token, bad, "no" if said > 0.5 else "yes", None, later(9))
        session.refresh(bad)
    return bad


def test_who_fails_gold_questions_is_paused_and_told_and_counts_no_more(session: Session) -> None:
    bad = _gold_wrong(session)
    assert bad.paused_reason is not None and bad.paused_reason.startswith("Better than chance")
    with pytest.raises(PausedError, match="Better than chance"):
        next_question(session, bad, NOW)
    tried = session.exec(select(Answer).where(Answer.rater_id == bad.id, col(Answer.is_gold))).all()
    assert 6 <= len(tried) <= 16
    assert "p1" not in labels(session)
    question = session.exec(select(Question).where(Question.claim_id == get_claim(session, "p1").id)).one()
    assert question.status == "open" and _take(session, _rater(session, "Next")).claim == "p1"


def test_who_may_answer_again_begins_anew_and_dismissed_answers_can_be_restored(session: Session) -> None:
    bad = _gold_wrong(session)
    roles.resume(session, bad, None)
    assert reliability_of(session, bad.id or 0) == STRANGER and "p1" not in labels(session)
    assert _take(session, bad).claim == "p0"  # not the one that they have answered: that answer may come back
    roles.count_again(session, bad, "A slip of ours.", None, NOW)
    assert bad.paused_at is None and labels(session)["p1"] == pytest.approx(STRANGER.mean.sensitivity)


def test_nobody_is_checked_for_whom_somebody_vouches(session: Session) -> None:
    _settle(session, 12)
    known = _rater(session, "Known", vouched=True)
    for _ in range(12):
        _say(session, known, "yes", share=1.0, seconds=0)
    session.refresh(known)
    assert known.paused_at is None


def test_who_answers_faster_than_anybody_reads_is_paused(session: Session) -> None:
    _fill(session, 30)
    hasty = _rater(session, "Hasty")
    with pytest.raises(PausedError, match="less than 1 s"):
        for number in range(30):
            _say(session, hasty, "yes" if number % 2 else "no", seconds=0.4)


def test_who_always_says_the_same_is_found_by_the_crowd(session: Session) -> None:
    rng = random.Random(2)
    claims = tuple(Claim(f"c{i}", f"Claim {i}.", 0.5, askable=True) for i in range(40))
    save_graph(session, ArgumentGraph(claims, ()), NOW)
    raters = [_rater(session, name) for name in "ABC"] + [_rater(session, "Yes")]
    truth = [rng.random() < 0.5 for _ in claims]
    rows = [
        (claim, rater, right == (rng.random() < 0.95))
        for claim, right in zip(claims, truth, strict=True)
        for rater in raters
    ]
    _store(session, [(claim.id, rater, rater.name == "Yes" or said) for claim, rater, said in rows])
    trust.fit(session, NOW)
    assert [rater.name for rater in raters if rater.paused_at] == ["Yes"]
    assert raters[3].paused_reason is not None and "same answer" in raters[3].paused_reason


def test_an_override_is_truth_to_a_fit(session: Session) -> None:
    _fill(session, 20, wanted=1)
    right, wrong, boss = _rater(session, "R"), _rater(session, "W"), _rater(session, "Boss", vouched=True)
    boss.role = "reviewer"
    for _ in range(5):
        answer = _say(session, right, "yes")
        claim = session.exec(select(Question).where(Question.id == answer.question_id)).one().claim_id
        _say(session, wrong, "no") if _question(session, answer.question_id).status == "open" else None
        override(session, get_claim(session, _key(session, claim)), 1.0, boss, NOW)
    trust.fit(session, NOW)
    good, bad = (reliability_of(session, one.id or 0).sensitivity.mean for one in (right, wrong))
    assert good == pytest.approx((4 + 5) / (6 + 5), abs=0.01) and bad < STRANGER.sensitivity.mean


def _key(session: Session, claim_id: int | None) -> str:
    from store.tables import Claim as Row

    return session.exec(select(Row.key).where(Row.id == claim_id)).one()


def _store(session: Session, said: Iterable[tuple[str, Rater, bool]]) -> None:
    """Stores answers as they come, past the queue."""
    questions: dict[str, Question] = {}
    for number, (key, rater, is_yes) in enumerate(said):
        claim_id = get_claim(session, key).id
        if key not in questions:
            questions[key] = Question(claim_id=claim_id, value=0.1, prob=0.5, opened_at=NOW, ranked_at=NOW, wanted=4)
            session.add(questions[key])
            session.flush()
        session.add(
            Answer(
                question_id=questions[key].id or 0,
                claim_id=claim_id,
                rater_id=rater.id or 0,
                kind="yes" if is_yes else "no",
                prob=float(is_yes),
                answered_at=NOW,
                value_when_asked=0.1,
                prob_before=0.5,
                token=f"t{number}",
            )
        )
    session.commit()


def test_a_rater_at_chance_is_asked_all_the_same(session: Session) -> None:
    _fill(session, 20)
    coin = _rater(session, "Coin")
    trust._write(session, {coin.id or 0: RaterReliability(Beta(4, 4), Beta(4, 4))}, NOW)
    assert _take(session, coin).value == pytest.approx(0, abs=1e-12)


def test_a_role_that_is_believed_forgets_what_was_learnt_from_the_other_assumption(session: Session) -> None:
    new = _rater(session, "New")
    trust._write(session, {new.id or 0: RaterReliability(Beta(4, 3), Beta(4, 2))}, NOW)
    roles.set_role(session, new, "reviewer", None)
    assert reliability_of(session, new.id or 0) == VOUCHED


def test_an_answer_in_flight_comes_before_a_dismissal_or_not_at_all(engine: Engine) -> None:
    with session_scope(engine) as session:
        _fill(session, 30)
        names = [_rater(session, f"Rater {number}").name for number in range(6)]
        session.commit()

    def answer(name: str) -> None:
        with suppress(PausedError, LeaseLostError):
            for _ in range(4):
                with session_scope(engine) as session:
                    _say(session, get_rater(session, name, NOW), "yes")

    def dismiss(name: str) -> None:
        with session_scope(engine) as session:
            roles.pause(session, get_rater(session, name, NOW), "A test.", None, NOW, dismiss_answers=True)

    with ThreadPoolExecutor(12) as pool:
        list(pool.map(lambda act: act[0](act[1]), [(act, name) for name in names for act in (answer, dismiss)]))
    with session_scope(engine) as session:
        assert labels(session) == {}


def test_gold_answers_and_fits_at_once_lose_nothing(engine: Engine) -> None:
    with session_scope(engine) as session:
        _settle(session, 30)
        names = [_rater(session, f"Rater {number}").name for number in range(4)]
        session.commit()

    def answer(name: str) -> int:
        given = 0
        for _ in range(6):
            with session_scope(engine) as session:
                given += _say(session, get_rater(session, name, NOW), "yes", share=1.0).is_gold
        return given

    def fit(_: int) -> None:
        with session_scope(engine) as session:
            trust.fit(session, NOW)

    with ThreadPoolExecutor(6) as pool:
        fits = [pool.submit(fit, number) for number in range(8)]
        given = sum(pool.map(answer, names))
        for one in fits:
            one.result()
    with session_scope(engine) as session:
        assert len(session.exec(select(Answer).where(col(Answer.is_gold))).all()) == given > 10
