"""The JSON form: nothing lost, nothing wrong let in."""

from __future__ import annotations

import copy
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from argtree import (
    ArgumentGraph,
    Claim,
    FormatError,
    Root,
    graph_from_json,
    graph_to_json,
    read_graph,
    write_graph,
)
from argtree.distributions import LogNormal, Normal, Quantiles, Uniform
from argtree.graph import Comparison, Measurement, Threshold
from tests.argtree.random_graphs import random_graph

GOOD: dict[str, Any] = {
    "format": "argtree-graph/1",
    "claims": [{"id": "a", "text": "Ä?", "prior": 0.1}, {"id": "b", "text": "", "prior": 1, "askable": False}],
    "arguments": [
        {
            "id": "x",
            "conclusion": "a",
            "polarity": "attack",
            "strength": 0.3,
            "premises": [{"claim": "b", "holds": False}],
        }
    ],
    "roots": [{"claim": "a", "weight": 2}],
    "evidence": [{"claim": "b", "likelihood": [0.25, 1.0]}],
}


WITH_QUANTITIES: dict[str, Any] = {
    **GOOD,
    "format": "argtree-graph/2",
    "claims": [
        *GOOD["claims"],
        {"id": "t", "text": "x is small.", "about": {"quantity": "x", "relation": "<", "value": 1}, "askable": False},
        {"id": "c", "text": "x exceeds y.", "about": {"quantity": "x", "relation": ">", "other": "y"}},
    ],
    "quantities": [
        {"id": "x", "text": "x", "unit": "g/cm³", "distribution": {"kind": "normal", "mean": 1, "sd": 0.5}},
        {"id": "y", "text": "y", "unit": "g/cm³", "distribution": {"kind": "lognormal", "mu": 0, "sigma": 1}},
        {"id": "z", "text": "z", "unit": "", "distribution": {"kind": "uniform", "low": 0, "high": 1}},
        {"id": "w", "text": "w", "unit": "", "distribution": {"kind": "quantiles", "points": [[0, 0.5], [1, 2]]}},
    ],
    "measurements": [{"quantity": "x", "value": 1.25, "sd": 0.1}],
}


def _changed(path: tuple[str | int, ...], value: object, good: dict[str, Any] = GOOD) -> dict[str, Any]:
    data = copy.deepcopy(good)
    part: Any = data
    for key in path[:-1]:
        part = part[key]
    if value is ...:
        del part[path[-1]]
    else:
        part[path[-1]] = value
    return data


def test_reads_what_the_document_says() -> None:
    graph = graph_from_json(GOOD)
    assert graph.claims[1] == Claim("b", "", 1.0, askable=False)
    assert graph.arguments[0].premises[0].holds is False
    assert graph.roots == (Root("a", 2.0),) and graph.evidence["b"] == (0.25, 1.0)


def test_round_trip_loses_nothing(tmp_path: Path) -> None:
    for seed in range(50):
        graph = random_graph(np.random.default_rng(seed))
        write_graph(graph, tmp_path / "graph.json")
        assert read_graph(tmp_path / "graph.json") == graph
    assert graph_from_json(graph_to_json(graph_from_json(GOOD))) == graph_from_json(GOOD)


