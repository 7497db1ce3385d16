"""How many different valid premises does a thousand tokens bring, and how many of the true reasons are found?

The bundled model argues about claims of its benchmark whose reasons the everyday world knows. A premise is valid if it
stands, as holding or as failing, in one of the world's own arguments about the claim. Ways to ask:

    once        one reply, the likeliest
    again       the same prompt so many times, replies drawn at random, what is there already left out afterwards
    listed      so many replies, the likeliest; each is shown what came before and asked for what is missing
    drawn       the same, drawn at random
    wide        so many rounds; in each several replies are drawn, and thinned by likeness to as many as one reply has

Tokens are those of prompts and replies together. Each seed draws other claims and other replies; intervals are 95 %,
Student's t over seeds.

What it says of the explorer's way, which is `listed`: see `argtree.expanding.ARGUMENTS_PER_CALL`.

    python -m benchmarks.diversity --claims 16 --out benchmarks/results/diversity.json
"""

import json
import logging
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.console import Console
from rich.table import Table
from scipy import stats

from argtree.expanding import ARGUMENTS_PER_CALL
from benchmarks.thinning import thinned
from models import prompts
from models.base import LanguageModel, Reply, Scores
from models.elicitation import Elicitor
from models.embedding import HashedEmbedding
from models.everyday.benchmark import read_benchmark
from models.everyday.corpus import argument_in_words
from models.everyday.world import World, load_world
from models.load import BUNDLED, load_model
from models.prompts import ProposedArgument

Key = tuple[str, frozenset[tuple[str, bool]]]  # of an argument: its polarity and premises


class Counting:
    """A model whose tokens are counted."""

    def __init__(self, model: LanguageModel) -> None:
        self.model, self.name, self.is_general = model, model.name, model.is_general
        self.tokens = 0

    def complete(
        self,
        prompts: Sequence[str],
        schema: dict[str, object],
        *,
        max_tokens: int,
        temperature: float = 0.0,
        seed: int = 0,
    ) -> list[Reply]:
        replies = self.model.complete(prompts, schema, max_tokens=max_tokens, temperature=temperature, seed=seed)
        self.tokens += sum(reply.prompt_tokens + reply.reply_tokens for reply in replies)
        return replies

    def log_probs(self, prompts: Sequence[str], continuations: Sequence[str]) -> Scores:
        return self.model.log_probs(prompts, continuations)

    def check_question(self, question: str) -> None:
        self.model.check_question(question)


@dataclass(frozen=True)
class Way:
    """A way to ask."""

    name: str
    rounds: int
    width: int  # replies to a claim in a round
    is_drawn: bool
    sees_earlier: bool


WAYS = (
    Way("once", 1, 1, False, False),
    Way("again", 4, 1, True, False),
    Way("listed", 2, 1, False, True),
    Way("listed", 4, 1, False, True),
    Way("drawn", 4, 1, True, True),
    Way("wide", 2, 2, True, True),
    Way("wide", 2, 4, True, True),
    Way("wide", 4, 4, True, True),
)


def argue(model: Counting, way: Way, claims: list[str], seed: int) -> list[list[ProposedArgument]]:
    """The arguments that one way of asking brings about each claim."""
    embedding = HashedEmbedding()
    found: list[list[ProposedArgument]] = [[] for _ in claims]
    open_claims = list(range(len(claims)))
    for round_ in range(way.rounds):
        drawn: dict[int, list[ProposedArgument]] = defaultdict(list)
        exhausted = set()
        for sample in range(way.width):
            elicitor = Elicitor(model, seed=1000 * seed + 10 * round_ + sample if way.is_drawn else None)
            asked = [(claims[at], found[at] if way.sees_earlier else []) for at in open_claims]
            for at, proposal in zip(open_claims, elicitor.propose_many(asked, ARGUMENTS_PER_CALL), strict=True):
                drawn[at] += proposal.arguments
                exhausted |= {at} if proposal.exhausted else set()
        for at in open_claims:
            new = [one for one in drawn[at] if key_of(one) not in set(map(key_of, found[at]))]
            found[at] += narrowed(new, embedding) if way.width > 1 else unique(new)
        if way.sees_earlier:
            open_claims = [at for at in open_claims if at not in exhausted]
    return found


def narrowed(arguments: list[ProposedArgument], embedding: HashedEmbedding) -> list[ProposedArgument]:
    """The few arguments that stand for all, by the likeness of what they say."""
    texts = [prompts.listed([one]) for one in arguments]
    return unique([arguments[at] for at in thinned(embedding(texts), ARGUMENTS_PER_CALL)])


