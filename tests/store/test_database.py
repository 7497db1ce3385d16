import sqlite3
import subprocess
import sys
from pathlib import Path

import alembic.command
import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import CheckConstraint, Engine, create_engine, inspect, text
from sqlalchemy.exc import IntegrityError
from sqlmodel import SQLModel, select

import store.calls
import store.direct
import store.outbox
import store.posed
import store.shown
import store.tables
import store.tokens
import store.work  # noqa: F401  (all fill SQLModel.metadata)
from store.database import _alembic_config, open_store, read_scope, session_scope
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
from store.raters import get_rater
from store.tables import Answer, Lease, Question, Rater
from store.translation import translate_errors
from tests.store.factories import NOW

on_sqlite = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)


def _one_sentence(error: pytest.ExceptionInfo[StoreError]) -> str:
    said = str(error.value)
    assert said and "\n" not in said and said.endswith(".")
    return said


def test_migrations_make_what_the_tables_say(engine: Engine) -> None:
    with engine.connect() as connection:
        found = compare_metadata(MigrationContext.configure(connection), SQLModel.metadata)
    # Alembic cannot compare an index in falling order on SQLite; `test_plans` has it used.
    assert [one for one in found if getattr(one[1], "name", "") != "ix_question_best"] == []


def test_a_store_of_the_first_schema_keeps_its_answers(store_path: Path) -> None:
    engine = create_engine(f"sqlite:///{store_path}")
    config = _alembic_config()
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        alembic.command.upgrade(config, "0001")
        for row in (
            "INSERT INTO rater VALUES (1, 'Ada', '2026-03-01')",
            "INSERT INTO claim VALUES (1, 'k', 'Text.', 'hash', 0.5, NULL, NULL, '2026-03-01')",
            "INSERT INTO question VALUES (7, 1, 0.25, 0.5, 'open', '2026-03-01', '2026-03-01')",
            "INSERT INTO claim VALUES (2, 'l', 'Other.', 'hush', 0.5, NULL, NULL, '2026-03-01')",
            "INSERT INTO question VALUES (8, 2, 0.25, 0.5, 'open', '2026-03-01', '2026-03-01')",
            "INSERT INTO lease VALUES (7, 1, 'held', '2026-03-01', 0.25, 0.5, 'm')",
            "INSERT INTO lease VALUES (8, 1, 'ended', '2026-02-01', 0.25, 0.5, 'm')",
            "INSERT INTO answer VALUES (3, 7, 1, 1, 'probability', 0.7, 'n', '2026-03-01', 'm', 0.5, 0.25, 'token')",
        ):
            connection.execute(text(row))
    engine.dispose()
    engine = open_store(str(store_path))
    with read_scope(engine) as session:
        answer, lease, rater = (session.exec(select(table)).one() for table in (Answer, Lease, Rater))
        question = session.get_one(Question, 7)
        assert (answer.id, answer.claim_id, answer.prob, answer.token, answer.number) == (3, 1, 0.7, "token", None)
        assert (question.claim_id, question.quantity_id, question.wanted) == (1, None, 1)
        assert (lease.question_id, lease.token, rater.role, rater.paused_at) == (7, "held", "rater", None)
        assert session.connection().exec_driver_sql("PRAGMA foreign_keys").scalar() == 1
    with pytest.raises(IntegrityError, match="append-only"), engine.begin() as connection:
        connection.execute(text("DELETE FROM answer"))
    for broken in (
        "'number', NULL, 1, NULL, 1, NULL",
        "'yes', 1, 1, 0.5, 1, NULL",
        "'number', NULL, 1, 0.5, NULL, NULL",
    ):
        columns = "kind, prob, number, sd, claim_id, quantity_id, question_id, rater_id, note, answered_at"
        row = f"INSERT INTO answer ({columns}, value_when_asked, token) VALUES ({broken}, 7, 1, '', '', 0, 'new')"
        with pytest.raises(IntegrityError, match="CHECK"), engine.begin() as connection:
            connection.execute(text(row))
    assert _checks(engine) == {
        f"{table.name}.{check.name}"
        for table in SQLModel.metadata.sorted_tables
        for check in table.constraints
        if isinstance(check, CheckConstraint)
    }
    engine.dispose()


