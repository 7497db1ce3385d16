"""Who did what and when, a page at a time."""

import pytest
from sqlmodel import Session

from store import roles
from store.claims import get_claim
from store.corrections import override, take_back
from store.errors import NotAllowedError
from store.flags import flag, resolve
from store.history import Event, history
from store.queue import LeasedQuestion, next_question, submit_answer
from store.raters import get_rater
from store.tables import Rater
from tests.store.factories import NOW, fill_queue, flat_graph, later


@pytest.fixture
def boss(session: Session) -> Rater:
    """What each kind of event left: Ada answers, flags and takes back, and the boss decides about it and about her."""
    fill_queue(session, flat_graph(6))
    boss, ada = get_rater(session, "Boss", NOW), get_rater(session, "Ada", NOW)
    boss.role = "administrator"
    submit_answer(session, _take(session, ada).token, ada, "yes", None, later(1), "Seen.", source="https://a.b/")
    submit_answer(session, _take(session, ada).token, ada, "no", None, later(2))
    take_back(session, ada, later(3), "Misread.")
    flagged = flag(session, _take(session, ada).token, ada, "harmful", later(4), "No.")
    resolve(session, flagged.question_id, False, boss, later(5), "Quite.")
    resolve(session, flagged.question_id, True, boss, later(6), "After all.")
    override(session, get_claim(session, "p0"), 1.0, boss, later(7), "Known.")
    override(session, get_claim(session, "p0"), None, boss, later(8))
    roles.pause(session, ada, "Guessed.", boss, later(9), dismiss_answers=True)
    roles.count_again(session, ada, "A slip.", None, later(10))
    return boss


def _take(session: Session, rater: Rater) -> LeasedQuestion:
    leased = next_question(session, rater, NOW)
    assert leased is not None
    return leased


def _short(event: Event) -> tuple[object, ...]:
    return event.rater, event.deed, event.claim or event.whom, event.note


def test_everything_that_was_done_is_listed(session: Session, boss: Rater) -> None:
    events = history(session, boss).events
    assert [_short(one) for one in events] == [
        (None, "reinstated", "Ada", "A slip."),
        ("Boss", "dismissed", "Ada", "Guessed."),
        (None, "paused", "Ada", "Guessed."),
        ("Boss", "lifted", "p0", ""),
        ("Boss", "overrode", "p0", "Known."),
        ("Boss", "queued_again", "p4", "After all."),
        ("Boss", "set_aside", "p4", "Quite."),
        ("Ada", "answered", "p4", "No."),
        ("Ada", "took_back", "p4", "Misread."),
        ("Ada", "answered", "p4", ""),
        ("Ada", "answered", "p5", "Seen."),
    ]
    assert (events[7].flag, events[7].kind, events[-1].source) == ("harmful", "cannot_say", "https://a.b/")


@pytest.mark.parametrize("limit", [1, 2, 3, 10, 11])
def test_pages_have_each_event_once_whatever_comes_meanwhile(session: Session, boss: Rater, limit: int) -> None:
    whole, found, older = history(session, boss).events, [], None
    for number in range(20):
        page = history(session, boss, limit, older=older)
        found += page.events
        override(session, get_claim(session, "p1"), None, boss, later(100 + number))
        if (older := page.older) is None:
            break
    assert tuple(found) == whole


def test_raters_paused_at_one_moment_are_on_different_pages(session: Session, boss: Rater) -> None:
    for name in ("X", "Y", "Z"):
        roles.pause(session, get_rater(session, name, NOW), "Gone.", boss, later(50))
    first = history(session, boss, 2)
    second = history(session, boss, 1, older=first.older)
    assert [one.whom for one in (*first.events, *second.events)] == ["Z", "Y", "X"]


def test_a_raters_and_a_claims_events(session: Session, boss: Rater) -> None:
    whole = history(session, boss).events
    assert history(session, boss, rater="Ada").events == tuple(one for one in whole if "Ada" in (one.rater, one.whom))
    assert history(session, boss, claim="p4").events == tuple(one for one in whole if one.claim == "p4")
    assert len(history(session, boss, rater="Boss", claim="p4").events) == 2


def test_history_is_for_reviewers(session: Session, boss: Rater) -> None:
    with pytest.raises(NotAllowedError, match="Only a reviewer"):
        history(session, get_rater(session, "Eve", NOW))
