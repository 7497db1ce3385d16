"""The folder as a whole: what it holds, and that it takes the place of an earlier one entirely or not at all."""

import errno
import json
import os
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import Session

from argtree.evidence import answer_likelihood, label_prob
from argtree.graph import Argument, ArgumentGraph, Claim, Premise, Root
from argtree.propagate import Propagator, propagate
from argtree.quantity_value import quantity_worths
from store.croissant import sha256
from store.errors import ExportError
from store.export import ExportSummary, Options, export_dataset
from store.graphs import save_graph
from store.queue import next_question, submit_answer
from store.ranking import rerank
from store.raters import get_rater
from tests.store.datasets import PROMPTS, answer, filled, rows
from tests.store.factories import NOW, fill_queue, jelly_graph, nails_graph, priors_only

FILES = ["README.md", "beliefs", "croissant.json", "premises.parquet", "provenance.parquet", "values"]


def export(session: Session, folder: Path) -> ExportSummary:
    return export_dataset(session, folder, PROMPTS, propagate, Options("beliefs", held_out=0.0))


def _answer(session: Session, name: str, kind: Any, prob: float | None = None) -> str:
    rater = get_rater(session, name, NOW)
    leased = next_question(session, rater, NOW)
    assert leased is not None
    submit_answer(session, leased.token, rater, kind, prob, NOW, note="| <b>hm</b>\n---", source="https://a.org/")
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


def _load(folder: Path, config: str, cache: Path) -> dict[str, list[dict[str, Any]]]:
    import datasets

    loaded = datasets.load_dataset(str(folder), config, cache_dir=str(cache))
    return {split: list(found) for split, found in loaded.items()}


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("HF_HOME", str(tmp_path / "home"))


def test_premises_tell_label_answers_and_paths(answered: Session, tmp_path: Path) -> None:
    summary = export(answered, tmp_path / "out")
    assert (summary.premises, summary.answers) == (2, 3)
    hard, tough = rows(tmp_path / "out", "premises", None)
    assert (hard["claim"], hard["label"], hard["settled"], hard["split"]) == ("h", "yes", True, "train")
    assert hard["label_prob"] == pytest.approx(0.97)
    assert (tough["label"], tough["settled"], tough["n_answers"]) == ("yes", False, 1)
    assert tough["label_prob"] == label_prob(*answer_likelihood(0.6))
    assert [(one["rater"], one["kind"], one["prob"]) for one in tough["answers"]] == [
        ("Ada", "cannot_say", None),
        ("Bob", "probability", 0.6),
    ]
    assert [(one["source"], one["reason"]) for one in hard["answers"]] == [("https://a.org/", None)]
    assert hard["answers"][0]["answered_at"] == "2026-03-01T12:00:00.000000+00:00"
    (path,) = hard["paths"]
    assert (path["root"], path["question"]) == ("r", "Nails beat jelly.")
    assert path["steps"] == [
        {"argument": "a3", "polarity": "attack", "strength": 0.4, "holds": True, "conclusion": "Nails beat jelly."}
    ]


def _contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_same_store_exports_the_same_bytes(session: Session, tmp_path: Path) -> None:
    filled(session)
    for name in ("one", "two", "two"):  # the second time over an earlier export
        export_dataset(session, tmp_path / name, PROMPTS, propagate, Options(held_out=0.5))
    assert _contents(tmp_path / "one") == _contents(tmp_path / "two")


@pytest.mark.usefixtures("offline")
def test_worked_out_root_by_root_the_same_is_exported(session: Session, tmp_path: Path) -> None:
    filled(session)
    for name, propagate_fn in (("whole", propagate), ("by root", Propagator(only_askable=True))):
        export_dataset(session, tmp_path / name, PROMPTS, propagate_fn, Options(held_out=0.0))
    for name in ("beliefs", "inferred", "values", "sft", "dpo", "prm"):
        whole, by_root = (rows(tmp_path / of, name) for of in ("whole", "by root"))
        assert whole and len(whole) == len(by_root)
        for one, other in zip(whole, by_root, strict=True):
            numbers = {key for key, value in one.items() if isinstance(value, float)}
            assert all(one[key] == pytest.approx(other[key]) for key in numbers)
            assert all(one[key] == other[key] for key in one.keys() - numbers)


