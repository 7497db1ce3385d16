"""`argtree finetune`: from a dataset to a candidate generation, as a user types it."""

import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

import models.everyday.pretrain
from argtree.cli import app
from models import prompts
from models.candidates import NEWS_WEIGHT, Plan, make, with_old
from models.dataset import read_examples
from models.elicitation import Elicitor
from models.errors import TrainingError
from models.generations import Registry
from models.load import load_model
from models.settings import Settings
from tests.models.test_dataset import soft, write

CLAIMS = ["A brick is sharp.", "A brick is edible.", "A brick is heavy."]
WANTED = 0.9
ROOT = Path(__file__).parents[2]


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    rows = [soft(prompts.is_true(c), WANTED) for c in CLAIMS] + [soft(prompts.is_false(c), 1 - WANTED) for c in CLAIMS]
    write(tmp_path / "data", "beliefs", rows)
    write(tmp_path / "data", "beliefs", rows[:2], split="validation")
    return tmp_path / "data"


def run(dataset: Path, *options: object, code: int = 0) -> str:
    arguments = ["finetune", str(dataset), "--generations", str(dataset.parent / "g"), *map(str, options)]
    result = CliRunner().invoke(app, arguments, catch_exceptions=True)
    text = str(result.exception) if code == 1 else result.output
    assert result.exit_code == code, result.output + repr(result.exception)
    return text


def test_bundled_model_becomes_a_candidate_that_learnt(dataset: Path) -> None:
    how = ("--steps", 20, "--seed", 3, "--learning-rate", 5e-4, "--replay-share", 0)
    said = run(dataset, *how)
    assert "Generation 1 is a candidate, trained from generation 0 on 6 examples." in said
    registry = Registry(dataset.parent / "g")
    made = registry.get(1)
    assert (made.parent, made.method, made.status, made.seed, made.base) == (0, "full", "candidate", 3, "bundled")
    assert (made.folder / "curve.png").read_bytes().startswith(b"\x89PNG")
    assert (made.folder / "withheld.json").is_file()
    assert not list((dataset.parent / "g").glob(".training-*"))
    taught = load_model("generation:1", generations=dataset.parent / "g")
    assert all(abs(belief.mean - WANTED) < 0.1 for belief in Elicitor(taught).believe(CLAIMS))
    assert "was made by this very run already" in run(dataset, *how)


def test_bundled_model_rehearses_what_its_first_generation_believed(dataset: Path) -> None:
    registry = Registry(dataset.parent / "g")
    registry.start("bundled")
    taught = with_old(Plan(registry, registry.get(0), read_examples(dataset), Settings()))
    news = [example for example in taught if example.weight == NEWS_WEIGHT]
    old = [example for example in taught if example.prompt.startswith(prompts.IS_TRUE) and example not in news][:20]
    first = Elicitor(load_model("bundled")).believe([example.prompt.removeprefix(prompts.IS_TRUE) for example in old])
    assert len(news) == len(read_examples(dataset)) < len(taught) / 100
    assert [example.yes_prob for example in old] == pytest.approx([belief.mean for belief in first], abs=1e-4)


def test_adapters_follow_one_another_on_one_base(dataset: Path, tiny_folder: Path) -> None:
    run(dataset, "--model", f"hf:{tiny_folder}", "--steps", 2)
    run(dataset, "--from", 1, "--steps", 2)
    run(dataset, "--from", 2, "--steps", 2, "--method", "full")
    run(dataset, "--from", 3, "--steps", 2)
    made = Registry(dataset.parent / "g").all()
    assert [one.method for one in made[1:]] == ["lora", "lora", "full", "lora"]
    assert [one.is_adapter for one in made[1:]] == [True, True, False, True]
    assert made[4].base == "generation:3"
    beliefs = [
        Elicitor(load_model(one.spec, generations=dataset.parent / "g")).believe(CLAIMS[:1])[0].mean for one in made
    ]
    assert len(set(beliefs)) == 5


def test_replay_file_is_mixed_in(dataset: Path, tiny_folder: Path) -> None:
    old = dataset.parent / "old.jsonl"
    old.write_text("".join(json.dumps({"prompt": f"{i}?", "completion": "x"}) + "\n" for i in range(9)))
    run(dataset, "--model", f"hf:{tiny_folder}", "--steps", 1, "--replay", old, "--replay-share", 0.5)
    assert Registry(dataset.parent / "g").get(1).details["replay_share"] == 0.5


