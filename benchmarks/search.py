"""Which way to search makes the most of so many model tokens?

The bundled model explores questions of its benchmark, each in a tree of its own, within budgets of tokens (prompts and
replies, those that word and believe the root included), by each way to choose what is expanded next; an expansion that
would go past the budget is left. Every way hears the same reply to the same prompt, and pays for it. Seeds are those of
the arguments that the model draws. Beside the ways to search:

    asked once      no tree: the model's belief in the root, read off the log-probabilities of yes and no to "is it
                    true?" and "is it false?"
    asked n times   no tree: as many answers yes or no to these two questions by turns, drawn at temperature 1, as the
                    budget pays for; the probability is the share that speaks for the root, the answer the majority's
    mean of four    no search for long: the mean over four trees, each grown best first, by another seed, for a quarter
                    of the budget
    arguments alone best first; the model's direct beliefs in argued claims count for nothing. In all other trees they
                    stay as evidence beside the arguments, as in a store in which nobody has answered yet: of the
                    likelihood ratio (odds(belief) / odds(marginal))^START_WEIGHT (docs/design.md, "Direct beliefs")
    at N s          best first, as far as an expansion is worth its tokens beside the tree's best question
                    (`argtree.search_price`), with 1,000 tokens counting as N seconds of a rater

Printed, with 95 % intervals of a bootstrap over questions and seeds: the root's Brier score and accuracy; how far the
root moves when the ten questions that stand first in the tree's queue are answered truthfully, at once, by a simulated
rater, and the Brier score then; and the differences to best first, paired. The rater is simulated, the world is the
bundled one. Stopped, the same command goes on.

    python -m benchmarks.search --folder /tmp/search --out benchmarks/results/search.json
"""

import json
import logging
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Annotated

import numpy as np
import numpy.typing as npt
import typer
from rich import box
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from argtree import Propagation, answer_likelihood, propagate, rank
from argtree.coherence import START_WEIGHT
from argtree.format import write_whole
from argtree.rank import open_rows
from argtree.search import Choose, Frontier, breadth_first, choose_expansions
from argtree.search_price import least_gain, paying
from argtree.search_tree import gumbel, puct
from benchmarks.search_trees import Grown, RememberingModel, grow, planted
from models.elicitation import Elicitor
from models.everyday.benchmark import BenchmarkQuestion, read_benchmark
from models.everyday.oracle import SimulatedOracle
from models.load import BUNDLED, load_model
from models.prompts import is_false, is_true

DEFAULT = "best first"
WAYS: dict[str, Choose] = {DEFAULT: choose_expansions, "breadth first": breadth_first, "PUCT": puct}
PRICES = {"at 0.1 s": 0.1, "at 1 s": 1.0, "at 10 s": 10.0, "at 100 s": 100.0}
GUMBEL, ONCE, DRAWN, FOUR, ALONE = "Gumbel, halving", "asked once", "asked n times", "mean of four", "arguments alone"
ANSWERS = 10
RESAMPLES = 2000

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Point:
    """What came of one question at one budget."""

    prob: float  # P(root)
    tokens: int  # used
    expansions: int = 0
    answered: float | None = None  # P(root) once the ten questions were answered; None: it asks nobody


Row = list[list[Point]]  # by question, by budget


def main(
    folder: Annotated[Path, typer.Option(help="Where to keep what was done so far.")],
    out: Annotated[Path | None, typer.Option(help="Where to write the figures as JSON.")] = None,
    questions: Annotated[int, typer.Option(help="How many, of the benchmark's that need withheld facts.")] = 60,
    seeds: Annotated[int, typer.Option(help="How many.")] = 5,
    smallest: Annotated[
        int, typer.Option(help="Tokens of the smallest budget; there are six, each twice the last.")
    ] = 150,
) -> None:
    """Search, and print and write the figures."""
    logging.getLogger("argtree").setLevel(logging.ERROR)
    asked = [one for one in read_benchmark() if one.part == "explore" and one.needs_withheld][:questions]
    budgets = [smallest * 2**k for k in range(6)]
    folder.mkdir(parents=True, exist_ok=True)
    settings = {"questions": len(asked), "seeds": seeds, "budgets": budgets}
    try:
        rows = searched(folder / f"{len(asked)}-{smallest}", asked, seeds, budgets)
    except KeyboardInterrupt:
        Console(stderr=True).print("Stopped. What is done is kept; the same command goes on.")
        raise typer.Exit(130) from None
    truth = np.array([one.truth for one in asked], dtype=np.float64)
    figures = figures_of(rows, truth, len(budgets))
    for title, table in tables(figures, budgets):
        Console(width=170).print(_table(title, table, budgets))
    if out:
        plain = json.loads(
            json.dumps(settings | {"figures": figures}), parse_constant=lambda _: None
        )  # JSON has no NaN
        write_whole(out, (json.dumps(plain, indent=1) + "\n").encode())


