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
    clean = unicodedata.normalize("NFC", name).strip()
    if not 1 <= len(clean) <= MAX_NAME or not clean.isprintable():
        raise RaterNameError(f"A rater's name must have 1 to {MAX_NAME} printable characters, got {name[:100]!r}.")
    rater = _named(session, clean)
    if rater is None:
        take_turn(session, Turn.NAME)
        rater = _named(session, clean)  # again: they may have come in by another door
    if rater is None:
        rater = Rater(name=clean, created_at=now)
        session.add(rater)
        session.flush()
    return rater


def _named(session: Session, name: str) -> Rater | None:
    return session.exec(select(Rater).where(Rater.name == name)).first()