def test_the_same_graph_gives_the_same_bytes_and_no_leftovers(tmp_path: Path) -> None:
    for name in ("one.json", "two.json"):
        write_graph(graph_from_json(GOOD), tmp_path / name)
    assert (tmp_path / "one.json").read_bytes() == (tmp_path / "two.json").read_bytes()
    assert "Ä" in (tmp_path / "one.json").read_text(encoding="utf-8")
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.parametrize(
    "path, value, message",
    [
        (("format",), "argtree-graph/2", "lacks the key 'quantities'"),
        (("format",), "argtree-graph/3", "argtree-graph/3"),
        (("quantities",), [], 'unknown key "quantities"'),
        (("claims", 0, "about"), {}, r"claims\[0\] has the unknown key \"about\""),
        (("format",), 1, "format is 1"),
        (("format",), ..., "lacks the key 'format'"),
        (("roots",), ..., "lacks the key 'roots'"),
        (("extra",), 1, 'unknown key "extra"'),
        (("claims",), {}, "claims is an object; it must be a list"),
        (("claims", 0), "a", r"claims\[0\] is a text; it must be an object"),
        (("claims", 0, "prior"), ..., r"claims\[0\] lacks the key 'prior'"),
        (("claims", 0, "prior"), 1.4, r"claims\[0\].prior is 1.4; it must lie in \[0, 1\]"),
        (("claims", 0, "prior"), "0.4", r"claims\[0\].prior is \"0.4\"; it must be a number"),
        (("claims", 0, "prior"), True, r"claims\[0\].prior is true; it must be a number"),
        (("claims", 0, "prior"), float("nan"), r"claims\[0\].prior is NaN"),
        (("claims", 0, "id"), 7, r"claims\[0\].id is 7; it must be a text"),
        (("claims", 0, "id"), "", r"claims\[0\].id is empty"),
        (("claims", 0, "text"), "\ud800", r"claims\[0\].text holds half of a surrogate pair"),
        (("claims", 1, "askable"), None, r"claims\[1\].askable is null; it must be true or false"),
        (("claims", 1, "id"), "a", "two claims with the id 'a'"),
        (("claims", 1, "why"), 1, r"claims\[1\] has the unknown key"),
        (("arguments", 0, "polarity"), "for", r"arguments\[0\].polarity is \"for\""),
        (("arguments", 0, "polarity"), [], r"arguments\[0\].polarity is a list"),
        (("arguments", 0, "strength"), -1, r"arguments\[0\].strength is -1"),
        (("arguments", 0, "conclusion"), "z", "concludes 'z'"),
        (("arguments", 0, "premises", 0, "holds"), 1, r"arguments\[0\].premises\[0\].holds is 1"),
        (("arguments", 0, "premises", 0, "claim"), "a", "circle"),
        (("roots", 0, "weight"), -1, r"roots\[0\].weight is -1"),
        (("roots", 0, "weight"), 10**400, r"roots\[0\].weight is too large"),
        (("evidence", 0, "likelihood"), [1], r"evidence\[0\].likelihood is a list; it must be a list of two"),
        (("evidence", 0, "likelihood", 1), 2, r"evidence\[0\].likelihood\[1\] is 2"),
        (("evidence",), [GOOD["evidence"][0]] * 2, r"evidence\[1\].claim is 'b', which has evidence already"),
    ],
)
def test_what_is_wrong_is_refused_by_place(path: tuple[str | int, ...], value: object, message: str) -> None:
    with pytest.raises(FormatError, match=message):
        graph_from_json(_changed(path, value))


def test_quantities_are_read_and_come_back(tmp_path: Path) -> None:
    graph = graph_from_json(WITH_QUANTITIES)
    assert graph.claims[2:] == (
        Claim("t", "x is small.", 0.0, False, Threshold("x", "<", 1.0)),
        Claim("c", "x exceeds y.", 0.0, None, Comparison("x", ">", "y")),
    )
    kinds = (Normal(1.0, 0.5), LogNormal(0.0, 1.0), Uniform(0.0, 1.0), Quantiles(((0.0, 0.5), (1.0, 2.0))))
    assert tuple(quantity.distribution for quantity in graph.quantities) == kinds
    assert graph.measurements == (Measurement("x", 1.25, 0.1),)
    write_graph(graph, tmp_path / "graph.json")
    assert read_graph(tmp_path / "graph.json") == graph
    assert graph_to_json(graph) == WITH_QUANTITIES


def test_the_examples_of_the_document_are_graphs() -> None:
    document = (Path(__file__).parents[2] / "docs" / "format.md").read_text(encoding="utf-8")
    examples = [graph_from_json(json.loads(part.split("```")[0])) for part in document.split("```json")[1:]]
    assert [len(graph.quantities) for graph in examples] == [0, 2]


def test_a_graph_without_quantities_is_written_as_version_one() -> None:
    empty = {**GOOD, "format": "argtree-graph/2", "quantities": [], "measurements": []}
    assert graph_to_json(graph_from_json(empty)) == GOOD


