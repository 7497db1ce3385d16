"""The folder of generations: facts, the one in use, and what several processes and kills do to it."""

import json
import multiprocessing
import os
import signal
import subprocess
import sys
import textwrap
import time
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest

from models.errors import GenerationError, UnknownSpecError
from models.generations import CURRENT, FACTS, Registry, default_folder
from models.load import bundled_folder, load_model

NOW = datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    found = Registry(tmp_path / "generations", now_fn=lambda: NOW)
    found.start("bundled")
    return found


def whole(folder: Path) -> None:
    (folder / "model.safetensors").write_bytes(b"weights")


def adapter(folder: Path) -> None:
    (folder / "adapter_model.safetensors").write_bytes(b"weights")
    (folder / "adapter_config.json").write_text("{}")


def test_generation_0_is_in_use_until_another_is_promoted(registry: Registry) -> None:
    first = registry.current()
    assert (first.number, first.parent, first.base, first.status) == (0, None, "bundled", "promoted")
    made = registry.add(0, whole, method="full", seed=3, dataset="abc", details={"steps": 10})
    assert (made.number, made.parent, made.status, made.created_at) == (1, 0, "candidate", "2030-01-02T03:04:05+00:00")
    assert registry.current() == first and registry.get(1) == made
    assert registry.promote(1, "better") == registry.current() == registry.find("current")
    assert [g.status for g in registry.all()] == ["promoted", "promoted"]


def test_start_finds_what_is_there_and_refuses_another_model(registry: Registry) -> None:
    assert registry.start("bundled") == registry.get(0)
    with pytest.raises(GenerationError, match="started from bundled, not from hf:x"):
        registry.start("hf:x")


def test_rolling_back_is_to_what_was_in_use(registry: Registry) -> None:
    for _ in range(2):
        registry.promote(registry.add(0, whole, method="full").number)
    registry.add(2, whole, method="full")
    registry.roll_back(1)
    assert registry.current().number == 1 and registry.get(2).reason == "Rolled back to generation 1."
    assert registry.roll_back(2).number == registry.current().number == 2
    with pytest.raises(GenerationError, match="3 was never in use \\(candidate\\)"):
        registry.roll_back(3)


def test_rejected_keeps_its_reason_and_what_is_in_use_cannot_be_rejected(registry: Registry) -> None:
    registry.add(0, whole, method="full")
    registry.record(1, {"brier": 0.2})
    registry.record(1, {"ece": 0.1})
    assert registry.reject(1, "It forgets.").reason == registry.get(1).reason == "It forgets."
    assert registry.get(1).scores == {"brier": 0.2, "ece": 0.1}
    with pytest.raises(GenerationError, match="0 is in use"):
        registry.reject(0, "why not")


@pytest.mark.parametrize(
    ("parent_fn", "child_fn", "base"),
    [
        (None, adapter, "bundled"),
        (None, whole, "bundled"),
        (adapter, adapter, "bundled"),
        (whole, adapter, "generation:1"),
        (whole, whole, "bundled"),
    ],
)
def test_base_is_what_the_weights_lie_on(registry: Registry, parent_fn, child_fn, base) -> None:  # type: ignore[no-untyped-def]
    parent = 0 if parent_fn is None else registry.add(0, parent_fn, method="x").number
    assert registry.add(parent, child_fn, method="x").base == base
    assert registry.add(parent, child_fn, method="x", base="hf:y").base == "hf:y"


def test_failed_writing_leaves_nothing(registry: Registry) -> None:
    def fails(folder: Path) -> None:
        whole(folder)
        raise RuntimeError("the disk is full")

    with pytest.raises(RuntimeError):
        registry.add(0, fails, method="full")
    assert [path.name for path in registry.folder.iterdir()] == ["0000"]


def test_concurrent_adds_lose_no_generation(registry: Registry) -> None:
    with ProcessPoolExecutor(4, mp_context=multiprocessing.get_context("spawn")) as pool:
        numbers = list(pool.map(_add_and_score, [str(registry.folder)] * 24))
    assert sorted(numbers) == list(range(1, 25)) == [g.number for g in registry.all()][1:]
    assert len(registry.get(0).scores) == 24  # each process kept one figure with generation 0, and none was lost


def _add_and_score(folder: str) -> int:
    registry = Registry(Path(folder))
    number = registry.add(0, whole, method="full").number
    registry.record(0, {f"from {number}": 1.0})
    return number


