"""Which two arguments to compare next? A simulated rater compares pairs of things of known strengths.

Strengths are drawn from the prior, and the simulated rater answers as the model of `argtree/bradley_terry.py` says that
raters do, ties included, so this shows what choosing pairs is worth where the model holds, not that people answer so.
After each comparison the ranking by the posterior is held against the true one. Pairs are chosen by what they are
expected to tell about the order of all pairs (what the product does), about the strengths, by how uncertain their own
order is, or at random. Printed: Kendall's tau after n comparisons, how far that is above random pairs' (there, and on
average over all n), and how many comparisons bring its mean to 0.5, 0.6 and 0.7 for good, one more than there were
standing for never; with 95 % bootstrap intervals over seeds, each of which has the same strengths under every arm.

    python benchmarks/comparing.py --out benchmarks/results/comparing.json
"""

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, get_args

import numpy as np
import numpy.typing as npt
import typer
from rich.console import Console
from rich.progress import track
from rich.table import Table
from scipy.special import xlogy
from scipy.stats import kendalltau

from argtree.bradley_terry import STRENGTH_SD, TIE_ODDS, TIE_SD, Outcome, Standings, Tally, standings

FloatArray = npt.NDArray[np.float64]
Worth = Callable[[Standings, np.random.Generator], FloatArray]  # [K, K] of asking each pair
TAUS = (0.5, 0.6, 0.7)


def by_order(found: Standings, rng: np.random.Generator) -> FloatArray:
    """What the answer tells about the orders of all pairs."""
    return found.gain


def by_strength(found: Standings, rng: np.random.Generator) -> FloatArray:
    """What the answer tells about the strengths: Shannon information, as Glickman and Jensen 2005 choose by."""
    size = found.strength.shape[1]
    first, second = np.triu_indices(size, 1)
    half = (found.strength[:, first] - found.strength[:, second]) / 2
    odds = np.exp(np.stack([half, -half, np.broadcast_to(found.log_ties[:, np.newaxis], half.shape)]))
    prob = odds / odds.sum(axis=0)
    left = -xlogy(prob, prob).sum(axis=0)  # [S, N] entropy of the answer once the strengths are known
    worth = np.zeros((size, size))
    worth[first, second] = -xlogy(found.outcome_prob, found.outcome_prob).sum(axis=1) - found.weight @ left
    return worth


def by_doubt(found: Standings, rng: np.random.Generator) -> FloatArray:
    """How near to one half the probability is that the one is better."""
    return 0.5 - np.abs(found.better_prob - 0.5)


def at_random(found: Standings, rng: np.random.Generator) -> FloatArray:
    """Any pair."""
    return rng.random((found.strength.shape[1],) * 2)


ARMS: dict[str, Worth] = {"orders": by_order, "strengths": by_strength, "doubt": by_doubt, "random": at_random}


def taus_by_comparisons(arm: str, things: int, comparisons: int, seed: int) -> list[float]:
    """Kendall's tau of the ranking after 0, 1, ..., `comparisons` comparisons."""
    rng = np.random.default_rng(seed)
    truth = STRENGTH_SD * rng.normal(size=things)
    log_ties = math.log(TIE_ODDS) + TIE_SD * rng.normal()
    said: list[tuple[int, int, Outcome]] = []
    taus: list[float] = []
    for _ in range(comparisons + 1):
        found = standings(Tally.of(things, said))
        taus.append(float(kendalltau(truth, -np.argsort(found.order)).statistic))
        worth = np.where(np.triu(np.ones((things, things)), 1) > 0, ARMS[arm](found, rng), -np.inf)
        first, second = divmod(int(worth.argmax()), things)
        half = (truth[first] - truth[second]) / 2
        odds = np.exp([half, -half, log_ties])
        said.append((first, second, get_args(Outcome)[rng.choice(3, p=odds / odds.sum())]))
    return taus


def interval(values: FloatArray) -> tuple[float, float, float]:
    """Mean over seeds with its 95 % bootstrap interval."""
    rng = np.random.default_rng(0)
    means = values[rng.integers(len(values), size=(2000, len(values)))].mean(axis=1)
    low, high = np.quantile(means, [0.025, 0.975])
    return round(float(values.mean()), 3), round(float(low), 3), round(float(high), 3)


def needed(taus: FloatArray, wanted: float) -> tuple[float, float, float]:
    """After how many comparisons the mean tau stays at or above what is wanted, with its interval over seeds."""

    def count(mean: FloatArray) -> int:
        below = np.flatnonzero(mean < wanted)
        return int(below[-1]) + 1 if len(below) else 0  # one more than there were where it is never reached

    rng = np.random.default_rng(0)
    counts = [count(taus[rng.integers(len(taus), size=len(taus))].mean(axis=0)) for _ in range(2000)]
    low, high = np.quantile(counts, [0.025, 0.975])
    return float(count(taus.mean(axis=0))), float(low), float(high)


def _shown(figures: tuple[float, float, float]) -> str:
    return "{:.3g} [{:.3g}, {:.3g}]".format(*figures)


def main(
    seeds: Annotated[int, typer.Option(help="How many tournaments.")] = 60,
    things: Annotated[int, typer.Option(help="Things in each.")] = 8,
    comparisons: Annotated[int, typer.Option(help="Comparisons in each.")] = 28,
    out: Annotated[Path | None, typer.Option(help="Where to write the figures as JSON.")] = None,
) -> None:
    """Compare ways to choose which two things are compared next, with a simulated rater."""
    runs = {
        arm: np.array(
            [
                taus_by_comparisons(arm, things, comparisons, seed)
                for seed in track(range(seeds), arm, console=Console(stderr=True))
            ]
        )
        for arm in ARMS
    }
    shown = [n for n in (5, 10, 15, 20, 28) if n <= comparisons]
    cells = {arm: {n: interval(taus[:, n]) for n in shown} for arm, taus in runs.items()}
    reached = {arm: {tau: needed(taus, tau) for tau in TAUS} for arm, taus in runs.items()}
    ahead = {arm: {n: interval(runs[arm][:, n] - runs["random"][:, n]) for n in shown} for arm in ARMS}
    overall = {arm: interval((runs[arm] - runs["random"])[:, 1:].mean(axis=1)) for arm in ARMS}
    table = Table(
        "chosen by",
        *(f"tau after {n}" for n in shown),
        title=f"{seeds} tournaments of {things} things, a simulated rater",
    )
    to_reach = Table("chosen by", *(f"comparisons for tau {tau}" for tau in TAUS))
    paired = Table("chosen by", *(f"tau above random after {n}" for n in shown), "on average")
    for arm in ARMS:
        table.add_row(arm, *map(_shown, cells[arm].values()))
        to_reach.add_row(arm, *map(_shown, reached[arm].values()))
        paired.add_row(arm, *map(_shown, ahead[arm].values()), _shown(overall[arm]))
    for one in (table, to_reach, paired):
        Console(width=180).print(one)
    if out is not None:
        out.parent.mkdir(parents=True, exist_ok=True)
        means = {arm: taus.mean(axis=0).round(4).tolist() for arm, taus in runs.items()}
        figures = {"rater": "simulated", "seeds": seeds, "things": things, "tau": cells, "comparisons_needed": reached}
        out.write_text(
            json.dumps({**figures, "tau_above_random": ahead, "on_average": overall, "mean_tau": means}, indent=1)
            + "\n"
        )


if __name__ == "__main__":
    typer.run(main)
