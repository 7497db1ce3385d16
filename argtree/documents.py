"""An index of the user's own documents: which passages are near a claim, by its words and by its likeness.

A SQLite file of its own, beside the store where that is a file; it can be deleted at any time and is made anew. Words
are found by FTS5, its ranking BM25; likeness by an embedding model; the two rankings are fused (`argtree.passages`).
Not here: reading files (`argtree.document_files`), what is put before a model (`argtree.facts`).
"""

import hashlib
import logging
import sqlite3
import time
import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import RLock

import numpy as np
import numpy.typing as npt
from sqlalchemy import make_url

from argtree.document_files import ENDINGS, DocumentFile, document_files, read_document
from argtree.errors import DocumentError
from argtree.passages import fuse, passages, telling_words
from models.base import LanguageModel
from models.embedding import Embedding, Vectors

MAX_PASSAGES = 200_000  # in an index; at 1 kB for the vector of each
REFRESH_SECONDS = 60.0  # between two looks at the folder
LOOKED_AT = 20  # of each ranking
NEAR_WORDS = 0.5  # share of a claim's telling words that a passage found by words has at least
_MAX_WORDS = 40  # of a claim that are looked for
_FORM = 1  # of the tables below; part of the file's name
_BUSY_SECONDS = 60.0
_TABLES = """
CREATE TABLE IF NOT EXISTS file (
    id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, mtime_ns INTEGER NOT NULL, size INTEGER NOT NULL,
    digest TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS passage (
    id INTEGER PRIMARY KEY, file_id INTEGER NOT NULL REFERENCES file, line INTEGER NOT NULL, vector BLOB NOT NULL
);
CREATE INDEX IF NOT EXISTS passage_file ON passage (file_id);
CREATE VIRTUAL TABLE IF NOT EXISTS words USING fts5(heading, text, tokenize = 'porter unicode61 remove_diacritics 2');
"""

log = logging.getLogger("argtree.daemon")


@dataclass(frozen=True)
class PlacedPassage:
    """A passage and where it stands."""

    file: str  # its path in the folder
    line: int  # from 1
    heading: str  # "" for none
    text: str


