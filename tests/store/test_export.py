import errno
import json
import os
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from sqlmodel import Session

from argtree.evidence import label_likelihood, label_prob
from argtree.propagate import propagate
from argtree.quantity_value import quantity_worths
from store.errors import ExportError
from store.export import export_dataset
from store.graphs import save_graph
from store.queue import next_question, rerank, submit_answer
from store.raters import get_rater
from tests.store.factories import NOW, fill_queue, jelly_graph, nails_graph, priors_only

FILES = ["README.md", "messages.jsonl", "messages.parquet", "premises.jsonl", "premises.parquet"]


def _prompt(text: str) -> str:
    return f"Is it true? {text}"


def _answer(session: Session, name: str, kind: Any, prob: float | None = None) -> str:
    rater = get_rater(session, name, NOW)
    leased = next_question(session, rater, NOW)
    assert leased is not None
    submit_answer(session, leased.token, rater, kind, prob, NOW, note="| <b>hm</b>\n---")
    return leased.claim


@pytest.fixture
def answered(session: Session) -> Session:
    """Ada passes on "t" (Jelly is tough), Bob gives it 0.6; Ada says yes to "h" (Nails are hard)."""
    fill_queue(session, nails_graph())
    said = [
        _answer(session, "Ada", "cannot_say"),
        _answer(session, "Bob", "probability", 0.6),
        _answer(session, "Ada", "yes"),
    ]
    assert said == ["t", "t", "h"]
    return session


def _lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_rows_tell_label_answers_and_paths(answered: Session, tmp_path: Path) -> None:
    summary = export_dataset(answered, tmp_path / "out", _prompt)
    assert (summary.premises, summary.answers, summary.messages) == (2, 3, 1)
    hard, tough = _lines(tmp_path / "out" / "premises.jsonl")
    assert (hard["claim"], hard["label"], hard["settled"]) == ("h", "yes", True)
    assert hard["label_prob"] == pytest.approx(0.97)
    assert (tough["label"], tough["settled"], tough["n_answers"]) == ("yes", False, 1)
    assert tough["label_prob"] == label_prob(*label_likelihood([0.6]))
    assert [(one["rater"], one["kind"], one["prob"]) for one in tough["answers"]] == [
        ("Ada", "cannot_say", None),
        ("Bob", "probability", 0.6),
    ]
    assert hard["answers"][0]["answered_at"] == "2026-03-01T12:00:00.000000+00:00"
    (path,) = hard["paths"]
    assert (path["root"], path["question"]) == ("r", "Nails beat jelly.")
    assert path["steps"] == [
        {"argument": "a3", "polarity": "attack", "strength": 0.4, "holds": True, "conclusion": "Nails beat jelly."}
    ]


def test_parquet_holds_the_same_rows(answered: Session, tmp_path: Path) -> None:
    export_dataset(answered, tmp_path / "out", _prompt)
    assert pq.read_table(tmp_path / "out" / "premises.parquet").to_pylist() == _lines(tmp_path / "out/premises.jsonl")


def test_the_same_store_exports_the_same_bytes(answered: Session, tmp_path: Path) -> None:
    for name in ("one", "two", "two"):  # the second time over an earlier export
        export_dataset(answered, tmp_path / name, _prompt)
    assert sorted(os.listdir(tmp_path / "two")) == FILES
    for name in FILES:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes(), name


def _load(folder: Path, config: str, cache: Path) -> list[dict[str, Any]]:
    import datasets

    loaded = datasets.load_dataset(str(folder), config, split="train", cache_dir=str(cache))
    return list(loaded)


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("HF_HOME", str(tmp_path / "home"))


@pytest.mark.usefixtures("offline")
def test_datasets_loads_both_configs(answered: Session, tmp_path: Path) -> None:
    export_dataset(answered, tmp_path / "out", _prompt)
    messages = _load(tmp_path / "out", "messages", tmp_path / "cache")
    assert messages == _lines(tmp_path / "out" / "messages.jsonl")
    assert messages == [
        {
            "messages": [
                {"role": "user", "content": "Is it true? Nails are hard."},
                {"role": "assistant", "content": "yes"},
            ]
        }
    ]
    assert _load(tmp_path / "out", "premises", tmp_path / "cache") == _lines(tmp_path / "out" / "premises.jsonl")


@pytest.mark.usefixtures("offline")
def test_numbers_are_exported_with_the_claims_that_rest_on_them(session: Session, tmp_path: Path) -> None:
    save_graph(session, jelly_graph(), NOW)
    rerank(session, propagate, NOW, quantity_worths)
    rater = get_rater(session, "Ada", NOW)
    leased = next_question(session, rater, NOW)
    assert leased is not None and leased.quantity == "jelly"
    submit_answer(session, leased.token, rater, "number", None, NOW, number=(0.9, 0.02))
    summary = export_dataset(session, tmp_path / "out", _prompt)
    assert (summary.premises, summary.quantities) == (0, 1)
    (row,) = _lines(tmp_path / "out" / "quantities.jsonl")
    assert (row["quantity"], row["unit"], row["n_answers"]) == ("jelly", "g/cm³", 1)
    assert json.loads(row["distribution"]) == {"kind": "normal", "mean": 1.1, "sd": 0.1}
    assert (row["answers"][0]["number"], row["answers"][0]["sd"], row["answers"][0]["rater"]) == (0.9, 0.02, "Ada")
    assert [one["claim"] for one in row["claims"]] == ["dense", "heavy", "light"]
    assert _load(tmp_path / "out", "quantities", tmp_path / "cache") == [row]


