"""The argument graphs of `benchmarks.beliefbank`: one a living thing, from facts and implications that people wrote.

A fact says yes or no of a predicate ("IsA,bird"); a constraint says that one predicate makes another true (`yes_yes`)
or false (`yes_no`). Only `forward` constraints are used, as their reversals hold half of the time only.

What is left out, so that one propagation with every fact as a root takes a fraction of a second: kinds of things that
are not alive with what follows from them, and predicates without a known truth. What is written otherwise than it
stands:

- An exclusion says the same both ways, so each points along the order that the implications give. That breaks its
  cycles.
- Kinds that all exclude each other are a chain of claims "any of the first k": each kind is attacked by the one
  before it. Where two or more of the first are true, they attack once and not twice. Pairs alone would have the width
  of the group.
- "A person is a human" is dropped, since "a human is a person" is there too.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from argtree import Argument, ArgumentGraph, Claim, Premise, Root
from argtree.circuit import compile_circuit
from argtree.compiled import compile_graph
from argtree.factors import build_factors
from argtree.plan import leaf_messages

Link = tuple[str, str]
FloatArray = npt.NDArray[np.float64]

TOP = "IsA,organism"
DROPPED: Link = ("IsA,person", "IsA,human")


@dataclass(frozen=True)
class Bank:
    """Facts and constraints about living things."""

    facts: Mapping[str, Mapping[str, bool]]  # entity -> predicate -> truth
    implies: tuple[Link, ...]  # source, target
    excludes: tuple[Link, ...]  # source, target, each pair once and along `order`
    groups: tuple[tuple[str, ...], ...]  # of kinds that exclude each other, along `order`; they cover `excludes`


@dataclass(frozen=True)
class Numbers:
    """What the graph needs besides the links."""

    kind_prior: float  # P(claim) of a claim without arguments
    other_prior: float  # P(claim) of a claim with arguments when none fires
    implies: float  # strength
    excludes: float  # strength


def read_bank(folder: Path) -> Bank:
    """Returns what the files say about living things: kinds that imply "is an organism", and what these imply."""
    facts = json.loads((folder / "calibration_facts.json").read_text())
    links = json.loads((folder / "constraints_v2.json").read_text())["links"]
    links = [link for link in links if link["direction"] == "forward"]
    signs = ("yes_yes", "yes_no")
    pairs = {sign: [(link["source"], link["target"]) for link in links if link["weight"] == sign] for sign in signs}
    implies = [pair for pair in pairs["yes_yes"] if pair != DROPPED]
    living = above(TOP, implies)
    scope = living | {target for source, target in implies if source in living}
    implies = sorted(pair for pair in implies if pair[0] in living and pair[1] in scope)
    place = {claim: number for number, claim in enumerate(_in_order(scope, implies))}
    turned = {tuple(sorted(pair, key=place.__getitem__)) for pair in pairs["yes_no"] if scope.issuperset(pair)}
    excludes = sorted((source, target) for source, target in turned)
    alive = {
        entity: {claim: said == "yes" for claim, said in of_it.items() if claim in scope}
        for entity, of_it in facts.items()
        if of_it.get(TOP) == "yes"
    }
    groups = tuple(tuple(sorted(group, key=place.__getitem__)) for group in _cover(excludes))
    return Bank(alive, tuple(implies), tuple(excludes), groups)


def above(claim: str, links: Iterable[Link]) -> set[str]:
    """Returns the claim and all from which links lead to it."""
    sources: dict[str, list[str]] = {}
    for source, target in links:
        sources.setdefault(target, []).append(source)
    found, waiting = {claim}, [claim]
    while waiting:
        new = set(sources.get(waiting.pop(), ())) - found
        found |= new
        waiting += new
    return found


def _in_order(claims: Iterable[str], links: Iterable[Link]) -> list[str]:
    """Returns sources before targets: by the number of claims above, which grows along every link."""
    links = list(links)
    return sorted(claims, key=lambda claim: (len(above(claim, links)), claim))


def _cover(pairs: Iterable[Link]) -> list[set[str]]:
    """Returns groups within which all pairs are there, greedily the largest first, until each pair is in one."""
    left = {frozenset(pair) for pair in pairs}
    groups = []
    while left:
        beside: dict[str, set[str]] = {}
        for one, other in map(tuple, left):
            beside.setdefault(one, set()).add(other)
            beside.setdefault(other, set()).add(one)
        group = max((_largest({claim}, beside[claim], beside) for claim in sorted(beside)), key=len)
        groups.append(group)
        left = {pair for pair in left if not pair <= group}
    return groups


def _largest(group: set[str], common: set[str], beside: Mapping[str, set[str]]) -> set[str]:
    """Returns the largest group that has this one in it; `common` excludes all its members."""
    best = group
    for claim in sorted(common):
        best = max(best, _largest(group | {claim}, {c for c in common & beside[claim] if c > claim}, beside), key=len)
    return best


def estimate(bank: Bank, without: str) -> Numbers:
    """Returns the numbers as all other entities have them, each count with one more on either side."""
    counts = {name: [1, 2] for name in ("kind", "other", "implies", "excludes")}
    argued = {target for _, target in (*bank.implies, *bank.excludes)}
    for facts in (facts for entity, facts in bank.facts.items() if entity != without):
        fired = {target for source, target in (*bank.implies, *bank.excludes) if facts.get(source)}
        for claim, truth in facts.items():
            if claim not in fired:
                _count(counts["other" if claim in argued else "kind"], truth)
        for name, links in (("implies", bank.implies), ("excludes", bank.excludes)):
            for source, target in links:
                if facts.get(source) and target in facts:
                    _count(counts[name], facts[target] == (name == "implies"))
    return Numbers(*(hits / tries for hits, tries in counts.values()))


def _count(counts: list[int], hit: bool) -> None:
    counts[0] += hit
    counts[1] += 1


def build_graph(
    bank: Bank, entity: str, numbers: Numbers, evidence: Mapping[str, tuple[float, float]], roots: Iterable[str]
) -> ArgumentGraph:
    """Returns the entity's graph, with all its facts as claims."""
    facts = bank.facts[entity]
    arguments = [(target, "support", numbers.implies, source) for source, target in bank.implies]
    arguments = [one for one in arguments if one[0] in facts and one[3] in facts]
    chains = []
    for number, group in enumerate(bank.groups):
        first, *rest = [claim for claim in group if claim in facts] or [""]
        for place, claim in enumerate(rest):
            arguments.append((claim, "attack", numbers.excludes, first))
            if place + 1 < len(rest):
                chains.append(any_of := f"any of the first {place + 2} of group {number}")
                arguments += [(any_of, "support", 1.0, first), (any_of, "support", 1.0, claim)]
                first = any_of
    argued = {target for target, *_ in arguments}
    claims = [Claim(claim, claim, numbers.other_prior if claim in argued else numbers.kind_prior) for claim in facts]
    return ArgumentGraph(
        (*claims, *(Claim(claim, claim, 0.0) for claim in chains)),
        tuple(
            Argument(str(n), target, "support" if sign == "support" else "attack", strength, (Premise(source),))
            for n, (target, sign, strength, source) in enumerate(arguments)
        ),
        tuple(Root(claim) for claim in roots),
        evidence,
    )


