"""Claims that rest on numbers, rewritten as plain claims whose priors and arguments give the same joint distribution.

Thresholds of one quantity are a chain. Quantities that claims compare hang together: the joint distribution of the
claims about such a group is integrated numerically and written out by the chain rule. Either way the rewriting is exact
(up to rounding), and propagation need not know of numbers. Not here: the value of learning one (`quantity_value`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from argtree.distributions import Belief, FloatArray, Measured, Panels, measure
from argtree.errors import ImpossibleEvidenceError, TooEntangledError
from argtree.graph import Argument, ArgumentGraph, Claim, Comparison, Premise, Threshold

MAX_LINKED_QUANTITIES = 6
MAX_LINKED_CLAIMS = 10
"""Comparisons may tie together at most so many quantities, with so many claims about them, thresholds included: the
last claim's table has up to 2^(claims - 1) rows."""

State = tuple[bool, ...]
"""Which claims of a cluster hold, in its order."""


@dataclass(frozen=True)
class Cluster:
    """A quantity, or several that claims compare, and the claims about them."""

    beliefs: tuple[tuple[str, Belief], ...]  # a quantity's id and its distribution, measurements taken in
    claims: tuple[Claim, ...]  # of one quantity by rising threshold, else in the graph's order; at least one

    @property
    def is_chain(self) -> bool:
        """Whether there are only thresholds of one quantity."""
        return len(self.beliefs) == 1


def beliefs(graph: ArgumentGraph) -> dict[str, Belief]:
    """Returns what is known of each quantity, by its id: its distribution, updated by its measurements.

    Raises:
        ImpossibleEvidenceError: a quantity's measurements have probability 0.
    """
    said: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for one in graph.measurements:
        said[one.quantity].append((one.value, one.sd))
    found = {quantity.id: measure(quantity.distribution, said[quantity.id]) for quantity in graph.quantities}
    for name, belief in found.items():
        if isinstance(belief, Measured) and not belief.total > 0:
            raise ImpossibleEvidenceError(
                f"what was measured of the quantity {name!r} has probability 0 under its distribution"
            )
    return found


def clusters(graph: ArgumentGraph) -> list[Cluster]:
    """Returns the quantities that claims rest on, with those claims: together where a comparison ties them together.

    Raises:
        TooEntangledError: comparisons tie together more than MAX_LINKED_QUANTITIES or MAX_LINKED_CLAIMS.
        ImpossibleEvidenceError: a quantity's measurements have probability 0.
    """
    tied: dict[str, set[str]] = defaultdict(set)
    about: dict[str, list[Claim]] = defaultdict(list)
    for claim in graph.claims:
        if claim.about is not None:
            about[claim.about.quantity].append(claim)
            tied[claim.about.quantity].add(claim.about.quantity)
        if isinstance(claim.about, Comparison):
            tied[claim.about.quantity].add(claim.about.other)
            tied[claim.about.other].add(claim.about.quantity)
    known = beliefs(graph)
    return [_cluster(graph, names, about, known) for names in _components(tied)]


def expand_quantities(graph: ArgumentGraph) -> ArgumentGraph:
    """Returns a graph without quantities whose claims have the same joint distribution, ids, rows and askability.

    Raises:
        TooEntangledError: comparisons tie together more than MAX_LINKED_QUANTITIES or MAX_LINKED_CLAIMS.
        ImpossibleEvidenceError: a quantity's measurements have probability 0.
    """
    if not graph.quantities:
        return graph
    names = _fresh_ids({argument.id for argument in graph.arguments})
    arguments = list(graph.arguments)
    plain: dict[str, Claim] = {}
    for cluster in clusters(graph):
        rewritten = _chain(cluster) if cluster.is_chain else _written_out(cluster)
        for claim, prior, reasons in rewritten:
            plain[claim.id] = replace(claim, prior=prior, askable=graph.is_askable(claim.id), about=None)
            arguments += [replace(reason, id=next(names)) for reason in reasons]
    claims = tuple(plain.get(claim.id, claim) for claim in graph.claims)
    return ArgumentGraph(claims, tuple(arguments), graph.roots, graph.evidence, direct_beliefs=graph.direct_beliefs)


