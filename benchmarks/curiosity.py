"""Can it be told beforehand which questions stay unsure after thinking, and do those teach more when people answer?

The bundled model explores questions of its world, each in a tree of its own, until nothing is worth an expansion. A
root *stays unsure* where p (1 - p) is above 0.16 then: neither side has more than 0.8. Seeds are those of the questions
drawn, as people would ask them (the benchmark's explore part, drawn anew), and of the arguments that the model draws.

*AUROC* of the predictor (`argtree.curiosity`) on questions that it was not taught, of families that it was taught
others of, and of families that it was taught none of: five folds either way. Beside it the model's own doubt,
p (1 - p) of its direct belief, and predictors without the embedding and with nothing else. Then the same, on unseen
questions, by how many roots were explored.

*Information*: after so many roots that people asked, new questions are posed and explored within a budget of tokens,
those for wording and believing what is not picked included. Information is the drop in the root's variance p (1 - p),
and in its Brier score, when the ten questions that stand first in its queue are answered truthfully by a simulated
rater; both are per 1,000 tokens.

    random          any question of the world
    near            near the roots that are most unsure, as `argtree daemon --curious` poses them; any of those
    near, doubt     near; those of which the model's own belief is the least sure
    near, guessed   near; those that the predictor expects to stay unsure: what the daemon does
    guessed         any question of the world; those that the predictor expects to stay unsure

All but the first two pick four of sixteen, a quarter of them at random. Intervals are 95 %, by Student's t over seeds.
The rater is simulated, the world is the bundled one. Stopped, the same command goes on.

    python -m benchmarks.curiosity --folder /tmp/curiosity --out benchmarks/results/curiosity.json
"""

import json
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import numpy.typing as npt
import torch
import typer
from rich import box
from rich.console import Console
from rich.table import Table
from scipy.stats import t
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GroupKFold, KFold

from argtree.curiosity import Candidate, drawn_by_doubt, learn, pick
from argtree.format import write_whole
from argtree.posing import CANDIDATES, PICKED_AT_ONCE, PLACES
from benchmarks.curiosity_roots import Finished, Finisher, Planted
from benchmarks.search_trees import RememberingModel
from models.embedding import HashedEmbedding
from models.everyday.benchmark import draw_benchmark
from models.everyday.corpus import random_statement
from models.everyday.posing import recombined
from models.everyday.withheld import read_withheld
from models.everyday.world import load_world
from models.load import BUNDLED, load_model

UNSURE = 0.16  # p (1 - p) above which a root stays unsure
FOLDS = 5
COUNTS = (10, 20, 30, 60)  # roots explored
RANDOM, CURIOUS = "random", "near, guessed"
ARMS = (RANDOM, CURIOUS, "near", "near, doubt", "guessed")
WITH_GUESS = {"predictor": (True, True), "no embedding": (False, True), "embedding alone": (True, False)}
DOUBT = "own doubt"

FloatArray = npt.NDArray[np.float64]
embed = HashedEmbedding()


@dataclass
class Spent:
    """What an arm has explored, and the tokens that it took."""

    explored: list[Finished]
    tokens: int = 0


def main(
    folder: Annotated[Path, typer.Option(help="Where to keep what was done so far.")],
    out: Annotated[Path | None, typer.Option(help="Where to write the figures as JSON.")] = None,
    questions: Annotated[int, typer.Option(help="Roots that people asked, of each seed.")] = 120,
    taught: Annotated[int, typer.Option(help="How many of them are explored before new ones are posed.")] = 60,
    seeds: Annotated[int, typer.Option(help="How many.")] = 5,
    budget: Annotated[int, typer.Option(help="Tokens for new questions, of each way to pose them.")] = 16_000,
) -> None:
    """Explore, guess, pose; print and write the figures."""
    logging.getLogger("argtree").setLevel(logging.ERROR)
    torch.set_num_threads(1)
    folder.mkdir(parents=True, exist_ok=True)
    model = RememberingModel(load_model(BUNDLED), folder / "replies.jsonl")
    said = Console(stderr=True)
    guessed, spent = [], []
    try:
        for seed in range(seeds):
            finisher = Finisher(folder, model, seed)
            told = finisher(_asked(seed, questions), lambda done, of=seed: said.print(f"seed {of}: {done} roots"))
            guessed.append(aurocs(told, seed))
            spent.append({})
            for arm in ARMS:
                spent[-1][arm] = posed(arm, seed, told[:taught], finisher, budget)
                said.print(f"seed {seed}: {arm}, {len(spent[-1][arm].explored)} questions")
    except KeyboardInterrupt:
        said.print("Stopped. What is done is kept; the same command goes on.")
        raise typer.Exit(130) from None
    found = {
        "questions": questions,
        "taught": taught,
        "seeds": seeds,
        "budget": budget,
        "auroc": {name: interval([one[name] for one in guessed]) for name in guessed[0]},
        "information": information(spent),
    }
    _print(found)
    if out is not None:
        write_whole(out, (json.dumps(found, indent=1) + "\n").encode())


