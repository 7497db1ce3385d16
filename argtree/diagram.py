"""Cores as decision diagrams: for plain logic that hangs together too widely for elimination.

A weighted count of a diagram and all its derivatives take one sweep up its levels and one down (Darwiche 2003).
Only positive numbers are added and multiplied on the way. Not here: how the diagrams are built (`boolean`).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from argtree.boolean import NONE, ORDERS, Functions, Nodes, Variables
from argtree.compiled import CompiledGraph, FloatArray, IntArray, spans
from argtree.core import Core, Layer, Solution
from argtree.errors import TooEntangledError

LongArray = npt.NDArray[np.longdouble]
"""64 bits of mantissa on x86, more or fewer elsewhere; with 53 only, determinants below 1e-9 of their terms blur."""


@dataclass(frozen=True, eq=False)
class Diagram:
    """Decision nodes in order of level, then leaves. Axes: K inner nodes, F leaves, Q functions, L levels."""

    level: IntArray  # [K] which variable a node tests, ascending
    low: IntArray  # [K] row of the node or leaf where the variable is false; of a higher level
    high: IntArray  # [K] row where it is true
    num_leaves: int  # F; their rows are K..K + F - 1
    roots: IntArray  # [Q] row of each function
    num_levels: int  # L
    start: IntArray = field(init=False)  # [L + 1] the nodes of level l are start[l]:start[l + 1]
    levels: list[int] = field(init=False)  # those with nodes, ascending

    def __post_init__(self) -> None:
        object.__setattr__(self, "start", np.searchsorted(self.level, np.arange(self.num_levels + 1)))
        object.__setattr__(self, "levels", np.flatnonzero(np.diff(self.start)).tolist())

    def with_leaves(self) -> tuple[IntArray, IntArray, IntArray]:
        """Returns (low, high, level), each [K + F]; leaves lead to themselves and have level L."""
        leaf = len(self.level) + np.arange(self.num_leaves)
        level = np.concatenate([self.level, np.full(self.num_leaves, self.num_levels)])
        return np.concatenate([self.low, leaf]), np.concatenate([self.high, leaf]), level

    def values(self, weight: LongArray, leaf: LongArray) -> LongArray:
        """Returns [K + F, ...] for each row the leaves' values, weighted by the paths to them.

        Args:
            weight: [L, 2] of each variable's two states, adding up to 1 where paths may pass the level by.
            leaf: [F, ...] the leaves' values.
        """
        values = np.concatenate([np.empty((len(self.level), *leaf.shape[1:]), leaf.dtype), leaf])
        for level in reversed(self.levels):
            nodes = slice(self.start[level], self.start[level + 1])
            values[nodes] = weight[level, 0] * values[self.low[nodes]] + weight[level, 1] * values[self.high[nodes]]
        return values


class Paths:
    """The downward sweep of a diagram of one function whose leaf 0 counts for nothing."""

    def __init__(self, diagram: Diagram) -> None:
        self._diagram = diagram
        nodes, num_levels = np.arange(len(diagram.level)), diagram.num_levels
        # edges: low ones, high ones, and one into the root from nowhere (row K, weight 1)
        parent = np.concatenate([nodes, nodes, [len(nodes)]])
        child = np.concatenate([diagram.low, diagram.high, diagram.roots])
        branch = np.concatenate([2 * diagram.level, 2 * diagram.level + 1, [2 * num_levels]])
        order = np.argsort(child, kind="stable")
        order = order[child[order] != len(nodes)]
        self._parent, self._child, self._branch = parent[order], child[order], branch[order]
        self._edge_start = np.searchsorted(self._child, np.arange(len(nodes) + 1))
        self._above = np.append(diagram.level, -1)[self._parent] + 1  # [E] the first level below the parent's
        self._passed_edge, self._passed_block = _blocks(self._above, diagram.with_leaves()[2][self._child], num_levels)

    def across(self, level: IntArray) -> tuple[IntArray, IntArray, IntArray]:
        """Returns (start, edge, child): edges start[i]:start[i + 1] come from above level[i] to nodes there or below.

        Args:
            level: [G] in 0..L.
        """
        size = self._diagram.num_levels + 1
        child_level = np.append(self._diagram.level, -1)[np.minimum(self._child, len(self._diagram.level))]
        edge, block = _blocks(self._above, child_level + 1, size)
        first = np.searchsorted(block, np.arange(2 * size + 1))
        at = (level + size)[:, np.newaxis] >> np.arange(size.bit_length() + 1)  # [G, depth] the blocks that hold it
        at = np.where(at > 0, at, 0)
        count = (first[at + 1] - first[at]).sum(axis=1)
        edge = edge[spans(first[at.ravel()], first[at.ravel() + 1])]
        return np.concatenate([[0], np.cumsum(count)]), edge, self._child[edge]

    def flow(self, weight: LongArray) -> tuple[LongArray, LongArray]:
        """Returns [K + 1] what comes to each node from the root, and [E] what goes along each edge.

        Args:
            weight: [L, 2] as in `Diagram.values`.
        """
        diagram = self._diagram
        num_nodes = len(diagram.level)
        branch_weight = np.append(weight.ravel(), np.longdouble(1))[self._branch]
        along = np.empty(len(self._child), dtype=np.longdouble)  # what flows along each edge
        flow = np.ones(num_nodes + 1, dtype=np.longdouble)  # [K + 1] into each node; 1 into the place before the root
        for level in diagram.levels:
            nodes = slice(diagram.start[level], diagram.start[level + 1])
            edges = slice(self._edge_start[nodes.start], self._edge_start[nodes.stop])
            along[edges] = flow[self._parent[edges]] * branch_weight[edges]
            flow[nodes] = np.add.reduceat(along[edges], self._edge_start[nodes] - edges.start)
        edges = slice(self._edge_start[num_nodes], None)
        along[edges] = flow[self._parent[edges]] * branch_weight[edges]
        return flow, along

    def into_leaves(self, along: LongArray, level: IntArray) -> LongArray:
        """Returns [G, F - 1] what goes from above each level straight into each leaf but leaf 0."""
        result = np.empty((len(level), self._diagram.num_leaves - 1), dtype=along.dtype)
        for leaf in range(1, self._diagram.num_leaves):
            edges = np.flatnonzero(self._child == len(self._diagram.level) + leaf)
            edges = edges[np.argsort(self._above[edges], kind="stable")]
            so_far = np.concatenate([np.zeros(1, along.dtype), np.cumsum(along[edges])])
            result[:, leaf - 1] = so_far[np.searchsorted(self._above[edges], level, side="right")]
        return result

    def derivatives(self, flow: LongArray, along: LongArray, values: LongArray) -> LongArray:
        """Returns [L, 2, ...] the function's value with each variable held at each state.

        Args:
            flow: [K + 1] and
            along: [E] what `flow` returned.
            values: [K + F, ...] what `Diagram.values` returned; zero at leaf 0.
        """
        diagram = self._diagram
        num_nodes = len(diagram.level)
        result = self._passing(along[:, np.newaxis] * values[self._child])
        for state, child in enumerate((diagram.low, diagram.high)):
            through = flow[:num_nodes, np.newaxis] * values[child]
            result[diagram.levels, state] += np.add.reduceat(through, diagram.start[diagram.levels])
        return result

    def _passing(self, amount: LongArray) -> LongArray:
        """Returns [L, 2, ...] the amounts of the edges that pass each level by, the same for both states."""
        num_levels = self._diagram.num_levels
        blocks = np.zeros((2 * num_levels, *amount.shape[1:]), dtype=amount.dtype)
        if len(self._passed_edge):
            block, first = np.unique(self._passed_block, return_index=True)
            blocks[block] = np.add.reduceat(amount[self._passed_edge], first)
        at = np.arange(num_levels) + num_levels
        result = np.zeros((num_levels, *amount.shape[1:]), dtype=amount.dtype)
        while at[-1] > 0:
            result += np.where((at > 0)[:, np.newaxis], blocks[at], 0)
            at //= 2
        return np.stack([result, result], axis=1)


def _blocks(first: IntArray, last: IntArray, size: int) -> tuple[IntArray, IntArray]:
    """Returns (range, block) where block is one of the few in a binary tree that make up first:last of each range.

    Block b holds what b // 2 holds; the leaves are size..2 size - 1. So sums over many overlapping ranges need no
    subtraction. Sorted by block.
    """
    which = np.flatnonzero(first < last)
    left, right = first[which] + size, last[which] + size
    ranges, blocks = [], []
    while len(which):
        odd = left % 2 == 1
        ranges.append(which[odd])
        blocks.append(left[odd])
        left = left + odd
        odd = right % 2 == 1
        ranges.append(which[odd])
        blocks.append(right[odd] - 1)
        right = right - odd
        open_ = left < right
        which, left, right = which[open_], left[open_] // 2, right[open_] // 2
    if not ranges:
        return np.empty(0, dtype=np.intp), np.empty(0, dtype=np.intp)
    block = np.concatenate(blocks)
    order = np.argsort(block, kind="stable")
    return np.concatenate(ranges)[order], block[order]


@dataclass(frozen=True, eq=False)
class Product:
    """Nodes of one diagram, each together with one of another; see `multiply`."""

    diagram: Diagram
    first: IntArray  # [F] of each leaf the row in the one
    second: IntArray  # [F] and in the other


def multiply(
    one: Diagram, other: Diagram, roots: tuple[IntArray, IntArray], max_nodes: int, check: Callable[[], None]
) -> Product:
    """Returns the diagram of pairs of nodes (the recursion of Bryant 1986's apply, all pairs of a level at once).

    Where either has come to a leaf the two are independent, so such a pair is a leaf.

    Args:
        one: any diagram.
        other: another over the same levels.
        roots: ([Q], [Q]) rows of `one` and of `other`: the pairs that are asked for.
        max_nodes: see below.
        check: see below.

    Raises:
        TooEntangledError: there are more than `max_nodes` pairs, or `check` raises it.
    """
    num_levels, width = one.num_levels, len(other.level) + other.num_leaves
    one_low, one_high, one_level = one.with_leaves()
    other_low, other_high, other_level = other.with_leaves()

    def level_of(pair: IntArray) -> IntArray:
        first, second = one_level[pair // width], other_level[pair % width]
        return np.where(np.maximum(first, second) == num_levels, num_levels, np.minimum(first, second))

    root = roots[0] * width + roots[1]
    waiting: list[list[IntArray]] = [[] for _ in range(num_levels + 1)]
    nothing = np.empty(0, dtype=np.intp)
    done = [(nothing, nothing, nothing)]  # pairs of one level, their low and high pairs
    news, num_nodes = np.unique(root), 0
    for level in range(num_levels):
        _put(news, level_of(news), waiting)
        news = nothing
        if not waiting[level]:
            continue
        check()
        pair = np.unique(np.concatenate(waiting[level]))
        waiting[level].clear()
        num_nodes += len(pair)
        if num_nodes > max_nodes:
            raise TooEntangledError(f"two claims' decision diagrams together have more than {max_nodes} nodes")
        first, second = pair // width, pair % width
        moves, goes = one_level[first] == level, other_level[second] == level
        low, high = (
            np.where(moves, a[first], first) * width + np.where(goes, b[second], second)
            for a, b in ((one_low, other_low), (one_high, other_high))
        )
        done.append((pair, low, high))
        news = np.unique(np.concatenate([low, high]))
    _put(news, level_of(news), waiting)
    leaf = np.unique(np.concatenate([nothing, *waiting[num_levels]]))
    pair, low, high = (np.concatenate(parts) for parts in zip(*done, strict=True))
    span = width * len(one_level)
    key = np.concatenate([level_of(pair) * span + pair, num_levels * span + leaf])  # ascending

    def row(pairs: IntArray) -> IntArray:
        return np.searchsorted(key, level_of(pairs) * span + pairs)

    diagram = Diagram(level_of(pair), row(low), row(high), len(leaf), row(root), num_levels)
    return Product(diagram, leaf // width, leaf % width)


def _put(pairs: IntArray, level: IntArray, waiting: list[list[IntArray]]) -> None:
    """Appends the pairs to those that wait at their levels."""
    order = np.argsort(level, kind="stable")
    levels, first = np.unique(level[order], return_index=True)
    for at, part in zip(levels.tolist(), np.split(pairs[order], first[1:]), strict=False):
        waiting[at].append(part)


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
        """Returns f [2] by the output's state s; its derivatives [L, 2, 2] by variable and its state; [G, 2, 2] f by
        state of each claim of the product.

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
    """A core as decision diagrams, built once for all indicators that speak of the same argued claims.

    Holds about 200 bytes a node. A probability below 1e-4900 (1e-300 where long doubles are plain ones) becomes 0.
    """

    layer: Layer = "diagram"

    def __init__(self, core: Core, max_nodes: int, seconds: float, now: Callable[[], float]) -> None:
        """Builds the diagrams in each of `ORDERS` and keeps the smallest.

        Args:
            core: any; sized best where its arguments and argued claims are certain logic.
            max_nodes: that the functions of all claims may have together, and their products with all outputs.
            seconds: that building may take; may be passed by one step of some millions of nodes.
            now: seconds on some clock.

        Raises:
            TooEntangledError: more nodes or time would be needed.
        """
        self._core = core
        self._max_nodes, self._seconds, self._now = max_nodes, seconds, now
        started = now()
        self._functions = self._smallest(started)
        self._observed = np.zeros(core.graph.num_claims, dtype=bool)
        self._prepare(started)

    @property
    def num_nodes(self) -> int:
        """Of all diagrams that a solution sweeps over."""
        return len(self._claims.level) + sum(output.num_nodes for output in self._outputs)

    def solve(self, indicator: FloatArray) -> Solution:
        """Returns f and its derivatives, exact up to rounding; see `Solver`.

        Raises:
            TooEntangledError: evidence speaks about argued claims of which no earlier call said anything, and the
                diagrams with these need more nodes or time.
        """
        graph = self._core.graph
        observed = graph.is_argued & (indicator[:, 0] != indicator[:, 1])
        if (observed & ~self._observed).any():
            self._observed = observed | self._observed
            self._prepare(self._now())
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

    def _prepare(self, started: float) -> None:
        """Builds what depends on which argued claims are observed."""
        check = self._until(started + self._seconds)
        observed = np.flatnonzero(self._observed).tolist()
        num_levels = self._functions.variables.num_levels - 1
        self._joined = np.flatnonzero(self._core.graph.is_argued & ~self._observed)
        nodes = self._functions.nodes_of(self._joined.tolist())
        self._claims = Diagram(nodes.level, nodes.low, nodes.high, 2, nodes.roots, num_levels)
        self._outputs: list[_Output] = []
        left = self._max_nodes
        for output in self._core.outputs.tolist():
            nodes = self._functions.outcome(output, observed, check)
            self._outputs.append(_Output(nodes, num_levels, self._claims, left, check))
            left -= self._outputs[-1].num_nodes

    def _until(self, deadline: float) -> Callable[[], None]:
        def check() -> None:
            if self._now() > deadline:
                raise TooEntangledError(f"decision diagrams could not be built within {self._seconds:g} seconds")

        return check


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
