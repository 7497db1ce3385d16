"""Where the nodes of a layered drawing stand (Sugiyama, Tagawa and Toda 1981): layers, order, heights.

Layers run from left to right; here only heights (y) are found. An edge over several layers gets a place of its own
in each layer that it passes, so that it never runs through a node.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Sequence
from dataclasses import dataclass

_GAP = 14.0  # between neighbours in a layer
_BEND_HEIGHT = 4.0
_ORDER_SWEEPS, _HEIGHT_SWEEPS = 12, 80
_BEND_PULL = 6.0  # how much more an edge insists on running straight than a node on standing in the middle


@dataclass(frozen=True)
class Layout:
    """Heights, top of the drawing at 0. Axes: N nodes and E edges as given to `arrange`."""

    y: list[float]  # [N] of the middle of each node
    bends: list[list[float]]  # [E] of each edge, in each layer that it passes
    height: float


@dataclass(frozen=True)
class _Net:
    """The nodes and a bend for each layer that an edge passes, so that edges join neighbouring layers only."""

    layers: list[list[int]]
    heights: list[float]
    left: list[list[int]]  # neighbours in the layer before
    right: list[list[int]]  # and in the layer after
    bends: list[list[int]]  # [E]
    num_nodes: int  # real ones, which come first


def longest_path_layers(num_nodes: int, edges: Sequence[tuple[int, int]]) -> list[int]:
    """Returns [N] the length of the longest path to each node.

    Args:
        num_nodes: N.
        edges: from a node to another, without a cycle.
    """
    after: list[list[int]] = [[] for _ in range(num_nodes)]
    num_before = [0] * num_nodes
    for a, b in edges:
        after[a].append(b)
        num_before[b] += 1
    layer = [0] * num_nodes
    ready = [node for node in range(num_nodes) if not num_before[node]]
    for a in ready:  # grows as it goes
        for b in after[a]:
            layer[b] = max(layer[b], layer[a] + 1)
            num_before[b] -= 1
            if not num_before[b]:
                ready.append(b)
    return layer


def arrange(layer: Sequence[int], heights: Sequence[float], edges: Sequence[tuple[int, int]]) -> Layout:
    """Returns heights at which no two nodes of a layer overlap and edges cross and climb little.

    Args:
        layer: [N] of each node, from 0.
        heights: [N] of each node.
        edges: (node, node of a later layer). Nodes of a layer come, to begin with, in their own order.
    """
    net = _with_bends(layer, heights, edges)
    order = _order(net)
    y = _stack(net, order)
    for sweep in range(_HEIGHT_SWEEPS):
        for nodes in order if sweep % 2 else reversed(order):
            _settle(net, nodes, y)
    top = min(y[node] - net.heights[node] / 2 for node in range(len(y)))
    bottom = max(y[node] + net.heights[node] / 2 for node in range(len(y)))
    y = [one - top for one in y]
    return Layout(y[: net.num_nodes], [[y[bend] for bend in bends] for bends in net.bends], bottom - top)


def _with_bends(layer: Sequence[int], heights: Sequence[float], edges: Sequence[tuple[int, int]]) -> _Net:
    layers: list[list[int]] = [[] for _ in range(max(layer) + 1)]
    for node, one in enumerate(layer):
        layers[one].append(node)
    all_heights = list(heights)
    left: list[list[int]] = [[] for _ in layer]
    right: list[list[int]] = [[] for _ in layer]
    all_bends: list[list[int]] = []
    for start, end in edges:
        assert layer[start] < layer[end], (start, end)
        bends = []
        for passed in range(layer[start] + 1, layer[end]):
            bends.append(len(all_heights))
            layers[passed].append(len(all_heights))
            all_heights.append(_BEND_HEIGHT)
            left.append([])
            right.append([])
        path = [start, *bends, end]
        for a, b in zip(path, path[1:], strict=False):
            right[a].append(b)
            left[b].append(a)
        all_bends.append(bends)
    return _Net(layers, all_heights, left, right, all_bends, len(layer))


def _order(net: _Net) -> list[list[int]]:
    """Returns the nodes of each layer from top to bottom: the best order that sweeps of barycentres come by."""
    order = [list(nodes) for nodes in net.layers]
    best, fewest = order, _num_crossings(net, order)
    for sweep in range(_ORDER_SWEEPS):
        neighbours = net.right if sweep % 2 else net.left
        steps = range(len(order) - 2, -1, -1) if sweep % 2 else range(1, len(order))
        order = [list(nodes) for nodes in order]
        for one in steps:
            place = {node: rank for rank, node in enumerate(order[one + 1 if sweep % 2 else one - 1])}
            order[one] = _by_barycentre(order[one], neighbours, place)
        if (crossings := _num_crossings(net, order)) < fewest:
            best, fewest = order, crossings
    return best


def _by_barycentre(nodes: list[int], neighbours: list[list[int]], place: dict[int, int]) -> list[int]:
    """Returns the nodes sorted by the mean place of their neighbours; those without any keep their places."""
    means = {node: _mean([place[other] for other in neighbours[node]]) for node in nodes if neighbours[node]}
    moved = iter(sorted(means, key=means.__getitem__))
    return [next(moved) if node in means else node for node in nodes]


def _num_crossings(net: _Net, order: list[list[int]]) -> int:
    total = 0
    for here, there in zip(order, order[1:], strict=False):
        place = {node: rank for rank, node in enumerate(there)}
        ends: list[int] = []
        for node in here:
            new = [place[other] for other in net.right[node]]
            total += sum(len(ends) - bisect_left(ends, end + 1) for end in new)
            for end in new:
                insort(ends, end)
    return total


def _stack(net: _Net, order: list[list[int]]) -> list[float]:
    y = [0.0] * len(net.heights)
    for nodes in order:
        offsets = _offsets(net, nodes)
        for node, offset in zip(nodes, offsets, strict=True):
            y[node] = offset - offsets[-1] / 2
    return y


def _offsets(net: _Net, nodes: list[int]) -> list[float]:
    """Returns the least distance of each node from the first."""
    offsets = [0.0]
    for a, b in zip(nodes, nodes[1:], strict=False):
        offsets.append(offsets[-1] + (net.heights[a] + net.heights[b]) / 2 + _GAP)
    return offsets


def _settle(net: _Net, nodes: list[int], y: list[float]) -> None:
    """Moves a layer's nodes as near to the mean of their neighbours as their order and sizes allow.

    Least squares under y[k+1] - y[k] >= distance: with the distances taken off it is isotonic regression, which
    pooling adjacent violators solves exactly (Barlow et al. 1972).
    """
    offsets = _offsets(net, nodes)
    pools: list[tuple[float, float, int]] = []  # mean, weight, how many nodes
    for node, offset in zip(nodes, offsets, strict=True):
        neighbours = net.left[node] + net.right[node]
        wish = _mean([y[other] for other in neighbours]) if neighbours else y[node]
        mean, weight, size = wish - offset, _BEND_PULL if node >= net.num_nodes else 1.0, 1
        while pools and pools[-1][0] > mean:
            other_mean, other_weight, other_size = pools.pop()
            mean = (mean * weight + other_mean * other_weight) / (weight + other_weight)
            weight, size = weight + other_weight, size + other_size
        pools.append((mean, weight, size))
    heights = [mean for mean, _, size in pools for _ in range(size)]
    for node, height, offset in zip(nodes, heights, offsets, strict=True):
        y[node] = height + offset


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
