"""The learning experiment's figures, tables and plots, from the rows that its runs left."""

import io
import json
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path

import matplotlib
import numpy as np
from rich.table import Table
from scipy import stats

from benchmarks.loop_case import JUDGED
from benchmarks.loop_run import SLOW_QUESTIONS, SLOW_ROUNDS
from models.base import FloatArray

DRAWS = 1000
SHARES = (0.8, 0.6, 0.4)  # of the excess error at the start, to be reached
MOVED_ROOTS = 10
SHOWN_ROUNDS = (1, 3, 6, 9, 12)
PANELS = {
    "answering at once": ("fast", "test"),
    "after exploring, with the labels as evidence": ("open", "test"),
    "answering at once, things never asked about": ("fast", "apart"),
}  # of the picture
BANDS = ("value", "self-distillation")  # the arms that are drawn with their intervals
SLOPES = (range(1, 13), range(3, 13), range(7, 13))  # rounds


def read_rows(work: Path) -> tuple[dict[str, dict[int, list[dict]]], dict[int, dict[str, list[float]]]]:
    """(rows by arm and seed, the floor's squared errors by seed and part)."""
    rows: dict[str, dict[int, list[dict]]] = {}
    floors = {}
    for folder in sorted(work.glob("seed-*")):
        if (folder / "floor.json").exists():
            seed = int(folder.name.removeprefix("seed-"))
            floors[seed] = json.loads((folder / "floor.json").read_text())
            for path in sorted(folder.glob("*/rows.json")):
                rows.setdefault(path.parent.name, {})[seed] = json.loads(path.read_text())["rows"]
    return rows, floors


def summary(work: Path) -> dict:
    """All figures; intervals are bootstrapped over seeds, and over questions within each seed."""
    rows, floors = read_rows(work)
    found: dict = {
        "seeds": sorted(floors),
        "floor": {part: mean_over([floors[seed][part] for seed in floors]) for part in JUDGED},
        "floor where explored": {part: _explored_floor(floors, floors, part) for part in JUDGED},
        "arms": {arm: _arm(of_arm, floors) for arm, of_arm in rows.items()},
    }
    if "value" in rows:
        found["value minus"] = {
            arm: _paired(rows["value"], of_arm)
            for arm, of_arm in rows.items()
            if arm not in ("value", "random tenfold")
        }
    return found


def _explored_floor(floors: Mapping[int, Mapping[str, Sequence[float]]], seeds: Iterable[int], part: str) -> dict:
    return mean_over([floors[seed][part][:SLOW_QUESTIONS] for seed in seeds])


def _arm(of_arm: Mapping[int, Sequence[dict]], floors: Mapping[int, Mapping[str, Sequence[float]]]) -> dict:
    rounds = range(min(len(rows) for rows in of_arm.values()))

    def mean(key: str, of: Iterable[int] = rounds) -> list[float]:
        return [float(np.mean([rows[r][key] for rows in of_arm.values()])) for r in of]

    def having(key: str) -> list[int]:
        return [r for r in rounds if all(key in rows[r] for rows in of_arm.values())]

    def curve(kind: str, part: str) -> dict[int, dict]:
        return {r: mean_over([rows[r][kind][part] for rows in of_arm.values()]) for r in having(kind)}

    scores = {kind: {part: curve(kind, part) for part in JUDGED} for kind in ("fast", "slow", "open")}
    labels = dict(zip(rounds, mean("labels"), strict=True))
    floor = float(np.mean([np.mean(floors[seed]["test"]) for seed in of_arm]))
    at_once = {r: one["mean"] - floor for r, one in scores["fast"]["test"].items()}
    floor = _explored_floor(floors, of_arm, "test")["mean"]
    explored = {r: one["mean"] - floor for r, one in open_book(scores, "test").items()}
    moved = [n for rows in of_arm.values() for row in rows for n in row.get("moved", [])]
    return {
        "seeds": sorted(of_arm),
        "labels": labels,
        **scores,
        "change": {name: {r: _change(of_arm, r, *of) for r in having(of[0])} for name, of in PANELS.items()},
        "excess": {"at once": at_once, "explored with labels": explored},
        "slope": {f"{r.start} to {r.stop - 1}": _slopes(of_arm, r) for r in SLOPES},
        "labels to reach": {
            name: {str(share): _reached(labels, of, share) for share in SHARES}
            for name, of in (("at once", at_once), ("explored with labels", explored))
        },
        "told": mean("told"),
        "ece": mean("ece"),
        "diversity": dict(zip(having("diversity"), mean("diversity", having("diversity")), strict=True)),
        "answers": len(moved),
        "moved ten roots": sum(n >= MOVED_ROOTS for n in moved),
        "most roots moved": max(moved, default=0),
    }


