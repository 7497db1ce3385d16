"""argtree's engine beside pyagrum and pgmpy: the same graphs, the same questions, one process, timed in turns.

The question is P(root), P(root | claim) and P(root | not claim) for every claim without arguments. pyagrum is asked in
two ways: its quickest (read all claims with and without the root held true, then Bayes' rule) and the obvious one
(infer anew with each claim held true and false); each with every encoding and engine of `rivals`, of which the quickest
counts. Its figures leave out building the network, ours start from the argument graph; "again" and "compiled" are the
same once everything that depends on the structure is there. Ours answer for every claim, not just those asked. A median
of several runs, theirs and ours in turns. Ratios above 1 mean that argtree is quicker.

    python -m benchmarks.engine --out benchmarks/results/engine.json
"""

from __future__ import annotations

import json
import os
import statistics
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, TypeVar

import numpy as np
import typer
from rich.console import Console
from rich.progress import track
from rich.table import Table

from argtree import ArgumentGraph, Propagation, propagate, read_graph
from benchmarks.random_dags import random_dag, shared_claims
from benchmarks.rivals import ENCODINGS, Answers, Pgmpy, Pyagrum, TooWideError, time_limit
from benchmarks.sweeps import measure_sweeps, prepare, print_sweeps, run

OUTSIDE = ("asia", "asia_smoker", "win95pts", "aralia_chinese", "aralia_das9201", "aralia_edf9206", "aralia_isp9602")
RANDOM = (
    # claims, share
    (20, 0.0),
    (100, 0.0),
    (300, 0.0),
    (1000, 0.0),
    (20, 0.1),
    (100, 0.05),
    (100, 0.1),
    (300, 0.045),
    (1000, 0.02),  # with 4.5 % too, the whole did not come to an end in a quarter of an hour
)
MOST_CLAIMS_PGMPY = 300
"""Larger graphs are not tried with it: single steps of it outlast any time limit."""
AGREEMENT = 1e-9

Result = TypeVar("Result")


@dataclass(frozen=True)
class Comparison:
    """One graph. Seconds are medians; None where that library did not finish."""

    graph: str
    claims: int
    shared: int  # claims that are premises of several arguments
    asked: int  # claims without arguments
    layers: tuple[str, ...]  # of argtree
    seconds: float  # argtree, from the graph
    compiled_seconds: float  # argtree, once compiled
    pyagrum: str  # the encoding and engine that was quickest, or why there is none
    pyagrum_seconds: float | None  # two inferences and Bayes' rule, from the network
    pyagrum_again_seconds: float | None  # the same by an inference that has run before
    reinference_seconds: float | None  # pyagrum, each claim held true and false; past the limit, at the pace so far
    pgmpy_seconds: float | None
    max_difference: float | None  # largest absolute difference of any probability from any library's


def graphs() -> Iterator[tuple[str, ArgumentGraph]]:
    """The outside graphs, where ARGTREE_DATA names a folder, and random ones."""
    if folder := os.environ.get("ARGTREE_DATA"):
        for name in OUTSIDE:
            yield name, read_graph(Path(folder) / "graphs" / f"{name}.json")
    for num_claims, share in RANDOM:
        yield f"{'dag' if share else 'tree'} {num_claims}, {share:.1%} shared", random_dag(num_claims, share, 0)


def compare(name: str, graph: ArgumentGraph, runs: int, limit_seconds: float) -> Comparison:
    """Time every library on one graph and hold their answers against each other."""
    asked = [claim.id for claim in graph.claims if not graph.arguments_for(claim.id)]
    result, plan, compiled = _ours(graph), *prepare(graph)
    ours = _answers(result, asked)
    rival, why = _quickest_pyagrum(graph, asked, limit_seconds)
    works: list[Callable[[], object]] = [lambda: _ours(graph), lambda: run(graph, plan, compiled).root_if_true]
    differences, reinference_seconds = [], None
    if rival is not None:
        started = rival.start(asked)
        works += [lambda: rival.by_root(asked), lambda: rival.by_root(asked, started)]
        differences += [_difference(ours, rival.by_root(asked)), _difference(ours, rival.by_root(asked, started))]
        held, reinference_seconds = rival.by_claim(asked, limit_seconds)
        differences.append(_difference_of_held(ours, held))
    seconds = [*_in_turns(works, runs), None, None]
    is_small = len(graph.claims) <= MOST_CLAIMS_PGMPY
    pgmpy_answers, pgmpy_seconds = _pgmpy(graph, asked, limit_seconds) if is_small else (None, None)
    differences.append(_difference(ours, pgmpy_answers))
    return Comparison(
        graph=name,
        claims=len(graph.claims),
        shared=len(shared_claims(graph)),
        asked=len(asked),
        layers=result.layers,
        seconds=seconds[0],
        compiled_seconds=seconds[1],
        pyagrum=why,
        pyagrum_seconds=seconds[2],
        pyagrum_again_seconds=seconds[3],
        reinference_seconds=reinference_seconds,
        pgmpy_seconds=pgmpy_seconds,
        max_difference=max((one for one in differences if one is not None), default=None),
    )


def _ours(graph: ArgumentGraph) -> Propagation:
    result = propagate(graph)
    assert len(result.root_if_true) == len(result.root_if_false) == 1  # worked out when they are asked for
    return result


