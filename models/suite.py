"""What a model is judged on: claims with truths that never enter training.

A suite is a list of items; as a file it is JSON lines, one item each:

    {"claim": "A brick is hard.", "truth": true, "question": "Is a brick hard?", "kind": "test"}

`question` (needed for the slow answers only) and `kind` ("test") may be left out. A folder that `argtree export` wrote
is a suite too: the settled labels of its test split. Not here: the bundled world's suite (`models.everyday.suite`).
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from argtree.format import write_whole
from models.errors import BadSuiteError
from models.prompts import IS_TRUE

HELD_OUT = ("test", "validation")  # what a generation must be better on
TOLD, CANARY = "told", "canary"  # what it must not forget
WITHHELD, APART = "withheld", "apart"  # reported, and gating nothing
SETTLED = 0.95  # a label at least this sure counts as a truth; as in argtree.evidence


@dataclass(frozen=True)
class Item:
    """One claim, whether it's true, and what it is there to show."""

    question: str  # as somebody would ask; may be empty, then it is not explored
    claim: str
    truth: bool
    kind: str = (
        "test"  # "test", "validation", "told", "canary", "withheld", "apart", or one's own, which is only told of
    )


class _Line(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    claim: Annotated[str, Field(min_length=1, max_length=2000)]
    truth: bool
    question: Annotated[str, Field(max_length=2000)] = ""
    kind: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")] = "test"


def read_suite(path: Path) -> list[Item]:
    """The items of a file of JSON lines, or of an exported dataset's folder.

    Raises:
        BadSuiteError: It is neither, a line is wrong, a claim stands there twice, or nothing is left.
    """
    if path.is_dir():
        return _of_dataset(path)
    try:
        lines = path.read_text(encoding="utf-8").split("\n")  # not splitlines: U+2028 may stand in a text
    except (OSError, UnicodeDecodeError) as exc:
        raise BadSuiteError(f"The suite {path} can't be read: {getattr(exc, 'strerror', None) or 'no UTF-8'}.") from exc
    items = [_item(line, f"{path}, line {number}") for number, line in enumerate(lines, 1) if line.strip()]
    return _checked(items, path)


def write_suite(items: Sequence[Item], path: Path) -> None:
    """Write a suite as JSON lines, whole or not at all."""
    write_whole(path, "".join(json.dumps(asdict(item), ensure_ascii=False) + "\n" for item in items).encode())


def suite_hash(items: Sequence[Item]) -> str:
    """SHA-256 of a suite: what tells that two models were judged on the same."""
    return hashlib.sha256(json.dumps([asdict(item) for item in items]).encode()).hexdigest()


def _item(line: str, where: str) -> Item:
    try:
        read = _Line.model_validate(json.loads(line))
    except ValidationError as exc:
        first = exc.errors()[0]
        raise BadSuiteError(f"{where}: {'.'.join(map(str, first['loc'])) or 'the line'}: {first['msg']}.") from exc
    except (ValueError, RecursionError) as exc:
        raise BadSuiteError(f"{where} is no JSON: {exc}.") from exc
    return Item(read.question, read.claim, read.truth, read.kind)


def _of_dataset(folder: Path) -> list[Item]:
    """The settled labels of the test split: whatever raters are sure of there counts as true."""
    import pyarrow.parquet as pq  # type: ignore[import-untyped]

    path = folder / "beliefs" / "test.parquet"
    try:
        rows: list[dict[str, Any]] = pq.read_table(path, columns=["prompt", "prob"]).to_pylist()
        asked = [(row["prompt"][-1]["content"], float(row["prob"])) for row in rows]
    except FileNotFoundError as exc:
        raise BadSuiteError(f"The dataset {folder} has no test split ({path}): give a suite as a file.") from exc
    except Exception as exc:  # pyarrow has many classes for a file that isn't what it should be
        raise BadSuiteError(f"{path} isn't as `argtree export` writes it: {exc}.") from exc
    settled = [(text, prob) for text, prob in asked if text.startswith(IS_TRUE) and not 1 - SETTLED < prob < SETTLED]
    return _checked([Item("", text.removeprefix(IS_TRUE), prob > 0.5) for text, prob in settled], path)


def _checked(items: list[Item], path: Path) -> list[Item]:
    if not items:
        raise BadSuiteError(f"The suite {path} holds nothing to judge a model on.")
    seen: set[tuple[str, str]] = set()
    for item in items:
        if (item.kind, item.claim) in seen:
            raise BadSuiteError(f"The suite {path} holds a claim twice as {item.kind!r}: {item.claim[:200]!r}.")
        seen.add((item.kind, item.claim))
    return items
