"""What does re-ranking cost after one answer or one expansion, against doing everything anew?

Random trees of one root with attacks, negated premises and strengths from 0.3 to 0.95; half of the answers certain,
half of a rater who errs. Printed for each size: median and 95th percentile of an answer, an expansion by two arguments,
a posterior and the ten best by each measure; the same while the root and a hundred other argued claims carry evidence
of 9 to 1; what building takes in time and memory; and doing everything anew: `propagate` and `rank` from the graph
(what a program without `LiveForest` runs after each answer), and a `Propagator` that keeps its plan, with the ten best
alone. Processor time of the one thread that works, so that whatever else the machine does is left out.

    python benchmarks/live.py --out benchmarks/results/live.json
"""

import json
import sys
import time
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from rich.console import Console
from rich.table import Table

from argtree import MEASURES, Argument, ArgumentGraph, Claim, Premise, Root, propagate, rank
from argtree.live import LiveForest
from argtree.propagate import Propagator


def random_tree(rng: np.random.Generator, num_claims: int) -> ArgumentGraph:
    """A tree grown from the root: a leaf gets 1 to 3 arguments of 2 to 3 new premises until it is large enough.

    Half of the time the leaf is one of the five newest, so that some lines of thought run deep.
    """
    claims, arguments, leaves = [Claim("c0", "the root", 0.1)], [], ["c0"]
    while len(claims) < num_claims:
        at = int(rng.integers(0 if rng.random() < 0.5 else max(0, len(leaves) - 5), len(leaves)))
        leaves[at], leaves[-1] = leaves[-1], leaves[at]
        conclusion = leaves.pop()
        for place in range(int(rng.integers(1, 4))):
            new, argument = random_argument(rng, conclusion, len(claims), len(arguments), place > 0)
            claims += new
            arguments.append(argument)
            leaves += [claim.id for claim in new]
    return ArgumentGraph(tuple(claims), tuple(arguments), (Root("c0"),))


def random_argument(
    rng: np.random.Generator, conclusion: str, num_claims: int, number: int, may_attack: bool
) -> tuple[list[Claim], Argument]:
    """An argument with its new premises: a fifth are attacks where they may be, a tenth of premises are negated."""
    new = [Claim(f"c{num_claims + i}", "a premise", float(rng.uniform(0.05, 0.95))) for i in range(rng.integers(2, 4))]
    polarity = "attack" if may_attack and rng.random() < 0.2 else "support"
    premises = tuple(Premise(claim.id, bool(rng.random() < 0.9)) for claim in new)
    return new, Argument(f"a{number}", conclusion, polarity, float(rng.uniform(0.3, 0.95)), premises)


def seconds_of(act: Callable[[], object]) -> float:
    """Processor time of one call."""
    start = time.process_time()
    act()
    return time.process_time() - start


def middle_and_tail(seconds: list[float]) -> dict[str, float]:
    """Median and 95th percentile, in milliseconds."""
    return {"median_ms": float(np.median(seconds)) * 1e3, "p95_ms": float(np.quantile(seconds, 0.95)) * 1e3}


def likelihoods(rng: np.random.Generator) -> tuple[float, float]:
    """A certain answer or one of a rater who is right with probability 0.97, yes as often as no."""
    wrong = 0.0 if rng.random() < 0.5 else 0.03
    return (wrong, 1 - wrong) if rng.random() < 0.5 else (1 - wrong, wrong)


def measure_tops(live: LiveForest, changes: list[Callable[[], object]]) -> dict[str, dict[str, float]]:
    """Times the ten best by each measure after each change."""
    seconds: dict[str, list[float]] = {measure: [] for measure in MEASURES}
    for change in changes:
        change()
        for measure in MEASURES:
            seconds[measure].append(seconds_of(lambda measure=measure: live.top(10, measure)))
    return {measure: middle_and_tail(of) for measure, of in seconds.items()}


