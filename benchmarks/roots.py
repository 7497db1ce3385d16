"""What do very many roots cost?

Two worlds. In a *pool*, each root is a small tree of its own over premises that all roots share: a root costs what it
can see (`propagate(..., only_askable=True)`), whatever the number of the others. In a *thicket*, every claim of one
tree is itself a root: there random-sign probes (`probe_values`) give the values summed over all roots from a few
passes, with errors, the best exact, against `propagate`, which works them all out.

    python -m benchmarks.roots --out benchmarks/results/roots.json
"""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, TypeVar

import numpy as np
import typer
from rich.console import Console
from rich.table import Table

from argtree import Argument, ArgumentGraph, Claim, Premise, Root, probe_values, propagate
from benchmarks.random_dags import random_dag

T = TypeVar("T")


def pool(num_roots: int, num_premises: int, seed: int) -> ArgumentGraph:
    """Roots of four argued claims each, on some 24 premises drawn from one pool."""
    rng = np.random.default_rng(seed)
    claims = [Claim(f"p{i}", "", float(rng.uniform(0.05, 0.95))) for i in range(num_premises)]
    arguments: list[Argument] = []

    def argue(conclusion: str, premises: list[str], attack: bool = False) -> None:
        polarity = "attack" if attack else "support"
        strength = float(rng.uniform(0.3, 0.95))
        arguments.append(Argument(f"a{len(arguments)}", conclusion, polarity, strength, tuple(map(Premise, premises))))

    for r in range(num_roots):
        inner = [f"r{r}.{k}" for k in range(4)]
        claims += [Claim(name, "", 0.1) for name in (f"r{r}", *inner)]
        for name in inner:
            argue(name, [f"p{i}" for i in rng.choice(num_premises, 3, replace=False)])
            argue(name, [f"p{i}" for i in rng.choice(num_premises, 3, replace=False)], attack=True)
        argue(f"r{r}", inner[:2])
        argue(f"r{r}", inner[2:])
    roots = tuple(Root(f"r{r}", float(rng.uniform(0.5, 2))) for r in range(num_roots))
    return ArgumentGraph(tuple(claims), tuple(arguments), roots)


def thicket(num_claims: int, seed: int) -> ArgumentGraph:
    """A tree of which every claim is a root."""
    graph = random_dag(num_claims, 0.0, seed)
    rng = np.random.default_rng(seed)
    roots = tuple(Root(claim.id, float(rng.uniform(0.5, 2))) for claim in graph.claims)
    return ArgumentGraph(graph.claims, graph.arguments, roots)


def timed(work: Callable[[], T]) -> tuple[float, T]:
    """Seconds of wall clock, and what came of it."""
    start = time.perf_counter()
    found = work()
    return time.perf_counter() - start, found


def main(
    out: Annotated[Path | None, typer.Option(help="Where to write the figures as JSON.")] = None,
    num_premises: Annotated[int, typer.Option(help="In the pool.")] = 10_000,
    num_probes: Annotated[int, typer.Option(help="Random signs.")] = 32,
) -> None:
    """Time many roots, and print and write the figures."""
    pools, thickets = [], []
    for num_roots in (100, 300, 1000, 3000):
        graph = pool(num_roots, num_premises, 0)
        seconds, result = timed(lambda graph=graph: propagate(graph, only_askable=True))  # type: ignore[misc]
        value_seconds, _ = timed(result.value)
        pools.append(
            {"roots": num_roots, "claims": len(graph.claims), "seconds": seconds, "value_seconds": value_seconds}
        )
    for num_claims in (100, 300, 1000):
        graph = thicket(num_claims, 0)
        seconds, exact = timed(lambda graph=graph: propagate(graph).value())  # type: ignore[misc]
        probe_seconds, probed = timed(
            lambda graph=graph: probe_values(graph, np.random.default_rng(0), num_probes=num_probes)  # type: ignore[misc]
        )
        estimated = probed.standard_error > 0
        spread = np.abs(probed.value - exact)[estimated] / probed.standard_error[estimated]
        thickets.append(
            {
                "roots": num_claims,
                "seconds": seconds,
                "probe_seconds": probe_seconds,
                "median_relative_error": float(np.median(np.abs(probed.value / exact - 1)[estimated])),
                "within_2_errors": float((spread <= 2).mean()),
                "exact_off_by": float(np.abs(probed.value - exact)[~estimated].max()),
            }
        )
    _print(pools, thickets)
    if out is not None:
        out.write_text(json.dumps({"num_probes": num_probes, "pools": pools, "thickets": thickets}, indent=1) + "\n")


def _print(pools: list[dict[str, float]], thickets: list[dict[str, float]]) -> None:
    table = Table("roots", "claims", "propagate s", "ms a root", "values s", title="One pool of premises, many roots")
    for row in pools:
        each = f"{1e3 * row['seconds'] / row['roots']:.2f}"
        table.add_row(
            str(row["roots"]), str(row["claims"]), f"{row['seconds']:.2f}", each, f"{row['value_seconds']:.3f}"
        )
    console = Console(width=140)
    console.print(table)
    columns = ("roots", "propagate s", "probes s", "ratio", "median relative error", "within 2 s.e.", "best off by")
    table = Table(*columns, title="Every claim of a tree a root: all values summed over them")
    for row in thickets:
        table.add_row(
            str(row["roots"]),
            f"{row['seconds']:.2f}",
            f"{row['probe_seconds']:.2f}",
            f"{row['seconds'] / row['probe_seconds']:.1f}",
            f"{row['median_relative_error']:.2f}",
            f"{row['within_2_errors']:.2f}",
            f"{row['exact_off_by']:.0e}",
        )
    console.print(table)


if __name__ == "__main__":
    typer.run(main)
