"""Random small graphs, and the whole joint by enumeration to hold `propagate` against."""

from __future__ import annotations

from itertools import product

import numpy as np

from argtree.graph import Argument, ArgumentGraph, Claim, Premise, Root


def random_graph(
    rng: np.random.Generator, max_claims: int = 10, tree: bool = False, sharp: float = 0.15
) -> ArgumentGraph:
    """Returns a graph of 1 to `max_claims` claims; in a tree each claim is a premise at most once."""
    num_claims = int(rng.integers(1, max_claims + 1))
    claims = [Claim(f"c{i}", f"claim {i}", _number(rng, sharp)) for i in range(num_claims)]
    free = list(range(num_claims))
    arguments: list[Argument] = []
    for i in range(1, num_claims):
        for _ in range(int(rng.integers(0, 5))):
            pool = [j for j in free if j < i] if tree else list(range(i))
            count = min(len(pool), int(rng.integers(1, 5)))
            if count == 0:
                continue
            chosen = rng.choice(pool, count, replace=False)
            free = [j for j in free if j not in chosen]
            premises = [Premise(f"c{j}", bool(rng.random() < 0.6)) for j in chosen]
            polarity = "support" if rng.random() < 0.65 else "attack"
            arguments.append(Argument(f"a{len(arguments)}", f"c{i}", polarity, _number(rng, sharp), premises))
    order = rng.permutation(num_claims)
    num_roots = int(rng.integers(0, min(3, num_claims) + 1))
    roots = [Root(f"c{i}", float(rng.uniform(0, 2))) for i in rng.choice(num_claims, num_roots, replace=False)]
    evidence = {f"c{i}": _pair(rng, sharp) for i in range(num_claims) if rng.random() < 0.3}
    return ArgumentGraph([claims[i] for i in order], arguments, roots, evidence)


def _number(rng: np.random.Generator, sharp: float) -> float:
    """A probability, with chance `sharp` exactly 0 or 1."""
    return float(rng.integers(0, 2)) if rng.random() < sharp else float(rng.random())


def _pair(rng: np.random.Generator, sharp: float) -> tuple[float, float]:
    if rng.random() < sharp:
        return (0.0, 1.0) if rng.random() < 0.5 else (1.0, 0.0)
    return float(rng.random()), float(rng.random())


def joint(graph: ArgumentGraph) -> tuple[np.ndarray, np.ndarray]:
    """Returns all states [2^C, C] and P(state, evidence) [2^C], straight from the definition."""
    states = np.array(list(product((0, 1), repeat=len(graph.claims))))
    weight = np.ones(len(states))
    for row, claim in enumerate(graph.claims):
        off, keep = np.full(len(states), 1 - claim.prior), np.ones(len(states))
        for argument in graph.arguments_for(claim.id):
            holds = np.ones(len(states))
            for premise in argument.premises:
                holds *= states[:, graph.index[premise.claim]] == premise.holds
            if argument.polarity == "support":
                off *= 1 - argument.strength * holds
            else:
                keep *= 1 - argument.strength * holds
        prob = (1 - off) * keep
        weight *= np.where(states[:, row] == 1, prob, 1 - prob)
        pair = graph.evidence.get(claim.id, (1.0, 1.0))
        weight *= np.where(states[:, row] == 1, pair[1], pair[0])
    return states, weight
