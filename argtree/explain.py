"""Why a claim matters: what the roots would be if it held and if not, and through which arguments. Values, no words.

A path is a chain of arguments from the claim up to a root. There can be exponentially many: they are counted, and the
few that carry most are found, by one sweep up the graph; they are never listed. What a path carries is the product,
over its arguments, of how much the premise's being true changes the conclusion's probability, everything else being as
likely as it is now and independent. On a tree without evidence above its premises, where there is one path, that is
P(root | claim) - P(root | not claim) exactly; elsewhere it is a guide to what matters, and said to be "about".
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from heapq import nlargest
from typing import Literal, NamedTuple

from argtree.graph import Argument, ArgumentGraph, Premise
from argtree.propagate import Propagation
from argtree.rank import CERTAIN_WITHIN, rank
from argtree.value import Measure, check_measure, value_of_information

MAX_ROOTS = 3
MAX_PATHS = 3
MANY_PATHS = 10**15
"""Paths are counted up to here."""

NO_DIFFERENCE = 1e-12
"""Probabilities of a root this close are the same."""

Link = Literal["itself", "paths", "blocked", "rests on root", "common premise", "evidence", "indirect", "none"]
"""How a claim bears on a root: it is the root; by paths of arguments; by paths that all run through certain claims;
the claim rests on the root; both rest on another claim; both bear on a claim with evidence; by a longer chain; not."""


class Step(NamedTuple):
    """One argument on the way up from a claim to a root."""

    premise: Premise  # the claim at its lower end, as the argument takes it
    argument: Argument  # whose conclusion is its upper end


@dataclass(frozen=True)
class Path:
    """A chain of arguments from the claim to a root."""

    steps: tuple[Step, ...]  # the first has the claim as premise, the last concludes the root
    effect: float  # about P(root | claim) - P(root | not claim) through this path alone, in [-1, 1]


@dataclass(frozen=True)
class RootEffect:
    """What a claim does to one root."""

    root: str  # a claim's id
    prob: float  # P(root) now
    if_true: float  # P(root | claim); NaN where the claim cannot be true
    if_false: float  # P(root | not claim); NaN where it cannot be false
    link: Link
    num_paths: int  # in [0, MANY_PATHS]; through claims that are not certain, but for a blocked link
    paths: tuple[Path, ...]  # at most MAX_PATHS, those that carry most first
    via: tuple[str, ...]  # claims' ids: what blocks, or what both rest on, or what has evidence; the nearest first

    @property
    def moves(self) -> bool:
        """Whether the two answers differ, past rounding; not where one of them is impossible."""
        return abs(self.if_true - self.if_false) > NO_DIFFERENCE


@dataclass(frozen=True)
class Explanation:
    """Why an answer about a claim would be worth something, or would not."""

    claim: str
    prob: float  # P(claim) now
    measure: Measure
    value: float  # of an answer, in the measure's units
    value_error: float  # its standard error, 0 where exact
    place: int | None  # among the askable and uncertain claims by value, 1 the first; None: it is not one of them
    num_askable: int
    roots: tuple[RootEffect, ...]  # at most MAX_ROOTS, most of the value first; of those it moves, if any
    num_moved: int  # roots that it moves, in [0, num_roots]
    num_roots: int  # of the graph
    related: tuple[str, ...] = ()  # other claims about the same quantities, in the graph's order

    @property
    def is_certain(self) -> bool:
        """Whether nobody need be asked."""
        return not CERTAIN_WITHIN < self.prob < 1 - CERTAIN_WITHIN

    @property
    def matters(self) -> bool:
        """Whether an answer could change a root."""
        return any(effect.moves for effect in self.roots)


def explain(result: Propagation, claim: str, measure: Measure = "variance_reduction") -> Explanation:
    """Returns why this claim matters for the roots, in time linear in the graph.

    Args:
        result: of `propagate`.
        claim: a claim's id.
        measure: the value of information, see `value_of_information`.

    Raises:
        KeyError: no such claim.
        ValueError: no such measure.
    """
    check_measure(measure)
    graph, row = result.graph, result.graph.index[claim]
    ranked = rank(result, measure)
    order = {one.claim: place for place, one in enumerate(ranked, start=1)}
    mine = next(one for one in rank(result, measure, everything=True) if one.claim == claim)
    if_true, if_false = result.roots_given(claim)
    difference = result.influence.of_claim(row)
    shares = value_of_information(measure, result.prob[row], result.root_prob, difference)
    by_share = sorted(range(len(graph.roots)), key=lambda r: -float(shares[r]) * graph.roots[r].weight)
    moved = [r for r in by_share if abs(difference[r]) > NO_DIFFERENCE]
    surroundings = _Surroundings(result, claim)
    effects = [
        surroundings.effect(graph.roots[r].claim, float(if_true[r]), float(if_false[r]))
        for r in (moved or by_share)[:MAX_ROOTS]
    ]
    return Explanation(
        claim,
        mine.prob,
        measure,
        mine.value,
        mine.standard_error,
        order.get(claim),
        len(ranked),
        tuple(effects),
        len(moved),
        len(graph.roots),
        _related(graph, claim),
    )


def _related(graph: ArgumentGraph, claim: str) -> tuple[str, ...]:
    numbers = set(graph.claims[graph.index[claim]].quantities)
    return tuple(one.id for one in graph.claims if one.id != claim and numbers.intersection(one.quantities))


class _Way(NamedTuple):
    """A path under construction, last step first: so paths that begin alike share what they have in common."""

    effect: float
    step: Step | None
    before: _Way | None


_START = _Way(1.0, None, None)


class _Surroundings:
    """What lies between one claim and the roots."""

    def __init__(self, result: Propagation, claim: str) -> None:
        self.graph, self.claim = result.graph, claim
        self.prob = dict(zip(result.graph.index, result.prob.tolist(), strict=True))
        self.users: dict[str, list[str]] = defaultdict(list)  # premise -> conclusions
        for argument in self.graph.arguments:
            for premise in argument.premises:
                self.users[premise.claim].append(argument.conclusion)
        self.above = self._reached([claim], self.users)
        self.ways, self.counts = self._paths()

    def effect(self, root: str, if_true: float, if_false: float) -> RootEffect:
        """Returns what the claim does to one root."""
        count, ways = (self.counts.get(root, 0), self.ways.get(root, [])) if root != self.claim else (0, [])
        link, via = self._link(root, count, moves=abs(if_true - if_false) > NO_DIFFERENCE)
        paths = tuple(Path(_steps(way), way.effect) for way in ways)
        return RootEffect(root, self.prob[root], if_true, if_false, link, count, paths, via)

    def _paths(self) -> tuple[dict[str, list[_Way]], dict[str, int]]:
        """Returns for each claim above the best few paths to it, and how many there are past no certain claim."""
        ways, counts, open_ = {self.claim: [_START]}, {self.claim: 1}, {self.claim}
        for row in self.graph.topological_order:
            conclusion = self.graph.claims[row].id
            if conclusion not in self.above or conclusion == self.claim:
                continue
            found: list[_Way] = []
            for step, effect in _local_effects(self.graph, self.prob, conclusion, open_):
                counts[conclusion] = min(MANY_PATHS, counts.get(conclusion, 0) + counts[step.premise.claim])
                found += [_Way(way.effect * effect, step, way) for way in ways[step.premise.claim]]
            if found:
                ways[conclusion] = nlargest(MAX_PATHS, found, key=lambda way: abs(way.effect))
                if not self._is_certain(conclusion):
                    open_.add(conclusion)
        return ways, counts

    def _link(self, root: str, count: int, *, moves: bool) -> tuple[Link, tuple[str, ...]]:
        if root == self.claim:
            return "itself", ()
        if count:
            return "paths", ()
        if root in self.above:
            under_root = self._below(root)
            return "blocked", tuple(one for one in self.above if one in under_root and self._is_certain(one))
        if not moves:
            return "none", ()
        mine, others = self._below(self.claim), self._below(root)
        if root in mine:
            return "rests on root", ()
        if common := [one for one in mine if one in others and not self._is_certain(one)]:
            return "common premise", tuple(common)
        return self._link_by_evidence(mine, others)

    def _link_by_evidence(self, mine: Iterable[str], others: Iterable[str]) -> tuple[Link, tuple[str, ...]]:
        mine, others = self._reached(mine, self.users), self._reached(others, self.users)
        told = dict.fromkeys([*self.graph.evidence, *self.graph.direct_beliefs])
        pairs = {claim: self.graph.likelihood(claim) for claim in told if claim in mine and claim in others}
        known = [claim for claim, pair in pairs.items() if pair[0] != pair[1]]
        return ("evidence", tuple(known)) if known else ("indirect", ())

    @cached_property
    def _premises(self) -> dict[str, list[str]]:
        return {
            claim.id: [premise.claim for one in self.graph.arguments_for(claim.id) for premise in one.premises]
            for claim in self.graph.claims
        }

    def _below(self, claim: str) -> Mapping[str, None]:
        return self._reached([claim], self._premises)

    def _is_certain(self, claim: str) -> bool:
        return not CERTAIN_WITHIN < self.prob[claim] < 1 - CERTAIN_WITHIN

    @staticmethod
    def _reached(start: Iterable[str], edges: Mapping[str, Collection[str]]) -> Mapping[str, None]:
        """Returns all that can be reached, the nearest first."""
        found = dict.fromkeys(start)
        waiting = list(found)
        for one in waiting:
            for other in edges.get(one, ()):
                if other not in found:
                    found[other] = None
                    waiting.append(other)
        return found


def _local_effects(
    graph: ArgumentGraph, prob: Mapping[str, float], conclusion: str, premises: Collection[str]
) -> list[tuple[Step, float]]:
    """Returns each way in which one of the premises enters the conclusion, and by how much it moves it.

    P(conclusion | premise true) - P(conclusion | premise false) through one argument, by docs/design.md's formula with
    the other premises and arguments independent and as likely as now, and with the conclusion's own evidence.
    """
    arguments = graph.arguments_for(conclusion)
    fires = [_prob_all(prob, argument.premises) for argument in arguments]
    left = [1 - argument.strength * fire for argument, fire in zip(arguments, fires, strict=True)]
    prior = graph.claims[graph.index[conclusion]].prior
    is_support = [argument.polarity == "support" for argument in arguments]
    off = (1 - prior) * math.prod(one for one, support in zip(left, is_support, strict=True) if support)
    keep = math.prod(one for one, support in zip(left, is_support, strict=True) if not support)
    others = _products_of_others(left, is_support)
    found = []
    for i, argument in enumerate(arguments):
        without = (1 - (1 - prior) * others[i]) * keep if is_support[i] else (1 - off) * others[i]
        for premise in dict.fromkeys(argument.premises):
            if premise.claim not in premises:
                continue
            rest = _prob_all(prob, [one for one in argument.premises if one != premise], given=premise)
            now = others[i] * (1 - argument.strength * rest)
            taken = (1 - (1 - prior) * now) * keep if is_support[i] else (1 - off) * now
            pair = graph.likelihood(conclusion)
            change = _updated(taken, pair) - _updated(without, pair)
            found.append((Step(premise, argument), change if premise.holds else -change))
    return found


def _products_of_others(factors: list[float], groups: list[bool]) -> list[float]:
    """Returns for each factor the product of the others of its group: prefix times suffix, as one may be 0."""
    products = [1.0] * len(factors)
    for order in (range(len(factors)), reversed(range(len(factors)))):
        so_far = {True: 1.0, False: 1.0}
        for i in order:
            products[i] *= so_far[groups[i]]
            so_far[groups[i]] *= factors[i]
    return products


def _prob_all(prob: Mapping[str, float], premises: Iterable[Premise], given: Premise | None = None) -> float:
    """Returns the probability that all premises are as they are taken, if independent, and if one of them is."""
    if given is not None and any(one.claim == given.claim for one in premises):
        return 0.0  # the same claim taken both ways
    return math.prod(prob[one.claim] if one.holds else 1 - prob[one.claim] for one in dict.fromkeys(premises))


def _updated(prob: float, pair: tuple[float, float]) -> float:
    """Returns the probability after evidence (Bayes' rule)."""
    total = prob * pair[1] + (1 - prob) * pair[0]
    return prob * pair[1] / total if total > 0 else prob


def _steps(way: _Way) -> tuple[Step, ...]:
    steps: list[Step] = []
    while way.step is not None and way.before is not None:
        steps.append(way.step)
        way = way.before
    return tuple(reversed(steps))
