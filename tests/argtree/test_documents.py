"""The index of documents: what is read, what is found, and that nothing in a folder can break it."""

import logging
import os
from pathlib import Path

import pytest

from argtree import document_files
from argtree.documents import REFRESH_SECONDS, Documents, PlacedPassage, index_path
from argtree.errors import DocumentError
from models.embedding import HashedEmbedding
from tests.hostile import ALL, seen

NOTES = """# Tools

The part XK77 of the old mill has to be replaced every spring, says the foreman, who has been there for forty years.

Candlesticks of brass tarnish.

Honey is thicker than water.
"""


class Clock:
    """Stands still until it is told."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "papers"
    folder.mkdir()
    (folder / "notes.md").write_text(NOTES, encoding="utf-8")
    return folder


def documents_of(folder: Path, clock: Clock | None = None) -> Documents:
    return Documents(folder, str(folder.parent / "store.db"), HashedEmbedding(), clock or Clock())


def found(documents: Documents, claim: str) -> list[tuple[str, int, str]]:
    (passages,) = documents.find([claim], 3)
    return [(one.file, one.line, one.text) for one in passages]


def test_passage_is_found_with_its_place(folder: Path) -> None:
    (passages,) = documents_of(folder).find(["Honey is thick."], 1)
    assert passages == [PlacedPassage("notes.md", 7, "Tools", "Honey is thicker than water.")]


def test_words_and_likeness_each_find_what_the_other_misses(folder: Path) -> None:
    documents = documents_of(folder)
    by_name, by_form = "XK77 is worn.", "A candlestick tarnishes easily."
    assert documents.by_likeness([by_name]) == [[]] and len(documents.by_words([by_name])[0]) == 1
    misspelt = "Candelsticks of bras tarnishh."
    assert documents.by_words([misspelt]) == [[]] and len(documents.by_likeness([misspelt])[0]) == 1
    assert [found(documents, one)[0][1] for one in (by_name, misspelt, by_form)] == [3, 5, 5]


def test_what_is_far_from_a_claim_is_not_found(folder: Path) -> None:
    assert found(documents_of(folder), "Venus spins backwards.") == []


def test_changed_files_are_read_again_and_removed_ones_dropped(folder: Path) -> None:
    clock = Clock()
    documents = documents_of(folder, clock)
    (folder / "more.txt").write_text("Venus spins backwards.", encoding="utf-8")
    assert found(documents, "Venus spins.") == []
    clock.now = REFRESH_SECONDS + 1
    assert found(documents, "Venus spins.") == [("more.txt", 1, "Venus spins backwards.")]
    (folder / "more.txt").write_text("Now\n\nVenus spins backwards slowly.", encoding="utf-8")
    (folder / "notes.md").unlink()
    documents.refresh()
    assert found(documents, "Venus spins.") == [("more.txt", 3, "Venus spins backwards slowly.")]
    assert found(documents, "Honey is thick.") == [] and len(documents) == 2


def test_only_what_changed_is_embedded_again(folder: Path) -> None:
    documents_of(folder)
    os.utime(folder / "notes.md", (1, 1))
    documents = Documents(folder, str(folder.parent / "store.db"), Refusing())
    assert len(documents) == 3 and len(list(folder.iterdir())) == 1


class Refusing(HashedEmbedding):
    """Is never to be asked."""

    def __call__(self, texts: object) -> object:  # type: ignore[override]
        raise AssertionError(texts)


def test_what_cannot_be_read_is_passed_over_with_a_sentence(
    folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(document_files, "MAX_BYTES", 1000)
    (folder / "wide.txt").write_bytes("Olives are bitter.".encode("utf-16"))
    (folder / "latin.txt").write_bytes("Käse".encode("latin-1"))
    (folder / "zero.txt").write_bytes(b"a\0b")
    (folder / "huge.md").write_bytes(b"x" * 1001)
    (folder / "picture.png").write_bytes(b"\x89PNG")
    (folder / ".hidden.txt").write_text("Hidden olives.")
    (folder / "loop").symlink_to(folder, target_is_directory=True)
    (folder / "self.txt").symlink_to(folder / "self.txt")
    os.mkfifo(folder / "pipe.txt")
    with caplog.at_level(logging.WARNING):
        documents = documents_of(folder)
    assert found(documents, "Olives are bitter.") == [("wide.txt", 1, "Olives are bitter.")]
    told = sorted(record.getMessage() for record in caplog.records)
    words = ["not in UTF-8", "zero bytes", "larger than 1,000", "loop is a link", "self.txt is a link", "no plain file"]
    assert len(told) == len(words) and all(any(word in one for one in told) for word in words)


def test_file_whose_place_another_has_taken_is_not_read(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (file,) = document_files.document_files(folder, pytest.fail)
    monkeypatch.setattr(document_files, "MAX_BYTES", len(NOTES.encode()))
    assert document_files.read_document(file) == NOTES
    file.path.write_text(f"{NOTES}.", encoding="utf-8")
    refused(file, "larger than")
    os.rename(file.path, folder.parent / "elsewhere.md")
    os.mkfifo(file.path)
    refused(file, "no plain file")
    file.path.unlink()
    file.path.symlink_to(folder.parent / "elsewhere.md")
    refused(file, "can't be read")


def refused(file: document_files.DocumentFile, why: str) -> None:
    with pytest.raises(DocumentError, match=why):
        document_files.read_document(file)


def test_edited_file_has_its_own_room_in_a_full_index(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    documents = documents_of(folder)
    monkeypatch.setattr("argtree.documents.MAX_PASSAGES", len(documents))
    (folder / "notes.md").write_text(NOTES.replace("thicker", "much thicker"), encoding="utf-8")
    (folder / "z.txt").write_text("Olives are bitter.", encoding="utf-8")
    documents.refresh()
    assert found(documents, "Honey is thick.") == [("notes.md", 7, "Honey is much thicker than water.")]
    assert found(documents, "Olives are bitter.") == [] and len(documents) == 3


def test_folder_that_is_missing_or_holds_nothing_to_read_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(DocumentError, match="no folder"):
        documents_of(tmp_path / "none")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DocumentError, match="Nothing in"):
        documents_of(tmp_path / "empty")


def test_folder_that_goes_leaves_what_was_read(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    clock = Clock()
    documents = documents_of(folder, clock)
    folder.rename(folder.with_name("gone"))
    clock.now = REFRESH_SECONDS + 1
    assert found(documents, "Honey is thick.") and "no folder" in caplog.text


def test_damaged_index_is_a_sentence(folder: Path) -> None:
    path = index_path(folder, str(folder.parent / "store.db"), HashedEmbedding())
    path.write_bytes(b"no database" * 1000)
    with pytest.raises(DocumentError, match="delete it"):
        documents_of(folder)


def test_index_lies_beside_the_store_or_in_the_working_folder(tmp_path: Path) -> None:
    embedding = HashedEmbedding()
    beside = index_path(tmp_path, f"sqlite:///{tmp_path / 'team.db'}", embedding)
    assert beside.parent == tmp_path and beside.name.startswith("team-documents-")
    assert index_path(tmp_path, str(tmp_path / "team.db"), embedding) == beside
    served = index_path(tmp_path, "postgresql+psycopg://u:p@h/d", embedding)
    assert str(served.parent) == "." and served.name.startswith("argtree-documents-")


def test_hostile_texts_are_read_and_looked_for(folder: Path) -> None:
    for number, text in enumerate(ALL):
        (folder / f"{number}.txt").write_text(f"Olives. {text}", encoding="utf-8", errors="surrogatepass")
    documents = documents_of(folder)
    for passages in documents.find([*ALL, '"', 'NEAR("a" "b")', "heading:x*", "_"], 3):
        assert all(one.text == seen(one.text) and "\n" not in one.text for one in passages)
