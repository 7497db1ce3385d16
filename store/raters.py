"""The people who answer."""

import unicodedata
from datetime import datetime

from sqlmodel import Session, select

from store.errors import RaterNameError
from store.locks import Turn, take_turn
from store.tables import Rater

MAX_NAME = 80  # characters


def get_rater(session: Session, name: str, now: datetime) -> Rater:
    """Returns the rater of that name, made now if there is none; the caller's scope commits.

    Names are compared after removing outer space and normalising (NFC), so that one spelling is one rater.

    Raises:
        RaterNameError: not 1 to 80 printable characters.
    """
    clean = clean_name(name)
    rater = named(session, clean)
    if rater is None:
        take_turn(session, Turn.NAME)
        rater = named(session, clean)  # again: they may have come in by another door
    if rater is None:
        rater = Rater(name=clean, created_at=now)
        session.add(rater)
        session.flush()
    return rater


def clean_name(name: str) -> str:
    """Returns the name as the store spells it. Raises RaterNameError as `get_rater`."""
    clean = unicodedata.normalize("NFC", name).strip()
    if not 1 <= len(clean) <= MAX_NAME or not clean.isprintable():
        raise RaterNameError(f"A rater's name must have 1 to {MAX_NAME} printable characters, got {name[:100]!r}.")
    return clean


def find_rater(session: Session, name: str) -> Rater:
    """Returns the rater of that name. Raises RaterNameError where there is none."""
    rater = named(session, clean_name(name))
    if rater is None:
        raise RaterNameError(f"There is no rater called {name!r}: `argtree raters` lists them.")
    return rater


def named(session: Session, name: str) -> Rater | None:
    """Returns the rater whose name is spelled so, None if there is none."""
    return session.exec(select(Rater).where(Rater.name == name)).first()
