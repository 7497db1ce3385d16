"""What asking alone brings: labels as evidence for questions that were never asked about, before anything is learnt.

Roots are explored with the beliefs of a model that nobody taught; then claims under them are chosen in different ways,
answered by a simulated rater from the bundled world's truth, and enter as evidence. Scored are the benchmark's *test*
questions, which are about the same things: their trees rest on some of the same claims. Printed: the mean Brier score
after k answers with its 95 % interval over seeds and questions, and how many answers moved ten roots by 0.05 or more.

    python -m benchmarks.loop_open --seeds 0,1,2 --out benchmarks/results/loop_open.json
"""

import json
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import typer
from rich.console import Console
from rich.progress import track
from rich.table import Table

from argtree.format import write_whole
from benchmarks.loop import get_case, get_trees
from benchmarks.loop_arms import ARMS, Exploration, posterior
from benchmarks.loop_case import Case, SimulatedRater
from benchmarks.loop_figures import MOVED_ROOTS, mean_over, show_interval
from benchmarks.loop_model import SmallModel
from benchmarks.loop_run import floor, root_errors

SHOWN = (0, 20, 50, 100, 200, 400)
COMPARED = ("value", "value for others", "most shared", "sensitivity", "uncertainty", "random")


def ask(case: Case, arm: str, answers: int) -> tuple[dict[int, list[float]], list[int]]:
    """(squared errors on the test questions after k answers, for each k shown; how many roots each answer moved)."""
    model, rater, rng = SmallModel(case.folder), SimulatedRater(case, 1.0), np.random.default_rng([case.seed, 15])
    plain = list(dict.fromkeys(claim for of in case.groves["test"].plain for claim in of))
    test_prior = dict(zip(plain, model.believe(plain).tolist(), strict=True))
    prior = dict(zip(case.plain, model.believe(case.plain).tolist(), strict=True))
    case.explored.lean = case.lean["explore"]
    at = Exploration(case, prior, {})
    at.work_out()
    errors: dict[int, list[float]] = {}
    moved: list[int] = []
    for k in range(answers + 1):
        if k in SHOWN:
            known = {c: posterior(prob, at.evidence.get(c, (1.0, 1.0))) for c, prob in test_prior.items()}
            errors[k] = root_errors(case, "test", known)
        claim = ARMS[arm](at, rng)
        if claim is None:
            break
        said = rater.answer(claim)
        at.evidence[claim] = (1.0, 1.0) if said is None else rater.likelihood(said)
        moved.append(at.work_out(case.holders[claim]))
    return errors, moved


def main(
    seeds: Annotated[str, typer.Option(help="Choices of withheld facts, each with a model of its own.")] = "0,1,2",
    answers: Annotated[int, typer.Option(help="Answers in each arm.")] = max(SHOWN),
    out: Annotated[Path | None, typer.Option(help="Where to write the figures as JSON.")] = None,
) -> None:
    """Compare ways to choose what to ask, by what the answers tell of other questions."""
    torch.set_num_threads(1)
    numbers = [int(seed) for seed in seeds.split(",")]
    trees = get_trees(numbers)
    errors: dict[str, list[dict[int, list[float]]]] = {arm: [] for arm in COMPARED}
    moved: dict[str, list[int]] = {arm: [] for arm in COMPARED}
    floors, roots, open_claims = [], [], []
    for seed in numbers:
        case = get_case(seed, trees)
        floors.append(floor(case, "test"))
        roots.append(len(case.explored.roots))
        open_claims.append(len(_open(case)))
        for arm in track(COMPARED, f"seed {seed}", console=Console(stderr=True)):
            of_arm, of_answers = ask(case, arm, answers)
            errors[arm].append(of_arm)
            moved[arm] += of_answers
    shown = [k for k in SHOWN if all(k in one for of_arm in errors.values() for one in of_arm)]
    found = {
        "seeds": numbers,
        "roots": roots,
        "claims that may be asked": open_claims,
        "floor": mean_over(floors),
        "brier": {arm: {k: mean_over([one[k] for one in of]) for k in shown} for arm, of in errors.items()},
        "value minus": {
            arm: {k: _paired(errors["value"], of, k) for k in shown if k}
            for arm, of in errors.items()
            if arm != "value"
        },
        "moved ten roots": {arm: [sum(n >= MOVED_ROOTS for n in of), len(of), max(of)] for arm, of in moved.items()},
    }
    title = f"Brier score on test questions, {len(numbers)} seeds, floor {found['floor']['mean']:.4f}"
    table = Table("chosen by", *(f"{k} answers" for k in shown), "moved ten roots", title=title)
    for arm, cells in found["brier"].items():
        many, asked, _ = found["moved ten roots"][arm]
        table.add_row(arm, *map(show_interval, cells.values()), f"{many} of {asked}")
    pairs = Table("value minus", *(f"{k} answers" for k in shown if k), title="Paired (negative: value is better)")
    for arm, cells in found["value minus"].items():
        pairs.add_row(arm, *map(show_interval, cells.values()))
    for one in (table, pairs):
        Console(width=150).print(one)
    if out is not None:
        write_whole(out, (json.dumps(found, indent=1) + "\n").encode())


def _open(case: Case) -> list[str]:
    prior = dict(zip(case.plain, SmallModel(case.folder).believe(case.plain).tolist(), strict=True))
    return Exploration(case, prior, {}).open_claims()


def _paired(value: list[dict[int, list[float]]], other: list[dict[int, list[float]]], k: int) -> dict[str, float]:
    return mean_over([np.subtract(a[k], b[k]).tolist() for a, b in zip(value, other, strict=True)])


if __name__ == "__main__":
    typer.run(main)
