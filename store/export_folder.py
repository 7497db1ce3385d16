"""A dataset's folder takes the place of an earlier one as a whole, or not at all.

It is written completely beside its place and then renamed into it, so whatever fails, an earlier export stays. A kill
between the two renames of that leaves it beside the folder, as `.NAME-before`; the next export puts it back before
anything else. Other files in the folder of an earlier export stay there.
"""

import errno
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from store.errors import ExportError
from store.export_tables import OUR_FILES

MARK = "argtree-dataset/2"  # in the card; tells an earlier export from a folder of somebody else's
CARD = "README.md"
METADATA = "croissant.json"
_MARKS = (MARK, "argtree-dataset/1")
_OUR_FILES = OUR_FILES | {METADATA} | {f"{n}.{kind}" for n in ("premises", "messages", "quantities")
                                       for kind in ("jsonl", "parquet")}  # fmt: skip


@contextmanager
def replacing(folder: Path) -> Iterator[Path]:
    """Gives a new folder to fill, which takes the place of `folder` where nothing fails.

    Raises:
        ExportError: the folder holds something else, is the current one, or cannot be written.
    """
    with _export_errors(folder):
        _refuse_foreign(folder)
        place = folder.resolve()  # of a link the folder that it names
        aside = place.with_name(f".{place.name}-before")
        _settle(aside, place)
        beside = Path(tempfile.mkdtemp(prefix=f".{place.name}-", dir=place.parent))
        try:
            beside.chmod(place.stat().st_mode if place.exists() else 0o755)  # mkdtemp's are private
            yield beside
            _swap(beside, place, aside)
        finally:
            shutil.rmtree(beside, ignore_errors=True)
        _settle(aside, place)


def _swap(beside: Path, place: Path, aside: Path) -> None:
    """Renames what is in the place to aside, if anything is, and beside to the place."""
    if not place.exists():
        os.rename(beside, place)
        return
    os.rename(place, aside)
    try:
        os.rename(beside, place)
    except OSError:
        os.rename(aside, place)
        raise


def _settle(aside: Path, place: Path) -> None:
    """Ends a swap, if need be a killed one: what is aside goes back, or all but our files if there is a new one."""
    if not aside.exists():
        return
    _refuse_foreign(aside)
    if not place.exists() or not any(place.iterdir()):
        os.rename(aside, place)
        return
    _give_back(aside, place, aside)
    (aside / CARD).unlink(missing_ok=True)  # the last one: it tells that the folder is ours
    aside.rmdir()


def _give_back(folder: Path, place: Path, top: Path) -> None:
    """Moves what is not ours (somebody's notes, a .git) from a folder that was replaced to the new one."""
    ours = {name.split("/")[0] for name in _OUR_FILES}
    for path in sorted(folder.iterdir()):
        name = path.relative_to(top).as_posix()
        if name in _OUR_FILES:
            path.unlink()
        elif folder == top and path.is_dir() and not path.is_symlink() and name in ours:
            _give_back(path, place, top)
            path.rmdir()
        elif name != CARD:
            (place / name).parent.mkdir(exist_ok=True)
            os.rename(path, place / name)


def _refuse_foreign(folder: Path) -> None:
    if folder.exists() and not folder.is_dir():
        raise ExportError(f"{folder} is a file: name a folder to export to.")
    if not folder.resolve().parent.is_dir():
        raise ExportError(f"There is no folder {folder.resolve().parent} to export to: make it first.")
    if folder.resolve() == Path.cwd():
        raise ExportError(f"{folder} is the current folder: name a new or empty folder.")
    if folder.is_dir() and any(folder.iterdir()):
        card = folder / CARD
        text = card.read_text(encoding="utf-8", errors="replace") if card.is_file() else ""
        if not any(mark in text for mark in _MARKS):
            raise ExportError(f"{folder} holds something that is no earlier export: name a new or empty folder.")


@contextmanager
def _export_errors(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as exc:
        if exc.errno in (errno.ENOSPC, errno.EDQUOT):
            raise ExportError(f"The disk is full: nothing was exported to {folder}, and what was there stays.") from exc
        raise ExportError(f"The export to {folder} cannot be written: {exc.strerror or exc}.") from exc
