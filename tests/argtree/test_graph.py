"""The graph's own checks."""

from __future__ import annotations

import copy
import dataclasses
import pickle

import numpy as np
import pytest

import argtree
from argtree import Argument, ArgumentGraph, Claim, Premise, Root
from tests.argtree.random_graphs import random_graph

A, B, C = (Claim(name, name.upper(), 0.5) for name in "abc")


def _argument(id: str = "x", conclusion: str = "a", premise: str = "b", **changes: object) -> Argument:
    argument = Argument(id, conclusion, "support", 0.5, [Premise(premise)])
    return dataclasses.replace(argument, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "parts, offender",
    [
        ({"claims": [A, A]}, "two claims with the id 'a'"),
        ({"claims": [Claim("", "", 0.5)]}, "id is ''"),
        ({"claims": [Claim("q", "", 1.5)]}, "prior of claim 'q' is 1.5"),
        ({"claims": [Claim("q", "", float("nan"))]}, "prior of claim 'q' is nan"),
        ({"claims": [Claim("q", "", True)]}, "prior of claim 'q' is True"),
        ({"claims": [Claim("q", "", 0.5, "yes")]}, "askable of claim 'q'"),  # type: ignore[arg-type]
        ({"arguments": [_argument(), _argument()]}, "two arguments with the id 'x'"),
        ({"arguments": [_argument(strength=-0.1)]}, "strength of argument 'x' is -0.1"),
        ({"arguments": [_argument(polarity="for")]}, "polarity of argument 'x' is 'for'"),
        ({"arguments": [_argument(conclusion="z")]}, "'x' concludes 'z'"),
        ({"arguments": [_argument(premise="z")]}, "'x' has the premise 'z'"),
        ({"roots": [Root("z")]}, "a root is 'z'"),
        ({"roots": [Root("a"), Root("a")]}, "two roots with the claim 'a'"),
        ({"roots": [Root("a", float("inf"))]}, "weight of root 'a' is inf"),
        ({"evidence": {"z": (1.0, 0.5)}}, "evidence on 'z'"),
        ({"evidence": {"a": (1.0, 2.0)}}, "evidence on 'a' is 2.0"),
        ({"evidence": {"a": (1.0,)}}, "evidence on 'a' has 1"),
        ({"arguments": [_argument(premise="a")]}, "'a' -> 'a'"),
        ({"arguments": [_argument(), _argument("y", "c", "a"), _argument("z", "b", "c")]}, "circle: .*'c' -> 'b'"),
    ],
)
def test_what_is_wrong_is_refused_by_name(parts: dict[str, object], offender: str) -> None:
    with pytest.raises(ValueError, match=offender):
        ArgumentGraph(**{"claims": [A, B, C], **parts})  # type: ignore[arg-type]


def test_finds_rows_and_arguments() -> None:
    graph = ArgumentGraph([A, B, C], [_argument(), _argument("y", premise="c")])
    assert graph.index["c"] == 2
    assert [argument.id for argument in graph.arguments_for("a")] == ["x", "y"]
    assert graph.arguments_for("b") == ()
    with pytest.raises(KeyError):
        graph.arguments_for("z")


def test_askable_is_what_the_claim_says_else_whether_nothing_argues() -> None:
    claims = [A, B, dataclasses.replace(C, askable=False), Claim("d", "", 0.5, askable=True)]
    graph = ArgumentGraph(claims, [_argument(), _argument("y", conclusion="d")])
    assert [graph.is_askable(claim.id) for claim in claims] == [False, True, False, True]


def test_premises_come_before_conclusions() -> None:
    graph = random_graph(np.random.default_rng(3))
    place = {graph.claims[row].id: i for i, row in enumerate(graph.topological_order)}
    assert all(place[p.claim] < place[a.conclusion] for a in graph.arguments for p in a.premises)


def test_is_a_value() -> None:
    evidence = {"a": (0.5, 1.0)}
    graph = ArgumentGraph([A, B], [_argument()], [Root("a")], evidence)
    assert copy.deepcopy(graph) == pickle.loads(pickle.dumps(graph)) == graph
    assert hash(graph) == hash(copy.deepcopy(graph))
    evidence["b"] = (0.1, 0.2)
    assert dict(graph.evidence) == {"a": (0.5, 1.0)}
    with pytest.raises(dataclasses.FrozenInstanceError):
        graph.roots = ()  # type: ignore[misc]


def test_other_evidence_and_roots_make_the_graph_that_has_them() -> None:
    graph = ArgumentGraph((A, B), (_argument(),), (Root("a"),), {"b": (0.5, 1.0)})
    assert graph.given({"a": (1.0, 0.5)}) == dataclasses.replace(graph, evidence={"a": (1.0, 0.5)})
    assert graph.with_roots([Root("b")]) == dataclasses.replace(graph, roots=(Root("b"),))
    with pytest.raises(ValueError, match="evidence on 'z'"):
        graph.given({"z": (1.0, 0.5)})
    with pytest.raises(ValueError, match="a root is 'z'"):
        graph.with_roots([Root("z")])


def test_public_names_are_complete_and_sorted() -> None:
    assert argtree.__all__ == sorted(argtree.__all__)
    assert all(hasattr(argtree, name) for name in argtree.__all__)