def _answers(result: Propagation, asked: Sequence[str]) -> Answers | None:
    """None where the figures are estimates, which agree to their standard errors only."""
    rows = [result.graph.index[claim] for claim in asked]
    if not result.exact:
        return None
    return Answers(result.prob[rows], result.root_if_true[0, rows], result.root_if_false[0, rows])


def _quickest_pyagrum(graph: ArgumentGraph, asked: Sequence[str], limit_seconds: float) -> tuple[Pyagrum | None, str]:
    """Tries all encodings and engines once, until the limit is past; returns the quickest and its name."""
    best: tuple[float, Pyagrum] | None = None
    why, start = "", time.perf_counter()
    for encoding in ENCODINGS:
        for engine in Pyagrum.ENGINES:
            if time.perf_counter() - start > limit_seconds and best is not None:
                break
            try:
                rival = Pyagrum(graph, encoding, engine)
            except TooWideError as error:
                why = f"too wide: {error}"
                break
            seconds, _ = _timed(lambda rival=rival: rival.by_root(asked))
            if best is None or seconds < best[0]:
                best = seconds, rival
    return (best[1], f"{best[1].encoding}, {best[1].engine}") if best else (None, why)


def _pgmpy(graph: ArgumentGraph, asked: Sequence[str], limit_seconds: float) -> tuple[Answers | None, float | None]:
    try:
        with time_limit(limit_seconds), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            rival = Pgmpy(graph, "tables")
            seconds, answers = _timed(lambda: rival.by_claim(asked))
    except (TimeoutError, MemoryError, ValueError):  # ValueError: more axes than numpy or einsum has
        return None, None
    return answers, seconds


def _timed(work: Callable[[], Result]) -> tuple[float, Result]:
    start = time.perf_counter()
    result = work()
    return time.perf_counter() - start, result


def _in_turns(works: Sequence[Callable[[], object]], runs: int) -> list[float]:
    """Medians of the seconds of each, run in turns."""
    seconds: list[list[float]] = [[] for _ in works]
    for _ in range(runs):
        for work, found in zip(works, seconds, strict=True):
            found.append(_timed(work)[0])
    return [statistics.median(found) for found in seconds]


def _difference(ours: Answers | None, theirs: Answers | None) -> float | None:
    """The largest difference of any probability that is possible in both."""
    if ours is None or theirs is None:
        return None
    pairs = zip(asdict(ours).values(), asdict(theirs).values(), strict=True)
    return max(float(np.nanmax(np.abs(one - other), initial=0.0)) for one, other in pairs)


def _difference_of_held(ours: Answers | None, held: np.ndarray) -> float | None:
    if ours is None:
        return None
    mine = np.stack([ours.root_if_false, ours.root_if_true], axis=1)[: len(held)]
    return float(np.nanmax(np.abs(mine - held), initial=0.0))


def print_comparisons(rows: Sequence[Comparison]) -> None:
    """The table: seconds, and how many times as long the others take."""
    table = Table(
        "graph", "claims", "shared", "layers", "argtree s", "compiled s", "pyagrum s", "ratio", "again s", "ratio",
        "re-inference s", "ratio", "pgmpy s", "ratio", "difference", "pyagrum's quickest",
        title="Everything about one root: argtree and others",
    )  # fmt: skip
    for row in rows:
        pairs = [
            (row.pyagrum_seconds, row.seconds),
            (row.pyagrum_again_seconds, row.compiled_seconds),
            (row.reinference_seconds, row.seconds),
            (row.pgmpy_seconds, row.seconds),
        ]
        cells = [cell for theirs, ours in pairs for cell in (_show(theirs), _show(theirs and theirs / ours, ".3g"))]
        table.add_row(
            row.graph, str(row.claims), str(row.shared), " ".join(row.layers), _show(row.seconds),
            _show(row.compiled_seconds), *cells, _show(row.max_difference, ".0e"), row.pyagrum,
        )  # fmt: skip
    Console(width=220).print(table)
    worst = max((row.max_difference for row in rows if row.max_difference is not None), default=0.0)
    print(f"Largest difference {worst:.1e}: {'within' if worst <= AGREEMENT else 'MORE THAN'} {AGREEMENT:g}.")


def _show(number: float | None, form: str = ".4f") -> str:
    return "-" if number is None else format(number, form)


def main(
    runs: Annotated[int, typer.Option(help="Runs of each, of which the median counts.")] = 5,
    limit_seconds: Annotated[float, typer.Option(help="How long another library may take for a graph.")] = 60.0,
    most_claims: Annotated[int, typer.Option(help="Leave larger graphs out.")] = 1_000_000,
    out: Annotated[Path | None, typer.Option(help="Where to write the figures as JSON.")] = None,
) -> None:
    """Compare argtree with pyagrum and pgmpy, and its sweeps with their forward half."""
    cases = [case for case in graphs() if len(case[1].claims) <= most_claims]
    rows = []
    for name, graph in track(cases, "comparing", console=(err := Console(stderr=True))):
        err.print(f"{name} ...", style="dim")
        rows.append(compare(name, graph, runs, limit_seconds))
    print_comparisons(rows)
    sweeps = measure_sweeps(most_claims, runs)
    print_sweeps(sweeps)
    if out is not None:
        out.parent.mkdir(parents=True, exist_ok=True)
        figures = {
            "runs": runs,
            "limit_seconds": limit_seconds,
            "comparisons": [asdict(row) for row in rows],
            "sweeps": [asdict(row) for row in sweeps],
        }
        out.write_text(json.dumps(figures, indent=1) + "\n")


if __name__ == "__main__":
    typer.run(main)
