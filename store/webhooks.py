"""Webhooks: addresses that are told when labels settle. Functions that change something commit."""

import base64
import secrets
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

from sqlalchemy import delete
from sqlmodel import Session, col, func, select

from store.claims import known
from store.errors import WebhookError
from store.outbox import Delivery, Webhook
from store.texts import is_storable

_LONGEST = 2000  # characters of an address
_SECRET_BYTES = 32


@dataclass(frozen=True)
class Listening:
    """A webhook, with how it goes."""

    id: int
    url: str
    made_at: datetime
    waiting: int  # deliveries
    delivered: int
    failed: int  # given up after the last attempt
    trouble: str  # of the newest delivery that has any, "" if none has


def add_webhook(session: Session, url: str, now: datetime) -> tuple[int, str]:
    """Returns the number of a new webhook and its secret, which nobody is shown again. Commits.

    The secret is in the form of Standard Webhooks: "whsec_" and 32 random bytes in base64.

    Raises:
        WebhookError: not an address of http or https, or one with a password in it.
    """
    secret = f"whsec_{base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()}"
    webhook = Webhook(url=_checked(url.strip()), secret=secret, made_at=now)
    session.add(webhook)
    session.commit()
    return known(webhook.id), secret


def list_webhooks(session: Session) -> list[Listening]:
    """Returns the webhooks, oldest first."""
    counting = select(Delivery.webhook_id, Delivery.status, func.count()).group_by(
        col(Delivery.webhook_id), col(Delivery.status)
    )
    counts = {(webhook_id, status): count for webhook_id, status, count in session.exec(counting)}
    there = session.exec(select(Webhook).where(col(Webhook.removed_at).is_(None)).order_by(col(Webhook.id)))
    return [
        Listening(
            id=known(row.id),
            url=row.url,
            made_at=row.made_at,
            waiting=counts.get((known(row.id), "waiting"), 0),
            delivered=counts.get((known(row.id), "delivered"), 0),
            failed=counts.get((known(row.id), "failed"), 0),
            trouble=_trouble(session, known(row.id)),
        )
        for row in there
    ]


def remove_webhook(session: Session, webhook_id: int, now: datetime) -> None:
    """Tells a webhook nothing more, also not what waits for it. Commits. Raises WebhookError where there is none."""
    found = select(Webhook).where(Webhook.id == webhook_id, col(Webhook.removed_at).is_(None))
    webhook = session.exec(found.with_for_update()).first()
    if webhook is None:
        raise WebhookError(f"There is no webhook {webhook_id}: `argtree webhooks list` lists them.")
    # The row stays: an answer that is just being stored may refer to it.
    webhook.removed_at, webhook.secret = now, ""
    session.add(webhook)
    session.exec(delete(Delivery).where(col(Delivery.webhook_id) == webhook_id, col(Delivery.status) == "waiting"))
    session.commit()


def _trouble(session: Session, webhook_id: int) -> str:
    newest = select(Delivery.trouble).where(Delivery.webhook_id == webhook_id, Delivery.trouble != "")
    return session.exec(newest.order_by(col(Delivery.id).desc()).limit(1)).first() or ""


def _checked(url: str) -> str:
    try:
        parts = urlsplit(url)
        is_good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # brackets that don't close, a port that is none
        is_good = False
    if not is_good or not is_storable(url) or not url.isprintable() or " " in url or len(url) > _LONGEST:
        raise WebhookError("A webhook's address must be of the form https://HOST/PATH, or http://.")
    if "@" in parts.netloc:
        raise WebhookError("A webhook's address must hold no name or password: what is sent is signed instead.")
    return url
