"""What does an expansion cost while many roots are explored, one claim at a time and several at once?

So many questions of the bundled benchmark become roots in one store, and half as many claims are expanded. From copies
of that store the same number of expansions is then made one claim a step and several a step, in processor time of this
process. The last column says how many of the claims that were expanded several at once were also chosen one at a time:
the expansions of a step are of claims that move no root in common, so the choices part only where a premise that has
just come up would have been expanded before the last claims of a step.

    python -m benchmarks.exploring --out benchmarks/results/exploring.json
"""

import json
import logging
import sqlite3
import tempfile
import time
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from argtree.explorer import EXPANSIONS_AT_ONCE, Explorer
from argtree.loop import QUESTIONS_AT_ONCE
from models.elicitation import Elicitor
from models.everyday.benchmark import read_benchmark
from models.load import BUNDLED, load_model
from store.database import open_store, read_scope
from store.graphs import load_graph


@dataclass(frozen=True)
class Measured:
    """What some expansions of one store cost."""

    roots: int
    claims: int  # in the store before
    at_most: int  # expansions in a step
    steps: int
    expansions: int
    seconds: float  # of processor time, for an expansion
    calls: float  # of the model, for an expansion
    shared: float  # of the claims expanded, the share that was expanded one at a time too


def explored(path: Path, elicitor: Elicitor, roots: int) -> int:
    """Makes the store that all ways start from; how many claims it holds."""
    engine = open_store(str(path))
    explorer = Explorer(engine, elicitor)
    questions = [one.question for one in read_benchmark() if one.part == "explore"][:roots]
    for start in range(0, roots, QUESTIONS_AT_ONCE):
        explorer.add_questions(questions[start : start + QUESTIONS_AT_ONCE])
    done = 0
    while done < roots // 2:
        done += len(explorer.step(at_most=EXPANSIONS_AT_ONCE))
    with read_scope(engine) as session:
        size = len(load_graph(session).claims)
    engine.dispose()
    return size


def measured(
    source: Path, elicitor: Elicitor, roots: int, claims: int, at_most: int, wanted: int, one_by_one: set[str]
) -> tuple[Measured, set[str]]:
    """So many expansions on a copy of a store: what they cost, and of which claims they were."""
    copy = source.with_name(f"{source.stem}-{at_most}.db")
    with closing(sqlite3.connect(source)) as old, closing(sqlite3.connect(copy)) as new:
        old.backup(new)
    engine = open_store(str(copy))
    explorer = Explorer(engine, elicitor)
    keys: list[str] = []
    steps, elicitor.calls, began = 0, 0, time.process_time()
    while len(keys) < wanted:
        keys += [one.claim for one in explorer.step(at_most=min(at_most, wanted - len(keys)))]
        steps += 1
    seconds = (time.process_time() - began) / len(keys)
    engine.dispose()
    shared = len(set(keys) & one_by_one) / len(set(keys)) if one_by_one else 1.0
    calls = elicitor.calls / len(keys)
    return Measured(roots, claims, at_most, steps, len(keys), seconds, calls, shared), set(keys)


def main(
    out: Annotated[Path | None, typer.Option(help="Where to write the figures as JSON.")] = None,
    roots: Annotated[str, typer.Option(help="How many, for each store.")] = "200,600",
    expansions: Annotated[int, typer.Option(help="Measured each way.")] = 48,
) -> None:
    """Explore, and print and write the figures."""
    logging.getLogger("argtree.models").setLevel(logging.ERROR)
    elicitor = Elicitor(load_model(BUNDLED))
    rows: list[Measured] = []
    with tempfile.TemporaryDirectory() as name:
        for number in map(int, roots.split(",")):
            store = Path(name) / f"{number}.db"
            size = explored(store, elicitor, number)
            keys: set[str] = set()
            for at_most in (1, EXPANSIONS_AT_ONCE):
                row, chosen = measured(store, elicitor, number, size, at_most, expansions, keys)
                keys = keys or chosen
                rows.append(row)
    Console(width=110).print(_table(rows))
    if out:
        out.write_text(json.dumps([asdict(row) for row in rows], indent=1) + "\n")


def _table(rows: list[Measured]) -> Table:
    table = Table(title="Processor time of an expansion, one claim a step and several a step")
    for column in ("roots", "claims", "a step", "steps", "ms an expansion", "times less", "calls", "chosen alike"):
        table.add_column(column, justify="right")
    for row in rows:
        alone = next(one.seconds for one in rows if one.roots == row.roots and one.at_most == 1)
        table.add_row(
            f"{row.roots:,}",
            f"{row.claims:,}",
            str(row.at_most),
            str(row.steps),
            f"{1000 * row.seconds:.0f}",
            f"{alone / row.seconds:.1f}",
            f"{row.calls:.1f}",
            f"{row.shared:.0%}",
        )
    return table


if __name__ == "__main__":
    typer.run(main)
