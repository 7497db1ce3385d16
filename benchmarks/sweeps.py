"""Trees at the limit: everything about every claim against the forward half of the sweeps alone.

The bound to hold it against is that of the cheap gradient: all derivatives for about four times the cost of the value
(Baur and Strassen 1983; Griewank and Walther 2008, section 4.6). Printed by `engine`.
"""

from __future__ import annotations

import gc
import statistics
import time
import tracemalloc
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from rich.console import Console
from rich.progress import track
from rich.table import Table

from argtree import MEASURES, Argument, ArgumentGraph, Claim, Premise, Propagation, Root
from argtree.budget import Budget
from argtree.compiled import CompiledGraph, compile_graph, fold_certain
from argtree.influence import Influence
from argtree.layers import Allowance
from argtree.plan import Plan, make_plan
from benchmarks.random_dags import random_dag

SIZES = (1_000, 10_000, 100_000, 1_000_000)


@dataclass(frozen=True)
class SweepTimes:
    """One tree. Seconds are medians."""

    graph: str
    claims: int
    compile_seconds: float  # from the argument graph to the prepared plan
    forward_seconds: float  # up the tree: the probability of every claim and of the evidence
    all_seconds: float  # up, down, and all three measures for every claim
    peak_bytes: int  # of arrays and objects while compiling and running, without the argument graph

    @property
    def ratio(self) -> float:
        """All against the forward half."""
        return self.all_seconds / self.forward_seconds


def prepare(graph: ArgumentGraph) -> tuple[Plan, CompiledGraph]:
    """Returns a graph's plan and its arrays: all that depends on the structure."""
    budget = Budget()
    compiled, known = fold_certain(compile_graph(graph))
    roots = np.array([graph.index[root.claim] for root in graph.roots], dtype=np.intp)
    allowance = Allowance(budget, time.monotonic, time.monotonic() + budget.seconds)
    return make_plan(compiled, known, roots, allowance), compiled


def run(graph: ArgumentGraph, plan: Plan, compiled: CompiledGraph) -> Propagation:
    """Returns what a prepared graph gives (the estimate alone where it was sampled)."""
    found = plan.run(compiled)[0]
    size = len(graph.claims)
    influence = Influence(size, np.arange(size), found.anchor, found.factor, found.at_anchor)
    return Propagation(graph, found.prob, found.complement, influence, plan.layers)


def forward(plan: Plan, compiled: CompiledGraph) -> None:
    """Sends the messages of a tree up, and nothing down."""
    messages = plan.sweep.start(np.stack([1 - compiled.prior, compiled.prior], axis=1) * compiled.evidence)
    for level in sorted(plan.sweep.levels):
        plan.sweep.upwards(level, messages, None)


def measure_sweeps(most_claims: int, runs: int) -> list[SweepTimes]:
    """Times trees of all sizes up to the largest, and the two that are all in one place."""
    sizes = [size for size in SIZES if size <= most_claims]
    rows = [
        _measure(f"tree of {size:,} claims", random_dag(size, 0.0, 0), runs)
        for size in track(sizes, "sweeping", console=Console(stderr=True))
    ]
    rows.append(_measure("a claim with 1,000 arguments", _fan(1000, 1), runs))
    rows.append(_measure("a conjunction of 100 premises", _fan(1, 100), runs))
    return rows


def _fan(num_arguments: int, num_premises: int) -> ArgumentGraph:
    """Returns one claim with so many arguments of so many premises each."""
    rng = np.random.default_rng(0)
    claims, arguments = [Claim("root", "", 0.1)], []
    for a in range(num_arguments):
        names = [f"c{a}.{p}" for p in range(num_premises)]
        claims += [Claim(name, "", float(rng.uniform(0.9, 1.0))) for name in names]
        strength = float(rng.uniform(0.0, 2.0 / (1 + num_arguments)))
        arguments.append(Argument(f"a{a}", "root", "support", strength, tuple(map(Premise, names))))
    return ArgumentGraph(claims, arguments, [Root("root")])


def _measure(name: str, graph: ArgumentGraph, runs: int) -> SweepTimes:
    gc.collect()
    tracemalloc.start()
    _all_measures(graph, *prepare(graph))
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    compile_seconds = _seconds(lambda: prepare(graph))
    plan, compiled = prepare(graph)
    forwards, alls = [], []
    for _ in range(runs):  # in turns, so that a busy machine slows both
        forwards.append(_seconds(lambda: forward(plan, compiled)))
        alls.append(_seconds(lambda: _all_measures(graph, plan, compiled)))
    medians = statistics.median(forwards), statistics.median(alls)
    return SweepTimes(name, len(graph.claims), compile_seconds, *medians, peak_bytes)


def _all_measures(graph: ArgumentGraph, plan: Plan, compiled: CompiledGraph) -> None:
    result = run(graph, plan, compiled)
    for measure in MEASURES:
        result.value(measure)


def _seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def print_sweeps(rows: list[SweepTimes]) -> None:
    """The table."""
    table = Table(
        "graph", "compile s", "forward s", "all measures s", "ratio", "ns a claim", "peak MiB", "bytes a claim",
        title="Sweeps over trees, once compiled",
    )  # fmt: skip
    for row in rows:
        table.add_row(
            row.graph, f"{row.compile_seconds:.4f}", f"{row.forward_seconds:.5f}", f"{row.all_seconds:.5f}",
            f"{row.ratio:.2f}", f"{1e9 * row.all_seconds / row.claims:.0f}", f"{row.peak_bytes / 2**20:.1f}",
            f"{row.peak_bytes / row.claims:.0f}",
        )  # fmt: skip
    Console(width=140).print(table)
