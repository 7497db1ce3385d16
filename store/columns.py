"""Reading many rows: some columns of a table, past the object mapper, whose rows cost three times as much."""

import json
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Any

import numpy as np
import sqlalchemy
from sqlalchemy import inspect
from sqlmodel import Session, SQLModel

from store.ragged import IntArray

_CHUNK = 20_000  # rows read at once
_IDS_AT_ONCE = 10_000  # of a statement that names each


def column(table: type[SQLModel], name: str) -> Any:
    """Returns a column of a table; a query for nothing but such ones passes the object mapper by."""
    return inspect(table).local_table.c[name]


def columns(table: type[SQLModel], *names: str, order: Sequence[str] = ()) -> Any:
    """Returns a query for some columns of a table."""
    named, ordered = ([column(table, name) for name in some] for some in (names, order))
    return sqlalchemy.select(*named).order_by(*ordered)


def rows_among(session: Session, statement: Any, of: Any, ids: Sequence[int] | Sequence[str]) -> list[Any]:
    """Returns the rows of a query in which the column `of` is one of the ids; a query's order holds within thousands.

    SQLite gets the ids as one value: a statement that spelt them out would be another one each time, and SQLAlchemy and
    the driver keep hundreds of statements, which with ten thousand ids take a megabyte each.
    """
    found: list[Any] = []
    is_sqlite = session.get_bind().dialect.name == "sqlite"
    for start in range(0, len(ids), _IDS_AT_ONCE):
        some = ids[start : start + _IDS_AT_ONCE]
        if is_sqlite:
            listed = sqlalchemy.func.json_each(json.dumps(some)).table_valued("value")
            chosen = statement.where(of.in_(sqlalchemy.select(listed.c.value)))
        else:
            chosen = statement.where(of.in_(some))
        found += session.execute(chosen).all()
    return found


def portions(session: Session, statement: Any) -> Iterator[Sequence[Any]]:
    """Gives the rows of a query, some thousands at a time."""
    return session.execute(statement.execution_options(yield_per=_CHUNK)).partitions()


def integers(session: Session, statement: Any, width: int) -> Iterator[IntArray]:
    """Gives [rows, width] the integers of a query, some thousands of rows at a time."""
    for part in portions(session, statement):
        yield np.fromiter(chain.from_iterable(part), np.int64, width * len(part)).reshape(-1, width)
