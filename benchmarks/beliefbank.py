"""Does it pay to ask by value of information about real facts? No language model: beliefs are simulated.

For each living thing of the BeliefBank a graph is made of its facts and their implications (`beliefbank_graphs`). Of
every fact a simulated model has a belief whose log-odds are normal around the truth, with a variance of twice the
mean: a well-calibrated log-likelihood ratio, of which a stated share is on the wrong side. Then facts are asked one
at a time, chosen in several ways from the posterior anew after each answer, and answered with the truth.

Two ways to keep score. `free`: every fact is a root and may be asked; F1 is of the facts not asked (which differ from
arm to arm) and of all. `half`: half of the facts, drawn by the seed, may never be asked; they are the roots and what
is scored.

    ARGTREE_DATA=... python -m benchmarks.beliefbank --out benchmarks/results/beliefbank.json

Each result is appended to the work file as it comes; a rerun skips what is there.
"""

from __future__ import annotations

import json
import os
import time
import zlib
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import matplotlib.pyplot as plt
import numpy as np
import numpy.typing as npt
import typer
from rich.console import Console
from rich.progress import track
from rich.table import Table
from scipy.stats import norm, t

from argtree import ArgumentGraph, Reliability, answer_likelihood
from argtree.value import value_of_information
from benchmarks.beliefbank_graphs import Bank, Solver, above, build_graph, estimate, read_bank

FloatArray = npt.NDArray[np.float64]

ORACLE = Reliability(0.999, 0.999)
SHOWN = (0, 1, 2, 5, 10, 20, 40)
FIGURES = ("f1_open", "f1_all", "brier_open", "brier_all", "violated")


@dataclass(frozen=True)
class Job:
    """One run of all arms."""

    entity: str
    seed: int
    wrong: float  # share of beliefs on the wrong side
    protocol: str  # "free" or "half"


@dataclass(frozen=True)
class State:
    """What an arm chooses from. Axes: A claims that may be asked, R roots."""

    prob: FloatArray  # [A]
    own: FloatArray  # [A] 1 where the claim is a root itself
    resting: FloatArray  # [A] roots that rest on the claim, itself among them
    degree: FloatArray  # [A] links of the claim in the constraints
    noise: FloatArray  # [A] random numbers
    difference: FloatArray  # [R, A] P(root | claim) - P(root | not claim); empty for an arm that does not look at it

    @property
    def variance(self) -> FloatArray:
        """[A] of the claim."""
        return self.prob * (1 - self.prob)

    @property
    def value(self) -> FloatArray:
        """[A] variance reduction of a perfect answer, summed over roots."""
        return np.asarray(value_of_information("variance_reduction", self.prob, 0.5, self.difference).sum(axis=0))


Score = Callable[[State], FloatArray]
ARMS: dict[str, Score] = {
    "value": lambda state: state.value,
    "value for others": lambda state: state.value - state.own * state.variance,
    "sensitivity": lambda state: np.abs(state.difference).sum(axis=0),
    "uncertainty": lambda state: state.variance,
    "most shared": lambda state: state.resting * state.variance,
    "degree": lambda state: state.degree,
    "random": lambda state: state.noise,
}
LOOK_AT_ROOTS = ("value", "value for others", "sensitivity")


def believe(facts: dict[str, bool], wrong: float, rng: np.random.Generator) -> dict[str, tuple[float, float]]:
    """Returns a belief about each fact as likelihoods: log-odds ~ N(+-s^2/2, s^2), on the wrong side with P = wrong."""
    sd = -2 * norm.ppf(wrong)
    log_odds = {
        claim: (sd**2 / 2) * (1 if truth else -1) + sd * rng.standard_normal() for claim, truth in facts.items()
    }
    return {claim: (float(1 / (1 + np.exp(odds))), float(1 / (1 + np.exp(-odds)))) for claim, odds in log_odds.items()}


def score(prob: dict[str, float], bank: Bank, facts: dict[str, bool], asked: set[str], held: set[str]) -> list[float]:
    """Returns the `FIGURES` of these beliefs. `held`: what may be scored."""
    open_ = held - asked
    believed = {claim: prob[claim] > 0.5 for claim in facts}
    checked = [believed[b] for a, b in bank.implies if a in facts and b in facts and believed[a]]
    checked += [not believed[b] for a, b in bank.excludes if a in facts and b in facts and believed[a]]
    brier = [float(np.mean([(prob[claim] - facts[claim]) ** 2 for claim in some])) for some in (open_, facts)]
    violated = 1 - float(np.mean(checked)) if checked else 0.0
    return [_f1(believed, facts, open_), _f1(believed, facts, set(facts)), *brier, violated]


