"""Every database error as one of ours: one sentence that says what is wrong and what to do, and shows no password.

SQLite's errors carry a result code (sqlite.org/rescode.html), PostgreSQL's a SQLSTATE (its documentation, appendix A);
where a connection cannot be made there is none, and only the server's words tell why.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import URL
from sqlalchemy.exc import DBAPIError, IntegrityError, SQLAlchemyError, TimeoutError

from store.errors import (
    NotAStoreError,
    StoreDamagedError,
    StoreError,
    StoreFullError,
    StoreLockedError,
    StoreMissingError,
    StoreReadOnlyError,
    StoreRefusedError,
    StoreUnreachableError,
)

_Sentence = tuple[type[StoreError], str]  # of "{store}", at its beginning with a capital letter, and "{why}"

_LOCKED = (StoreLockedError, "{Store} is locked by another process: try again when that is done.")
_FULL = (StoreFullError, "The disk of {store} is full: make room and try again, nothing acknowledged was lost.")
_DAMAGED = (StoreDamagedError, "{Store} is damaged ({why}): restore it from a copy.")
_UNREACHABLE = (
    StoreUnreachableError,
    "{Store} cannot be reached ({why}): see that its server runs and that host and port are right, then try again; "
    "nothing acknowledged was lost.",
)
_REFUSED = (StoreRefusedError, "{Store} refuses the user or the password: give the right ones in --store.")
_NO_DATABASE = (StoreMissingError, "The server has no database for {store}: make it first, with `createdb`.")
_CROWDED = (StoreLockedError, "{Store} has as many connections as it takes: close some, or try again later.")
_UNMADE = (StoreError, "{Store} failed ({why}): nothing was changed.")

_SQLITE: dict[int, _Sentence] = {
    sqlite3.SQLITE_BUSY: _LOCKED,
    sqlite3.SQLITE_LOCKED: _LOCKED,
    sqlite3.SQLITE_FULL: _FULL,
    sqlite3.SQLITE_READONLY: (
        StoreReadOnlyError,
        "{Store} is read-only: check the permissions of the file and of its folder.",
    ),
    sqlite3.SQLITE_CORRUPT: _DAMAGED,
    sqlite3.SQLITE_NOTADB: (NotAStoreError, "{Store} is not a database: name another file with --store."),
    sqlite3.SQLITE_CANTOPEN: (
        StoreMissingError,
        "{Store} cannot be opened: check that the file is there and may be read.",
    ),
}

_POSTGRESQL: dict[str, _Sentence] = {  # by SQLSTATE, or its class: the first two characters
    "08": _UNREACHABLE,
    "57P": _UNREACHABLE,
    "28": _REFUSED,
    "3D": _NO_DATABASE,
    "25006": (StoreReadOnlyError, "{Store} is read-only: name the server that may be written to with --store."),
    "42501": (StoreReadOnlyError, "{Store} does not let this user do that ({why}): have its owner grant it."),
    "53100": _FULL,
    "53300": _CROWDED,
    "40": (StoreLockedError, "{Store} was changed by somebody else at the same moment: try again."),
    "55P03": _LOCKED,
    "57014": (StoreLockedError, "{Store} took longer than it is allowed to ({why}): try again."),
    "XX001": _DAMAGED,
    "XX002": _DAMAGED,
}

_WORDS: dict[str, _Sentence] = {  # of a PostgreSQL that lets nobody in
    "password authentication failed": _REFUSED,
    "no password supplied": _REFUSED,
    "no pg_hba.conf entry": _REFUSED,
    "role ": _REFUSED,
    "database ": _NO_DATABASE,
    "too many clients": _CROWDED,
    "remaining connection slots": _CROWDED,
}


@contextmanager
def translate_errors(store: str = "the store") -> Iterator[None]:
    """Turns SQLAlchemy's errors into StoreError, `from` them; `store` names the store in the sentence.

    Broken constraints pass as they are: they are mistakes of the program, not of the user or the disk.
    """
    try:
        yield
    except IntegrityError:
        raise
    except DBAPIError as exc:
        raise _translated(exc, store) from exc
    except TimeoutError as exc:  # of the pool of connections
        raise StoreLockedError(f"{capital(store)} is busy with others: try again.") from exc
    except SQLAlchemyError as exc:
        raise StoreError(f"{capital(store)} failed: {_one_line(exc)}") from exc


def shown(location: URL) -> str:
    """Names a store for people, without its password, or what else stands behind the question mark of its URL."""
    if location.get_backend_name() == "sqlite":
        return f"the store {location.database or ':memory:'}"
    return f"the store {location.set(query={}).render_as_string()}"


def capital(sentence: str) -> str:
    """Returns a sentence that begins with a capital letter."""
    return sentence[:1].upper() + sentence[1:]


def _translated(exc: DBAPIError, store: str) -> StoreError:
    why = _one_line(exc.orig or exc)
    kind, sentence = _found(exc)
    return kind(sentence.format(Store=capital(store), store=store, why=why))


def _found(exc: DBAPIError) -> _Sentence:
    state: str | None = getattr(exc.orig, "sqlstate", None)
    if state is not None:
        keys = (state, state[:3], state[:2])
        return next((_POSTGRESQL[key] for key in keys if key in _POSTGRESQL), _UNMADE)
    code = getattr(exc.orig, "sqlite_errorcode", None)
    if code is not None:
        return _SQLITE.get(code & 0xFF, _UNMADE)  # the low byte is the primary result code
    if hasattr(exc.orig, "sqlstate") and (exc.connection_invalidated or type(exc.orig).__name__ == "OperationalError"):
        said = str(exc.orig).partition("FATAL:")[2].strip()
        return next((_WORDS[words] for words in _WORDS if said.startswith(words)), _UNREACHABLE)
    return _UNMADE


def _one_line(exc: BaseException) -> str:
    return (str(exc).strip().splitlines() or [type(exc).__name__])[0]
