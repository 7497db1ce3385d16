"""All claims' variance reduction summed over very many roots, from a few random signs.

The sum over roots r of w_r cov(r, c)^2 is the mean over random signs eps of (sum_r eps_r sqrt(w_r) cov(r, c))^2
(Hutchinson 1990, "A Stochastic Estimator of the Trace of the Influence Matrix for Laplacian Smoothing Splines"). The
inner sum is one directional second derivative of log f, along the roots' indicators and by the claim's: by a complex
step (Squire and Trapp 1998, "Using Complex Variables to Estimate Derivatives of Real Functions") it is the imaginary
part of one evaluation and one reverse pass, with no difference of nearly equal numbers, for all claims at once and
however many roots there are.

Not here: graphs too entangled for elimination as one piece.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from argtree.circuit import Circuit, compile_circuit
from argtree.compiled import UNKNOWN, FloatArray, IntArray, compile_graph, fold_certain
from argtree.errors import ImpossibleEvidenceError
from argtree.factors import build_factors
from argtree.graph import ArgumentGraph
from argtree.plan import leaf_messages
from argtree.quantities import expand_quantities

_STEP = 1e-100  # imaginary: its square vanishes beside 1


@dataclass(frozen=True)
class Probed:
    """Values summed over roots by weight. Axes: C claims."""

    value: FloatArray  # [C] variance reduction of a certain answer about each claim
    standard_error: FloatArray  # [C] 0 where the value is exact


def probe_values(
    graph: ArgumentGraph, rng: np.random.Generator, *, num_probes: int = 32, num_exact: int = 10
) -> Probed:
    """Returns what `propagate(graph).value()` does, estimated; the highest are worked out exactly.

    A probe costs a few propagations without any root, an exact value two, whatever the number of roots.

    Args:
        graph: with any number of roots.
        rng: for the signs.
        num_probes: at least 2; the relative standard error is about sqrt(2 / num_probes).
        num_exact: so many of the askable claims with the highest estimates are worked out exactly.

    Raises:
        TooEntangledError: elimination of the whole graph does not fit.
        ImpossibleEvidenceError: the evidence has probability zero.
        ValueError: fewer than two probes.
    """
    if num_probes < 2:
        raise ValueError(f"num_probes is {num_probes}; it must be at least 2")
    whole = _Whole(graph)
    moved = np.stack([whole.probe(rng.choice((-1.0, 1.0), len(whole.roots))) for _ in range(num_probes)])
    squares = moved**2  # [num_probes, C] cov(., c)^2 summed over roots, in the mean
    variance = whole.prob * (1 - whole.prob)
    open_ = variance > 0
    scale = np.divide(1.0, variance, out=np.zeros_like(variance), where=open_)
    value = squares.mean(axis=0) * scale
    error = squares.std(axis=0, ddof=1) / np.sqrt(num_probes) * scale
    askable = np.array([graph.is_askable(claim.id) for claim in graph.claims], dtype=bool)
    order = np.argsort(-np.where(askable & open_, value, -1.0), kind="stable")[:num_exact]
    for row in order[(askable & open_)[order]].tolist():
        value[row], error[row] = whole.exact_value(row), 0.0
    return Probed(value, error)


class _Whole:
    """A whole graph's polynomial, compiled once."""

    def __init__(self, graph: ArgumentGraph) -> None:
        folded, self._known = fold_certain(compile_graph(expand_quantities(graph)))
        self._circuit: Circuit = compile_circuit(build_factors(folded))
        leaves = leaf_messages(folded, self._known)
        self._indicator = np.where(folded.is_argued[:, np.newaxis], folded.evidence, leaves)
        roots = np.array([graph.index[root.claim] for root in graph.roots], dtype=np.intp)
        weights = np.array([root.weight for root in graph.roots])
        is_open = self._known[roots] == UNKNOWN  # the others cannot be moved
        self.roots: IntArray = roots[is_open]
        self._weights = weights[is_open]
        self.prob = self._posterior(self._indicator).real

    def probe(self, signs: FloatArray) -> FloatArray:
        """Returns [C] sum_r signs[r] sqrt(w_r) cov(root r, claim c)."""
        indicator = self._indicator.astype(np.complex128)
        indicator[self.roots, 1] *= 1 + 1j * _STEP * signs * np.sqrt(self._weights)
        return self._posterior(indicator).imag / _STEP

    def exact_value(self, row: int) -> float:
        """Returns sum_r w_r p (1-p) (P(r | c) - P(r | not c))^2 for one claim."""
        given = []
        for state in (0, 1):
            held = self._indicator.copy()
            held[row, 1 - state] = 0
            given.append(self._posterior(held).real[self.roots])
        p = self.prob[row]
        return float(p * (1 - p) * (self._weights @ (given[1] - given[0]) ** 2))

    def _posterior(self, indicator: npt.NDArray[np.inexact]) -> npt.NDArray[np.complex128]:
        evaluation = self._circuit.evaluate({row: pair[np.newaxis] for row, pair in enumerate(indicator)})
        if evaluation is None:
            raise ImpossibleEvidenceError
        prob = np.where(self._known == UNKNOWN, 0, self._known).astype(np.complex128)
        for row, derivative in self._circuit.differentiate(evaluation).items():
            joint = derivative[0] * indicator[row]
            prob[row] = joint[1] / (joint[0] + joint[1])
        return prob
