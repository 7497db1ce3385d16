"""The user's own documents as they lie in a folder: which there are, and their text. Nothing is ever written there.

Read are plain text and Markdown. Links are not followed, so that nothing outside of the folder is read and no loop is
walked; what begins with a dot is passed over. Not here: an index of them (`argtree.documents`).
"""

import codecs
import os
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from argtree.errors import DocumentError
from argtree.passages import plain

ENDINGS = (".txt", ".md", ".markdown", ".rst")
MAX_BYTES = 5_000_000  # of a document
_BOMS = (  # longer ones first: that of UTF-32 begins as one of UTF-16 does
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
    (codecs.BOM_UTF8, "utf-8-sig"),
)


@dataclass(frozen=True)
class DocumentFile:
    """A file of the folder."""

    path: Path
    name: str  # its path in the folder with "/" between, as it can be shown and stored
    mtime_ns: int
    size: int  # bytes


def document_files(folder: Path, skip_fn: Callable[[str], None]) -> Iterator[DocumentFile]:
    """Gives the documents under a folder, in the order of their names.

    Args:
        folder: the folder.
        skip_fn: told in a sentence of each that is not read: a link, no plain file, too large, not to be entered.

    Raises:
        DocumentError: there is no such folder, or it can't be entered.
    """
    if not folder.is_dir():
        raise DocumentError(f"There is no folder {folder}: --documents names the folder of your documents.")
    try:
        os.scandir(folder).close()
    except OSError as exc:
        raise DocumentError(f"The folder {folder} can't be read: {exc.strerror}.") from exc

    def tell(exc: OSError) -> None:
        skip_fn(f"{_shown(folder, Path(exc.filename))} can't be read: {exc.strerror}.")

    for place, folders, names in os.walk(folder, onerror=tell):
        for name in sorted(folders):
            if Path(place, name).is_symlink() and not name.startswith("."):
                skip_fn(f"{_shown(folder, Path(place, name))} is a link and was not followed.")
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            if not name.startswith(".") and name.lower().endswith(ENDINGS):
                yield from _looked_at(folder, Path(place, name), skip_fn)


def read_document(file: DocumentFile) -> str:
    """Returns the text of a document.

    Raises:
        DocumentError: in a sentence why it has none: it can't be read, is no text, or of an unknown encoding; or
            something else has taken the file's place since it was found, a link or what is too large among them.
    """
    try:
        data = _bytes_of(file)
    except OSError as exc:
        raise DocumentError(f"{file.name} can't be read: {exc.strerror}.") from exc
    encoding = next((name for bom, name in _BOMS if data.startswith(bom)), "utf-8")
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as exc:
        raise DocumentError(f"{file.name} is not in UTF-8: save it so, if it is text.") from exc
    if "\0" in text:
        raise DocumentError(f"{file.name} is no text: there are zero bytes in it.")
    return text


def _looked_at(folder: Path, path: Path, skip_fn: Callable[[str], None]) -> Iterator[DocumentFile]:
    name = _shown(folder, path)
    try:
        found = path.lstat()
    except OSError:  # it went meanwhile
        return
    refusal = _refusal(name, found.st_mode, found.st_size)
    if refusal is None:
        yield DocumentFile(path, name, found.st_mtime_ns, found.st_size)
    else:
        skip_fn(refusal)


def _bytes_of(file: DocumentFile) -> bytes:
    """Returns what is in a file, of which nothing is taken for granted: it may be another one than was found."""
    opened = os.open(file.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)  # the last: no pipe is waited for
    with os.fdopen(opened, "rb") as document:
        mode = os.fstat(opened).st_mode
        data = document.read(MAX_BYTES + 1) if stat.S_ISREG(mode) else b""
    refusal = _refusal(file.name, mode, len(data))
    if refusal is not None:
        raise DocumentError(refusal)
    return data


def _refusal(name: str, mode: int, size: int) -> str | None:
    """Returns in a sentence why a file is not read; None: it can be."""
    if stat.S_ISLNK(mode):
        return f"{name} is a link and was not followed."
    if not stat.S_ISREG(mode):
        return f"{name} is no plain file."
    if size > MAX_BYTES:
        return f"{name} is larger than {MAX_BYTES:,} bytes: split it, if it is to be read."
    return None


def _shown(folder: Path, path: Path) -> str:
    inside = path.relative_to(folder).as_posix()
    return plain(os.fsencode(inside).decode("utf-8", "replace"))