@pytest.mark.parametrize(
    "path, value, message",
    [
        (("measurements",), ..., "lacks the key 'measurements'"),
        (("claims", 2, "prior"), 0.5, r"claims\[2\] has the unknown key \"prior\""),
        (("claims", 2, "about"), None, r"claims\[2\].about is null; it must be an object"),
        (("claims", 2, "about", "value"), ..., r"claims\[2\].about lacks the key 'value'"),
        (("claims", 2, "about", "value"), True, r"claims\[2\].about.value is true; it must be a number"),
        (("claims", 2, "about", "other"), "y", r"claims\[2\].about has the unknown key \"value\""),
        (("claims", 2, "about", "relation"), ["<"], r"claims\[2\].about.relation is a list; it must be"),
        (("claims", 2, "about", "quantity"), "q", "claim 't' is about 'q', which is not among the quantities"),
        (("claims", 3, "about", "other"), "z", "their units differ"),
        (("quantities", 0, "unit"), None, r"quantities\[0\].unit is null; it must be a text"),
        (("quantities", 0, "distribution"), [], r"quantities\[0\].distribution is a list; it must be an object"),
        (
            ("quantities", 0, "distribution", "kind"),
            "beta",
            r"quantities\[0\].distribution.kind is \"beta\"; it must be",
        ),
        (("quantities", 0, "distribution", "sd"), -1, r"quantities\[0\].distribution: sd is -1.0; it must be"),
        (
            ("quantities", 0, "distribution", "sd"),
            "1",
            r"quantities\[0\].distribution.sd is \"1\"; it must be a number",
        ),
        (("quantities", 3, "distribution", "points", 0), 1, r"quantities\[3\].distribution.points\[0\] is 1"),
        (("quantities", 3, "distribution", "points", 1, 0), 0.5, "the first quantile's probability must be 0"),
        (("quantities", 1, "id"), "x", "two quantities with the id 'x'"),
        (("measurements", 0, "sd"), 0, "sd of a measurement of 'x' is 0.0"),
        (("measurements", 0, "quantity"), "q", "measurement of 'q', which is not among the quantities"),
    ],
)
def test_what_is_wrong_with_quantities_is_refused_by_place(
    path: tuple[str | int, ...], value: object, message: str
) -> None:
    with pytest.raises(FormatError, match=message):
        graph_from_json(_changed(path, value, WITH_QUANTITIES))


@pytest.mark.parametrize(
    "content, message",
    [
        (b"", "not JSON: .* line 1, column 1"),
        (b"[1]", "the graph is a list"),
        (b'{"format": "argtree-graph/1", "format": "argtree-graph/1"}', 'the key "format" twice'),
        (b'{"format": NaN}', "NaN, which is not a JSON number"),
        (b'{"format": -Infinity}', "-Infinity"),
        (b"\xff\xfe\x00", "not UTF-8"),
        (b"[" * 100_000, "nested too deep|not JSON"),
        (b"1" * 10_000, "too long to read"),
    ],
)
def test_a_file_that_is_no_graph_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "graph.json"
    path.write_bytes(content)
    with pytest.raises(FormatError, match=message) as caught:
        read_graph(path)
    assert str(caught.value).startswith(str(path)) and "\n" not in str(caught.value)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="nowhere.json cannot be read: No such file"):
        read_graph(tmp_path / "nowhere.json")


def test_a_failed_write_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "graph.json"
    write_graph(graph_from_json(GOOD), path)
    before = path.read_bytes()
    with pytest.raises(FormatError, match="surrogate"):
        write_graph(ArgumentGraph([Claim("a", "\ud800", 0.5)]), path)
    assert path.read_bytes() == before and len(list(tmp_path.iterdir())) == 1


def test_a_hundred_thousand_claims_read_in_seconds(tmp_path: Path) -> None:
    size = 100_000
    data = copy.deepcopy(GOOD)
    data["claims"] = [{"id": f"c{i}", "text": "t", "prior": 0.5} for i in range(size)]
    data["arguments"] = [
        {
            **GOOD["arguments"][0],
            "id": f"a{i}",
            "conclusion": f"c{i}",
            "premises": [{"claim": f"c{i + 1}", "holds": True}],
        }
        for i in range(size - 1)
    ]
    data["roots"], data["evidence"] = [], []
    (tmp_path / "big.json").write_text(json.dumps(data))
    start = time.process_time()
    assert len(read_graph(tmp_path / "big.json").claims) == size
    assert time.process_time() - start < 20  # some 2 s on a free core


def test_a_file_that_cannot_be_written_is_named_as_it_was_given(tmp_path: Path) -> None:
    path = tmp_path / "nowhere" / "graph.json"
    with pytest.raises(FileNotFoundError) as caught:
        write_graph(ArgumentGraph([], []), path)
    assert caught.value.filename == str(path)
