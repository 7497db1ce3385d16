"""How busy do explorers keep a model that they share, and do they do anything twice?

So many questions of the bundled benchmark become roots of a store; 1, 2, 4 and 8 explorers then spend the same budget
of model calls on them, as threads of this process, through batches of at most 16 prompts to the bundled model. Shown
are the share of wall time in which the model was at work, expansions a second, how full its batches were, and how many
expansions were of a claim with the same arguments as one before: work done twice. For one root several claims are
expanded at once only if there are several explorers; for many roots one explorer expands up to 16 claims in a step.

Wall time depends on what else the machine does, so only ratios within one round, which takes all numbers of explorers
in turn, mean anything; the table has the median over rounds, the JSON all of them.

    python -m benchmarks.workers --rounds 1 --budget 500 --out benchmarks/results/workers.json
"""

import json
import logging
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from argtree.calls import read_call, recorded
from argtree.explorer import Explorer, utc_now
from argtree.format import write_whole
from argtree.workers import Assistant, Expedition
from models.base import LanguageModel
from models.batching import BATCH_SIZE, BatchingModel
from models.elicitation import Elicitor
from models.everyday.benchmark import read_benchmark
from models.load import BUNDLED, load_model
from models.prompts import PROPOSE
from store.calls import list_calls
from store.database import open_store, read_scope


@dataclass(frozen=True)
class Measured:
    """One run."""

    round: int
    roots: int
    workers: int
    seconds: float  # of wall time
    processor_seconds: float
    busy: float  # share of wall time in calls of the model
    expansions: int
    duplicated: int  # of them, asked for the same arguments as one before
    prompts_per_call: float


def measured(model: LanguageModel, number: int, roots: int, workers: int, budget: int) -> Measured:
    """So many explorers' work on a store of their own."""
    with tempfile.TemporaryDirectory() as folder:
        engine = open_store(str(Path(folder) / "store.db"))
        batches = BatchingModel(model)
        leader = Explorer(engine, recorded(engine, Elicitor(batches), utc_now))
        questions = [one.question for one in read_benchmark() if one.part == "explore"][:roots]
        keys = [leader.add_question(question) for question in questions]
        explorers = [leader, *(Assistant(leader) for _ in range(workers - 1))]
        expedition = Expedition(explorers, keys, leader.elicitor.calls + budget)
        busy, calls, prompts = batches.busy_seconds, batches.num_calls, batches.num_prompts
        began, used = time.perf_counter(), time.process_time()
        expedition.run(lambda _: None)
        seconds, used = time.perf_counter() - began, time.process_time() - used
        with read_scope(engine) as session:
            asked = Counter(call.prompt for call in map(read_call, list_calls(session)) if call.kind == "complete")
        engine.dispose()
    proposed = [times for prompt, times in asked.items() if prompt.startswith(PROPOSE)]
    return Measured(
        round=number,
        roots=roots,
        workers=workers,
        seconds=seconds,
        processor_seconds=used,
        busy=(batches.busy_seconds - busy) / seconds,
        expansions=sum(proposed),
        duplicated=sum(proposed) - len(proposed),
        prompts_per_call=(batches.num_prompts - prompts) / (batches.num_calls - calls),
    )


def main(
    out: Annotated[Path | None, typer.Option(help="Where to write the figures as JSON.")] = None,
    roots: Annotated[str, typer.Option(help="How many, in turn.")] = "1,16",
    workers: Annotated[str, typer.Option(help="How many, in turn.")] = "1,2,4,8",
    budget: Annotated[int, typer.Option(help="Model calls of a run, once the roots are worded.")] = 300,
    rounds: Annotated[int, typer.Option(min=1, help="Of all runs.")] = 3,
) -> None:
    """Explore, and print and write the figures."""
    logging.getLogger("argtree.models").setLevel(logging.ERROR)
    model = load_model(BUNDLED)
    measured(model, 0, 1, 2, 30)  # warms up
    runs = [
        measured(model, number, int(some), int(many), budget)
        for number in range(1, rounds + 1)
        for some in roots.split(",")
        for many in workers.split(",")
    ]
    Console(width=110).print(_table(runs))
    if out:
        write_whole(out, (json.dumps([asdict(run) for run in runs], indent=1) + "\n").encode())


def _table(runs: Sequence[Measured]) -> Table:
    table = Table(title=f"Explorers that share the bundled model, batches of up to {BATCH_SIZE}; medians of rounds")
    for column in ("roots", "workers", "busy", "least", "expansions/s", "times one's", "duplicated", "prompts a call"):
        table.add_column(column, justify="right")
    for roots, workers in dict.fromkeys((run.roots, run.workers) for run in runs):
        some = [run for run in runs if (run.roots, run.workers) == (roots, workers)]
        paces = [run.expansions / run.seconds for run in some]
        alone = [one for one in runs if one.roots == roots and one.workers == min(run.workers for run in runs)]
        gains = [pace / (one.expansions / one.seconds) for pace, one in zip(paces, alone, strict=True)]
        table.add_row(
            f"{roots}",
            f"{workers}",
            f"{median(run.busy for run in some):.0%}",
            f"{min(run.busy for run in some):.0%}",
            f"{median(paces):.2f}",
            f"{median(gains):.2f}",
            f"{sum(run.duplicated for run in some)} of {sum(run.expansions for run in some)}",
            f"{median(run.prompts_per_call for run in some):.1f}",
        )
    return table


if __name__ == "__main__":
    typer.run(main)
