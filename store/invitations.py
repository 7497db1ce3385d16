"""Invitations: links with a random token, each good once and for a week. Of the token only a hash is kept."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import cast

from sqlalchemy import delete, or_
from sqlmodel import Session, col, select

from store.claims import known
from store.errors import InvitationError
from store.roles import ROLES, Role, require
from store.secret import hashed, new_token
from store.tables import Invitation, Rater

GOOD_DAYS = 7.0


@dataclass(frozen=True)
class Invited:
    """An invitation that nobody has used yet, without its token, which nobody can be shown again."""

    id: int
    role: Role  # of whoever uses it, unless it is for a rater
    rater: str | None  # for whom it is; None: for anybody who has the link
    expires_at: datetime


def invite(session: Session, role: Role, by: Rater | None, now: datetime, rater: Rater | None = None) -> str:
    """Returns the token of a new invitation, which goes into a link. Commits.

    Args:
        role: of the new account.
        by: an administrator; None at the command line.
        rater: somebody who is there and is to set a (new) password; they keep their role.

    Raises:
        NotAllowedError: by no administrator.
        ValueError: no such role.
    """
    require(by, "administrator")
    if role not in ROLES:
        raise ValueError(f"A role is one of {', '.join(ROLES)}, got {role!r}.")
    token = new_token()
    session.add(
        Invitation(
            token_hash=hashed(token),
            role=role if rater is None else rater.role,
            rater_id=None if rater is None else known(rater.id),
            made_by_id=None if by is None else known(by.id),
            made_at=now,
            expires_at=now + timedelta(days=GOOD_DAYS),
        )
    )
    session.commit()
    return token


def list_invitations(session: Session, by: Rater | None, now: datetime) -> list[Invited]:
    """Returns the invitations that are good, oldest first. Raises NotAllowedError: for no administrator."""
    require(by, "administrator")
    return _good(session, now)


def withdraw(session: Session, invitation_id: int, by: Rater | None) -> None:
    """Makes an invitation worthless, if nobody has used it. Commits. Raises NotAllowedError: by no administrator."""
    require(by, "administrator")
    session.exec(delete(Invitation).where(col(Invitation.id) == invitation_id, col(Invitation.used_at).is_(None)))
    session.commit()


def look_at(session: Session, token: str, now: datetime) -> Invited:
    """Returns what the token invites to. Raises InvitationError where it is used, withdrawn, or too old."""
    found = _good(session, now, token)
    if not found:
        raise InvitationError()
    return found[0]


def take_invitation(session: Session, token: str, now: datetime) -> Invitation:
    """Returns the row of a good invitation, locked; the caller marks it as used and commits.

    Raises:
        InvitationError: as `look_at`.
    """
    found = look_at(session, token, now)
    query = select(Invitation).where(Invitation.id == found.id, col(Invitation.used_at).is_(None))
    row = session.exec(query.with_for_update().execution_options(populate_existing=True)).first()
    if row is None:
        raise InvitationError()
    return row


def _good(session: Session, now: datetime, token: str | None = None) -> list[Invited]:
    """Returns what is not used or too old, and was made by somebody who still may."""
    makers = select(Rater.id).where(Rater.role == "administrator", col(Rater.paused_at).is_(None))
    query = (
        select(Invitation, Rater.name)
        .outerjoin(Rater, col(Rater.id) == col(Invitation.rater_id))
        .where(col(Invitation.used_at).is_(None), col(Invitation.expires_at) > now)
        .where(or_(col(Invitation.made_by_id).is_(None), col(Invitation.made_by_id).in_(makers)))
        .order_by(col(Invitation.id))
    )
    if token is not None:
        query = query.where(Invitation.token_hash == hashed(token))
    rows = cast(Sequence[tuple[Invitation, str | None]], session.exec(query).all())
    return [Invited(known(row.id), cast(Role, row.role), name, row.expires_at) for row, name in rows]
