"""The map of entanglement: which layer solves which graph, how long it takes and how far off it is.

Random argument graphs of 200, 1,000 and 5,000 claims with 0 to 20 % of them shared, several seeds of each, and the
`graphs/aralia_*` of the outside data. Each graph runs in a process of its own under a time and a memory limit, so
nothing hangs. Figures are written as they come; a rerun skips what is there.

What an answer is held against: the outside data's `.expected.json`; the sum over all states of the shared claims where
those are few (given them, everything else is a product); else, if asked for, a run with more time.

    python -m benchmarks.entangled --out benchmarks/results/entangled.json --plot benchmarks/results/entangled.png
"""

from __future__ import annotations

import json
import multiprocessing
import os
import resource
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Annotated

import matplotlib.pyplot as plt
import numpy as np
import numpy.typing as npt
import pyagrum
import typer
from rich.console import Console
from rich.progress import track
from rich.table import Table

from argtree import ArgumentGraph, Propagation, propagate, read_graph
from argtree.budget import Budget
from benchmarks.random_dags import random_dag, shared_claims

FloatArray = npt.NDArray[np.float64]

SIZES = (200, 1000, 5000)
SHARES = (0.0, 0.02, 0.05, 0.1, 0.2)
MOST_SUMMED = 20
"""Most shared claims whose states are summed over."""
GRACE_SECONDS = 30.0
"""What a process may take besides: starting, making the graph, comparing, measuring the width."""
LAYERS = ("tree", "elimination", "diagram", "sampling")


@dataclass(frozen=True)
class Case:
    """One graph to be solved."""

    claims: int  # 0 for a file
    share: float  # wanted fraction of shared claims
    seed: int
    file: str = ""  # of the outside data, without ending

    @property
    def name(self) -> str:
        """What it is called in the results."""
        return self.file or f"{self.claims} claims, {self.share:.0%} shared, seed {self.seed}"

    def graph(self) -> ArgumentGraph:
        """Makes or reads it."""
        return (
            read_graph(_graphs() / f"{self.file}.json") if self.file else random_dag(self.claims, self.share, self.seed)
        )


@dataclass(frozen=True)
class Outcome:
    """What became of a graph. None: not known, or not reached."""

    case: Case
    status: str  # "done", "over time", or the name of what was raised
    num_claims: int | None = None
    num_shared: int | None = None  # claims that are premises of more than one argument
    layers: tuple[str, ...] = ()
    exact: bool | None = None
    width: int | None = None  # of the star form, along pyagrum's order of elimination
    seconds: float | None = None
    peak_bytes: int | None = None  # resident, of the whole process
    root_prob: float | None = None
    root_error: float | None = None  # standard error of the root's probability
    value_error: float | None = None  # largest standard error of a claim's variance reduction
    against: str = ""  # what it was compared with
    difference: float | None = None  # largest absolute difference of a probability or value from that
    differences_in_errors: float | None = None  # the same, in standard errors of each figure


@dataclass(frozen=True)
class Limits:
    """What a graph may cost."""

    seconds: float
    memory_bytes: int
    long_seconds: float  # of the run that estimates are compared with; 0: none

    @property
    def all_seconds(self) -> float:
        """Of both runs."""
        return self.seconds + self.long_seconds


def cases(seeds: int) -> list[Case]:
    """All graphs of the map, small ones first."""
    files = sorted(path.stem for path in _graphs().glob("aralia_*.json") if ".expected" not in path.name)
    random = [Case(size, share, seed) for size in SIZES for share in SHARES for seed in range(seeds)]
    return [Case(0, 0.0, 0, name) for name in files] + random


def _graphs() -> Path:
    return Path(os.environ["ARGTREE_DATA"]) / "graphs" if os.environ.get("ARGTREE_DATA") else Path(os.devnull)


def solve_apart(case: Case, limits: Limits) -> Outcome:
    """Returns what became of the case in a process of its own, killed when its time is up."""
    context = multiprocessing.get_context("spawn")
    mine, its = context.Pipe(duplex=False)
    process = context.Process(target=_work, args=(case, limits, its), daemon=True)
    process.start()
    its.close()
    outcome, until = Outcome(case, "over time"), time.monotonic() + limits.all_seconds + GRACE_SECONDS
    try:
        while mine.poll(max(0.0, until - time.monotonic())):
            outcome = mine.recv()  # the last one that arrives has most in it
    except EOFError:  # it ended, well or badly
        if outcome.seconds is None and outcome.status == "over time":
            process.join()
            outcome = replace(outcome, status=f"died with exit code {process.exitcode}")
    process.kill()
    process.join()
    return outcome


def _work(case: Case, limits: Limits, connection: Connection) -> None:
    """Sends outcomes, each with more in it, as far as it gets."""
    resource.setrlimit(resource.RLIMIT_AS, (limits.memory_bytes, limits.memory_bytes))
    outcome = Outcome(case, "done")
    try:
        graph = case.graph()
        shared = shared_claims(graph)
        outcome = replace(outcome, num_claims=len(graph.claims), num_shared=len(shared))
        result, outcome = _solve(graph, limits, outcome)
        connection.send(outcome)
        outcome = _compare(result, shared, limits, outcome)
        connection.send(outcome)
        connection.send(replace(outcome, width=star_width(graph)))
    except Exception as error:  # whatever it is, it belongs into the table
        if outcome.seconds is None:
            connection.send(replace(outcome, status=type(error).__name__))


