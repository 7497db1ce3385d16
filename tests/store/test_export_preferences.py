"""Raters' comparisons of arguments as rows: what they give, what settled premises overrule, and where they fall."""

from pathlib import Path
from typing import Any

import pytest
from sqlmodel import Session, select

from store.comparisons import ComparisonKind, ShownPair, submit_comparison, take_back
from store.croissant import sha256
from store.errors import ExportError
from store.graphs import save_graph
from store.paths import paths_to_root
from store.queue import next_question, submit_answer
from store.ranking import rerank
from store.raters import get_rater
from store.roles import pause
from store.splits import TRAIN, split_of
from store.tables import Argument
from store.texts import text_hash
from store.tournaments import ShownArgument
from tests.store.datasets import export, filled, rows, said_in
from tests.store.factories import NOW, priors_only
from tests.store.test_comparisons import argued
from tests.store.test_splits import random_graph


def compare(session: Session, first: str, second: str, kind: ComparisonKind = "first", rater: str = "Ada") -> str:
    """Stores that a rater said this of two arguments, by their keys; returns the token."""
    shown = [ShownArgument(key, "support", ()) for key in (first, second)]
    pair = ShownPair(f"{rater}-{first}-{second}", "", *shown, 0.1, NOW)
    return submit_comparison(session, get_rater(session, rater, NOW), pair, kind, NOW, "| <b>\n---").token


def _preferences(folder: Path, name: str) -> list[dict[str, Any]]:
    origin = rows(folder, "provenance", None)
    return [one for one in origin if one["configuration"] == name and one["basis"] == "preference"]


def _pairs(folder: Path) -> set[tuple[str, str]]:
    return {(one["argument"], one["rejected"]) for one in _preferences(folder, "dpo")}


def test_one_clear_word_is_a_preference(session: Session, tmp_path: Path) -> None:
    save_graph(session, argued(3), NOW)
    compare(session, "a0-0", "a0-1")
    summary = export(session, tmp_path / "out")
    assert (summary.premises, summary.comparisons) == (0, 1)
    (pair,) = rows(tmp_path / "out", "dpo")
    assert said_in(pair, "prompt") == "Give 1 beside []: Claim 0."
    assert said_in(pair, "chosen") == '[["support", [["Premise 0-0.", false]]]]'
    assert said_in(pair, "rejected") == '[["attack", [["Premise 0-1.", true]]]]'
    assert rows(tmp_path / "out", "reward") == [pair]
    singly = [(said_in(one, "completion"), one["label"]) for one in rows(tmp_path / "out", "kto")]
    assert singly == [(said_in(pair, "chosen"), True), (said_in(pair, "rejected"), False)]
    (origin,) = _preferences(tmp_path / "out", "reward")
    assert (origin["claim"], origin["argument"], origin["rejected"], origin["root"]) == ("c0", "a0-0", "a0-1", "c0")
    assert (origin["comparisons"], origin["n_comparisons"], origin["raters"]) == ([1], 1, ["Ada"])
    assert (origin["answers"], origin["n_answers"]) == ([], 0)


def test_dismissed_comparisons_are_nothing_to_export(session: Session, tmp_path: Path) -> None:
    save_graph(session, argued(3), NOW)
    rerank(session, priors_only, NOW)
    ada = get_rater(session, "Ada", NOW)
    leased = next_question(session, ada, NOW)
    assert leased is not None
    submit_answer(session, leased.token, ada, "yes", None, NOW)
    compare(session, "a0-0", "a0-1")
    pause(session, ada, "A test.", None, NOW, dismiss_answers=True)
    with pytest.raises(ExportError, match="nothing to export"):
        export(session, tmp_path / "out")


def test_a_ranking_gives_pairs_that_nobody_compared(session: Session, tmp_path: Path) -> None:
    save_graph(session, argued(4), NOW)
    for rater in ("Ada", "Bob"):
        for first, second in (("a0-2", "a0-0"), ("a0-0", "a0-1")):
            compare(session, first, second, rater=rater)
    compare(session, "a0-1", "a0-3", "cannot_say")
    export(session, tmp_path / "out")
    assert {("a0-2", "a0-0"), ("a0-0", "a0-1"), ("a0-2", "a0-1")} <= _pairs(tmp_path / "out")
    singly = {one["argument"]: one["row"] for one in _preferences(tmp_path / "out", "kto")}
    assert "a0-0" not in singly  # once the better, once the worse
    assert rows(tmp_path / "out", "kto")[singly["a0-2"]]["label"] is True
    assert [one["raters"] for one in _preferences(tmp_path / "out", "dpo")][0] == ["Ada", "Bob"]


