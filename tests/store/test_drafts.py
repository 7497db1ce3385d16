import pytest
from sqlmodel import Session, select

from store.drafts import Typed, list_drafts, load_draft, save_draft
from store.errors import LeaseLostError
from store.queue import next_question, release, submit_answer
from store.raters import get_rater
from store.tables import Answer, Rater
from tests.store.factories import NOW, fill_queue, flat_graph, later


@pytest.fixture
def ada(session: Session) -> Rater:
    fill_queue(session, flat_graph(2))
    return get_rater(session, "Ada", NOW)


def test_a_draft_is_kept_until_it_is_handed_in(session: Session, ada: Rater) -> None:
    leased = next_question(session, ada, NOW)
    assert leased is not None and load_draft(session, ada, leased.question_id) is None
    save_draft(session, ada, leased.question_id, Typed(note="hm"), NOW)
    typed = Typed("probability", 0.7, (1.0, 0.5), "perhaps")
    save_draft(session, ada, leased.question_id, typed, later(1))
    assert load_draft(session, ada, leased.question_id) == typed
    submit_answer(session, leased.token, ada, "yes", None, later(2))
    assert load_draft(session, ada, leased.question_id) is None


def test_drafts_are_their_raters_own_and_listed_newest_first(session: Session, ada: Rater) -> None:
    bob = get_rater(session, "Bob", NOW)
    save_draft(session, ada, 1, Typed(note="first"), NOW)
    save_draft(session, ada, 2, Typed(note="then"), later(1))
    assert list_drafts(session, ada) == [(2, Typed(note="then")), (1, Typed(note="first"))]
    assert list_drafts(session, bob) == [] and load_draft(session, bob, 1) is None


@pytest.mark.parametrize("loss", ["ended", "released"])
def test_what_came_too_late_is_kept_as_a_draft(session: Session, ada: Rater, loss: str) -> None:
    bob, leased = get_rater(session, "Bob", NOW), next_question(session, ada, NOW)
    assert leased is not None
    if loss == "released":
        release(session, leased.token)
    next_question(session, bob, later(300))
    with pytest.raises(LeaseLostError, match="what you said is kept as a draft"):
        submit_answer(session, leased.token, ada, "probability", 0.7, later(301), "A\0 note.")
    assert load_draft(session, ada, leased.question_id) == Typed("probability", 0.7, None, r"'A\x00 note.'")
    assert session.exec(select(Answer)).all() == []


@pytest.mark.parametrize("token", ["", "1", "x-y", "99-abc", "9999999999-abc", "²-abc"])
def test_a_token_of_no_question_is_refused(session: Session, ada: Rater, token: str) -> None:
    with pytest.raises(LeaseLostError):
        submit_answer(session, token, ada, "yes", None, NOW)
