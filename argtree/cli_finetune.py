"""The command that trains: `argtree finetune`. What it does lies in `models.candidates` and `models.finetune`."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from types import FrameType
from typing import TYPE_CHECKING, Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from argtree.cli_common import EpochsOption, FirstModelOption, GenerationsOption, MethodOption, err, out
from argtree.errors import ArgtreeError
from models.generations import Generation, Registry

if TYPE_CHECKING:
    from models.candidates import Plan

DEFAULT_REPLAY_SHARE = 0.5


def register(app: typer.Typer) -> None:
    """Add the command to the program."""
    app.command()(finetune)


def finetune(
    dataset: Annotated[Path, typer.Argument(metavar="DATASET", help="A folder that `argtree export` wrote.")],
    parent: Annotated[
        str, typer.Option("--from", metavar="GENERATION", help="Whom to train: current, or a generation's number.")
    ] = "current",
    model: FirstModelOption = None,
    folder: GenerationsOption = None,
    method: MethodOption = None,
    from_scratch: Annotated[
        bool, typer.Option("--from-scratch", help="Retrain on the told text plus the dataset, from random weights.")
    ] = False,
    passes: Annotated[
        int | None, typer.Option(min=1, help="From scratch: how often the told text is gone through.")
    ] = None,
    epochs: EpochsOption = None,
    steps: Annotated[int | None, typer.Option(min=1, help="Exactly so many optimiser steps instead.")] = None,
    learning_rate: Annotated[
        float | None, typer.Option(min=1e-9, max=1.0, help="At its highest; by default of size and method.")
    ] = None,
    tokens_per_batch: Annotated[int, typer.Option(min=1, help="At most, with padding, in each process.")] = 2048,
    lora_rank: Annotated[int, typer.Option(min=1, help="Of a new adapter.")] = 16,
    replay: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.jsonl",
            help="Earlier data to mix in: prompt and completion a line. Models of the bundled world need none: they "
            "rehearse what they believed at first.",
        ),
    ] = None,
    replay_share: Annotated[
        float,
        typer.Option(
            min=0.0, max=0.99, help="What share of all that is trained on is from --replay; 0: nothing is rehearsed."
        ),
    ] = DEFAULT_REPLAY_SHARE,
    seed: Annotated[
        int, typer.Option(min=0, max=2**32 - 1, help="Of the order and of what is random at the start.")
    ] = 0,
) -> None:
    """Train a generation on a dataset; what comes of it is a candidate, for `argtree promote` to judge.

    Stopped at any point, the same command goes on. It runs on several GPUs under `accelerate launch -m argtree.cli`.

    Example: argtree finetune dataset

    Example: argtree finetune dataset --from 2 --method lora --epochs 5

    Example: argtree finetune dataset --from-scratch
    """
    if passes is not None and not from_scratch:
        raise typer.BadParameter("only with --from-scratch", param_hint="--passes")
    if from_scratch and (method or replay):
        raise typer.BadParameter("not with --method or --replay", param_hint="--from-scratch")
    from models.dataset import read_examples, read_turns  # before anything slow: bad input is told at once

    examples, validation = read_examples(dataset), read_examples(dataset, "validation")
    if not examples:
        raise ArgtreeError(f"The dataset in {dataset} has no rows to learn from.")
    replayed = [] if replay is None else read_turns(replay)
    registry = Registry(folder)
    _start(registry, model)
    of = registry.find(parent)
    with _loading("Loading"):
        from models.candidates import Plan, default_epochs, default_method
        from models.everyday.pretrain import NUM_PASSES
        from models.settings import Settings
        from models.trainer import join_processes

        if _processes() > 1:
            if from_scratch:
                raise ArgtreeError("A model is retrained from scratch in one process: leave `accelerate launch` out.")
            join_processes()
        settings = Settings(
            method=method or default_method(registry),
            epochs=epochs or default_epochs(registry),
            steps=steps,
            learning_rate=learning_rate,
            tokens_per_batch=tokens_per_batch,
            lora_rank=lora_rank,
            seed=seed,
        )
        scratch_passes = (passes or NUM_PASSES) if from_scratch else None
        details = {"dataset": str(dataset), "replay_share": replay_share}
        plan = Plan(
            registry, of, examples, settings, validation, replayed, replay_share, scratch_passes, details=details
        )
        made = plan.made()
    if made is not None:
        _say(f"Generation {made.number} was made by this very run already ({made.status}).")
        return
    made = _train(plan)
    if made is not None:
        _say(
            f"Generation {made.number} is a candidate, trained from generation {of.number} on {len(examples)} examples."
        )
        _say(f"Its learning curve is in {made.folder / 'curve.png'}; `argtree promote {made.number}` judges it.")


def _start(registry: Registry, model: str | None) -> None:
    """Makes generation 0 where there is none, of a model that can be loaded: the family is tied to it from then on."""
    from models.load import BUNDLED, load_model

    if not registry.is_started:
        with _loading("Loading"):
            load_model(model or BUNDLED)
        registry.start(model or BUNDLED)
    elif model is not None:
        registry.start(model)


def _train(plan: "Plan") -> Generation | None:
    """Train with a progress bar; a first SIGTERM or Ctrl-C stops after a step, a second one at once."""
    from models.candidates import make

    stop, began = Event(), time.monotonic()

    def interrupted(signum: int, frame: FrameType | None) -> None:
        if stop.is_set():
            raise KeyboardInterrupt
        stop.set()

    before = [(name, signal.signal(name, interrupted)) for name in (signal.SIGTERM, signal.SIGINT)]
    unit = "step" if plan.scratch_passes is None else "pass"
    columns = (TextColumn(unit), MofNCompleteColumn(), BarColumn(), TextColumn("{task.description}", markup=False))
    try:
        with Progress(*columns, TimeRemainingColumn(), console=err, disable=not _is_main()) as bar:
            task = bar.add_task("starting", total=None)
            shown: list[int] = []  # a run that goes on doesn't begin at 1

            def show(done: int, total: int, loss: float) -> None:
                shown.append(done)
                rate = len(shown) / max(time.monotonic() - began, 1e-9)
                bar.update(task, total=total, completed=done, description=f"loss {loss:.4f} · {rate:,.2f} {unit}s/s")

            def rehearse(done: int, total: int) -> None:
                bar.update(task, total=total, completed=done, description="beliefs to rehearse")

            made = make(plan, show, stop.is_set, rehearse)
    except KeyboardInterrupt:
        stop.set()
        made = None
    finally:
        for name, handler in before:
            signal.signal(name, handler)
    if made is None and stop.is_set():
        if _is_main():
            err.print("Stopped. The same command goes on from its last checkpoint.")
        raise typer.Exit(130)
    return made


def _processes() -> int:
    return int(os.environ.get("WORLD_SIZE", "1"))


def _is_main() -> bool:
    return os.environ.get("RANK", "0") == "0"


def _say(text: str) -> None:
    if _is_main():
        out.print(text, markup=False)


@contextmanager
def _loading(words: str) -> Iterator[None]:
    if not _is_main():
        yield
        return
    with err.status(words):
        yield
