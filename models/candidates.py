"""From a dataset and a generation to a candidate generation: what `argtree finetune` does, without its command line.

A run is known by the hash of all that decides its outcome. It works in `generations/.training-HASH`, from which the
same run goes on when it was stopped, and a candidate made by it is not made twice.
"""

import fcntl
import hashlib
import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import numpy as np

from models.curves import draw_curve
from models.dataset import hash_examples
from models.elicitation import Elicitor
from models.errors import TrainingError
from models.everyday.withheld import read_withheld
from models.examples import Example, in_all_wordings
from models.finetune import Student
from models.generations import Generation, Registry
from models.load import everyday_folder, load_model, sources
from models.replay import rehearsed, shuffled, with_replay
from models.settings import Method, OnStep, Settings
from models.trainer import is_main_process

WORK = ".training-"
NEWS_WEIGHT = 3.0  # of what is taught beside what is rehearsed: as good as three passes, at a third of the cost
BELIEFS_AT_ONCE = 512  # claims that the first generation is asked about between two reports of progress
CURVE = "curve.jsonl"  # in the working folder of a run from scratch: a line a pass

OnBelief = Callable[[int, int], None]  # (beliefs asked for, of how many)


@dataclass(frozen=True)
class Plan:
    """What is to be learnt by which generation, and how."""

    registry: Registry
    parent: Generation
    examples: Sequence[Example]
    settings: Settings
    validation: Sequence[Example] = ()
    replay: Sequence[Example] = ()  # what a file holds, for models that were not told the bundled world's text
    replay_share: float = 0.5  # what share of all `replay` is to be, in [0, 1); 0: nothing is rehearsed
    scratch_passes: int | None = None  # retrain from random weights, with so many passes over the told text
    details: dict[str, object] = field(default_factory=dict)  # to be kept with the generation

    @property
    def key(self) -> str:
        """A hash of all that decides the outcome, 16 hexadecimal digits."""
        parts = [self.parent.number, self.parent.created_at, self.replay_share, self.scratch_passes]
        parts += [asdict(self.settings), hash_examples(self.examples, self.validation, self.replay)]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]

    @property
    def work(self) -> Path:
        """Where the run keeps its checkpoints."""
        return self.registry.folder / f"{WORK}{self.key}"

    def made(self) -> Generation | None:
        """The candidate, if this very run was finished before."""
        return next((one for one in self.registry.all() if one.details.get("run") == self.key), None)


def default_method(registry: Registry) -> Method:
    """How a family is trained unless its user says: models of the bundled world are small, and train all weights."""
    return "lora" if _told_folder(registry) is None else "full"


def default_epochs(registry: Registry) -> float:
    """How often a family goes through dataset and replay unless its user says: rehearsed beliefs make a pass long."""
    return 3.0 if _told_folder(registry) is None else 1.0


def with_old(plan: Plan, on_belief: OnBelief = lambda done, total: None) -> list[Example]:
    """What the plan teaches, with its replay: of a file, or of what a model of the bundled world believed at first.

    Other models are taught in all wordings that they are asked in.

    Args:
        plan: what is to be learnt.
        on_belief: told how many of the old beliefs are asked for, of how many.
    """
    seed, told = plan.settings.seed, _told_folder(plan.registry)
    if plan.replay or told is None:
        old = shuffled(plan.replay, np.random.default_rng([seed, 6]))
        taught = with_replay(plan.examples, iter(old), plan.replay_share)
        return in_all_wordings(taught) if told is None else taught
    if plan.replay_share == 0:
        return list(plan.examples)
    first = Elicitor(load_model(plan.registry.get(0).spec, generations=plan.registry.folder))
    fresh = [seed, 5, int(plan.key[:8], 16)]  # another draw for every run

    def believe(claims: list[str]) -> list[float]:
        means: list[float] = []
        for start in range(0, len(claims), BELIEFS_AT_ONCE):
            means += [belief.mean for belief in first.believe(claims[start : start + BELIEFS_AT_ONCE])]
            on_belief(len(means), len(claims))
        return means

    old = rehearsed(told, plan.examples, believe, fresh)
    return [*(replace(example, weight=NEWS_WEIGHT * example.weight) for example in plan.examples), *old]


