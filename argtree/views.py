"""What each root can see: the claims that can matter to it, cut out of the graph, so that roots cost what they see.

A view holds a root, everything below it, and, where evidence or an askable claim that is argued reaches into that,
everything below those too: such claims link what is below them. Any set of claims that is closed downwards and holds
the linked evidence gives the root's exact figures; the other claims are those about which nobody can be asked and that
say nothing. Views overlap: a shared claim has a place in each.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from argtree.compiled import BoolArray, CompiledGraph, IntArray, spans, take
from argtree.modules import below, components


@dataclass(frozen=True, eq=False)
class Views:
    """Views side by side as one graph. Axes: I places, R roots."""

    graph: CompiledGraph
    claim: IntArray  # [I] row of the claim at each place
    roots: IntArray  # [R] place of each root in its view


def whole(graph: CompiledGraph, roots: IntArray) -> Views:
    """Returns the graph itself as the one view of all roots: right for every claim."""
    return Views(graph, np.arange(graph.num_claims), roots)


def by_root(graph: CompiledGraph, roots: IntArray, askable: BoolArray) -> Views:
    """Returns a view for each root (roots that see the same share one), and for what no root sees.

    How a claim that is not askable moves a root that it is not below may be missing (0) in what follows from them.

    Args:
        graph: of `compiled.fold_certain`.
        roots: rows of the roots.
        askable: [C] whose values are wanted.
    """
    linking = np.flatnonzero(graph.is_argued & (askable | graph.is_labelled))
    group = _groups(graph, linking)
    members = np.argsort(group, kind="stable")
    first = np.searchsorted(group[members], np.arange(group.max(initial=-1) + 2))
    seen, mark = np.zeros((2, graph.num_claims), dtype=bool)
    shown: dict[bytes, int] = {}
    claims: list[IntArray] = []
    view_of = []
    tops = np.flatnonzero(graph.num_uses == 0)
    for number, row in enumerate([*roots.tolist(), *tops.tolist()]):
        if number >= len(roots) and seen[row]:
            continue
        view = _view(graph, row, group, members, first, mark)
        place = shown.setdefault(view.tobytes(), len(claims))
        if place == len(claims):
            claims.append(view)
            seen[view] = True
        view_of.append(place)
    return _side_by_side(graph, claims, roots, np.array(view_of[: len(roots)], dtype=np.intp))


def _groups(graph: CompiledGraph, linking: IntArray) -> IntArray:
    """Returns [C] a number for each set of claims that linking claims hang together, -1 for claims in none."""
    inside = np.zeros(graph.num_claims, dtype=bool)
    inside[below(graph, linking)] = True
    user = graph.conclusion[graph.argument]
    linked = inside[user]
    label = components(graph.num_claims, user[linked], graph.premise[linked])
    return np.where(inside, label, -1)


def _view(
    graph: CompiledGraph, row: int, group: IntArray, members: IntArray, first: IntArray, mark: BoolArray
) -> IntArray:
    """Returns the claims that one root sees, ascending."""
    found = below(graph, np.array([row]), mark)
    touched = group[found]
    touched = np.unique(touched[touched >= 0])
    return np.union1d(found, members[spans(first[touched], first[touched + 1])]) if len(touched) else found


def _side_by_side(graph: CompiledGraph, views: list[IntArray], roots: IntArray, view_of: IntArray) -> Views:
    size = graph.num_claims
    claim = np.concatenate([np.empty(0, dtype=np.intp), *views])
    view = np.repeat(np.arange(len(views)), [len(one) for one in views])
    key = view * size + claim  # ascending
    copied = take(graph, claim)
    place = np.searchsorted(key, view[copied.conclusion[copied.argument]] * size + copied.premise)
    return Views(replace(copied, premise=place), claim, np.searchsorted(key, view_of * size + roots))