class Solver:
    """A graph's exact posteriors under many sets of evidence at once: what `propagate` gives one at a time.

    The graph is compiled once; the sets of evidence are one more axis of every array, so that holding each claim true
    and false costs far less than so many propagations. No claim may be certain.
    """

    def __init__(self, graph: ArgumentGraph) -> None:
        compiled = compile_graph(replace(graph, evidence={}))
        self._circuit = compile_circuit(build_factors(compiled))
        free = np.full(len(graph.claims), -1, dtype=np.int8)
        messages = leaf_messages(compiled, free)
        self._before = np.where(compiled.is_argued[:, np.newaxis], 1.0, messages)

    def posteriors(self, evidence: FloatArray) -> FloatArray:
        """Returns P(claim | evidence), [N, C].

        Args:
            evidence: [N, C, 2] likelihoods of each claim being false and true.
        """
        indicators = evidence * self._before
        evaluation = self._circuit.evaluate({row: indicators[:, row] for row in range(indicators.shape[1])})
        assert evaluation is not None, "no evidence here is impossible"
        prob = np.empty(indicators.shape[:2])
        for row, derivative in self._circuit.differentiate(evaluation).items():
            joint = derivative * indicators[:, row]
            prob[:, row] = joint[:, 1] / joint.sum(axis=1)
        return prob

    def differences(self, evidence: FloatArray, rows: list[int]) -> FloatArray:
        """Returns P(every claim | row true) - P(every claim | row false), [C, len(rows)], under one set of evidence."""
        held = np.repeat(evidence[np.newaxis], 2 * len(rows), axis=0)
        for place, row in enumerate(rows):
            held[2 * place, row, 0] = held[2 * place + 1, row, 1] = 0.0
        given = self.posteriors(held)
        return np.asarray((given[::2] - given[1::2]).T)
