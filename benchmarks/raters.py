"""Does learning who is reliable give better labels, and are those found out who mean harm?

First, real answers with known truth (bluebirds, product matching): labels by majority, by crowd-kit's Dawid and Skene,
and by `argtree.crowd` with its fixed prior, with the one learnt from the answers, and with next to none. No truth is
told to any of them. The fixed prior was set before a truth was looked at; the learnt prior and the one of next to
nothing came after it and a dozen other ways had been scored on them. Printed are accuracy, the difference from
crowd-kit's with its 95 % bootstrap interval over claims, Brier score, and how many labels are settled and right.

Second, simulated crowds (`raters_simulated`): mean over seeds with 95 % bootstrap intervals.

    ARGTREE_DATA=... python -m benchmarks.raters --out benchmarks/results/raters.json
"""

import csv
import json
import os
from dataclasses import asdict, fields
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import typer
from crowdkit.aggregation import DawidSkene
from rich.console import Console
from rich.progress import track
from rich.table import Table

from argtree.answers import Answers, gather
from argtree.crowd import fit_crowd, fit_with_prior
from argtree.evidence import SETTLED
from argtree.reliability import STRANGER, Beta, RaterReliability
from benchmarks.raters_simulated import WAYS, Outcome, Setting, simulate, watch

FloatArray = npt.NDArray[np.float64]

DATASETS = ("bluebirds", "product")
SETTINGS = {
    "nobody dishonest": Setting("wrong", dishonest=0),
    **{said: Setting(way) for way, said in WAYS.items()},
    "as the first, three answers a claim": Setting("wrong", answers_per_claim=3),
    "as the first, no gold questions": Setting("wrong", gold_each=0),
}
NEXT_TO_NOTHING = RaterReliability(Beta(0.02, 0.01), Beta(0.02, 0.01))


def read_crowd(folder: Path, name: str) -> tuple[Answers, npt.NDArray[np.bool_]]:
    """The answers, and the truth of each claim."""
    with (folder / f"{name}_answers.csv").open() as file:
        answers = gather((row["question"], row["worker"], float(row["answer"])) for row in csv.DictReader(file))
    with (folder / f"{name}_truth.csv").open() as file:
        truth = {row["question"]: row["truth"] == "1" for row in csv.DictReader(file)}
    return answers, np.array([truth[claim] for claim in answers.claims])


def majority(answers: Answers) -> FloatArray:
    """Share of yes among each claim's answers."""
    return np.asarray(np.bincount(answers.claim, answers.prob) / np.bincount(answers.claim))


def crowd_kit(answers: Answers) -> FloatArray:
    """P(claim) of crowd-kit's Dawid and Skene, run until it moves no more."""
    frame = pd.DataFrame({"task": answers.claim, "worker": answers.rater, "label": answers.prob.astype(int)})
    return np.asarray(DawidSkene(n_iter=1000, tol=0).fit_predict_proba(frame).sort_index()[1], dtype=np.float64)


def labels(answers: Answers) -> dict[str, FloatArray]:
    """P(claim) by each method."""
    return {
        "majority": majority(answers),
        "crowd-kit, Dawid-Skene": crowd_kit(answers),
        "argtree, fixed prior": fit_crowd(answers, stranger=STRANGER).prob,
        "argtree, learnt prior": fit_with_prior(answers).prob,
        "argtree, next to no prior": fit_crowd(answers, stranger=NEXT_TO_NOTHING).prob,
    }


def scored(prob: FloatArray, reference: FloatArray, truth: npt.NDArray[np.bool_]) -> dict[str, Any]:
    """How good labels are, and how much better than the reference's."""
    right, settled = (prob > 0.5) == truth, np.abs(prob - 0.5) >= SETTLED - 0.5
    gain = right.astype(float) - ((reference > 0.5) == truth)
    return {
        "accuracy": float(right.mean()),
        "gain": interval(gain),
        "brier": float(((prob - truth) ** 2).mean()),
        "settled": float(settled.mean()),
        "settled_right": float(right[settled].mean()),
    }


