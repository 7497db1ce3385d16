"""What the answers say about a batch of claims and arguments: settled or not, survived or failed, and why.

A claim is settled by people where its label is, and by inference where nobody answered it and the answers elsewhere
pushed its posterior past the same threshold. An argument *survived* if all its premises are settled as it takes them,
and *failed* if one is settled the other way. Where that cannot be told, it survived if it moved a root to the side on
which the root is settled, by at least MOVED. How far it moved a root is a first-order estimate: its strength, times the
probability that its premises are as it takes them (as if they were independent), times the root's difference
P(root | conclusion) - P(root | not conclusion).
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import Any, Literal, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from argtree.evidence import SETTLED
from argtree.graph import ArgumentGraph, Root
from store.export_batch import Batch, BatchArgument, FloatArray

MOVED = 0.01
"""An argument that moved a root by less than this is not called one that moved it."""

Basis = Literal["said", "inferred", "moved"]
Edge = tuple[
    BatchArgument, bool
]  # an argument on the way up to a root, and whether it takes its premise there as holding


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


class Judged(NamedTuple):
    """What became of an argument."""

    argument: BatchArgument
    survived: bool  # else it failed
    basis: Basis  # people settled what decides it, or inference did, or it moved a root


@dataclass(frozen=True, eq=False)
class Findings:
    """What a batch's answers lead to. Axis: N claims of the batch; claims are meant by their places in it."""

    batch: Batch
    before: FloatArray  # [N] P(claim) without raters' answers; empty where nothing hangs together
    prob: FloatArray  # [N] posterior; empty likewise
    is_said: list[bool]  # [N] somebody answered the claim
    state: list[int]  # [N] 1: settled as true, -1: as false, 0: not
    weight: FloatArray  # [N] of an inferred claim, in (0, 1]; else 0
    judged: dict[int, list[Judged]]  # conclusion -> its arguments that can be judged, in the batch's order

    @cached_property
    def arguments_for(self) -> dict[int, list[BatchArgument]]:
        """Conclusion -> its arguments, in the batch's order."""
        found: dict[int, list[BatchArgument]] = {}
        for argument in self.batch.arguments:
            found.setdefault(argument.conclusion, []).append(argument)
        return found

    @cached_property
    def paths(self) -> dict[int, dict[int, tuple[Edge, ...]]]:
        """Root -> every claim under it, nearest first -> the shortest way up; roots are in the batch's order."""
        return {root: _paths(self.arguments_for, root) for root in self.batch.questions}

    @cached_property
    def roots_of(self) -> dict[int, list[int]]:
        """Claim -> the roots that it bears on."""
        found: dict[int, list[int]] = {}
        for root, paths in self.paths.items():
            for claim in paths:
                found.setdefault(claim, []).append(root)
        return found


def find(batch: Batch, propagate_fn: PropagateFn) -> Findings:
    """Returns what the batch's answers lead to.

    Raises:
        ArgtreeError: the graph cannot be propagated.
    """
    label, is_said = batch.label, ~np.isnan(batch.label)
    state = np.where(is_said & is_settled(label), np.where(label > 0.5, 1, -1), 0)
    weight = np.zeros(len(label))
    graph, before = batch.graph, batch.before
    if graph is None or before is None:
        return Findings(batch, np.empty(0), np.empty(0), is_said.tolist(), state.tolist(), weight, {})
    old = np.clip(propagate_fn(before).prob, 0.0, 1.0)
    new = old if graph is before else np.clip(propagate_fn(graph).prob, 0.0, 1.0)
    was_settled = is_settled(old) & ((old > 0.5) == (new > 0.5))
    for place in np.flatnonzero(~is_said & is_settled(new) & (new != old) & ~was_settled).tolist():
        state[place] = 1 if new[place] > 0.5 else -1
        weight[place] = moved_share(float(old[place]), float(new[place]))
    findings = Findings(batch, old, new, is_said.tolist(), state.tolist(), weight, {})
    findings.judged.update(_judge(findings, graph, propagate_fn))
    return findings


def moved_share(old: float, new: float) -> float:
    """Returns the weight of an inferred claim: of the way from its old probability to certainty, the share it went."""
    return (new - old) / (1 - old) if new > old else (old - new) / old


def is_settled(prob: FloatArray) -> NDArray[np.bool_]:
    """Returns what `argtree.evidence.is_settled` does, for many."""
    return (prob >= SETTLED) | (prob <= 1 - SETTLED)


def _paths(arguments_for: dict[int, list[BatchArgument]], root: int) -> dict[int, tuple[Edge, ...]]:
    """Returns what `store.paths.paths_to_root` does, by places."""
    paths: dict[int, tuple[Edge, ...]] = {root: ()}
    waiting = deque([root])
    while waiting:
        conclusion = waiting.popleft()
        for argument in arguments_for.get(conclusion, ()):
            for claim, holds in argument.premises:
                if claim not in paths:
                    paths[claim] = ((argument, holds), *paths[conclusion])
                    waiting.append(claim)
    return paths


def _judge(findings: Findings, graph: ArgumentGraph, propagate_fn: PropagateFn) -> dict[int, list[Judged]]:
    if not any(findings.state):
        return {}
    by_premises = [_by_premises(findings, argument) for argument in findings.batch.arguments]
    pairs = list(zip(findings.batch.arguments, by_premises, strict=True))
    untold = [argument for argument, judged in pairs if judged is None and argument.premises]
    moved = _moving(findings, graph, untold, propagate_fn)
    found: dict[int, list[Judged]] = {}
    for argument, judged in pairs:
        if judged is not None:
            found.setdefault(argument.conclusion, []).append(judged)
        elif argument.key in moved:
            found.setdefault(argument.conclusion, []).append(Judged(argument, True, "moved"))
    return found


def _by_premises(findings: Findings, argument: BatchArgument) -> Judged | None:
    state, is_said = findings.state, findings.is_said
    taken = [state[place] if holds else -state[place] for place, holds in argument.premises]
    if -1 in taken:
        sides = zip(taken, argument.premises, strict=True)
        by_people = any([side == -1 and is_said[place] for side, (place, _) in sides])
        return Judged(argument, False, "said" if by_people else "inferred")
    if not taken or 0 in taken:
        return None
    return Judged(argument, True, "said" if all([is_said[place] for place, _ in argument.premises]) else "inferred")


def _moving(
    findings: Findings, graph: ArgumentGraph, untold: list[BatchArgument], propagate_fn: PropagateFn
) -> frozenset[str]:
    """Returns the keys of arguments that moved a settled root to its side."""
    concluded = {argument.conclusion for argument in untold}
    roots = [root for root, paths in findings.paths.items() if findings.state[root] and not concluded.isdisjoint(paths)]
    if not roots:
        return frozenset()
    keys = findings.batch.keys
    influence = propagate_fn(graph.with_roots(Root(keys[root]) for root in roots)).influence
    up, down = np.zeros(len(keys)), np.zeros(len(keys))
    for number, root in enumerate(roots):
        claims, difference = influence.of_root(number)
        towards = findings.state[root] * difference
        up[claims], down[claims] = np.maximum(up[claims], towards), np.maximum(down[claims], -towards)
    found = set()
    prob = findings.prob.tolist()
    for argument in untold:
        fires = argument.strength * prod(
            [prob[place] if holds else 1 - prob[place] for place, holds in argument.premises]
        )
        moves = up if argument.polarity == "support" else down
        if fires * moves[argument.conclusion] >= MOVED:
            found.add(argument.key)
    return frozenset(found)
