"""Who is signed in: a browser keeps a random token, the store its hash. It lasts until a month without a visit.

Functions that change something commit, but for `end_all`.
"""

from datetime import datetime, timedelta

from sqlalchemy import delete
from sqlmodel import Session, col, select

from store.claims import known
from store.secret import hashed, new_token
from store.tables import Lease, Rater, Sitting

SITTING_DAYS = 30.0
SEEN_SECONDS = 3600.0
"""A visit is written down when the last one that was is so old: a page that is drawn again need not write."""


def begin(session: Session, rater: Rater, now: datetime) -> str:
    """Returns the token by which the rater is known from now on. Commits."""
    session.exec(delete(Sitting).where(col(Sitting.expires_at) <= now))
    token = new_token()
    session.add(
        Sitting(token_hash=hashed(token), rater_id=known(rater.id), seen_at=now, expires_at=_end(now)),
    )
    session.commit()
    return token


def whose(session: Session, token: str, now: datetime) -> Rater | None:
    """Returns who is signed in with this token, None if nobody is any more."""
    query = select(Rater).join(Sitting, col(Sitting.rater_id) == col(Rater.id))
    found = query.where(Sitting.token_hash == hashed(token), col(Sitting.expires_at) > now)
    return session.exec(found.execution_options(populate_existing=True)).first()


def is_stale(session: Session, token: str, now: datetime) -> bool:
    """Says whether this visit is to be written down with `prolong`."""
    sitting = _sitting(session, token)
    return sitting is not None and sitting.seen_at + timedelta(seconds=SEEN_SECONDS) <= now


def prolong(session: Session, token: str, now: datetime) -> None:
    """Writes this visit down; the token is good for a month from now, if it still is. Commits."""
    sitting = _sitting(session, token)
    if sitting is not None and sitting.expires_at > now:
        sitting.seen_at, sitting.expires_at = now, _end(now)
        session.add(sitting)
    session.commit()


def end(session: Session, token: str) -> None:
    """Makes the token worthless, and gives the question that its rater holds back to the queue. Commits."""
    sitting = _sitting(session, token)
    if sitting is not None:
        session.exec(delete(Lease).where(col(Lease.rater_id) == sitting.rater_id))
        session.exec(delete(Sitting).where(col(Sitting.token_hash) == sitting.token_hash))
    session.commit()


def end_all(session: Session, rater: Rater) -> None:
    """Makes all tokens of a rater worthless; the caller commits."""
    session.exec(delete(Sitting).where(col(Sitting.rater_id) == known(rater.id)))


def _sitting(session: Session, token: str) -> Sitting | None:
    query = select(Sitting).where(Sitting.token_hash == hashed(token))
    return session.exec(query.execution_options(populate_existing=True)).first()


def _end(now: datetime) -> datetime:
    return now + timedelta(days=SITTING_DAYS)
