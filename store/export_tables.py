"""The columns of every table of a dataset, and Parquet files written row group by row group.

Rows are tuples in the order of their schema, structs within them too: that is a third of the time of dictionaries.
Not here: what stands in the rows.
"""

import os
from collections.abc import Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]

from store.splits import SPLITS

ROW_GROUP = 10_000

Row = tuple[Any, ...]

_TEXTS = pa.list_(pa.string())
_MESSAGES = pa.list_(pa.struct([("role", pa.string()), ("content", pa.string())]))
_SOFT = pa.schema([("prompt", _MESSAGES), ("completion", _MESSAGES), ("prob", pa.float64()), ("weight", pa.float64())])
_PAIR = pa.schema([("prompt", _MESSAGES), ("chosen", _MESSAGES), ("rejected", _MESSAGES)])
CONFIGURATIONS = {
    "beliefs": _SOFT,
    "inferred": _SOFT,
    "values": _SOFT,
    "sft": pa.schema([("prompt", _MESSAGES), ("completion", _MESSAGES)]),
    "dpo": _PAIR,
    "reward": _PAIR,
    "kto": pa.schema([("prompt", _MESSAGES), ("completion", _MESSAGES), ("label", pa.bool_())]),
    "prm": pa.schema([("prompt", pa.string()), ("completions", _TEXTS), ("labels", pa.list_(pa.bool_()))]),
}
"""What trainers read: the columns of each configuration."""

_ANSWER = pa.struct(
    [
        ("answer", pa.int64()),
        ("rater", pa.string()),
        ("kind", pa.string()),
        ("prob", pa.float64()),
        ("note", pa.string()),
        ("answered_at", pa.string()),
        ("generation", pa.string()),
        ("value_when_asked", pa.float64()),
        ("prob_before", pa.float64()),
    ]
)
_STEP = pa.struct(
    [
        ("argument", pa.string()),
        ("polarity", pa.string()),
        ("strength", pa.float64()),
        ("holds", pa.bool_()),
        ("conclusion", pa.string()),
    ]
)
_PATH = pa.struct([("root", pa.string()), ("question", pa.string()), ("steps", pa.list_(_STEP))])
_NUMBER = pa.struct(
    [
        ("answer", pa.int64()),
        ("rater", pa.string()),
        ("kind", pa.string()),
        ("number", pa.float64()),
        ("sd", pa.float64()),
        ("note", pa.string()),
        ("answered_at", pa.string()),
        ("value_when_asked", pa.float64()),
    ]
)
_RESTING = pa.struct([("claim", pa.string()), ("text", pa.string())])
SIDE_TABLES = {
    "premises": pa.schema(
        [
            ("claim", pa.string()),
            ("text", pa.string()),
            ("split", pa.string()),
            ("label", pa.string()),
            ("label_prob", pa.float64()),
            ("settled", pa.bool_()),
            ("n_answers", pa.int64()),
            ("answers", pa.list_(_ANSWER)),
            ("paths", pa.list_(_PATH)),
        ]
    ),
    "quantities": pa.schema(
        [
            ("quantity", pa.string()),
            ("text", pa.string()),
            ("unit", pa.string()),
            ("distribution", pa.string()),
            ("n_answers", pa.int64()),
            ("answers", pa.list_(_NUMBER)),
            ("claims", pa.list_(_RESTING)),
        ]
    ),
    "provenance": pa.schema(
        [
            ("configuration", pa.string()),
            ("split", pa.string()),
            ("row", pa.int64()),
            ("claim", pa.string()),
            ("basis", pa.string()),
            ("argument", pa.string()),
            ("rejected", pa.string()),
            ("generation", pa.string()),
            ("root", pa.string()),
            ("n_roots", pa.int64()),
            ("answers", pa.list_(pa.int64())),
            ("n_answers", pa.int64()),
            ("raters", _TEXTS),
        ]
    ),
    "refused": pa.schema(
        [
            ("claim", pa.string()),
            ("text", pa.string()),
            ("split", pa.string()),
            ("like", pa.string()),
            ("like_text", pa.string()),
            ("like_split", pa.string()),
            ("likeness", pa.float64()),
        ]
    ),
}
"""Everything else, for people and programs that ask where a row is from."""


def table_path(name: str, split: str | None) -> str:
    """Returns the path of a table's file in the dataset's folder."""
    return f"{name}.parquet" if split is None else f"{name}/{split}.parquet"


OUR_FILES = frozenset(
    [table_path(name, split) for name in CONFIGURATIONS for split in SPLITS]
    + [table_path(name, None) for name in SIDE_TABLES]
)


class Tables:
    """The tables of one dataset under way. A table without rows has no file."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._tables: dict[tuple[str, str | None], _Table] = {}

    def add(self, name: str, split: str | None, row: Row) -> int:
        """Returns the number of the row that was added: 0, 1, ... within its file."""
        table = self._tables.get((name, split))
        if table is None:
            schema = CONFIGURATIONS[name] if split is not None else SIDE_TABLES[name]
            table = self._tables[name, split] = _Table(self.folder / table_path(name, split), schema)
        return table.add(row)

    def counts(self) -> dict[str, int]:
        """Returns rows by the file's path in the folder, in a fixed order."""
        in_order: list[tuple[str, str | None]] = [(name, split) for name in CONFIGURATIONS for split in SPLITS]
        in_order += [(name, None) for name in SIDE_TABLES]
        return {table_path(*one): self._tables[one].count for one in in_order if one in self._tables}

    def close(self) -> None:
        """Ends all files; they are on the disk when this returns."""
        for table in self._tables.values():
            table.close()

    def abandon(self) -> None:
        """Lets go of all files as they are."""
        for table in self._tables.values():
            table.abandon()


class _Table:
    def __init__(self, path: Path, schema: pa.Schema) -> None:
        path.parent.mkdir(exist_ok=True)
        self.path, self.schema = path, schema
        self.count = 0
        self._waiting: list[Row] = []
        self._writer: pq.ParquetWriter | None = None

    def add(self, row: Row) -> int:
        self._waiting.append(row)
        self.count += 1
        if len(self._waiting) == ROW_GROUP:
            self._flush()
        return self.count - 1

    def close(self) -> None:
        self._flush()
        assert self._writer is not None
        self._writer.close()
        sync(self.path)

    def abandon(self) -> None:
        if self._writer is not None:
            try:
                self._writer.close()  # it writes the footer, on a disk that may be full
            except OSError:
                self._writer.is_open = False

    def _flush(self) -> None:
        if self._writer is None:
            self._writer = pq.ParquetWriter(str(self.path), self.schema)
        if self._waiting:
            columns = zip(*self._waiting, strict=True)
            arrays = [_array(column, field.type) for column, field in zip(columns, self.schema, strict=True)]
            self._writer.write_table(pa.Table.from_arrays(arrays, schema=self.schema))
            self._waiting = []


def sync(path: Path) -> None:
    """Returns when the file's content is on the disk: a full one may show only here."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _array(values: Sequence[Any], kind: pa.DataType) -> pa.Array:
    if pa.types.is_list(kind):
        offsets = [0]
        for value in values:
            offsets.append(offsets[-1] + len(value))
        inner = _array(list(chain.from_iterable(values)), kind.value_type)
        return pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), inner)
    if pa.types.is_struct(kind):
        fields = list(kind)
        columns = list(zip(*values, strict=True)) if values else [()] * len(fields)
        arrays = [_array(column, field.type) for column, field in zip(columns, fields, strict=True)]
        return pa.StructArray.from_arrays(arrays, fields=fields)
    return pa.array(values, kind)