def _checks(engine: Engine) -> set[str]:
    inspector = inspect(engine)
    names = inspector.get_table_names()
    return {f"{name}.{check['name']}" for name in names for check in inspector.get_check_constraints(name)}


@on_sqlite
def test_the_index_of_the_queue_falls_after_all_migrations(engine: Engine) -> None:
    """A table that a migration made anew once got it back in rising order, in which the queue cannot be read."""
    with engine.connect() as connection:
        made = connection.execute(text("SELECT sql FROM sqlite_master WHERE name = 'ix_question_best'")).scalar()
    assert made is not None and "(value DESC, id) WHERE status = 'open'" in made


@on_sqlite
def test_a_store_has_wal_foreign_keys_and_full_sync(engine: Engine) -> None:
    with engine.connect() as connection:
        pragmas = [
            connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "foreign_keys", "synchronous")
        ]
    assert pragmas == ["wal", 1, 2]


@on_sqlite
def test_a_path_and_a_url_name_the_same_store(engine: Engine, store_path: Path) -> None:
    with session_scope(engine) as session:
        get_rater(session, "Ada", NOW)
    again = open_store(f"sqlite:///{store_path}", create=False)
    with read_scope(again) as session:
        assert session.exec(select(Rater.name)).all() == ["Ada"]
    again.dispose()


def test_a_scope_that_fails_leaves_nothing(engine: Engine) -> None:
    with pytest.raises(KeyError), session_scope(engine) as session:
        get_rater(session, "Ada", NOW)
        raise KeyError
    with read_scope(engine) as session:
        assert session.exec(select(Rater)).all() == []


def test_times_come_back_aware_and_naive_ones_are_refused(engine: Engine) -> None:
    with session_scope(engine) as session:
        get_rater(session, "Ada", NOW)
    with read_scope(engine) as session:
        assert session.exec(select(Rater.created_at)).one() == NOW
    with pytest.raises(StoreError, match="naive"), session_scope(engine) as session:
        get_rater(session, "Bob", NOW.replace(tzinfo=None))


def test_readers_do_not_wait_for_a_writer(engine: Engine) -> None:
    with session_scope(engine) as writer:
        get_rater(writer, "Ada", NOW)
        with read_scope(engine) as reader:
            assert reader.exec(select(Rater)).all() == []


def test_processes_may_open_a_new_store_at_once(store_path: Path) -> None:
    script = f"from store.database import open_store; open_store({str(store_path)!r}).dispose()"
    processes = [subprocess.Popen([sys.executable, "-W", "error", "-c", script]) for _ in range(3)]
    assert [process.wait() for process in processes] == [0, 0, 0]


def test_a_missing_store_is_named(tmp_path: Path) -> None:
    with pytest.raises(StoreMissingError) as error:
        open_store(str(tmp_path / "no.db"), create=False)
    assert "no.db" in _one_sentence(error) and not (tmp_path / "no.db").exists()


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(StoreMissingError, match="no folder") as error:
        open_store(f"sqlite:///{tmp_path}/none/a.db")
    _one_sentence(error)


def test_a_folder_is_no_store(tmp_path: Path) -> None:
    with pytest.raises(NotAStoreError, match="is a folder") as error:
        open_store(str(tmp_path))
    _one_sentence(error)


def test_a_file_that_is_no_database_is_left_alone(store_path: Path) -> None:
    store_path.write_text("not a database\n" * 100)
    with pytest.raises(NotAStoreError, match="not a database") as error:
        open_store(str(store_path))
    assert _one_sentence(error) and store_path.read_text() == "not a database\n" * 100


