"""When to leave a root alone: the probability that its decision survives learning everything that is still unknown.

That is the same-decision probability: the sum of P(x) over those states x of the askable unknowns for which P(root | x)
lies on the same side of the threshold as P(root) does now (Choi, Xue and Darwiche 2012, definition 2).

The states are gone through by branch and bound, the most probable branch first, the most valuable claim next. A branch
ends as soon as no answer can turn it, which the two extreme answers show where P(root | x) is monotone in every claim
left (`_Reach`). What the propagations allowed do not decide is sampled. Not here: raters who err, questions that cost.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from argtree.compiled import FloatArray
from argtree.errors import ImpossibleEvidenceError
from argtree.graph import ArgumentGraph, Root
from argtree.propagate import propagate
from argtree.quantities import expand_quantities
from argtree.rank import CERTAIN_WITHIN, open_rows
from argtree.what_if import Counted, Propagate, with_answers

_ON_THRESHOLD = 1e-12  # P(root) this little below the threshold counts as on it, so that rounding decides nothing

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class SameDecision:
    """How sure a root's side of a threshold is."""

    prob: float  # that it survives learning every askable unknown, in [low, high]
    standard_error: float  # of `prob` from drawing states; 0 where all were gone through
    low: float  # bounds on the true figure, equal where all states were gone through
    high: float
    exact: bool  # whether `prob` is exact up to rounding: no states were drawn, and the propagations are exact
    propagations: int  # that it cost