def _f1(believed: dict[str, bool], facts: dict[str, bool], some: set[str]) -> float:
    hits = sum(believed[claim] and facts[claim] for claim in some)
    return 2 * hits / max(1, sum(believed[claim] + facts[claim] for claim in some))


def run_job(job: Job, bank: Bank, answers: int) -> dict[str, list[list[float]]]:
    """Returns each arm's figures after 0 to `answers` answers, [answers + 1][FIGURES]; "no graph": beliefs alone."""
    facts = dict(bank.facts[job.entity])
    rng = np.random.default_rng([job.seed, round(1000 * job.wrong), zlib.crc32(job.entity.encode())])
    beliefs = believe(facts, job.wrong, rng)
    names = list(facts)
    held = set(names) if job.protocol == "free" else {names[i] for i in rng.permutation(len(names))[: len(names) // 2]}
    graph = build_graph(bank, job.entity, estimate(bank, job.entity), beliefs, [name for name in names if name in held])
    solver, index = Solver(graph), graph.index
    start = np.ones((len(graph.claims), 2))
    for claim, pair in beliefs.items():
        start[index[claim]] = pair
    roots = [index[root.claim] for root in graph.roots]
    askable = [index[name] for name in names if job.protocol == "free" or name not in held]
    noise, resting, degree = rng.random(len(graph.claims)), *_counts(graph, bank, held)
    figures = {"no graph": [score({name: pair[1] for name, pair in beliefs.items()}, bank, facts, set(), held)]}
    for arm, choose in ARMS.items():
        if arm == "value for others" and job.protocol == "half":
            continue  # nothing that may be asked is a root: the same as value
        evidence, left, asked = start.copy(), list(askable), set[str]()
        figures[arm] = []
        for count in range(answers + 1):
            prob = solver.posteriors(evidence[np.newaxis])[0]
            figures[arm].append(score({n: float(prob[index[n]]) for n in names}, bank, facts, asked, held))
            if count < answers:
                moved = solver.differences(evidence, left)[roots] if arm in LOOK_AT_ROOTS else np.empty((0, len(left)))
                own = np.isin(left, roots).astype(np.float64)
                scores = choose(State(prob[left], own, resting[left], degree[left], noise[left], moved))
                row = left.pop(int(np.argmax(scores)))
                asked.add(claim := graph.claims[row].id)
                evidence[row] *= answer_likelihood(float(facts[claim]), ORACLE)
    return figures


def _counts(graph: ArgumentGraph, bank: Bank, held: set[str]) -> tuple[FloatArray, FloatArray]:
    resting, degree = np.zeros((2, len(graph.claims)))
    for root in held:
        for claim in above(root, [(p.claim, a.conclusion) for a in graph.arguments for p in a.premises]):
            resting[graph.index[claim]] += 1
    for link in (*bank.implies, *bank.excludes):
        if graph.index.keys() >= set(link):
            degree[[graph.index[claim] for claim in link]] += 1
    return resting, degree


def read_work(path: Path) -> dict[Job, dict[str, list[list[float]]]]:
    """Returns what earlier runs left; a line that was being written when one stopped is passed over."""
    done = {}
    for line in path.read_text().splitlines() if path.exists() else []:
        try:
            row = json.loads(line)
        except json.JSONDecodeError:
            continue
        done[Job(**row["job"])] = row["figures"]
    return done


def mean_and_half(samples: FloatArray) -> list[float]:
    """Returns the mean over seeds and half the width of its 95 % interval (Student's t)."""
    half = t.ppf(0.975, len(samples) - 1) * samples.std(ddof=1) / np.sqrt(len(samples)) if len(samples) > 1 else np.nan
    return [round(float(samples.mean()), 4), round(float(half), 4)]


def summarise(done: dict[Job, dict[str, list[list[float]]]], answers: int) -> dict[str, object]:
    """Returns means over entities with intervals over seeds, and paired differences from random and uncertainty."""
    tables: dict[str, object] = {}
    for protocol, wrong in sorted({(job.protocol, job.wrong) for job in done}):
        jobs = [job for job in done if (job.protocol, job.wrong) == (protocol, wrong)]
        entities = sorted({job.entity for job in jobs})
        seeds = [s for s in sorted({job.seed for job in jobs}) if sum(job.seed == s for job in jobs) == len(entities)]
        arrays = {
            arm: np.array([[done[Job(e, s, wrong, protocol)][arm] for e in entities] for s in seeds]).mean(axis=1)
            for arm in done[jobs[0]]
            if seeds
        }  # [S, answers + 1, FIGURES] each
        cells: dict[str, object] = {}
        for place, figure in enumerate(FIGURES):
            for arm, array in arrays.items():
                for k in (k for k in SHOWN if k <= answers and k < array.shape[1]):
                    now = array[:, k, place]
                    entry = {"mean": mean_and_half(now)}
                    if arm != "no graph":
                        for other in ("random", "uncertainty"):
                            entry[f"minus {other}"] = mean_and_half(now - arrays[other][:, k, place])
                    cells.setdefault(figure, {}).setdefault(arm, {})[str(k)] = entry  # type: ignore[attr-defined]
        tables[f"{protocol}, {wrong:.0%} wrong"] = {"entities": entities, "seeds": len(seeds), "figures": cells}
    return tables


def show(tables: dict[str, object], console: Console) -> None:
    """Prints F1 of what was not asked, a table for each protocol and noise."""
    for title, of_it in tables.items():
        for figure in ("f1_open", "f1_all", "brier_open", "violated"):
            arms = of_it["figures"].get(figure, {})  # type: ignore[index]
            ks = list(arms.get("random", {}))
            table = Table("chosen by", *(f"k = {k}" for k in ks), title=f"{figure}: {title}, {of_it['seeds']} seeds")  # type: ignore[index]
            for arm, cells in arms.items():
                table.add_row(arm, *("{:.3f} ± {:.3f}".format(*cells[k]["mean"]) for k in cells))
            console.print(table)


def plot(tables: dict[str, object], path: Path) -> None:
    """Draws F1 of what was not asked and violations against answers, a row for each protocol and noise."""
    figure, panels = plt.subplots(len(tables), 3, figsize=(13, 3.4 * len(tables)), squeeze=False, layout="constrained")
    for row, (title, of_it) in zip(panels, tables.items(), strict=True):
        for panel, name in zip(row, ("f1_open", "brier_open", "violated"), strict=True):
            for arm, cells in of_it["figures"].get(name, {}).items():  # type: ignore[index]
                if arm != "no graph":
                    mean, half = np.array([cell["mean"] for cell in cells.values()]).T
                    panel.errorbar([int(k) for k in cells], mean, half, label=arm, capsize=2)
            panel.set(title=f"{name}: {title}", xlabel="answers")
        row[0].legend(fontsize=7)
    figure.savefig(path, dpi=110)
    plt.close(figure)


def main(
    entities: Annotated[str, typer.Option(help="Which living things, with commas between.")] = "adder,daffodil,ape",
    seeds: Annotated[int, typer.Option(help="Draws of the beliefs.")] = 20,
    wrong: Annotated[str, typer.Option(help="Shares of beliefs on the wrong side, with commas between.")] = "0.4,0.3",
    protocols: Annotated[str, typer.Option(help="half, free, or both with a comma.")] = "half,free",
    answers: Annotated[int, typer.Option(help="Answers to each.")] = 10,
    minutes: Annotated[float, typer.Option(help="Start nothing new after so long.")] = 25.0,
    work: Annotated[Path, typer.Option(help="Results as they come, read first.")] = Path("runs/beliefbank.jsonl"),
    out: Annotated[Path | None, typer.Option(help="Where to write the figures as JSON; the plot goes beside.")] = None,
) -> None:
    """Compare ways to choose what to ask on the BeliefBank."""
    bank = read_bank(Path(os.environ["ARGTREE_DATA"]) / "data" / "beliefbank")
    jobs = [
        Job(entity, seed, float(share), protocol)
        for share in wrong.split(",")
        for protocol in protocols.split(",")
        for seed in range(seeds)
        for entity in entities.split(",")
    ]
    done, started = read_work(work), time.monotonic()
    work.parent.mkdir(parents=True, exist_ok=True)
    for job in track([job for job in jobs if job not in done], "asking", console=Console(stderr=True)):
        if time.monotonic() - started > 60 * minutes:
            break
        figures = run_job(job, bank, answers)
        done[job] = json.loads(json.dumps(figures))
        with work.open("a") as file:
            file.write(json.dumps({"job": asdict(job), "figures": figures}) + "\n")
    tables = summarise({job: done[job] for job in jobs if job in done}, answers)
    show(tables, Console(width=140))
    if out is not None:
        out.write_text(json.dumps({"answers": answers, "tables": tables}, indent=1) + "\n")
        plot(tables, out.with_suffix(".png"))


if __name__ == "__main__":
    typer.run(main)
