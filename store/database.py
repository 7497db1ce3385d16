"""Opening a store: its schema and transactions, on SQLite or PostgreSQL. Errors are `store.translation`'s.

SQLite is the default and gets WAL (readers and one writer don't wait for each other), foreign keys, synchronous=FULL
(what was committed survives a power cut) and real transactions. Python's sqlite3 begins transactions by rules of its
own, so that is switched off and BEGIN is sent from SQLAlchemy's `begin` event (SQLAlchemy's documentation, "SQLite:
Transactions with SQLite and the sqlite3 driver").

PostgreSQL gets the same promises: a lock is not waited for without end, a commit that returned is on the disk, and a
reader sees one snapshot. Its writers see what is committed statement by statement (READ COMMITTED) and lock what they
decide by; SQLite's exclude one another.
"""

import random
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import alembic.command
import alembic.config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import URL, Connection, Engine, create_engine, event, inspect, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError
from sqlalchemy.pool import ConnectionPoolEntry
from sqlmodel import Session

from store.errors import NewerSchemaError, NotAStoreError, StoreError, StoreMissingError
from store.locks import Turn, take_turn
from store.translation import capital, shown, translate_errors
from store.turnstile import Turnstile, turnstile

DEFAULT_STORE = "sqlite:///argtree.db"
_POSTGRESQL = "postgresql+psycopg://USER:PASSWORD@HOST/DATABASE"
BUSY_SECONDS = 10.0  # how long one process waits for another's transaction
_LOOK_SECONDS = (0.002, 0.02)  # between two looks whether another's transaction is over
_WRITES = "argtree_writes"  # mark of a connection whose turn it is
_OUR_TABLES = {"claim", "question", "answer"}  # tell an argtree of the future from another program that uses Alembic


