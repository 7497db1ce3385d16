"""Decision diagrams as arrays: values, derivatives and products, level by level.

A weighted count of a diagram takes one sweep up its levels, all its derivatives one down (Darwiche 2003). On the way
only positive numbers are added and multiplied, never subtracted. Not here: how diagrams are built (`boolean`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from argtree.compiled import IntArray, spans
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
        into = [np.flatnonzero(self._child == len(nodes) + leaf) for leaf in range(1, diagram.num_leaves)]
        self._leaf_edges = [edges[np.argsort(self._above[edges], kind="stable")] for edges in into]
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
        for place, edges in enumerate(self._leaf_edges):
            so_far = np.concatenate([np.zeros(1, along.dtype), np.cumsum(along[edges])])
            result[:, place] = so_far[np.searchsorted(self._above[edges], level, side="right")]
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