def _solve(graph: ArgumentGraph, limits: Limits, outcome: Outcome) -> tuple[Propagation, Outcome]:
    start = time.perf_counter()
    result = propagate(graph, budget=Budget(seconds=limits.seconds))
    value_error = result.value_error("variance_reduction")
    seconds = time.perf_counter() - start
    root = graph.index[graph.roots[0].claim]
    return result, replace(
        outcome,
        layers=tuple(result.layers),
        exact=result.exact,
        seconds=seconds,
        peak_bytes=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        root_prob=float(result.prob[root]),
        root_error=float(result.prob_error[root]),
        value_error=float(np.max(value_error)),
    )


def _compare(result: Propagation, shared: Sequence[str], limits: Limits, outcome: Outcome) -> Outcome:
    """Holds every figure that can be had another way against it."""
    graph, case = result.graph, outcome.case
    if case.file:
        expected = json.loads((_graphs() / f"{case.file}.expected.json").read_text())
        rows = [graph.index[row["claim"]] for row in expected["values"]]
        root = graph.index[graph.roots[0].claim]
        mine = np.append(result.value("variance_reduction")[rows], result.prob[root])
        theirs = np.array([row["variance_reduction"] for row in expected["values"]] + [expected["root_prob"]])
        errors = np.append(result.value_error("variance_reduction")[rows], result.prob_error[root])
        against = "expected.json"
    elif len(shared) <= MOST_SUMMED:
        mine, theirs, errors = result.prob, sum_over_shared(graph, shared), result.prob_error
        against = "sum over shared"
    elif limits.long_seconds and not result.exact:
        longer = propagate(graph, budget=Budget(seconds=limits.long_seconds, precision=1e-9))
        mine, theirs, errors = result.prob, longer.prob, result.prob_error
        against = f"{limits.long_seconds:g} s"
    else:
        return outcome
    difference = np.abs(mine - theirs)
    in_errors = difference[errors > 0] / errors[errors > 0]
    return replace(
        outcome,
        against=against,
        difference=float(difference.max()),
        differences_in_errors=float(in_errors.max()) if len(in_errors) else None,
    )


def sum_over_shared(graph: ArgumentGraph, shared: Sequence[str]) -> FloatArray:
    """Returns [C] P(claim) without evidence, by enumeration of the shared claims' states.

    Given those, the premises of a claim are independent, so each probability is a product (cutset conditioning: Pearl
    1988, section 4.4.1). Takes 2^len(shared) times as long as a tree.
    """
    total = np.zeros(len(graph.claims))
    num_states = 2 ** len(shared)
    for start in range(0, num_states, 4096):
        numbers = np.arange(start, min(start + 4096, num_states))
        state_of = {claim: (numbers >> place) & 1 for place, claim in enumerate(shared)}
        total += _sum_over_some(graph, state_of, len(numbers))
    return total


def _sum_over_some(graph: ArgumentGraph, state_of: dict[str, npt.NDArray[np.int64]], num_states: int) -> FloatArray:
    """Returns [C] sums over these states of P(state) * P(claim | state)."""
    prob: dict[str, FloatArray] = {}
    weight = np.ones(num_states)
    for row in graph.topological_order:
        claim = graph.claims[row]
        off, keep = np.full(num_states, 1 - claim.prior), np.ones(num_states)
        for argument in graph.arguments_for(claim.id):
            holds = np.full(num_states, argument.strength)
            for premise in argument.premises:
                holds *= prob[premise.claim] if premise.holds else 1 - prob[premise.claim]
            if argument.polarity == "support":
                off *= 1 - holds
            else:
                keep *= 1 - holds
        prob[claim.id] = (1 - off) * keep
        if (state := state_of.get(claim.id)) is not None:
            weight *= np.where(state == 1, prob[claim.id], 1 - prob[claim.id])
            prob[claim.id] = state.astype(np.float64)
    return np.array([weight @ prob[claim.id] for claim in graph.claims])


def star_width(graph: ArgumentGraph) -> int:
    """Returns the width of the graph's star form along the order that pyagrum finds (minimum fill).

    The star form has a node for each claim, one for each claim's arguments together and one for each conjunction.
    """
    star = pyagrum.UndiGraph()
    star.addNodes(len(graph.claims))
    for row, claim in enumerate(graph.claims):
        arguments = graph.arguments_for(claim.id)
        hub = _neighbour(star, row) if len(arguments) > 1 else row
        for argument in arguments:
            joint = _neighbour(star, hub) if len(argument.premises) > 1 and hub != row else hub
            for premise in argument.premises:
                star.addEdge(joint, graph.index[premise.claim])
    tree = pyagrum.JunctionTreeGenerator().junctionTree(star)
    return max(len(tree.clique(node)) for node in tree.nodes()) - 1