def test_datasets_loads_every_table(session: Session, tmp_path: Path) -> None:
    summary = export_dataset(filled(session), tmp_path / "out", PROMPTS, propagate, Options(held_out=0.0))
    assert set(summary.rows) == {"beliefs", "inferred", "values", "sft", "dpo", "reward", "kto", "prm"}
    for name in summary.rows:
        assert _load(tmp_path / "out", name, tmp_path / "cache") == {"train": rows(tmp_path / "out", name)}
    for name in ("premises", "provenance"):
        assert _load(tmp_path / "out", name, tmp_path / "cache") == {"train": rows(tmp_path / "out", name, None)}


@pytest.mark.usefixtures("offline")
def test_every_split_loads_under_its_name(session: Session, tmp_path: Path) -> None:
    summary = export_dataset(filled(session), tmp_path / "out", PROMPTS, propagate, Options(held_out=1.0))
    (split,) = summary.rows["beliefs"]
    assert split in ("validation", "test") and summary.in_train() == 0
    assert list(_load(tmp_path / "out", "beliefs", tmp_path / "cache")) == [split]


@pytest.mark.parametrize("name", ["beliefs", "sft", "dpo", "reward", "kto", "prm"])
def test_a_format_is_written_alone(session: Session, tmp_path: Path, name: str) -> None:
    summary = export_dataset(filled(session), tmp_path / "out", PROMPTS, propagate, Options(name, held_out=0.0))
    assert set(summary.rows) == ({"beliefs", "inferred", "values"} if name == "beliefs" else {name})
    whole = export_dataset(session, tmp_path / "all", PROMPTS, propagate, Options(held_out=0.0))
    assert whole.rows.items() >= summary.rows.items()


def test_options_out_of_range_are_refused() -> None:
    for wrong in ({"format": "csv"}, {"positions": -1}, {"held_out": 1.5}, {"held_out": float("nan")}):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            Options(**wrong)  # type: ignore[arg-type]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of a library beneath mlcroissant
def test_metadata_is_valid_and_has_every_sum(session: Session, tmp_path: Path) -> None:
    import mlcroissant

    export_dataset(filled(session), tmp_path / "out", PROMPTS, propagate)
    found = mlcroissant.Dataset(jsonld=str(tmp_path / "out" / "croissant.json"))  # raises where it is not valid
    assert not found.metadata.ctx.issues.errors
    files = json.loads((tmp_path / "out" / "croissant.json").read_text())["distribution"]
    assert {file["contentUrl"]: file["sha256"] for file in files} == {
        str(path.relative_to(tmp_path / "out")): sha256(path) for path in (tmp_path / "out").rglob("*.parquet")
    }
    for records in found.metadata.record_sets:
        assert sum(1 for _ in found.records(records.id)) > 0


@pytest.mark.usefixtures("offline")
def test_numbers_are_exported_with_the_claims_that_rest_on_them(session: Session, tmp_path: Path) -> None:
    save_graph(session, jelly_graph(), NOW)
    rerank(session, propagate, NOW, quantity_worths)
    rater = get_rater(session, "Ada", NOW)
    leased = next_question(session, rater, NOW)
    assert leased is not None and leased.quantity == "jelly"
    submit_answer(session, leased.token, rater, "number", None, NOW, number=(0.9, 0.02))
    summary = export(session, tmp_path / "out")
    assert (summary.premises, summary.quantities) == (0, 1)
    (row,) = rows(tmp_path / "out", "quantities", None)
    assert (row["quantity"], row["unit"], row["n_answers"]) == ("jelly", "g/cm³", 1)
    assert json.loads(row["distribution"]) == {"kind": "normal", "mean": 1.1, "sd": 0.1}
    assert (row["answers"][0]["number"], row["answers"][0]["sd"], row["answers"][0]["rater"]) == (0.9, 0.02, "Ada")
    assert [one["claim"] for one in row["claims"]] == ["dense", "heavy", "light"]
    assert _load(tmp_path / "out", "quantities", tmp_path / "cache") == {"train": [row]}


def test_hostile_texts_stay_in_their_cells(session: Session, tmp_path: Path) -> None:
    texts = [
        "| <b>a</b> |\n---\nconfigs: []",
        "\x01\x1b[31m",
        "\u202egnp.exe",
        "'; DROP TABLE claim; --",
        "\U0001f9e8 " * 200,
    ]
    graph = ArgumentGraph(
        (Claim("r", "R.", 0.5), *(Claim(f"'\n{n}", text, 0.5) for n, text in enumerate(texts))),
        tuple(Argument(f"a|{n}", "r", "support", 0.5, (Premise(f"'\n{n}"),)) for n in range(len(texts))),
        (Root("r"),),
    )
    save_graph(session, graph, NOW)
    answer(session, {f"'\n{n}": 1.0 for n in range(len(texts))}, "R\u00e9mi | </td>")
    export_dataset(session, tmp_path / "out", PROMPTS, propagate, Options(held_out=0.0))
    assert [row["text"] for row in rows(tmp_path / "out", "premises", None)] == texts
    card = (tmp_path / "out" / "README.md").read_text()
    assert not any(text in card for text in (*texts, "mi |")) and card.count("\n---\n") == 1


