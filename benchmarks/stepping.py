"""What does an explorer's step cost by itself, the model apart, while a store grows?

Stores of trees of twenty claims, a third of them sharing a premise with another; a stand-in for a model answers at
once, with four arguments on a new premise each. Printed is processor time of this process, for one expansion of a step
of sixteen: in all, and of that what reading the graph, reading the beliefs, and propagating and choosing take; the rest
is most of all writing what was found.

    python -m benchmarks.stepping --out benchmarks/results/stepping.json
"""

import json
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, TypeVar

import numpy as np
import typer
from rich.console import Console
from rich.table import Table
from sqlalchemy import Engine, insert

from argtree import Propagator
from argtree.explorer import EXPANSIONS_AT_ONCE, Explorer
from argtree.format import write_whole
from argtree.search import Frontier, belief_variance, choose_expansions
from models.base import Reply, Scores
from models.elicitation import Elicitor
from models.prompts import ProposedArgument, ProposedPremise, arguments_json
from store.claims import latest_beliefs
from store.database import open_store, read_scope
from store.graphs import load_graph
from store.tables import Argument, Belief, Claim, Premise, Root

T = TypeVar("T")

TREE = 20  # claims of a root
STEPS = 3


@dataclass(frozen=True)
class Cost:
    """Milliseconds of processor time for one expansion."""

    claims: int
    total: float
    graph: float
    beliefs: float
    choice: float


class StandIn:
    """Says at once that a claim has four reasons, each on a premise that nobody has named before."""

    name = "stand-in"
    is_general = False

    def __init__(self) -> None:
        self._premises = 0

    def check_question(self, question: str) -> None:
        """Passes everything."""

    def complete(
        self,
        prompts: Sequence[str],
        schema: dict[str, object],
        *,
        max_tokens: int,
        temperature: float = 0.0,
        seed: int = 0,
    ) -> list[Reply]:
        """Four arguments each."""
        return [Reply(arguments_json([self._argument() for _ in range(4)]), 10, 60) for _ in prompts]

    def log_probs(self, prompts: Sequence[str], continuations: Sequence[str]) -> Scores:
        """The same for all."""
        return Scores(np.log(np.tile([0.3, 0.1, 0.4, 0.2], (len(prompts), 1))), (9,) * len(prompts))

    def _argument(self) -> ProposedArgument:
        self._premises += 1
        premise = ProposedPremise(f"Premise {self._premises} holds.", True)
        return ProposedArgument("support" if self._premises % 2 else "attack", 0.6, (premise,))


def fill(engine: Engine, num_claims: int) -> None:
    """Makes the store's trees: claim i of one rests on claims 3 i + 1 to 3 i + 3."""
    rng, now = np.random.default_rng(0), datetime.now(UTC)
    ids = range(1, num_claims + 1)
    told = {"created_at": now}
    texts = [{"id": i, "key": f"c{i}", "text": f"Claim {i}.", "text_hash": f"h{i}"} for i in ids]
    claims = [one | told | {"prior": float(rng.uniform(0.05, 0.95))} for one in texts]
    held = {"generation": "stand-in", "kind": "direct", "held_at": now}
    spreads = [{"mean": float(rng.uniform(0.05, 0.95)), "pseudo_count": float(rng.uniform(1, 20))} for _ in ids]
    beliefs = [held | of | {"claim_id": i} for i, of in zip(ids, spreads, strict=True)]
    argued = [i for i in ids if (i - 1) % TREE]
    arguments = [
        told
        | {"id": i, "key": f"a{i}", "content_hash": f"x{i}", "generation": "stand-in"}
        | {"conclusion_id": i - (i - 1) % TREE + ((i - 1) % TREE - 1) // 3}
        | {"polarity": "support" if i % 3 else "attack", "strength": float(rng.uniform(0.3, 0.95))}
        for i in argued
    ]
    premises = [{"argument_id": i, "position": 0, "claim_id": i, "holds": True} for i in argued]
    sharing = [i for i in argued if i % TREE == 0 and i > TREE and rng.random() < 1 / 3]
    others = [int(rng.integers(1, i // TREE)) * TREE for i in sharing]
    premises += [
        {"argument_id": i, "position": 1, "claim_id": other, "holds": True}
        for i, other in zip(sharing, others, strict=True)
    ]
    roots = [told | {"claim_id": i, "question": f"Is it so, {i}?", "weight": 1.0} for i in ids if (i - 1) % TREE == 0]
    tables = ((Claim, claims), (Argument, arguments), (Premise, premises), (Belief, beliefs), (Root, roots))
    with engine.begin() as connection:
        for table, rows in tables:
            connection.execute(insert(table), rows)


def measured(num_claims: int, folder: Path) -> Cost:
    """What steps on a store of so many claims cost."""
    engine = open_store(str(folder / f"{num_claims}.db"))
    fill(engine, num_claims)
    explorer = Explorer(engine, Elicitor(StandIn()))
    explorer.step(at_most=EXPANSIONS_AT_ONCE)  # compiles statements
    expansions, began = 0, time.process_time()
    for _ in range(STEPS):
        expansions += len(explorer.step(at_most=EXPANSIONS_AT_ONCE))
    total = (time.process_time() - began) / expansions
    with read_scope(engine) as session:
        reading, graph = timed(lambda: load_graph(session))
        believing, beliefs = timed(lambda: latest_beliefs(session))
    variances = {key: belief_variance(one.mean, one.pseudo_count, 0) for key, one in beliefs.items()}
    propagate = Propagator(only_askable=True)
    choosing, _ = timed(lambda: choose_expansions(Frontier(propagate(graph), variances), EXPANSIONS_AT_ONCE))
    engine.dispose()
    parts = [1000 * seconds / EXPANSIONS_AT_ONCE for seconds in (reading, believing, choosing)]
    return Cost(num_claims, 1000 * total, *parts)


def timed(work: Callable[[], T]) -> tuple[float, T]:
    """Seconds of processor time, and what came of it."""
    start = time.process_time()
    found = work()
    return time.process_time() - start, found


def main(
    out: Annotated[Path | None, typer.Option(help="Where to write the figures as JSON.")] = None,
    claims: Annotated[str, typer.Option(help="How many, for each store.")] = "1000,10000,100000",
) -> None:
    """Step, and print and write the figures."""
    with tempfile.TemporaryDirectory() as folder:
        costs = [measured(int(number), Path(folder)) for number in claims.split(",")]
    table = Table(
        "claims", "in all", "the graph", "beliefs", "choosing", "the rest", title="Milliseconds of an expansion"
    )
    for cost in costs:
        rest = cost.total - cost.graph - cost.beliefs - cost.choice
        parts = (cost.total, cost.graph, cost.beliefs, cost.choice, rest)
        table.add_row(f"{cost.claims:,}", *(f"{part:.1f}" for part in parts))
    Console(width=110).print(table)
    if out:
        write_whole(out, (json.dumps([asdict(cost) for cost in costs], indent=1) + "\n").encode())


if __name__ == "__main__":
    typer.run(main)
