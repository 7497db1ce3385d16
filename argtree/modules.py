"""Where a graph falls apart: claims that alone connect what is below them with the rest.

Such a claim dominates everything below it, in the sense of flow graphs (every path from the top passes through it),
and is called a module. What is below it can be solved by itself and summed up in its message. A module each of whose
premises is a module that stands nowhere else is a gate, for the sweep; any other is the top of a core. Where a root is
not the one top of its component, the claims that are no modules or lie above a root form one more core, the topmost,
whose outputs are the component's roots.

Not here: solving anything.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from argtree.compiled import BoolArray, CompiledGraph, IntArray, restrict, spans
from argtree.core import Core

_TOP = -1  # stands above all claims that nothing else uses


@dataclass(frozen=True, eq=False)
class Part:
    """A core in its place."""

    core: Core
    claims: IntArray  # [N] row in the whole graph of each of the core's claims
    level: int  # of its highest claim
    top: int  # row of the claim whose message it makes; -1 for a topmost core
    num_inner: int  # the first so many claims are its own; the others, its inputs, are modules


@dataclass(frozen=True, eq=False)
class Modules:
    """A graph's parts. Every claim with arguments is a gate or inside one core."""

    is_gate: BoolArray  # [C]
    parts: tuple[Part, ...]  # by level
    tops: IntArray  # claims above which nothing is: one for each component that has no topmost core


def find_modules(graph: CompiledGraph, roots: IntArray, merged: IntArray | None = None) -> Modules:
    """Returns the parts of a folded graph; near-linear in its size.

    Args:
        graph: of `compiled.fold_certain`.
        roots: rows of the roots.
        merged: rows of claims not to be taken as modules, though they may be.
    """
    component = components(graph.num_claims, graph.conclusion[graph.argument], graph.premise)
    is_sink = graph.num_uses == 0
    is_root = np.zeros(graph.num_claims, dtype=bool)
    is_root[roots] = True
    num_sinks = np.bincount(component, is_sink)
    inner_roots = np.bincount(component, is_root & ~is_sink)
    has_top_core = (num_sinks > 1) | (inner_roots > 0)
    forced = above(graph, np.flatnonzero(is_root & has_top_core[component]))
    if merged is not None:
        forced[merged] = True
    crossed = above(graph, np.flatnonzero(graph.num_uses > 1)) | forced
    is_module = ~forced
    is_gate = graph.is_argued & ~crossed
    parts: list[Part] = []
    if crossed.any():
        view = _Crossed(graph, crossed)
        is_module[view.inside] = False
        is_gate |= view.gates(is_module)
        parts = list(view.parts(is_module, is_gate, component, has_top_core, roots))
    tops = np.flatnonzero(is_sink & ~has_top_core[component])
    return Modules(is_gate, tuple(sorted(parts, key=lambda part: part.level)), tops)


def components(num_claims: int, users: IntArray, premises: IntArray) -> IntArray:
    """Returns [C] the number of the connected component that each claim is in, for links from users to premises."""
    links = csr_array((np.ones(len(users), dtype=np.int8), (users, premises)), shape=(num_claims, num_claims))
    return np.asarray(connected_components(links, directed=False)[1], dtype=np.intp)


def above(graph: CompiledGraph, claims: IntArray) -> BoolArray:
    """Returns [C] which claims have one of these rows somewhere below them."""
    user = graph.conclusion[graph.argument]
    start, place = graph.uses
    found = np.zeros(graph.num_claims, dtype=bool)
    while len(claims):
        users = user[place[spans(start[claims], start[claims + 1])]]
        claims = np.unique(users[~found[users]])
        found[claims] = True
    return found


def below(graph: CompiledGraph, claims: IntArray, mark: BoolArray | None = None) -> IntArray:
    """Returns the rows of these claims and of all below them, ascending.

    Args:
        graph: any.
        claims: rows, each once.
        mark: [C] room to work in, all False, and left so: with it the time hangs on what is found alone.
    """
    mark = np.zeros(graph.num_claims, dtype=bool) if mark is None else mark
    mark[claims] = True
    found = [claims]
    while len(claims):
        arguments = spans(graph.argument_start[claims], graph.argument_start[claims + 1])
        premises = graph.premise[spans(graph.premise_start[arguments], graph.premise_start[arguments + 1])]
        premises = premises[~mark[premises]]
        mark[premises] = True
        claims = np.unique(premises)
        found.append(claims)
    rows = np.concatenate(found)
    mark[rows] = False
    rows.sort()
    return rows


