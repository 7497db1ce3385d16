"""What does it cost to export a store of a million labels?

A store is filled in bulk: half of the labels are on premises of small trees (a root, an argued claim under it, five
premises, four arguments), half on claims that stand alone; every label is one answer. Then everything is exported, in a
process of its own, and its seconds and peak memory are printed, by number of labels.

    python -m benchmarks.export main --out benchmarks/results/export.json
"""

import json
import resource
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from rich.console import Console
from rich.progress import track
from rich.table import Table

from store.claims import content_hash
from store.database import open_store
from store.texts import text_hash

AT = "2026-01-01 00:00:00.000000"
PER_FAMILY = 10  # labels: five in a tree, five alone
ADJECTIVES = "wooden heavy sharp brittle smooth hollow rusty frozen sticky painted cracked polished woven soft".split()
NOUNS = "bowl hammer kettle ladder lantern basket pencil bottle barrel anchor saddle ribbon shovel needle".split()
VERBS = "outlasts scratches crushes floats beside burns faster than rolls past".split()

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


def fill(path: Path, labels: int) -> None:
    """Makes a store with so many labels, family by family."""
    open_store(str(path)).dispose()
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("INSERT INTO rater (id, name, created_at) VALUES (1, 'ada', ?)", [AT])
        families = _families(labels // PER_FAMILY)
        while portion := list(islice(families, 2000)):
            for table, columns in COLUMNS.items():
                rows = [row for family in portion for row in family[table]]
                marks = ", ".join("?" * len(columns.split(",")))
                connection.executemany(f"INSERT INTO {table} ({columns}) VALUES ({marks})", rows)


COLUMNS = {
    "claim": "id, key, text, text_hash, prior, created_at",
    "root": "claim_id, question, weight, created_at",
    "argument": "id, key, conclusion_id, polarity, strength, content_hash, generation, created_at",
    "premise": "argument_id, position, claim_id, holds",
    "question": "id, claim_id, value, prob, status, opened_at, ranked_at",
    "answer": "question_id, claim_id, rater_id, kind, prob, note, answered_at, prob_before, value_when_asked, token",
}


def _families(count: int) -> Iterator[dict[str, list[tuple[Any, ...]]]]:
    rng = np.random.default_rng(0)
    for number in range(count):
        first = number * (PER_FAMILY + 2) + 1  # root, argued claim, then the labelled ones
        ids = range(first, first + PER_FAMILY + 2)
        words = rng.integers(14, size=(len(ids), 3)).tolist()
        texts = [_text(one, *drawn) for one, drawn in zip(ids, words, strict=True)]
        priors, yes = rng.uniform(0.05, 0.95, len(ids)).tolist(), (rng.random(len(ids)) < 0.5).tolist()
        tree = [
            (first, "support", 0.9, [(first + 1, 1)]),
            (first, "support", 0.7, [(first + 2, 1), (first + 3, 0)]),
            (first, "attack", 0.6, [(first + 4, 1)]),
            (first + 1, "support", 0.95, [(first + 5, 1), (first + 6, 1)]),
        ]
        family: dict[str, list[tuple[Any, ...]]] = {table: [] for table in COLUMNS}
        family["root"].append((first, texts[0], 1.0, AT))
        for one, text, prior in zip(ids, texts, priors, strict=True):
            family["claim"].append((one, f"c{one}", text, text_hash(text), prior, AT))
        for place, (conclusion, polarity, strength, premises) in enumerate(tree):
            argument = number * len(tree) + place + 1
            digest = content_hash(conclusion, polarity, [(claim, bool(holds)) for claim, holds in premises])
            row = (argument, f"a{argument}", conclusion, polarity, strength, digest, "model", AT)
            family["argument"].append(row)
            family["premise"].extend((argument, place, *premise) for place, premise in enumerate(premises))
        for one, prior, is_yes in list(zip(ids, priors, yes, strict=True))[2:]:
            family["question"].append((one, one, 0.1, prior, "answered", AT, AT))
            kind = "yes" if is_yes else "no"
            family["answer"].append((one, one, 1, kind, float(is_yes), "", AT, prior, 0.1, f"t{one}"))
        yield family


def _text(number: int, adjective: int, noun: int, verb: int) -> str:
    return f"The {ADJECTIVES[adjective]} {NOUNS[noun]} {number} {VERBS[verb % len(VERBS)]} a {NOUNS[verb]}."


@app.command(hidden=True)
def one(store: Path, folder: Path) -> None:
    """Export one store and print the figures as JSON."""
    from argtree.cli_export import dataset_prompts
    from argtree.propagate import Propagator
    from store.database import read_scope
    from store.export import export_dataset

    began, began_cpu = time.perf_counter(), time.process_time()
    with read_scope(open_store(str(store), create=False)) as session:
        summary = export_dataset(session, folder, dataset_prompts(), Propagator(only_askable=True))
    seconds, cpu_seconds = time.perf_counter() - began, time.process_time() - began_cpu
    figures = {
        "labels": summary.premises,
        "rows": sum(count for splits in summary.rows.values() for count in splits.values()),
        "seconds": round(seconds, 1),
        "cpu_seconds": round(cpu_seconds, 1),
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        "dataset_mb": sum(path.stat().st_size for path in folder.rglob("*.parquet")) // 2**20,
    }
    print(json.dumps(figures))


@app.command()
def main(
    labels: Annotated[list[int] | None, typer.Option(help="How many; may be given several times.")] = None,
    out: Annotated[Path | None, typer.Option(help="Where to write the figures as JSON.")] = None,
) -> None:
    """Export stores of growing size."""
    table = Table("labels", "rows", "seconds", "of processor", "peak memory, MB", "dataset, MB", title="argtree export")
    found = []
    for count in track(labels or [10_000, 100_000, 1_000_000], "exporting", console=Console(stderr=True)):
        with tempfile.TemporaryDirectory() as folder:
            store = Path(folder) / "store.db"
            fill(store, count)
            command = [sys.executable, "-m", "benchmarks.export", "one", str(store), str(Path(folder) / "dataset")]
            ran = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
        found.append(json.loads(ran.stdout))
        table.add_row(*(f"{figure:,}" for figure in found[-1].values()))
    Console(width=120).print(table)
    if out is not None:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    app()
