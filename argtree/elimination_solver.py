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

from dataclasses import replace
from itertools import product

import numpy as np

from argtree.circuit import Array, Circuit, compile_slices
from argtree.compiled import BoolArray, FloatArray, IntArray
from argtree.condense import Condensed, Style, Tables
from argtree.core import Core, Layer, Solution
from argtree.elimination import Limits, Order
from argtree.errors import TooEntangledError
from argtree.modules import above

SECONDS_PER_PRODUCT = 1e-7
"""Of solving for one output with all derivatives, roughly; some three times that where determinants are redone."""

_CANCELLED = 1e-8
"""A determinant below this part of its terms is worked out anew."""


_CHEAP_SECONDS = 0.1
"""What takes less need not be bettered."""

_STYLES = (Style(5, 3), Style(2, 3), Style(2, 1))
_DEFAULT_LIMITS = Limits()


def _cheapest(core: Core, limits: Limits) -> tuple[Condensed, Circuit, Order]:
    """Returns the cheapest of several forms of the core; the first if that is cheap.

    Raises:
        TooEntangledError: none costs less than the limits.
    """
    limits = replace(limits, search_seconds=limits.search_seconds / len(_STYLES))
    best: tuple[float, Condensed, Circuit, Order] | None = None
    for number, style in enumerate(_STYLES):
        condensed = Condensed(core, style)
        try:
            circuit, order = compile_slices(condensed.factors, limits)
        except TooEntangledError:
            if best is None and number == len(_STYLES) - 1:
                raise
            continue
        cost = circuit.num_products * 2.0 ** len(order.held)
        if best is None or cost < best[0]:
            best = cost, condensed, circuit, order
        if cost * SECONDS_PER_PRODUCT < _CHEAP_SECONDS:
            break
    assert best is not None
    return best[1:]


