"""Leases on work: which claim an explorer expands or asks about anew, which posed question it takes on.

Any number of explorers, in threads, processes and on machines of their own, work on one store. A lease is held for a
while and renewed for as long as its holder works; once it has run out, the work is anybody's. The times are those of
the explorers' clocks, so clocks that are apart by more than a lease lasts give work away too soon; what is stored is
right even then, since a lease is ended in the transaction that stores what came of it. The caller's scope commits.

Not here: raters' leases on questions (`store.leases`), what is worth doing (`argtree.search`).
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import CheckConstraint, delete, func, or_, update
from sqlmodel import Field, Session, SQLModel, col, select

from store.locks import Turn, take_turn
from store.tables import Argument, Belief, Claim, UtcDateTime

Work = Literal["expand", "renew", "pose"]
"""To expand a claim; to ask anew what the model believes of it; to make a root of a posed question."""


class WorkLease(SQLModel, table=True):
    """That somebody is at work on something. Its row is there only for as long."""

    __tablename__ = "work_lease"
    __table_args__: Any = (CheckConstraint("kind IN ('expand', 'renew', 'pose')", name="work_is_known"),)

    kind: str = Field(primary_key=True)
    subject: str = Field(primary_key=True)  # the claim's key, or the posed question's id
    worker: str = Field(index=True)
    host: str
    pid: int
    expires_at: datetime = Field(sa_type=UtcDateTime)


@dataclass(frozen=True)
class Worker:
    """Who holds leases: one explorer."""

    token: str  # nobody else's
    host: str  # where process numbers mean the same
    pid: int  # of its process


def take_work(
    session: Session,
    kind: Work,
    subjects: Collection[str],
    worker: Worker,
    now: datetime,
    expires_at: datetime,
    lost: Collection[str] = (),
) -> set[str]:
    """Returns those of the subjects that the worker now holds: all but those that others hold.

    Args:
        lost: tokens of workers that are known to be dead, whose leases end now.
    """
    take_turn(session, Turn.WORK)
    is_over = or_(col(WorkLease.expires_at) <= now, col(WorkLease.worker).in_(lost))
    session.execute(delete(WorkLease).where(is_over))
    held = select(WorkLease.subject).where(WorkLease.kind == kind, col(WorkLease.subject).in_(subjects))
    taken = set(subjects) - set(session.exec(held).all())
    session.add_all(
        WorkLease(kind=kind, subject=one, worker=worker.token, host=worker.host, pid=worker.pid, expires_at=expires_at)
        for one in sorted(taken)
    )
    session.flush()
    return taken


def renew_work(session: Session, worker: Worker, expires_at: datetime) -> None:
    """Puts off the end of all that the worker holds."""
    take_turn(session, Turn.WORK)
    session.execute(update(WorkLease).where(col(WorkLease.worker) == worker.token).values(expires_at=expires_at))


def end_work(session: Session, kind: Work, subjects: Collection[str], worker: Worker) -> set[str]:
    """Returns those of the subjects that the worker held until now, also past their time if nobody took them over."""
    take_turn(session, Turn.WORK)
    own = (col(WorkLease.kind) == kind, col(WorkLease.subject).in_(subjects), col(WorkLease.worker) == worker.token)
    held = set(session.exec(select(WorkLease.subject).where(*own)))
    session.execute(delete(WorkLease).where(*own))
    return held


def others_work(
    session: Session, kind: Work, worker: Worker, now: datetime, lost: Collection[str] = ()
) -> frozenset[str]:
    """Returns the subjects that others than the worker, and than the lost ones, hold."""
    query = select(WorkLease.subject).where(WorkLease.kind == kind, WorkLease.worker != worker.token)
    return frozenset(session.exec(query.where(WorkLease.expires_at > now, col(WorkLease.worker).not_in(lost))))


def workers_on(session: Session, host: str) -> dict[str, int]:
    """Returns the process number of every worker on a host that holds anything, by its token."""
    pairs = select(WorkLease.worker, WorkLease.pid).where(WorkLease.host == host).distinct()
    return dict(session.exec(pairs).all())


def still_open(session: Session, num_arguments: Mapping[str, int]) -> set[str]:
    """Returns the keys of the claims that may still be expanded and have just so many arguments."""
    count = func.count(col(Argument.id))
    query = select(Claim.key, count).outerjoin(Argument, col(Argument.conclusion_id) == col(Claim.id))
    query = query.where(col(Claim.key).in_(num_arguments), col(Claim.explored_at).is_(None))
    found = session.exec(query.group_by(col(Claim.key)))
    return {key for key, number in found if number == num_arguments[key]}


def still_stale(session: Session, keys: Collection[str], generation: str, kind: str) -> set[str]:
    """Returns the keys of the claims of which another generation, or none, holds the newest belief of that kind."""
    of_claim = select(Belief.generation).where(Belief.claim_id == Claim.id, Belief.kind == kind)
    newest = of_claim.order_by(col(Belief.held_at).desc(), col(Belief.id).desc()).limit(1).scalar_subquery()
    query = select(Claim.key).where(col(Claim.key).in_(keys), newest.is_distinct_from(generation))
    return set(session.exec(query))
