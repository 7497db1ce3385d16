"""What do labels do for beliefs: calibration as they grow, and direct beliefs beside arguments?

The bundled model, or several of its kind, and five draws of labels for each. The rater is simulated, and right 97 times
in 100, as the fits are told.

*Calibration.* The world's things are split in two. Plain claims about one half are labelled, drawn at random or the
most uncertain first as a queue would have it; beliefs in plain claims about the other half are calibrated and judged by
the world's truth: as the model says them, and made overconfident on purpose (log-odds times four). "chosen" is
`models.calibration.calibrate` as the explorer uses it; the other rows say what each method would do if it were always
used, however few the labels.

*Direct beliefs.* Roots of the explored part are labelled as if they had been asked about; the weight is fitted to them
and judged on the roots of the test part, and of the part about things that occur nowhere else: with their plain
premises unanswered, and with each of them answered truthfully.

    python -m benchmarks.beliefs --out benchmarks/results/beliefs.json
"""

import json
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import typer
from rich.console import Console
from rich.progress import track
from rich.table import Table
from scipy.special import expit, logit

from argtree.coherence import LEAST, fit_weight
from argtree.format import write_whole
from benchmarks.loop import get_case, get_trees
from benchmarks.loop_case import Case, SimulatedRater
from benchmarks.loop_figures import mean_over, show_interval
from benchmarks.loop_model import SmallModel
from models.base import FloatArray
from models.calibration import METHODS, Calibration, calibrate, fit, folds, log_losses
from models.statistics import expected_calibration_error

COUNTS = (10, 30, 100, 300)
DRAWS = 5
RATE = 0.97
LIKELIHOODS = np.array(
    [[RATE, 1 - RATE], [1 - RATE, RATE]]
)  # of a no and of a yes: if the claim is false, if it is true
WAYS = ("at random", "most uncertain")
SHARPENED = {"as believed": 1.0, "overconfident": 4.0}  # log-odds times
JUDGED_PARTS = ("test", "apart")
WEIGHTS = ("0", "fitted", "0.5", "1")

Rows = dict[tuple[str, ...], list[list[float]]]  # what is measured -> by model and draw, item by item


def main(
    seeds: Annotated[str, typer.Option(help="Choices of withheld facts, each with a model of its own.")] = "0",
    out: Annotated[Path | None, typer.Option(help="Where to write the figures as JSON.")] = None,
) -> None:
    """Measure, print tables and write the figures."""
    torch.set_num_threads(1)
    numbers = [int(seed) for seed in seeds.split(",")]
    trees = get_trees(numbers)
    brier, losses, roots = defaultdict(list), defaultdict(list), defaultdict(list)
    eces, weights, chosen = defaultdict(list), defaultdict(list), defaultdict(Counter)
    for seed in track(numbers, "models", console=Console(stderr=True)):
        case = get_case(seed, trees)
        model = SmallModel(case.folder)
        _calibration(case, model, brier, losses, eces, chosen)
        _direct(case, model, roots, weights)
    found = {
        "seeds": numbers,
        "draws": DRAWS,
        "calibration": _calibration_figures(brier, losses, eces, chosen),
        "direct beliefs": _direct_figures(roots, weights),
    }
    _print(found)
    if out is not None:
        write_whole(out, (json.dumps(found, indent=1) + "\n").encode())


def _calibration(case: Case, model: SmallModel, brier: Rows, losses: Rows, eces: dict, chosen: dict) -> None:
    """Judges every method after every number of labels; `case` draw by draw."""
    plain = [claim for claim in case.plain if case.truth(claim) is not None]
    believed, truth = model.believe(plain), np.array([float(bool(case.truth(claim))) for claim in plain])
    rater = SimulatedRater(case, RATE)
    said = np.array([rater.answer(claim) or 0.0 for claim in plain])
    for draw in range(DRAWS):
        rng = np.random.default_rng([case.seed, draw, 21])
        here, there = _halves(case, plain, rng)
        for (beliefs, factor), way in product(SHARPENED.items(), WAYS):
            prob = expit(factor * logit(believed))
            order = rng.permutation(here)
            if way == "most uncertain":
                order = order[np.argsort(np.abs(prob[order] - 0.5), kind="stable")]
            for count in COUNTS:
                told = order[:count]
                for name, made in _methods(prob[told], said[told], [plain[i] for i in told]).items():
                    after, key = made(prob[there]), (f"{beliefs}, labelled {way}", str(count), name)
                    brier[key].append(((after - truth[there]) ** 2).tolist())
                    losses[key].append(log_losses(after, truth[there]).tolist())
                    eces[key].append(expected_calibration_error(after, truth[there]))
                    if name == "chosen":
                        chosen[key[:2]][made.method] += 1


def _methods(prob: FloatArray, said: FloatArray, claims: Sequence[str]) -> dict[str, Calibration]:
    told = LIKELIHOODS[said.astype(int)]
    return {"chosen": calibrate(prob, told, folds(claims))} | {method: fit(method, prob, told) for method in METHODS}


