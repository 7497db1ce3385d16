"""From an exported dataset's folder to examples; how one is written is in `store/export.py`."""

import hashlib
import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import astuple
from pathlib import Path
from typing import Any

import pyarrow.parquet as parquet  # type: ignore[import-untyped]

from models.errors import DatasetError
from models.examples import Example

SOFT = ("beliefs", "inferred", "values")  # configurations with a probability of yes
REPLIES = ("sft",)


def read_examples(folder: Path, split: str = "train") -> list[Example]:
    """What a split of an exported dataset teaches: what people said, what follows from it, and replies.

    A configuration or split without rows has no file, and gives nothing.

    Raises:
        DatasetError: There is no dataset in the folder, or it can't be read.
    """
    if not any((folder / name).is_dir() for name in (*SOFT, *REPLIES)):
        raise DatasetError(f"There is no dataset in {folder}: `argtree export {folder}` writes one.")
    found = [_example(row, path) for path in _files(folder, SOFT, split) for row in _rows(path)]
    return found + [_reply(row, path) for path in _files(folder, REPLIES, split) for row in _rows(path)]


def read_turns(path: Path) -> list[Example]:
    """Examples from a JSONL file: on each line `prompt` and `completion`, or `prompt` and `prob`, and maybe `weight`.

    Raises:
        DatasetError: The file can't be read, a line has another form, or there is none.
    """
    try:
        lines = path.read_text(encoding="utf-8").split("\n")  # not splitlines: U+2028 may stand in a text
        rows = [json.loads(line) for line in lines if line.strip()]
    except (OSError, ValueError, RecursionError) as exc:
        raise DatasetError(f"{path} can't be read as JSON lines: {exc}".splitlines()[0]) from exc
    if not rows:
        raise DatasetError(f"There are no lines in {path}.")
    return [_example(row, path) if isinstance(row, dict) and "prob" in row else _reply(row, path) for row in rows]


def hash_examples(*lists: Sequence[Example]) -> str:
    """A hash of what is to be learnt: 16 hexadecimal digits, the same for the same examples in the same order."""
    digest = hashlib.sha256()
    for examples in lists:
        digest.update(json.dumps([astuple(example) for example in examples]).encode())
    return digest.hexdigest()[:16]


def _files(folder: Path, names: Iterable[str], split: str) -> Iterator[Path]:
    paths = (folder / name / f"{split}.parquet" for name in names)
    return (path for path in paths if path.is_file())


def _rows(path: Path) -> list[dict[str, Any]]:
    try:
        rows: list[dict[str, Any]] = parquet.read_table(path).to_pylist()
    except Exception as exc:  # whatever the vendor raises on a broken file, it means just this
        raise DatasetError(f"{path} can't be read: {str(exc).splitlines()[0] if str(exc) else type(exc)}") from exc
    return rows


def _example(row: Mapping[str, Any], path: Path) -> Example:
    try:
        prob = float(row["prob"])
        if not 0 <= prob <= 1:
            raise ValueError(f"prob is {prob}")
        return Example(_text(row["prompt"]), yes_prob=prob, weight=_weight(row))
    except (KeyError, TypeError, ValueError, IndexError) as exc:
        raise DatasetError(f"A row of {path} is no yes/no question with its probability: {exc}") from exc


def _reply(row: Mapping[str, Any], path: Path) -> Example:
    try:
        return Example(_text(row["prompt"]), _text(row["completion"]), weight=_weight(row))
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as exc:
        raise DatasetError(f"A row of {path} is no prompt with its completion: {exc}") from exc


def _weight(row: Mapping[str, Any]) -> float:
    weight = 1.0 if row.get("weight") is None else float(row["weight"])
    if not 0 < weight < math.inf:
        raise ValueError(f"weight is {weight}")
    return weight


def _text(turns: Any) -> str:
    """The text of one turn, given as it stands or as a list of that one message."""
    if isinstance(turns, str):
        return turns
    (message,) = turns
    return str(message["content"])
