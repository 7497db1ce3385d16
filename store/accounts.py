"""Accounts: raters who sign in, with a name and a password or by an identity that somebody else vouches for.

The first account of a store is an administrator's; every later one needs an invitation (`store.invitations`) or comes
from the command line, which has the store's file anyway. Functions commit, and hash passwords outside of transactions.
"""

import math
from datetime import datetime, timedelta

from sqlalchemy import delete
from sqlmodel import Session, col, select

from store.claims import known
from store.errors import InvitationError, RaterNameError, SignInError
from store.invitations import take_invitation
from store.locks import Turn, take_turn
from store.raters import clean_name, get_rater, named
from store.roles import ROLES, Role
from store.secret import fits, hash_password, is_outdated
from store.sittings import end_all
from store.tables import Attempt, Rater

FREE_ATTEMPTS = 5
"""As many wrong passwords in a row cost no waiting; each further one doubles it, from a second on."""

LONGEST_WAIT_SECONDS = 300.0
FORGOTTEN_SECONDS = 3600.0
"""After so long without another one, wrong passwords are forgotten."""


def has_account(session: Session) -> bool:
    """Says whether anybody can sign in; the next one to do so becomes the administrator where nobody can."""
    is_account = col(Rater.password_hash).is_not(None) | (col(Rater.role) != "rater")
    return session.exec(select(Rater.id).where(is_account).limit(1)).first() is not None


def sign_up(session: Session, name: str, password: str, now: datetime, invitation: str | None = None) -> Rater:
    """Returns the rater who from now on signs in with this password. Commits.

    Args:
        name: for the first account or an open invitation that of nobody with an account; for an invitation in a
            rater's name it doesn't matter. A rater of the terminal, without a password, becomes the first account.
        invitation: the token; not needed for the first account.

    Raises:
        InvitationError: there is an account, and the invitation is missing, used, withdrawn or too old.
        RaterNameError: the name won't do or is taken. The invitation stays good.
        PasswordError: the password won't do. The invitation stays good.
    """
    return _join(session, name, hash_password(password), now, invitation)


def sign_in(session: Session, name: str, password: str, now: datetime) -> Rater:
    """Returns the rater of that name and password. Commits.

    Every attempt counts as failed until it succeeds, so that many at once are not more than one after another. It takes
    as long, and says the same, whether there is such a name or not.

    Raises:
        SignInError: the name or the password is wrong, or too many were: it says for how long to wait.
    """
    try:
        clean = clean_name(name)
    except RaterNameError:
        clean = ""  # nobody's
    take_turn(session, Turn.NAME)
    _count_attempt(session, clean, now)
    rater = named(session, clean)
    password_hash = None if rater is None else rater.password_hash
    session.commit()  # let others write while this is slow
    if not fits(password, password_hash):
        raise SignInError("There is nobody of that name with that password: look at both again.")
    assert rater is not None and password_hash is not None
    if is_outdated(password_hash):
        rater.password_hash = hash_password(password)
        session.add(rater)
    session.exec(delete(Attempt).where(col(Attempt.name) == clean))
    session.commit()
    return rater


def sign_in_as(session: Session, identity: str, now: datetime, invitation: str | None = None) -> Rater:
    """Returns the rater whose name is the identity, an address that a provider vouches for. Commits.

    Raises:
        InvitationError: there is no such rater, and no good invitation came along.
    """
    rater = named(session, clean_name(identity))
    if rater is not None:
        session.commit()
        return rater
    if not has_account(session):
        raise InvitationError(
            "This desk has no administrator yet: `argtree raters add NAME --role administrator` makes one."
        )
    if invitation is None:
        raise InvitationError(f"There is no account for {identity} here: ask an administrator for an invitation.")
    return _join(session, identity, None, now, invitation)


