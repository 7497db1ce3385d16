"""What webhooks are told of labels, by whom, and how often it is tried."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

import pytest
from sqlalchemy import Engine
from sqlmodel import Session, col, select

from store.claims import get_claim
from store.corrections import override, take_back
from store.database import session_scope
from store.delivering import (
    LEASE_SECONDS,
    WAITS_SECONDS,
    Parcel,
    due_webhooks,
    note_delivered,
    note_trouble,
    take_parcel,
)
from store.errors import WebhookError
from store.outbox import Delivery, LabelEvent
from store.queue import next_question, submit_answer
from store.raters import get_rater
from store.tables import Answer
from store.webhooks import add_webhook, list_webhooks, remove_webhook
from tests.store.factories import NOW, fill_queue, flat_graph, later


@pytest.fixture
def webhook(session: Session) -> int:
    fill_queue(session, flat_graph(2))
    number, _ = add_webhook(session, "https://example.org/labels", NOW)
    return number


def _answer(session: Session, name: str = "Ada", kind: str = "yes", now: datetime = NOW) -> str:
    rater = get_rater(session, name, now)
    leased = next_question(session, rater, now)
    assert leased is not None and leased.claim is not None
    submit_answer(session, leased.token, rater, kind, None, now)  # type: ignore[arg-type]
    return leased.claim


def _override(session: Session, key: str, prob: float | None, now: datetime = NOW) -> None:
    reviewer = get_rater(session, "Rita", now)
    reviewer.role = "reviewer"
    override(session, get_claim(session, key), prob, reviewer, now)


def _told(session: Session) -> list[tuple[str, bool | None]]:
    """Returns the type of each event, and the side."""
    bodies = [json.loads(one) for one in session.exec(select(LabelEvent.body).order_by(col(LabelEvent.id)))]
    return [(body["type"], body["data"]["settled_to"]) for body in bodies]


def _take(session: Session, webhook: int, now: datetime = NOW) -> Parcel:
    parcel = take_parcel(session, webhook, now)
    assert parcel is not None
    return parcel


def test_an_answer_that_settles_a_label_is_told_with_it(session: Session, webhook: int) -> None:
    key = _answer(session)
    body = json.loads(_take(session, webhook).body)
    assert body["type"] == "label.settled" and body["timestamp"] == NOW.isoformat()
    said = {"claim": key, "text": get_claim(session, key).text, "label": pytest.approx(0.97), "settled_to": True}
    assert body["data"] == said


def test_each_side_is_told_once_and_so_is_that_a_label_is_settled_no_more(session: Session, webhook: int) -> None:
    key = _answer(session)
    _override(session, key, 0.99)
    assert _told(session) == [("label.settled", True)]
    _override(session, key, 0.0)
    _override(session, key, None)
    take_back(session, get_rater(session, "Ada", NOW), NOW)
    sides = [("label.settled", False), ("label.settled", True), ("label.unsettled", None)]
    assert _told(session) == [("label.settled", True), *sides]


def test_a_label_that_says_too_little_and_a_claim_never_asked_about(session: Session, webhook: int) -> None:
    rater = get_rater(session, "Ada", NOW)
    leased = next_question(session, rater, NOW)
    assert leased is not None
    submit_answer(session, leased.token, rater, "probability", 0.7, NOW)
    assert _told(session) == []
    _override(session, "r", 1.0)
    assert _told(session) == [("label.settled", True)]


def test_an_answer_that_is_not_stored_is_not_told(
    session: Session, webhook: int, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    rater = get_rater(session, "Ada", NOW)
    leased = next_question(session, rater, NOW)
    assert leased is not None

    def interrupt() -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt), session_scope(engine) as other:
        patched.setattr(other, "commit", interrupt)
        submit_answer(other, leased.token, rater, "yes", None, NOW)
    assert session.exec(select(Answer)).all() == [] and _told(session) == []


def test_a_delivery_is_its_senders_until_the_lease_ends(session: Session, webhook: int) -> None:
    _answer(session)
    first = _take(session, webhook)
    assert take_parcel(session, webhook, later(LEASE_SECONDS - 1)) is None
    again = _take(session, webhook, later(LEASE_SECONDS))
    assert (again.message_id, again.body) == (first.message_id, first.body)
    note_delivered(session, first)
    note_trouble(session, again, "No.", NOW)
    assert [(one.delivered, one.trouble) for one in list_webhooks(session)] == [(1, "")]


def test_deliveries_of_one_claim_wait_for_one_another_and_others_do_not(session: Session, webhook: int) -> None:
    key = _answer(session)
    other = _answer(session)
    _override(session, key, 0.0)
    held, next_one = _take(session, webhook), _take(session, webhook)
    assert [json.loads(one.body)["data"]["claim"] for one in (held, next_one)] == [key, other]
    assert take_parcel(session, webhook, NOW) is None
    note_delivered(session, held)
    assert json.loads(_take(session, webhook).body)["data"]["settled_to"] is False


def test_attempts_are_spread_over_days_and_then_given_up(session: Session, webhook: int) -> None:
    _answer(session)
    now, spent = NOW, 0.0
    for wait in WAITS_SECONDS:
        note_trouble(session, _take(session, webhook, now), "It said 500.", now)
        spent += wait
        now = later(spent)
        assert due_webhooks(session, later(spent - 1)) == [] and due_webhooks(session, now) == [webhook]
    note_trouble(session, _take(session, webhook, now), "It said 500.", now)
    (listed,) = list_webhooks(session)
    assert (listed.waiting, listed.failed, listed.trouble) == (0, 1, "It said 500.")
    assert due_webhooks(session, later(10 * spent)) == []


def test_who_listens_later_or_no_more_is_not_told(session: Session, webhook: int) -> None:
    _answer(session)
    late, _ = add_webhook(session, "http://127.0.0.1:8080/", NOW)
    remove_webhook(session, webhook, NOW)
    assert due_webhooks(session, NOW) == [] and [one.id for one in list_webhooks(session)] == [late]
    with pytest.raises(WebhookError, match=f"There is no webhook {webhook}"):
        remove_webhook(session, webhook, NOW)


@pytest.mark.parametrize(
    "url",
    [
        "ftp://example.org/",
        "example.org/labels",
        "https://",
        "http://[::1/",
        "https://example.org:99999/",
        "https://example.org/a b",
        "https://example.org/\nx",
        "https://example.org/\0",
        "file:///etc/passwd",
        "https://ada:secret@example.org/",
        f"https://example.org/{'x' * 2000}",
    ],
)
def test_what_is_no_address_is_refused(session: Session, url: str) -> None:
    with pytest.raises(WebhookError, match="A webhook's address must"):
        add_webhook(session, url, NOW)


def test_of_many_senders_each_delivery_is_one_ones(engine: Engine, session: Session, webhook: int) -> None:
    _override(session, "r", 1.0)
    for _ in range(2):
        _answer(session)
    session.commit()

    def take(_: int) -> str | None:
        with session_scope(engine) as own:
            parcel = take_parcel(own, webhook, NOW)
            return None if parcel is None else parcel.message_id

    with ThreadPoolExecutor(8) as pool:
        taken = [one for one in pool.map(take, range(12)) if one is not None]
    assert len(taken) == len(set(taken)) == len(session.exec(select(Delivery.id)).all()) == 3