@pytest.mark.usefixtures("offline")
def test_an_export_without_settled_labels_still_loads(session: Session, tmp_path: Path) -> None:
    fill_queue(session, nails_graph())
    _answer(session, "Ada", "probability", 0.5)
    export_dataset(session, tmp_path / "out", _prompt)
    assert _lines(tmp_path / "out" / "premises.jsonl")[0]["label"] is None
    assert (tmp_path / "out" / "messages.jsonl").read_bytes() == b""
    assert _load(tmp_path / "out", "premises", tmp_path / "cache") == _lines(tmp_path / "out" / "premises.jsonl")


def test_the_card_holds_no_text_of_others(answered: Session, tmp_path: Path) -> None:
    export_dataset(answered, tmp_path / "out", _prompt)
    card = (tmp_path / "out" / "README.md").read_text()
    assert "ails" not in card and "elly" not in card and "Ada" not in card


def test_nothing_answered_is_nothing_to_export(session: Session, tmp_path: Path) -> None:
    save_graph(session, nails_graph(), NOW)
    rerank(session, priors_only, NOW)
    _answer(session, "Ada", "cannot_say")
    with pytest.raises(ExportError, match="nothing to export"):
        export_dataset(session, tmp_path / "out", _prompt)
    assert not (tmp_path / "out").exists()


def test_a_folder_of_somebody_else_is_left_alone(answered: Session, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "README.md").write_text("my thesis")
    with pytest.raises(ExportError, match="no earlier export"):
        export_dataset(answered, tmp_path / "mine", _prompt)
    with pytest.raises(ExportError, match="is a file"):
        export_dataset(answered, tmp_path / "mine" / "README.md", _prompt)
    with pytest.raises(ExportError, match="no folder"):
        export_dataset(answered, tmp_path / "a" / "b", _prompt)
    assert os.listdir(tmp_path / "mine") == ["README.md"]


def test_an_empty_folder_is_filled(answered: Session, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    export_dataset(answered, tmp_path / "out", _prompt)
    assert sorted(os.listdir(tmp_path / "out")) == FILES


def test_the_current_folder_is_left_alone(answered: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ExportError, match="current folder"):
        export_dataset(answered, Path("."), _prompt)


def _contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_an_export_replaces_an_earlier_one_and_nothing_else(answered: Session, tmp_path: Path) -> None:
    export_dataset(answered, tmp_path / "out", lambda text: text)
    (tmp_path / "out" / "notes.txt").write_text("mine")
    (tmp_path / "out").chmod(0o700)
    (tmp_path / "link").symlink_to("out")
    export_dataset(answered, tmp_path / "link", _prompt)
    export_dataset(answered, tmp_path / "fresh", _prompt)
    assert _contents(tmp_path / "out") == _contents(tmp_path / "fresh") | {"notes.txt": b"mine"}
    assert (tmp_path / "out").stat().st_mode & 0o777 == 0o700 and (tmp_path / "link").is_symlink()
    assert list(tmp_path.glob(".*")) == []


@pytest.mark.parametrize("failing", [1, 2])
def test_a_rename_that_fails_leaves_the_earlier_export(
    answered: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing: int
) -> None:
    export_dataset(answered, tmp_path / "out", lambda text: text)
    before, rename, calls = _contents(tmp_path / "out"), os.rename, iter(range(1, 9))

    def fragile(old: Path, new: Path) -> None:
        if next(calls) == failing:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        rename(old, new)

    monkeypatch.setattr("store.export.os.rename", fragile)
    with pytest.raises(ExportError, match="cannot be written"):
        export_dataset(answered, tmp_path / "out", _prompt)
    assert _contents(tmp_path / "out") == before and list(tmp_path.glob(".*")) == []


@pytest.mark.parametrize("place", ["missing", "empty", "new"])
def test_an_export_that_was_killed_between_its_renames_is_mended(
    answered: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    export_dataset(answered, tmp_path / "out", lambda text: text)
    (tmp_path / "out" / "notes.txt").write_text("mine")
    before = _contents(tmp_path / "out")
    (tmp_path / "out").rename(tmp_path / ".out-before")
    if place == "empty":
        (tmp_path / "out").mkdir()
    if place == "new":  # killed after the second rename
        export_dataset(answered, tmp_path / "other", lambda text: text)
        (tmp_path / "other").rename(tmp_path / "out")

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        patched.setattr("store.export.os.fsync", full)
        with pytest.raises(ExportError, match="disk is full"):
            export_dataset(answered, tmp_path / "out", _prompt)
    assert _contents(tmp_path / "out") == before and list(tmp_path.glob(".*")) == []
    export_dataset(answered, tmp_path / "out", _prompt)
    assert sorted(os.listdir(tmp_path / "out")) == sorted([*FILES, "notes.txt"])


@pytest.mark.parametrize("earlier", [False, True])
def test_a_full_disk_leaves_what_was_there(
    answered: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, earlier: bool
) -> None:
    if earlier:
        export_dataset(answered, tmp_path / "out", lambda text: text)
    before = {path.name: path.read_bytes() for path in tmp_path.glob("out/*")}

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("store.export.os.fsync", full)
    with pytest.raises(ExportError, match="disk is full"):
        export_dataset(answered, tmp_path / "out", _prompt)
    assert {path.name: path.read_bytes() for path in tmp_path.glob("out/*")} == before
    assert [path.name for path in tmp_path.glob(".out*")] == []
