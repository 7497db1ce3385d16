"""Suites from files, from datasets and from the bundled world."""

from pathlib import Path

import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]
import pytest

from models.errors import BadSuiteError
from models.everyday.suite import NUM_CANARIES, everyday_suite
from models.everyday.withheld import read_withheld
from models.everyday.world import load_world
from models.prompts import is_false, is_true
from models.suite import Item, read_suite, suite_hash, write_suite

ITEMS = [Item("Is ä brick hard?", "A brick is hard.", True, "test"), Item("", "Jelly is hard.", False, "told")]


def test_written_suite_is_read_again(tmp_path: Path) -> None:
    write_suite(ITEMS, tmp_path / "suite.jsonl")
    assert read_suite(tmp_path / "suite.jsonl") == ITEMS
    assert suite_hash(ITEMS) != suite_hash(ITEMS[::-1])


def test_question_and_kind_may_be_left_out(tmp_path: Path) -> None:
    path = tmp_path / "suite.jsonl"
    path.write_text('\n{"claim": "A brick is hard.", "truth": true}\n')
    assert read_suite(path) == [Item("", "A brick is hard.", True, "test")]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "holds nothing to judge"),
        ("{", "line 1 is no JSON"),
        ('{"claim": "x", "truth": "yes"}', "line 1: truth"),
        ('{"claim": "", "truth": true}', "line 1: claim"),
        ('{"claim": "x"}', "line 1: truth: Field required"),
        ('{"claim": "x", "truth": true, "weight": 1}', "line 1: weight"),
        ('{"claim": "x", "truth": true}\n{"claim": "x", "truth": false}', "a claim twice"),
        ("[1]", "line 1: the line"),
    ],
)
def test_bad_suite_is_said_in_one_sentence(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "suite.jsonl"
    path.write_text(text)
    with pytest.raises(BadSuiteError, match=said):
        read_suite(path)


def test_missing_file_and_binary_file(tmp_path: Path) -> None:
    with pytest.raises(BadSuiteError, match="can't be read: No such file"):
        read_suite(tmp_path / "none.jsonl")
    (tmp_path / "bytes").write_bytes(b"\xff\xfe")
    with pytest.raises(BadSuiteError, match="no UTF-8"):
        read_suite(tmp_path / "bytes")


def test_dataset_gives_the_settled_labels_of_its_test_split(tmp_path: Path) -> None:
    with pytest.raises(BadSuiteError, match="no test split"):
        read_suite(tmp_path)
    (tmp_path / "beliefs").mkdir()
    probs = {"A brick is hard.": 0.97, "Jelly is hard.": 0.03, "Fog is heavy.": 0.6}
    asked = [(is_true(c), p) for c, p in probs.items()] + [(is_false(c), 1 - p) for c, p in probs.items()]
    table = {"prompt": [[{"role": "user", "content": t}] for t, _ in asked], "prob": [p for _, p in asked]}
    pq.write_table(pa.table(table), tmp_path / "beliefs" / "test.parquet")
    assert read_suite(tmp_path) == [Item("", "A brick is hard.", True), Item("", "Jelly is hard.", False)]
    (tmp_path / "beliefs" / "test.parquet").write_bytes(b"no")
    with pytest.raises(BadSuiteError, match="isn't as `argtree export` writes it"):
        read_suite(tmp_path)


def test_everyday_suite_is_true_to_the_world_and_nothing_told_is_withheld() -> None:
    world, withheld, suite = load_world(), read_withheld(), everyday_suite()
    assert suite == everyday_suite() != everyday_suite(seed=1)
    of_kind = {kind: [i for i in suite if i.kind == kind] for kind in dict.fromkeys(i.kind for i in suite)}
    assert {kind: len(items) for kind, items in of_kind.items()} == {
        "validation": 700, "apart": 400, "told": 400, "canary": NUM_CANARIES, "withheld": 400
    }  # fmt: skip
    for item in suite:
        statement = world.parse(item.claim)
        assert statement is not None and world.truth(statement) == item.truth
        if item.kind in ("told", "canary", "withheld"):
            assert withheld.is_told(world, statement) == (item.kind != "withheld")
    assert sum(item.truth for item in of_kind["canary"]) == NUM_CANARIES / 2
    assert not {i.claim for i in of_kind["canary"]} & {i.claim for i in of_kind["told"]}
    assert {i.claim for i in everyday_suite(withheld, "test") if i.kind == "test"}.isdisjoint(
        i.claim for i in of_kind["validation"]
    )


def test_line_separators_of_other_alphabets_stay_in_a_text(tmp_path: Path) -> None:
    items = [Item("", "A brick\u2028is hard.", True, "test")]
    write_suite(items, tmp_path / "suite.jsonl")
    assert read_suite(tmp_path / "suite.jsonl") == items
