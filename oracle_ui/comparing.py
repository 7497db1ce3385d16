"""What a rater's sitting over pairs of arguments does in the store: show, say, take back. No widgets, no state.

The store is opened for each act, as in `sitting`; choosing the next pair happens outside of transactions that write.
"""

from datetime import datetime

from sqlalchemy import Engine
from sqlmodel import Session, select

from oracle_ui.reading import opened
from oracle_ui.view_compare import Compared, PairView, see_compared, see_pair
from store.comparisons import ComparisonKind, last_comparison, next_pair, submit_comparison, take_back
from store.database import read_scope, session_scope
from store.errors import ComparisonError
from store.raters import get_rater
from store.tables import Argument, Rater
from store.tournaments import better_prob


def show(url: str, name: str, now: datetime) -> PairView | None:
    """Returns the pair that is worth most to ask this rater about; None if there is none. Raises StoreError."""
    with opened(url) as engine:
        rater = _rater(engine, name, now)
        with read_scope(engine) as session:
            shown = next_pair(session, rater, now)
    return None if shown is None else see_pair(shown)


def say(url: str, name: str, view: PairView, kind: ComparisonKind, note: str, now: datetime) -> Compared:
    """Returns what the comparison did; once this returns it is on the disk. Saying it again changes nothing.

    Raises:
        ComparisonError: it was taken back meanwhile, or the arguments are gone; nothing is stored.
        StoreError: nothing is stored either.
    """
    with opened(url) as engine:
        before = _first_prob(engine, view)
        with session_scope(engine) as session:
            submit_comparison(session, get_rater(session, name, now), view.shown, kind, now, note)
        return see_compared(view, kind, before, _first_prob(engine, view))


def undoable(url: str, name: str, now: datetime) -> str | None:
    """Returns the token of the comparison that the rater may take back, None if there is none. Raises StoreError."""
    with opened(url) as engine:
        rater = _rater(engine, name, now)
        with read_scope(engine) as session:
            last = last_comparison(session, rater, now)
    return None if last is None else last.token


def undo(url: str, name: str, token: str, now: datetime) -> None:
    """Takes the rater's last comparison back. Raises ComparisonError where it is not that or too old, StoreError."""
    with opened(url) as engine, session_scope(engine) as session:
        take_back(session, get_rater(session, name, now), token, now)


def _rater(engine: Engine, name: str, now: datetime) -> Rater:
    with session_scope(engine) as session:
        return get_rater(session, name, now)


def _first_prob(engine: Engine, view: PairView) -> float:
    with read_scope(engine) as session:
        first, second = (_argument(session, one.key) for one in (view.shown.first, view.shown.second))
        return better_prob(session, first, second)


def _argument(session: Session, key: str) -> Argument:
    found = session.exec(select(Argument).where(Argument.key == key)).first()
    if found is None:
        raise ComparisonError("One of these arguments is not in the store any more, so nothing was stored: look again.")
    return found
