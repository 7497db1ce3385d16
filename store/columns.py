"""Reading many rows: some columns of a table, past the object mapper, whose rows cost three times as much."""

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Any

import numpy as np
import sqlalchemy
from sqlalchemy import inspect
from sqlmodel import Session, SQLModel

from store.ragged import IntArray

_CHUNK = 20_000  # rows read at once


def columns(table: type[SQLModel], *names: str, order: Sequence[str] = ()) -> Any:
    """Returns a query for some columns of a table."""
    of_table = inspect(table).local_table.c
    return sqlalchemy.select(*(of_table[name] for name in names)).order_by(*(of_table[name] for name in order))


def portions(session: Session, statement: Any) -> Iterator[Sequence[Any]]:
    """Gives the rows of a query, some thousands at a time."""
    return session.execute(statement.execution_options(yield_per=_CHUNK)).partitions()


def integers(session: Session, statement: Any, width: int) -> IntArray:
    """Returns [rows, width] the integers that a query gives."""
    parts = [
        np.fromiter(chain.from_iterable(part), np.int64, width * len(part)) for part in portions(session, statement)
    ]
    return np.concatenate([np.empty(0, np.int64), *parts]).reshape(-1, width)