@pytest.mark.parametrize(("second_kind", "rater"), [("second", "Bob"), ("equal", "Bob")])
def test_doubt_is_no_preference(session: Session, tmp_path: Path, second_kind: ComparisonKind, rater: str) -> None:
    save_graph(session, argued(2), NOW)
    compare(session, "a0-0", "a0-1", "equal" if second_kind == "equal" else "first")
    compare(session, "a0-0", "a0-1", second_kind, rater)
    export(session, tmp_path / "out")
    assert _pairs(tmp_path / "out") == set() and rows(tmp_path / "out", "kto") == []
    assert len(rows(tmp_path / "out", "comparisons", None)) == 2


def test_what_was_taken_back_is_not_exported(session: Session, tmp_path: Path) -> None:
    save_graph(session, argued(2, 2), NOW)
    compare(session, "a1-0", "a1-1")
    take_back(session, get_rater(session, "Ada", NOW), compare(session, "a0-0", "a0-1"), NOW)
    export(session, tmp_path / "out")
    assert _pairs(tmp_path / "out") == {("a1-0", "a1-1")}
    (row,) = rows(tmp_path / "out", "comparisons", None)
    assert (row["claim"], row["first"], row["second"], row["kind"]) == ("c1", "a1-0", "a1-1", "first")
    assert (row["rater"], row["note"], row["shown_at"][:19]) == ("Ada", "| <b>\n---", "2026-03-01T12:00:00")


def test_settled_premises_win(session: Session, tmp_path: Path) -> None:
    """Of the arguments about the root a1 survived, a3 and a4 failed; about "s" a2 and a5 survived."""
    filled(session)
    for first, second in (("a3", "a1"), ("a3", "a4"), ("a4", "a1"), ("a5", "a2")):
        for rater in ("Ada", "Bob", "Cy"):
            compare(session, first, second, rater=rater)
    export(session, tmp_path / "out")
    assert _pairs(tmp_path / "out") == {("a5", "a2")}  # both survived, so raters may say which is better
    assert _preferences(tmp_path / "out", "kto") == []
    origin = [one for one in rows(tmp_path / "out", "provenance", None) if one["configuration"] == "dpo"]
    assert [(one["argument"], one["rejected"]) for one in origin] == [("a1", "a3"), ("a5", "a2")]


def test_no_pair_stands_in_both_directions(session: Session, tmp_path: Path) -> None:
    filled(session)
    for first, second in (("a1", "a3"), ("a5", "a2"), ("a3", "a4")):
        compare(session, first, second)
    export(session, tmp_path / "out")
    pairs = [(said_in(one, "chosen"), said_in(one, "rejected")) for one in rows(tmp_path / "out", "dpo")]
    assert len(set(pairs)) == len(pairs) and not {(b, a) for a, b in pairs} & set(pairs)


@pytest.mark.parametrize("seed", range(3))
def test_nothing_of_a_stricter_root_stands_in_a_preference(session: Session, tmp_path: Path, seed: int) -> None:
    graph = random_graph(seed)
    save_graph(session, graph, NOW)
    stored = session.exec(select(Argument).order_by(Argument.conclusion_id, Argument.id)).all()  # type: ignore[arg-type]
    for one, other in zip(stored, stored[1:], strict=False):
        if one.conclusion_id == other.conclusion_id:
            compare(session, one.key, other.key)
    summary = export(session, tmp_path / "out", 0.6)
    assert summary.rows["dpo"]
    texts = {claim.id: claim.text for claim in graph.claims}
    strict = [root.claim for root in graph.roots if split_of(text_hash(texts[root.claim]), 0.6) != TRAIN]
    kept_out = {texts[claim] for root in strict for claim in paths_to_root(graph, root)}
    for name in ("dpo", "reward", "kto"):
        said = [said_in(row, column) for row in rows(tmp_path / "out", name) for column in row if column != "label"]
        assert not any(text in one for one in said for text in kept_out)


def test_the_same_comparisons_export_the_same_bytes_and_datasets_loads_them(
    session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import datasets

    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    filled(session)
    compare(session, "a5", "a2")
    for name in ("one", "two"):
        export(session, tmp_path / name)
    files = sorted(path.relative_to(tmp_path / "one") for path in (tmp_path / "one").rglob("*") if path.is_file())
    assert [sha256(tmp_path / "one" / file) for file in files] == [sha256(tmp_path / "two" / file) for file in files]
    for name, split in (
        ("dpo", "train"),
        ("reward", "train"),
        ("kto", "train"),
        ("comparisons", None),
        ("provenance", None),
    ):
        loaded = datasets.load_dataset(str(tmp_path / "one"), name, cache_dir=str(tmp_path / "cache"))
        assert {one: list(found) for one, found in loaded.items()} == {"train": rows(tmp_path / "one", name, split)}
