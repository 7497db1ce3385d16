"""Acts that take turns on a database with several writers. SQLite has one writer, so there they do anyway."""

from enum import IntEnum

from sqlalchemy import Connection, func, select
from sqlmodel import Session

_OURS = 0x61726774  # "argt": the first half of a lock's key, so that another program's are not met


class Turn(IntEnum):
    """What may be done by one transaction at a time."""

    MIGRATE = 1
    NAME = 2  # a rater who was not there
    GROW = 3  # the graph: claims, arguments, quantities, roots
    RANK = 4
    TRUST = 5  # the reliabilities of all raters
    WORK = 6  # leases on it


def take_turn(within: Session | Connection, turn: Turn) -> None:
    """Waits until no other transaction has this turn, and keeps it to the end of this one; it may be taken twice.

    Who takes several takes them in the order of `Turn`, before any row is locked.
    """
    bind = within.get_bind() if isinstance(within, Session) else within
    if bind.dialect.name != "sqlite":
        within.execute(select(func.pg_advisory_xact_lock(_OURS, int(turn))))
