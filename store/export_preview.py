"""What an export holds, to be shown to people: how many rows of each configuration and split, and the first few."""

import json
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq  # type: ignore[import-untyped]

from store.export_tables import CONFIGURATIONS
from store.splits import SPLITS


@dataclass(frozen=True)
class Configuration:
    """Rows for one kind of trainer."""

    name: str
    rows: Mapping[str, int]  # split -> how many; those with rows only
    first: tuple[Mapping[str, str], ...]  # of the first split with rows: column -> what stands there, as text


def preview(folder: Path, num_rows: int) -> list[Configuration]:
    """Returns the configurations that an export holds, each with its first rows; those without rows are left out."""
    found = []
    for name in CONFIGURATIONS:
        paths = {split: folder / name / f"{split}.parquet" for split in SPLITS}
        files = {split: pq.ParquetFile(path) for split, path in paths.items() if path.is_file()}
        rows = {split: file.metadata.num_rows for split, file in files.items() if file.metadata.num_rows}
        if rows:
            found.append(Configuration(name, rows, tuple(_first(files[next(iter(rows))], num_rows))))
        for file in files.values():
            file.close()
    return found


def zip_folder(folder: Path, archive: Path) -> None:
    """Writes all files of a folder into a new archive, in a fixed order."""
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            packed.write(path, path.relative_to(folder))


def _first(file: Any, num_rows: int) -> Iterator[dict[str, str]]:
    for batch in file.iter_batches(num_rows):
        for row in batch.to_pylist():
            yield {name: _text(value) for name, value in row.items()}
        return


def _text(value: object) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, list) and all(isinstance(one, dict) and one.keys() == {"role", "content"} for one in value):
        return "\n".join(one["content"] for one in value)  # a conversation: the column tells who speaks
    return json.dumps(value, ensure_ascii=False, default=str)
