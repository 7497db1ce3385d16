"""Opening a store: the file, its schema, transactions, and every database error as one of ours.

SQLite is the default and gets WAL (readers and one writer don't wait for each other), foreign keys, synchronous=FULL
(what was committed survives a power cut) and real transactions. Python's sqlite3 begins transactions by rules of its
own, so that is switched off and BEGIN is sent from SQLAlchemy's `begin` event (SQLAlchemy's documentation, "SQLite:
Transactions with SQLite and the sqlite3 driver"). Other databases get SQLAlchemy's defaults.
"""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import alembic.command
import alembic.config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import URL, Connection, Engine, create_engine, event, inspect, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, IntegrityError, NoSuchModuleError, SQLAlchemyError
from sqlalchemy.pool import ConnectionPoolEntry
from sqlmodel import Session

from store.errors import (
    NewerSchemaError,
    NotAStoreError,
    StoreDamagedError,
    StoreError,
    StoreFullError,
    StoreLockedError,
    StoreMissingError,
    StoreReadOnlyError,
)

DEFAULT_STORE = "sqlite:///argtree.db"
BUSY_SECONDS = 10.0  # how long one process waits for another's transaction
_OUR_TABLES = {"claim", "question", "answer"}  # tell an argtree of the future from another program that uses Alembic


def open_store(url: str = DEFAULT_STORE, *, create: bool = True, busy_seconds: float = BUSY_SECONDS) -> Engine:
    """Returns an engine on a store whose schema is up to date.

    Nothing is written to a file that is not a store, or that a newer argtree wrote. Two processes may open the same
    new store at once: one migrates while the other waits.

    Args:
        url: a SQLAlchemy URL or a plain path to a SQLite file.
        create: make the store if there is none; else a missing one is an error.
        busy_seconds: how long a transaction waits for another process's before StoreLockedError.

    Raises:
        StoreError: one of its subclasses, with one sentence that says what is wrong and what to do.
    """
    location = _parse(url)
    path = _sqlite_path(location)
    if path is not None:
        _check_path(path, create)
    try:
        engine = _make_engine(location, busy_seconds)
    except (ImportError, NoSuchModuleError) as exc:
        raise StoreError(f"The store {_shown(location)} needs a database driver that is not installed: {exc}") from exc
    try:
        with translate_errors(_shown(location)):
            _migrate(engine, _shown(location), create)
            if path is not None:
                _use_wal(engine, busy_seconds)
    except BaseException:
        engine.dispose()
        raise
    return engine


@contextmanager
def session_scope(engine: Engine) -> Iterator[Session]:
    """Gives a session that may write; commits at the end, rolls back on an error. Rows stay readable afterwards.

    On SQLite its transaction begins with the first statement and is BEGIN IMMEDIATE: one writer at a time, so what it
    has read cannot change before it writes. Keep slow work (a model's reply) out of it.

    Raises:
        StoreError: in place of the database's own errors.
    """
    with translate_errors(_shown(engine.url)), Session(engine, expire_on_commit=False) as session:
        yield session
        session.commit()


@contextmanager
def read_scope(engine: Engine) -> Iterator[Session]:
    """Gives a session that only reads: one consistent snapshot, which blocks no writer and waits for none."""
    reader = engine.execution_options(argtree_begin="BEGIN")
    with translate_errors(_shown(engine.url)), Session(reader, expire_on_commit=False) as session:
        yield session


@contextmanager
def translate_errors(shown: str = "the store") -> Iterator[None]:
    """Turns SQLAlchemy's errors into StoreError, `from` them; `shown` names the store in the sentence.

    Broken constraints pass as they are: they are mistakes of the program, not of the user or the disk.
    """
    try:
        yield
    except IntegrityError:
        raise
    except DBAPIError as exc:
        raise _translated(exc, shown) from exc
    except SQLAlchemyError as exc:
        raise StoreError(f"{_capital(shown)} failed: {_one_line(exc)}") from exc


def _translated(exc: DBAPIError, shown: str) -> StoreError:
    # The low byte is the primary result code (sqlite.org/rescode.html); other databases have none.
    code = (getattr(exc.orig, "sqlite_errorcode", None) or 0) & 0xFF
    store = _capital(shown)
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return StoreLockedError(f"{store} is locked by another process: try again when that is done.")
    if code == sqlite3.SQLITE_FULL:
        return StoreFullError(f"The disk of {shown} is full: make room and try again, nothing acknowledged was lost.")
    if code == sqlite3.SQLITE_READONLY:
        return StoreReadOnlyError(f"{store} is read-only: check the permissions of the file and of its folder.")
    if code == sqlite3.SQLITE_CORRUPT:
        return StoreDamagedError(f"{store} is damaged ({exc.orig}): restore it from a copy.")
    if code == sqlite3.SQLITE_NOTADB:
        return NotAStoreError(f"{store} is not a database: name another file with --store.")
    if code == sqlite3.SQLITE_CANTOPEN:
        return StoreMissingError(f"{store} cannot be opened: check that the file is there and may be read.")
    return StoreError(f"{store} failed: {_one_line(exc.orig or exc)}")


def _one_line(exc: BaseException) -> str:
    return (str(exc).strip().splitlines() or [type(exc).__name__])[0]


