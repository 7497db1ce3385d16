"""The commands that judge models: `argtree evaluate`, `argtree promote`, `argtree generations`.

What they do lies in `argtree.judging`, `models.gate` and `models.generations`; here it is printed.
"""

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text
from rich.tree import Tree

from argtree import judging
from argtree.cli_common import GenerationsOption, JsonOption, err, out
from argtree.judging import DEFAULT_SLOW_CALLS, Exploring, OnStep, Part
from argtree.text import printable
from models.errors import GenerationError
from models.generations import PREFIX, Generation, Registry

if TYPE_CHECKING:
    from models.evaluate import Evaluation
    from models.suite import Item

SuiteOption = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="What to judge on: JSON lines of claim, truth, question, kind; or an exported dataset's folder. "
        "By default, for the bundled world, its benchmark.",
    ),
]


def register(app: typer.Typer) -> None:
    """Add the commands to an application."""
    app.command()(evaluate)
    app.command()(promote)
    app.command()(generations)


def evaluate(
    name: Annotated[
        str, typer.Argument(metavar="MODEL", help="A generation's number or current; or bundled, or hf:NAME_OR_FOLDER.")
    ] = "current",
    folder: GenerationsOption = None,
    suite: SuiteOption = None,
    part: Annotated[Part, typer.Option(help="Of the benchmark; what chooses anything is judged on validation.")] = (
        "validation"
    ),
    slow_questions: Annotated[
        int, typer.Option(min=0, help="How many held-out questions, and as many apart, to explore as well.")
    ] = 0,
    budget: Annotated[int, typer.Option(min=1, help="Model calls per explored question.")] = DEFAULT_SLOW_CALLS,
    store: Annotated[
        str | None, typer.Option(help="Explore them once more with this store's labels as evidence (open book).")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Judge a model on truths that never enter training; a generation's figures are kept with it.

    Example: argtree evaluate 2

    Example: argtree evaluate current --slow-questions 50 --budget 100 --store sqlite:///team.db

    Example: argtree evaluate hf:my/model --suite questions.jsonl
    """
    if store is not None and not slow_questions:
        raise typer.BadParameter("how many? say --slow-questions too", param_hint="--store")
    registry = Registry(folder)
    generation = _generation(registry, name)
    spec = name if generation is None else generation.spec
    items = _suite(suite, registry.get(0).base if generation else spec, part)
    with _asking(spec) as show:
        found = judging.judge(registry, spec, items, show, Exploring(slow_questions, budget, store))
    if generation is not None:
        judging.keep(registry, generation, found, part)
    if as_json:
        print(json.dumps(_to_json(found)))
    else:
        out.print(_figures_table(found))
        said = f"{found.diversity.premises_per_call:.2f} different premises per call"
        out.print(f"Proposals: {said}, {found.diversity.dropped} arguments of no use in {found.diversity.calls} calls.")


def promote(
    name: Annotated[
        str | None, typer.Argument(metavar="[N]", help="The generation; by default the newest candidate.")
    ] = None,
    folder: GenerationsOption = None,
    suite: SuiteOption = None,
    as_json: JsonOption = False,
) -> None:
    """Put a generation to use if it is better than the current one by a paired test, and worse on nothing guarded.

    Otherwise it is kept and marked rejected, with the reason; that is no error. What was not evaluated yet is now.

    Example: argtree promote

    Example: argtree promote 3 --suite questions.jsonl
    """
    from models.gate import gate

    registry = Registry(folder)
    old = registry.current()
    new = _newest_candidate(registry) if name is None else registry.find(name)
    if new.number == old.number:
        raise GenerationError(f"Generation {new.number} is in use already.")
    items = _suite(suite, registry.get(0).base, "validation")
    evaluations = []
    for generation in (old, new):
        with _asking(generation.spec) as show:
            evaluations.append(judging.evaluation_of(registry, generation, items, show))
    before, after = evaluations
    verdict = gate(after, before)
    if verdict.promoted:
        registry.promote(new.number, verdict.reason)
    elif new.status != "promoted":  # what was in use before may still be rolled back to
        registry.reject(new.number, verdict.reason)
    if as_json:
        print(json.dumps({"generation": new.number, "against": old.number} | asdict(verdict)))
        return
    out.print(f"Generation {new.number}, against generation {old.number}: {verdict.reason}", markup=False)
    for check in verdict.checks:
        out.print(f"  {'passed' if check.passed else 'FAILED'}  {check.name}: {check.said}", markup=False)
    out.print(f"In use: generation {registry.current().number}.")


def generations(
    folder: GenerationsOption = None,
    roll_back: Annotated[
        str | None, typer.Option(metavar="N", help="Put generation N to use again, which was in use before.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """List the family tree of generations with scores, status and reason; * is the one in use.

    Example: argtree generations

    Example: argtree generations --roll-back 2
    """
    registry = Registry(folder)
    if roll_back is not None:
        back = registry.roll_back(registry.find(roll_back).number)
        err.print(f"Generation {back.number} is in use.")
    registry.get(0)  # the top of the tree
    in_use, every = registry.current(), registry.all()
    if as_json:
        print(json.dumps({"current": in_use.number, "generations": [_as_row(one) for one in every]}))
        return
    out.print(_family(every, in_use.number))


def _generation(registry: Registry, name: str) -> Generation | None:
    """The generation that a name means; None for the spec of a model that is none."""
    is_one = name == "current" or name.isdecimal() or name.startswith(PREFIX)
    return registry.find(name) if is_one else None


def _newest_candidate(registry: Registry) -> Generation:
    registry.current()  # so that an empty folder is said to be one
    candidates = [one for one in registry.all() if one.status == "candidate"]
    if not candidates:
        raise GenerationError(f"There is no candidate in {registry.folder}: `argtree finetune` makes one.")
    return candidates[-1]


def _suite(path: Path | None, spec: str, part: Part) -> "list[Item]":
    with err.status("Drawing the questions"):
        return judging.items_for(spec, path, part)


@contextmanager
def _asking(spec: str) -> Iterator[OnStep]:
    """Shows a bar for each thing that is done to judge a model."""
    logging.getLogger("argtree.models").setLevel(logging.ERROR)  # what is dropped is counted
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as bar:
        tasks: dict[str, TaskID] = {}

        def show(words: str, done: int, total: int) -> None:
            if words not in tasks:
                tasks[words] = bar.add_task(f"{spec}, {words}")
            bar.update(tasks[words], completed=done, total=total)

        yield show


def _to_json(found: "Evaluation") -> dict[str, Any]:
    figures = {name: {key: f._asdict() for key, f in of_name.items()} for name, of_name in found.figures().items()}
    diversity = asdict(found.diversity) | {"premises_per_call": found.diversity.premises_per_call}
    head = {"model": found.model, "suite": found.suite, "settings": found.settings}
    return head | {"figures": figures, "diversity": diversity}


def _figures_table(found: "Evaluation") -> Table:
    columns = ("accuracy", "brier", "ece")
    title = Text(f"{printable(found.model)}, with 95 % intervals")  # a model's name may look like markup
    table = Table("asked of", "items", *columns, title=title)
    for name, of_name in found.figures().items():
        cells = [f"{f.value:.3f} [{f.low:.3f}, {f.high:.3f}]" for f in (of_name[key] for key in columns)]
        table.add_row(name, f"{of_name['brier'].num_items:,}", *cells)
    return table


def _family(every: list[Generation], in_use: int) -> Tree:
    """Generations under their parents, generation 0 on top."""
    nodes: dict[int | None, Tree] = {}
    for one in every:
        label = _label(one, one.number == in_use)
        nodes[one.number] = nodes[one.parent].add(label) if one.parent in nodes else Tree(label)
    return nodes[0]


def _label(one: Generation, is_in_use: bool) -> Text:
    shown = ("validation_fast_brier", "test_fast_brier", "told_fast_brier", "held_out_ece", "premises_per_call")
    scores = ", ".join(f"{key.replace('_', ' ')} {one.scores[key]:.4g}" for key in shown if key in one.scores)
    head = f"{'* ' if is_in_use else ''}{one.number} · {one.method} · {one.status}"
    lines = (head if one.number else f"{head} · {one.base}", scores, one.reason)
    return Text("\n".join(printable(line) for line in lines if line))


def _as_row(one: Generation) -> dict[str, Any]:
    row = asdict(one)
    del row["folder"]
    return row
