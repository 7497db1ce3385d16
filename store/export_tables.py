"""The columns of every table of a dataset, and Parquet files written row group by row group.

Rows come column by column, many at a time. Not here: what stands in them.
"""

import os
from collections.abc import Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]
from numpy.typing import NDArray

from store.splits import SPLITS

ROW_GROUP = 10_000

TEXTS = pa.list_(pa.string())
MESSAGES = pa.list_(pa.struct([("role", pa.string()), ("content", pa.string())]))
_SOFT = pa.schema([("prompt", MESSAGES), ("completion", MESSAGES), ("prob", pa.float64()), ("weight", pa.float64())])
_PAIR = pa.schema([("prompt", MESSAGES), ("chosen", MESSAGES), ("rejected", MESSAGES)])
CONFIGURATIONS = {
    "beliefs": _SOFT,
    "inferred": _SOFT,
    "values": _SOFT,
    "sft": pa.schema([("prompt", MESSAGES), ("completion", MESSAGES)]),
    "dpo": _PAIR,
    "reward": _PAIR,
    "kto": pa.schema([("prompt", MESSAGES), ("completion", MESSAGES), ("label", pa.bool_())]),
    "prm": pa.schema([("prompt", pa.string()), ("completions", TEXTS), ("labels", pa.list_(pa.bool_()))]),
}
"""What trainers read: the columns of each configuration."""

_ANSWER = pa.struct(
    [
        ("answer", pa.int64()),
        ("rater", pa.string()),
        ("kind", pa.string()),
        ("prob", pa.float64()),
        ("note", pa.string()),
        ("source", pa.string()),
        ("reason", pa.string()),
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
STEPS = pa.list_(_STEP)
PATHS = pa.list_(pa.struct([("root", pa.string()), ("question", pa.string()), ("steps", STEPS)]))
ANSWERS = pa.list_(_ANSWER)
ANSWER_NUMBERS = pa.list_(pa.int64())
_NUMBER = pa.struct(
    [
        ("answer", pa.int64()),
        ("rater", pa.string()),
        ("kind", pa.string()),
        ("number", pa.float64()),
        ("sd", pa.float64()),
        ("note", pa.string()),
        ("source", pa.string()),
        ("reason", pa.string()),
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
            ("answers", ANSWERS),
            ("paths", PATHS),
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
    "comparisons": pa.schema(
        [
            ("comparison", pa.int64()),
            ("claim", pa.string()),
            ("text", pa.string()),
            ("first", pa.string()),
            ("second", pa.string()),
            ("kind", pa.string()),
            ("rater", pa.string()),
            ("note", pa.string()),
            ("shown_at", pa.string()),
            ("answered_at", pa.string()),
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
            ("answers", ANSWER_NUMBERS),
            ("n_answers", pa.int64()),
            ("comparisons", ANSWER_NUMBERS),
            ("n_comparisons", pa.int64()),
            ("raters", TEXTS),
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

    def extend(self, name: str, split: str | None, columns: Sequence[pa.Array]) -> int:
        """Returns the number, within its file, of the first of the rows that were added; there must be one."""
        table = self._tables.get((name, split))
        if table is None:
            schema = CONFIGURATIONS[name] if split is not None else SIDE_TABLES[name]
            table = self._tables[name, split] = _Table(self.folder / table_path(name, split), schema)
        return table.extend(columns)

    def extend_rows(self, name: str, rows: Sequence[tuple[Any, ...]]) -> None:
        """Adds rows to a side table, where there are any; they are tuples, and so are structs within them."""
        if rows:
            columns = zip(*rows, strict=True)
            kinds = SIDE_TABLES[name].types
            self.extend(name, None, [array(column, kind) for column, kind in zip(columns, kinds, strict=True)])

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
        self._waiting: list[pa.Table] = []
        self._writer: pq.ParquetWriter | None = None

    def extend(self, columns: Sequence[pa.Array]) -> int:
        first = self.count
        self._waiting.append(pa.Table.from_arrays(list(columns), schema=self.schema))
        self.count += self._waiting[-1].num_rows
        if sum(table.num_rows for table in self._waiting) >= ROW_GROUP:
            self._flush(ROW_GROUP)
        return first

    def close(self) -> None:
        self._flush(1)
        assert self._writer is not None
        self._writer.close()
        sync(self.path)

    def abandon(self) -> None:
        if self._writer is not None:
            try:
                self._writer.close()  # it writes the footer, on a disk that may be full
            except OSError:
                self._writer.is_open = False

    def _flush(self, multiple: int) -> None:
        """Writes the rows that wait, but for those beyond a multiple of so many."""
        if self._writer is None:
            self._writer = pq.ParquetWriter(str(self.path), self.schema, use_dictionary=False)  # no smaller with one
        table = pa.concat_tables(self._waiting)
        count = table.num_rows - table.num_rows % multiple
        if count:
            self._writer.write_table(table.slice(0, count), row_group_size=ROW_GROUP)
        left = pa.array(np.arange(count, table.num_rows))
        self._waiting = [table.take(left)]  # a slice would keep in memory what is written


def sync(path: Path) -> None:
    """Returns when the file's content is on the disk: a full one may show only here."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def messages(role: str, contents: Sequence[str] | pa.Array) -> pa.Array:
    """Returns conversations of one message each."""
    texts = contents if isinstance(contents, pa.Array) else pa.array(contents, pa.string())
    inner = pa.StructArray.from_arrays([pa.repeat(role, len(texts)), texts], fields=list(MESSAGES.value_type))
    return lists(np.arange(len(texts) + 1), inner, MESSAGES)


def lists(start: NDArray[np.int64], inner: pa.Array, kind: pa.DataType) -> pa.Array:
    """Returns lists of what lies between the starts."""
    return pa.ListArray.from_arrays(pa.array(start.astype(np.int32)), inner, type=kind)


def array(values: Sequence[Any], kind: pa.DataType) -> pa.Array:
    """Returns values as an array; lists may be any sequences, structs are tuples in the order of their fields."""
    if pa.types.is_list(kind):
        start = np.cumsum([0, *map(len, values)])
        return lists(start, array(list(chain.from_iterable(values)), kind.value_type), kind)
    if pa.types.is_struct(kind):
        fields = list(kind)
        columns = list(zip(*values, strict=True)) if values else [()] * len(fields)
        arrays = [array(column, field.type) for column, field in zip(columns, fields, strict=True)]
        return pa.StructArray.from_arrays(arrays, fields=fields)
    return pa.array(values, kind)
