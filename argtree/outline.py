"""Which part of a graph a picture shows: all that a root rests on, or the most valuable part of it."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from heapq import heappop, heappush

from argtree.evidence import is_settled
from argtree.graph import Argument, ArgumentGraph
from argtree.propagate import Propagation
from argtree.rank import rank


def sorted_arguments(graph: ArgumentGraph, claim: str) -> list[Argument]:
    """Returns the arguments for a claim: supports first, the strongest first of each."""
    return sorted(graph.arguments_for(claim), key=lambda one: (one.polarity == "attack", -one.strength))


def claims_below(graph: ArgumentGraph, root: str) -> list[str]:
    """Returns the claim and all that it rests on, the nearest first, each once.

    Raises:
        KeyError: no such claim.
    """
    graph.index[root]
    found = {root: None}
    waiting = deque([root])
    while waiting:
        for argument in graph.arguments_for(waiting.popleft()):
            for premise in argument.premises:
                if premise.claim not in found:
                    found[premise.claim] = None
                    waiting.append(premise.claim)
    return list(found)


def worth_asking(graph: ArgumentGraph, root: str, result: Propagation, labels: Mapping[str, float]) -> dict[str, float]:
    """Returns claim -> value of information under this root, highest first: what is askable and still open."""
    below = set(claims_below(graph, root))
    return {
        one.claim: one.value
        for one in rank(result)
        if one.value > 0 and one.claim in below and not is_settled(labels.get(one.claim, 0.5))
    }


def most_valuable_part(
    graph: ArgumentGraph, root: str, result: Propagation, max_claims: int
) -> tuple[list[str], list[Argument]]:
    """Returns claims and arguments that hang together below the root, at most `max_claims` claims.

    Whole arguments are taken, best first by the most valuable claim in the branch that they open; one that does
    not fit any more is left out.
    """
    branch_value = _branch_values(graph, result)
    claims = {root: None}
    arguments: list[Argument] = []
    waiting: list[tuple[float, int, Argument]] = []
    num_seen = _push(waiting, graph, root, branch_value, 0)
    while waiting:
        _, _, argument = heappop(waiting)
        new = list(dict.fromkeys(one.claim for one in argument.premises if one.claim not in claims))
        if len(claims) + len(new) > max_claims:
            continue
        arguments.append(argument)
        claims.update(dict.fromkeys(new))
        for claim in new:
            num_seen = _push(waiting, graph, claim, branch_value, num_seen)
    return list(claims), arguments


def _push(
    waiting: list[tuple[float, int, Argument]], graph: ArgumentGraph, claim: str, value: Mapping[str, float], seen: int
) -> int:
    for argument in sorted_arguments(graph, claim):
        best = max((value[premise.claim] for premise in argument.premises), default=0.0)
        heappush(waiting, (-best, seen, argument))  # `seen` differs everywhere, so arguments are never compared
        seen += 1
    return seen


def _branch_values(graph: ArgumentGraph, result: Propagation) -> dict[str, float]:
    """Returns claim -> the highest value of information of it and all that it rests on."""
    values = result.value()
    best: dict[str, float] = {}
    for row in graph.topological_order:
        claim = graph.claims[row].id
        below = [best[premise.claim] for one in graph.arguments_for(claim) for premise in one.premises]
        best[claim] = max([float(values[row]), *below])
    return best
