from datetime import timedelta

from sqlmodel import Session, select

from store.queue import next_question
from store.raters import get_rater
from store.sittings import begin, end, is_stale, prolong, whose
from store.tables import Lease, Sitting
from tests.store.factories import NOW, fill_queue, flat_graph

MONTH = timedelta(days=30)
HOUR = timedelta(hours=1)


def test_a_token_is_its_raters_for_a_month_and_kept_as_a_hash(session: Session) -> None:
    ada = get_rater(session, "Ada", NOW)
    token = begin(session, ada, NOW)
    found = whose(session, token, NOW + MONTH - HOUR)
    assert found is not None and found.id == ada.id
    assert whose(session, token, NOW + MONTH) is None and whose(session, "none", NOW) is None
    assert token not in repr(session.exec(select(Sitting)).all())


def test_visits_prolong_it_once_an_hour(session: Session) -> None:
    token = begin(session, get_rater(session, "Ada", NOW), NOW)
    assert not is_stale(session, token, NOW + 0.9 * HOUR) and is_stale(session, token, NOW + HOUR)
    prolong(session, token, NOW + HOUR)
    assert whose(session, token, NOW + MONTH) is not None and not is_stale(session, token, NOW + HOUR)


def test_what_ended_cannot_be_prolonged(session: Session) -> None:
    token = begin(session, get_rater(session, "Ada", NOW), NOW)
    prolong(session, token, NOW + MONTH)
    assert whose(session, token, NOW + MONTH) is None
    begin(session, get_rater(session, "Ben", NOW), NOW + MONTH)
    assert len(session.exec(select(Sitting)).all()) == 1  # old ones go


def test_ending_one_leaves_others_and_gives_the_question_back(session: Session) -> None:
    fill_queue(session, flat_graph(2))
    ada = get_rater(session, "Ada", NOW)
    one, other = begin(session, ada, NOW), begin(session, ada, NOW)
    next_question(session, ada, NOW)
    end(session, one)
    end(session, one)
    assert whose(session, one, NOW) is None and whose(session, other, NOW) is not None
    assert not session.exec(select(Lease)).all()
