"""An argument graph as flat arrays: what every propagation reads instead of objects.

Axes: C claims, A arguments sorted by conclusion, P premises (places in arguments, sorted by argument). The arguments
of claim c are `argument_start[c]:argument_start[c + 1]`, the premises of argument a are
`premise_start[a]:premise_start[a + 1]`. Not here: any probability that has to be worked out.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from itertools import chain

import numpy as np
import numpy.typing as npt

from argtree.errors import ImpossibleEvidenceError
from argtree.graph import ArgumentGraph

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]
BoolArray = npt.NDArray[np.bool_]

UNKNOWN = -1
"""State of a claim that is not certain beforehand."""


@dataclass(frozen=True, eq=False)
class CompiledGraph:
    """Claims, arguments and premises as arrays."""

    prior: FloatArray  # [C] P(claim) when no argument about it fires, in [0, 1]
    evidence: FloatArray  # [C, 2] P(label | claim false), P(label | claim true), the larger one 1
    argument_start: IntArray  # [C + 1]
    is_support: BoolArray  # [A]
    strength: FloatArray  # [A] in [0, 1]
    premise_start: IntArray  # [A + 1]
    premise: IntArray  # [P] row of a claim
    holds: BoolArray  # [P] False: the argument needs the claim to be false

    @property
    def num_claims(self) -> int:
        """C."""
        return len(self.prior)

    @cached_property
    def conclusion(self) -> IntArray:
        """[A] row of the claim that each argument is about."""
        return np.repeat(np.arange(self.num_claims), np.diff(self.argument_start))

    @cached_property
    def argument(self) -> IntArray:
        """[P] the argument in which each premise stands."""
        return np.repeat(np.arange(len(self.strength)), np.diff(self.premise_start))

    @cached_property
    def is_argued(self) -> BoolArray:
        """[C] whether the claim has arguments."""
        return np.diff(self.argument_start) > 0

    @cached_property
    def is_labelled(self) -> BoolArray:
        """[C] whether the claim carries evidence that tells something."""
        return np.asarray((self.evidence[:, 0] != 1) | (self.evidence[:, 1] != 1), dtype=np.bool_)

    @cached_property
    def num_uses(self) -> IntArray:
        """[C] the number of places in which the claim stands as a premise."""
        return np.bincount(self.premise, minlength=self.num_claims)

    @cached_property
    def uses(self) -> tuple[IntArray, IntArray]:
        """(start [C + 1], place [P]): claim c stands in the places `place[start[c]:start[c + 1]]`."""
        return np.concatenate([[0], np.cumsum(self.num_uses)]), np.argsort(self.premise, kind="stable")

    @cached_property
    def level(self) -> IntArray:
        """[C] 0 for a claim without premises, else one more than the highest of its premises (Kahn 1962)."""
        level = np.zeros(self.num_claims, dtype=np.intp)
        user = self.conclusion[self.argument]  # [P]
        waiting = np.bincount(user, minlength=self.num_claims)
        ready, height = np.flatnonzero(waiting == 0), 0
        while len(ready):
            level[ready] = height
            used_by = user[self.uses[1][spans(self.uses[0][ready], self.uses[0][ready + 1])]]
            if len(used_by) > 1:
                used_by, count = np.unique(used_by, return_counts=True)
                waiting[used_by] -= count
            else:
                waiting[used_by] -= 1
            ready, height = used_by[waiting[used_by] == 0], height + 1
        return level


def spans(start: IntArray, stop: IntArray) -> IntArray:
    """Returns start[0], ..., stop[0] - 1, start[1], ..., stop[1] - 1, ... in one array."""
    length = stop - start
    total = int(length.sum())
    if total == 0:
        return np.empty(0, dtype=np.intp)
    before = np.cumsum(length) - length
    return np.asarray(np.arange(total) + np.repeat(start - before, length), dtype=np.intp)


def compile_graph(graph: ArgumentGraph) -> CompiledGraph:
    """Returns the graph as arrays, in time linear in its size.

    Raises:
        ImpossibleEvidenceError: a claim's evidence is impossible whichever way the claim is.
    """
    index = dict(graph.index)
    num_claims, num_arguments = len(graph.claims), len(graph.arguments)
    conclusion = np.fromiter((index[one.conclusion] for one in graph.arguments), np.intp, num_arguments)
    order = np.argsort(conclusion, kind="stable")
    arguments = [graph.arguments[i] for i in order.tolist()]
    premises = list(chain.from_iterable(one.premises for one in arguments))
    return CompiledGraph(
        np.fromiter((claim.prior for claim in graph.claims), np.float64, num_claims),
        _evidence(graph),
        _starts(np.bincount(conclusion, minlength=num_claims)),
        np.fromiter((one.polarity == "support" for one in arguments), np.bool_, num_arguments),
        np.fromiter((one.strength for one in arguments), np.float64, num_arguments),
        _starts(np.fromiter((len(one.premises) for one in arguments), np.intp, num_arguments)),
        np.fromiter((index[one.claim] for one in premises), np.intp, len(premises)),
        np.fromiter((one.holds for one in premises), np.bool_, len(premises)),
    )


def _evidence(graph: ArgumentGraph) -> FloatArray:
    evidence, index = np.ones((len(graph.claims), 2)), graph.index
    for told in (graph.evidence, graph.direct_beliefs):
        claims = list(told)
        pairs = np.array(list(told.values()), dtype=np.float64).reshape(-1, 2)
        larger = pairs.max(axis=1)
        if not larger.all():
            claim = claims[int(np.argmin(larger))]
            raise ImpossibleEvidenceError(f"the evidence on {claim!r} is impossible whether it is true or false")
        rows = list(map(index.__getitem__, claims))
        both = evidence[rows] * (pairs / larger[:, np.newaxis])
        evidence[rows] = both / both.max(axis=1, keepdims=True)  # only the ratio counts
    return evidence


def _starts(counts: IntArray) -> IntArray:
    return np.concatenate([np.zeros(1, dtype=np.intp), np.cumsum(counts)])


def fold_certain(graph: CompiledGraph) -> tuple[CompiledGraph, IntArray]:
    """Returns the graph without premises and arguments that certain claims have decided, and what is certain.

    A claim is certain if its evidence leaves one state only, or if nothing open remains that could make it true or
    false. Certain premises that are met are dropped, arguments that cannot fire too, as is a premise named twice;
    claims keep their rows. What is left never reads a certain claim, so shared premises that are settled entangle
    nothing. A claim certain by its evidence keeps its arguments: they are what the evidence speaks about.

    Returns:
        The folded graph, and [C] the state, 0 or 1, of each certain claim, else `UNKNOWN`.
    """
    graph = _without_repeats(graph)
    known = np.full(graph.num_claims, UNKNOWN)
    known[graph.evidence[:, 0] == 0] = 1
    known[graph.evidence[:, 1] == 0] = 0
    look_at = np.arange(graph.num_claims)
    user = graph.conclusion[graph.argument]
    while len(look_at):
        open_ = look_at[known[look_at] == UNKNOWN]
        state = _states(graph, known, open_)
        known[open_] = state
        news = open_[state != UNKNOWN] if len(look_at) < graph.num_claims else np.flatnonzero(known != UNKNOWN)
        look_at = np.unique(user[graph.uses[1][spans(graph.uses[0][news], graph.uses[0][news + 1])]])
        if not len(news):
            break
    if (known == UNKNOWN).all() and (graph.strength > 0).all():
        return graph, known
    state = known[graph.premise]
    met = (state != UNKNOWN) & (state == graph.holds)
    dead = graph.strength == 0
    dead[graph.argument[(state != UNKNOWN) & ~met]] = True
    by_evidence = (graph.evidence == 0).any(axis=1)
    dead |= (known != UNKNOWN)[graph.conclusion] & ~by_evidence[graph.conclusion]
    return _keep(graph, ~dead, ~met), known


def _states(graph: CompiledGraph, known: IntArray, claims: IntArray) -> IntArray:
    """Returns [len(claims)] the one state that each claim can have, given what is known, or UNKNOWN."""
    start, stop = graph.argument_start[claims], graph.argument_start[claims + 1]
    arguments = spans(start, stop)
    place = np.repeat(np.arange(len(claims)), stop - start)  # of each argument's conclusion in `claims`
    first, last = graph.premise_start[arguments], graph.premise_start[arguments + 1]
    premises = spans(first, last)
    in_argument = np.repeat(np.arange(len(arguments)), last - first)
    state = known[graph.premise[premises]]
    failed = np.bincount(in_argument, (state != UNKNOWN) & (state != graph.holds[premises]), len(arguments)) > 0
    waiting = np.bincount(in_argument, state == UNKNOWN, len(arguments)) > 0
    strength, support = graph.strength[arguments], graph.is_support[arguments]
    may_fire = ~failed & (strength > 0)
    must_fire = ~failed & ~waiting & (strength == 1)

    def any_of(which: BoolArray) -> BoolArray:
        return np.bincount(place, which, len(claims)) > 0

    prior = graph.prior[claims]
    can_be_true = ((prior > 0) | any_of(may_fire & support)) & ~any_of(must_fire & ~support)
    can_be_false = ((prior < 1) & ~any_of(must_fire & support)) | any_of(may_fire & ~support)
    return np.where(can_be_true & can_be_false, UNKNOWN, can_be_true.astype(np.intp))


def _without_repeats(graph: CompiledGraph) -> CompiledGraph:
    """Returns the graph with each premise once in its argument, and without arguments that need both p and not p."""
    key = graph.argument * graph.num_claims + graph.premise
    order = np.argsort(key, kind="stable")
    same = key[order[1:]] == key[order[:-1]]
    if not same.any():
        return graph
    first, second = order[:-1][same], order[1:][same]
    keep = np.ones(len(key), dtype=bool)
    keep[second] = False
    alive = np.ones(len(graph.strength), dtype=bool)
    alive[graph.argument[second[graph.holds[first] != graph.holds[second]]]] = False
    return _keep(graph, alive, keep)


def _keep(graph: CompiledGraph, arguments: BoolArray, premises: BoolArray) -> CompiledGraph:
    """Returns the graph with these arguments ([A] mask) and, in them, these premises ([P] mask) only."""
    premises = premises & arguments[graph.argument]
    per_argument = np.bincount(graph.argument[premises], minlength=len(graph.strength))[arguments]
    per_claim = np.bincount(graph.conclusion[arguments], minlength=graph.num_claims)
    return replace(
        graph,
        argument_start=_starts(per_claim),
        is_support=graph.is_support[arguments],
        strength=graph.strength[arguments],
        premise_start=_starts(per_argument),
        premise=graph.premise[premises],
        holds=graph.holds[premises],
    )


def restrict(graph: CompiledGraph, claims: IntArray, num_inner: int) -> CompiledGraph:
    """Returns the graph of some claims alone, in the order given, in time that hangs on their number only.

    Args:
        graph: where they stand.
        claims: rows, each once, with every premise of the first `num_inner` among them.
        num_inner: how many keep their arguments; the others become claims without any.
    """
    taken = take(graph, claims[:num_inner])
    order = np.argsort(claims)
    rest = np.full(len(claims) - num_inner, taken.argument_start[-1])
    return replace(
        taken,
        prior=graph.prior[claims],
        evidence=graph.evidence[claims],
        argument_start=np.concatenate([taken.argument_start, rest]),
        premise=order[np.searchsorted(claims, taken.premise, sorter=order)],
    )


def take(graph: CompiledGraph, claims: IntArray) -> CompiledGraph:
    """Returns the claims at these rows with their arguments, in the order given; premises keep the old rows."""
    start, stop = graph.argument_start[claims], graph.argument_start[claims + 1]
    arguments = spans(start, stop)
    first, last = graph.premise_start[arguments], graph.premise_start[arguments + 1]
    premises = spans(first, last)
    return CompiledGraph(
        graph.prior[claims],
        graph.evidence[claims],
        _starts(stop - start),
        graph.is_support[arguments],
        graph.strength[arguments],
        _starts(last - first),
        graph.premise[premises],
        graph.holds[premises],
    )
