"""What webhooks are to be told: that a label settled, or is settled no more. Written in the transaction that does it.

An event is written whenever a claim's label comes to stand on another side, whether anybody listens or not, so that the
newest one of a claim says where it stood. It is sent to each webhook that is there at that moment: one delivery each.
Not here: webhooks (`store.webhooks`), and sending (`store.delivering`).
"""

import json
import secrets
from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, Index, insert, text
from sqlmodel import Field, Session, SQLModel, col, select

from argtree.evidence import is_settled
from store.claims import known
from store.tables import Claim, UtcDateTime

SETTLED, UNSETTLED = "label.settled", "label.unsettled"
_WAITS = text("status = 'waiting'")


class Webhook(SQLModel, table=True):
    """An address that is told of events."""

    id: int | None = Field(default=None, primary_key=True)
    url: str
    secret: str = Field(repr=False)  # signing needs it as it is; "" once the webhook is removed
    made_at: datetime = Field(sa_type=UtcDateTime)
    removed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class LabelEvent(SQLModel, table=True):
    """That a claim's label came to stand on another side."""

    __tablename__ = "label_event"
    __table_args__: Any = (Index("ix_label_event_claim_id", "claim_id", "id"),)

    id: int | None = Field(default=None, primary_key=True)
    claim_id: int = Field(foreign_key="claim.id")
    side: bool | None  # what the label settled to; None: it is settled no more
    message_id: str = Field(unique=True)  # by which a receiver knows one that comes twice
    body: str  # JSON, as it is sent
    happened_at: datetime = Field(sa_type=UtcDateTime)


class Delivery(SQLModel, table=True):
    """An event on its way to a webhook."""

    __table_args__: Any = (
        CheckConstraint("status IN ('waiting', 'delivered', 'failed')", name="status_is_known"),
        Index(
            "ix_delivery_waiting",
            "webhook_id",
            "claim_id",
            "id",
            sqlite_where=_WAITS,
            postgresql_where=_WAITS,
        ),
    )

    id: int | None = Field(default=None, primary_key=True)
    event_id: int = Field(foreign_key="label_event.id")
    claim_id: int = Field(foreign_key="claim.id")  # the event's: those of one claim are sent in their order
    webhook_id: int = Field(foreign_key="webhook.id")
    status: str = "waiting"  # "waiting" | "delivered" | "failed": given up
    attempts: int = 0
    due_at: datetime = Field(sa_type=UtcDateTime)  # not tried before; while somebody sends it, when others may
    trouble: str = ""  # of the last attempt, a sentence


def note_label(session: Session, claim_id: int, label: float | None, now: datetime) -> None:
    """Writes down that a claim's label came to stand on another side, if it did; the caller commits.

    The caller has locked what keeps others from changing the same label.

    Args:
        label: what it is now, as `store.answers.label_of` says.
    """
    side = None if label is None or not is_settled(label) else label > 0.5
    newest = select(LabelEvent.side).where(LabelEvent.claim_id == claim_id).order_by(col(LabelEvent.id).desc())
    if side == session.exec(newest.limit(1)).first():
        return
    claim = session.exec(select(Claim).where(Claim.id == claim_id)).one()
    event = LabelEvent(
        claim_id=claim_id,
        side=side,
        message_id=f"msg_{secrets.token_hex(16)}",
        body=_body(claim, label, side, now),
        happened_at=now,
    )
    session.add(event)
    session.flush()
    webhooks = session.exec(select(Webhook.id).where(col(Webhook.removed_at).is_(None)).order_by(col(Webhook.id)))
    rows = [{"event_id": known(event.id), "claim_id": claim_id, "webhook_id": one, "due_at": now} for one in webhooks]
    if rows:
        waiting = [row | {"status": "waiting", "attempts": 0, "trouble": ""} for row in rows]
        session.connection().execute(insert(Delivery.__table__), waiting)  # type: ignore[attr-defined]


def _body(claim: Claim, label: float | None, side: bool | None, now: datetime) -> str:
    """Returns the event as Standard Webhooks have it ("Payload structure")."""
    data = {"claim": claim.key, "text": claim.text, "label": label, "settled_to": side}
    return json.dumps(
        {"type": UNSETTLED if side is None else SETTLED, "timestamp": now.isoformat(), "data": data},
        ensure_ascii=False,
        separators=(",", ":"),
    )