def _capital(sentence: str) -> str:
    return sentence[:1].upper() + sentence[1:]


def _shown(location: URL) -> str:
    """Names a store for people, without its password."""
    name = location.database if location.get_backend_name() == "sqlite" else location.render_as_string()
    return f"the store {name or ':memory:'}"


def _parse(url: str) -> URL:
    if not url.strip():
        raise StoreError("The store's name is empty: give a path or a database URL with --store.")
    if "://" not in url:
        return URL.create("sqlite", database=url)
    try:
        return make_url(url)
    except (ArgumentError, ValueError) as exc:
        raise StoreError("The store's URL cannot be read: write it as sqlite:///PATH, or give a plain path.") from exc


def _sqlite_path(location: URL) -> Path | None:
    """Returns the file of a SQLite store; None for other databases, memory and SQLite's own `file:` names."""
    name = location.database
    if location.get_backend_name() != "sqlite" or not name or name == ":memory:" or name.startswith("file:"):
        return None
    return Path(name)


def _check_path(path: Path, create: bool) -> None:
    try:
        if path.is_dir():
            raise NotAStoreError(f"{path} is a folder: name a file in it with --store.")
        if not path.parent.is_dir():
            raise StoreMissingError(f"There is no folder {path.parent} for the store {path}: make it first.")
        if not create and not path.exists():
            raise StoreMissingError(f"There is no store at {path}: `argtree explore` or `argtree import` make one.")
    except OSError as exc:  # a name that is too long, a folder that may not be entered
        raise StoreMissingError(f"The store cannot be opened: {exc.strerror}.") from exc


def _make_engine(location: URL, busy_seconds: float) -> Engine:
    if location.get_backend_name() != "sqlite":
        return create_engine(location)
    engine = create_engine(location, connect_args={"timeout": busy_seconds})

    @event.listens_for(engine, "connect")
    def set_up(connection: sqlite3.Connection, _: ConnectionPoolEntry) -> None:
        connection.isolation_level = None  # sqlite3 begins no transactions by itself
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA synchronous = FULL")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql(connection.get_execution_options().get("argtree_begin", "BEGIN IMMEDIATE"))

    return engine


def _alembic_config() -> alembic.config.Config:
    config = alembic.config.Config()
    folder = str(Path(__file__).parent / "migrations")
    config.set_main_option("script_location", folder.replace("%", "%%"))  # % interpolates in a Config
    return config


def _migrate(engine: Engine, shown: str, create: bool) -> None:
    """Brings the schema up to date; takes the write lock only where there is something to do."""
    config = _alembic_config()
    scripts = ScriptDirectory.from_config(config)
    with engine.execution_options(argtree_begin="BEGIN").connect() as connection:
        if _schema(connection, scripts, shown) == scripts.get_current_head():
            return
    with _without_foreign_keys(engine) as connection, connection.begin():
        revision = _schema(connection, scripts, shown)  # again: another process may have migrated while we waited
        if revision is None and not create:
            raise StoreMissingError(f"{_capital(shown)} is empty: `argtree explore` or `argtree import` fill one.")
        config.attributes["connection"] = connection
        alembic.command.upgrade(config, "head")


@contextmanager
def _without_foreign_keys(engine: Engine) -> Iterator[Connection]:
    """Gives a connection on which a table that others refer to can be made anew.

    SQLite ignores the switch inside of a transaction, so it is thrown around it, on the driver's own connection.
    """
    with engine.connect() as connection:
        driver = connection.connection.driver_connection
        if not isinstance(driver, sqlite3.Connection):
            yield connection
            return
        driver.execute("PRAGMA foreign_keys = OFF")
        try:
            yield connection
        finally:
            driver.execute("PRAGMA foreign_keys = ON")


def _schema(connection: Connection, scripts: ScriptDirectory, shown: str) -> str | None:
    """Returns the schema's revision, None for an empty database; raises where it is not ours to touch."""
    tables = set(inspect(connection).get_table_names())
    if not tables:
        return None
    revision = MigrationContext.configure(connection).get_current_revision() if "alembic_version" in tables else None
    if revision in {script.revision for script in scripts.walk_revisions()}:
        return revision
    if revision is None or not tables >= _OUR_TABLES:
        raise NotAStoreError(f"{_capital(shown)} belongs to another program: name another file with --store.")
    raise NewerSchemaError(f"{_capital(shown)} was written by a newer argtree (schema {revision}): upgrade argtree.")


def _use_wal(engine: Engine, busy_seconds: float) -> None:
    """Switches to write-ahead logging, once in a file's life.

    SQLite does not wait for others before this switch as it does before a transaction, so the waiting is here.
    """
    deadline = time.monotonic() + busy_seconds
    connection = engine.raw_connection()
    try:
        while True:
            try:
                if connection.cursor().execute("PRAGMA journal_mode").fetchone() != ("wal",):
                    connection.cursor().execute("PRAGMA journal_mode = WAL")
                return
            except sqlite3.OperationalError as exc:
                busy = (exc.sqlite_errorcode & 0xFF) in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
                if not busy or time.monotonic() > deadline:
                    raise DBAPIError.instance("PRAGMA journal_mode = WAL", (), exc, sqlite3.Error) from exc
            time.sleep(0.02)
    finally:
        connection.close()
