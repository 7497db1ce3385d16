"""What only a server can do wrong, each as one sentence; and what only it need be told."""

import subprocess
import sys
from collections.abc import Iterator
from threading import Event, Thread

import psycopg
import pytest
from sqlalchemy import Engine, text
from sqlmodel import select

from store.claims import add_claim
from store.database import open_store, read_scope, session_scope
from store.errors import (
    NotAStoreError,
    StoreError,
    StoreFullError,
    StoreLockedError,
    StoreMissingError,
    StoreReadOnlyError,
    StoreRefusedError,
    StoreUnreachableError,
)
from store.locks import Turn, take_turn
from store.raters import get_rater
from store.tables import Claim, Rater
from tests.store.factories import NOW
from tests.store.postgres import PASSWORD, Server

on_postgresql = pytest.mark.parametrize("engine", ["postgresql"], indirect=True)


def _one_sentence(error: pytest.ExceptionInfo[StoreError]) -> str:
    said = str(error.value)
    assert said and "\n" not in said and said.endswith(".") and PASSWORD not in said and "secret" not in said
    return said


@pytest.mark.parametrize(
    "changes, kind, said",
    [
        ({"password": "secret"}, StoreRefusedError, "refuses the user or the password"),
        ({"username": "nobody_here"}, StoreRefusedError, "refuses the user or the password"),
        ({"database": "none"}, StoreMissingError, "has no database.*createdb"),
    ],
)
def test_who_is_not_let_in_is_told_why(
    server: Server, changes: dict[str, str], kind: type[StoreError], said: str
) -> None:
    with pytest.raises(kind, match=said) as error:
        open_store(server.url(**changes))
    assert f":***@127.0.0.1:{server.port}/" in _one_sentence(error)


@pytest.mark.parametrize("url", ["postgresql://u:secret@127.0.0.1:1/x", "postgresql://127.0.0.1:1/x?password=secret"])
def test_a_server_that_is_down_is_told(url: str) -> None:
    with pytest.raises(StoreUnreachableError, match="see that its server runs") as error:
        open_store(url)
    _one_sentence(error)


def test_other_databases_are_named_as_such() -> None:
    with pytest.raises(StoreError, match="no known kind") as error:
        open_store("oracle://scott:secret@host/x")
    _one_sentence(error)


def test_another_programs_database_is_left_alone(server: Server) -> None:
    url = server.make_database("songs")
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute("CREATE TABLE song (title TEXT)")
    with pytest.raises(NotAStoreError, match="another program") as error:
        open_store(url)
    _one_sentence(error)
    server.drop_database("songs")


def test_processes_may_open_a_new_store_at_once(server: Server) -> None:
    url = server.make_database("fresh")
    script = f"from store.database import open_store; open_store({url!r}).dispose()"
    processes = [subprocess.Popen([sys.executable, "-W", "error", "-c", script]) for _ in range(3)]
    assert [process.wait() for process in processes] == [0, 0, 0]
    server.drop_database("fresh")


@pytest.fixture
def crashing() -> Iterator[Server]:
    server = Server(durable=True)
    yield server
    server.close()


def test_a_server_that_goes_away_is_told_and_found_again(crashing: Server) -> None:
    engine = open_store(crashing.make_database("store"))
    with pytest.raises(StoreUnreachableError) as error, session_scope(engine) as session:
        get_rater(session, "Ada", NOW)
        crashing.kill()
        get_rater(session, "Bob", NOW)
    _one_sentence(error)
    crashing.start()
    with session_scope(engine) as session:
        assert session.exec(select(Rater)).all() == []
        get_rater(session, "Ada", NOW)
    crashing.crash()
    crashing.start()
    with read_scope(engine) as session:
        assert session.exec(select(Rater.name)).all() == ["Ada"]
    engine.dispose()


@on_postgresql
def test_a_reader_sees_one_snapshot_and_cannot_write(engine: Engine) -> None:
    with read_scope(engine) as reader:
        assert reader.exec(select(Rater)).all() == []
        with session_scope(engine) as writer:
            get_rater(writer, "Ada", NOW)
        assert reader.exec(select(Rater)).all() == []
    with pytest.raises(StoreReadOnlyError, match="read-only") as error, read_scope(engine) as reader:
        get_rater(reader, "Bob", NOW)
    _one_sentence(error)
    with session_scope(engine) as writer:  # the connection writes again
        get_rater(writer, "Bob", NOW)


@on_postgresql
def test_a_lock_is_not_waited_for_without_end(engine: Engine) -> None:
    hasty = open_store(engine.url.render_as_string(hide_password=False), busy_seconds=0.05)
    with session_scope(engine) as holder:
        take_turn(holder, Turn.GROW)
        with pytest.raises(StoreLockedError, match="locked by another process") as error:
            with session_scope(hasty) as late:
                add_claim(late, "Nails are hard.", 0.5, NOW)
    hasty.dispose()
    _one_sentence(error)


@on_postgresql
@pytest.mark.parametrize(
    "state, kind, said",
    [
        ("53100", StoreFullError, "is full: make room"),
        ("40001", StoreLockedError, "at the same moment: try again"),
        ("40P01", StoreLockedError, "at the same moment: try again"),
        ("57P03", StoreUnreachableError, "cannot be reached"),
        ("53300", StoreLockedError, "as many connections as it takes"),
        ("XX001", StoreError, "is damaged"),
        ("42P01", StoreError, "failed"),
    ],
)
def test_a_servers_trouble_is_one_of_ours(engine: Engine, state: str, kind: type[StoreError], said: str) -> None:
    raised = f"DO $$ BEGIN RAISE EXCEPTION 'trouble {{Store}}' USING ERRCODE = '{state}'; END $$"
    with pytest.raises(kind, match=said) as error, session_scope(engine) as session:
        session.connection().exec_driver_sql(raised)
    _one_sentence(error)


@on_postgresql
def test_what_is_committed_is_on_the_disk_whatever_the_server_is_used_to(engine: Engine) -> None:
    with engine.connect() as connection:  # the tests' server is lax
        assert connection.execute(text("SHOW synchronous_commit")).scalar() == "on"
        assert connection.execute(text("SHOW lock_timeout")).scalar() == "10s"


@on_postgresql
def test_of_two_who_add_the_same_at_once_one_does(engine: Engine) -> None:
    ready, found = Event(), list[str]()

    def add() -> None:
        with session_scope(engine) as session:
            ready.set()
            found.append(add_claim(session, "Nails are hard.", 0.5, NOW).key + get_rater(session, "Ada", NOW).name)

    with session_scope(engine) as session:
        key = add_claim(session, "Nails are hard!", 0.5, NOW).key
        get_rater(session, "Ada", NOW)
        thread = Thread(target=add)
        thread.start()
        ready.wait()
    thread.join()
    assert found == [f"{key}Ada"]
    with read_scope(engine) as session:
        assert len(session.exec(select(Claim)).all()) == len(session.exec(select(Rater)).all()) == 1