def measured(num_claims: int, repeats: int, seed: int) -> dict[str, Any]:
    """All figures for one tree."""
    rng = np.random.default_rng(seed)
    graph = random_tree(rng, num_claims)
    argued = {argument.conclusion for argument in graph.arguments}
    leaves = [claim.id for claim in graph.claims if claim.id not in argued]
    full, prepared = seconds_of(lambda: rank(propagate(graph))[:10]), seconds_once_prepared(graph)
    result = propagate(graph)
    best = {measure: [one.value for one in rank(result, measure)[:10]] for measure in MEASURES}
    del result
    build = seconds_of(lambda: LiveForest(graph))
    live = LiveForest(graph)
    memory = mebibytes(live)
    gap = max(
        float(np.max(np.abs(np.array([one.value for one in live.top(10, of)]) / best[of] - 1))) for of in MEASURES
    )
    chosen = rng.choice(leaves, 4 * repeats, replace=False).tolist()
    depths = [len(live._forest.path(live._row(claim))) - 1 for claim in chosen]
    answers = [seconds_of(lambda c=claim: live.answer(c, likelihoods(rng))) for claim in chosen[:repeats]]
    expansions = []
    for number, claim in enumerate(chosen[repeats : 2 * repeats]):
        pairs = [random_argument(rng, claim, num_claims + 100 + 10 * number + 5 * i, i, i > 0) for i in range(2)]
        new, arguments = [c for claims, _ in pairs for c in claims], [argument for _, argument in pairs]
        expansions.append(seconds_of(lambda c=claim, n=new, a=arguments: live.expand(c, n, a, prior=0.1)))
    posteriors = [seconds_of(lambda c=claim: live.posterior(c)) for claim in chosen[:repeats]]
    figures: dict[str, Any] = {
        "claims": num_claims,
        "depth": {"median": float(np.median(depths)), "max": max(depths)},
        "answer": middle_and_tail(answers),
        "expand": middle_and_tail(expansions),
        "posterior": middle_and_tail(posteriors),
    }
    tops = chosen[2 * repeats :]
    figures["top_10"] = measure_tops(live, [lambda c=c: live.answer(c, likelihoods(rng)) for c in tops[:100]])
    for claim in ["c0", *rng.choice(sorted(argued), 100, replace=False).tolist()]:
        live.answer(claim, (0.1, 0.9) if rng.random() < 0.5 else (0.9, 0.1))
    figures["top_10_argued_evidence"] = measure_tops(
        live, [lambda c=c: live.answer(c, (0.03, 0.97)) for c in tops[100:130]]
    )
    one_step = (figures["answer"]["median_ms"] + figures["top_10"]["variance_reduction"]["median_ms"]) / 1e3
    return figures | {
        "build_s": build,
        "memory_mb": memory,
        "anew_s": full,
        "anew_over_answer_and_top": full / one_step,
        "anew_prepared_s": prepared,
        "anew_prepared_over_answer_and_top": prepared / one_step,
        "largest_relative_gap_of_the_ten_best": gap,
    }


def seconds_once_prepared(graph: ArgumentGraph) -> float:
    """The second propagation of one `Propagator`, and the ten largest variance reductions without `rank`'s objects."""
    propagator = Propagator()
    propagator(graph)
    return seconds_of(lambda: np.argpartition(-propagator(graph).value(), 10))


def mebibytes(live: LiveForest) -> float:
    """What the live arrays take, without the claims' objects and ids, which they share with the graph."""
    columns = [getattr(live._forest, one.name) for one in fields(live._forest)]
    spans = [span for span in live._forest.arguments if span]
    return (sum(map(sys.getsizeof, columns)) + sum(map(sys.getsizeof, spans)) + sys.getsizeof(live._claims)) / 2**20


def main(
    sizes: Annotated[list[int] | None, typer.Option("--size", help="Claims; may be repeated.")] = None,
    repeats: Annotated[int, typer.Option(help="Answers and expansions timed per size.")] = 500,
    seed: Annotated[int, typer.Option(help="Of the random trees.")] = 0,
    out: Annotated[Path | None, typer.Option(help="Where to write the figures as JSON.")] = None,
) -> None:
    """Time single answers and expansions on large trees."""
    rows = [measured(size, repeats, seed) for size in sizes or [10**4, 10**5, 10**6]]
    table = Table("", *(f"{row['claims']:,} claims" for row in rows), title="Median / 95th percentile, ms")
    for name in ("answer", "expand", "posterior"):
        table.add_row(name, *(_both(row[name]) for row in rows))
    for name, said in (("top_10", "ten best"), ("top_10_argued_evidence", "ten best, 101 argued claims with evidence")):
        for measure in MEASURES:
            table.add_row(f"{said}, {measure}", *(_both(row[name][measure]) for row in rows))
    table.add_section()
    table.add_row("depth of a leaf, median / largest", *("{median:.0f} / {max}".format(**row["depth"]) for row in rows))
    table.add_row("building, s", *(f"{row['build_s']:.2f}" for row in rows))
    table.add_row("memory, MiB", *(f"{row['memory_mb']:.0f}" for row in rows))
    for name, said in (("anew", "propagate and rank anew"), ("anew_prepared", "Propagator anew, its plan kept")):
        table.add_row(f"{said}, s", *(f"{row[f'{name}_s']:.3f}" for row in rows))
        table.add_row("  over answer and ten best", *(f"{row[f'{name}_over_answer_and_top']:,.0f} x" for row in rows))
    gap = "largest_relative_gap_of_the_ten_best"
    table.add_row("  largest relative difference of values", *(f"{row[gap]:.1e}" for row in rows))
    Console(width=140).print(table)
    if out is not None:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(json.dumps({"seed": seed, "repeats": repeats, "sizes": rows}, indent=1) + "\n")


def _both(figures: dict[str, float]) -> str:
    return "{median_ms:.3f} / {p95_ms:.3f}".format(**figures)


if __name__ == "__main__":
    typer.run(main)