def _change(of_arm: Mapping[int, Sequence[dict]], after: int, kind: str, part: str) -> dict[str, float]:
    """The squared error after so many rounds minus that at the start, question by question."""
    pairs = [(rows[after][kind][part], rows[0][kind][part]) for rows in of_arm.values()]
    return mean_over([np.subtract(now, first).tolist() for now, first in pairs])


def open_book(of_arm: Mapping, part: str) -> dict[int, dict]:
    """The scores after exploring with the labels so far as evidence, by round; before any label there are none."""
    return of_arm["open"][part]


def _reached(labels: Mapping[int, float], excess: Mapping[int, float], share: float) -> float | None:
    """The labels at which the excess error first is a share of what it was, by linear interpolation."""
    wanted = share * excess[0]
    for before, after in pairwise(excess):
        if excess[after] <= wanted:
            part = (excess[before] - wanted) / (excess[before] - excess[after])
            return labels[before] + part * (labels[after] - labels[before])
    return None


def _resampled(by_seed: Sequence[FloatArray]) -> FloatArray:
    """Means over seeds and questions, both drawn anew, [D]."""
    rng = np.random.default_rng(0)
    drawn = rng.integers(len(by_seed), size=(DRAWS, len(by_seed)))
    total = np.zeros(DRAWS)
    for i, one in enumerate(by_seed):
        draws = np.nonzero(drawn == i)[0]  # a draw stands here as often as it holds the seed
        np.add.at(total, draws, one[rng.integers(len(one), size=(len(draws), len(one)))].mean(axis=1))
    means: FloatArray = total / len(by_seed)
    return means


def mean_over(by_seed: Sequence[Sequence[float]]) -> dict[str, float]:
    """The mean over seeds and questions with its 95 % bootstrap interval, both drawn anew."""
    arrays = [np.array(one) for one in by_seed]
    low, high = np.quantile(_resampled(arrays), [0.025, 0.975])
    return {"mean": round(float(np.mean([a.mean() for a in arrays])), 5), "low": round(low, 5), "high": round(high, 5)}


def _paired(value: Mapping[int, Sequence[dict]], other: Mapping[int, Sequence[dict]]) -> dict:
    """Squared errors of the value arm minus the other's on the same questions, by round."""
    seeds = sorted(value.keys() & other.keys())
    rounds = min(len(rows) for seed in seeds for rows in (value[seed], other[seed]))
    return {
        r: mean_over([np.subtract(value[s][r]["fast"]["test"], other[s][r]["fast"]["test"]).tolist() for s in seeds])
        for r in SHOWN_ROUNDS
        if r < rounds
    }


def _slopes(of_arm: Mapping[int, Sequence[dict]], rounds: range) -> dict:
    """The slope of each question's squared error over rounds, averaged; negative where it still falls."""
    by_seed = []
    for rows in of_arm.values():
        if len(rows) > rounds[-1]:
            errors = np.array([rows[r]["fast"]["test"] for r in rounds])
            centred = np.array(rounds) - np.mean(rounds)
            by_seed.append((centred @ errors / (centred @ centred)).tolist())
    if not by_seed:
        return {}
    every = np.concatenate([np.array(one) for one in by_seed])
    return mean_over(by_seed) | {"p": float(stats.ttest_1samp(every, 0.0, alternative="less").pvalue)}


