"""`argtree loop`: rounds of exploring, asking and learning, with a bar for every step and a line for every round."""

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from argtree.cli_common import (
    EpochsOption,
    FirstModelOption,
    GenerationsOption,
    JsonOption,
    MethodOption,
    StoreOption,
    err,
    out,
)
from argtree.errors import ArgtreeError
from argtree.format import write_whole
from argtree.loop_state import LoopState, RoundState, StateFile, Step
from argtree.text import printable
from store.database import DEFAULT_STORE, open_store

DEFAULT_NEW_ROOTS = 200  # what a few dozen explored roots teach can't be told from chance
CALLS_PER_ROOT = 20  # of the model: enough to word a root, and to argue it once or twice
DEFAULT_BUDGET = 2_000
MAX_SEED = 4_000_000  # a round trains with a thousand times as much, which must stay below 2 ** 32
_SHOWN_WORDS = 60  # characters of what a bar is at
_WORDS: dict[Step, str] = {
    "explore": "exploring",
    "ask": "asking",
    "export": "exporting",
    "finetune": "fine-tuning",
    "evaluate": "evaluating",
    "promote": "judging",
}


def register(app: typer.Typer) -> None:
    """Adds the command to the program."""
    app.command(name="loop")(_loop)


def _loop(
    questions: Annotated[
        list[str] | None, typer.Argument(metavar="[QUESTION]...", help="Asked in the first round.")
    ] = None,
    rounds: Annotated[int, typer.Option(min=1, help="How many rounds in all; more may be added later.")] = 3,
    oracle: Annotated[
        Literal["queue", "simulated"], typer.Option(help="Who answers: people, or a program that knows the world.")
    ] = "queue",
    answers: Annotated[int, typer.Option(min=1, help="Answers wanted in each round.")] = 20,
    budget: Annotated[
        int | None,
        typer.Option(min=1, help="Model calls of each round's exploring [2000, or 20 a new root if more]."),
    ] = None,
    question_file: Annotated[
        Path | None, typer.Option("--questions", metavar="FILE", help="More questions, one a line.")
    ] = None,
    new_roots: Annotated[
        int | None,
        typer.Option(min=0, help="Questions drawn from the bundled benchmark in each round, if simulated [200]."),
    ] = None,
    folder: Annotated[Path, typer.Option(help="Where the loop keeps its state and its datasets.")] = Path("loop"),
    store: StoreOption = DEFAULT_STORE,
    model: FirstModelOption = None,
    generations: GenerationsOption = None,
    sensitivity: Annotated[float, typer.Option(min=0, max=1, help="P(simulated yes | true).")] = 0.97,
    specificity: Annotated[float, typer.Option(min=0, max=1, help="P(simulated no | false).")] = 0.97,
    method: MethodOption = None,
    epochs: EpochsOption = None,
    slow_questions: Annotated[
        int, typer.Option(min=0, help="How many held-out questions to judge after exploring too.")
    ] = 0,
    slow_budget: Annotated[int, typer.Option(min=1, help="Model calls for each of them.")] = 60,
    suite: Annotated[
        Path | None, typer.Option(metavar="FILE", help="What to judge on; see `argtree evaluate`.")
    ] = None,
    seed: Annotated[
        int, typer.Option(min=0, max=MAX_SEED, help="Of the questions drawn, the training and the simulated errors.")
    ] = 0,
    html: Annotated[Path | None, typer.Option(metavar="FILE", help="Write a report after every round.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Explore, ask the top questions, learn from the answers, prove it, promote it, and go again.

    Stopped or killed at any point, the same command goes on where it was.

    Example: argtree loop --rounds 1 --answers 5 "Would a candle survive a drop from a roof?"

    Example: argtree loop --rounds 6 --oracle simulated --html loop.html
    """
    logging.getLogger("argtree.models").setLevel(logging.ERROR)  # what is dropped is counted, and the bar stays whole
    asked = [*(questions or []), *_lines(question_file)]
    from argtree.judging import Exploring
    from argtree.loop import Loop, Settings
    from argtree.loop_school import GenerationSchool, Training

    if new_roots is None:
        new_roots = DEFAULT_NEW_ROOTS if oracle == "simulated" and not asked else 0
    if budget is None:
        budget = max(DEFAULT_BUDGET, CALLS_PER_ROOT * new_roots)
    settings = Settings(
        rounds=rounds,
        oracle=oracle,
        answers=answers,
        budget=budget,
        questions=tuple(asked),
        new_roots=new_roots,
        sensitivity=sensitivity,
        specificity=specificity,
        seed=seed,
    )
    training = Training(method, epochs, Exploring(slow_questions, slow_budget))
    school = GenerationSchool(generations, model, suite, training)
    school.check(asked)
    file = StateFile(folder)
    with file.held(), _watching(store, oracle == "simulated", file, html) as watcher:
        loop = Loop(open_store(store), school, settings, file, watcher)
        try:
            state = loop.run()
        except KeyboardInterrupt:
            watcher.stop()
            err.print("Stopped. Everything so far is kept; the same command goes on.")
            raise typer.Exit(130) from None
    _finish(state, school, html, as_json)


class _Watcher:
    """Shows a bar for the step under way, and writes the report after every round."""

    def __init__(self, bars: Progress, store: str, simulated: bool, file: StateFile, html: Path | None) -> None:
        self.bars = bars
        self.store = store
        self.simulated = simulated
        self.file = file
        self.html = html
        self.task: TaskID | None = None

    def step(self, number: int, step: Step, total: int | None) -> None:
        """Shows that a step begins."""
        self.stop()
        words = f"round {number}: {_WORDS[step]}"
        if not err.is_terminal:
            err.print(words.capitalize())
        if step == "ask" and not self.simulated:
            where = "" if self.store == DEFAULT_STORE else f" --store {self.store}"
            err.print(
                f"Waiting for {total} answers: give them in another terminal, with `argtree answer{where}` or "
                f"`argtree ui{where}`.",
                markup=False,
            )
        self.task = self.bars.add_task(words, total=total, words="")

    def progress(self, done: int, total: int | None, words: str = "") -> None:
        """Moves the bar."""
        if self.task is None:
            return
        short = printable(words)
        short = short if len(short) <= _SHOWN_WORDS else short[: _SHOWN_WORDS - 1] + "…"
        self.bars.update(self.task, completed=done, words=short)
        if total is not None:
            self.bars.update(self.task, total=total)

    def stop(self) -> None:
        """Takes the bar away."""
        if self.task is not None:
            self.bars.remove_task(self.task)
            self.task = None

    def round_done(self, state: RoundState) -> None:
        """Prints the round's line."""
        self.stop()
        err.print(round_line(state), markup=False)
        if self.html is not None:
            _write_report(self.file.read(), self.html)


@contextmanager
def _watching(store: str, simulated: bool, file: StateFile, html: Path | None) -> Iterator[_Watcher]:
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    said = TextColumn("{task.fields[words]}", markup=False)
    with Progress(*columns, said, console=err, transient=True, disable=not err.is_terminal) as bars:
        yield _Watcher(bars, store, simulated, file, html)


def round_line(one: RoundState) -> str:
    """Returns what a finished round came to, in a line or two."""
    asked, scores, verdict = one.done["ask"], one.done["evaluate"], one.done["promote"]
    briers = [f"{way} {_brier(scores['old'], way)} -> {_brier(scores['new'], way)}" for way in ("fast", "slow")]
    briers = [words for way, words in zip(("fast", "slow"), briers, strict=True) if way in scores["new"]]
    simulated = " simulated" if asked["oracle"] == "simulated" else ""
    return (
        f"Round {one.number}: {asked['given']}{simulated} answers, {asked['labels']} labels so far; Brier score "
        f"{', '.join(briers)}. Generation {one.done['finetune']['number']}: {printable(verdict['reason'])}"
    )


def _brier(scores: dict[str, Any], way: str) -> str:
    return f"{scores[way]['brier']['value']:.4f}" if way in scores else "?"


def _finish(state: LoopState, school: Any, html: Path | None, as_json: bool) -> None:
    if html is not None:
        _write_report(state, html)
        err.print(f"The report is in {html}.", markup=False)
    if as_json:
        print(json.dumps(state.to_json(), ensure_ascii=False))
        return
    done = [one for one in state.rounds if one.step is None]  # a later round may be under way, with fewer asked for now
    promoted = sum(one.done["promote"]["promoted"] for one in done)
    counted = f"{len(done)} round{'' if len(done) == 1 else 's'}"
    out.print(f"{counted}, {promoted} promoted; generation {school.current()} is in use.")


def _write_report(state: LoopState, path: Path) -> None:
    from argtree.loop_report import report

    write_whole(path, report(state))


def _lines(path: Path | None) -> list[str]:
    """The questions in a file, one a line; blank lines and what begins with # are passed over."""
    if path is None:
        return []
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError as error:
        raise ArgtreeError(f"{path} is no text in UTF-8.") from error
    return [line.strip() for line in lines if line.strip() and not line.startswith("#")]