def _asked(seed: int, count: int) -> list[str]:
    drawn = draw_benchmark(load_world(), read_withheld(), seed)
    return [one.question for one in drawn if one.part == "explore"][:count]


def aurocs(told: Sequence[Finished], seed: int) -> dict[str, float]:
    """The AUROC of every predictor under every split, and by how many roots were explored; means over folds."""
    families = np.array([one.family for one in told])
    splits = {
        "unseen questions": list(KFold(FOLDS, shuffle=True, random_state=seed).split(told)),
        "unseen family": list(GroupKFold(FOLDS, shuffle=True, random_state=seed).split(told, groups=families)),
    }
    found = {}
    for split, folds in splits.items():
        for name, (has_text, has_belief) in WITH_GUESS.items():
            found[f"{split}, {name}"] = _mean_auroc(
                folds, told, lambda here, there, a=has_text, b=has_belief: _guess(here, there, a, b)
            )
        found[f"{split}, {DOUBT}"] = _mean_auroc(
            folds, told, lambda here, there: [_candidate(one).doubt for one in there]
        )
    for count in COUNTS:
        few = [(train[:count], test) for train, test in splits["unseen questions"]]
        found[f"{count} roots"] = _mean_auroc(few, told, lambda here, there: _guess(here, there, True, True))
    return found


def _mean_auroc(
    folds: Sequence[tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]],
    told: Sequence[Finished],
    guess_fn: Callable[[Sequence[Finished], Sequence[Finished]], Sequence[float] | FloatArray],
) -> float:
    scores = []
    for train, test in folds:
        there = [told[i] for i in test]
        is_unsure = [one.residual > UNSURE for one in there]
        if 0 < sum(is_unsure) < len(there):  # a fold of one kind has no AUROC
            scores.append(roc_auc_score(is_unsure, guess_fn([told[i] for i in train], there)))
    return float(np.mean(scores))


def _guess(here: Sequence[Finished], there: Sequence[Finished], has_text: bool, has_belief: bool) -> FloatArray:
    def seen(of: Sequence[Finished]) -> tuple[npt.NDArray[np.float32], list[Candidate]]:
        vectors = embed([one.claim for one in of]) * has_text
        return vectors, [_candidate(one) if has_belief else Candidate("", 0.5, 1.0) for one in of]

    predictor = learn(*seen(here), [one.residual for one in here], least=2)
    assert predictor is not None
    return predictor(*seen(there)).mean


def _candidate(one: Finished) -> Candidate:
    return Candidate(one.question, one.belief, one.pseudo_count)


def posed(arm: str, seed: int, told: Sequence[Finished], finisher: Finisher, budget: int) -> Spent:
    """What one way to pose new questions comes to within its budget; a question that would go past it is left."""
    rng = np.random.default_rng([seed, ARMS.index(arm), 41])
    known, spent = list(told), Spent([])
    while True:
        asked = {one.claim for one in known}
        questions = _near(known, rng) if arm.startswith("near") else _anywhere(rng)
        if arm in (RANDOM, "near"):
            picked, others = finisher.planted(questions[:PICKED_AT_ONCE]), []
        else:
            planted = [one for one in finisher.planted(questions) if one.claim not in asked]
            rows = [one.row for one in pick(_values(arm, planted, known), PICKED_AT_ONCE, rng)]
            picked = [planted[row] for row in rows]
            others = [one for row, one in enumerate(planted) if row not in rows]
        spent.tokens += sum(one.tokens for one in others)
        new = [one for one in picked if one.claim not in asked]
        for one in finisher([one.question for one in new]):
            if spent.tokens + one.tokens > budget:
                return spent
            spent.tokens += one.tokens
            spent.explored.append(one)
            known.append(one)