def states(cluster: Cluster) -> dict[State, float]:
    """Returns the states of the cluster's claims that have positive probability, with their probabilities."""
    about = tuple(claim.about for claim in cluster.claims if claim.about is not None)
    return dict(_joint(cluster.beliefs, about))


def holds(about: Threshold | Comparison, numbers: Mapping[str, FloatArray]) -> NDArray[np.bool_]:
    """Returns, for each sample of the quantities, whether what is said of them holds."""
    number = numbers[about.quantity]
    limit = about.value if isinstance(about, Threshold) else numbers[about.other]
    return np.asarray(number < limit if about.relation == "<" else number > limit)


_Rewritten = tuple[Claim, float, list[Argument]]  # a claim, its prior, and its arguments with ids to be given


def _chain(cluster: Cluster) -> Iterator[_Rewritten]:
    """Thresholds t1 <= t2 <= ...: x < t1 implies x < t2, so each claim needs only the one before.

    "x < t2" holds if "x < t1" does (a support of strength 1), else with its prior P(x < t2 | x >= t1). "x > t2" fails
    if "x < t1" holds (an attack of strength 1), else has its prior P(x > t2 | x >= t1).
    """
    (_, belief) = cluster.beliefs[0]
    before: Claim | None = None
    above_before = 1.0
    for claim in cluster.claims:
        assert isinstance(claim.about, Threshold)
        above = float(belief.sf(claim.about.value))
        if before is None:
            prior = float(belief.cdf(claim.about.value)) if claim.about.relation == "<" else above
            yield claim, prior, []
        else:
            above_given = min(above / above_before, 1.0) if above_before > 0 else 0.0
            is_below = claim.about.relation == "<"
            assert before.about is not None
            premise = Premise(before.id, holds=before.about.relation == "<")
            reason = Argument("", claim.id, "support" if is_below else "attack", 1.0, (premise,))
            yield claim, 1 - above_given if is_below else above_given, [reason]
        before, above_before = claim, above


def _written_out(cluster: Cluster) -> Iterator[_Rewritten]:
    """Chain rule: each claim given all before it, one exclusive supporting argument for each of their states."""
    joint = states(cluster)
    for place, claim in enumerate(cluster.claims):
        given: dict[State, list[float]] = defaultdict(lambda: [0.0, 0.0])
        for state, prob in joint.items():
            given[state[:place]][state[place]] += prob
        rows = {state: if_true / (if_false + if_true) for state, (if_false, if_true) in given.items()}
        if place == 0:
            yield claim, rows[()], []
            continue
        before = [one.id for one in cluster.claims[:place]]
        reasons = [
            Argument("", claim.id, "support", prob, tuple(map(Premise, before, state)))
            for state, prob in rows.items()
            if prob > 0
        ]
        yield claim, 0.0, reasons