def make(
    plan: Plan,
    on_step: OnStep | None = None,
    stop: Callable[[], bool] = lambda: False,
    on_belief: OnBelief = lambda done, total: None,
) -> Generation | None:
    """Train and add the candidate; None where it was asked to stop, or in all processes but the one that writes.

    Args:
        plan: what is to be learnt.
        on_step: told after each step, or pass from scratch.
        stop: looked at after each step.
        on_belief: told, before the first step, how many old beliefs are asked for, of how many.

    Raises:
        TrainingError: The model can't be retrained from scratch, or another process is at the same run.
        ModelError: The parent can't be loaded.
    """
    with _held(plan):
        return plan.made() or _make(
            plan, on_step, stop, on_belief
        )  # the process that had it may have finished it meanwhile


def _make(plan: Plan, on_step: OnStep | None, stop: Callable[[], bool], on_belief: OnBelief) -> Generation | None:
    if plan.scratch_passes is not None:
        return _make_from_scratch(plan, plan.scratch_passes, on_step, stop)
    source, adapter = sources(plan.registry, plan.parent)
    is_told = _told_folder(plan.registry) is not None
    validation = plan.validation if is_told else in_all_wordings(plan.validation)
    student = Student.load(source, plan.settings, adapter)
    points = student.learn(
        with_old(plan, on_belief), plan.settings, validation=validation, work=plan.work, on_step=on_step, stop=stop
    )
    if stop() or not is_main_process():
        return None
    return _add(plan, plan.settings.method, lambda folder: student.write(folder, points))


def _make_from_scratch(plan: Plan, passes: int, on_step: OnStep | None, stop: Callable[[], bool]) -> Generation | None:
    told = _told_folder(plan.registry)
    if told is None:
        raise TrainingError(
            "Only a model of the bundled world can be retrained from scratch: what others were told is not known here."
        )
    from models.everyday.pretrain import Run, train_on_told_text

    def note(run: Run, loss: float) -> None:
        with (plan.work / CURVE).open("a", encoding="utf-8") as file:
            file.write(json.dumps([run.passes_done, loss]) + "\n")
        if on_step is not None:
            on_step(run.passes_done, passes, loss)
        if stop() and run.passes_done < passes:
            run.save()
            raise KeyboardInterrupt

    trained = plan.work / "model"
    try:
        train_on_told_text(read_withheld(told), plan.settings.seed, trained, passes, plan.examples, note)
    except KeyboardInterrupt:
        return None

    def write(folder: Path) -> None:
        shutil.copytree(trained, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("checkpoint.*"))
        lines = (plan.work / CURVE).read_text(encoding="utf-8").splitlines()
        points = dict(json.loads(line) for line in lines)  # a pass done again after a kill counts once
        (folder / "curve.png").write_bytes(draw_curve(sorted(points.items()), of="passes over the text"))

    return _add(plan, "scratch", write)


def _add(plan: Plan, method: str, write_fn: Callable[[Path], None]) -> Generation:
    made = plan.registry.add(
        plan.parent.number,
        write_fn,
        method=method,
        seed=plan.settings.seed,
        dataset=hash_examples(plan.examples),
        details={"run": plan.key, "num_examples": len(plan.examples), **plan.details},
    )
    shutil.rmtree(plan.work, ignore_errors=True)
    return made


@contextmanager
def _held(plan: Plan) -> Iterator[None]:
    """Keeps other processes out of the working folder; a killed one lets go of it."""
    if not is_main_process():  # the one that writes holds it for all
        yield
        return
    plan.work.mkdir(parents=True, exist_ok=True)
    with (plan.work / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as exc:
            raise TrainingError("The very same training is under way in another process: wait for it.") from exc
        yield


def _told_folder(registry: Registry) -> Path | None:
    """The folder of the first generation's model, if it says what of the bundled world it was not told."""
    return everyday_folder(registry.get(0).base)