def open_store(url: str = DEFAULT_STORE, *, create: bool = True, busy_seconds: float = BUSY_SECONDS) -> Engine:
    """Returns an engine on a store whose schema is up to date.

    Nothing is written to a file that is not a store, or that a newer argtree wrote. Two processes may open the same
    new store at once: one migrates while the other waits.

    Args:
        url: a SQLAlchemy URL, of SQLite or PostgreSQL, or a plain path to a SQLite file.
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
        raise StoreError(
            f"{capital(shown(location))} needs a driver that is not installed ({exc}): `pip install "
            "'argtree[postgres]'` brings PostgreSQL's."
        ) from exc
    try:
        with translate_errors(shown(location)):
            _migrate(engine, shown(location), create)
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
    with translate_errors(shown(engine.url)), Session(engine, expire_on_commit=False) as session:
        yield session
        session.commit()


@contextmanager
def read_scope(engine: Engine) -> Iterator[Session]:
    """Gives a session that only reads: one consistent snapshot, which blocks no writer and waits for none."""
    if engine.dialect.name == "sqlite":
        reader = engine.execution_options(argtree_reads=True)
    else:
        reader = engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
    with translate_errors(shown(engine.url)), Session(reader, expire_on_commit=False) as session:
        yield session


def _parse(url: str) -> URL:
    if not url.strip():
        raise StoreError("The store's name is empty: give a path or a database URL with --store.")
    if "://" not in url:
        return URL.create("sqlite", database=url)
    try:
        return make_url(url)
    except (ArgumentError, ValueError) as exc:
        raise StoreError(
            f"The store's URL cannot be read: write it as sqlite:///PATH or {_POSTGRESQL}, or give a plain path."
        ) from exc


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
    if location.get_backend_name() == "sqlite":
        return _make_sqlite_engine(location, busy_seconds)
    if location.get_backend_name() == "postgresql":
        return _make_postgresql_engine(location, busy_seconds)
    raise StoreError(f"{capital(shown(location))} is of no known kind: give a path, sqlite:///PATH or {_POSTGRESQL}.")


def _make_sqlite_engine(location: URL, busy_seconds: float) -> Engine:
    path = _sqlite_path(location)
    # Connections to a file cost little, and writers wait at the turnstile, not for one of few.
    pool: dict[str, Any] = {} if path is None else {"max_overflow": -1}
    engine = create_engine(location, connect_args={"timeout": busy_seconds}, **pool)
    writers = Turnstile() if path is None else turnstile(str(path.resolve()))

    @event.listens_for(engine, "connect")
    def set_up(connection: sqlite3.Connection, _: ConnectionPoolEntry) -> None:
        connection.isolation_level = None  # sqlite3 begins no transactions by itself
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA synchronous = FULL")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        if connection.get_execution_options().get("argtree_reads"):
            connection.exec_driver_sql("BEGIN")
        else:
            deadline = time.monotonic() + busy_seconds
            if _WRITES not in connection.info and writers.enter(busy_seconds):
                connection.info[_WRITES] = True
            _begin_to_write(connection, busy_seconds, deadline)

    @event.listens_for(engine, "checkin")
    def give_back(_: Any, record: ConnectionPoolEntry) -> None:  # whatever came of the transaction
        if record.info.pop(_WRITES, False):
            writers.leave()

    return engine


def _begin_to_write(connection: Connection, busy_seconds: float, deadline: float) -> None:
    """Begins a transaction once no other process writes.

    SQLite's own way to wait looks ever more rarely, so that of many writers those that wait longest come last. Here all
    look equally often, and at random.
    """
    driver = connection.connection.driver_connection
    assert isinstance(driver, sqlite3.Connection)
    driver.execute("PRAGMA busy_timeout = 0")
    try:
        while time.monotonic() < deadline:
            try:
                driver.execute("BEGIN IMMEDIATE")
                return
            except sqlite3.OperationalError as exc:
                if not _is_busy(exc):
                    break
            time.sleep(random.uniform(*_LOOK_SECONDS))
        connection.exec_driver_sql("BEGIN IMMEDIATE")  # its error becomes one of SQLAlchemy's
    finally:
        driver.execute(f"PRAGMA busy_timeout = {round(busy_seconds * 1000)}")


def _is_busy(exc: sqlite3.OperationalError) -> bool:
    return (exc.sqlite_errorcode & 0xFF) in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


def _make_postgresql_engine(location: URL, busy_seconds: float) -> Engine:
    """Returns an engine that notices when the server was started anew, whatever other settings the URL brings."""
    location = location.set(drivername="postgresql+psycopg")
    if "connect_timeout" not in location.query:
        location = location.update_query_dict({"connect_timeout": f"{max(2, round(busy_seconds))}"})
    engine = create_engine(location, pool_pre_ping=True)

    @event.listens_for(engine, "connect")
    def set_up(connection: Any, _: ConnectionPoolEntry) -> None:
        connection.autocommit = True
        connection.execute("SELECT set_config('lock_timeout', %s, false)", [f"{max(1, round(busy_seconds * 1000))}ms"])
        connection.execute(
            "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'"
        )
        connection.autocommit = False

    return engine


def _alembic_config() -> alembic.config.Config:
    config = alembic.config.Config()
    folder = str(Path(__file__).parent / "migrations")
    config.set_main_option("script_location", folder.replace("%", "%%"))  # % interpolates in a Config
    return config


def _migrate(engine: Engine, name: str, create: bool) -> None:
    """Brings the schema up to date; takes the write lock only where there is something to do."""
    config = _alembic_config()
    scripts = ScriptDirectory.from_config(config)
    with engine.execution_options(argtree_reads=True).connect() as connection:
        if _schema(connection, scripts, name) == scripts.get_current_head():
            return
    with _without_foreign_keys(engine) as connection, connection.begin():
        take_turn(connection, Turn.MIGRATE)
        revision = _schema(connection, scripts, name)  # again: another process may have migrated while we waited
        if revision is None and not create:
            raise StoreMissingError(f"{capital(name)} is empty: `argtree explore` or `argtree import` fill one.")
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


def _schema(connection: Connection, scripts: ScriptDirectory, name: str) -> str | None:
    """Returns the schema's revision, None for an empty database; raises where it is not ours to touch."""
    tables = set(inspect(connection).get_table_names())
    if not tables:
        return None
    revision = MigrationContext.configure(connection).get_current_revision() if "alembic_version" in tables else None
    if revision in {script.revision for script in scripts.walk_revisions()}:
        return revision
    if revision is None or not tables >= _OUR_TABLES:
        raise NotAStoreError(f"{capital(name)} belongs to another program: name another file with --store.")
    raise NewerSchemaError(f"{capital(name)} was written by a newer argtree (schema {revision}): upgrade argtree.")


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
                if not _is_busy(exc) or time.monotonic() > deadline:
                    raise DBAPIError.instance("PRAGMA journal_mode = WAL", (), exc, sqlite3.Error) from exc
            time.sleep(0.02)
    finally:
        connection.close()