def _neighbour(star: pyagrum.UndiGraph, node: int) -> int:
    new: int = star.addNode()
    star.addEdge(node, new)
    return new


def read_outcomes(path: Path) -> dict[str, Outcome]:
    """Returns what an earlier run left, by the case's name."""
    if not path.exists():
        return {}
    rows = json.loads(path.read_text())["outcomes"]
    outcomes = [Outcome(**{**row, "case": Case(**row["case"]), "layers": tuple(row["layers"])}) for row in rows]
    return {outcome.case.name: outcome for outcome in outcomes}


def write_outcomes(path: Path, outcomes: Sequence[Outcome], limits: Limits) -> None:
    """Replaces the file at once, so that a stop leaves the old or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps({"limits": asdict(limits), "outcomes": [asdict(outcome) for outcome in outcomes]}, indent=1)
    part = path.with_suffix(".part")
    part.write_text(text + "\n")
    part.replace(path)


def print_outcomes(outcomes: Sequence[Outcome]) -> None:
    """The map as a table, one line a graph."""
    table = Table(
        "graph", "status", "claims", "shared", "layers", "width", "seconds", "GiB", "root", "root error", "value error",
        "against", "difference", "in errors", title="Entangled graphs",
    )  # fmt: skip
    for one in outcomes:
        cells = [
            (one.width, "d"), (one.seconds, ".3f"), (one.peak_bytes and one.peak_bytes / 2**30, ".2f"),
            (one.root_prob, ".6f"), (one.root_error, ".1e"), (one.value_error, ".1e"),
        ]  # fmt: skip
        table.add_row(
            one.case.name, one.status, _show(one.num_claims, "d"), _show(one.num_shared, "d"),
            " ".join(layer for layer in LAYERS if layer in one.layers), *(_show(*cell) for cell in cells),
            one.against, _show(one.difference, ".1e"), _show(one.differences_in_errors, ".1f"),
        )  # fmt: skip
    Console(width=200).print(table)
    done = [one for one in outcomes if one.status == "done"]
    print(f"{len(done)} of {len(outcomes)} done, {sum(bool(one.exact) for one in done)} exactly.")


def _show(number: float | None, form: str) -> str:
    return "-" if number is None else format(number, form)


def plot_map(outcomes: Sequence[Outcome], path: Path) -> None:
    """Writes a picture: seconds against the number of shared claims, a colour a layer, a panel a size."""
    figure, panels = plt.subplots(1, len(SIZES), figsize=(4 * len(SIZES), 3.6), sharey=True, layout="constrained")
    colors = dict(zip(LAYERS, ("tab:green", "tab:blue", "tab:purple", "tab:orange"), strict=True))
    for size, panel in zip(SIZES, panels, strict=True):
        some = [one for one in outcomes if one.case.claims == size and one.num_shared is not None]
        for layer, color in colors.items():
            dots = [(one.num_shared, one.seconds) for one in some if one.seconds and _deepest(one) == layer]
            panel.scatter(*(zip(*dots, strict=True) if dots else ((), ())), s=28, color=color, label=layer)
        panel.set(title=f"{size:,} claims", xlabel="shared claims", yscale="log")
        panel.set_xscale("symlog", linthresh=10)
        panel.set_xlim(-1, 0.3 * size)
        panel.grid(alpha=0.3)
    panels[0].set_ylabel("seconds")
    panels[0].legend(title="deepest layer", fontsize="small")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=150)
    plt.close(figure)


def _deepest(outcome: Outcome) -> str:
    return max(outcome.layers, key=LAYERS.index, default="tree")


def main(
    seeds: Annotated[int, typer.Option(help="Graphs of each size and fraction.")] = 3,
    seconds: Annotated[float, typer.Option(help="Time limit of a graph.")] = 60.0,
    memory_gib: Annotated[float, typer.Option(help="Memory limit of a graph (address space).")] = 6.0,
    long_seconds: Annotated[float, typer.Option(help="Hold estimates against a run of so long (0: do not).")] = 0.0,
    fresh: Annotated[bool, typer.Option("--fresh", help="Run again what the results have.")] = False,
    out: Annotated[Path, typer.Option(help="Results, read first and written as they come.")] = Path(
        "benchmarks/results/entangled.json"
    ),
    plot: Annotated[Path | None, typer.Option(help="Where to draw the map (PNG).")] = None,
) -> None:
    """Draw the map of entanglement."""
    limits = Limits(seconds, int(memory_gib * 2**30), long_seconds)
    known = {} if fresh else read_outcomes(out)
    wanted = cases(seeds)
    for case in track(wanted, "solving", console=Console(stderr=True)):
        if case.name not in known:
            known[case.name] = solve_apart(case, limits)
            write_outcomes(out, list(known.values()), limits)
    shown = [known[case.name] for case in wanted]
    print_outcomes(shown)
    if plot is not None:
        plot_map(shown, plot)


if __name__ == "__main__":
    typer.run(main)
