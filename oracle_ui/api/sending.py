"""Sends what webhooks wait for, as Standard Webhooks 1.0 has it (standardwebhooks.com); `store.delivering` says which.

Whoever runs the server chooses the addresses; still no redirect is followed, and nothing but a status is read. Each
attempt is a short event loop of its own in its webhook's thread, since only there a deadline holds for the whole of it.
"""

import asyncio
import base64
import hashlib
import hmac
import logging
import ssl
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime
from threading import Event

import httpx2
from sqlalchemy import Engine

from store.database import read_scope, session_scope
from store.delivering import Parcel, due_webhooks, note_delivered, note_trouble, take_parcel
from store.errors import StoreError

POLL_SECONDS = 1.0
_DEADLINE_SECONDS = 10.0  # of an attempt, from looking up the address to the status, however slowly that comes
_AT_ONCE = 8  # webhooks; one that does not answer holds up no other
_LOG = logging.getLogger(__name__)


def send_for_ever(engine: Engine, stop: Event) -> None:
    """Sends what is due until it is told to stop; what is being sent then is finished."""
    busy: dict[int, Future[None]] = {}
    trusted = httpx2.create_ssl_context()
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        while not stop.wait(POLL_SECONDS):
            try:
                with read_scope(engine) as session:
                    due = due_webhooks(session, _now())
            except StoreError as error:
                _LOG.warning("Webhooks wait: %s", error)
                continue
            for webhook in due:
                if webhook in busy and busy[webhook].done() and (exc := busy.pop(webhook).exception()) is not None:
                    _LOG.error("Webhook %d waits, for a mistake of the program.", webhook, exc_info=exc)
                if webhook not in busy:
                    busy[webhook] = pool.submit(_send_all, engine, trusted, webhook, stop)


def sign(secret: str, message_id: str, timestamp: int, body: bytes) -> str:
    """Returns the signature ("Signature scheme"): HMAC-SHA256 of id, timestamp and body, joined by full stops.

    Args:
        secret: "whsec_" and the key in base64.
        timestamp: of the attempt, in seconds since 1970.
    """
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = f"{message_id}.{timestamp}.".encode() + body
    return f"v1,{base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()}"


def _send_all(engine: Engine, trusted: ssl.SSLContext, webhook: int, stop: Event) -> None:
    """Sends what is due to one webhook, oldest first, until something goes wrong."""
    trouble = ""
    try:
        while not trouble and not stop.is_set():
            with session_scope(engine) as session:
                parcel = take_parcel(session, webhook, _now())
            if parcel is None:
                return
            trouble = asyncio.run(_send(trusted, parcel))
            with session_scope(engine) as session:
                if trouble:
                    note_trouble(session, parcel, trouble, _now())
                else:
                    note_delivered(session, parcel)
    except StoreError as exc:  # it is sent again when the lease has ended
        _LOG.warning("Webhook %d waits: %s", webhook, exc)
    if trouble:
        _LOG.warning("Webhook %d: %s", webhook, trouble)


async def _send(trusted: ssl.SSLContext, parcel: Parcel) -> str:
    """Returns "" if the receiver took it, else a sentence."""
    body, timestamp = parcel.body.encode(), int(_now().timestamp())
    headers = {
        "content-type": "application/json",
        "user-agent": "argtree",
        "webhook-id": parcel.message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": sign(parcel.secret, parcel.message_id, timestamp, body),
    }
    try:
        async with (
            asyncio.timeout(_DEADLINE_SECONDS),
            httpx2.AsyncClient(verify=trusted, timeout=None, follow_redirects=False) as client,
            client.stream("POST", parcel.url, content=body, headers=headers) as response,
        ):
            return "" if response.is_success else f"It answered with status {response.status_code}."
    except TimeoutError:
        return f"It did not answer within {_DEADLINE_SECONDS:g} seconds."
    except (httpx2.HTTPError, httpx2.InvalidURL) as exc:
        return f"It did not answer ({type(exc).__name__})."


def _now() -> datetime:
    return datetime.now(UTC)
