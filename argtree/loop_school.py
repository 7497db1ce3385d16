"""The learning half of the loop on the real thing: datasets, fine-tuning, the held-out suite, the gate, generations.

Joins `store.export`, `models.candidates`, `argtree.judging` and `models.gate`; decides nothing itself.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from sqlalchemy import Engine

from argtree.cli_export import dataset_prompts
from argtree.judging import Exploring, evaluation_of, items_for
from argtree.loop import OnStep
from argtree.loop_state import LoopError, Record
from argtree.propagate import Propagator
from models.dataset import read_examples
from models.elicitation import Elicitor, checked_question
from models.errors import BadSuiteError
from models.evaluate import WAYS, Evaluation, read_evaluation
from models.gate import gate
from models.generations import EVALUATION, PREFIX, Generation, Registry
from models.load import BUNDLED, everyday_folder, load_model, world_check
from models.statistics import Figure, judged
from models.suite import HELD_OUT as HELD_OUT_KINDS
from models.suite import Item, read_suite
from store.database import read_scope
from store.export import HELD_OUT, Options, export_dataset


@dataclass(frozen=True)
class Training:
    """How a candidate is made and judged."""

    method: Literal["lora", "full"] | None = None  # None: see `models.candidates.default_method`
    epochs: float | None = None  # None: see `models.candidates.default_epochs`
    exploring: Exploring = Exploring()


class GenerationSchool:
    """Trains and judges generations in a folder; see `argtree.loop.School`."""

    def __init__(
        self,
        folder: Path | None = None,
        model: str | None = None,
        suite: Path | None = None,
        training: Training = Training(),
    ) -> None:
        """Args:
        folder: of the generations; by default that of the environment.
        model: spec of generation 0, where the folder is new. None, or "generation:current", goes on with what is
            there; None begins with the bundled model where nothing is.
        suite: what to judge on; by default the bundled world's, or for other models the dataset's test split.
        training: how.
        """
        self.registry = Registry(folder)
        self.suite = suite
        self.training = training
        if model is None and not self.registry.is_started:
            model = BUNDLED
        self._start = self.registry.get(0).base if model is None or model.startswith(PREFIX) else model

    def check(self, questions: Sequence[str]) -> None:
        """Passes questions that the model can speak of, and a suite that can be read, before anything is stored.

        Raises:
            ModelError: otherwise; see `Elicitor.check_question` and `read_suite`.
        """
        if self.suite is not None:
            kinds = {item.kind for item in read_suite(self.suite)}
            if kinds.isdisjoint(HELD_OUT_KINDS):  # said now, and not after a round of asking and training
                raise BadSuiteError(f"The suite {self.suite} holds no question of kind {' or '.join(HELD_OUT_KINDS)}.")
        is_started = self.registry.is_started
        if is_started:
            self.current()  # refuses a model that the generations did not start from
        refuse = world_check(self._start)
        if refuse is not None:
            for question in questions:
                refuse(checked_question(question))
            return
        # whether any other model is there shows when it is loaded
        elicitor = self.elicitor(self.current()) if is_started else Elicitor(load_model(self._start))
        for question in questions:
            elicitor.check_question(question)

    def current(self) -> int:
        """Returns the generation in use, 0 being made if there is none."""
        self.registry.start(self._start)
        return self.registry.current().number

    def elicitor(self, number: int) -> Elicitor:
        """Returns what asks a generation."""
        spec = self.registry.get(number).spec
        return Elicitor(load_model(spec, generations=self.registry.folder))

    def export(self, engine: Engine, folder: Path, on_step: OnStep) -> Record:
        """Writes what is learnt from: what people said, what follows from it, explored roots, arguments that held."""
        held_out = 0.0 if self._is_everyday or self.suite is not None else HELD_OUT  # else a suite of its own judges
        options = Options("all", held_out=held_out)
        with read_scope(engine) as session:
            summary = export_dataset(
                session,
                folder,
                dataset_prompts(),
                Propagator(only_askable=True),
                options,
                lambda done, total: on_step(done, total, "claims"),
            )
        return {"answers": summary.answers, "premises": summary.premises, "rows": summary.rows}

    def train(self, dataset: Path, scratch: Path, parent: int, tag: Record, seed: int, on_step: OnStep) -> Record:
        """Fine-tunes a generation on the dataset into a candidate; one that the same round made already is that one.

        What was known before is rehearsed, and the checkpoints of a run that was killed lie among the generations: see
        `models.candidates`. So `scratch` stays empty.
        """
        from models.candidates import Plan, default_epochs, default_method, make  # trl takes seconds to import
        from models.settings import Settings

        examples = read_examples(dataset)
        if not examples:
            raise LoopError("There is nothing to learn from: every answered claim is held out to judge by.")
        made = self._made(tag)
        if made is None:
            method = self.training.method or default_method(self.registry)
            epochs = self.training.epochs or default_epochs(self.registry)
            settings = Settings(method=method, epochs=epochs, seed=seed)
            details: dict[str, object] = {"tag": tag, "dataset": str(dataset)}
            of, validation = self.registry.get(parent), read_examples(dataset, "validation")
            plan = Plan(self.registry, of, examples, settings, validation, details=details)
            made = make(
                plan,
                lambda done, total, loss: on_step(done, total, f"steps, loss {loss:.4f}"),
                on_belief=lambda done, total: on_step(done, total, "beliefs to rehearse"),
            )
        if made is None:
            raise LoopError("The training was stopped before its end.")
        return {"number": made.number, "examples": len(examples)}

    def evaluate(self, candidate: int, in_use: int, dataset: Path, on_step: OnStep) -> Record:
        """Judges both on the same suite, unless that was done before."""
        items = self._items(dataset)
        old, new = (self._evaluation(number, items, on_step) for number in (in_use, candidate))
        return {"old": _scores(old), "new": _scores(new)}

    def judge(self, candidate: int, in_use: int) -> Record:
        """Puts the candidate through the gate, and promotes or rejects it; one that was judged stays as it is."""
        there = self.registry.get(candidate)
        if there.status == "candidate":
            old, new = (read_evaluation(self.registry.get(one).folder / EVALUATION) for one in (in_use, candidate))
            verdict = gate(new, old)
            if verdict.promoted:
                there = self.registry.promote(candidate, verdict.reason)
            else:
                there = self.registry.reject(candidate, verdict.reason)
        elif there.status == "promoted":  # killed between its facts and the pointer to it
            there = self.registry.promote(candidate, there.reason)
        return {"promoted": there.status == "promoted", "reason": there.reason}

    def _made(self, tag: Record) -> Generation | None:
        """Returns the generation that the same round of the same loop made before it was killed."""
        return next((one for one in self.registry.all() if dict(one.details).get("tag") == tag), None)

    @property
    def _is_everyday(self) -> bool:
        """Whether the model is of the bundled world, whose own questions judge it."""
        return everyday_folder(self._start) is not None

    def _evaluation(self, number: int, items: Sequence[Item], on_step: OnStep) -> Evaluation:
        return evaluation_of(
            self.registry,
            self.registry.get(number),
            items,
            lambda words, done, total: on_step(done, total, f"generation {number}, {words}"),
            self.training.exploring,
        )

    def _items(self, dataset: Path) -> list[Item]:
        return items_for(self._start, self.suite if self.suite is not None or self._is_everyday else dataset)


def _scores(found: Evaluation) -> Record:
    """Returns the figures of an evaluation, the held-out kind's as `fast` and `slow`."""
    named = {name: _named(of) for name, of in found.figures().items()}
    held_out = {}
    for way in WAYS:  # of all held-out kinds together, as the gate judges them
        prob, truth = found.chosen(HELD_OUT_KINDS, way)
        if len(prob):
            held_out[way] = _named(judged(prob, truth, 0))
    rest = {name: figures for name, figures in named.items() if name.split()[0] not in HELD_OUT_KINDS}
    return held_out | {"others": rest, "premises_per_call": found.diversity.premises_per_call}


def _named(figures: Mapping[str, Figure]) -> Record:
    return {key: {"value": one[0], "low": one[1], "high": one[2], "count": one[3]} for key, one in figures.items()}
