"""Which solver takes which core: the cheapest that fits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from argtree.budget import Budget
from argtree.circuit import compile_circuit
from argtree.core import Core, Layer, Solution, Solver
from argtree.factors import build_factors
from argtree.graph import Argument, ArgumentGraph, Claim, Premise


@dataclass(frozen=True)
class Limits:
    """What the solvers of one propagation may use, and until when."""

    budget: Budget
    clock_fn: Callable[[], float]  # seconds on any steady clock
    deadline: float  # by that clock


def prepare(core: Core, limits: Limits) -> Solver:
    return _Interim(core)


class _Interim:
    layer: Layer = "elimination"

    def __init__(self, core):
        g = core.graph
        claims = [Claim(f"{i}", "", float(g.prior[i]) if g.is_argued[i] else 0.5) for i in range(g.num_claims)]
        args = []
        for a in range(len(g.strength)):
            ps = [
                Premise(f"{g.premise[k]}", bool(g.holds[k])) for k in range(g.premise_start[a], g.premise_start[a + 1])
            ]
            args.append(
                Argument(
                    f"{a}", f"{g.conclusion[a]}", "support" if g.is_support[a] else "attack", float(g.strength[a]), ps
                )
            )
        self.f = build_factors(ArgumentGraph(claims, args))
        self.c = compile_circuit(self.f)
        self.core = core

    def solve(self, indicator):
        outs = self.core.outputs.tolist()
        T, N = len(outs), len(indicator)
        B = 1 + 2 * T
        ind = {row: np.repeat(indicator[row][None], B, axis=0) for row in self.f.variable_of}
        for t, o in enumerate(outs):
            for s in (0, 1):
                ind[o][1 + 2 * t + s, 1 - s] = 0.0
        tabs = self.c.evaluate(ind)
        if tabs is None:
            return Solution(np.zeros((1, T, 2)), np.zeros((1, N, 2, T, 2)), np.zeros((1, N, T)))
        tot = np.broadcast_to(tabs[-1], (B,))[1:].reshape(T, 2)
        der = np.zeros((N, 2, T, 2))
        for row, gr in self.c.differentiate(tabs).items():
            gr = np.array(np.broadcast_to(gr, (B, 2)))
            der[row] = gr[1:].T.reshape(2, T, 2)
            if row in outs:
                t = outs.index(row)
                der[row, 0, t, 1] = der[row, 1, t, 0] = 0
                der[row, 0, t, 0] = gr[0, 0]
                der[row, 1, t, 1] = gr[0, 1]
        for row, k in enumerate(self.f.known):
            if k >= 0:
                der[row, k] = tot * (indicator[row, k] > 0)
        det = der[:, 1, :, 1] * der[:, 0, :, 0] - der[:, 1, :, 0] * der[:, 0, :, 1]
        return Solution(tot[None], der[None], det[None])
