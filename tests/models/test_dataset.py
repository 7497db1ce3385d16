"""Reading exported datasets, and mixing in what was known before."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as parquet
import pytest

from models import prompts
from models.dataset import hash_examples, read_examples, read_turns
from models.errors import DatasetError
from models.everyday.benchmark import read_benchmark
from models.everyday.pretrain import with_taught
from models.everyday.withheld import read_withheld
from models.everyday.world import Statement, load_world
from models.examples import Example
from models.load import bundled_folder
from models.replay import NUM_WORDINGS, rehearsed, with_replay


def turn(role: str, content: str) -> list[dict[str, str]]:
    return [{"role": role, "content": content}]


def write(folder: Path, name: str, rows: list[dict[str, Any]], split: str = "train") -> None:
    (folder / name).mkdir(parents=True, exist_ok=True)
    parquet.write_table(pa.Table.from_pylist(rows), folder / name / f"{split}.parquet")


def soft(claim: str, prob: float, weight: float = 1.0) -> dict[str, Any]:
    said = turn("assistant", "yes" if prob >= 0.5 else "no")
    return {"prompt": turn("user", claim), "completion": said, "prob": prob, "weight": weight}


def test_every_configuration_that_teaches_is_read(tmp_path: Path) -> None:
    write(tmp_path, "beliefs", [soft("a?", 0.9), soft("b?", 0.2)])
    write(tmp_path, "inferred", [soft("c?", 0.99, 0.5)])
    write(tmp_path, "sft", [{"prompt": turn("user", "why?"), "completion": turn("assistant", "because")}])
    write(tmp_path, "values", [soft("d?", 0.6)], split="validation")
    assert read_examples(tmp_path) == [
        Example("a?", yes_prob=0.9), Example("b?", yes_prob=0.2), Example("c?", yes_prob=0.99, weight=0.5),
        Example("why?", "because"),
    ]  # fmt: skip
    assert read_examples(tmp_path, "validation") == [Example("d?", yes_prob=0.6)]


def test_folder_without_a_dataset_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="There is no dataset in"):
        read_examples(tmp_path / "nowhere")


@pytest.mark.parametrize("rows", [[{"prob": 0.5}], [soft("a?", 1.5)], [soft("a?", 0.5, -1.0)], [soft("a?", 0.5, 0.0)]])
def test_rows_of_another_form_are_refused(rows: list[dict[str, Any]], tmp_path: Path) -> None:
    write(tmp_path, "beliefs", rows)
    with pytest.raises(DatasetError, match=r"train\.parquet is no yes/no question"):
        read_examples(tmp_path)


def test_file_that_is_no_parquet_is_refused_in_one_line(tmp_path: Path) -> None:
    write(tmp_path, "beliefs", [soft("a?", 0.9)])
    (tmp_path / "beliefs" / "train.parquet").write_text("no\nno")
    with pytest.raises(DatasetError, match="can't be read") as caught:
        read_examples(tmp_path)
    assert "\n" not in str(caught.value)


def test_turns_of_a_file_are_read_in_either_form(tmp_path: Path) -> None:
    path = tmp_path / "old.jsonl"
    path.write_text(
        '{"prompt": "a?", "completion": "b\u2028c"}\n\n{"prompt": [{"role": "user", "content": "c?"}], "prob": 0.25}\n',
        encoding="utf-8",
    )
    assert read_turns(path) == [Example("a?", "b\u2028c"), Example("c?", yes_prob=0.25)]


@pytest.mark.parametrize(
    "text", ["", "{", '{"prompt": "a?"}', "[]", "3", '{"prompt": "a?", "completion": "b", "weight": -1}']
)
def test_file_of_another_form_is_refused(text: str, tmp_path: Path) -> None:
    (tmp_path / "old.jsonl").write_text(text)
    with pytest.raises(DatasetError):
        read_turns(tmp_path / "old.jsonl")


def test_hash_tells_examples_apart() -> None:
    one, two = Example("a", "b"), Example("a", "c")
    assert (
        len({hash_examples([one]), hash_examples([two]), hash_examples([one, two]), hash_examples([one], [two])}) == 4
    )


def test_replay_is_the_stated_share_and_contradicts_nothing_new() -> None:
    new = [Example("a", yes_prob=0.9), Example("b", yes_prob=0.9)]
    old = [Example("a", yes_prob=0.1), *(Example(str(i), "x") for i in range(100))]
    mixed = with_replay(new, iter(old), 0.75)
    assert mixed[:2] == new and len(mixed) == 8
    assert all(example.prompt not in "ab" for example in mixed[2:])
    assert with_replay(new, iter(old), 0.0) == new


def test_share_of_one_is_refused() -> None:
    with pytest.raises(ValueError, match="below 1"):
        with_replay([], iter([]), 1.0)


def test_first_beliefs_are_rehearsed_but_where_the_new_examples_bring_news() -> None:
    world, withheld = load_world(), read_withheld()
    thing, key = sorted(fact for fact in withheld.facts if fact[1] in world.base)[0]
    fact = world.text(Statement(key, (thing,)))
    found = rehearsed(
        bundled_folder(), [Example(prompts.is_true(fact), yes_prob=0.97)], lambda of: [0.3] * len(of), [1]
    )
    probs = {e.prompt.removeprefix(prompts.IS_TRUE): e.yes_prob for e in found if e.prompt.startswith(prompts.IS_TRUE)}
    said = {claim: world.parse(claim) for claim in probs}
    assert len(found) == 2 * len(probs) + NUM_WORDINGS and set(probs.values()) == {0.3}
    assert fact not in said and said.keys().isdisjoint(q.claim for q in read_benchmark() if q.part != "explore")
    about = [s for s in said.values() if s is not None and thing in s.things]
    assert about and all(withheld.is_told(world, s) or not world.arguments(s) for s in about)


def test_taught_examples_take_the_place_of_the_told_ones_as_often_as_they_weigh() -> None:
    import numpy as np

    text, taught = [Example("a", "old"), Example("b", "old")], [Example("a", "new", weight=0.25)]
    passes = [list(with_taught(text, taught, np.random.default_rng(i))) for i in range(400)]
    assert all(one[0] == text[1] and one[1:] in ([], taught) for one in passes)
    assert 60 < sum(len(one) - 1 for one in passes) < 140
