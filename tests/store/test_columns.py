"""Rows read by the ids of what they are about."""

from typing import Any

import numpy as np
import pytest
from sqlalchemy import event
from sqlmodel import Session

from store.columns import column, columns, rows_among
from store.export_batch import Reader
from store.splits import read_families
from store.tables import Claim
from tests.store.datasets import filled


def test_rows_are_read_by_their_ids_some_at_a_time(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    filled(session)
    monkeypatch.setattr("store.columns._IDS_AT_ONCE", 2)
    found = rows_among(session, columns(Claim, "key", order=("id",)), column(Claim, "id"), [1, 3, 4, 7, 99])
    assert [key for (key,) in found] == ["r", "h", "t", "u"]


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)  # PostgreSQL is told the ids in the statement
def test_every_batch_is_read_by_the_same_statements(session: Session) -> None:
    """Once the ids stood in the statements, all of which SQLAlchemy and the driver kept: 300 bytes a label."""
    families, reader = read_families(filled(session), 0.0), Reader(session)
    heard: list[set[str]] = []

    def hear(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        heard[-1].add(statement)

    event.listen(session.get_bind(), "before_cursor_execute", hear)
    for rows in (np.arange(2), np.arange(2, 7)):
        heard.append(set())
        reader.read(rows, families.ids[rows].tolist(), linked=False)
    assert heard[0] == heard[1]
