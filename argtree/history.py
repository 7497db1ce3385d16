"""How posteriors went as answers came in: the graph as it is now, propagated with the first n answers for some n."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from argtree.compiled import FloatArray
from argtree.evidence import Reliability, product_likelihood
from argtree.graph import ArgumentGraph, Measurement
from argtree.propagate import Propagation


class Told(Protocol):
    """An answer, as far as it tells something."""

    @property
    def claim(self) -> str | None:
        """The claim's id; None: it is about a quantity."""
        ...

    @property
    def quantity(self) -> str | None:
        """The quantity's id; None: it is about a claim."""
        ...

    @property
    def prob(self) -> float | None:
        """P(claim) that it states; None where it states none."""
        ...

    @property
    def reliability(self) -> Reliability:
        """Of who gave it."""
        ...

    @property
    def number(self) -> tuple[float, float] | None:
        """The number that it states, and its error."""
        ...


@dataclass(frozen=True, eq=False)
class History:
    """Posteriors after the first n answers. Axes: T points, C claims, R roots, in the graph's orders."""

    graph: ArgumentGraph  # without answers
    counts: tuple[int, ...]  # [T] answers taken in, ascending, from 0 to all
    prob: FloatArray  # [T, C]

    def of_claim(self, claim: str) -> FloatArray:
        """Returns [T] the claim's posteriors. Raises KeyError where there is no such claim."""
        found: FloatArray = self.prob[:, self.graph.index[claim]]
        return found

    def uncertainty(self) -> FloatArray:
        """Returns [T] the sum over roots of weight times p (1 - p): what is left of the roots' variance."""
        rows = [self.graph.index[root.claim] for root in self.graph.roots]
        prob = self.prob[:, rows]
        left: FloatArray = prob * (1 - prob) @ np.array([root.weight for root in self.graph.roots], dtype=np.float64)
        return left


def with_told(graph: ArgumentGraph, told: Sequence[Told]) -> ArgumentGraph:
    """Returns the graph with these answers as evidence and measurements, beside what it has."""
    stated: dict[str, list[tuple[float, Reliability]]] = {}
    for one in told:
        if one.claim is not None and one.prob is not None:
            stated.setdefault(one.claim, []).append((one.prob, one.reliability))
    evidence = dict(graph.evidence)
    for claim, said in stated.items():
        own, there = product_likelihood(said), evidence.get(claim, (1.0, 1.0))
        evidence[claim] = (own[0] * there[0], own[1] * there[1])
    measured = [Measurement(one.quantity, *one.number) for one in told if one.quantity is not None and one.number]
    return graph.given(evidence, (*graph.measurements, *measured))


def history(
    graph: ArgumentGraph,
    told: Sequence[Told],
    propagate_fn: Callable[[ArgumentGraph], Propagation],
    max_points: int = 60,
) -> History:
    """Returns posteriors after no answer, after all, and at up to `max_points` - 2 even steps between.

    Args:
        graph: without the answers.
        told: the answers, oldest first.
        propagate_fn: with which to propagate; called once a point.
        max_points: at least 2.

    Raises:
        ArgtreeError: what `propagate_fn` raises; also where answers exclude one another.
    """
    counts = np.unique(np.linspace(0, len(told), min(len(told) + 1, max_points)).round().astype(int)).tolist()
    probs = [np.clip(propagate_fn(with_told(graph, told[:count])).prob, 0.0, 1.0) for count in counts]
    return History(graph, tuple(counts), np.stack(probs))
