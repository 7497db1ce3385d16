"""What becomes of a model that is told facts and no guesses: it grows as sure of what it was not told.

Trains the bundled architecture on the told facts alone and prints, every few passes, how many told facts it has right
and how it does on withheld ones. Plain memory comes at the price of calibration; hence `models/everyday/guesses.py`.

    python benchmarks/without_guesses.py --passes 40 --out benchmarks/results/without_guesses.json
"""

import json
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.console import Console
from rich.table import Table

from models.elicitation import Elicitor
from models.everyday.corpus import TOLD_PROB, examples
from models.everyday.evaluate import score_facts
from models.everyday.guesses import guess_untold
from models.everyday.pretrain import encode, new_run
from models.everyday.withheld import draw_withheld
from models.everyday.world import load_world
from models.hf import HfModel


@dataclass(frozen=True)
class Row:
    passes: int
    told_accuracy: float
    withheld_accuracy: float
    withheld_ece: float
    withheld_skill: float


def main(
    passes: Annotated[int, typer.Option(help="Passes over the told facts.")] = 40,
    every: Annotated[int, typer.Option(help="Passes between two rows of the table.")] = 8,
    seed: Annotated[int, typer.Option(help="Chooses what is withheld, the initial weights and the order.")] = 0,
    out: Annotated[Path | None, typer.Option(help="Where to write the figures as JSON.")] = None,
) -> None:
    """Train on told facts alone and print what that does to facts that were withheld."""
    world = load_world()
    withheld = draw_withheld(world, seed)
    guesses = guess_untold(world, withheld)
    text = list(examples(world, withheld, guesses, np.random.default_rng([seed, 2])))
    told = [e for e in text if e.yes_prob is not None and min(e.yes_prob, 1 - e.yes_prob) < 2 * (1 - TOLD_PROB)]
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as name:
        run = new_run(world, text, seed, Path(name))
        bundles = encode(run.tokenizer, told)
        while run.passes_done < passes:
            for _ in run.train_pass(bundles, passes):
                pass
            if run.passes_done % every == 0:
                run.model.save_pretrained(name)
                run.tokenizer.save_pretrained(name)
                scores = score_facts(Elicitor(HfModel(name, "hf:told-only", is_general=False)), world, withheld)
                rows.append(Row(run.passes_done, *scores[:4]))
    table = Table(*asdict(rows[0]), title="Trained on told facts alone")
    for row in rows:
        table.add_row(*(f"{value:.3f}" if isinstance(value, float) else str(value) for value in asdict(row).values()))
    Console().print(table)
    if out is not None:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(json.dumps([asdict(row) for row in rows]) + "\n")


if __name__ == "__main__":
    typer.run(main)
