"""Is what argtree asks worth asking? The bundled model explores benchmark questions; a simulated rater answers.

For each question of the benchmark's explore part a tree is grown once. Then k of its askable claims are answered
truthfully from the world's facts, chosen by value of information (one at a time, ranked anew after each answer), by
uncertainty (closest to 0.5), or at random. Printed: the root's mean Brier score against the truth after k answers, with
95 % bootstrap intervals over questions. The rater is simulated, the world is the bundled one.

    python benchmarks/asking.py --questions 40 --out benchmarks/results/asking.json
"""

import json
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import numpy as np
import numpy.typing as npt
import typer
from rich.console import Console
from rich.progress import track
from rich.table import Table

from argtree import ArgumentGraph, answer_likelihood, propagate, rank
from argtree.explorer import Explorer
from models.elicitation import Elicitor
from models.everyday.benchmark import read_benchmark
from models.everyday.world import load_world
from models.load import load_model
from store.database import open_store, read_scope
from store.graphs import load_graph

Choose = Callable[[ArgumentGraph, np.random.Generator], str | None]
FloatArray = npt.NDArray[np.float64]


def by_value(graph: ArgumentGraph, rng: np.random.Generator) -> str | None:
    """The askable claim of the highest value of information."""
    open_claims = set(unanswered(graph))
    return next((one.claim for one in rank(propagate(graph)) if one.claim in open_claims), None)


def by_uncertainty(graph: ArgumentGraph, rng: np.random.Generator) -> str | None:
    """The unanswered askable claim whose probability is closest to one half."""
    result = propagate(graph)
    open_claims = unanswered(graph)
    return min(open_claims, key=lambda claim: abs(result.prob[graph.index[claim]] - 0.5), default=None)


def at_random(graph: ArgumentGraph, rng: np.random.Generator) -> str | None:
    """Any unanswered askable claim."""
    open_claims = unanswered(graph)
    return open_claims[rng.integers(len(open_claims))] if open_claims else None


ARMS: dict[str, Choose] = {"value": by_value, "uncertainty": by_uncertainty, "random": at_random}


def unanswered(graph: ArgumentGraph) -> list[str]:
    """The askable claims that nobody has answered."""
    return [c.id for c in graph.claims if graph.is_askable(c.id) and c.id not in graph.evidence]


def explored(question: str, model_calls: int, elicitor: Elicitor, folder: Path) -> ArgumentGraph:
    """The tree that the model grows under a question with so many calls."""
    elicitor.calls = 0
    engine = open_store(f"sqlite:///{folder / 'store.db'}")
    explorer = Explorer(engine, elicitor)
    root = explorer.add_question(question)
    while elicitor.calls < model_calls and explorer.step([root]):
        pass
    with read_scope(engine) as session:
        graph = load_graph(session, [root])
    engine.dispose()
    return graph


def brier_by_answers(graph: ArgumentGraph, truth: bool, choose: Choose, answers: int, seed: int) -> list[float]:
    """The root's squared error after 0, 1, ..., `answers` truthful answers."""
    world, rng = load_world(), np.random.default_rng(seed)
    texts = {claim.id: claim.text for claim in graph.claims}
    row = graph.index[graph.roots[0].claim]
    scores = [(float(propagate(graph).prob[row]) - truth) ** 2]
    for _ in range(answers):
        if (claim := choose(graph, rng)) is not None:
            statement = world.parse(texts[claim])
            said = 0.5 if statement is None else float(world.truth(statement))
            graph = replace(graph, evidence={**graph.evidence, claim: answer_likelihood(said)})
        scores.append((float(propagate(graph).prob[row]) - truth) ** 2)
    return scores


def interval(scores: FloatArray) -> str:
    """Mean over questions with its 95 % bootstrap interval."""
    rng = np.random.default_rng(0)
    means = scores[rng.integers(len(scores), size=(2000, len(scores)))].mean(axis=1)
    low, high = np.quantile(means, [0.025, 0.975])
    return f"{scores.mean():.3f} [{low:.3f}, {high:.3f}]"


def main(
    questions: Annotated[int, typer.Option(help="How many benchmark questions to explore.")] = 40,
    model_calls: Annotated[int, typer.Option(help="Model calls per question.")] = 250,
    answers: Annotated[int, typer.Option(help="Answers per question.")] = 10,
    out: Annotated[Path | None, typer.Option(help="Where to write the figures as JSON.")] = None,
) -> None:
    """Compare ways to choose what to ask."""
    needing = [q for q in read_benchmark() if q.part == "explore" and q.needs_withheld][:questions]
    elicitor = Elicitor(load_model("bundled"))
    scores: dict[str, list[list[float]]] = {arm: [] for arm in ARMS}
    for number, question in enumerate(track(needing, "exploring", console=Console(stderr=True))):
        with tempfile.TemporaryDirectory() as folder:
            graph = explored(question.question, model_calls, elicitor, Path(folder))
        for arm, choose in ARMS.items():
            scores[arm].append(brier_by_answers(graph, question.truth, choose, answers, seed=number))
    arrays = {arm: np.array(of_arm) for arm, of_arm in scores.items()}
    shown = [k for k in (0, 1, 2, 3, 5, 10) if k <= answers]
    cells = {arm: {k: interval(of_arm[:, k]) for k in shown} for arm, of_arm in arrays.items()}
    table = Table("chosen by", *(f"{k} answers" for k in shown), title=f"Root Brier score, {len(needing)} questions")
    for arm, of_arm in cells.items():
        table.add_row(arm, *of_arm.values())
    Console(width=140).print(table)
    if out is not None:
        out.parent.mkdir(parents=True, exist_ok=True)
        means = {arm: of_arm.mean(axis=0).round(4).tolist() for arm, of_arm in arrays.items()}
        figures = {"questions": len(needing), "model_calls": model_calls, "table": cells, "brier": means}
        out.write_text(json.dumps(figures, indent=1) + "\n")


if __name__ == "__main__":
    typer.run(main)