def searched(
    folder: Path, asked: Sequence[BenchmarkQuestion], seeds: int, budgets: Sequence[int]
) -> dict[str, list[Row]]:
    """Returns the points of every way, by seed; those in the folder are not worked out again."""
    folder.mkdir(parents=True, exist_ok=True)
    model = RememberingModel(load_model(BUNDLED), folder / "replies.jsonl")
    texts = [one.question for one in asked]
    names = [*WAYS, ALONE, GUMBEL, *PRICES, ONCE, DRAWN]
    found: dict[str, list[Row]] = {name: [] for name in names}
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task("", total=seeds * len(names))
        for seed in range(seeds):
            for name in names:
                bar.update(task, description=f"seed {seed}: {name}")
                file = folder / f"{seed} {name}.json"
                if not file.exists():
                    best = found[DEFAULT][seed] if name != DEFAULT else []
                    row = _row(name, Elicitor(model, seed=seed), model, texts, budgets, best)
                    write_whole(file, json.dumps([[asdict(one) for one in of] for of in row]).encode())
                row = [[Point(**one) for one in of] for of in json.loads(file.read_text(encoding="utf-8"))]
                found[name].append(row)
                bar.advance(task)
    return found | {FOUR: means_of_four(found[DEFAULT], budgets)}


def _row(
    name: str, elicitor: Elicitor, model: RememberingModel, texts: Sequence[str], budgets: Sequence[int], best: Row
) -> Row:
    """The points of one way and seed; `best` are those of best first."""
    if name in (ONCE, DRAWN):
        return _without_tree(name, elicitor, model, texts, budgets)
    if name in (*WAYS, ALONE):
        trees = planted(elicitor, model, texts, 0.0 if name == ALONE else START_WEIGHT)
        grown = grow(elicitor, model, trees, WAYS.get(name, choose_expansions), budgets)
        return [[_point(one) for one in of] for of in grown]
    used = [of[-1] for of in best]
    each = sum(one.tokens for one in used) / max(1, sum(one.expansions for one in used))
    if name in PRICES:
        choose = partial(_while_paying, expansion_tokens=each, price=PRICES[name])
        grown = grow(elicitor, model, planted(elicitor, model, texts), choose, budgets)
    else:  # its schedule is made for a budget
        grown = [[] for _ in texts]
        for budget in budgets:
            choose = partial(gumbel, expansions=max(1, round(budget / each) - 1), seed=elicitor.seed or 0)
            of_budget = grow(elicitor, model, planted(elicitor, model, texts), choose, [budget])
            grown = [[*before, *now] for before, now in zip(grown, of_budget, strict=True)]
    return [[_point(one) for one in of] for of in grown]


def _while_paying(frontier: Frontier, at_most: int, expansion_tokens: float, price: float) -> list[str]:
    value = frontier.result.value()[open_rows(frontier.result)].max(initial=0.0)
    return choose_expansions(paying(frontier, least_gain(value, expansion_tokens, price)), at_most)


def _point(grown: Grown) -> Point:
    return Point(_root_prob(grown.result), grown.tokens, grown.expansions, _answered(grown.result))


def _root_prob(result: Propagation) -> float:
    return float(result.root_prob[0])


def _answered(result: Propagation) -> float:
    """P(root) once the ten questions that it is best to ask are answered truthfully."""
    oracle = SimulatedOracle()
    truths = {one.claim: oracle.truth(one.text) for one in rank(result)[:ANSWERS]}
    evidence = {claim: answer_likelihood(float(truth)) for claim, truth in truths.items() if truth is not None}
    return _root_prob(propagate(result.graph.given(evidence))) if evidence else _root_prob(result)


def _without_tree(
    name: str, elicitor: Elicitor, model: RememberingModel, texts: Sequence[str], budgets: Sequence[int]
) -> Row:
    rng = np.random.default_rng([elicitor.seed or 0, 31])
    row: Row = []
    for tree in planted(elicitor, model, texts):
        if name == ONCE:
            row.append([Point(tree.beliefs[tree.root].mean, tree.tokens) for _ in budgets])
            continue
        claim, before = tree.texts[tree.root], model.tokens
        scores = model.log_probs([is_true(claim), is_false(claim)], ())
        each = (model.tokens - before) / 2
        told = np.exp(scores.log_probs)  # yes, Yes, no, No
        yes = told[:, :2].sum(axis=1) / told.sum(axis=1)
        speaks_for = np.array([yes[0], 1 - yes[1]])
        draws = rng.random(int(budgets[-1] / each)) < np.resize(speaks_for, int(budgets[-1] / each))
        counts = [max(1, int((budget - tree.tokens + 2 * each) / each)) for budget in budgets]
        row.append([Point(float(draws[:n].mean()), int(tree.tokens + (n - 2) * each)) for n in counts])
    return row


