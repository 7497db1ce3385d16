"""What does an explorer's step cost by itself, the model apart, while a store grows?

Stores of trees of twenty claims, a third of them sharing a premise with another; a stand-in for a model answers at
once, with four arguments on a new premise each. Printed is processor time of this process, for one expansion of a step
of sixteen: in all, and of that what taking in the news of the store (here what the step before wrote), and propagating
what they touched and choosing take; the rest is writing what was found, reading the model's replies and wording its
prompts. Beside it an expansion in a step of its own, and what is paid once: reading and propagating the whole store.

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

from argtree.explorer import EXPANSIONS_AT_ONCE, Explorer
from argtree.format import write_whole
from argtree.picture import Picture
from argtree.search import choose_expansions
from models.base import Reply, Scores
from models.elicitation import Elicitor
from models.prompts import ProposedArgument, ProposedPremise, arguments_json
from store.database import open_store, read_scope
from store.tables import Argument, Belief, Claim, Premise, Root

T = TypeVar("T")

TREE = 20  # claims of a root
STEPS = 8


@dataclass(frozen=True)
class Cost:
    """Milliseconds of processor time for one expansion, and for the whole store."""

    claims: int
    total: float
    news: float
    choice: float
    alone: float  # in a step of one
    load: float  # once


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
    explorer.step(at_most=EXPANSIONS_AT_ONCE)  # loads the store, compiles statements
    with read_scope(engine) as session:
        load, picture = timed(lambda: Picture(session))
    news, choice = beside(explorer, picture)
    stepping, expansions = timed(lambda: sum(len(explorer.step(at_most=EXPANSIONS_AT_ONCE)) for _ in range(STEPS)))
    alone, expansions_alone = timed(lambda: sum(len(explorer.step()) for _ in range(STEPS)))
    engine.dispose()
    parts = [one / EXPANSIONS_AT_ONCE for one in (news, choice)]
    milliseconds = (stepping / expansions, *parts, alone / expansions_alone, load)
    return Cost(num_claims, *(1000 * seconds for seconds in milliseconds))


def beside(explorer: Explorer, picture: Picture) -> tuple[float, float]:
    """Seconds that a picture takes to take in the news of a step, and to propagate and choose."""
    news, choice = 0.0, 0.0
    for _ in range(STEPS):
        explorer.step(at_most=EXPANSIONS_AT_ONCE)
        with read_scope(explorer.engine) as session:
            seconds, _ = timed(lambda: picture.catch_up(session))
        news += seconds
        seconds, _ = timed(lambda: choose_expansions(picture.frontier((), dict), EXPANSIONS_AT_ONCE))
        choice += seconds
    return news / STEPS, choice / STEPS


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
    columns = ("claims", "in all", "news", "choosing", "the rest", "in a step of its own", "loading once")
    table = Table(*columns, title="Milliseconds of an expansion")
    for cost in costs:
        parts = (cost.total, cost.news, cost.choice, cost.total - cost.news - cost.choice, cost.alone)
        table.add_row(f"{cost.claims:,}", *(f"{part:.1f}" for part in parts), f"{cost.load:,.0f}")
    Console(width=110).print(table)
    if out:
        write_whole(out, (json.dumps([asdict(cost) for cost in costs], indent=1) + "\n").encode())


if __name__ == "__main__":
    typer.run(main)
