"""What the answers say about a batch of claims and arguments: settled or not, survived or failed, and why.

A claim is settled by people where its label is, and by inference where nobody answered it and the answers elsewhere
pushed its posterior past the same threshold. An argument *survived* if all its premises are settled as it takes them,
and *failed* if one is settled the other way. Where that cannot be told, it survived if it moved a root to the side on
which the root is settled, by at least MOVED. How far it moved a root is a first-order estimate: its strength, times the
probability that its premises are as it takes them (as if they were independent), times the root's difference
P(root | conclusion) - P(root | not conclusion).
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from argtree.evidence import is_settled
from argtree.graph import Argument, ArgumentGraph, Root
from store.export_batch import Batch
from store.paths import Step, paths_to_root

MOVED = 0.01
"""An argument that moved a root by less than this is not called one that moved it."""

Basis = Literal["said", "inferred", "moved"]


class RootInfluence(Protocol):
    """The differences of roots by claims."""

    def of_root(self, root: int) -> tuple[Any, NDArray[np.float64]]:
        """Returns an index of claims and the root's difference for each of them."""
        ...


class Propagated(Protocol):
    """What propagating a graph gives, as far as an export needs it."""

    @property
    def prob(self) -> NDArray[np.float64]:
        """Posterior of every claim."""
        ...

    @property
    def influence(self) -> RootInfluence:
        """How every claim moves every root."""
        ...


PropagateFn = Callable[[ArgumentGraph], Propagated]


@dataclass(frozen=True)
class Judged:
    """What became of an argument."""

    argument: Argument
    survived: bool  # else it failed
    basis: Basis  # people settled what decides it, or inference did, or it moved a root


@dataclass(frozen=True, eq=False)
class Findings:
    """What a batch's answers lead to. Axis: N claims of the batch."""

    batch: Batch
    prob_before: list[float]  # [N] posterior without raters' answers
    prob: list[float]  # [N] posterior with them
    state: list[int]  # [N] 1: settled as true, -1: as false, 0: not
    weight: list[float]  # [N] of an inferred claim, in (0, 1]; else 0
    judged: dict[str, list[Judged]]  # key of a conclusion -> its arguments that can be judged, in the graph's order

    @cached_property
    def place(self) -> dict[str, int]:
        """Key of a claim -> its place in the batch."""
        return {claim.key: place for place, claim in enumerate(self.batch.claims)}

    @cached_property
    def paths(self) -> dict[str, dict[str, tuple[Step, ...]]]:
        """Key of a root -> key of every claim under it, nearest first -> the shortest way up."""
        graph = self.batch.graph
        if graph is None:
            return {root: {root: ()} for root in self.batch.questions}
        return {root: paths_to_root(graph, root) for root in self.batch.questions}

    @cached_property
    def roots_of(self) -> dict[str, list[str]]:
        """Key of a claim -> keys of the roots that it bears on."""
        found: dict[str, list[str]] = {}
        for root, paths in self.paths.items():
            for claim in paths:
                found.setdefault(claim, []).append(root)
        return found

    def is_said(self, place: int) -> bool:
        """Returns whether somebody answered the claim."""
        return self.batch.labels[place] is not None

    def taken(self, argument: Argument) -> list[int]:
        """Returns for each premise 1 where it is settled as the argument takes it, -1 where the other way, else 0."""
        return [self.state[self.place[p.claim]] * (1 if p.holds else -1) for p in argument.premises]


def find(batch: Batch, propagate_fn: PropagateFn) -> Findings:
    """Returns what the batch's answers lead to.

    Raises:
        ArgtreeError: the graph cannot be propagated.
    """
    labels = batch.labels
    state = [0 if label is None or not is_settled(label) else 1 if label > 0.5 else -1 for label in labels]
    weight = [0.0] * len(labels)
    graph, before = batch.graph, batch.before
    if graph is None or before is None:
        return Findings(batch, [], [], state, weight, {})
    prob_before = np.clip(propagate_fn(before).prob, 0.0, 1.0).tolist()
    prob = prob_before if graph is before else np.clip(propagate_fn(graph).prob, 0.0, 1.0).tolist()
    for place, (old, new) in enumerate(zip(prob_before, prob, strict=True)):
        if labels[place] is None and is_settled(new) and new != old:
            side = 1 if new > 0.5 else -1
            if not (is_settled(old) and (old > 0.5) == (new > 0.5)):
                state[place], weight[place] = side, moved_share(old, new)
    findings = Findings(batch, prob_before, prob, state, weight, {})
    return replace(findings, judged=_judge(findings, graph, propagate_fn))


def moved_share(old: float, new: float) -> float:
    """Returns the weight of an inferred claim: of the way from its old probability to certainty, the share it went."""
    return (new - old) / (1 - old) if new > old else (old - new) / old


def _judge(findings: Findings, graph: ArgumentGraph, propagate_fn: PropagateFn) -> dict[str, list[Judged]]:
    if not any(findings.state):
        return {}
    by_premises: dict[str, Judged] = {}
    untold: list[Argument] = []
    for argument in graph.arguments:
        judged = _by_premises(findings, argument)
        if judged is not None:
            by_premises[argument.id] = judged
        elif argument.premises:
            untold.append(argument)
    moved = _moving(findings, graph, untold, propagate_fn)
    found: dict[str, list[Judged]] = {}
    for argument in graph.arguments:
        if argument.id in by_premises:
            found.setdefault(argument.conclusion, []).append(by_premises[argument.id])
        elif argument.id in moved:
            found.setdefault(argument.conclusion, []).append(Judged(argument, True, "moved"))
    return found


def _by_premises(findings: Findings, argument: Argument) -> Judged | None:
    taken = findings.taken(argument)
    if not taken or (0 in taken and -1 not in taken):
        return None
    said = [findings.is_said(findings.place[premise.claim]) for premise in argument.premises]
    if -1 in taken:
        by_people = any(is_said for side, is_said in zip(taken, said, strict=True) if side == -1)
        return Judged(argument, False, "said" if by_people else "inferred")
    return Judged(argument, True, "said" if all(said) else "inferred")


def _moving(
    findings: Findings, graph: ArgumentGraph, untold: Iterable[Argument], propagate_fn: PropagateFn
) -> frozenset[str]:
    """Returns the ids of arguments that moved a settled root to its side."""
    concluded = {argument.conclusion for argument in untold}
    roots = [
        root
        for root, paths in findings.paths.items()
        if findings.state[findings.place[root]] and not concluded.isdisjoint(paths)
    ]
    if not roots:
        return frozenset()
    influence = propagate_fn(replace(graph, roots=tuple(map(Root, roots)))).influence
    up, down = np.zeros(len(graph.claims)), np.zeros(len(graph.claims))
    for number, root in enumerate(roots):
        claims, difference = influence.of_root(number)
        towards = findings.state[findings.place[root]] * difference
        up[claims], down[claims] = np.maximum(up[claims], towards), np.maximum(down[claims], -towards)
    found = set()
    for argument in untold:
        probs = [(findings.prob[findings.place[p.claim]], p.holds) for p in argument.premises]
        fires = argument.strength * float(np.prod([prob if holds else 1 - prob for prob, holds in probs]))
        moves = up if argument.polarity == "support" else down
        if fires * moves[findings.place[argument.conclusion]] >= MOVED:
            found.add(argument.id)
    return frozenset(found)