def test_the_card_holds_no_text_of_others(answered: Session, tmp_path: Path) -> None:
    export(answered, tmp_path / "out")
    card = (tmp_path / "out" / "README.md").read_text()
    assert "ails" not in card and "elly" not in card and "Ada" not in card


def test_nothing_answered_is_nothing_to_export(session: Session, tmp_path: Path) -> None:
    save_graph(session, nails_graph(), NOW)
    rerank(session, priors_only, NOW)
    _answer(session, "Ada", "cannot_say")
    with pytest.raises(ExportError, match="nothing to export"):
        export(session, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_folder_of_somebody_else_is_left_alone(answered: Session, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "README.md").write_text("my thesis")
    with pytest.raises(ExportError, match="no earlier export"):
        export(answered, tmp_path / "mine")
    with pytest.raises(ExportError, match="is a file"):
        export(answered, tmp_path / "mine" / "README.md")
    with pytest.raises(ExportError, match="no folder"):
        export(answered, tmp_path / "a" / "b")
    assert os.listdir(tmp_path / "mine") == ["README.md"]


def test_an_empty_folder_is_filled(answered: Session, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    export(answered, tmp_path / "out")
    assert sorted(os.listdir(tmp_path / "out")) == FILES


def test_the_current_folder_is_left_alone(answered: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ExportError, match="current folder"):
        export(answered, Path("."))


def test_an_export_replaces_an_earlier_one_and_nothing_else(answered: Session, tmp_path: Path) -> None:
    export(answered, tmp_path / "out")
    (tmp_path / "out" / "notes.txt").write_text("mine")
    (tmp_path / "out").chmod(0o700)
    (tmp_path / "link").symlink_to("out")
    export(answered, tmp_path / "link")
    export(answered, tmp_path / "fresh")
    assert _contents(tmp_path / "out") == _contents(tmp_path / "fresh") | {"notes.txt": b"mine"}
    assert (tmp_path / "out").stat().st_mode & 0o777 == 0o700 and (tmp_path / "link").is_symlink()
    assert list(tmp_path.glob(".*")) == []


@pytest.mark.parametrize("failing", [1, 2])
def test_a_rename_that_fails_leaves_the_earlier_export(
    answered: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing: int
) -> None:
    export(answered, tmp_path / "out")
    before, rename, calls = _contents(tmp_path / "out"), os.rename, iter(range(1, 9))

    def fragile(old: Path, new: Path) -> None:
        if next(calls) == failing:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        rename(old, new)

    monkeypatch.setattr("store.export_tables.os.rename", fragile)
    with pytest.raises(ExportError, match="cannot be written"):
        export(answered, tmp_path / "out")
    assert _contents(tmp_path / "out") == before and list(tmp_path.glob(".*")) == []


@pytest.mark.parametrize("place", ["missing", "empty", "new"])
def test_an_export_that_was_killed_between_its_renames_is_mended(
    answered: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    export(answered, tmp_path / "out")
    (tmp_path / "out" / "notes.txt").write_text("mine")
    before = _contents(tmp_path / "out")
    (tmp_path / "out").rename(tmp_path / ".out-before")
    if place == "empty":
        (tmp_path / "out").mkdir()
    if place == "new":  # killed after the second rename
        export(answered, tmp_path / "other")
        (tmp_path / "other").rename(tmp_path / "out")

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        patched.setattr("store.export_tables.os.fsync", full)
        with pytest.raises(ExportError, match="disk is full"):
            export(answered, tmp_path / "out")
    assert _contents(tmp_path / "out") == before and list(tmp_path.glob(".*")) == []
    export(answered, tmp_path / "out")
    assert sorted(os.listdir(tmp_path / "out")) == sorted([*FILES, "notes.txt"])


@pytest.mark.parametrize("earlier", [False, True])
def test_a_full_disk_leaves_what_was_there(
    answered: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, earlier: bool
) -> None:
    if earlier:
        export(answered, tmp_path / "out")
    before = {name: content for name, content in _contents(tmp_path).items() if "store.db" not in name}

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("store.export_tables.os.fsync", full)
    with pytest.raises(ExportError, match="disk is full"):
        export(answered, tmp_path / "out")
    assert {n: content for n, content in _contents(tmp_path).items() if "store.db" not in n} == before
