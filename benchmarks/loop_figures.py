"""The learning experiment's figures, tables and plots, from the rows that its runs left."""

import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib
import numpy as np
from rich.table import Table
from scipy import stats

from models.base import FloatArray

DRAWS = 2000
SHARES = (0.8, 0.6, 0.4)  # of the excess error at the start, to be reached
MOVED_ROOTS = 10
SHOWN_ROUNDS = (1, 3, 6, 9, 12)


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
        "floor": {part: mean_over([floors[seed][part] for seed in floors]) for part in ("test", "apart")},
        "arms": {arm: _arm(of_arm, floors) for arm, of_arm in rows.items()},
    }
    if "value" in rows:
        found["value minus"] = {
            arm: _paired(rows["value"], of_arm)
            for arm, of_arm in rows.items()
            if arm not in ("value", "random tenfold")
        }
        late = _slopes(rows["value"], range(7, 13))
        found["slope of value"] = {"rounds 1 to 12": _slopes(rows["value"], range(0, 13)), "rounds 7 to 12": late}
    return found


def _arm(of_arm: Mapping[int, Sequence[dict]], floors: Mapping[int, Mapping[str, Sequence[float]]]) -> dict:
    rounds = min(len(rows) for rows in of_arm.values())
    curve = {part: [mean_over([rows[r]["fast"][part] for rows in of_arm.values()]) for r in range(rounds)]
             for part in ("test", "apart")}  # fmt: skip
    slow = {
        kind: {
            part: {
                r: mean_over([rows[r][kind][part] for rows in of_arm.values()])
                for r in range(rounds)
                if all(kind in rows[r] for rows in of_arm.values())
            }  # fmt: skip
            for part in ("test", "apart")
        }
        for kind in ("slow", "open")
    }
    floor = float(np.mean([np.mean(floors[seed]["test"]) for seed in of_arm]))
    labels = [float(np.mean([rows[r]["labels"] for rows in of_arm.values()])) for r in range(rounds)]
    mean = [curve["test"][r]["mean"] for r in range(rounds)]
    moved = [n for rows in of_arm.values() for row in rows for n in row.get("moved", [])]
    diverse = {r: float(np.mean([rows[r]["diversity"] for rows in of_arm.values()]))
               for r in range(rounds) if all("diversity" in rows[r] for rows in of_arm.values())}  # fmt: skip
    return {
        "seeds": sorted(of_arm),
        "labels": labels,
        "fast": curve,
        **slow,
        "excess": [value - floor for value in mean],
        "labels to reach": {str(share): _reached(labels, [m - floor for m in mean], share) for share in SHARES},
        "told": [float(np.mean([rows[r]["told"] for rows in of_arm.values()])) for r in range(rounds)],
        "ece": [float(np.mean([rows[r]["ece"] for rows in of_arm.values()])) for r in range(rounds)],
        "diversity": diverse,
        "answers": len(moved),
        "moved ten roots": sum(n >= MOVED_ROOTS for n in moved),
        "most roots moved": max(moved, default=0),
        "rejected": sum(bool(row.get("rejected")) for rows in of_arm.values() for row in rows),
    }


def _reached(labels: Sequence[float], excess: Sequence[float], share: float) -> float | None:
    """The labels at which the excess error first is a share of what it was, by linear interpolation."""
    wanted = share * excess[0]
    for r in range(1, len(excess)):
        if excess[r] <= wanted:
            part = (excess[r - 1] - wanted) / (excess[r - 1] - excess[r])
            return labels[r - 1] + part * (labels[r] - labels[r - 1])
    return None


def _resampled(by_seed: Sequence[FloatArray]) -> FloatArray:
    """Means over seeds and questions, both drawn anew, [D]."""
    rng = np.random.default_rng(0)
    means = np.empty(DRAWS)
    for d in range(DRAWS):
        drawn = rng.integers(len(by_seed), size=len(by_seed))
        means[d] = np.mean([(one := by_seed[i])[rng.integers(len(one), size=len(one))].mean() for i in drawn])
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
        cells = [show_interval(curve[r]) if r < len(curve) else "" for r in (0, *SHOWN_ROUNDS)]
        reach = " ".join("-" if n is None else f"{n:.0f}" for n in of_arm["labels to reach"].values())
        share = of_arm["excess"][-1] / of_arm["excess"][0]
        arms.add_row(arm, str(len(of_arm["seeds"])), *cells, f"{share:.2f}", reach)
    columns = [f"{kind} {part} {r}" for kind in ("slow", "open") for part in ("test", "apart") for r in (0, 12)]
    slow = Table("arm", *columns, "diversity", "moved ten", title="Brier score after exploring")
    for arm, of_arm in found["arms"].items():
        cells = [
            show_interval(of_arm[kind][part][r]) if r in of_arm[kind][part] else ""
            for kind in ("slow", "open")
            for part in ("test", "apart")
            for r in (0, 12)
        ]
        diverse = " ".join(f"{n:.2f}" for n in of_arm["diversity"].values())
        slow.add_row(arm, *cells, diverse, f"{of_arm['moved ten roots']} of {of_arm['answers']}")
    pairs = Table(
        "value minus",
        *(f"round {r}" for r in SHOWN_ROUNDS),
        title="Paired differences on test (negative: value better)",
    )
    for arm, by_round in found.get("value minus", {}).items():
        pairs.add_row(arm, *(show_interval(by_round[r]) if r in by_round else "" for r in SHOWN_ROUNDS))
    return [arms, slow, pairs]


def show_interval(one: Mapping[str, float]) -> str:
    """A mean with its interval, as `mean_over` gives them."""
    return f"{one['mean']:.4f} [{one['low']:.4f}, {one['high']:.4f}]"


def draw(found: dict) -> bytes:
    """Error by labels for every arm of the main experiment, as PNG."""
    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    figure, (left, right) = plt.subplots(1, 2, figsize=(12, 4.5), sharey=False)
    for axes, part in ((left, "test"), (right, "apart")):
        for arm, of_arm in found["arms"].items():
            if arm == "random tenfold":
                continue
            curve = of_arm["fast"][part]
            rounds = range(len(curve))
            (line,) = axes.plot(rounds, [c["mean"] for c in curve], label=arm, linewidth=2.5 if arm == "value" else 1.2)
            if arm == "value":
                axes.fill_between(rounds, [c["low"] for c in curve], [c["high"] for c in curve],
                                  alpha=0.15, color=line.get_color())  # fmt: skip
        axes.axhline(found["floor"][part]["mean"], linestyle=":", color="black", label="floor: every fact known")
        axes.set_title(f"questions never asked: {part}")
        axes.set_xlabel("round")
        axes.set_ylabel("Brier score, answering at once")
    left.legend(fontsize=8)
    figure.tight_layout()
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=110)
    plt.close(figure)
    return buffer.getvalue()
