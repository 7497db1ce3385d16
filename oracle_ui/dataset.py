"""An export made for the page: by the command `argtree export`, in a process of its own.

So the page needs no words of the models, and an export, which switches garbage collection off, slows nobody down.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import weakref
from dataclasses import dataclass
from pathlib import Path

from argtree.errors import ArgtreeError
from oracle_ui.serve import STORE_VARIABLE
from store.export_preview import Configuration, preview, zip_folder

_PREVIEWED = 5
_PATIENCE_SECONDS = 600.0


class DatasetError(ArgtreeError):
    """The dataset could not be made."""


@dataclass(frozen=True, eq=False)
class Dataset:
    """An export, packed; the archive is gone when nothing holds this any more."""

    configurations: tuple[Configuration, ...]
    archive: Path  # a zip


def make_dataset(url: str) -> Dataset:
    """Returns the export of a store. Raises DatasetError with the command's own sentence."""
    place = Path(tempfile.mkdtemp(prefix="argtree-desk-"))
    try:
        _export(url, place / "dataset")
        zip_folder(place / "dataset", place / "dataset.zip")
        made = Dataset(tuple(preview(place / "dataset", _PREVIEWED)), place / "dataset.zip")
    except BaseException:
        shutil.rmtree(place, ignore_errors=True)
        raise
    weakref.finalize(made, shutil.rmtree, place, ignore_errors=True)
    return made


def _export(url: str, folder: Path) -> None:
    try:
        done = subprocess.run(
            [sys.executable, "-m", "argtree.cli", "export", str(folder)],
            env={**os.environ, STORE_VARIABLE: url},  # not an argument: others could read a password in it
            capture_output=True,
            text=True,
            timeout=_PATIENCE_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as exc:
        raise DatasetError("The export takes too long for a page: run `argtree export` in a terminal.") from exc
    if done.returncode != 0:
        raise DatasetError(done.stderr.strip().removeprefix("Error: ") or None)
