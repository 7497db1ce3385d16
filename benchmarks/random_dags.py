"""Random argument graphs of any size, with about a wanted fraction of their claims shared by several arguments.

Grown top-down in random order: start with the root; again and again take a random claim that nobody has argued and give
it 1 to 3 arguments of 2 to 3 premises; each premise is a new claim or, with probability `share`, one that is there
already and does not stand above the argued one. About `share * num_claims` claims end up under more than one argument:
with q = share / (1 - share) reuses to a new claim, the i-th of N claims goes unreused with probability (i / N)^q, which
averages to 1 / (1 + q) = 1 - share.

    python -m benchmarks.random_dags --claims 1000 --share 0.045 --seeds 3
"""

import gc
import random
import time
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from argtree import Argument, ArgumentGraph, Claim, Premise, Root

STRENGTH = (0.3, 0.95)
ARGUED_PRIOR = (0.0, 0.2)  # of a claim with arguments, when none of them fires
ATTACK_PROB = 0.2  # of a claim's second and third argument
NEGATION_PROB = 0.1  # of a premise


def random_dag(num_claims: int, share: float, seed: int) -> ArgumentGraph:
    """Returns a graph of exactly `num_claims` claims with one root, the same for the same arguments.

    The last argument may have a single premise. Linear for `share` 0, else the claims above an argued one are walked.

    Args:
        num_claims: at least 1.
        share: probability that a premise is a claim that is there already, in [0, 1); near enough the fraction of
            claims that are premises of more than one argument.
        seed: any integer.

    Raises:
        ValueError: `num_claims` or `share` out of range.
    """
    if num_claims < 1:
        raise ValueError(f"num_claims is {num_claims}; it must be at least 1")
    if not 0 <= share < 1:
        raise ValueError(f"share is {share}; it must lie in [0, 1)")
    collecting = gc.isenabled()
    gc.disable()  # nothing here is cyclic, and the collector would go over millions of live values again and again
    try:
        return _Growth(num_claims, share, random.Random(seed)).graph()
    finally:
        if collecting:
            gc.enable()


def shared_claims(graph: ArgumentGraph) -> list[str]:
    """Returns the claims that are premises of more than one argument."""
    uses: dict[str, int] = {}
    for argument in graph.arguments:
        for claim in {premise.claim for premise in argument.premises}:
            uses[claim] = uses.get(claim, 0) + 1
    return [claim for claim, count in uses.items() if count > 1]


class _Growth:
    """A graph while it grows; claims are numbered in the order of their making, 0 is the root."""

    def __init__(self, num_claims: int, share: float, rng: random.Random) -> None:
        self.num_claims, self.share, self.rng = num_claims, share, rng
        self.users: list[list[int]] = [[]]  # for each claim, the claims that it is a premise of
        self.unargued = [0]
        self.arguments: list[Argument] = []

    def graph(self) -> ArgumentGraph:
        """Returns the graph when it has reached its size."""
        while len(self.users) < self.num_claims:
            self.argue(self.take_unargued())
        argued = {argument.conclusion for argument in self.arguments}
        claims = []
        for number in range(self.num_claims):
            name = f"c{number}"
            low, high = ARGUED_PRIOR if name in argued else (0.0, 1.0)
            claims.append(Claim(name, f"Claim {number}.", self.rng.uniform(low, high)))
        return ArgumentGraph(claims, self.arguments, [Root("c0")])

    def take_unargued(self) -> int:
        place = int(self.rng.random() * len(self.unargued))
        self.unargued[place], self.unargued[-1] = self.unargued[-1], self.unargued[place]
        return self.unargued.pop()

    def argue(self, conclusion: int) -> None:
        rng, above = self.rng, _above(self.users, conclusion) if self.share else set()
        for place in range(rng.choice((1, 2, 3))):
            if premises := self.choose_premises(conclusion, above):
                polarity = "attack" if place and rng.random() < ATTACK_PROB else "support"
                taken = [Premise(f"c{number}", rng.random() >= NEGATION_PROB) for number in premises]
                name = f"a{len(self.arguments)}"
                self.arguments.append(Argument(name, f"c{conclusion}", polarity, rng.uniform(*STRENGTH), taken))

    def choose_premises(self, conclusion: int, above: set[int]) -> list[int]:
        """Returns 2 or 3 claims, fewer only where there may be no more."""
        chosen: list[int] = []
        for _ in range(self.rng.choice((2, 3))):
            premise = None
            if self.share and self.unargued and self.rng.random() < self.share:  # never without one left to argue
                premise = self.find_existing(above | set(chosen))
            if premise is None:
                if len(self.users) == self.num_claims:
                    break
                premise = len(self.users)
                self.users.append([])
                self.unargued.append(premise)
            self.users[premise].append(conclusion)
            chosen.append(premise)
        return chosen

    def find_existing(self, barred: set[int]) -> int | None:
        """Returns a random claim that is not barred, or None where there is none."""
        if len(barred) == len(self.users):
            return None
        while (found := int(self.rng.random() * len(self.users))) in barred:
            pass
        return found


def _above(users: list[list[int]], claim: int) -> set[int]:
    """Returns the claim and everything that rests on it."""
    found, waiting = {claim}, [claim]
    while waiting:
        for user in users[waiting.pop()]:
            if user not in found:
                found.add(user)
                waiting.append(user)
    return found


def main(
    claims: Annotated[int, typer.Option(help="Claims of a graph.")] = 1000,
    share: Annotated[float, typer.Option(help="Wanted fraction of shared claims.")] = 0.045,
    seeds: Annotated[int, typer.Option(help="How many graphs.")] = 3,
) -> None:
    """Print what such graphs look like and how long they take to make."""
    table = Table("seed", "claims", "arguments", "shared claims", "seconds")
    for seed in range(seeds):
        start = time.perf_counter()
        graph = random_dag(claims, share, seed)
        seconds = time.perf_counter() - start
        sizes = (len(graph.claims), len(graph.arguments), len(shared_claims(graph)))
        table.add_row(str(seed), *map(str, sizes), f"{seconds:.3f}")
    Console(width=100).print(table)


if __name__ == "__main__":
    typer.run(main)
