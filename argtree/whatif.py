"""What if an answer came: graphs with answers added to their evidence, nothing stored."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from argtree.graph import ArgumentGraph
from argtree.propagate import Propagation

Propagate = Callable[[ArgumentGraph], Propagation]
"""`propagate`, or the same with a budget of its own."""


def with_answers(graph: ArgumentGraph, answers: Mapping[str, tuple[float, float]]) -> ArgumentGraph:
    """Returns the graph with these answers as evidence besides what it has.

    Args:
        graph: any.
        answers: claim id -> (P(answer | claim false), P(answer | claim true)), as of `answer_likelihood`; (0, 1) holds
            the claim true. Only the ratio counts, so each is scaled to a largest likelihood of 1.

    Raises:
        ValueError: an unknown claim, or a likelihood out of [0, 1].
    """
    evidence = dict(graph.evidence)
    for claim, (if_false, if_true) in answers.items():
        l0, l1 = evidence.get(claim, (1.0, 1.0))
        pair = l0 * if_false, l1 * if_true
        largest = max(pair)
        evidence[claim] = (pair[0] / largest, pair[1] / largest) if largest > 0 else pair
    return replace(graph, evidence=evidence)
