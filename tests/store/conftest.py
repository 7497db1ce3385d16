"""A store of its own for every test: the whole suite runs on a SQLite file and on a PostgreSQL database."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine
from sqlmodel import Session

from store.database import open_store, session_scope
from tests.store.postgres import MISSING, Server, Spare, programs
from tests.stores import new_store


@pytest.fixture
def store_path(tmp_path: Path) -> Path:
    return tmp_path / "store.db"


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    if programs() is None:
        pytest.skip(MISSING)
    server = Server()
    open_store(server.make_database("migrated")).dispose()  # the template of the others
    yield server
    server.close()


@pytest.fixture(scope="session")
def spare(server: Server) -> Spare:
    return Spare(server, "migrated")


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest) -> Iterator[Engine]:
    if request.param == "sqlite":
        engine = new_store(request.getfixturevalue("store_path"))
        yield engine
        engine.dispose()
        return
    spare: Spare = request.getfixturevalue("spare")
    engine = open_store(spare.url())
    yield engine
    engine.dispose()
    spare.give_back()


@pytest.fixture
def session(engine: Engine) -> Iterator[Session]:
    with session_scope(engine) as session:
        yield session
