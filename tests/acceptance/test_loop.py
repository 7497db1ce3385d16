"""`argtree loop` as a user runs it, with the bundled model: a round simulated and killed, a round with a person."""

import json
import signal
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

from argtree.cli import app
from argtree.errors import ArgtreeError
from models.everyday.benchmark import read_benchmark
from tests.acceptance.conftest import Run, Start

QUESTION = "Would a candle survive a drop from a roof?"
SMALL = ("loop", "--rounds", "1", "--budget", "60", "--epochs", "1")


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    """A few held-out questions: the bundled suite takes a minute."""
    items = [one for one in read_benchmark() if one.part == "validation"][:24]
    lines = [
        json.dumps({"claim": one.claim, "truth": one.truth, "question": one.question, "kind": "validation"})
        for one in items
    ]
    file = tmp_path / "suite.jsonl"
    file.write_text("\n".join(lines), encoding="utf-8")
    return file


def steps_done(folder: Path) -> list[str]:
    file = folder / "loop" / "state.json"
    rounds = json.loads(file.read_text())["rounds"] if file.exists() else []
    return list(rounds[0]["done"]) if rounds else []


@pytest.mark.slow
def test_simulated_round_killed_and_gone_on_with(argtree: Run, start: Start, tmp_path: Path, suite: Path) -> None:
    command = (*SMALL, "--oracle", "simulated", "--answers", "4", "--new-roots", "3", "--suite", str(suite))
    started = start(*command)
    while "export" not in steps_done(tmp_path) and started.process.poll() is None:
        time.sleep(0.05)
    started.process.send_signal(signal.SIGKILL)
    started.ended()
    before = json.loads((tmp_path / "loop" / "state.json").read_text())["rounds"][0]["done"]
    ended = argtree(*command, "--html", "loop.html", "--json")
    assert ended.returncode == 0, ended.stderr
    (one,) = json.loads(ended.stdout)["rounds"]
    assert {step: one["done"][step] for step in before} == before
    tally = one["done"]["ask"]["tally"]
    assert tally["asked"] - tally["cannot_say"] == one["done"]["ask"]["given"] == 4
    assert one["done"]["finetune"]["number"] == 1
    assert "4 simulated answers" in ended.stderr and "Generation 1: " in ended.stderr
    page = (tmp_path / "loop.html").read_text(encoding="utf-8")
    assert "Simulated answers." in page and "Round 1" in page
    family = json.loads(argtree("generations", "--json").stdout)
    assert [one["number"] for one in family["generations"]] == [0, 1]


@pytest.mark.slow
def test_round_with_a_person_in_another_terminal(argtree: Run, start: Start, tmp_path: Path, suite: Path) -> None:
    started = start(*SMALL, "--answers", "2", "--suite", str(suite), QUESTION)
    while "explore" not in steps_done(tmp_path) and started.process.poll() is None:
        time.sleep(0.05)
    answered = argtree("answer", "--rater", "ada", stdin="y\ns\nn\nq\n")
    assert "2 answered" in answered.stdout, answered.stderr
    ended = started.ended()
    assert ended.returncode == 0, ended.stderr
    assert "Waiting for 2 answers" in ended.stderr and "Round 1: 2 answers, 2 labels" in ended.stderr
    assert "is in use" in ended.stdout


@pytest.mark.slow
def test_interrupted_it_says_so_and_nothing_is_lost(start: Start, tmp_path: Path, suite: Path) -> None:
    started = start(*SMALL, "--budget", "20", "--suite", str(suite), QUESTION)
    while "explore" not in steps_done(tmp_path) and started.process.poll() is None:
        time.sleep(0.05)
    started.process.send_signal(signal.SIGINT)
    ended = started.ended()
    assert ended.returncode == 130 and "the same command goes on" in ended.stderr and "Traceback" not in ended.stderr


def test_bad_input_is_one_sentence_and_leaves_nothing(argtree: Run, tmp_path: Path) -> None:
    result = argtree("loop", QUESTION, "Is Paris nice?")
    assert result.returncode == 1 and result.stderr.startswith("Error: ") and "Paris" in result.stderr
    assert "Traceback" not in result.stderr and not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (("--questions", "nowhere.txt"), "nowhere.txt"),
        (("--model", "gpt", QUESTION), "gpt"),
        (("--suite", "nowhere.jsonl", QUESTION), "nowhere.jsonl"),
    ],
)
def test_other_bad_input_is_found_before_anything_is_stored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], word: str
) -> None:
    """In this process, for speed: `main` prints the sentence."""
    monkeypatch.chdir(tmp_path)
    error = CliRunner().invoke(app, ["loop", *arguments]).exception
    assert isinstance(error, (ArgtreeError, OSError)) and word in str(error) and not list(tmp_path.iterdir())


def test_suite_that_can_promote_nothing_is_found_before_anything_is_stored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "suite.jsonl").write_text('{"claim": "A brick is hard.", "truth": true, "kind": "told"}')
    monkeypatch.chdir(tmp_path)
    error = CliRunner().invoke(app, ["loop", "--suite", "suite.jsonl", QUESTION]).exception
    assert (
        isinstance(error, ArgtreeError)
        and "no question of kind test" in str(error)
        and len(list(tmp_path.iterdir())) == 1
    )


@pytest.mark.parametrize("seed", ["-1", "5000000"])
def test_seed_that_training_can_not_take_is_refused(seed: str) -> None:
    assert CliRunner().invoke(app, ["loop", "--seed", seed, QUESTION]).exit_code == 2
