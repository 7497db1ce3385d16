"""A core's claims as Boolean functions of independent variables, and those functions as decision diagrams.

Every input of a core is a variable, and so is what chance decides inside it: an argument of strength between 0 and 1
works or does not; a prior between 0 and 1 lets its claim hold without a reason or does not. Given all these, each
claim is a Boolean function (Bryant 1986). An argued claim has a variable too, used only once evidence speaks about
it. Nothing but this file knows the library, oxidd. Not here: any probability.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from operator import and_, or_
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

import numpy as np
from oxidd.bdd import BDDFunction, BDDManager
from oxidd.util import DDMemoryError

from argtree.compiled import BoolArray, CompiledGraph, FloatArray, IntArray
from argtree.core import Core
from argtree.errors import TooEntangledError

Order = Literal["small first", "large first", "breadth first"]
"""Depth first from the outputs, the smaller or the larger parts below a claim first; or breadth first."""

ORDERS: tuple[Order, ...] = ("small first", "large first", "breadth first")

MAX_VARIABLES = 20_000
"""The library recurses once a level, by some 100 bytes of the stack: 80,000 levels were seen to fit in 8 MiB."""

NONE = -1
"""Level of a variable that there is no need of."""


@dataclass(frozen=True, eq=False)
class Variables:
    """Levels of a core's variables, all different. The last level is left for an output's state."""

    claim: IntArray  # [N] the claim itself; of an argued one after all that it rests on
    leak: IntArray  # [N] an argued claim of prior between 0 and 1 holds without a reason; else NONE
    works: IntArray  # [A] an argument of strength between 0 and 1 works; else NONE
    num_levels: int  # L


@dataclass(frozen=True, eq=False)
class Nodes:
    """Functions as one diagram: K inner nodes in order of level, then the leaves false (row K) and true (K + 1)."""

    level: IntArray  # [K] ascending
    low: IntArray  # [K] row of the node or leaf where the variable is false
    high: IntArray  # [K] where it is true
    roots: IntArray  # [Q] row of each function


class Functions:
    """The Boolean functions of all claims of a core."""

    def __init__(self, core: Core, order: Order, max_nodes: int, check: Callable[[], None]) -> None:
        """Builds them all.

        Args:
            core: whose claims.
            order: of the variables.
            max_nodes: that all functions together, and what is in the making, may have.
            check: called between two steps; raises TooEntangledError where no time is left.

        Raises:
            TooEntangledError: too many nodes, variables, or too long.
        """
        self.variables = order_variables(core, order)
        self._check = check
        with _limits():
            self._manager = BDDManager(max_nodes, max_nodes, 1)
            self._manager.add_vars(self.variables.num_levels)
            self._of_claim: list[BDDFunction] = [self._manager.false()] * core.graph.num_claims
            for claim in np.argsort(core.graph.level, kind="stable").tolist():
                self._of_claim[claim] = self._claim(core.graph, claim)
            self._manager.gc()

    @property
    def num_nodes(self) -> int:
        """Of all claims' functions together."""
        return self._manager.num_inner_nodes()

    def nodes_of(self, claims: Iterable[int]) -> Nodes:
        """Returns these claims' functions."""
        return _export(self._manager, [self._of_claim[claim] for claim in claims])

    def outcome(self, output: int, observed: Iterable[int], check: Callable[[], None]) -> Nodes:
        """Returns the function: the last variable is the output's state, each observed claim's variable its state.

        Raises:
            TooEntangledError: too many nodes, or too long.
        """
        with _limits():
            result = self._manager.var(self.variables.num_levels - 1).equiv(self._of_claim[output])
            for claim in observed:
                check()
                result &= self._manager.var(int(self.variables.claim[claim])).equiv(self._of_claim[claim])
            return _export(self._manager, [result])

    def _claim(self, graph: CompiledGraph, claim: int) -> BDDFunction:
        """Returns it of the claims that it rests on: argtree's formula with every chance decided."""
        if not graph.is_argued[claim]:
            return self._manager.var(int(self.variables.claim[claim]))
        supports = [self._chance(graph.prior[claim], self.variables.leak[claim])]
        attacks = []
        for argument in range(graph.argument_start[claim], graph.argument_start[claim + 1]):
            fires = self._fires(graph, argument)
            if graph.is_support[argument]:
                supports.append(fires)
            else:
                attacks.append(~fires)
        held = self._join(or_, supports, self._manager.false())
        return self._join(and_, attacks, held)

    def _fires(self, graph: CompiledGraph, argument: int) -> BDDFunction:
        places = slice(graph.premise_start[argument], graph.premise_start[argument + 1])
        met = [
            self._of_claim[claim] if holds else ~self._of_claim[claim]
            for claim, holds in zip(graph.premise[places].tolist(), graph.holds[places].tolist(), strict=True)
        ]
        return self._join(and_, met, self._chance(graph.strength[argument], self.variables.works[argument]))

    def _chance(self, prob: float, level: int) -> BDDFunction:
        if level != NONE:
            return self._manager.var(int(level))
        return self._manager.true() if prob == 1 else self._manager.false()

    def _join(
        self,
        operator: Callable[[BDDFunction, BDDFunction], BDDFunction],
        functions: list[BDDFunction],
        result: BDDFunction,
    ) -> BDDFunction:
        """Joins the functions to the result, the lowest first: each then adds little on top of what is there."""
        for function in sorted(functions, key=_top_level, reverse=True):
            self._check()
            result = operator(result, function)
        return result


