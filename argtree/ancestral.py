"""Draws of claims' states from a core's claims without arguments upwards, evidence on argued claims left aside.

All samples at once, level by level; each claim's uniforms are stratified over the samples of a group (Latin hypercube;
McKay, Beckman and Conover 1979), which takes out of an average whatever depends on one claim at a time. Not here: what
the samples are for.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from argtree.compiled import BoolArray, CompiledGraph, FloatArray, IntArray, restrict, spans
from argtree.modules import below


@dataclass(frozen=True, eq=False)
class _Level:
    """Claims with arguments whose premises all stand on lower levels; B samples stand along the last axis."""

    claim: IntArray  # [C] rows
    off: FloatArray  # [C, 1] 1 - prior
    first_argument: IntArray  # [C] place in the arguments of this level
    strength: FloatArray  # [A, 1]
    is_support: BoolArray  # [A, 1]
    has_premises: BoolArray  # [A]
    first_premise: IntArray  # [A with premises] place in the premises of this level
    premise: IntArray  # [P] rows
    holds: BoolArray  # [P, 1]

    def prob(self, state: BoolArray) -> FloatArray:
        """Returns [C, B] P(claim | premises), by the formula in docs/design.md."""
        fires = np.ones((len(self.strength), state.shape[1]), dtype=bool)
        if len(self.premise):
            is_met = state[self.premise] == self.holds
            fires[self.has_premises] = np.logical_and.reduceat(is_met, self.first_premise, axis=0)
        stays = 1 - self.strength * fires
        off = self.off * np.multiply.reduceat(np.where(self.is_support, stays, 1.0), self.first_argument, axis=0)
        keep = np.multiply.reduceat(np.where(self.is_support, 1.0, stays), self.first_argument, axis=0)
        return np.asarray((1 - off) * keep)


class AncestralSampler:
    """Draws the states of some claims of a core."""

    def __init__(self, graph: CompiledGraph, wanted: IntArray) -> None:
        """Keeps only what the wanted claims (rows [K]) rest on."""
        rows = below(graph, np.unique(wanted))
        place = np.full(graph.num_claims, -1, dtype=np.intp)
        place[rows] = np.arange(len(rows))
        part = restrict(graph, rows, len(rows))
        self._wanted = place[wanted]
        self._num_claims = len(rows)
        self._free = np.flatnonzero(~part.is_argued)
        self._free_row = rows[self._free]  # in the core
        argued = np.flatnonzero(part.is_argued)
        self._levels = [_level(part, argued[part.level[argued] == n]) for n in np.unique(part.level[argued]).tolist()]

    def draw(self, rng: np.random.Generator, indicator: FloatArray, num_groups: int, num_each: int) -> BoolArray:
        """Returns [num_groups * num_each, K] states of the wanted claims, one group after the other.

        Args:
            rng: where the randomness comes from.
            indicator: [N, 2] of the core's claims; those without arguments are drawn from it.
            num_groups: sets of samples that are stratified apart, hence independent.
            num_each: samples of a group.
        """
        state = np.empty((self._num_claims, num_groups * num_each), dtype=bool)
        message = indicator[self._free_row]
        prob = message[:, 1] / message.sum(axis=1)
        state[self._free] = _uniforms(rng, len(self._free), num_groups, num_each) < prob[:, np.newaxis]
        for level in self._levels:
            state[level.claim] = _uniforms(rng, len(level.claim), num_groups, num_each) < level.prob(state)
        return state[self._wanted].T


def _uniforms(rng: np.random.Generator, num_rows: int, num_groups: int, num_each: int) -> FloatArray:
    """Returns [num_rows, num_groups * num_each] in [0, 1): in each row and group one in each of num_each strata."""
    strata = np.tile(np.arange(num_each, dtype=np.float64), (num_rows * num_groups, 1))
    rng.permuted(strata, axis=1, out=strata)
    strata += rng.random(strata.shape)
    return np.asarray(strata.reshape(num_rows, num_groups * num_each) / num_each)


def _level(graph: CompiledGraph, claims: IntArray) -> _Level:
    num_arguments = graph.argument_start[claims + 1] - graph.argument_start[claims]
    arguments = spans(graph.argument_start[claims], graph.argument_start[claims + 1])
    num_premises = graph.premise_start[arguments + 1] - graph.premise_start[arguments]
    premises = spans(graph.premise_start[arguments], graph.premise_start[arguments + 1])
    has_premises = num_premises > 0
    return _Level(
        claims,
        1 - graph.prior[claims, np.newaxis],
        np.cumsum(num_arguments) - num_arguments,
        graph.strength[arguments, np.newaxis],
        graph.is_support[arguments, np.newaxis],
        has_premises,
        (np.cumsum(num_premises) - num_premises)[has_premises],
        graph.premise[premises],
        graph.holds[premises, np.newaxis],
    )
