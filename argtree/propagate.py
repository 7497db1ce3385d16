"""Posteriors of all claims, and of all roots given each claim, by evaluating and differentiating one polynomial.

f(lambda) = sum_x prod_c P(x_c | pa_c) lambda_c[x_c] is the probability of the evidence, and its derivative by
lambda_c[v] is P(c = v, evidence on the other claims) (Darwiche 2003, "A Differential Approach to Inference in
Bayesian Networks"). With f_r for the same polynomial with root r held true, the derivatives of f and f_r give
P(r | c = v, e) for every claim c at once. Exact; not here: what to do past the limits of `elimination`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from argtree.circuit import Circuit, compile_circuit
from argtree.errors import ImpossibleEvidenceError, TooEntangledError
from argtree.factors import UNKNOWN, FactorGraph, FloatArray, build_factors
from argtree.graph import ArgumentGraph
from argtree.quantities import expand_quantities
from argtree.value import Measure, value_of_information

_MAX_ENTRIES_AT_ONCE = 2**26
"""Numbers held at once (512 MiB); more roots than fit are taken in portions."""


@dataclass(frozen=True)
class Propagation:
    """What follows from a graph. Axes: C claims in the order of `graph.claims`, R roots in that of `graph.roots`."""

    graph: ArgumentGraph
    exact: bool  # whether the figures are exact up to rounding
    prob: FloatArray  # [C] P(claim | evidence)
    root_if_true: FloatArray  # [R, C] P(root | claim true, evidence); NaN where the claim cannot be true
    root_if_false: FloatArray  # [R, C] P(root | claim false, evidence); NaN where the claim cannot be false

    def value(self, measure: Measure = "variance_reduction") -> FloatArray:
        """Returns [C] the value of a certain answer about each claim, summed over roots by weight.

        Raises:
            ValueError: no such measure.
        """
        value = value_of_information(measure, self.prob, self.root_if_true, self.root_if_false)
        return self._over_roots(value)

    def shift(self) -> FloatArray:
        """Returns [C] the squared distance between a claim's two answers, (r1 - r0)^2, summed over roots by weight.

        Times the variance of a belief it is what expanding the claim could take from the roots' variance, to
        first order. 0 where one of the answers is impossible.
        """
        distance = self.root_if_true - self.root_if_false
        return self._over_roots(np.where(np.isnan(distance), 0.0, distance) ** 2)

    def _over_roots(self, value: FloatArray) -> FloatArray:
        weights = np.array([root.weight for root in self.graph.roots], dtype=np.float64)
        return weights @ value


def propagate(graph: ArgumentGraph) -> Propagation:
    """Returns the exact posterior of every claim and of every root given every claim.

    Linear in the number of premises where the graph above them is a tree.

    Raises:
        TooEntangledError: shared premises would need tables past the limits of `elimination`; said before any work.
        ImpossibleEvidenceError: the evidence has probability zero; the message names what contradicts.
    """
    return replace(_propagate(expand_quantities(graph)), graph=graph)


def _propagate(graph: ArgumentGraph) -> Propagation:
    factors = build_factors(graph)
    circuit = compile_circuit(factors)
    root_rows = [graph.index[root.claim] for root in graph.roots]
    num_at_once = max(1, _MAX_ENTRIES_AT_ONCE // max(1, circuit.stored_entries) - 1)
    portions = [root_rows[i : i + num_at_once] for i in range(0, len(root_rows), num_at_once)] or [[]]
    done = [_propagate_roots(graph, factors, circuit, rows) for rows in portions]
    return Propagation(
        graph, True, done[0][0], np.concatenate([part[1] for part in done]), np.concatenate([part[2] for part in done])
    )


def _propagate_roots(
    graph: ArgumentGraph, factors: FactorGraph, circuit: Circuit, root_rows: list[int]
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Returns prob [C], and for these roots only root_if_true and root_if_false [R, C]."""
    evidence = {row: _likelihood(graph, row) for row in factors.variable_of}
    tables = circuit.evaluate(_with_roots_held(evidence, root_rows))
    if tables is None:
        raise ImpossibleEvidenceError(_name_the_impossible(graph))
    num_variants = 1 + len(root_rows)
    totals = np.broadcast_to(tables[-1], (num_variants,))
    # P(root | evidence), which is also P(root | the one possible state of a claim that is certain)
    root_prob = np.array([_if_known(factors.known[row], totals[1 + r] / totals[0]) for r, row in enumerate(root_rows)])
    prob = np.array(factors.known, dtype=np.float64)
    root_if = np.full((2, len(root_rows), len(graph.claims)), np.nan)  # [state of the claim, R, C]
    for row, state in enumerate(factors.known):
        if state != UNKNOWN:
            root_if[state, :, row] = root_prob
    for row, gradient in circuit.differentiate(tables).items():
        joint = gradient[0] * evidence[row]  # P(claim = v, evidence), up to scale
        prob[row] = joint[1] / (joint[0] + joint[1])
        gradient = np.broadcast_to(gradient, (num_variants, 2))
        for state in np.flatnonzero(joint).tolist():
            root_if[state, :, row] = gradient[1:, state] / gradient[0, state]
    for r, row in enumerate(root_rows):
        known = factors.known[row]
        for state in (0, 1):
            held = root_if[state, r]
            if known != UNKNOWN:
                held[~np.isnan(held)] = known
            elif not np.isnan(held[row]):
                held[row] = state
    np.clip(root_if, 0.0, 1.0, out=root_if)
    return np.clip(prob, 0.0, 1.0), root_if[1], root_if[0]