def means_of_four(best: Sequence[Row], budgets: Sequence[int]) -> list[Row]:
    """Returns for each seed the mean over the four that follow it, in a circle, at a quarter of each budget.

    Below four times the smallest budget there is none: not a number.
    """
    rows = []
    for seed in range(len(best)):
        others = [best[(seed + k) % len(best)] for k in range(1, 5)]
        rows.append(
            [[_mean([of[q][b - 2] for of in others], b) for b in range(len(budgets))] for q in range(len(best[0]))]
        )
    return rows


def _mean(points: Sequence[Point], budget: int) -> Point:
    if budget < 2:
        return Point(float("nan"), 0)
    return Point(float(np.mean([one.prob for one in points])), sum(one.tokens for one in points))


def figures_of(
    rows: dict[str, list[Row]], truth: FloatArray, budgets: int
) -> dict[str, dict[str, list[dict[str, float]]]]:
    """Returns (value, low, high) by figure, way and budget.

    Args:
        rows: the points of every way, by seed.
        truth: of the questions, 0 or 1, [Q].
        budgets: how many.
    """
    found: dict[str, dict[str, list[dict[str, float]]]] = {}
    for name, of in rows.items():
        for budget in range(budgets):
            for figure, values in _values(of, truth, budget).items():
                base = _values(rows[DEFAULT], truth, budget)[figure]
                found.setdefault(figure, {}).setdefault(name, []).append(interval(values))
                if figure in ("brier", "answered_brier") and name != DEFAULT:
                    found.setdefault(f"{figure}_difference", {}).setdefault(name, []).append(interval(values - base))
    for name, of in rows.items():
        if name not in (ONCE, DRAWN, FOUR):
            briers = [_values(of, truth, k)["brier"] for k in range(budgets)]
            changes = [interval(more - less) for less, more in zip(briers, briers[1:], strict=False)]
            found.setdefault("brier_change", {})[name] = changes
    return found


def _values(rows: list[Row], truth: FloatArray, budget: int) -> dict[str, FloatArray]:
    """The figures of one way at one budget, [S, Q] each."""
    points = [[of[budget] for of in row] for row in rows]

    def each(of_point: Callable[[Point], float]) -> FloatArray:
        return np.array([[of_point(one) for one in row] for row in points])

    prob = each(lambda one: one.prob)
    right = np.where(prob == 0.5, 0.5, (prob > 0.5) == (truth > 0.5))
    found = {"brier": (prob - truth) ** 2, "accuracy": np.where(np.isnan(prob), np.nan, right)}
    found |= {"tokens": each(lambda one: one.tokens or np.nan), "expansions": each(lambda one: one.expansions)}
    if all(one.answered is not None for row in points for one in row):
        answered = each(lambda one: one.answered or 0.0)
        found |= {"moved": np.abs(answered - prob), "answered_brier": (answered - truth) ** 2}
    return found


def interval(values: FloatArray) -> dict[str, float]:
    """Returns the mean of [S, Q] values with its 95 % percentile interval.

    Seeds and questions are drawn anew independently of each other (Owen 2007, "The pigeonhole bootstrap").
    """
    rng = np.random.default_rng(0)
    num_seeds, num_questions = values.shape
    seeds = rng.multinomial(num_seeds, np.full(num_seeds, 1 / num_seeds), RESAMPLES)
    questions = rng.multinomial(num_questions, np.full(num_questions, 1 / num_questions), RESAMPLES)
    means = ((seeds @ values) * questions).sum(axis=1) / values.size
    low, high = np.quantile(means, [0.025, 0.975])
    return {"value": round(float(values.mean()), 5), "low": round(float(low), 5), "high": round(float(high), 5)}


TITLES = {
    "brier": "Root Brier score",
    "brier_difference": "Root Brier score less that of best first, paired",
    "accuracy": "Accuracy",
    "moved": "How far ten truthful answers move the root",
    "answered_brier": "Root Brier score after ten truthful answers",
    "answered_brier_difference": "The same less that of best first, paired",
    "brier_change": "Root Brier score less that at half the budget, paired",
    "tokens": "Tokens used",
}


def tables(
    figures: dict[str, dict[str, list[dict[str, float]]]], budgets: Sequence[int]
) -> list[tuple[str, dict[str, list[str]]]]:
    """Returns (title, cells by way) of every table."""
    found = []
    for figure, title in TITLES.items():
        cells = {name: [_cell(one, figure == "tokens") for one in of] for name, of in figures[figure].items()}
        found.append((title, {name: [""] * (len(budgets) - len(of)) + of for name, of in cells.items()}))
    return found


def _cell(one: dict[str, float], is_count: bool) -> str:
    if np.isnan(one["value"]):
        return ""
    if is_count:
        return f"{one['value']:,.0f}"
    return f"{one['value']:.3f} [{one['low']:.3f}, {one['high']:.3f}]"


def _table(title: str, cells: dict[str, list[str]], budgets: Sequence[int]) -> Table:
    table = Table("", *(f"{budget:,} tokens" for budget in budgets), title=title, box=box.SIMPLE, padding=(0, 1, 0, 0))
    for name, of in cells.items():
        table.add_row(name, *of)
    return table


if __name__ == "__main__":
    typer.run(main)
