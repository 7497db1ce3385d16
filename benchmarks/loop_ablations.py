"""Where the advantage comes from: the learning experiment with one thing changed at a time, over fewer rounds.

Each line holds two runs against each other on the same test questions: value against random in a changed world, or the
changed method against the method as it is. Killed, the same command goes on; several at once may work on parts.

    python -m benchmarks.loop_ablations --seeds 0
"""

import json
import logging
from dataclasses import replace
from typing import Annotated

import numpy as np
import torch
import typer
from rich.console import Console
from rich.progress import track
from rich.table import Table

from argtree.format import write_whole
from benchmarks.loop import LABELS, RESULTS, WORK, get_case, get_trees
from benchmarks.loop_case import Case
from benchmarks.loop_figures import MOVED_ROOTS, mean_over, show_interval
from benchmarks.loop_run import Variant, run

VALUE, RANDOM = Variant("value", "value", labels=LABELS), Variant("random", "random", labels=LABELS)
NOT_SO_RIGHT = replace(VALUE, name="raters 90 % right, value", rate=0.9)
WORLDS = ("no weak reasons", "many weak reasons", "noisy strengths", "long tail", "no long tail")
PAIRS = [
    (VALUE, RANDOM),
    *(
        (replace(VALUE, name=f"{world}, value", world=world), replace(RANDOM, name=f"{world}, random", world=world))
        for world in WORLDS
    ),
    (NOT_SO_RIGHT, replace(RANDOM, name="raters 90 % right, random", rate=0.9)),
    (replace(NOT_SO_RIGHT, name="raters 90 % right, EVSI", evsi=True), NOT_SO_RIGHT),
    (replace(VALUE, name="one batch a round", anew=False), VALUE),
    (replace(VALUE, name="beliefs twice as sure", sharpened=2.0), VALUE),
    (replace(VALUE, name="without distillation", distil=False), VALUE),
    (replace(VALUE, name="without rehearsal", replay=False), VALUE),
    (replace(VALUE, name="with a gate", gate=True), VALUE),
    (replace(VALUE, name="every position", positions=True), VALUE),
    (replace(VALUE, name="from the first generation", from_first=True), VALUE),
]


def main(
    seeds: Annotated[str, typer.Option(help="Choices of withheld facts, each with a model of its own.")] = "0",
    rounds: Annotated[int, typer.Option(help="Rounds of each run.")] = 3,
    part: Annotated[str, typer.Option(help="Run only what lies in this part, as 1/2 or 2/2; no table then.")] = "1/1",
) -> None:
    """Run the pairs, and print the table."""
    torch.set_num_threads(1)
    logging.getLogger("argtree.models").setLevel(logging.ERROR)
    numbers = [int(seed) for seed in seeds.split(",")]
    trees = get_trees({0, 1, 2, *numbers})
    variants = list(dict.fromkeys(variant for pair in PAIRS for variant in pair))
    mine, parts = map(int, part.split("/"))
    rows: dict[tuple[Variant, int], list[dict]] = {}
    for seed in numbers:
        case = get_case(seed, trees)
        for variant in track(variants[mine - 1 :: parts], f"seed {seed}", console=Console(stderr=True)):
            rows[variant, seed] = _rows(case, variant, rounds)
    if parts > 1:
        return
    found = [_held_against(a, b, numbers, rows, rounds) for a, b in PAIRS]
    write_whole(RESULTS / "loop_ablations.json", (json.dumps(found, indent=1) + "\n").encode())
    title = f"Brier score at once on test after {rounds} rounds of {LABELS} labels, {len(numbers)} seed(s)"
    table = Table("run", "at the start", "at the end", "against", "at the end", "difference", "moved ten", title=title)
    for one in found:
        numbers_shown = [show_interval(one[key]) for key in ("start", "end", "other's end", "difference")]
        table.add_row(one["run"], *numbers_shown[:2], one["against"], *numbers_shown[2:], one["moved ten roots"])
    Console(width=170).print(table)


def _rows(case: Case, variant: Variant, rounds: int) -> list[dict]:
    is_arm = variant in (VALUE, RANDOM)
    folder = (WORK if is_arm else WORK / "ablations") / f"seed-{case.seed}" / variant.name
    return list(run(case, variant, folder, rounds))


def _held_against(
    one: Variant, other: Variant, seeds: list[int], rows: dict[tuple[Variant, int], list[dict]], rounds: int
) -> dict:
    def errors(variant: Variant, after: int) -> list[list[float]]:
        return [rows[variant, seed][after]["fast"]["test"] for seed in seeds]

    mine, others = errors(one, rounds), errors(other, rounds)
    moved = [n for seed in seeds for row in rows[one, seed][: rounds + 1] for n in row.get("moved", [])]
    return {
        "run": one.name,
        "against": other.name,
        "seeds": seeds,
        "rounds": rounds,
        "start": mean_over(errors(one, 0)),
        "end": mean_over(mine),
        "other's end": mean_over(others),
        "difference": mean_over([np.subtract(a, b).tolist() for a, b in zip(mine, others, strict=True)]),
        "moved ten roots": f"{sum(n >= MOVED_ROOTS for n in moved)} of {len(moved)}",
    }


if __name__ == "__main__":
    typer.run(main)