def unique(arguments: list[ProposedArgument]) -> list[ProposedArgument]:
    return list({key_of(one): one for one in reversed(arguments)}.values())[::-1]


def key_of(argument: ProposedArgument) -> Key:
    return argument.polarity, frozenset((premise.text, premise.holds) for premise in argument.premises)


def true_reasons(world: World, claim: str) -> set[Key]:
    statement = world.parse(claim)
    assert statement is not None
    return {key_of(argument_in_words(world, *argument)) for argument in world.arguments(statement)}


def measured(model: Counting, way: Way, claims: list[str], seed: int) -> tuple[float, float, float]:
    """Distinct valid premises per 1,000 tokens, share of the true reasons found, and tokens a claim."""
    world = load_world()
    model.tokens = 0
    valid, found_true, all_true = 0, 0, 0
    for claim, arguments in zip(claims, argue(model, way, claims, seed), strict=True):
        reasons = true_reasons(world, claim)
        known = {premise for _, premises in reasons for premise in premises}
        valid += len({(p.text, p.holds) for argument in arguments for p in argument.premises} & known)
        found_true += len(set(map(key_of, arguments)) & reasons)
        all_true += len(reasons)
    return 1000 * valid / model.tokens, found_true / all_true, model.tokens / len(claims)


def interval(values: Sequence[float]) -> tuple[float, float]:
    """Mean and half the width of its 95 % interval."""
    half = stats.t.ppf(0.975, len(values) - 1) * np.std(values, ddof=1) / np.sqrt(len(values))
    return float(np.mean(values)), float(half)


@dataclass(frozen=True)
class Row:
    """One way's figures: means over seeds and half-widths of 95 % intervals."""

    way: str
    rounds: int
    width: int
    premises: float  # distinct valid ones per 1,000 tokens
    premises_half: float
    times_once: float  # that, over asking once, of the same seeds
    times_once_half: float
    times_again: float  # the same over plain resampling
    times_again_half: float
    reasons: float  # share of the true ones found
    reasons_half: float
    tokens: float  # for a claim


def main(
    claims: Annotated[int, typer.Option(min=1, help="Claims for each seed.")] = 40,
    seeds: Annotated[int, typer.Option(min=2, help="How many seeds.")] = 5,
    out: Annotated[Path | None, typer.Option(help="Write the figures there as JSON.")] = None,
) -> None:
    """Compare the ways to ask."""
    logging.disable(logging.WARNING)  # every dropped argument is logged
    model, world = Counting(load_model(BUNDLED)), load_world()
    pool = [one.claim for one in read_benchmark() if one.part == "test" and len(true_reasons(world, one.claim)) > 1]
    figures: dict[Way, list[tuple[float, float, float]]] = defaultdict(list)
    for seed in range(seeds):
        chosen = [pool[i] for i in np.random.default_rng(seed).permutation(len(pool))[:claims]]
        for way in WAYS:
            figures[way].append(measured(model, way, chosen, seed))
    once, again = ([premises for premises, _, _ in figures[way]] for way in WAYS[:2])
    rows = []
    for way, of_way in figures.items():
        premises, reasons, tokens = zip(*of_way, strict=True)
        times, times_again = ([one / base for one, base in zip(premises, of, strict=True)] for of in (once, again))
        rows.append(
            Row(way.name, way.rounds, way.width, *interval(premises), *interval(times), *interval(times_again),
                *interval(reasons), float(np.mean(tokens)))
        )  # fmt: skip
    Console(width=120).print(_table(rows))
    if out is not None:
        out.write_text(json.dumps([asdict(row) for row in rows], indent=1) + "\n", encoding="utf-8")


def _table(rows: list[Row]) -> Table:
    table = Table(
        "Way", "Rounds", "Replies", "Premises per 1,000 tokens", "Times once", "Times again", "True reasons", "Tokens"
    )
    for row in rows:
        table.add_row(
            row.way,
            str(row.rounds),
            str(row.width),
            f"{row.premises:.2f} ± {row.premises_half:.2f}",
            f"{row.times_once:.2f} ± {row.times_once_half:.2f}",
            f"{row.times_again:.2f} ± {row.times_again_half:.2f}",
            f"{row.reasons:.3f} ± {row.reasons_half:.3f}",
            f"{row.tokens:.0f}",
        )
    return table


if __name__ == "__main__":
    typer.run(main)
