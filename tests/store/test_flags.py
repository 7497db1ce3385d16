"""Reasons for skipping, flags, questions that are held for them, and what a reviewer decides."""

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, select

from store.claims import get_claim
from store.corrections import override, take_back
from store.database import session_scope
from store.drafts import Typed, load_draft
from store.errors import FlagError, LeaseLostError, NotAllowedError
from store.flags import FlagKind, flag, list_flags, resolve
from store.history import history
from store.queue import LeasedQuestion, Reason, next_question, open_questions, release, submit_answer
from store.ranking import rerank
from store.raters import get_rater
from store.tables import Answer, Flag, Question, Rater
from tests.store.factories import NOW, fill_queue, flat_graph, later, priors_only


@pytest.fixture
def ada(session: Session) -> Rater:
    fill_queue(session, flat_graph(2))
    return get_rater(session, "Ada", NOW)


def _take(session: Session, rater: Rater, seconds: float = 0) -> LeasedQuestion:
    leased = next_question(session, rater, later(seconds))
    assert leased is not None
    return leased


def _flag(session: Session, name: str, kind: FlagKind, note: str = "") -> Flag:
    rater = get_rater(session, name, NOW)
    return flag(session, _take(session, rater).token, rater, kind, NOW, note)


def _status(session: Session, question_id: int) -> str:
    session.expire_all()
    return session.get_one(Question, question_id).status


@pytest.mark.parametrize("reason", ["unknown", "unclear", "too_long", None])
def test_a_reason_for_skipping_is_kept(session: Session, ada: Rater, reason: Reason | None) -> None:
    token = _take(session, ada).token
    assert submit_answer(session, token, ada, "cannot_say", None, NOW, reason=reason).reason == reason
    assert [one.reason for one in history(session, None).events] == [reason]


@pytest.mark.parametrize(("kind", "reason"), [("yes", "unknown"), ("cannot_say", "bored")])
def test_a_reason_goes_with_skipping_only(session: Session, ada: Rater, kind: str, reason: str) -> None:
    token = _take(session, ada).token
    with pytest.raises(ValueError, match="does not go with the reason"):
        submit_answer(session, token, ada, kind, None, NOW, reason=reason)  # type: ignore[arg-type]
    assert session.exec(select(Answer)).all() == []


def test_a_harmful_question_is_held_at_once(session: Session, ada: Rater) -> None:
    flagged = _flag(session, "Ada", "harmful", "Look.")
    answer = session.get_one(Answer, flagged.answer_id)
    assert (answer.kind, answer.note, flagged.note, flagged.rater_id) == ("cannot_say", "Look.", "Look.", ada.id)
    assert _status(session, flagged.question_id) == "held"
    assert [one.question_id for one in open_questions(session, NOW)] != [flagged.question_id]
    rerank(session, priors_only, later(1))
    assert _status(session, flagged.question_id) == "held"
    assert _take(session, get_rater(session, "Bob", NOW)).question_id != flagged.question_id


def test_two_raters_hold_a_question_whatever_they_find(session: Session, ada: Rater) -> None:
    first = _flag(session, "Ada", "ambiguous")
    assert _status(session, first.question_id) == "open"
    second = _flag(session, "Bob", "needs_expert")
    assert second.question_id == first.question_id and _status(session, first.question_id) == "held"


def test_a_token_flags_once(session: Session, ada: Rater) -> None:
    token = _take(session, ada).token
    first, second = (flag(session, token, ada, kind, NOW) for kind in ("ambiguous", "harmful"))
    assert first.id == second.id and second.kind == "ambiguous"
    with pytest.raises(ValueError, match="A flag's kind is one of"):
        flag(session, token, ada, "dull", NOW)  # type: ignore[arg-type]


def test_an_answered_question_is_not_flagged_with_the_same_token(session: Session, ada: Rater) -> None:
    token = _take(session, ada).token
    submit_answer(session, token, ada, "cannot_say", None, NOW)
    with pytest.raises(FlagError, match="undo the answer first"):
        flag(session, token, ada, "harmful", NOW)
    assert session.exec(select(Flag)).all() == []


def test_a_flag_that_comes_too_late_is_a_draft(session: Session, ada: Rater) -> None:
    leased = _take(session, ada)
    release(session, leased.token)
    with pytest.raises(LeaseLostError):
        flag(session, leased.token, ada, "harmful", NOW, "Look.")
    assert load_draft(session, ada, leased.question_id) == Typed("cannot_say", note="Look.")
    assert session.exec(select(Flag)).all() == []