class _Crossed:
    """The claims with something shared below them, and their premises; in Python, since they are the fewer."""

    def __init__(self, graph: CompiledGraph, crossed: BoolArray) -> None:
        self.graph = graph
        self.crossed = crossed
        rows = np.flatnonzero(crossed)
        self.rows = rows[np.argsort(-graph.level[rows], kind="stable")].tolist()  # conclusions before premises
        self.premises = {row: self._premises(row) for row in self.rows}
        self.inside = self._not_modules()

    def _premises(self, row: int) -> list[int]:
        graph = self.graph
        first = graph.premise_start[graph.argument_start[row]]
        last = graph.premise_start[graph.argument_start[row + 1]]
        return list(dict.fromkeys(graph.premise[first:last].tolist()))

    def _not_modules(self) -> list[int]:
        """Returns the claims that do not dominate all that is below them.

        Claim x dominates everything below it exactly if no claim y below it has an immediate dominator higher up than
        x: the first y on the way down that escapes x has one that dominates x.
        """
        dominators = _Dominators()
        users: dict[int, list[int]] = {}
        for row in self.rows:
            for premise in self.premises[row]:
                users.setdefault(premise, []).append(row)
        below: list[int] = [row for row in users if not self.crossed[row]]
        for row in [*self.rows, *below]:
            dominators.add(row, users.get(row, ()))
        escapes: dict[int, int] = {}  # the depth of the highest immediate dominator of a claim below
        found = []
        for row in reversed(self.rows):
            highest = min(
                (min(dominators.depth[p] - 1, escapes.get(p, dominators.depth[p])) for p in self.premises[row]),
                default=dominators.depth[row],
            )
            escapes[row] = highest
            if highest < dominators.depth[row]:
                found.append(row)
        return found

    def gates(self, is_module: BoolArray) -> BoolArray:
        """Returns [C] the crossed claims all of whose premises are modules that stand nowhere else."""
        found = np.zeros(self.graph.num_claims, dtype=bool)
        once = self.graph.num_uses == 1
        for row in self.rows:
            premises = self.premises[row]
            found[row] = is_module[row] and bool((is_module[premises] & once[premises]).all())
        return found

    def parts(
        self, is_module: BoolArray, is_gate: BoolArray, component: IntArray, has_top_core: BoolArray, roots: IntArray
    ) -> Iterable[Part]:
        """Yields all cores."""
        graph = self.graph
        starts: dict[int, list[int]] = {}  # component -> the highest claims of its topmost core
        for row in self.rows:
            if graph.num_uses[row] == 0 and has_top_core[component[row]]:
                starts.setdefault(int(component[row]), []).append(row)
            elif is_module[row] and not is_gate[row]:
                yield self._part([row], is_module, [row], row)
        outputs: dict[int, list[int]] = {}
        for root in roots.tolist():
            outputs.setdefault(int(component[root]), []).append(root)
        for number, rows in starts.items():
            yield self._part(rows, is_module, outputs.get(number, rows[:1]), _TOP)

    def _part(self, highest: list[int], is_module: BoolArray, outputs: Sequence[int], top: int) -> Part:
        inner, inputs = dict.fromkeys(highest), dict[int, None]()
        waiting = list(highest)
        while waiting:
            for premise in self.premises[waiting.pop()]:
                if premise in inner or premise in inputs:
                    continue
                if is_module[premise]:
                    inputs[premise] = None
                else:
                    inner[premise] = None
                    waiting.append(premise)
        claims = np.array([*inner, *inputs], dtype=np.intp)
        local = {row: place for place, row in enumerate(claims.tolist())}
        core = Core(restrict(self.graph, claims, len(inner)), np.array([local[row] for row in outputs], dtype=np.intp))
        return Part(core, claims, int(self.graph.level[highest].max()), top, len(inner))


class _Dominators:
    """Immediate dominators of an acyclic flow graph, nodes added in topological order.

    The immediate dominator of a node is the lowest common ancestor, in the tree of dominators so far, of its
    predecessors (Ramalingam and Reps 1994), found in O(log n) by jump pointers (Myers 1983).
    """

    def __init__(self) -> None:
        self.depth = {_TOP: 0}
        self._up = {_TOP: _TOP}
        self._jump = {_TOP: _TOP}

    def add(self, node: int, predecessors: Sequence[int]) -> None:
        """Adds a node; without predecessors it hangs from the top."""
        parent = predecessors[0] if predecessors else _TOP
        for other in predecessors[1:]:
            parent = self._common(parent, other)
        jump = self._jump[parent]
        is_same_stride = self.depth[parent] - self.depth[jump] == self.depth[jump] - self.depth[self._jump[jump]]
        self.depth[node] = self.depth[parent] + 1
        self._up[node] = parent
        self._jump[node] = self._jump[jump] if is_same_stride else parent

    def _common(self, one: int, other: int) -> int:
        if self.depth[one] < self.depth[other]:
            one, other = other, one
        while self.depth[one] > self.depth[other]:
            one = self._jump[one] if self.depth[self._jump[one]] >= self.depth[other] else self._up[one]
        while one != other:
            if self._jump[one] != self._jump[other]:
                one, other = self._jump[one], self._jump[other]
            else:
                one, other = self._up[one], self._up[other]
        return one