def _top_level(function: BDDFunction) -> int:
    level = function.node_level()
    return MAX_VARIABLES if level is None else level


@contextmanager
def _limits() -> Iterator[None]:
    """Turns the library's error into ours."""
    try:
        yield
    except DDMemoryError as error:
        raise TooEntangledError("the decision diagrams have too many nodes") from error


def order_variables(core: Core, order: Order) -> Variables:
    """Returns the levels of all variables.

    Raises:
        TooEntangledError: there are more than MAX_VARIABLES.
    """
    graph = core.graph
    num_claims = graph.num_claims
    has_leak = graph.is_argued & (graph.prior > 0) & (graph.prior < 1)
    has_works = (graph.strength > 0) & (graph.strength < 1)
    num_levels = num_claims + int(has_leak.sum()) + int(has_works.sum()) + 1
    if num_levels > MAX_VARIABLES:
        raise TooEntangledError(f"a decision diagram would need {num_levels} variables; {MAX_VARIABLES} are tried")
    visited = _visit(core, order, np.concatenate([~graph.is_argued, has_leak, has_works]))
    rank = np.full(2 * num_claims + len(has_works), NONE)
    rank[visited] = np.arange(len(visited))
    for claim in np.argsort(graph.level, kind="stable").tolist():
        if graph.is_argued[claim]:
            rank[claim] = max(rank[_below(graph, claim)], default=NONE)
    used = np.flatnonzero(np.concatenate([np.ones(num_claims, dtype=bool), has_leak, has_works]))
    height = np.concatenate([graph.level, np.full(len(rank) - num_claims, -1)])  # chances before claims
    level = np.full(len(rank), NONE)
    level[used[np.lexsort((height[used], rank[used]))]] = np.arange(len(used))
    return Variables(level[:num_claims], level[num_claims : 2 * num_claims], level[2 * num_claims :], num_levels)


def _visit(core: Core, order: Order, is_variable: BoolArray) -> list[int]:
    """Returns variables as first met: c for claim c, N + c for its leak, 2 N + a for argument a."""
    graph = core.graph
    start = np.concatenate([core.outputs, np.flatnonzero(graph.num_uses == 0)]).tolist()
    size = _sizes(graph) * (-1 if order == "large first" else 1)
    seen = np.zeros(len(is_variable), dtype=bool)
    waiting, visited = deque(start), []
    while waiting:
        item = waiting.popleft()
        if seen[item]:
            continue
        seen[item] = True
        if is_variable[item]:
            visited.append(item)
        if item >= graph.num_claims:
            continue
        if order == "breadth first":
            waiting.extend(_below(graph, item))
        else:
            waiting.extendleft(reversed(_below(graph, item, size)))
    return visited


def _below(graph: CompiledGraph, claim: int, size: FloatArray | None = None) -> list[int]:
    """Returns what a claim rests on: of each argument the premises, then its chance; at last the leak."""
    arguments = []
    for argument in range(graph.argument_start[claim], graph.argument_start[claim + 1]):
        premises = graph.premise[graph.premise_start[argument] : graph.premise_start[argument + 1]]
        if size is not None:
            premises = premises[np.argsort(size[premises], kind="stable")]
        arguments.append([*premises.tolist(), 2 * graph.num_claims + argument])
    if size is not None:
        arguments.sort(key=lambda items: size[items[:-1]].sum())
    return [item for items in arguments for item in items] + [graph.num_claims + claim] * bool(arguments)


def _sizes(graph: CompiledGraph) -> FloatArray:
    """Returns [N] the size of each claim's part were it a tree, up to 1e15."""
    size = np.ones(graph.num_claims)
    for claim in np.argsort(graph.level, kind="stable").tolist():
        first, last = graph.argument_start[claim], graph.argument_start[claim + 1]
        below = graph.premise[graph.premise_start[first] : graph.premise_start[last]]
        size[claim] = min(1 + size[below].sum(), 1e15)
    return size


def _export(manager: BDDManager, functions: list[BDDFunction]) -> Nodes:
    """Returns the functions' nodes by way of the text form DDDMP 2.0, much faster than node by node."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "diagram"
        manager.export_dddmp(path, functions, ascii=True, strict=False)
        head, body = path.read_text().split(".nodes\n")
    lines = dict(line[1:].partition(" ")[::2] for line in head.splitlines())
    levels = np.array(lines["permids"].split(), dtype=np.intp)
    roots = np.array(lines["rootids"].split(), dtype=np.intp)
    # rows: number, place of the variable among `levels` (or a leaf's letter), high, low; children before parents
    body = body.removesuffix(".end\n").replace("F", "-2").replace("T", "-1")
    number, place, high, low = np.fromstring(body, dtype=np.intp, sep=" ").reshape(-1, 4).T
    inner = np.flatnonzero(place >= 0)
    inner = inner[np.argsort(levels[place[inner]], kind="stable")]
    row = np.empty(len(number) + 1, dtype=np.intp)
    row[number] = len(inner) + 2 + place
    row[number[inner]] = np.arange(len(inner))
    return Nodes(levels[place[inner]], row[low[inner]], row[high[inner]], row[roots])
