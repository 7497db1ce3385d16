"""Cores: the entangled parts of a graph, and what a solver says of one.

A core is a graph of its own whose inputs (claims without arguments) are all that touches the rest from below, and
whose outputs are all that the rest needs to know from above. The solvers (elimination, decision diagrams, sampling)
share this contract and its tests. Not here: how a core is found (`modules`) or solved.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

from argtree.compiled import CompiledGraph, FloatArray, IntArray

Layer = Literal["tree", "elimination", "diagram", "sampling"]


@dataclass(frozen=True, eq=False)
class Core:
    """Claims that hang together in more than one way. Axes: N claims of the core, T outputs."""

    graph: CompiledGraph  # rows 0..N-1; priors of claims without arguments, and evidence, play no part: see `Solver`
    outputs: IntArray  # [T] rows of the claims whose states the rest needs; at least one


@dataclass(frozen=True, eq=False)
class Solution:
    """The network polynomial f of a core and its derivatives (Darwiche 2003). J = 1 where exact.

    From sampling, replicate 0 is the estimate and 1..J-1 leave out one group of samples each (a jackknife).
    """

    total: FloatArray  # [J, T, 2] f with output t held at s, up to a positive scale common to (t, s)
    # [J, N, 2, T, 2] [j, c, v, t, s]: the derivative by indicator_c[v] with output t held at s, up to a positive scale
    # of each claim's (and replicate's) own: only ratios within one [j, c] count
    derivative: FloatArray
    # [J, N, T] derivative[c, 1, t, 1] derivative[c, 0, t, 0] - derivative[c, 1, t, 0] derivative[c, 0, t, 1], in that
    # scale, its digits kept where the two products nearly cancel
    determinant: FloatArray


class Solver(Protocol):
    """One way to solve one core, prepared once for any indicators."""

    layer: Layer

    def solve(self, indicator: FloatArray) -> Solution:
        """Returns f and its derivatives.

        Args:
            indicator: [N, 2]. For a claim with arguments the likelihoods of its evidence; for one without, its message
                from below: (P(claim false, evidence below), P(claim true, evidence below)) up to scale.
        """