def tables(found: dict) -> list[Table]:
    """What the benchmark prints."""
    shown = [f"round {r}" for r in (0, *SHOWN_ROUNDS)]
    title = f"Brier score at once on test, floor {found['floor']['test']['mean']:.4f}"
    arms = Table("arm", "seeds", *shown, "excess, last / first", "labels to 80 60 40 %", title=title)
    for arm, of_arm in found["arms"].items():
        curve = of_arm["fast"]["test"]
        cells = [show_interval(curve[r]) if r in curve else "" for r in (0, *SHOWN_ROUNDS)]
        arms.add_row(arm, str(len(of_arm["seeds"])), *cells, *_excess(of_arm, "at once"))
    title = f"The same after exploring with the labels, floor {found['floor where explored']['test']['mean']:.4f}"
    opened = Table(
        "arm", *(f"round {r}" for r in SLOW_ROUNDS), "excess, last / first", "labels to 80 60 40 %", title=title
    )
    for arm, of_arm in found["arms"].items():
        curve = open_book(of_arm, "test")
        cells = [show_interval(curve[r]) if r in curve else "" for r in SLOW_ROUNDS]
        opened.add_row(arm, *cells, *_excess(of_arm, "explored with labels"))
    kinds = [("fast", "apart"), ("slow", "test"), ("slow", "apart")]
    columns = [f"{'at once' if kind == 'fast' else 'explored'} {part} {r}" for kind, part in kinds for r in (0, 12)]
    others = Table(
        "arm", *columns, "told", "diversity", "moved ten", "most", title="Other figures; explored closed book"
    )
    for arm, of_arm in found["arms"].items():
        cells = [show_interval(of_arm[k][p][r]) if r in of_arm[k][p] else "" for k, p in kinds for r in (0, 12)]
        diverse = " ".join(f"{n:.2f}" for n in of_arm["diversity"].values())
        told = f"{of_arm['told'][0]:.3f} {of_arm['told'][-1]:.3f}"
        moved = f"{of_arm['moved ten roots']} of {of_arm['answers']}"
        others.add_row(arm, *cells, told, diverse, moved, str(of_arm["most roots moved"]))
    pairs = Table(
        "value minus",
        *(f"round {r}" for r in SHOWN_ROUNDS),
        title="Paired differences on test (negative: value better)",
    )
    for arm, by_round in found.get("value minus", {}).items():
        pairs.add_row(arm, *(show_interval(by_round[r]) if r in by_round else "" for r in SHOWN_ROUNDS))
    slopes = Table(
        "arm", *(f"rounds {name}" for name in _first(found)["slope"]), title="Fall of the Brier score a round"
    )
    for arm, of_arm in found["arms"].items():
        cells = [f"{show_interval(one)} p={one['p']:.3g}" if one else "" for one in of_arm["slope"].values()]
        slopes.add_row(arm, *cells)
    return [arms, opened, others, pairs, slopes]


def _excess(of_arm: Mapping, kind: str) -> tuple[str, str]:
    left = list(of_arm["excess"][kind].values())
    reached = " ".join("-" if n is None else f"{n:.0f}" for n in of_arm["labels to reach"][kind].values())
    return f"{left[-1] / left[0]:.2f}", reached


def _first(found: dict) -> dict:
    return next(iter(found["arms"].values()))


def show_interval(one: Mapping[str, float]) -> str:
    """A mean with its interval, as `mean_over` gives them."""
    return f"{one['mean']:.4f} [{one['low']:.4f}, {one['high']:.4f}]"


def draw(found: dict) -> bytes:
    """How far the error has come from where it began, by round, for every arm, as PNG."""
    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    figure, every_axes = plt.subplots(1, len(PANELS), figsize=(16, 4.8))
    for axes, title in zip(every_axes, PANELS, strict=True):
        for arm, of_arm in found["arms"].items():
            if arm == "random tenfold":
                continue
            change = of_arm["change"][title]
            rounds = list(map(int, change))
            mean, low, high = ([one[key] for one in change.values()] for key in ("mean", "low", "high"))
            stands_out = {"linewidth": 3, "color": "black"} if arm == "value" else {"linewidth": 1.3}
            (line,) = axes.plot(rounds, mean, label=arm, **stands_out)
            if arm in BANDS:
                axes.fill_between(rounds, low, high, alpha=0.13, color=line.get_color(), linewidth=0)
        axes.set_title(title, fontsize=11)
        axes.set_xlabel("round")
        axes.axhline(0, color="black", linewidth=0.5)
    every_axes[0].set_ylabel("Brier score, change since the start")
    every_axes[0].legend(fontsize=8, loc="lower left")
    figure.tight_layout()
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=100)
    plt.close(figure)
    return buffer.getvalue()