def change_password(session: Session, rater: Rater, old: str, new: str, now: datetime) -> None:
    """Replaces the rater's password and signs them out everywhere. Commits.

    Raises:
        SignInError: the old one is wrong, as for `sign_in`.
        PasswordError: the new one won't do.
    """
    password_hash = hash_password(new)
    same = sign_in(session, rater.name, old, now)
    _set_hash(session, same, password_hash)
    session.commit()


def add_rater(session: Session, name: str, role: Role, password: str | None, now: datetime) -> Rater:
    """Returns an account made at the command line, or that a rater of that name got. Commits.

    Args:
        password: None for somebody who signs in with a provider, or only answers in the terminal.

    Raises:
        RaterNameError: the name won't do, or somebody with a password has it.
        PasswordError: the password won't do.
        ValueError: no such role.
    """
    if role not in ROLES:
        raise ValueError(f"A role is one of {', '.join(ROLES)}, got {role!r}.")
    password_hash = None if password is None else hash_password(password)
    take_turn(session, Turn.NAME)
    rater = get_rater(session, name, now)
    if rater.password_hash is not None:
        raise RaterNameError(f"{rater.name} has an account: `argtree raters password` and `role` change it.")
    rater.role = role
    _set_hash(session, rater, password_hash)
    session.commit()
    return rater


def set_password(session: Session, rater: Rater, password: str) -> None:
    """Replaces a password at the command line, signs the rater out everywhere and ends their waiting. Commits.

    Raises:
        PasswordError: the password won't do.
    """
    _set_hash(session, rater, hash_password(password))
    session.exec(delete(Attempt).where(col(Attempt.name) == rater.name))
    session.commit()


def _join(session: Session, name: str, password_hash: str | None, now: datetime, token: str | None) -> Rater:
    """Makes the account that an invitation, or the lack of any account, allows."""
    take_turn(session, Turn.NAME)
    if not has_account(session) and token is None:
        rater = get_rater(session, name, now)
        rater.role = "administrator"
    elif token is None:
        raise InvitationError("A new account needs an invitation: ask an administrator for one.")
    else:
        rater = _invited(session, name, now, token)
    _set_hash(session, rater, password_hash)
    session.commit()
    return rater


def _invited(session: Session, name: str, now: datetime, token: str) -> Rater:
    invitation = take_invitation(session, token, now)
    if invitation.rater_id is not None:
        rater = session.exec(select(Rater).where(Rater.id == invitation.rater_id)).one()
    else:
        clean = clean_name(name)
        if named(session, clean) is not None:
            raise RaterNameError(
                f"There is a rater called {clean} already: choose another name, or ask an administrator for an "
                "invitation in that one."
            )
        rater = get_rater(session, clean, now)
        rater.role, rater.vouched = invitation.role, False
    invitation.used_by_id, invitation.used_at = known(rater.id), now
    session.add(invitation)
    return rater


def _set_hash(session: Session, rater: Rater, password_hash: str | None) -> None:
    rater.password_hash = password_hash
    session.add(rater)
    end_all(session, rater)
    session.flush()


def _count_attempt(session: Session, name: str, now: datetime) -> None:
    """Counts an attempt as failed, or raises SignInError where it comes too early."""
    session.exec(delete(Attempt).where(col(Attempt.last_at) < now - timedelta(seconds=FORGOTTEN_SECONDS)))
    attempt = session.get(Attempt, name, populate_existing=True)
    if attempt is None:
        session.add(Attempt(name=name, count=1, last_at=now))
        return
    wait = attempt.last_at + timedelta(seconds=_wait_seconds(attempt.count)) - now
    if wait > timedelta(0):
        seconds = math.ceil(wait.total_seconds())
        session.commit()
        raise SignInError(f"That name or password was wrong too often: try again in {seconds} seconds.")
    attempt.count, attempt.last_at = attempt.count + 1, now
    session.add(attempt)


def _wait_seconds(count: int) -> float:
    """Returns how long after so many failures in a row the next attempt may come."""
    return 0.0 if count < FREE_ATTEMPTS else min(2.0 ** min(count - FREE_ATTEMPTS, 30), LONGEST_WAIT_SECONDS)
