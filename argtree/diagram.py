"""Cores as decision diagrams: for plain logic that hangs together too widely for elimination.

The states of an output and of the claims under evidence become one diagram. An input's derivative comes from that;
an argued claim's from its own diagram multiplied with it. Not here: how diagrams are built (`boolean`) and swept
(`decisions`).
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from argtree.boolean import NONE, ORDERS, Functions, Nodes, Variables
from argtree.compiled import BoolArray, CompiledGraph, FloatArray
from argtree.core import Core, Layer, Solution
from argtree.decisions import Diagram, LongArray, Paths, multiply
from argtree.errors import TooEntangledError


class _Output:
    """One output's state, with what is observed: the diagram, its paths, and its product with each claim's."""

    def __init__(self, nodes: Nodes, num_levels: int, claims: Diagram, max_nodes: int, check: Callable[[], None]):
        self._outcome = _of_outcome(nodes, num_levels)
        self._paths = Paths(self._outcome)
        # Down to a claim's first variable only the output's diagram matters: pairs begin there
        self._claims, self._top = claims, claims.with_leaves()[2][claims.roots]
        self._start, self._edge, child = self._paths.across(self._top)
        if len(self._edge) > max_nodes:
            raise TooEntangledError(f"two claims' decision diagrams meet at more than {max_nodes} edges")
        first = np.repeat(claims.roots, np.diff(self._start))
        self._product = multiply(claims, self._outcome, (first, child), max_nodes, check)

    @property
    def num_nodes(self) -> int:
        """Of the diagram and the product."""
        return len(self._outcome.level) + len(self._product.diagram.level)

    def solve(self, weight: LongArray, claims: LongArray) -> tuple[LongArray, LongArray, LongArray]:
        """Returns f [2], its derivatives [L, 2, 2] by variable, and f [G, 2, 2] with each claim's state held too.

        The last axis is the output's state, the one before it the variable's or claim's.

        Args:
            weight: [L, 2] of each variable.
            claims: [K + 2, 2] what `Diagram.values` says of the claims' diagram.
        """
        outcome = self._outcome.values(weight, np.array([[0, 0], [1, 0], [0, 1]], dtype=np.longdouble))
        product = self._product
        leaf = claims[product.first][:, :, np.newaxis] * outcome[product.second][:, np.newaxis]
        flow, along = self._paths.flow(weight)
        meeting = product.diagram.values(weight, leaf)[product.diagram.roots]
        meeting *= along[self._edge][:, np.newaxis, np.newaxis]
        decided = self._paths.into_leaves(along, self._top)
        joint = claims[self._claims.roots][:, :, np.newaxis] * decided[:, np.newaxis]
        met = np.diff(self._start) > 0
        if met.any():
            joint[met] += np.add.reduceat(meeting, self._start[:-1][met])
        return outcome[self._outcome.roots[0]], self._paths.derivatives(flow, along, outcome), joint


def _of_outcome(nodes: Nodes, num_levels: int) -> Diagram:
    """Returns the diagram whose last variable has become its leaves: impossible, output false, output true."""
    num_inner = int(np.searchsorted(nodes.level, num_levels))
    row = np.arange(len(nodes.level) + 2)
    last = row[num_inner:-2]
    row[last] = np.where(nodes.low[last] == len(nodes.level), num_inner + 2, num_inner + 1)
    row[-2] = num_inner
    inner = slice(num_inner)
    return Diagram(nodes.level[inner], row[nodes.low[inner]], row[nodes.high[inner]], 3, row[nodes.roots], num_levels)


class DiagramSolver:
    """A core as decision diagrams.

    Built for evidence on those argued claims on which the core's graph has some, and built anew (not in new orders)
    when indicators speak of others. Holds about 200 bytes a node. A probability below 1e-4900 (1e-300 where long
    doubles are plain ones) becomes 0.
    """

    layer: Layer = "diagram"

    def __init__(self, core: Core, max_nodes: int, seconds: float, now: Callable[[], float]) -> None:
        """Builds the diagrams in each of `ORDERS` and keeps the smallest.

        Args:
            core: any; sized best where its arguments and argued claims are certain logic.
            max_nodes: that the functions of all claims may have together, and their products with all outputs too.
            seconds: that building may take; may be passed by one step of some millions of nodes.
            now: seconds on some clock.

        Raises:
            TooEntangledError: more nodes or time would be needed.
        """
        self._core = core
        self._max_nodes, self._seconds, self._now = max_nodes, seconds, now
        started = now()
        self._functions = self._smallest(started)
        self._prepare(_observed(core.graph, core.graph.evidence), started)

    @property
    def num_nodes(self) -> int:
        """Of all diagrams that a solution sweeps over."""
        return len(self._claims.level) + sum(output.num_nodes for output in self._outputs)

    def solve(self, indicator: FloatArray) -> Solution:
        """Returns f and its derivatives, exact up to rounding; see `Solver`.

        Raises:
            TooEntangledError: the indicators speak of argued claims of which none before did, and the diagrams with
                these need more nodes or time; then the solver still serves the indicators that it did.
        """
        graph = self._core.graph
        observed = _observed(graph, indicator)
        if (observed & ~self._observed).any():
            self._prepare(observed | self._observed, self._now())
        weight = _weights(graph, self._functions.variables, indicator)
        claims = self._claims.values(weight, np.eye(2, dtype=np.longdouble))
        derivative = np.empty((graph.num_claims, 2, len(self._outputs), 2), dtype=np.longdouble)
        total = np.empty((len(self._outputs), 2), dtype=np.longdouble)
        for t, output in enumerate(self._outputs):
            total[t], by_variable, joint = output.solve(weight, claims)
            derivative[:, :, t] = by_variable[self._functions.variables.claim]
            derivative[self._joined, :, t] = joint
        derivative /= _largest(derivative, (1, 2, 3))
        total /= _largest(total, (0, 1))
        determinant = derivative[:, 1, :, 1] * derivative[:, 0, :, 0] - derivative[:, 1, :, 0] * derivative[:, 0, :, 1]
        return Solution(*(part.astype(np.float64)[np.newaxis] for part in (total, derivative, determinant)))

    def _smallest(self, started: float) -> Functions:
        """Each order has an equal share of half of the time."""
        best: Functions | None = None
        best_size, error = math.inf, TooEntangledError()
        for number, order in enumerate(ORDERS, start=1):
            check = self._until(started + self._seconds * number / (2 * len(ORDERS)))
            try:
                functions = Functions(self._core, order, self._max_nodes, check)
                outputs = sum(len(functions.outcome(output, [], check).level) for output in self._core.outputs.tolist())
            except TooEntangledError as too_entangled:
                error = too_entangled
                continue
            if functions.num_nodes * outputs < best_size:  # as the products' sizes go
                best, best_size = functions, functions.num_nodes * outputs
        if best is None:
            raise error
        return best

    def _prepare(self, observed: BoolArray, started: float) -> None:
        """Builds what depends on which argued claims are observed, or raises and leaves all as it was."""
        check = self._until(started + self._seconds)
        num_levels = self._functions.variables.num_levels - 1
        joined = np.flatnonzero(self._core.graph.is_argued & ~observed)
        nodes = self._functions.nodes_of(joined.tolist())
        claims = Diagram(nodes.level, nodes.low, nodes.high, 2, nodes.roots, num_levels)
        outputs: list[_Output] = []
        left = self._max_nodes
        for output in self._core.outputs.tolist():
            nodes = self._functions.outcome(output, np.flatnonzero(observed).tolist(), check)
            outputs.append(_Output(nodes, num_levels, claims, left, check))
            left -= outputs[-1].num_nodes
        self._observed, self._joined, self._claims, self._outputs = observed, joined, claims, outputs

    def _until(self, deadline: float) -> Callable[[], None]:
        def check() -> None:
            if self._now() > deadline:
                raise TooEntangledError(f"decision diagrams could not be built within {self._seconds:g} seconds")

        return check


def _observed(graph: CompiledGraph, indicator: FloatArray) -> BoolArray:
    """Returns [N] whether it is an argued claim of which the indicators say something."""
    return np.asarray(graph.is_argued & (indicator[:, 0] != indicator[:, 1]))


def _weights(graph: CompiledGraph, variables: Variables, indicator: FloatArray) -> LongArray:
    """Returns [L, 2] of each variable's states, adding up to 1, but of observed claims their likelihoods."""
    weight = np.ones((variables.num_levels - 1, 2), dtype=np.longdouble)
    message = indicator.astype(np.longdouble)
    divisor = np.where(graph.is_argued, message.max(axis=1), message.sum(axis=1))
    weight[variables.claim] = message / np.where(divisor > 0, divisor, 1)[:, np.newaxis]
    for level, prob in ((variables.leak, graph.prior), (variables.works, graph.strength)):
        used = level != NONE
        true = prob[used].astype(np.longdouble)
        weight[level[used]] = np.stack([1 - true, true], axis=1)
    return weight


def _largest(values: LongArray, axis: tuple[int, ...]) -> LongArray:
    """Returns the largest value along the axes, 1 where all are zero."""
    largest = values.max(axis=axis, keepdims=True)
    return np.where(largest > 0, largest, 1)
