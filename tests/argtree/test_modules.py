"""Where graphs fall apart, against reachability by brute force."""

from __future__ import annotations

import numpy as np
import pytest

from argtree import Argument, ArgumentGraph, Claim, Premise
from argtree.compiled import CompiledGraph, compile_graph, fold_certain
from argtree.modules import Modules, below, find_modules
from tests.argtree.random_graphs import random_graph


def _folded(seed: int, sharp: float = 0.0) -> tuple[CompiledGraph, Modules, list[int]]:
    graph = random_graph(np.random.default_rng([seed, 3]), 12, tree=seed % 4 == 0, sharp=sharp)
    folded, _ = fold_certain(compile_graph(graph))
    roots = [graph.index[root.claim] for root in graph.roots]
    return folded, find_modules(folded, np.array(roots, dtype=np.intp)), roots


def _escapes(graph: CompiledGraph, row: int) -> bool:
    """Whether something below the claim is also used by a claim that is not below it, nor it."""
    inside = set(below(graph, np.array([row])).tolist())
    users = graph.conclusion[graph.argument]
    return any(
        int(premise) in inside - {row} and int(user) not in inside
        for user, premise in zip(users, graph.premise, strict=True)
    )


@pytest.mark.parametrize("seed", range(60))
def test_gates_and_tops_of_cores_hold_all_that_is_below_them(seed: int) -> None:
    graph, modules, _ = _folded(seed)
    tops = [part.top for part in modules.parts if part.top >= 0]
    for row in [*np.flatnonzero(modules.is_gate).tolist(), *tops]:
        assert not _escapes(graph, row)
    for part in modules.parts:
        for row in part.claims[part.num_inner :].tolist():
            assert not _escapes(graph, row)
        for row in part.claims[: part.num_inner].tolist():
            assert row == part.top or part.top < 0 or _escapes(graph, row)


@pytest.mark.parametrize("seed", range(60))
def test_every_argued_claim_is_a_gate_or_inside_one_core(seed: int) -> None:
    graph, modules, roots = _folded(seed)
    inner = [row for part in modules.parts for row in part.claims[: part.num_inner].tolist()]
    gates = np.flatnonzero(modules.is_gate).tolist()
    assert sorted(inner + gates) == np.flatnonzero(graph.is_argued).tolist()
    shown = {row for part in modules.parts if part.top < 0 for row in part.claims[part.core.outputs].tolist()}
    assert set(roots) <= shown | set(modules.tops.tolist())


def test_a_tree_has_no_cores_unless_a_root_lies_inside() -> None:
    claims = tuple(Claim(f"c{i}", "", 0.3) for i in range(4))
    arguments = tuple(Argument(f"a{i}", f"c{i}", "support", 0.6, (Premise(f"c{i + 1}"),)) for i in range(3))
    graph = compile_graph(ArgumentGraph(claims, arguments))
    assert find_modules(graph, np.array([0])).parts == ()
    (part,) = find_modules(graph, np.array([0, 2])).parts
    assert part.top < 0 and sorted(part.claims.tolist()) == [0, 1, 2] and part.num_inner == 2
