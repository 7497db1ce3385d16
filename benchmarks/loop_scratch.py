"""Retraining from scratch against going on: the same answers and explored roots, taught in two ways.

What the arm by value had to learn from after its last round (`python -m benchmarks.loop`, which must be done first) is
taught to a new model from its first step, together with the told text, in equal passes over both. Beside it: the same
passes over the told text alone, and the model that went on round by round. Killed, the same command goes on; several at
once may work on one run each.

    python -m benchmarks.loop_scratch --seed 0 --passes 40
"""

import json
import logging
from collections.abc import Callable, Sequence
from typing import Annotated

import numpy as np
import torch
import typer
from rich.console import Console
from rich.table import Table

from argtree.format import write_whole
from benchmarks.loop import LABELS, RESULTS, WORK, get_case, get_trees
from benchmarks.loop_case import Case
from benchmarks.loop_figures import mean_over, show_interval
from benchmarks.loop_model import SmallModel
from benchmarks.loop_run import Learner, Variant, explored, lessons, scores
from models.everyday.pretrain import Run, train_on_told_text
from models.examples import Example

VALUE = Variant("value", "value", labels=LABELS, replay=False)  # from scratch the told text itself is there
TAUGHT, TOLD_ALONE = "from scratch with the answers", "from scratch, told text alone"


def main(
    seed: Annotated[int, typer.Option(help="The choice of withheld facts.")] = 0,
    passes: Annotated[int, typer.Option(help="Over the text, for each run.")] = 40,
    only: Annotated[str, typer.Option(help="One of the two runs; no table then.")] = "",
) -> None:
    """Train both, and print the table."""
    torch.set_num_threads(1)
    logging.getLogger("argtree.models").setLevel(logging.ERROR)
    case = get_case(seed, get_trees({0, 1, 2, seed}))
    learner = Learner(case, VALUE, WORK / f"seed-{seed}" / "value", SmallModel(case.folder))
    learner.restore()
    rows = {"before": learner.rows[0], "going on": learner.rows[-1]}
    for name, taught_fn in ((TAUGHT, lambda: _taught(learner)), (TOLD_ALONE, list)):
        if only in ("", name):
            rows[name] = _trained(case, name, taught_fn, passes)
    if only:
        return
    found = {"seed": seed, "rounds": learner.round, "passes": passes, "runs": _figures(rows)}
    write_whole(RESULTS / "loop_scratch.json", (json.dumps(found, indent=1) + "\n").encode())
    title = f"Brier score at once on test, seed {seed}, the answers of {learner.round} rounds, {passes} passes"
    table = Table("model", "score", "minus going on", "told facts right", "calibration error", title=title)
    for name, of in found["runs"].items():
        table.add_row(
            name, *map(show_interval, (of["score"], of["minus going on"])), f"{of['told']:.3f}", f"{of['ece']:.3f}"
        )
    Console(width=140).print(table)


def _taught(learner: Learner) -> list[Example]:
    """All answers so far and the roots as they stand explored, each once: a pass repeats them."""
    rng = np.random.default_rng([learner.case.seed, 18])
    return list(dict.fromkeys(lessons(learner, explored(learner), rng)))


def _trained(case: Case, name: str, taught_fn: Callable[[], Sequence[Example]], passes: int) -> dict:
    """The scores of a model of so many passes; what was done before is read back."""
    folder = WORK / f"seed-{case.seed}" / f"{name}, {passes} passes"
    done = folder / "row.json"
    if not done.exists():

        def say(run: Run, loss: float) -> None:
            print(f"{name}: pass {run.passes_done}/{passes}, loss {loss:.4f}", flush=True)

        train_on_told_text(case.withheld, case.seed, folder, passes, taught_fn(), say)
        row = scores(Learner(case, VALUE, folder, SmallModel(folder), round=-1))
        write_whole(done, json.dumps(row).encode())
    return dict(json.loads(done.read_text()))


def _figures(rows: dict[str, dict]) -> dict[str, dict]:
    errors = {name: row["fast"]["test"] for name, row in rows.items()}
    return {
        name: {
            "score": mean_over([errors[name]]),
            "minus going on": mean_over([np.subtract(errors[name], errors["going on"]).tolist()]),
            "told": row["told"],
            "ece": row["ece"],
        }
        for name, row in rows.items()
    }


if __name__ == "__main__":
    typer.run(main)
