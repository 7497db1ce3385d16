"""Sending what the outbox holds: who sends which delivery, and what became of it. Functions commit.

A delivery is sent at least once. Whoever sends one leases it, so that of two servers one does; whoever is killed
meanwhile leaves it to others once the lease ends. A claim's deliveries to a webhook are sent one after another, in the
order of what happened: the next when the one before was delivered or given up.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, literal_column, update
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, exists, select
from sqlmodel.sql.expression import SelectOfScalar

from store.claims import known
from store.outbox import Delivery, LabelEvent, Webhook
from store.texts import storable

LEASE_SECONDS = 60.0
"""How long a delivery is its sender's; more than an attempt may take."""

WAITS_SECONDS = (5.0, 300.0, 1800.0, 7200.0, 18_000.0, 36_000.0, 50_400.0, 72_000.0, 86_400.0)
"""Between attempts, as Standard Webhooks propose ("Retry schedule with exponential backoff"): ten in all."""

_MAX_TROUBLE = 200  # characters
_IS_WAITING: ColumnElement[bool] = col(Delivery.status) == literal_column("'waiting'")  # spelt out, as in the index


@dataclass(frozen=True)
class Parcel:
    """A delivery that its holder is to send now."""

    delivery_id: int
    url: str
    secret: str
    message_id: str
    body: str  # JSON


def due_webhooks(session: Session, now: datetime) -> list[int]:
    """Returns the numbers of the webhooks that something is to be sent to."""
    due = exists().where(col(Delivery.webhook_id) == col(Webhook.id), _IS_WAITING, col(Delivery.due_at) <= now)
    query = select(Webhook.id).where(col(Webhook.removed_at).is_(None), due.correlate(Webhook))
    return [known(one) for one in session.exec(query.order_by(col(Webhook.id)))]


def take_parcel(session: Session, webhook_id: int, now: datetime) -> Parcel | None:
    """Returns the oldest delivery that is to be sent to the webhook, now leased; None if there is none. Commits."""
    query = _first_due(now).where(Delivery.webhook_id == webhook_id).order_by(col(Delivery.id)).limit(1)
    locked = query.with_for_update(skip_locked=True, of=Delivery).execution_options(populate_existing=True)
    delivery, webhook = session.exec(locked).first(), session.get_one(Webhook, webhook_id, populate_existing=True)
    if delivery is None or webhook.removed_at is not None:
        session.commit()
        return None
    delivery.due_at = now + timedelta(seconds=LEASE_SECONDS)
    session.add(delivery)
    event = session.get_one(LabelEvent, delivery.event_id)
    session.commit()
    return Parcel(known(delivery.id), webhook.url, webhook.secret, event.message_id, event.body)


def note_delivered(session: Session, parcel: Parcel) -> None:
    """Writes down that the webhook has it. Commits."""
    waiting = update(Delivery).where(col(Delivery.id) == parcel.delivery_id, _IS_WAITING)
    session.exec(waiting.values(status="delivered", attempts=col(Delivery.attempts) + 1, trouble=""))
    session.commit()


def note_trouble(session: Session, parcel: Parcel, trouble: str, now: datetime) -> None:
    """Writes down that an attempt failed, and why: another one follows, or none after the last. Commits."""
    query = select(Delivery).where(Delivery.id == parcel.delivery_id, _IS_WAITING)
    delivery = session.exec(query.with_for_update().execution_options(populate_existing=True)).first()
    if delivery is not None:
        if delivery.attempts < len(WAITS_SECONDS):
            delivery.due_at = now + timedelta(seconds=WAITS_SECONDS[delivery.attempts])
        else:
            delivery.status = "failed"
        delivery.attempts += 1
        delivery.trouble = storable(trouble)[:_MAX_TROUBLE]
        session.add(delivery)
    session.commit()


def _first_due(now: datetime) -> SelectOfScalar[Delivery]:
    """Returns the query for deliveries that may be sent now: those that no earlier one of their claim holds up."""
    earlier = aliased(Delivery)
    is_held_up = exists().where(
        col(earlier.webhook_id) == col(Delivery.webhook_id),
        col(earlier.claim_id) == col(Delivery.claim_id),
        col(earlier.id) < col(Delivery.id),
        col(earlier.status) == literal_column("'waiting'"),
    )
    return select(Delivery).where(_IS_WAITING, col(Delivery.due_at) <= now, ~is_held_up.correlate(Delivery))
