"""What the bundled model knows, and whether it knows what it does not: `python -m models.everyday.evaluate`.

Everything is asked through `Elicitor`, as the explorer asks it. *Told*: every told statement about a single thing.
*Withheld*: every withheld property, and every threshold of a withheld quantity. The skill compares Brier scores with
answering by base rate, the share of told things of which the same is true.
"""

import json
import logging
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, NamedTuple

import numpy as np
import numpy.typing as npt
import typer
from rich.console import Console
from rich.table import Table

from argtree.errors import ArgtreeError
from models.elicitation import Elicitor
from models.errors import BadReplyError
from models.everyday.benchmark import draw_benchmark
from models.everyday.corpus import MAX_ARGUMENTS, argument_in_words, random_statement
from models.everyday.suite import told_facts, withheld_facts
from models.everyday.withheld import WEIGHTS, Withheld, read_withheld
from models.everyday.world import Statement, World, load_world
from models.load import load_model
from models.statistics import expected_calibration_error

FloatArray = npt.NDArray[np.float64]
NUM_PROPOSALS = 400
NUM_WORDINGS = 300


@dataclass(frozen=True)
class Evaluation:
    """Shares and scores in [0, 1], the skill at most 1."""

    told_accuracy: float
    withheld_accuracy: float
    withheld_ece: float  # expected calibration error over ten bins of equal width (Naeini et al. 2015)
    withheld_skill: float  # 1 - Brier score / Brier score of the base rates
    proposal_valid: float  # of all arguments proposed, those that parse and name claims of the world
    proposal_recall: float  # of the world's own arguments, those proposed
    claim_valid: float  # questions of the benchmark that the model words as the right claim
    question_accuracy: float  # answering the benchmark's questions at once, none of which was posed
    question_brier: float
    num_told: int
    num_withheld: int


class FactScores(NamedTuple):
    """How a model does on facts; fields as in `Evaluation`."""

    told_accuracy: float
    withheld_accuracy: float
    withheld_ece: float
    withheld_skill: float
    num_told: int
    num_withheld: int


def evaluate(elicitor: Elicitor, world: World, withheld: Withheld, seed: int = 0) -> Evaluation:
    """All figures for one model; the same seed asks the same things."""
    facts = score_facts(elicitor, world, withheld)
    valid, recall = _proposals(elicitor, world, np.random.default_rng([seed, 6]))
    questions = draw_benchmark(world, withheld, withheld.seed)
    worded = questions[:: len(questions) // NUM_WORDINGS]
    posed = [q for q in questions if q.part == "test"]
    question_prob = np.array([belief.mean for belief in elicitor.believe([q.claim for q in posed])])
    question_truth = np.array([float(q.truth) for q in posed])
    return Evaluation(
        **facts._asdict(),
        proposal_valid=valid,
        proposal_recall=recall,
        claim_valid=float(np.mean([_worded(elicitor, q.question) == q.claim for q in worded])),
        question_accuracy=_accuracy(question_prob, question_truth),
        question_brier=_brier(question_prob, question_truth),
    )


def score_facts(elicitor: Elicitor, world: World, withheld: Withheld) -> FactScores:
    """How a model does on what it was told, and on what was withheld."""
    told, untold = told_facts(world, withheld), withheld_facts(world, withheld)
    told_prob, withheld_prob = _beliefs(elicitor, world, told), _beliefs(elicitor, world, untold)
    truth = _truths(world, untold)
    return FactScores(
        told_accuracy=_accuracy(told_prob, _truths(world, told)),
        withheld_accuracy=_accuracy(withheld_prob, truth),
        withheld_ece=expected_calibration_error(withheld_prob, truth),
        withheld_skill=1 - _brier(withheld_prob, truth) / _brier(_base_rates(world, told, untold), truth),
        num_told=len(told),
        num_withheld=len(untold),
    )


def _worded(elicitor: Elicitor, question: str) -> str | None:
    try:
        return elicitor.state_claim(question)
    except BadReplyError:
        return None


def _beliefs(elicitor: Elicitor, world: World, statements: Sequence[Statement]) -> FloatArray:
    return np.array([belief.mean for belief in elicitor.believe([world.text(s) for s in statements])])


def _truths(world: World, statements: Sequence[Statement]) -> FloatArray:
    return np.array([float(world.truth(s)) for s in statements])


def _accuracy(prob: FloatArray, truth: FloatArray) -> float:
    return float(np.mean((prob > 0.5) == (truth > 0.5)))


def _brier(prob: FloatArray, truth: FloatArray) -> float:
    return float(np.mean((prob - truth) ** 2))


def _base_rates(world: World, told: Sequence[Statement], wanted: Sequence[Statement]) -> FloatArray:
    truths = defaultdict(list)
    for s in told:
        truths[s.key, s.bound].append(world.truth(s))
    return np.array([np.mean(truths[s.key, s.bound]) for s in wanted])


def _proposals(elicitor: Elicitor, world: World, rng: np.random.Generator) -> tuple[float, float]:
    """(share of proposed arguments that are valid, share of the world's arguments that were proposed)."""
    keys = [*world.derived, *world.families]
    statements = [random_statement(world, keys, rng) for _ in range(NUM_PROPOSALS)]
    own = [[argument_in_words(world, *a) for a in world.arguments(s)] for s in statements]
    listed = [arguments[: MAX_ARGUMENTS * int(rng.integers(2))] for arguments in own]
    requests = [(world.text(s), known) for s, known in zip(statements, listed, strict=True)]
    proposed = elicitor.propose_many(requests, MAX_ARGUMENTS)
    dropped = sum(p.dropped for p in proposed)
    arguments = [argument for p in proposed for argument in p.arguments]
    valid = sum(all(world.parse(premise.text) for premise in a.premises) for a in arguments)
    missing = [set(o[len(k) : len(k) + MAX_ARGUMENTS]) for o, k in zip(own, listed, strict=True)]
    found = sum(len(m & set(p.arguments)) for m, p in zip(missing, proposed, strict=True))
    return valid / (len(arguments) + dropped), found / sum(map(len, missing))


def main(
    model: Annotated[str, typer.Option(help="What to evaluate: bundled, or hf:FOLDER of a model trained here.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Print what a model of the everyday world knows.

    Example: python -m models.everyday.evaluate --model hf:runs/seed-1
    """
    logging.getLogger("argtree.models").setLevel(logging.ERROR)  # what is dropped is counted
    folder = Path(model.removeprefix("hf:")) if model.startswith("hf:") else WEIGHTS
    try:
        evaluation = evaluate(Elicitor(load_model(model or "bundled")), load_world(), read_withheld(folder))
    except (ArgtreeError, OSError) as error:
        typer.echo(f"Error: {error}", err=True)
        raise typer.Exit(1) from error
    if as_json:
        print(json.dumps(asdict(evaluation)))
        return
    table = Table("figure", "value")
    for key, value in asdict(evaluation).items():
        table.add_row(key, f"{value:,}" if isinstance(value, int) else f"{value:.4f}")
    Console().print(table)


if __name__ == "__main__":
    typer.run(main)
