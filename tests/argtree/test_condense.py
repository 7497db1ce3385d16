"""Condensed cores against the definition: tables in whatever style, their derivatives by finite steps of one entry."""

from __future__ import annotations

import numpy as np
import pytest

from argtree import elimination_solver
from argtree.compiled import compile_graph
from argtree.condense import Condensed, Style
from argtree.core import Core
from argtree.elimination_solver import EliminationSolver
from argtree.graph import Argument, ArgumentGraph, Claim, Premise
from tests.argtree.test_solvers import assert_equal, problem, random_core, sum_all_states

STYLES = [Style(0, 0), Style(0, 1), Style(1, 2), Style(2, 3), Style(20, 1)]


@pytest.mark.parametrize("style", STYLES, ids=str)
def test_every_style_sums_over_all_states(style: Style, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(elimination_solver, "_STYLES", (style,))
    for seed in range(40):
        core, indicator, expected = problem(seed)
        assert_equal(EliminationSolver(core).solve(indicator), expected)


def _wide_core(num_arguments: int) -> Core:
    """A claim with many arguments of one private literal each, and two that share a premise."""
    rng = np.random.default_rng(num_arguments)
    claims = [Claim("root", "", 0.1), Claim("s", "", 0.5), Claim("mid", "", 0.2)]
    claims += [Claim(f"p{i}", "", 0.5) for i in range(num_arguments)]
    arguments = [
        Argument(str(i), "root", "support" if i % 3 else "attack", float(rng.random()), [Premise(f"p{i}", bool(i % 2))])
        for i in range(num_arguments)
    ]
    arguments.append(Argument("a", "root", "support", 0.4, [Premise("s"), Premise("mid", False)]))
    arguments.append(Argument("b", "mid", "support", 0.7, [Premise("s")]))
    return Core(compile_graph(ArgumentGraph(claims, arguments)), np.array([0]))


@pytest.mark.parametrize("num_arguments", [1, 5, 8])
def test_many_private_arguments_equal_enumeration(num_arguments: int) -> None:
    core = _wide_core(num_arguments)
    indicator = np.random.default_rng(1).random((core.graph.num_claims, 2))
    indicator[core.graph.is_argued] = 1.0
    assert_equal(EliminationSolver(core).solve(indicator), sum_all_states(core, indicator))


def test_private_inputs_are_no_variables() -> None:
    condensed = Condensed(_wide_core(1000))
    assert condensed.kept.tolist() == [0, 1, 2]
    assert len(condensed.factors.sizes) == 3


def test_tables_are_probabilities_of_claims() -> None:
    for seed in range(20):
        core, indicator = random_core(np.random.default_rng(seed))
        condensed = Condensed(core, Style(20, 1))
        tables = condensed.tables(indicator / indicator.sum(axis=1, keepdims=True))
        for row in condensed.kept[core.graph.is_argued[condensed.kept]].tolist():
            number = condensed.table_of[row]
            table = tables.conditional[condensed.start[number] : condensed.start[number + 1]].reshape(2, -1)
            np.testing.assert_allclose(table.sum(axis=0), 1.0, rtol=1e-14)
