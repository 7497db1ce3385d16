"""Questions of the world with their truths: `python -m models.everyday.benchmark --seed 0` writes the file.

Parts: *explore* may be posed as roots; *validation* and *test* are other questions about the same things and are never
posed; *apart* is about things that occur nowhere else. Things are drawn by a long-tailed popularity (Zipf), as people
ask more about some than about others, and four in five questions need a withheld fact.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import typer

from models.everyday.withheld import WEIGHTS, Withheld, draw_withheld
from models.everyday.world import Statement, World, load_world

Part = Literal["explore", "validation", "test", "apart"]
SIZES: dict[Part, int] = {"explore": 1400, "validation": 700, "test": 900, "apart": 400}
NEEDS_WITHHELD_SHARE = 0.8
BENCHMARK = WEIGHTS / "benchmark.jsonl"


@dataclass(frozen=True)
class BenchmarkQuestion:
    """A question as somebody would ask it, its claim, and whether that is true."""

    part: Part
    question: str
    claim: str
    truth: bool
    needs_withheld: bool  # whether its truth could depend on a fact that the model was not told


def draw_benchmark(world: World, withheld: Withheld, seed: int, zipf: float = 1.0) -> list[BenchmarkQuestion]:
    """The questions of all parts; the same seed gives the same ones. Truths choose nothing.

    Args:
        zipf: The exponent of popularity: a thing's is its rank to the power -zipf. With 0 all things are as popular.
    """
    rng = np.random.default_rng([seed, 5])
    common = [name for name in sorted(world.things) if name not in withheld.apart]
    common = [common[i] for i in rng.permutation(len(common))]
    seen: set[Statement] = set()
    found: list[BenchmarkQuestion] = []
    for part, size in SIZES.items():
        things = sorted(withheld.apart) if part == "apart" else common
        for statement in _statements(world, withheld, things, size, zipf, seen, rng):
            phrasings = world.questions(statement)
            question, told = phrasings[rng.integers(len(phrasings))], withheld.is_told(world, statement)
            found.append(BenchmarkQuestion(part, question, world.text(statement), world.truth(statement), not told))
        if part == "explore":
            explored = {thing for statement in seen for thing in statement.things}
            common = [name for name in common if name in explored]  # the other parts ask about the same things
    return found


def read_benchmark(path: Path = BENCHMARK) -> list[BenchmarkQuestion]:
    """The questions in a file that `python -m models.everyday.benchmark` wrote, by default the bundled one."""
    return [BenchmarkQuestion(**json.loads(line)) for line in path.read_text(encoding="utf-8").splitlines()]


def benchmark_lines(questions: Sequence[BenchmarkQuestion]) -> str:
    """The questions as JSON lines."""
    return "".join(json.dumps(asdict(question), ensure_ascii=False) + "\n" for question in questions)


def _statements(
    world: World,
    withheld: Withheld,
    things: Sequence[str],
    size: int,
    zipf: float,
    seen: set[Statement],
    rng: np.random.Generator,
) -> Iterator[Statement]:
    """`size` new questions about `things`, the first of which are the most popular; added to `seen`."""
    popularity = np.arange(1, len(things) + 1) ** -zipf  # Zipf's law
    families = list(world.families.values())
    wanted = {False: round(size * NEEDS_WITHHELD_SHARE), True: size - round(size * NEEDS_WITHHELD_SHARE)}
    if all(withheld.facts.isdisjoint(world.facts(thing)) is False for thing in things):
        wanted = {False: size, True: 0}  # of things set apart nearly every question needs what is withheld
    while any(wanted.values()):
        rule = families[rng.integers(len(families))]
        drawn = rng.choice(len(things), rule.arity, replace=False, p=popularity / popularity.sum())
        statement = Statement(rule.key, tuple(things[i] for i in drawn))
        told = withheld.is_told(world, statement)
        if statement not in seen and wanted[told]:
            wanted[told] -= 1
            seen.add(statement)
            yield statement


def write(
    seed: Annotated[int, typer.Option(help="Chooses the questions, and what is withheld.")] = 0,
    out: Annotated[Path, typer.Option(help="The file to write.")] = BENCHMARK,
) -> None:
    """Draw the benchmark of a seed and write it as JSON lines."""
    world = load_world()
    questions = draw_benchmark(world, draw_withheld(world, seed), seed)
    out.write_text(benchmark_lines(questions), encoding="utf-8")
    for part in SIZES:
        of_part = [q for q in questions if q.part == part]
        print(
            f"{part}: {len(of_part)} questions, {np.mean([q.truth for q in of_part]):.0%} true, "
            f"{np.mean([q.needs_withheld for q in of_part]):.0%} need withheld facts"
        )


if __name__ == "__main__":
    typer.run(write)
