"""Cores solved exactly by variable elimination: all derivatives with each output held at each of its states.

A determinant is the small difference of two large products where a claim tells little about an output. Where it is
too small to be trusted it is worked out anew from its own propagation: with the output's indicator set to
(-P(true) lambda[0], P(false) lambda[1]), the derivatives E[v] by lambda_c[v] obey lambda_c[0] E[0] + lambda_c[1] E[1]
= 0 and E[1] = lambda_c[0] determinant (from the definitions, f scaled to 1). What leaks into that sum by rounding
travels down like f itself and is taken off again, so that only a single weak step on the way costs digits, not a
chain of them.

Not here: the order (`elimination`), the polynomial (`circuit`).
"""

from __future__ import annotations

from itertools import product

import numpy as np

from argtree.circuit import Array, compile_slices
from argtree.compiled import FloatArray, IntArray
from argtree.core import Core, Layer, Solution
from argtree.elimination import Limits
from argtree.factors import build_factors

SECONDS_PER_PRODUCT = 1e-7
"""Of solving for one output with all derivatives, roughly; some three times that where determinants are redone."""

_CANCELLED = 1e-8
"""A determinant below this part of its terms is worked out anew."""


_DEFAULT_LIMITS = Limits()


class EliminationSolver:
    """Compiled once for a core; then one evaluation and one reverse pass for all states of its outputs."""

    layer: Layer = "elimination"

    def __init__(self, core: Core, limits: Limits = _DEFAULT_LIMITS) -> None:
        """Compiles the core.

        Raises:
            TooEntangledError: it would cost more than the limits.
        """
        self._outputs = core.outputs
        self._circuit, self.order = compile_slices(build_factors(core.graph), limits)
        self._max_variants = max(1, int(limits.max_entries / max(1, self._circuit.stored_entries)))

    @property
    def seconds(self) -> float:
        """What one `solve` takes, roughly."""
        return SECONDS_PER_PRODUCT * len(self._outputs) * self._circuit.num_products * 2.0 ** len(self.order.held)

    def solve(self, indicator: FloatArray) -> Solution:
        """Returns f and its derivatives; all zero where f is zero. See `core.Solver`.

        Scaled so that f is 1: the derivative by indicator_c[v] is P(claim c is v, output is s) / indicator_c[v], the
        larger of a claim's two indicators taken as 1.
        """
        indicator = indicator / indicator.max(axis=1, keepdims=True)
        num_outputs = len(self._outputs)
        solution = Solution(
            np.zeros((1, num_outputs, 2)),
            np.zeros((1, len(indicator), 2, num_outputs, 2)),
            np.zeros((1, len(indicator), num_outputs)),
        )
        num_at_once = max(1, self._max_variants // 2)
        for first in range(0, num_outputs, num_at_once):
            part = slice(first, first + num_at_once)
            self._solve_part(indicator, self._outputs[part], part, solution)
        return solution

    def _solve_part(self, indicator: FloatArray, outputs: IntArray, part: slice, solution: Solution) -> None:
        """Fills in what concerns some of the outputs."""
        found = self._run(indicator, outputs, np.broadcast_to(np.eye(2), (len(outputs), 2, 2)))
        if found is None:
            return
        total, derivative = found
        total /= total.sum(axis=1, keepdims=True)
        derivative[outputs, :, np.arange(len(outputs))] *= np.eye(2)  # held at s, an output is nothing else
        derivative /= np.einsum("cv,cvts->ct", indicator, derivative)[:, np.newaxis, :, np.newaxis]
        product = derivative[:, 1, :, ::-1] * derivative[:, 0]  # [N, T, 2]: 1 and 0, then 0 and 1
        determinant = product[..., 0] - product[..., 1]
        uncertain = np.abs(determinant) < _CANCELLED * product.sum(axis=2)
        for place in np.flatnonzero(uncertain.any(axis=0)).tolist():
            row = uncertain[:, place]
            determinant[row, place] = self._small_determinants(indicator, outputs[place], total[place])[row]
        solution.total[0, part], solution.derivative[0, :, :, part], solution.determinant[0, :, part] = (
            total,
            derivative,
            determinant,
        )

    def _small_determinants(self, indicator: FloatArray, output: int, prob: FloatArray) -> FloatArray:
        """Returns [N] the determinants for one output, from extended precision; prob [2] is the output's."""
        weights = np.array([[[1.0, 1.0], [-prob[1], prob[0]]]], dtype=np.longdouble)
        found = self._run(indicator.astype(np.longdouble), np.array([output]), weights)
        assert found is not None, "f was positive in double precision"
        whole, signed = np.moveaxis(found[1][:, :, 0], 2, 0)  # [N, 2] each
        size = (indicator * whole).sum(axis=1, keepdims=True)
        whole, signed = whole / size, signed / size
        signed -= whole * (indicator * signed).sum(axis=1, keepdims=True)
        # Rounding is felt least in the less probable of the two states.
        state = np.argmin(np.where(indicator[:, ::-1] > 0, indicator * whole, np.inf), axis=1)
        claims = np.arange(len(indicator))
        sign = np.where(state == 1, 1, -1)
        return np.asarray(sign * signed[claims, state] / indicator[claims, 1 - state], dtype=np.float64)

    def _run(self, indicator: Array, outputs: IntArray, weights: Array) -> tuple[Array, Array] | None:
        """Returns f [T, W] and its derivatives [N, 2, T, W] with output t's indicator times weights[t, w] [T, W, 2].

        The sum over all slices, each scaled up to a number of its own; None if f is zero whatever the weights.
        """
        num_variants = weights.shape[0] * weights.shape[1]
        indicators = {row: pair[np.newaxis] for row, pair in enumerate(indicator)}
        for place, row in enumerate(outputs.tolist()):
            factor = np.ones(weights.shape, dtype=indicator.dtype)
            factor[place] = weights[place]
            indicators[row] = indicators[row] * factor.reshape(-1, 2)
        total = _Sum(np.zeros((1, num_variants), dtype=indicator.dtype))
        derivative = _Sum(np.zeros((len(indicator), 2 * num_variants), dtype=indicator.dtype))
        for states in product((0, 1), repeat=len(self.order.held)):
            evaluation = self._circuit.evaluate(indicators, np.array([states], dtype=np.intp))
            if evaluation is None:
                continue
            total.add(np.broadcast_to(evaluation.total, num_variants), np.array([evaluation.log_scale]))
            found = self._circuit.differentiate_scaled(evaluation)
            tables = np.empty((len(indicator), 2, num_variants), dtype=indicator.dtype)
            for row, (table, _) in found.items():
                tables[row] = table.T
            logs = np.array([found[row][1] for row in range(len(indicator))])
            derivative.add(tables.reshape(len(indicator), -1), logs)
        if not total.value.any():
            return None
        shape = weights.shape[:2]
        return total.value.reshape(shape), derivative.value.reshape(-1, 2, *shape)


class _Sum:
    """A sum of terms of very different scales, row by row."""

    def __init__(self, zero: Array) -> None:
        self.value = zero  # [N, M]
        self.log = np.full(len(zero), -np.inf)  # [N] the sum is value * exp(log)

    def add(self, term: Array, log: FloatArray) -> None:
        """Adds term [N, M] or [M] times exp(log) [N]."""
        largest = np.maximum(self.log, log)
        old, new = np.exp(self.log - largest)[:, np.newaxis], np.exp(log - largest)[:, np.newaxis]
        self.value = self.value * old + term * new
        self.log = largest