def same_decision(
    graph: ArgumentGraph,
    root: str,
    threshold: float = 0.5,
    *,
    max_propagations: int = 2000,
    propagate_fn: Propagate = propagate,
    seed: int = 0,
) -> SameDecision:
    """Returns the probability that P(root) stays on its side of the threshold once every askable unknown is known.

    Exact where branch and bound comes to its end; else what that decided, with the rest sampled. States less probable
    than `CERTAIN_WITHIN` given those before them are left out.

    Args:
        graph: what is known so far.
        root: a claim's id.
        threshold: P(root) from which on the decision is yes, in [0, 1].
        max_propagations: to spend in all, half of them on sampling if it comes to that. At least one sample is
            drawn even so, at one propagation for each unknown at most.
        propagate_fn: `propagate`, or one with a budget.
        seed: of the samples.

    Raises:
        ValueError: a threshold out of range, or no such claim.
        ImpossibleEvidenceError: as `propagate`.
    """
    if not 0 <= threshold <= 1:
        raise ValueError(f"the threshold is {threshold}; it must lie in [0, 1]")
    counted = Counted(propagate_fn)
    graph = expand_quantities(replace(graph, roots=(Root(root),)))  # claims about one number depend on each other
    unknowns = _Unknowns.of(graph, counted)
    bar = threshold - _ON_THRESHOLD
    yes = bool(unknowns.prob[unknowns.root] >= bar)
    same, differs, open_ = _branch_and_bound(unknowns, bar, yes, max_propagations // 2)
    if not open_:
        prob = same / (same + differs)
        return SameDecision(prob, 0.0, prob, prob, unknowns.exact, counted.count)
    share, error = _sampled_share(unknowns, open_, bar, yes, max_propagations, np.random.default_rng(seed))
    rest = 1 - same - differs
    return SameDecision(same + rest * share, rest * error, same, 1 - differs, False, counted.count)


class _Branch(NamedTuple):
    """Some claims' states. As a tuple it is ordered: the most probable first, then the one made first."""

    minus_mass: float  # -P(states)
    serial: int
    states: tuple[int, ...]  # of the first claims in the order of asking
    low: float  # P(root) if all that is left to know speaks against it; 0 where that is not known
    high: float  # and if it speaks for it; 1 likewise


@dataclass(frozen=True)
class _Unknowns:
    """The claims to be known, in the order of asking, and what is known of how they move the root."""

    graph: ArgumentGraph
    root: int  # its row
    prob: FloatArray  # [C] P(claim) now
    order: tuple[int, ...]  # rows, those that move the root either way first, then by value
    favours: tuple[int, ...]  # the state of each that favours the root
    num_unbounded: int  # how many have to be known before the others bound the root
    independent: bool  # of each other
    exact: bool  # whether propagation is
    propagate: Counted

    @classmethod
    def of(cls, graph: ArgumentGraph, counted: Counted) -> _Unknowns:
        result, root = counted(graph), graph.index[graph.roots[0].claim]
        reach = _Reach.of(graph, root, open_rows(result))
        mixed = np.full(len(result.prob), not reach.bounded) | (reach.raises & reach.lowers)
        value = result.value()
        order = sorted(reach.rows, key=lambda row: (not mixed[row], -value[row]))
        return cls(
            graph,
            root,
            result.prob,
            tuple(order),
            tuple(int(reach.raises[row]) for row in order),
            sum(bool(mixed[row]) for row in order),
            reach.independent,
            result.exact,
            counted,
        )

    def given(self, states: Iterable[int]) -> ArgumentGraph:
        """Returns the graph with the first claims of `order` in these states."""
        claims = (self.graph.claims[row].id for row in self.order)
        pairs = zip(claims, states, strict=False)
        return with_answers(self.graph, {claim: (0.0, 1.0) if state else (1.0, 0.0) for claim, state in pairs})

    def root_prob(self, states: Iterable[int]) -> float | None:
        """Returns P(root | states), or None where they cannot be."""
        try:
            return float(self.propagate(self.given(states)).prob[self.root])
        except ImpossibleEvidenceError:
            return None

    def next_prob(self, states: tuple[int, ...]) -> float:
        """Returns P(the next claim | the states of those before it), 0 or 1 where it is as good as certain."""
        row = self.order[len(states)]
        prob = float(self.prob[row] if self.independent else self.propagate(self.given(states)).prob[row])
        return round(prob) if min(prob, 1 - prob) <= CERTAIN_WITHIN else prob

    def extreme(self, states: tuple[int, ...], high: bool) -> float:
        """Returns P(root | states) if everything left favours the root, or if everything speaks against it."""
        left = self.favours[len(states) :]
        found = self.root_prob((*states, *(left if high else (1 - state for state in left))))
        return float(high) if found is None else found

    def branch(self, mass: float, serial: int, states: tuple[int, ...], parent: _Branch | None) -> _Branch:
        """Returns a branch with its bounds; each extreme that the newest state agrees with is the parent's."""
        depth = len(states)
        if depth < self.num_unbounded:
            return _Branch(-mass, serial, states, 0.0, 1.0)
        if parent is None or depth == self.num_unbounded:
            low = self.extreme(states, False)
            return _Branch(-mass, serial, states, low, low if depth == len(self.order) else self.extreme(states, True))
        new = self.extreme(states, states[-1] != self.favours[depth - 1])
        low, high = (parent.low, new) if states[-1] != self.favours[depth - 1] else (new, parent.high)
        return _Branch(-mass, serial, states, *((new, new) if depth == len(self.order) else (low, high)))


@dataclass(frozen=True)
class _Reach:
    """Which unknowns can move a root, and which way.

    A claim raises the root if along some way its truth does, with every attack and every negated premise turning the
    sign. Where neither evidence nor a question touches a claim that is argued below the root, the unknowns are
    independent and P(root | x) is a mean, over what stays unknown, of functions that grow in each claim that only
    raises and fall in each that only lowers. On a tree that is so in any case: the odds that its arguments give a claim
    grow with the odds of each premise that favours it, and evidence multiplies them. Elsewhere nothing is claimed.
    """

    rows: tuple[int, ...]  # unknowns that can move the root
    raises: Mask  # [C]
    lowers: Mask  # [C]
    bounded: bool  # whether P(root | x) is monotone in the claims that do not both raise and lower
    independent: bool  # whether the unknowns are, given the evidence

    @classmethod
    def of(cls, graph: ArgumentGraph, root: int, unknown: Iterable[int]) -> _Reach:
        size = len(graph.claims)
        raises, lowers, uses = np.zeros(size, dtype=bool), np.zeros(size, dtype=bool), np.zeros(size, dtype=np.int64)
        asked, argued, told = (np.zeros(size, dtype=bool) for _ in range(3))
        raises[root] = True
        for row in reversed(graph.topological_order):
            arguments = graph.arguments_for(graph.claims[row].id)
            argued[row] = bool(arguments)
            for argument in arguments if raises[row] or lowers[row] else ():
                for premise in argument.premises:
                    part, same = graph.index[premise.claim], (argument.polarity == "support") == premise.holds
                    uses[part] += 1
                    raises[part] |= raises[row] if same else lowers[row]
                    lowers[part] |= lowers[row] if same else raises[row]
        asked[list(unknown)] = True
        for some in (graph.evidence, graph.direct_beliefs):
            told[[graph.index[claim] for claim, pair in some.items() if pair[0] != pair[1]]] = True
        below = raises | lowers
        hears_from_above = bool(((asked | told) & argued & _resting_on(graph, below) & ~below).any())
        independent = not hears_from_above and not ((asked | told) & argued & below).any()
        tree = not hears_from_above and bool(uses.max(initial=0) <= 1)
        rows = np.flatnonzero(asked if hears_from_above else asked & below)
        return cls(tuple(rows.tolist()), raises, lowers, independent or tree, independent)


def _resting_on(graph: ArgumentGraph, some: Mask) -> Mask:
    """Returns the claims that are among some or rest on one of them, [C]."""
    rests = some.copy()
    for row in graph.topological_order:
        for argument in graph.arguments_for(graph.claims[row].id):
            rests[row] |= any(rests[graph.index[premise.claim]] for premise in argument.premises)
    return rests


def _branch_and_bound(
    unknowns: _Unknowns, bar: float, yes: bool, max_propagations: int
) -> tuple[float, float, list[_Branch]]:
    """Returns the probability that is decided to stay and to turn, and the branches that are not decided."""
    serial, same, differs = 0, 0.0, 0.0
    waiting = [unknowns.branch(1.0, serial, (), None)]
    if 2 ** min(unknowns.num_unbounded, 60) > max_propagations:  # no hope to decide anything
        return same, differs, waiting
    while waiting and unknowns.propagate.count < max_propagations:
        branch = heapq.heappop(waiting)
        if branch.low >= bar or branch.high < bar:
            stays = (branch.low >= bar) == yes
            same, differs = same - branch.minus_mass * stays, differs - branch.minus_mass * (not stays)
            continue
        prob = unknowns.next_prob(branch.states)
        for state, share in ((0, 1 - prob), (1, prob)):
            if share > 0:
                serial += 1
                child = unknowns.branch(-branch.minus_mass * share, serial, (*branch.states, state), branch)
                heapq.heappush(waiting, child)
    return same, differs, waiting


def _sampled_share(
    unknowns: _Unknowns, open_: list[_Branch], bar: float, yes: bool, max_propagations: int, rng: np.random.Generator
) -> tuple[float, float]:
    """Returns the share of the open branches' probability that keeps the decision, and its standard error.

    Laplace's rule (k + 1) / (n + 2) for the share, so that no run of equal samples passes for certainty.
    """
    masses = np.array([-branch.minus_mass for branch in open_])
    kept, drawn = 0, 0
    most = 1 if unknowns.independent else 1 + len(unknowns.order)  # propagations that a sample may cost
    while drawn == 0 or unknowns.propagate.count + most <= max_propagations:
        states = open_[int(rng.choice(len(open_), p=masses / masses.sum()))].states
        while len(states) < len(unknowns.order):
            states = (*states, int(rng.random() < unknowns.next_prob(states)))
        found = unknowns.root_prob(states)
        assert found is not None, "states drawn from their probability are possible"
        kept, drawn = kept + ((found >= bar) == yes), drawn + 1
    share = (kept + 1) / (drawn + 2)
    return share, float(np.sqrt(share * (1 - share) / (drawn + 3)))
