"""Who may come in, and as whom: signing up, in and out in the store. No widgets, no state of its own."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Engine
from sqlmodel import Session

from oracle_ui.reading import opened
from store import accounts, invitations, sittings
from store.database import read_scope, session_scope
from store.errors import SignInError
from store.invitations import Invited
from store.tables import Rater

Scope = Callable[[Engine], AbstractContextManager[Session]]


@dataclass(frozen=True)
class Present:
    """Somebody who is signed in."""

    name: str
    role: str
    has_password: bool  # else a provider vouches for them


@contextmanager
def acting(url: str, token: str, now: datetime, scope: Scope = session_scope) -> Iterator[tuple[Session, Rater]]:
    """Gives a session of this scope, and who is signed in with the token.

    Raises:
        SignInError: nobody is any more.
        StoreError: as `store.database.session_scope`.
    """
    with opened(url) as engine, scope(engine) as session:
        rater = sittings.whose(session, token, now)
        if rater is None:
            raise SignInError("You are signed out, so nothing was changed: sign in again.")
        yield session, rater


def look(url: str, token: str, now: datetime) -> Present | None:
    """Returns who is signed in with the token, and writes the visit down once an hour. Raises StoreError."""
    with opened(url) as engine:
        with read_scope(engine) as session:
            rater = sittings.whose(session, token, now)
            is_stale = sittings.is_stale(session, token, now)
        if rater is not None and is_stale:
            with session_scope(engine) as session:
                sittings.prolong(session, token, now)
    return None if rater is None else Present(rater.name, rater.role, rater.password_hash is not None)


def has_account(url: str) -> bool:
    """Says whether anybody can sign in. Raises StoreError."""
    with opened(url) as engine, read_scope(engine) as session:
        return accounts.has_account(session)


def look_at_invitation(url: str, invitation: str, now: datetime) -> Invited:
    """Returns what an invitation is good for. Raises InvitationError, StoreError."""
    with opened(url) as engine, read_scope(engine) as session:
        return invitations.look_at(session, invitation, now)


def sign_up(url: str, name: str, password: str, now: datetime, invitation: str | None) -> str:
    """Returns the token of a new account that is signed in. Raises as `store.accounts.sign_up`."""
    with opened(url) as engine, session_scope(engine) as session:
        return sittings.begin(session, accounts.sign_up(session, name, password, now, invitation), now)


def sign_in(url: str, name: str, password: str, now: datetime) -> str:
    """Returns the token of somebody who signed in. Raises as `store.accounts.sign_in`."""
    with opened(url) as engine, session_scope(engine) as session:
        return sittings.begin(session, accounts.sign_in(session, name, password, now), now)


def sign_in_as(url: str, identity: str, now: datetime, invitation: str | None) -> str:
    """Returns the token of somebody for whom a provider vouches. Raises as `store.accounts.sign_in_as`."""
    with opened(url) as engine, session_scope(engine) as session:
        return sittings.begin(session, accounts.sign_in_as(session, identity, now, invitation), now)


def change_password(url: str, token: str, old: str, new: str, now: datetime) -> str:
    """Returns the new token, all others being worthless. Raises as `store.accounts.change_password`."""
    with acting(url, token, now) as (session, rater):
        accounts.change_password(session, rater, old, new, now)
        return sittings.begin(session, rater, now)


def sign_out(url: str, token: str) -> None:
    """Makes the token worthless. Raises StoreError."""
    with opened(url) as engine, session_scope(engine) as session:
        sittings.end(session, token)