def test_undo_takes_the_flag_back(session: Session, ada: Rater) -> None:
    flagged = _flag(session, "Ada", "harmful")
    again = take_back(session, ada, NOW)
    assert again is not None and again.question_id == flagged.question_id
    assert _status(session, flagged.question_id) == "open" and list_flags(session, None) == []
    assert [one.flag for one in history(session, None).events] == ["harmful", None]  # both at once


def test_what_others_flagged_too_stays_held_after_an_undo(session: Session, ada: Rater) -> None:
    bob = get_rater(session, "Bob", NOW)
    late = _take(session, bob)
    submit_answer(session, _take(session, ada).token, ada, "cannot_say", None, NOW)
    flag(session, late.token, bob, "harmful", NOW)
    flagged = _flag(session, "Cleo", "harmful")
    assert flagged.question_id != late.question_id
    take_back(session, ada, NOW)
    assert _status(session, late.question_id) == _status(session, flagged.question_id) == "held"


def test_who_looks_at_a_question_that_is_held_meanwhile_may_answer_it(session: Session, ada: Rater) -> None:
    leased = _take(session, ada)
    session.get_one(Question, leased.question_id).wanted = 2
    flagged = _flag(session, "Bob", "harmful")
    assert flagged.question_id == leased.question_id
    assert submit_answer(session, leased.token, ada, "yes", None, NOW).prob == 1.0
    assert _status(session, leased.question_id) == "held"


def test_a_reload_does_not_show_what_is_held_meanwhile(session: Session, ada: Rater) -> None:
    leased = _take(session, ada)
    session.get_one(Question, leased.question_id).wanted = 2
    _flag(session, "Bob", "harmful")
    assert _take(session, ada, 1).question_id != leased.question_id


def test_a_reviewer_decides(session: Session, ada: Rater) -> None:
    flagged = _flag(session, "Ada", "harmful", "Look.")
    (seen,) = list_flags(session, None)
    assert (seen.kind, seen.rater, seen.note, seen.is_held, seen.resolution) == ("harmful", "Ada", "Look.", True, None)
    with pytest.raises(NotAllowedError):
        resolve(session, flagged.question_id, True, ada, NOW)
    with pytest.raises(NotAllowedError):
        list_flags(session, ada)
    ada.role = "reviewer"
    decided = resolve(session, flagged.question_id, True, ada, later(1), "It is fine.")
    assert _status(session, flagged.question_id) == "open"
    (seen,) = list_flags(session, ada)
    assert seen.resolution == decided and not seen.is_held and decided.rater_id == ada.id


def test_what_is_kept_out_stays_held_until_somebody_decides_otherwise(session: Session, ada: Rater) -> None:
    flagged = _flag(session, "Ada", "ambiguous")
    resolve(session, flagged.question_id, False, None, NOW)
    rerank(session, priors_only, NOW)
    take_back(session, ada, NOW)
    assert _status(session, flagged.question_id) == "held"
    resolve(session, flagged.question_id, True, None, NOW)
    assert _status(session, flagged.question_id) == "open"


def test_a_question_put_back_can_be_flagged_and_held_again(session: Session, ada: Rater) -> None:
    first = _flag(session, "Ada", "harmful")
    resolve(session, first.question_id, True, None, NOW)
    second = _flag(session, "Bob", "harmful")
    assert second.question_id == first.question_id and _status(session, first.question_id) == "held"
    assert [one.resolution is None for one in list_flags(session, None)] == [True, False]


def test_an_override_does_not_lift_the_hold(session: Session, ada: Rater) -> None:
    flagged = _flag(session, "Ada", "harmful")
    ada.role = "reviewer"
    override(session, get_claim(session, "p1"), 0.9, ada, NOW)
    assert _status(session, flagged.question_id) == "held"
    resolve(session, flagged.question_id, True, None, NOW)
    assert _status(session, flagged.question_id) == "answered"


def test_without_a_flag_there_is_nothing_to_decide(session: Session, ada: Rater) -> None:
    with pytest.raises(FlagError, match="Nobody has flagged"):
        resolve(session, _take(session, ada).question_id, True, None, NOW)


@pytest.mark.parametrize("table", ["flag", "resolution"])
@pytest.mark.parametrize("act", ["UPDATE {} SET note = 'x'", "DELETE FROM {}"])
def test_flags_and_decisions_are_append_only(engine: Engine, table: str, act: str) -> None:
    with session_scope(engine) as session:
        fill_queue(session, flat_graph(1))
        resolve(session, _flag(session, "Ada", "harmful").question_id, True, None, NOW)
    with pytest.raises(IntegrityError, match=f"{table}s are append-only"), engine.begin() as connection:
        connection.execute(text(act.format(table)))
