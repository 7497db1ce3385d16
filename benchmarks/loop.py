"""Does the loop keep learning, and because of what it asks? Arms alike in trees, labels and training, bundled world.

Each round explores the roots, asks, learns from the labels and from the roots that were explored, and is scored on
questions that were never asked about. The rater is simulated: it answers from the bundled world's truth. Killed, the
same command goes on where it was; several at once may work on different seeds or arms.

    python -m benchmarks.loop --seeds 0,1,2
    python -m benchmarks.loop --report
"""

import json
import logging
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from argtree.format import write_whole
from benchmarks.loop_arms import ARMS
from benchmarks.loop_case import JUDGED, PARTS, Case
from benchmarks.loop_figures import draw, summary, tables
from benchmarks.loop_run import Variant, floor, run
from benchmarks.loop_trees import Trees, grow, read_trees, save_trees
from models.elicitation import Elicitor
from models.everyday.benchmark import draw_benchmark
from models.everyday.pretrain import pretrain
from models.everyday.withheld import WEIGHTS, draw_withheld
from models.everyday.world import load_world
from models.load import load_model

RESULTS = Path(__file__).parent / "results"
MODELS = Path(__file__).parent / "loop_models"  # of seeds 1 and 2; seed 0 is the bundled model
TREES_KEPT = MODELS / "trees.json.gz"  # under the questions of seeds 0 to 2
WORK = Path("runs/loop")
PASSES = 32
LABELS = 20  # a round, fixed before the first run
MAIN = [Variant(arm, arm, labels=LABELS) for arm in ARMS]
TENFOLD = Variant("random tenfold", "random", labels=10 * LABELS)


def model_folder(seed: int) -> Path:
    """Where a seed's model is; pretrained first if it is nowhere."""
    if seed == 0:
        return WEIGHTS
    for folder in (MODELS / f"seed-{seed}", WORK / f"seed-{seed}" / "model"):
        if (folder / "model.safetensors").exists():
            return folder
    pretrain(seed, folder, PASSES)
    return folder


def get_trees(seeds: Iterable[int]) -> Trees:
    """The trees for these seeds' questions, grown by the bundled model: arguments hold no facts, so that it may."""
    seeds = sorted(seeds)
    path = TREES_KEPT if set(seeds) <= {0, 1, 2} else WORK / f"trees-{'-'.join(map(str, seeds))}.json.gz"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        world = load_world()
        questions = [draw_benchmark(world, draw_withheld(world, seed), seed) for seed in seeds]
        roots = [q.claim for of_seed in questions for q in of_seed if q.part in PARTS]
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        with Progress(*columns, console=Console(stderr=True)) as bar:
            save_trees(grow(Elicitor(load_model("bundled")), roots, bar), path)
    return read_trees(path)


def get_case(seed: int, trees: Trees) -> Case:
    """All that a seed's arms share."""
    world = load_world()
    withheld = draw_withheld(world, seed)
    return Case(seed, model_folder(seed), world, withheld, draw_benchmark(world, withheld, seed), trees)


def main(
    seeds: Annotated[str, typer.Option(help="Choices of withheld facts, each with a model of its own.")] = "0,1,2",
    arms: Annotated[str, typer.Option(help="Names, with commas; all by default. Tables are of all.")] = "",
    report: Annotated[bool, typer.Option(help="Run nothing; work out the tables from what is done.")] = False,
    rounds: Annotated[int, typer.Option(help="Rounds of each arm.")] = 12,
) -> None:
    """Run the arms, and print the tables."""
    torch.set_num_threads(1)
    logging.getLogger("argtree.models").setLevel(logging.ERROR)
    numbers = [int(seed) for seed in seeds.split(",")]
    wanted = [v for v in (*MAIN, TENFOLD) if not arms or v.name in arms.split(",")]
    if not report:
        trees = get_trees(numbers)
        for seed in numbers:
            _run_seed(get_case(seed, trees), wanted, rounds)
        if arms:
            return
    found = summary(WORK)
    RESULTS.mkdir(exist_ok=True)
    write_whole(RESULTS / "loop.json", (json.dumps(found, indent=1) + "\n").encode())
    for table in tables(found):
        Console(width=140).print(table)
    write_whole(RESULTS / "loop.png", draw(found))


def _run_seed(case: Case, wanted: list[Variant], rounds: int) -> None:
    folder = WORK / f"seed-{case.seed}"
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / "floor.json").exists():
        floors = {part: floor(case, part) for part in JUDGED}
        write_whole(folder / "floor.json", json.dumps(floors).encode())
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True)) as bar:
        for variant in wanted:
            task = bar.add_task(f"seed {case.seed}, {variant.name}", total=rounds + 1)
            for row in run(case, variant, folder / variant.name, rounds):
                bar.advance(task)
                if not bar.console.is_terminal:  # a log gets lines, not a bar
                    score = np.mean(row["fast"]["test"])
                    print(f"seed {case.seed}, {variant.name}, round {row['round']}: {score:.4f}", flush=True)


if __name__ == "__main__":
    typer.run(main)