@lru_cache(maxsize=256)  # it does not change with the evidence on claims
def _joint(
    beliefs: tuple[tuple[str, Belief], ...], claims: tuple[Threshold | Comparison, ...]
) -> tuple[tuple[State, float], ...]:
    """Returns the probability of each possible state of the claims.

    Sweeps the line upwards. Independent numbers are passed one after the other; passing one decides its thresholds by
    where it lies, and its comparisons with all that are still to come: it is the smaller. For a set S of numbers
    passed and the state decided thereby, the density of the last of them is summed over which was last; its integral
    up to x, times the density of a further number at x, is the density of S with that number last. So nested
    integrals over the orders of q numbers become at most 2^q one-dimensional ones for each state.
    """
    thresholds = [claim.value for claim in claims if isinstance(claim, Threshold)]
    panels = Panels.between(thresholds, *(belief.edges for _, belief in beliefs))
    names = [name for name, _ in beliefs]
    density = [belief.pdf(panels.nodes) for _, belief in beliefs]
    decided = [_decided_by_place(name, claims, panels) for name in names]
    passed: dict[int, dict[int, FloatArray]] = defaultdict(dict)
    passed[0][0] = np.zeros_like(panels.nodes)
    everything = 2 ** len(names) - 1
    for done in range(everything):  # a set before all that hold more
        for state, last in passed.pop(done, {}).items():
            below = panels.cumulate(last)[0] if done else np.ones_like(last)
            for i in range(len(names)):
                if done >> i & 1:
                    continue
                ahead = {name for j, name in enumerate(names) if j != i and not done >> j & 1}
                smaller = state | _decided_by_order(names[i], ahead, claims)
                arrival = below * density[i]
                for bits in np.unique(decided[i]).tolist():
                    here = np.where((decided[i] == bits)[:, np.newaxis], arrival, 0.0)
                    if here.any():
                        into = passed[done | 1 << i]
                        into[smaller | bits] = into.get(smaller | bits, 0.0) + here
    found = {state: float(panels.integrals(last).sum()) for state, last in sorted(passed[everything].items())}
    total = sum(found.values())
    return tuple(
        (tuple(bool(state >> place & 1) for place in range(len(claims))), prob / total)
        for state, prob in found.items()
        if prob > 0
    )


def _decided_by_place(name: str, claims: Sequence[Threshold | Comparison], panels: Panels) -> NDArray[np.int64]:
    """Returns [P] the bits of the claims about this number alone that hold if it lies in each panel."""
    middle = (panels.edges[:-1] + panels.edges[1:]) / 2
    bits = np.zeros(len(middle), dtype=np.int64)
    for place, claim in enumerate(claims):
        if isinstance(claim, Threshold) and claim.quantity == name:
            bits |= np.where(holds(claim, {name: middle}), 1 << place, 0)
    return bits


def _decided_by_order(name: str, larger: set[str], claims: Sequence[Threshold | Comparison]) -> int:
    """Returns the bits of the comparisons that hold because this number is smaller than those."""
    bits = 0
    for place, claim in enumerate(claims):
        if isinstance(claim, Comparison):
            below, above = claim.quantity, claim.other
            if claim.relation == ">":
                below, above = above, below
            bits |= (below == name and above in larger) << place
    return bits


def _cluster(
    graph: ArgumentGraph, names: list[str], about: Mapping[str, list[Claim]], known: Mapping[str, Belief]
) -> Cluster:
    row = graph.index
    claims = sorted((claim for name in names for claim in about[name]), key=lambda claim: row[claim.id])
    if len(names) == 1:
        claims.sort(key=lambda claim: claim.about.value if isinstance(claim.about, Threshold) else 0.0)
    elif len(names) > MAX_LINKED_QUANTITIES or len(claims) > MAX_LINKED_CLAIMS:
        raise TooEntangledError(
            f"comparisons tie together {len(names)} quantities with {len(claims)} claims about them, {names[0]!r} "
            f"among them; at most {MAX_LINKED_QUANTITIES} with {MAX_LINKED_CLAIMS} can be worked out"
        )
    return Cluster(tuple((name, known[name]) for name in names), tuple(claims))


def _components(tied: Mapping[str, set[str]]) -> Iterator[list[str]]:
    seen: set[str] = set()
    for start in tied:
        if start in seen:
            continue
        seen.add(start)
        found = [start]
        for name in found:  # grows while it is walked
            fresh = sorted(tied[name] - seen)
            seen.update(fresh)
            found += fresh
        yield found


def _fresh_ids(taken: set[str]) -> Iterator[str]:
    number = 0
    while True:
        number += 1
        if (name := f"quantity-{number}") not in taken:
            yield name
