"""Judging models for the commands and the loop: on what, how, and what is kept with a generation.

Joins `models.evaluate` with `argtree.slow` and the store. Not here: printing (`cli_judge.py`), the verdict
(`models.gate`).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from argtree.errors import ArgtreeError
from argtree.slow import Labels, labels_of, slow_answers
from models.elicitation import Elicitor
from models.evaluate import Evaluation, SlowFn, ValidFn, evaluate, read_evaluation, save_evaluation
from models.everyday.suite import everyday_suite
from models.everyday.world import load_world
from models.generations import EVALUATION, Generation, Registry
from models.load import everyday_folder, load_model
from models.suite import Item, read_suite, suite_hash
from store.database import open_store, read_scope

Part = Literal["validation", "test"]
OnStep = Callable[[str, int, int], None]  # what is done, how much of it, of how much
DEFAULT_SLOW_CALLS = 60


@dataclass(frozen=True)
class Exploring:
    """How many questions are judged after exploring too."""

    questions: int = 0  # held-out ones, and as many apart
    budget: int = DEFAULT_SLOW_CALLS  # model calls for each
    store: str | None = None  # explored once more with this store's labels as evidence

    @property
    def settings(self) -> dict[str, Any]:
        """What is kept with an evaluation."""
        return {"slow_questions": self.questions, "budget": self.budget} if self.questions else {}


def items_for(spec: str, suite: Path | None = None, part: Part = "validation") -> list[Item]:
    """The suite's items, or those of the everyday world for a model of it.

    Args:
        spec: Of the model, or of generation 0 of its family.
        suite: See `read_suite`.
        part: Of the everyday world's benchmark.

    Raises:
        ArgtreeError: There is no suite, and the model is not of the bundled world.
        ModelError: The suite can't be read, or the spec names no model.
    """
    if suite is not None:
        return read_suite(suite)
    folder = everyday_folder(spec)
    if folder is None:
        raise ArgtreeError(f"{spec} is not of the bundled world: say with --suite FILE what to judge it on.")
    return everyday_suite(folder, part)


def judge(
    registry: Registry, spec: str, items: Sequence[Item], on_step: OnStep, exploring: Exploring = Exploring()
) -> Evaluation:
    """Ask a model everything.

    Raises:
        ModelError: It can't be loaded or gives no usable reply.
    """
    labels = None
    if exploring.store is not None:
        with read_scope(open_store(exploring.store, create=False)) as session:
            labels = labels_of(session)
    elicitor = Elicitor(load_model(spec, generations=registry.folder))
    slow = exploring.questions > 0
    return evaluate(
        elicitor,
        items,
        _slow_fn(elicitor, exploring.budget, on_step, None) if slow else None,
        _slow_fn(elicitor, exploring.budget, on_step, labels) if slow and labels is not None else None,
        slow_questions=exploring.questions,
        valid_fn=_valid_fn(items),
        settings=exploring.settings,
        on_step=lambda done, total: on_step("asking at once", done, total),
    )


def evaluation_of(
    registry: Registry,
    generation: Generation,
    items: Sequence[Item],
    on_step: OnStep,
    exploring: Exploring = Exploring(),
) -> Evaluation:
    """A generation's evaluation on these items: the one kept with it if it answers what is asked, else a new one, kept.

    Raises:
        ModelError: The generation can't be loaded, or what is kept with it can't be read.
    """
    path = generation.folder / EVALUATION
    if path.is_file():
        kept = read_evaluation(path)
        if kept.suite == suite_hash(items) and (not exploring.questions or kept.settings == exploring.settings):
            return kept
    keep(registry, generation, judge(registry, generation.spec, items, on_step, exploring))
    return read_evaluation(path)  # with as many digits as every later verdict sees


def keep(registry: Registry, generation: Generation, found: Evaluation, part: Part = "validation") -> None:
    """Keep an evaluation with its generation; the test part's apart, as nothing may be chosen by it."""
    name = EVALUATION if part == "validation" else f"evaluation-{part}.json"
    save_evaluation(found, generation.folder / name)
    registry.record(generation.number, found.scores())


def _slow_fn(elicitor: Elicitor, budget: int, on_step: OnStep, labels: Labels | None) -> SlowFn:
    """Answers after exploring; open book where there are labels."""
    words = f"exploring, {'closed' if labels is None else 'open'} book"

    def answer(questions: list[str]) -> list[float]:
        on_step(words, 0, len(questions))
        return slow_answers(elicitor, questions, budget, labels, lambda done: on_step(words, done, len(questions)))

    return answer


def _valid_fn(items: Sequence[Item]) -> ValidFn | None:
    """Whether a premise is a claim of the bundled world, where the suite is about that."""
    world = load_world()
    return (lambda text: world.parse(text) is not None) if world.parse(items[0].claim) is not None else None