def _if_known(state: int, prob: float) -> float:
    return prob if state == UNKNOWN else float(state)


def _likelihood(graph: ArgumentGraph, row: int) -> FloatArray:
    pair = np.array(graph.evidence.get(graph.claims[row].id, (1.0, 1.0)), dtype=np.float64)
    return np.asarray(pair / pair.max())  # only the ratio counts


def _with_roots_held(evidence: Mapping[int, FloatArray], root_rows: list[int]) -> dict[int, FloatArray]:
    """Returns indicators [1 or 1 + R, 2]: variant 0 is the evidence, variant 1 + r holds root r true besides."""
    indicators = {row: pair[np.newaxis] for row, pair in evidence.items()}
    for variant, row in enumerate(root_rows, start=1):
        if row in indicators:
            indicators[row] = np.repeat(indicators[row], 1 + len(root_rows), axis=0)
            indicators[row][variant, 0] = 0.0
    return indicators


def _name_the_impossible(graph: ArgumentGraph) -> str:
    """Returns a sentence that names the first piece of certain evidence that contradicts what precedes it.

    Likelihoods above zero rule nothing out, so only certain evidence is searched, by halving.
    """
    certain = [claim for claim, pair in graph.evidence.items() if 0 in pair]
    possible, impossible = 0, len(certain)
    if not certain:
        return "the evidence has a probability too small to compute with"
    try:
        while impossible - possible > 1:
            middle = (possible + impossible) // 2
            if _is_possible(graph, certain[:middle]):
                possible = middle
            else:
                impossible = middle
    except TooEntangledError:  # certain evidence cuts a graph into parts; without some of it they hang together
        return f"the certain evidence, on {', '.join(map(repr, certain[:5]))}, contradicts the graph"
    before = f", given the evidence on {', '.join(map(repr, certain[:possible][-3:]))}" if possible else ""
    says = "false" if graph.evidence[certain[possible]][1] == 0 else "true"
    return f"the evidence says that {certain[possible]!r} is {says}, which has probability 0{before}"


def _is_possible(graph: ArgumentGraph, claims: list[str]) -> bool:
    part = replace(graph, evidence={claim: graph.evidence[claim] for claim in claims})
    factors = build_factors(part)
    indicators = {row: _likelihood(part, row)[np.newaxis] for row in factors.variable_of}
    return compile_circuit(factors).evaluate(indicators) is not None