class EliminationSolver:
    """Compiled once for a core; then one evaluation and one reverse pass for all states of its outputs."""

    layer: Layer = "elimination"

    def __init__(self, core: Core, limits: Limits = _DEFAULT_LIMITS) -> None:
        """Compiles the core.

        Raises:
            TooEntangledError: it would cost more than the limits.
        """
        self._graph, self._outputs = core.graph, core.outputs
        self._unrelated_to: dict[int, tuple[BoolArray, BoolArray]] = {}
        self._condensed, self._circuit, self.order = _cheapest(core, limits)
        self._max_variants = max(1, int(limits.max_entries / max(1, self._circuit.stored_entries)))

    @property
    def seconds(self) -> float:
        """What one `solve` takes, roughly."""
        return SECONDS_PER_PRODUCT * len(self._outputs) * self._circuit.num_products * 2.0 ** len(self.order.held)

    def solve(self, indicator: FloatArray) -> Solution:
        """Returns f and its derivatives; all zero where f is zero. See `core.Solver`.

        Scaled so that f is 1: the derivative by indicator_c[v] is P(claim c is v, output is s) / indicator_c[v], a
        claim's two indicators scaled to have the sum 1.
        """
        indicator = indicator / indicator.sum(axis=1, keepdims=True)
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
        condensed = self._condensed
        tables = condensed.tables(indicator)
        found = self._run(tables, outputs, np.broadcast_to(np.eye(2), (len(outputs), 2, 2)))
        if found is None:
            return
        total, derivative, by_argument = found
        total /= total.sum(axis=1, keepdims=True)
        kept = condensed.kept
        derivative[np.searchsorted(kept, outputs), :, np.arange(len(outputs))] *= np.eye(2)  # held, it is nothing else
        derivative = _scaled(indicator[kept], derivative)
        by_argument = _scaled(tables.message, by_argument)
        determinant, uncertain = _determinant(derivative)
        of_argument, uncertain_argument = _determinant(by_argument)
        if self._is_without_evidence(indicator):
            for place, output in enumerate(outputs.tolist()):
                claims, arguments = self._unrelated(output)
                determinant[claims, place] = of_argument[arguments, place] = 0.0
                uncertain[claims, place] = uncertain_argument[arguments, place] = False
        for place in np.flatnonzero(uncertain.any(axis=0) | uncertain_argument.any(axis=0)).tolist():
            small, small_argument = self._small_determinants(indicator, outputs[place], total[place])
            np.copyto(determinant[:, place], small, where=uncertain[:, place])
            np.copyto(of_argument[:, place], small_argument, where=uncertain_argument[:, place])
        solution.total[0, part] = total
        solution.derivative[0, kept, :, part] = derivative
        solution.determinant[0, kept, part] = determinant
        of_private, factor = condensed.private_derivatives(indicator, by_argument)
        solution.derivative[0, condensed.private, :, part] = of_private
        solution.determinant[0, condensed.private, part] = factor[:, np.newaxis] * of_argument[condensed.argument]

    def _is_without_evidence(self, indicator: FloatArray) -> bool:
        argued = indicator[self._graph.is_argued]
        return bool((argued[:, 0] == argued[:, 1]).all())

    def _unrelated(self, output: int) -> tuple[BoolArray, BoolArray]:
        """Returns [K] and [A] which claims, and arguments' private inputs, are independent of an output.

        Without evidence on claims with arguments: those that have no claim in common with it below or at themselves.
        """
        if output not in self._unrelated_to:
            graph = self._graph
            below = np.zeros(graph.num_claims, dtype=bool)
            below[output] = True
            for row in np.argsort(-graph.level, kind="stable").tolist():
                if below[row]:
                    first, last = graph.argument_start[row], graph.argument_start[row + 1]
                    below[graph.premise[graph.premise_start[first] : graph.premise_start[last]]] = True
            related = below | above(graph, np.flatnonzero(below))
            self._unrelated_to[output] = ~related[self._condensed.kept], ~below[graph.conclusion]
        return self._unrelated_to[output]

    def _small_determinants(
        self, indicator: FloatArray, output: int, prob: FloatArray
    ) -> tuple[FloatArray, FloatArray]:
        """Returns [K] and [A] the determinants for one output, from extended precision; prob [2] is the output's."""
        weights = np.array([[[1.0, 1.0], [-prob[1], prob[0]]]], dtype=np.longdouble)
        tables = self._condensed.tables(indicator.astype(np.longdouble))
        found = self._run(tables, np.array([output]), weights)
        assert found is not None, "f was positive in double precision"
        return (
            _small_determinant(indicator[self._condensed.kept], found[1][:, :, 0]),
            _small_determinant(tables.message, found[2][:, :, 0]),
        )

    def _run(self, tables: Tables, outputs: IntArray, weights: Array) -> tuple[Array, Array, Array] | None:
        """Returns f [T, W], its derivatives by kept claims [K, 2, T, W], and `Condensed.derivatives`' K [A, 2, T, W].

        With output t's indicator times weights[t, w] [T, W, 2]. Each is the sum over all slices, scaled up to a number
        of each table's own; None if f is zero whatever the weights.
        """
        condensed = self._condensed
        num_variants = weights.shape[0] * weights.shape[1]
        start, shapes = condensed.start.tolist(), condensed.shapes
        given: dict[int, Array] = {
            number: tables.table[start[number] : start[number + 1]].reshape(1, *shape)
            for number, shape in enumerate(shapes)
        }
        likelihood = np.broadcast_to(tables.likelihood[:, np.newaxis], (start[-1], num_variants)).copy()
        for place, number in enumerate(condensed.table_of[outputs].tolist()):
            factor: Array = np.ones(weights.shape, dtype=tables.table.dtype)
            factor[place] = weights[place]
            factor = factor.reshape(num_variants, 2)
            shape = shapes[number]
            given[number] = given[number] * factor.reshape(num_variants, 2, *(1 for _ in shape[1:]))
            half = (start[number] + start[number + 1]) // 2
            likelihood[start[number] : half] *= factor[:, 0]
            likelihood[half : start[number + 1]] *= factor[:, 1]
        total = _Sum(np.zeros((1, num_variants), dtype=tables.table.dtype))
        derivative = _Sum(np.zeros((start[-1], num_variants), dtype=tables.table.dtype))
        for states in product((0, 1), repeat=len(self.order.held)):
            evaluation = self._circuit.evaluate(given, np.array([states], dtype=np.intp))
            if evaluation is None:
                continue
            total.add(np.broadcast_to(evaluation.total, num_variants), np.array([evaluation.log_scale]))
            found = self._circuit.differentiate_scaled(evaluation)
            entries = np.empty((num_variants, start[-1]), dtype=tables.table.dtype)
            logs = np.empty(len(shapes))
            for number, (table, log) in found.items():
                entries[:, start[number] : start[number + 1]] = table.reshape(len(table), -1)
                logs[number] = log
            derivative.add(entries.T, np.repeat(logs, np.diff(condensed.start)))
        if not total.value.any():
            return None
        by_claim, by_argument = condensed.derivatives(tables, derivative.value, derivative.value * likelihood)
        shape = weights.shape[:2]
        by_claim, by_argument = (found.reshape(len(found), 2, *shape) for found in (by_claim, by_argument))
        return total.value.reshape(shape), by_claim, by_argument


def _scaled(indicator: Array, derivative: Array) -> Array:
    """Returns derivatives [n, 2, T, 2] by indicators [n, 2] scaled so that f is 1."""
    size = np.einsum("cv,cvts->ct", indicator, derivative)[:, np.newaxis, :, np.newaxis]
    return np.asarray(np.divide(derivative, size, out=np.zeros_like(derivative), where=size > 0))


def _determinant(derivative: FloatArray) -> tuple[FloatArray, BoolArray]:
    """Returns [n, T] the determinants, and which are too small to be trusted."""
    product = derivative[:, 1, :, ::-1] * derivative[:, 0]  # [n, T, 2]: 1 and 0, then 0 and 1
    determinant = product[..., 0] - product[..., 1]
    return determinant, np.abs(determinant) < _CANCELLED * product.sum(axis=2)


def _small_determinant(indicator: Array, derivative: Array) -> FloatArray:
    """Returns [n] the determinants from derivatives [n, 2, 2] of f and of the signed f by indicators [n, 2]."""
    whole, signed = np.moveaxis(derivative, 2, 0)  # [n, 2] each
    size = (indicator * whole).sum(axis=1, keepdims=True)
    size = np.where(size > 0, size, 1)
    whole, signed = whole / size, signed / size
    signed = signed - whole * (indicator * signed).sum(axis=1, keepdims=True)
    # Rounding is felt least in the less probable of the two states.
    state = np.argmin(np.where(indicator[:, ::-1] > 0, indicator * whole, np.inf), axis=1)
    places = np.arange(len(indicator))
    sign = np.where(state == 1, 1, -1)
    other = indicator[places, 1 - state]
    return np.asarray(sign * signed[places, state] / np.where(other > 0, other, 1), dtype=np.float64)


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
