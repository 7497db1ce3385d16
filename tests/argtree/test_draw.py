"""Pictures of argument trees: everything drawn once, nothing on top of anything else, untrusted text stays text."""

from __future__ import annotations

from dataclasses import replace
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from rich.console import Console
from scipy.sparse import csr_array

from argtree.draw import printable, svg, tree
from argtree.graph import Argument, ArgumentGraph, Claim, Premise, Root
from argtree.influence import Influence
from argtree.layout import arrange
from argtree.propagate import Propagation, propagate
from argtree.text import text_width, wrap
from tests import hostile

SVG = "{http://www.w3.org/2000/svg}"
TEXTS = [
    *hostile.ALL,
    "safe \u202egnp.exe\u2066 \u2069 \u200f",
    "one\ntwo\rthree\x00\x08 \ud800 \ufffe \u2028 next",
    "x" * 10_000,
    "a word " * 1_500,
    "Z" + "\u0301" * 500,
    "",
]


def shared_graph() -> ArgumentGraph:
    """root <- c1 and not c2; root <- not c3 (attack); c1 <- c4; c3 <- c4."""
    texts = ["Nails win.", "Nails are sharp.", "The box stays shut.", "Jelly yields.", "Steel is hard."]
    claims = [Claim(f"c{i}", text, 0.3 + 0.1 * i) for i, text in enumerate(texts)]
    arguments = [
        Argument("a0", "c0", "support", 0.9, [Premise("c1"), Premise("c2", False)]),
        Argument("a1", "c0", "attack", 0.5, [Premise("c3", False)]),
        Argument("a2", "c1", "support", 0.8, [Premise("c4")]),
        Argument("a3", "c3", "attack", 0.7, [Premise("c4")]),
    ]
    return ArgumentGraph(claims, arguments, [Root("c0")])