def _halves(case: Case, claims: Sequence[str], rng: np.random.Generator) -> tuple[FloatArray, FloatArray]:
    """The places of the claims about things of one half, and of the other; none is in both."""
    things = sorted(case.world.things)
    first = {things[i] for i in rng.permutation(len(things))[: len(things) // 2]}
    about = [set(statement.things) for claim in claims if (statement := case.world.parse(claim)) is not None]
    here = np.array([of <= first for of in about])
    there = np.array([of.isdisjoint(first) for of in about])
    return np.flatnonzero(here), np.flatnonzero(there)


def _direct(case: Case, model: SmallModel, roots: Rows, weights: dict) -> None:
    """Fits the weight to labelled roots and judges it on others."""
    rater = SimulatedRater(case, RATE)
    explored = _roots(case, model, "explore")
    said = np.array([rater.answer(root) or 0.0 for root in explored["claims"]])
    judged = {part: _roots(case, model, part) for part in JUDGED_PARTS}
    for draw in range(DRAWS):
        order = np.random.default_rng([case.seed, draw, 22]).permutation(len(said))
        for count in COUNTS:
            told = order[:count]
            fold = folds([explored["claims"][i] for i in told])
            belief, marginal = explored["belief"][told], explored["marginal"][told]
            weight = fit_weight(belief, marginal, marginal, LIKELIHOODS[said[told].astype(int)], fold)
            weights[str(count)].append(weight)
            for part, one in judged.items():
                for name in WEIGHTS:
                    used = weight if name == "fitted" else float(name)
                    for book in ("marginal", "known"):
                        moved = expit(_logit(one[book]) + used * (_logit(one["belief"]) - _logit(one["marginal"])))
                        roots[part, book, str(count), name].append(((moved - one["truth"]) ** 2).tolist())


def _roots(case: Case, model: SmallModel, part: str) -> dict:
    """A part's roots: direct belief, marginal from the arguments, the same with every fact known, truth."""
    grove = case.groves[part]
    grove.lean = np.ones((len(grove.roots), 2))
    plain = list(dict.fromkeys(claim for of in grove.plain for claim in of))
    prior = dict(zip(plain, model.believe(plain).tolist(), strict=True))
    known = {claim: 0.5 if (true := case.truth(claim)) is None else float(true) for claim in plain}
    solved = [np.array([one.prob for one in grove.solve(of).values()]) for of in (prior, known)]
    truth = np.array([float(bool(case.truth(root))) for root in grove.roots])
    belief = model.believe(grove.roots)
    return {"claims": grove.roots, "belief": belief, "marginal": solved[0], "known": solved[1], "truth": truth}


def _logit(prob: FloatArray) -> FloatArray:
    return logit(np.clip(prob, LEAST, 1 - LEAST))


def _calibration_figures(brier: Rows, losses: Rows, eces: Mapping, chosen: Mapping) -> dict:
    found: dict = {}
    for way in dict.fromkeys(key[0] for key in losses):
        for count in map(str, COUNTS):
            for name in ("chosen", *METHODS):
                key, none = (way, count, name), (way, count, "none")
                gains = [np.mean(a) - np.mean(b) for a, b in zip(losses[key], losses[none], strict=True)]
                found.setdefault(way, {}).setdefault(count, {})[name] = {
                    "ece": {"mean": round(float(np.mean(eces[key])), 5), "sd": round(float(np.std(eces[key])), 5)},
                    "brier": mean_over(brier[key]),
                    "log loss": mean_over(losses[key]),
                    "log loss minus none": {
                        "mean": round(float(np.mean(gains)), 5),
                        "worst": round(float(np.max(gains)), 5),
                        "worse": int(np.sum(np.array(gains) > 1e-9)),
                        "draws": len(gains),
                    },
                }
            found[way][count]["methods chosen"] = dict(chosen[way, count])
    return found


def _direct_figures(roots: Rows, weights: Mapping[str, list[float]]) -> dict:
    fitted = {count: [round(one, 3) for one in of] for count, of in weights.items()}
    brier: dict = {}
    for (part, book, count, name), rows in roots.items():
        words = "premises unanswered" if book == "marginal" else "every premise answered"
        brier.setdefault(part, {}).setdefault(words, {}).setdefault(count, {})[name] = mean_over(rows)
    return {"fitted weights": fitted, "brier": brier}


def _print(found: Mapping) -> None:
    console = Console(width=150)
    for way, of_way in found["calibration"].items():
        columns = (
            "labels",
            "method",
            "calibration error",
            "Brier score",
            "log loss",
            "minus none",
            "worst",
            "worse in",
        )
        table = Table(*columns, title=f"Plain claims about other things, {way}")
        for count, of_count in of_way.items():
            picked = ", ".join(f"{name} {number}" for name, number in of_count["methods chosen"].items())
            for name in ("chosen", *METHODS):
                one = of_count[name]
                gain = one["log loss minus none"]
                shown = f"chosen ({picked})" if name == "chosen" else name
                table.add_row(
                    count,
                    shown,
                    f"{one['ece']['mean']:.4f}",
                    *(show_interval(one[figure]) for figure in ("brier", "log loss")),
                    f"{gain['mean']:+.4f}",
                    f"{gain['worst']:+.4f}",
                    f"{gain['worse']} of {gain['draws']}",
                )
        console.print(table)
    direct = found["direct beliefs"]
    for part, of_part in direct["brier"].items():
        for book, of_book in of_part.items():
            table = Table("labels", "fitted weight", *WEIGHTS, title=f"Brier score of {part} roots, {book}, by weight")
            for count, cells in of_book.items():
                some = direct["fitted weights"][count]
                spread = f"{np.mean(some):.2f} ({min(some):.2f} to {max(some):.2f})"
                table.add_row(count, spread, *(show_interval(cells[name]) for name in WEIGHTS))
            console.print(table)


if __name__ == "__main__":
    typer.run(main)
