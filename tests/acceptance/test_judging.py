"""`argtree evaluate`, `promote` and `generations`, as a user runs them."""

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from argtree import judging
from argtree.cli import app
from argtree.errors import ArgtreeError
from models.evaluate import Diversity, Evaluation
from models.generations import Registry
from models.load import bundled_folder
from models.suite import Item, suite_hash

pytestmark = pytest.mark.skipif(not bundled_folder().is_dir(), reason="the bundled model's weights aren't there yet")
Run = Callable[..., subprocess.CompletedProcess[str]]
QUESTION = "Would a candle survive a drop from a roof?"
SUITE = [
    {"claim": "A brick would survive a drop from a roof.", "truth": True},
    {"claim": "A candle would survive a drop from a roof.", "truth": False, "question": QUESTION},
    {"claim": "A biscuit would survive a drop from a roof.", "truth": False, "kind": "told"},
]


def copy_bundled(folder: Path) -> None:
    shutil.copytree(bundled_folder(), folder, dirs_exist_ok=True)


@pytest.fixture
def family(tmp_path: Path) -> Registry:
    """Generation 0, and a candidate that is the same model."""
    (tmp_path / "suite.jsonl").write_text("\n".join(map(json.dumps, SUITE)))
    registry = Registry(tmp_path / "generations")
    registry.start("bundled")
    registry.add(
        0, lambda folder: shutil.copytree(bundled_folder(), folder, dirs_exist_ok=True) and None, method="full"
    )
    return registry


@pytest.mark.slow
def test_judging_from_evaluation_to_the_verdict(
    argtree: Run, family: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    judged = argtree("evaluate", "1", "--suite", "suite.jsonl", "--slow-questions", "1", "--budget", "8", "--json")
    assert judged.returncode == 0, judged.stderr
    found = json.loads(judged.stdout)
    assert found["model"] == "generation:1" and set(found["figures"]) == {"test fast", "test slow", "told fast"}
    verdict = argtree("promote", "--suite", "suite.jsonl", "--json")
    assert verdict.returncode == 0, verdict.stderr  # rejected is an answer, not an error
    said = json.loads(verdict.stdout)
    assert (said["generation"], said["against"], said["promoted"]) == (1, 0, False)
    assert family.get(1).status == "rejected" and family.get(1).reason == said["reason"]
    assert family.current().number == 0 and family.get(0).scores["test_fast_brier"] >= 0
    monkeypatch.chdir(family.folder.parent)
    tree = CliRunner().invoke(app, ["generations"])
    assert "* 0 · start · promoted · bundled" in tree.stdout and "1 · full · rejected" in tree.stdout
    listed = json.loads(CliRunner().invoke(app, ["generations", "--json"]).stdout)
    assert listed["current"] == 0 and [one["parent"] for one in listed["generations"]] == [None, 0]


def test_rolling_back_is_one_command(argtree: Run, family: Registry) -> None:
    family.promote(1)
    back = argtree("generations", "--roll-back", "0")
    assert back.returncode == 0 and "Generation 0 is in use." in back.stderr and family.current().number == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("promote", "7"), "no generation 7"),
        (("promote", "0"), "Generation 0 is in use already."),
        (("promote", "x"), "'x' names no generation"),
        (("evaluate", "1", "--suite", "none.jsonl"), "none.jsonl can't be read: No such file"),
        (("evaluate", "hf:x"), "hf:x is not of the bundled world"),
        (("generations", "--roll-back", "1"), "never in use (candidate)"),
        (("generations", "--generations", "empty"), "no generations in empty yet"),
    ],
)
def test_bad_input_is_one_sentence(
    family: Registry, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], said: str
) -> None:
    """In this process, for speed: `main` prints the sentence, as `test_command_line.py` tests."""
    monkeypatch.chdir(family.folder.parent)
    error = CliRunner().invoke(app, [*arguments]).exception
    assert isinstance(error, ArgtreeError) and said in str(error) and "\n" not in str(error)


def test_open_book_without_questions_to_explore_is_refused(argtree: Run, family: Registry) -> None:
    run = argtree("evaluate", "1", "--store", "x.db")
    assert run.returncode == 2 and "--slow-questions" in run.stderr


def test_worse_than_what_is_in_use_now_it_may_still_be_rolled_back_to(
    family: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    family.promote(1)
    monkeypatch.chdir(family.folder.parent)
    items = (Item("", "A brick is hard.", True, "test"),)
    same = Evaluation("[/x]", suite_hash(items), items, {"fast": np.array([0.5])}, Diversity(1, 1, 1, 0), {})
    monkeypatch.setattr(judging, "evaluation_of", lambda *_: same)
    said = CliRunner().invoke(app, ["promote", "0", "--suite", "suite.jsonl"], catch_exceptions=False).output
    assert "Rejected:" in said and family.current().number == 1
    assert family.roll_back(0).number == family.current().number == 0


def test_name_of_a_model_is_no_markup(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    items = (Item("", "A brick is hard.", True, "test"),)
    found = Evaluation("hf:[/x]", suite_hash(items), items, {"fast": np.array([0.5])}, Diversity(1, 1, 1, 0), {})
    monkeypatch.setattr(judging, "judge", lambda *_: found)
    assert "hf:[/x]" in CliRunner().invoke(app, ["evaluate", "bundled"], catch_exceptions=False).output


def test_family_without_its_first_is_said(family: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    family.promote(1)
    (family.folder / "0000" / "generation.json").unlink()
    monkeypatch.chdir(family.folder.parent)
    error = CliRunner().invoke(app, ["generations"]).exception
    assert isinstance(error, ArgtreeError) and "no generation 0" in str(error)