class Documents:
    """The documents of one folder, by one embedding model."""

    def __init__(self, folder: Path, store: str, embedding: Embedding, clock: Callable[[], float] = time.monotonic):
        """Read the documents, those that are new or changed since they were last read.

        Args:
            folder: of the documents; nothing is written there.
            store: URL or path of the store that the index lies beside.
            embedding: by which likeness is seen.
            clock: seconds from any beginning.

        Raises:
            DocumentError: there is no such folder, nothing in it can be read, or the index can't be used.
        """
        self.folder = folder
        self.path = index_path(folder, store, embedding)
        self.embedding = embedding
        self._clock = clock
        self._told: set[str] = set()  # sentences about what was skipped
        self._seen: tuple[int, int] | None = None  # SQLite's count of changes as of which the vectors were read
        self._vectors: tuple[npt.NDArray[np.int64], Vectors]  # ids of the passages, and theirs
        self._lock = RLock()  # of the connection, for explorers in several threads
        with self._translated():
            self._index = sqlite3.connect(
                self.path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False
            )
            weakref.finalize(self, self._index.close)
            self._index.execute("PRAGMA journal_mode = WAL")
            self._index.executescript(_TABLES)
        self.refresh()
        if not len(self):
            raise DocumentError(f"Nothing in {folder} can be read: documents are text files in {', '.join(ENDINGS)}.")

    def __len__(self) -> int:
        """How many passages there are."""
        with self._translated():
            (count,) = self._index.execute("SELECT count(*) FROM passage").fetchone()
        return int(count)

    def refresh(self) -> None:
        """Read what is new or changed, and drop what is gone: a file at a time, so that others can go on.

        Raises:
            DocumentError: the folder is gone, or the index can't be used.
        """
        files = list(document_files(self.folder, self._skip))
        with self._translated():
            there = {row[0]: row[1:] for row in self._index.execute("SELECT name, mtime_ns, size, digest FROM file")}
            kept = {file.name for file in files if self._take_in(file, there.get(file.name))}
            for name in there.keys() - kept:
                with self._writing():
                    self._drop(name)
        self._looked = self._clock()

    def find(self, texts: Sequence[str], count: int) -> list[list[PlacedPassage]]:
        """Returns the passages nearest to each text, nearest first: `count` at most, and none that is not near.

        The folder is looked at again if that was a minute ago; where it is gone, what was read of it stays.

        Raises:
            DocumentError: the index can't be used.
        """
        if self._clock() - self._looked > REFRESH_SECONDS:
            try:
                self.refresh()
            except DocumentError as error:
                self._looked = self._clock()
                log.warning("The documents stay as they were read: %s", error)
        return [
            self.passages(fuse(by_words, by_likeness)[:count])
            for by_words, by_likeness in zip(self.by_words(texts), self.by_likeness(texts), strict=True)
        ]

    def by_words(self, texts: Sequence[str]) -> list[list[int]]:
        """Returns ids of the passages that have enough of each text's words, best first (BM25), LOOKED_AT at most."""
        return [self._with_words(telling_words(text)) for text in texts]

    def by_likeness(self, texts: Sequence[str]) -> list[list[int]]:
        """Returns ids of the passages whose vectors are near each text's, nearest first, LOOKED_AT at most."""
        ids, vectors = self._caught_up()
        if not texts or not len(ids):
            return [[] for _ in texts]
        found = []
        for row in self.embedding(texts) @ vectors.T:
            near = np.flatnonzero(row >= self.embedding.floor)
            found.append(ids[near[np.argsort(-row[near], kind="stable")][:LOOKED_AT]].tolist())
        return found

    def passages(self, ids: Sequence[int]) -> list[PlacedPassage]:
        """Returns passages by their ids, in that order; those that went meanwhile are left out."""
        query = (
            "SELECT name, line, heading, text FROM passage JOIN file ON file.id = file_id "
            "JOIN words ON words.rowid = passage.id WHERE passage.id = ?"
        )
        with self._translated():
            return [PlacedPassage(*row) for one in ids for row in self._index.execute(query, [one])]

    def _with_words(self, words: dict[str, str]) -> list[int]:
        sought = list(words.values())[:_MAX_WORDS]
        if not sought:
            return []
        query = " OR ".join(f'"{word}"' for word in sought)  # of letters and digits only: see `telling_words`
        with self._translated():
            rows = self._index.execute(
                "SELECT passage.id, heading, text FROM words JOIN passage ON passage.id = words.rowid JOIN file "
                "ON file.id = file_id WHERE words MATCH ? ORDER BY bm25(words), name, passage.id LIMIT ?",
                [query, 2 * LOOKED_AT],
            ).fetchall()
        needed = NEAR_WORDS * len(words)
        near = [one for one, *said in rows if len(words.keys() & telling_words(" ".join(said)).keys()) >= needed]
        return near[:LOOKED_AT]

    def _take_in(self, file: DocumentFile, there: tuple[int, int, str] | None) -> bool:
        """Reads a file if it has changed; says whether it stays in the index."""
        if there is not None and there[:2] == (file.mtime_ns, file.size):
            return True
        try:
            text = read_document(file)
        except DocumentError as error:
            self._skip(str(error))
            return False
        digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
        if there is not None and there[2] == digest:
            of = (file.mtime_ns, file.size, file.name)
            self._index.execute("UPDATE file SET mtime_ns = ?, size = ? WHERE name = ?", of)
            return True
        said = list(passages(text))
        if len(self) - self._held_of(file.name) + len(said) > MAX_PASSAGES:
            self._skip(f"{file.name} is left out: the index is full with {MAX_PASSAGES:,} passages.")
            return False
        vectors = self.embedding([f"{one.heading} {one.text}".strip() for one in said]).astype(np.float16)
        with self._writing():
            self._drop(file.name)
            row = (file.name, file.mtime_ns, file.size, digest)
            new = self._index.execute("INSERT INTO file (name, mtime_ns, size, digest) VALUES (?, ?, ?, ?)", row)
            for one, vector in zip(said, vectors, strict=True):
                of_passage = (new.lastrowid, one.line, vector.tobytes())
                at = self._index.execute("INSERT INTO passage (file_id, line, vector) VALUES (?, ?, ?)", of_passage)
                in_words = (at.lastrowid, one.heading, one.text)
                self._index.execute("INSERT INTO words (rowid, heading, text) VALUES (?, ?, ?)", in_words)
        return True

    def _held_of(self, name: str) -> int:
        query = "SELECT count(*) FROM passage JOIN file ON file.id = file_id WHERE name = ?"
        (count,) = self._index.execute(query, [name]).fetchone()
        return int(count)

    def _drop(self, name: str) -> None:
        for (file_id,) in self._index.execute("SELECT id FROM file WHERE name = ?", [name]).fetchall():
            self._index.execute(
                "DELETE FROM words WHERE rowid IN (SELECT id FROM passage WHERE file_id = ?)", [file_id]
            )
            self._index.execute("DELETE FROM passage WHERE file_id = ?", [file_id])
            self._index.execute("DELETE FROM file WHERE id = ?", [file_id])

    def _caught_up(self) -> tuple[npt.NDArray[np.int64], Vectors]:
        """Returns all vectors, read again if the index has changed, in an order that any index of the folder has."""
        with self._translated():
            (version,) = self._index.execute("PRAGMA data_version").fetchone()  # changes by other connections
            seen = version, self._index.total_changes  # and by this one
            if seen != self._seen:
                query = (
                    "SELECT passage.id, vector FROM passage JOIN file ON file.id = file_id ORDER BY name, passage.id"
                )
                rows = self._index.execute(query).fetchall()
                joined = np.frombuffer(b"".join(vector for _, vector in rows), np.float16)
                ids = np.array([one for one, _ in rows], dtype=np.int64)
                self._vectors = ids, joined.reshape(-1, self.embedding.size).astype(np.float32)
                self._seen = seen
            return self._vectors

    def _skip(self, sentence: str) -> None:
        if sentence not in self._told:
            self._told.add(sentence)
            log.warning("Not read: %s", sentence)

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """Makes one transaction of it, for which others of the same index wait."""
        self._index.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._index.execute("ROLLBACK")
            raise
        self._index.execute("COMMIT")

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            with self._lock:
                yield
        except sqlite3.Error as exc:
            hint = "see whether its folder can be written, or delete it: it is made anew."
            if "fts5" in str(exc):
                hint = "the SQLite of this Python has no FTS5."
            raise DocumentError(f"The index of documents {self.path} can't be used ({exc}): {hint}") from exc


def open_documents(folder: Path, store: str, embedding: Embedding, model: LanguageModel) -> Documents:
    """Returns the documents of a folder, read, for a model to be shown.

    Raises:
        DocumentError: the model takes no facts; or as `Documents`.
    """
    if not folder.is_dir():
        raise DocumentError(f"There is no folder {folder}: --documents names one of text files.")
    if not model.is_general:
        raise DocumentError(
            f"The model {model.name} answers only the prompts that it was trained on: --documents needs a general one "
            "(`argtree models` lists what is there)."
        )
    return Documents(folder, store, embedding)


def index_path(folder: Path, store: str, embedding: Embedding) -> Path:
    """Returns the file of the index of a folder: beside a store that is a SQLite file, else in the working folder."""
    told = "\0".join((str(folder.resolve()), embedding.name, str(_FORM)))
    digest = hashlib.sha256(told.encode("utf-8", "surrogatepass")).hexdigest()[:10]
    url = make_url(store) if "://" in store else None
    name = store if url is None else url.database if url.get_backend_name() == "sqlite" else None
    beside = Path(name) if name and not name.startswith((":memory:", "file:")) else Path("argtree.db")
    return beside.with_name(f"{beside.stem}-documents-{digest}.db")