def wide_graph(rng: np.random.Generator, num_claims: int) -> ArgumentGraph:
    """A root on top of a random DAG: premises are later claims, so some are shared and some edges are long."""
    claims = [Claim(f"c{i}", f"Claim {i} is " + "so " * int(rng.integers(0, 30)), 0.5) for i in range(num_claims)]
    arguments = []
    for i in range(1, num_claims):
        chosen = {i} | ({int(rng.integers(i, num_claims))} if rng.random() < 0.3 else set())
        conclusion = int(rng.integers(max(0, i // 4 - 1), max(1, i // 3)))
        polarity = "support" if rng.random() < 0.6 else "attack"
        premises = [Premise(f"c{j}", bool(rng.random() < 0.7)) for j in sorted(chosen)]
        arguments.append(Argument(f"a{i}", f"c{conclusion}", polarity, float(rng.random()), premises))
    return ArgumentGraph(claims, arguments, [Root("c0")])


def result_of(graph: ArgumentGraph, rng: np.random.Generator) -> Propagation:
    """Any figures: what is drawn does not hang on their being right."""
    size, rows = len(graph.claims), np.arange(len(graph.claims))
    at_anchor = csr_array(rng.uniform(-1, 1, (len(graph.roots), size)))
    prob = rng.random(size)
    return Propagation(graph, prob, 1 - prob, Influence(size, rows, rows, rng.random(size), at_anchor))


def printed(graph: ArgumentGraph, result: Propagation, labels: dict[str, float] | None = None) -> str:
    console = Console(width=120, color_system="truecolor", force_terminal=True)
    with console.capture() as capture:
        console.print(tree(graph, graph.roots[0].claim, result, labels or {}))
    return capture.get()


def plain(graph: ArgumentGraph, result: Propagation, labels: dict[str, float] | None = None) -> str:
    console = Console(width=200, color_system=None)
    with console.capture() as capture:
        console.print(tree(graph, graph.roots[0].claim, result, labels or {}))
    return capture.get()


def parsed(picture: str) -> ET.Element:
    return ET.fromstring(picture.encode("utf-8"))


def boxes(picture: ET.Element) -> list[tuple[float, float, float, float]]:
    found = [one for one in picture.iter(SVG + "rect") if one.get("class") == "claim"]
    return [tuple(float(one.get(key, "")) for key in ("x", "y", "width", "height")) for one in found]  # type: ignore[misc]


def titles(picture: ET.Element) -> list[str | None]:
    return [one[0].text for one in picture.iter(SVG + "g") if one.get("class") == "node"]


def test_svg_draws_every_claim_once_and_shared_premises_with_several_edges() -> None:
    graph = shared_graph()
    picture = parsed(svg(graph, "c0", propagate(graph), {}))
    assert sorted(map(str, titles(picture))) == sorted(claim.text for claim in graph.claims)
    assert len([one for one in picture.iter(SVG + "g") if one.get("class") == "argument"]) == 4
    assert len([one for one in picture.iter(SVG + "circle") if one.get("class") == "negation"]) == 2 + 1  # legend


@pytest.mark.parametrize(("num_claims", "seed"), [(1, 0), (8, 1), (25, 2), (60, 3), (60, 4)])
def test_boxes_neither_overlap_nor_leave_the_picture(num_claims: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    graph = wide_graph(rng, num_claims)
    picture = parsed(svg(graph, "c0", result_of(graph, rng), {}))
    found = boxes(picture)
    assert len(found) == num_claims
    for i, (x, y, width, height) in enumerate(found):
        assert 0 < x < x + width < float(picture.get("width", "")) and 0 < y < y + height
        assert y + height < float(picture.get("height", ""))
        for x2, y2, width2, height2 in found[:i]:
            assert x + width < x2 or x2 + width2 < x or y + height < y2 or y2 + height2 < y


@pytest.mark.parametrize("seed", range(4))
def test_no_edge_runs_through_a_box(seed: int) -> None:
    rng = np.random.default_rng(seed)
    graph = wide_graph(rng, 40)
    picture = parsed(svg(graph, "c0", result_of(graph, rng), {}))
    # Curves run between columns; only the straight runs ("L") cross one, at one height.
    runs = [path.get("d", "").split("L")[1:] for path in picture.iter(SVG + "path")]
    heights = [tuple(map(float, run.split()[:2])) for one in runs for run in one]
    assert heights
    for x, y, width, height in boxes(picture):
        assert not any(x < end <= x + width + 0.1 and y <= level <= y + height for end, level in heights)


@pytest.mark.parametrize("text", TEXTS)
def test_hostile_text_stays_text(text: str) -> None:
    graph = shared_graph()
    graph = replace(graph, claims=[Claim(one.id, text, one.prior) for one in graph.claims])
    result = propagate(graph)
    picture = parsed(svg(graph, "c0", result, {}))
    allowed = {"svg", "title", "rect", "g", "path", "circle", "text", "polygon"}
    assert {one.tag.removeprefix(SVG) for one in picture.iter()} <= allowed
    # What the terminal gets is the same but for the claims' text: rich's own colours, no escape of theirs.
    assert printed(graph, result).count("\x1b]") == 0
    assert "\x1b" not in plain(graph, result)
    shown = printable(text)
    assert all(char.isprintable() or char == " " for char in shown.replace("\u200d", ""))


@pytest.mark.parametrize("text", TEXTS)
def test_text_fits_its_box(text: str) -> None:
    lines = wrap(text, 15.0, 5)
    assert 1 <= len(lines) <= 5
    assert all(text_width(line) <= 15.0 for line in lines)


def test_markup_is_shown_as_it_is() -> None:
    graph = ArgumentGraph([Claim("c", "[bold]x[/bold] :smile: [/]", 0.5)], (), [Root("c")])
    assert "[bold]x[/bold] :smile: [/]" in plain(graph, propagate(graph))


def test_printable_keeps_ordinary_writing() -> None:
    for text in ("Größe, naïve – “quoted”", "ما هذا؟", "日本語", "👩\u200d🔬 works", "x < y & z"):
        assert printable(text) == text
    assert printable("a\t b\n\nc") == "a b c"
    assert printable("\x1b[2J\u202e") == "\ufffd[2J\ufffd"


def test_tree_says_what_each_line_is() -> None:
    graph = shared_graph()
    lines = plain(graph, propagate(graph), {"c2": 0.99, "c4": 0.6}).splitlines()
    assert "Nails win." in lines[0]
    assert "for  strength 0.90" in lines[1]
    assert any("not  The box stays shut.  ✓ label 0.99" in line for line in lines)
    assert any("against  strength 0.50" in line for line in lines)
    steel = [line for line in lines if "Steel is hard." in line]
    assert ["(see above)" in line for line in steel] == [False, True]
    assert "?" in steel[0] and "label" not in steel[0]  # 0.6 settles nothing, so it is still worth asking


def test_settled_claims_are_marked_and_no_longer_asked() -> None:
    graph = shared_graph()
    labels = {"c2": 0.01, "c4": 0.99}
    picture = parsed(svg(graph, "c0", propagate(graph), labels))
    nodes = [one for one in picture.iter(SVG + "g") if one.get("class") == "node"]
    classes = [{part.get("class") for part in node} for node in nodes]
    assert sum("settled" in one for one in classes) == 2
    assert not any("marked" in one for one in classes)
    assert "✗ label 0.01" in plain(graph, propagate(graph), labels)


def test_the_most_valuable_claim_has_the_widest_halo() -> None:
    graph = shared_graph()
    result = propagate(graph)
    picture = parsed(svg(graph, "c0", result, {}))
    halos = [one for one in picture.iter(SVG + "rect") if one.get("class") == "halo"]
    widest = max(halos, key=lambda one: float(one.get("width", "")))
    best = max((float(value), one.text) for value, one in zip(result.value(), graph.claims, strict=True)
               if graph.is_askable(one.id))[1]  # fmt: skip
    middle = float(widest.get("y", "")) + float(widest.get("height", "")) / 2
    named = dict(zip(titles(picture), boxes(picture), strict=True))
    assert middle == pytest.approx(named[best][1] + named[best][3] / 2, abs=0.2)


def test_pictures_are_the_same_every_time() -> None:
    graph = wide_graph(np.random.default_rng(5), 40)
    result = result_of(graph, np.random.default_rng(6))
    assert svg(graph, "c0", result, {}) == svg(graph, "c0", result, {})
    assert printed(graph, result) == printed(graph, result)


def test_past_max_claims_the_most_valuable_branch_stays() -> None:
    claims = [Claim(f"c{i}", f"Claim {i}.", 0.5) for i in range(9)]
    strengths = [0.1, 0.1, 0.9, 0.1, 0.1, 0.1, 0.1, 0.1]
    arguments = [Argument(f"a{i}", "c0", "attack", w, [Premise(f"c{i + 1}")]) for i, w in enumerate(strengths)]
    graph = ArgumentGraph(claims, arguments, [Root("c0")])
    text = svg(graph, "c0", propagate(graph), {}, max_claims=3)
    assert len(boxes(parsed(text))) == 3
    assert "Claim 3." in titles(parsed(text))
    assert "6 claims that matter less are not drawn." in text and "6 arguments not drawn" in text
    with pytest.raises(ValueError, match="max_claims is 0"):
        svg(graph, "c0", propagate(graph), {}, max_claims=0)


def test_a_chain_of_ten_thousand_claims_is_cut() -> None:
    size = 10_000
    claims = [Claim(f"c{i}", f"Claim {i}.", 0.5) for i in range(size)]
    arguments = [Argument(f"a{i}", f"c{i}", "support", 0.9, [Premise(f"c{i + 1}")]) for i in range(size - 1)]
    graph = ArgumentGraph(claims, arguments, [Root("c0")])
    result = result_of(graph, np.random.default_rng(0))
    lines = plain(graph, result)
    assert "Claim 9." in lines and "Claim 10." not in lines
    assert "9,990 more claims are not shown" in lines and "1 argument not shown" in lines
    assert len(boxes(parsed(svg(graph, "c0", result, {})))) == 60


def test_a_wide_tree_is_cut_to_the_lines_there_are() -> None:
    graph = wide_graph(np.random.default_rng(8), 2_000)
    lines = plain(graph, result_of(graph, np.random.default_rng(0))).splitlines()
    assert len(lines) <= 2 * 300
    assert "more claims are not shown" in lines[-1]


def test_only_what_lies_under_the_root_is_drawn() -> None:
    graph = shared_graph()
    result = propagate(graph)
    assert len(boxes(parsed(svg(graph, "c1", result, {})))) == 2
    with pytest.raises(KeyError):
        svg(graph, "nowhere", result, {})


def test_layout_leaves_a_tree_without_crossings_and_centres_it() -> None:
    edges = [(0, 1), (0, 2), (1, 6), (1, 5), (2, 4), (2, 3)]  # drawn in the given order four edges would cross
    layout = arrange([0, 1, 1, 2, 2, 2, 2], [20.0] * 7, edges)
    pairs = [(a, b) for a in edges for b in edges if layout.y[a[0]] < layout.y[b[0]] and a[0] in (1, 2)]
    assert all(layout.y[a[1]] < layout.y[b[1]] for a, b in pairs if b[0] in (1, 2))
    assert layout.y[0] == pytest.approx((layout.y[1] + layout.y[2]) / 2, abs=0.5)