def interval(values: FloatArray) -> list[float]:
    """Mean and its 95 % bootstrap interval; NaN where there is no value."""
    values = values[~np.isnan(values)]
    if not len(values):
        return [float("nan")] * 3
    rng = np.random.default_rng(0)
    means = np.array([values[rng.integers(len(values), size=len(values))].mean() for _ in range(2000)])
    low, high = np.quantile(means, [0.025, 0.975])
    return [float(values.mean()), float(low), float(high)]


def real(folder: Path, console: Console) -> dict[str, Any]:
    """Prints and returns how good labels of the real answers are."""
    figures: dict[str, Any] = {}
    for name in DATASETS:
        answers, truth = read_crowd(folder, name)
        found = labels(answers)
        figures[name] = {m: scored(p, found["crowd-kit, Dawid-Skene"], truth) for m, p in found.items()}
        title = f"{name}: {len(answers.prob)} answers by {len(answers.raters)} raters to {len(truth)} claims"
        table = Table(
            "labels by", "accuracy", "minus crowd-kit's", "Brier score", "settled", "of them right", title=title
        )
        for method, f in figures[name].items():
            low = shown(f["gain"], "+.4f")
            table.add_row(
                *(method, f"{f['accuracy']:.4f}", low, f"{f['brier']:.4f}"),
                *(f"{f['settled']:.3f}", f"{f['settled_right']:.4f}"),
            )
        console.print(table)
    return figures


def shown(figures: list[float], form: str) -> str:
    """A mean with its interval."""
    mean, low, high = figures
    return "-" if np.isnan(mean) else f"{mean:{form}} [{low:{form}}, {high:{form}}]"


def simulated(seeds: int, console: Console) -> dict[str, Any]:
    """Prints and returns what becomes of simulated crowds."""
    table = Table(
        "ten of 50 raters", "of them paused", "after answers", "honest paused", title=f"Simulated, {seeds} seeds"
    )
    for column in ("accuracy lost", "lost if none is paused", "covered by 90 %"):
        table.add_column(column)
    figures: dict[str, Any] = {}
    for said, setting in track(SETTINGS.items(), "simulating", console=Console(stderr=True)):
        outcomes = [watch(simulate(setting, seed)) for seed in range(seeds)]
        by = {one.name: np.array([getattr(o, one.name) for o in outcomes]) for one in fields(Outcome)}
        by["lost"] = by["accuracy_honest"] - by["accuracy"]
        by["lost_unpaused"] = by["accuracy_honest"] - by["accuracy_unpaused"]
        figures[said] = asdict(setting) | {name: interval(values) for name, values in by.items()}
        forms = {
            "found": ".3f",
            "answers_before": ".1f",
            "honest_paused": ".4f",
            "lost": "+.4f",
            "lost_unpaused": "+.4f",
        }
        cells = [shown(figures[said][name], form) for name, form in (forms | {"covered": ".3f"}).items()]
        table.add_row(said, *cells)
    console.print(table)
    return figures


def finite(figures: Any) -> Any:
    """The same with null for what is no number, as JSON wants it."""
    if isinstance(figures, dict):
        return {name: finite(value) for name, value in figures.items()}
    if isinstance(figures, list):
        return [finite(value) for value in figures]
    if isinstance(figures, float):
        return round(figures, 5) if np.isfinite(figures) else None
    return figures


def main(
    seeds: Annotated[int, typer.Option(min=1, help="Simulated crowds of each kind.")] = 20,
    out: Annotated[Path | None, typer.Option(help="Where to write the figures as JSON.")] = None,
) -> None:
    """Labels by real crowds, and who is paused of simulated ones."""
    console = Console(width=170)
    folder = Path(os.environ.get("ARGTREE_DATA") or "absent") / "crowd"
    if not folder.is_dir():
        raise typer.BadParameter("ARGTREE_DATA names no folder that has crowd/ in it; set it to one that has.")
    figures = {"seeds": seeds, "real": real(folder, console), "simulated": simulated(seeds, console)}
    if out is not None:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(json.dumps(finite(figures), indent=1) + "\n")


if __name__ == "__main__":
    typer.run(main)