def _near(known: Sequence[Finished], rng: np.random.Generator) -> list[str]:
    places = drawn_by_doubt([one.prob for one in known], PLACES, rng)
    return recombined([known[row].claim for row in places], CANDIDATES, rng)


def _anywhere(rng: np.random.Generator) -> list[str]:
    world = load_world()
    wordings = [world.questions(random_statement(world, list(world.families), rng)) for _ in range(CANDIDATES)]
    return list(dict.fromkeys(of[rng.integers(len(of))] for of in wordings))


def _values(arm: str, planted: Sequence[Planted], known: Sequence[Finished]) -> FloatArray:
    candidates = [Candidate(one.question, one.belief.mean, one.belief.pseudo_count) for one in planted]
    if arm == "near, doubt":
        return np.array([one.doubt for one in candidates])
    predictor = learn(
        embed([one.claim for one in known]), [_candidate(one) for one in known], [o.residual for o in known]
    )
    assert predictor is not None
    return predictor(embed([one.claim for one in planted]), candidates).mean


def information(spent: Sequence[dict[str, Spent]]) -> dict[str, dict[str, dict[str, float]]]:
    """Figures of every arm, with the difference to random posing of the same seed."""
    found: dict[str, dict[str, dict[str, float]]] = {}
    for arm in ARMS:
        rows, base = [_rates(of[arm]) for of in spent], [_rates(of[RANDOM]) for of in spent]
        found[arm] = {name: interval([row[name] for row in rows]) for name in rows[0]}
        for name in ("resolved", "brier drop"):
            found[arm][f"{name} more than random"] = interval(
                [row[name] - other[name] for row, other in zip(rows, base, strict=True)]
            )
    return found


def _rates(spent: Spent) -> dict[str, float]:
    thousands = spent.tokens / 1000
    return {
        "questions": float(len(spent.explored)),
        "tokens": float(spent.tokens),
        "stay unsure": float(np.mean([one.residual > UNSURE for one in spent.explored])),
        "residual": float(np.mean([one.residual for one in spent.explored])),
        "resolved": sum(one.resolved for one in spent.explored) / thousands,
        "brier drop": sum(one.brier_drop for one in spent.explored) / thousands,
    }


def interval(values: Sequence[float]) -> dict[str, float]:
    """The mean of a figure over seeds, with its 95 % interval by Student's t; none with one seed."""
    mean, count = float(np.mean(values)), len(values)
    half = float(t.ppf(0.975, count - 1) * np.std(values, ddof=1) / np.sqrt(count)) if count > 1 else 0.0
    return {"value": round(mean, 5), "low": round(mean - half, 5), "high": round(mean + half, 5)}


def _print(found: dict) -> None:
    console = Console(width=170)
    table = Table("AUROC", "value [95 %]", box=box.MARKDOWN)
    for name, one in found["auroc"].items():
        table.add_row(name, _shown(one, 3))
    console.print(table)
    columns = ("stay unsure", "residual", "resolved", "resolved more than random", "brier drop")
    table = Table("posed", "questions", *columns, "brier drop more than random", box=box.MARKDOWN)
    for arm, of in found["information"].items():
        cells = [_shown(of[name], 4) for name in (*columns, "brier drop more than random")]
        table.add_row(arm, f"{of['questions']['value']:.1f}", *cells)
    console.print(table)


def _shown(one: dict[str, float], digits: int) -> str:
    return f"{one['value']:.{digits}f} [{one['low']:.{digits}f}, {one['high']:.{digits}f}]"


if __name__ == "__main__":
    typer.run(main)
