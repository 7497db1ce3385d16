"""Webhooks, from an answer to a receiver that verifies it by another implementation of Standard Webhooks."""

import asyncio
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from threading import Event, Thread

import httpx2
import pytest
from sqlalchemy import Engine
from sqlmodel import select
from standardwebhooks.webhooks import Webhook as Verifier
from standardwebhooks.webhooks import WebhookVerificationError

from oracle_ui.api import sending
from store.claims import get_claim
from store.corrections import override
from store.database import read_scope, session_scope
from store.delivering import take_parcel
from store.outbox import Delivery
from store.raters import get_rater
from store.webhooks import add_webhook, list_webhooks, remove_webhook
from tests.oracle_ui.api.conftest import Receiver, wait_until
from tests.oracle_ui.factories import NOW

_DOCS = Path(__file__).parents[3] / "docs" / "api.md"


@pytest.fixture
def secret(engine: Engine, receiver: Receiver) -> str:
    with session_scope(engine) as session:
        return add_webhook(session, receiver.url, NOW)[1]


@pytest.fixture
def sender(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Sends, and looks often."""
    monkeypatch.setattr(sending, "POLL_SECONDS", 0.02)
    stop = Event()
    thread = Thread(target=sending.send_for_ever, args=(engine, stop))
    thread.start()
    yield
    stop.set()
    thread.join()


def _set(engine: Engine, key: str, prob: float | None) -> None:
    with session_scope(engine) as session:
        reviewer = get_rater(session, "Rita", NOW)
        reviewer.role = "reviewer"
        override(session, get_claim(session, key), prob, reviewer, datetime.now(UTC))


def _make_due(engine: Engine) -> None:
    with session_scope(engine) as session:
        for delivery in session.exec(select(Delivery)):
            delivery.due_at = NOW


@pytest.mark.usefixtures("sender")
def test_what_is_sent_is_signed_as_the_standard_has_it(engine: Engine, receiver: Receiver, secret: str) -> None:
    _set(engine, "p", 1.0)
    wait_until(lambda: len(receiver.got) == 1)
    headers, body = receiver.got[0]
    said = Verifier(secret).verify(body.decode(), headers)
    assert said["type"] == "label.settled" and said["data"]["claim"] == "p" and said["data"]["settled_to"] is True
    with pytest.raises(WebhookVerificationError):
        Verifier(secret).verify(body.decode().replace("true", "false"), headers)


@pytest.mark.usefixtures("sender")
def test_the_function_of_the_documentation_verifies_it(engine: Engine, receiver: Receiver, secret: str) -> None:
    code = _DOCS.read_text().split("```python\n")[1].split("```")[0]
    names: dict[str, object] = {}
    exec(code, names)
    verify = names["verify"]
    assert callable(verify)
    _set(engine, "p", 0.0)
    wait_until(lambda: len(receiver.got) == 1)
    headers, body = receiver.got[0]
    assert verify(secret, headers, body) and not verify(secret, headers, body + b" ")
    assert not verify(secret, headers | {"webhook-timestamp": str(int(time.time()) - 600)}, body)
    assert not verify(secret, headers | {"webhook-id": "msg_other"}, body)


@pytest.mark.usefixtures("sender")
def test_what_was_refused_is_sent_again_as_it_was(engine: Engine, receiver: Receiver, secret: str) -> None:
    receiver.statuses = [500, 302]
    _set(engine, "p", 1.0)
    for count in (1, 2):
        wait_until(lambda count=count: _trouble(engine).endswith(f"{(500, 302)[count - 1]}."))  # type: ignore[misc]
        assert len(receiver.got) == count  # a redirect is not followed
        _make_due(engine)
    wait_until(lambda: _counts(engine) == (0, 1, 0))
    (first, *others) = [(headers["webhook-id"], body) for headers, body in receiver.got]
    assert others == [first, first]


@pytest.mark.usefixtures("sender")
def test_a_receiver_that_is_down_holds_up_no_other(engine: Engine, receiver: Receiver, secret: str) -> None:
    with session_scope(engine) as session:
        remove_webhook(session, 1, NOW)
        add_webhook(session, "http://127.0.0.1:1/", NOW)
        add_webhook(session, "http://nowhere.invalid/", NOW)
        add_webhook(session, receiver.url, NOW)
    _set(engine, "p", 1.0)
    wait_until(lambda: len(receiver.got) == 1)
    wait_until(lambda: all("It did not answer" in one for one in _troubles(engine)[:2]))


@pytest.mark.parametrize(("drips", "trouble"), [("headers", "It did not answer within 0.5 seconds."), ("body", "")])
def test_a_receiver_that_drips_is_not_waited_for(
    engine: Engine, receiver: Receiver, secret: str, monkeypatch: pytest.MonkeyPatch, drips: str, trouble: str
) -> None:
    """A timeout of each read never came to pass while a header came every now and then: thirty seconds here."""
    monkeypatch.setattr(sending, "_DEADLINE_SECONDS", 0.5)
    receiver.drips = drips
    _set(engine, "p", 1.0)
    with session_scope(engine) as session:
        parcel = take_parcel(session, 1, datetime.now(UTC))
    assert parcel is not None
    begun = time.monotonic()
    assert asyncio.run(sending._send(httpx2.create_ssl_context(), parcel)) == trouble
    assert time.monotonic() - begun < 10


@pytest.mark.usefixtures("sender")
def test_what_happens_to_one_claim_arrives_in_order(engine: Engine, receiver: Receiver, secret: str) -> None:
    receiver.is_open.clear()
    for prob in (1.0, 0.0, None, 1.0):
        _set(engine, "p", prob)
    receiver.is_open.set()
    wait_until(lambda: len(receiver.got) == 4)
    types = [(one["type"], one["data"]["settled_to"]) for one in receiver.bodies()]  # type: ignore[index]
    settled = "label.settled"
    assert types == [(settled, True), (settled, False), ("label.unsettled", None), (settled, True)]


def _troubles(engine: Engine) -> list[str]:
    with read_scope(engine) as session:
        return [one.trouble for one in list_webhooks(session)]


def _trouble(engine: Engine) -> str:
    return _troubles(engine)[0]


def _counts(engine: Engine) -> tuple[int, int, int]:
    with read_scope(engine) as session:
        (one,) = list_webhooks(session)
        return one.waiting, one.delivered, one.failed