def test_killed_in_the_middle_leaves_nothing_half(registry: Registry) -> None:
    script = f"""
        import time
        from pathlib import Path
        from models.generations import Registry
        def write(folder):
            (folder / "model.safetensors").write_bytes(b"half")
            print("begun", flush=True)
            time.sleep(60)
        Registry(Path({str(registry.folder)!r})).add(0, write, method="full")
    """
    process = subprocess.Popen([sys.executable, "-c", textwrap.dedent(script)], stdout=subprocess.PIPE)
    assert process.stdout is not None and process.stdout.readline() == b"begun\n"
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    assert [g.number for g in registry.all()] == [0]
    assert registry.add(0, whole, method="full").number == 1
    (left_over,) = registry.folder.glob(".new-*")
    for path in (left_over / "model.safetensors", left_over):  # two days go by
        os.utime(path, times=(time.time() - 2 * 86400,) * 2)
    registry.add(0, whole, method="full")
    assert not left_over.exists() and len(registry.all()) == 3


def test_killed_between_status_and_pointer_is_finished_by_the_same_command(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry.add(0, whole, method="full")
    with monkeypatch.context() as patch:
        patch.setattr(registry, "_point_to", lambda number: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            registry.promote(1)
    assert registry.current().number == 0
    registry.promote(1)
    assert registry.current().number == 1


def test_missing_and_damaged_are_said_in_one_sentence(registry: Registry, tmp_path: Path) -> None:
    with pytest.raises(GenerationError, match="no generation 7 in .*: the last one is 0"):
        registry.get(7)
    with pytest.raises(GenerationError, match="'latest' names no generation"):
        registry.find("generation:latest"[11:])
    with pytest.raises(GenerationError, match="no generations in .* yet: `argtree finetune`"):
        Registry(tmp_path / "none").current()
    (registry.folder / CURRENT).write_text('{"number": "x", "since": ""}')
    with pytest.raises(GenerationError, match="current.json is damaged, at number"):
        registry.current()
    (registry.folder / "0000" / FACTS).write_text("{")
    with pytest.raises(GenerationError, match="generation.json is damaged"):
        registry.get(0)


def test_wrong_number_in_the_facts_is_found(registry: Registry) -> None:
    path = registry.folder / "0000" / FACTS
    path.write_text(json.dumps(json.loads(path.read_text()) | {"number": 5}))
    with pytest.raises(GenerationError, match="says that it is generation 5, not 0"):
        registry.get(0)


def test_folder_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch, registry: Registry) -> None:
    monkeypatch.delenv("ARGTREE_GENERATIONS", raising=False)
    assert default_folder() == Path("generations")
    monkeypatch.setenv("ARGTREE_GENERATIONS", str(registry.folder))
    assert Registry().current() == registry.current()


@pytest.mark.skipif(not bundled_folder().is_dir(), reason="the bundled model's weights aren't there yet")
def test_model_goes_by_the_number_of_its_generation(registry: Registry) -> None:
    model = load_model("generation:current", generations=registry.folder)
    assert model.name == "generation:0" and not model.is_general
    model.check_question("Would a biscuit win a race down a hill against a leather glove?")


def test_full_weights_are_loaded_from_their_folder(registry: Registry, tiny_folder: Path) -> None:
    def copy(folder: Path) -> None:
        for path in tiny_folder.iterdir():
            (folder / path.name).write_bytes(path.read_bytes())

    registry.promote(registry.add(0, copy, method="full").number)
    assert load_model("generation:current", generations=registry.folder).name == "generation:1"


def test_adapter_on_an_adapter_is_refused(registry: Registry) -> None:
    registry.add(0, adapter, method="lora")
    registry.add(1, adapter, method="lora", base="generation:1")
    with pytest.raises(GenerationError, match="adapter on generation:1, which is no whole model"):
        load_model("generation:2", generations=registry.folder)


@pytest.mark.parametrize("spec", ["generation:", "generation:x", "generation:-1"])
def test_spec_that_names_no_generation(registry: Registry, spec: str) -> None:
    with pytest.raises(GenerationError, match="names no generation"):
        load_model(spec, generations=registry.folder)


def test_start_from_a_spec_without_form_shows_when_it_is_loaded(tmp_path: Path) -> None:
    Registry(tmp_path).start("gpt")
    with pytest.raises(UnknownSpecError):
        load_model("generation:0", generations=tmp_path)


def test_number_of_a_folder_that_lost_its_facts_is_passed_over(registry: Registry) -> None:
    lost = registry.add(0, whole, method="full")
    (lost.folder / FACTS).unlink()
    assert registry.add(0, whole, method="full").number == 2