def test_bundled_model_is_retrained_from_scratch(dataset: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from itertools import islice

    whole = models.everyday.pretrain.examples
    few = lambda *args, **kwargs: islice(whole(*args, **kwargs), 5, None, 900)  # noqa: E731
    monkeypatch.setattr(models.everyday.pretrain, "examples", few)
    run(dataset, "--from-scratch", "--passes", 2)
    made = Registry(dataset.parent / "g").get(1)
    assert made.method == "scratch" and {"model.safetensors", "curve.png", "withheld.json"} <= {
        path.name for path in made.folder.iterdir()
    }
    assert load_model(made.spec, generations=dataset.parent / "g").name == "generation:1"


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--from", "7"], "There is no generation 7"),
        (["--from", "first"], "names no generation"),
        (["--from-scratch", "--passes", "1"], "Only a model of the bundled world can be retrained"),
        (["--replay", "nowhere.jsonl"], "can't be read as JSON lines"),
    ],
)
def test_bad_input_is_one_sentence(options: list[str], sentence: str, dataset: Path, tiny_folder: Path) -> None:
    assert sentence in run(dataset, "--model", f"hf:{tiny_folder}", *options, code=1)


def test_two_processes_never_share_a_working_folder(dataset: Path, tiny_folder: Path) -> None:
    registry = Registry(dataset.parent / "g")
    of = registry.start(f"hf:{tiny_folder}")
    plan = Plan(registry, of, read_examples(dataset), Settings(steps=1))
    plan.work.mkdir()
    with (plan.work / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # as the other process does, which trains
        with pytest.raises(TrainingError, match="under way in another process"):
            make(plan)
    made = make(plan)
    assert made is not None and made.number == 1
    assert make(plan) == made  # the lock was waited for, and the run found finished


def test_no_dataset_and_no_rows_are_one_sentence_each(dataset: Path) -> None:
    assert "There is no dataset in" in run(dataset.parent / "nowhere", code=1)
    (dataset / "beliefs" / "train.parquet").unlink()
    assert "has no rows to learn from" in run(dataset, code=1)


@pytest.fixture
def one_thread() -> Iterator[None]:
    """As in `environment`: what is summed in another order differs in its last bits."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def environment() -> dict[str, str]:
    return os.environ | {
        "PYTHONPATH": str(ROOT),
        "OMP_NUM_THREADS": "1",
        "HF_HUB_OFFLINE": "1",
        "CUDA_VISIBLE_DEVICES": "",
    }


@pytest.mark.slow
@pytest.mark.usefixtures("one_thread")
def test_signal_stops_with_a_sentence_and_the_same_command_goes_on(dataset: Path, tiny_folder: Path) -> None:
    generations = dataset.parent / "g"
    how = ("--model", f"hf:{tiny_folder}", "--steps", "150", "--tokens-per-batch", "64")
    command = [sys.executable, "-m", "argtree.cli", "finetune", str(dataset), "--generations", str(generations), *how]
    process = subprocess.Popen(command, env=environment(), stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 200
    while not list(generations.glob(".training-*/checkpoint-*/trainer_state.json")) and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGTERM)
    _, said = process.communicate(timeout=200)
    assert process.returncode == 130 and "The same command goes on" in said and "Traceback" not in said
    assert not list(generations.glob("0001"))
    assert "Generation 1 is a candidate" in run(dataset, *how)
    run(dataset, *how, "--generations", generations.parent / "h")
    file = Path("0001") / "adapter_model.safetensors"
    assert (generations / file).read_bytes() == (generations.parent / "h" / file).read_bytes()


@pytest.mark.slow
def test_two_processes_make_one_candidate(dataset: Path, tiny_folder: Path) -> None:
    launch = [
        sys.executable,
        "-m",
        "accelerate.commands.launch",
        "--cpu",
        "--num_processes",
        "2",
        "--num_machines",
        "1",
    ]
    launch += ["--mixed_precision", "no", "--dynamo_backend", "no", "-m", "argtree.cli", "finetune", str(dataset)]
    launch += ["--generations", str(dataset.parent / "g"), "--model", f"hf:{tiny_folder}", "--steps", "6"]
    done = subprocess.run(
        [*launch, "--tokens-per-batch", "64"], env=environment(), capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("is a candidate") == 1
    assert [one.number for one in Registry(dataset.parent / "g").all()] == [0, 1]


@pytest.mark.parametrize("spec", ["gpt", "hf:./nowhere"])
def test_model_that_can_not_be_loaded_begins_no_family(dataset: Path, spec: str) -> None:
    run(dataset, "--model", spec, code=1)
    assert not Registry(dataset.parent / "g").is_started