def test_another_programs_database_is_left_alone(store_path: Path) -> None:
    with sqlite3.connect(store_path) as connection:
        connection.execute("CREATE TABLE songs (title TEXT)")
    connection.close()
    before = store_path.read_bytes()
    with pytest.raises(NotAStoreError, match="another program") as error:
        open_store(str(store_path))
    assert _one_sentence(error) and store_path.read_bytes() == before


@on_sqlite
def test_a_newer_schema_is_left_alone(engine: Engine, store_path: Path) -> None:
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(NewerSchemaError, match="newer argtree") as error:
        open_store(str(store_path))
    assert "9999" in _one_sentence(error)


def test_another_programs_alembic_schema_is_not_taken_for_a_newer_one(store_path: Path) -> None:
    with sqlite3.connect(store_path) as connection:
        connection.execute("CREATE TABLE alembic_version (version_num TEXT)")
        connection.execute("INSERT INTO alembic_version VALUES ('abc')")
    connection.close()
    with pytest.raises(NotAStoreError, match="another program"):
        open_store(str(store_path))


@on_sqlite
def test_a_store_locked_past_the_timeout_says_so(engine: Engine, store_path: Path) -> None:
    hasty = open_store(str(store_path), busy_seconds=0.05)
    with session_scope(engine) as holder:
        get_rater(holder, "Ada", NOW)
        with pytest.raises(StoreLockedError, match="locked by another process") as error, session_scope(hasty) as late:
            get_rater(late, "Bob", NOW)
    hasty.dispose()
    _one_sentence(error)


@on_sqlite
def test_a_read_only_store_can_be_read_but_not_written(engine: Engine, store_path: Path) -> None:
    reader = open_store(f"sqlite:///file:{store_path}?mode=ro&uri=true")
    with read_scope(reader) as session:
        assert session.exec(select(Rater)).all() == []
    with pytest.raises(StoreReadOnlyError, match="read-only") as error, session_scope(reader) as session:
        get_rater(session, "Ada", NOW)
    reader.dispose()
    _one_sentence(error)


@on_sqlite
def test_a_full_disk_says_so_and_keeps_what_was_committed(engine: Engine) -> None:
    with session_scope(engine) as session:
        get_rater(session, "Ada", NOW)
    with pytest.raises(StoreFullError, match="full") as error, session_scope(engine) as session:
        pages = session.connection().exec_driver_sql("PRAGMA page_count").scalar()
        session.connection().exec_driver_sql(f"PRAGMA max_page_count = {pages}")  # SQLite's own way to run out
        for number in range(2000):
            session.add(Rater(name=f"{number}" * 80, created_at=NOW))
        session.flush()
    _one_sentence(error)
    with read_scope(engine) as session:
        assert session.exec(select(Rater.name)).all() == ["Ada"]


@on_sqlite
def test_a_damaged_file_says_so(engine: Engine, store_path: Path) -> None:
    engine.dispose()
    whole = store_path.read_bytes()
    store_path.write_bytes(whole[:4096] + b"\xff" * (len(whole) - 4096))
    with pytest.raises(StoreDamagedError, match="damaged") as error:
        with session_scope(open_store(str(store_path))) as session:
            session.exec(select(Rater)).all()
    _one_sentence(error)


@pytest.mark.parametrize("url", ["", "nonsense://", "no such://x", "://"])
def test_an_unreadable_url_says_so(url: str) -> None:
    with pytest.raises(StoreError) as error:
        open_store(url)
    assert "\n" not in str(error.value)


def test_broken_constraints_are_not_dressed_up(engine: Engine) -> None:
    columns = "claim_id, question, weight, created_at"
    with pytest.raises(IntegrityError), translate_errors(), engine.begin() as connection:
        connection.execute(text(f"INSERT INTO root ({columns}) VALUES (7, '', 1, '2026-03-01')"))
