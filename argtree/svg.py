"""The argument tree of a root as an SVG picture, root at the left: no script, no reference to anything outside."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from xml.etree import ElementTree as ET

from argtree.graph import ArgumentGraph, Polarity
from argtree.propagate import Propagation
from argtree.scene import (
    BOX_WIDTH,
    FONT,
    JOINT_RADIUS,
    LINE_HEIGHT,
    MARGIN,
    MAX_HALO,
    SMALL_FONT,
    TEXT_X,
    Box,
    Joint,
    Point,
    Scene,
    Wire,
    build_scene,
)
from argtree.text import text_width

_PANEL, _PANEL_EDGE, _BOX, _BOX_EDGE = "#f7f7f4", "#dcdbd4", "#ffffff", "#c9c8c1"
_INK, _QUIET, _WIRE, _BLUE, _TRACK = "#1f2430", "#666b7a", "#a3a8b4", "#3568d4", "#e4e6ec"
_ROOT, _ROOT_INK, _ROOT_QUIET, _ROOT_BLUE, _ROOT_TRACK = "#232a3b", "#ffffff", "#b9c0d0", "#8fb3ff", "#465069"
_GREEN, _RED, _VALUE, _VALUE_EDGE = "#23864b", "#c7352e", "#ffc94d", "#d69a00"

_RING_X, _RING_RADIUS = 30.0, 16.5
_BADGE_RADIUS, _DOT_RADIUS = 8.0, 4.0
_MIN_WIDTH = 620.0
_LEGEND_LINE = 26.0


def svg(
    graph: ArgumentGraph,
    root: str,
    result: Propagation,
    labels: Mapping[str, float],
    *,
    max_claims: int = 60,
    href_fn: Callable[[str], str] | None = None,
) -> str:
    """Returns an SVG document of the arguments and premises under a claim.

    Past `max_claims` the least valuable branches are left out and the picture says how many claims that are.
    Texts are untrusted: they stay text, and what XML forbids is replaced.

    Args:
        graph: with the root in it.
        root: a claim's id.
        result: `propagate(graph)`.
        labels: claim id -> P(claim) by the label; those that are settled are ticked or crossed.
        max_claims: how many claims to draw at most, at least 1.
        href_fn: gives the address that a claim's box leads to; without it no box is a link.

    Raises:
        KeyError: no such claim.
        ValueError: `max_claims` is below 1.
    """
    if max_claims < 1:
        raise ValueError(f"max_claims is {max_claims}; it must be at least 1")
    scene = build_scene(graph, root, result, labels, max_claims)
    width = max(scene.width, _MIN_WIDTH)
    legend = ET.Element("g", {"class": "legend"})
    height = _draw_legend(legend, scene, width)
    picture = ET.Element("svg", {"xmlns": "http://www.w3.org/2000/svg", "viewBox": f"0 0 {_n(width)} {_n(height)}"})
    picture.attrib |= {"width": _n(width), "height": _n(height), "role": "img", "font-family": "sans-serif"}
    ET.SubElement(picture, "title").text = f"Arguments about: {scene.boxes[0].title}"
    _rect(picture, (0.5, 0.5), (width - 1, height - 1), 16, {"class": "panel", "fill": _PANEL, "stroke": _PANEL_EDGE})
    for box in scene.boxes:
        _draw_halo(picture, box)
    for wire in sorted(scene.wires, key=lambda one: one.strength or 0.0):  # conclusions' wires on top
        _draw_wire(picture, wire)
    for box in scene.boxes:
        _draw_box(picture if href_fn is None else _link(picture, box, href_fn(box.claim)), box)
    for wire in scene.wires:
        _draw_end(picture, wire)
    for joint in scene.joints:
        _draw_joint(picture, joint)
    picture.append(legend)
    ET.indent(picture, " ")
    return ET.tostring(picture, encoding="unicode") + "\n"


def _link(parent: ET.Element, box: Box, href: str) -> ET.Element:
    said = f"{box.title} {100 * box.prob:.0f}%"
    return ET.SubElement(parent, "a", {"href": href, "data-open": box.claim, "aria-label": said})


def _draw_halo(parent: ET.Element, box: Box) -> None:
    if box.value_share:
        size = 1.5 + (MAX_HALO - 1.5) * box.value_share
        extent = (BOX_WIDTH + 2 * size, box.height + 2 * size)
        style = {"class": "halo", "fill": _VALUE, "fill-opacity": "0.55"}
        _rect(parent, (box.x - size, box.y - size), extent, 10 + size, style)


def _draw_box(parent: ET.Element, box: Box) -> None:
    group = ET.SubElement(parent, "g", {"class": "node"})
    ET.SubElement(group, "title").text = box.title
    fill, ink, quiet = (_ROOT, _ROOT_INK, _ROOT_QUIET) if box.is_root else (_BOX, _INK, _QUIET)
    edge = _VALUE_EDGE if box.value_share else _ROOT if box.is_root else _BOX_EDGE
    style = {"class": "claim", "fill": fill, "stroke": edge, "stroke-width": _n(1 + box.value_share)}
    _rect(group, (box.x, box.y), (BOX_WIDTH, box.height), 10, style)
    middle = box.y + box.height / 2
    _draw_ring(group, (box.x + _RING_X, middle), box.prob, box.is_root)
    lines = [(line, FONT, ink) for line in box.lines]
    if box.num_hidden:
        lines.append((f"{box.num_hidden} argument{'s' if box.num_hidden > 1 else ''} not drawn", SMALL_FONT, quiet))
    baseline = middle - len(lines) * LINE_HEIGHT / 2 + FONT
    for row, (line, size, color) in enumerate(lines):
        _text(group, (box.x + TEXT_X, baseline + row * LINE_HEIGHT), line, size, color, bold=box.is_root)
    corner = (box.x + BOX_WIDTH - 3, box.y + 3)
    if box.label is not None:
        _draw_label(group, corner, box.label > 0.5)
    elif box.marked:
        _draw_question(group, corner)


def _draw_ring(parent: ET.Element, middle: Point, prob: float, on_dark: bool) -> None:
    """Draws the probability as a part of a full circle, clockwise from the top, and as a number."""
    color, track, ink = (_ROOT_BLUE, _ROOT_TRACK, _ROOT_INK) if on_dark else (_BLUE, _TRACK, _INK)
    _circle(parent, middle, _RING_RADIUS, {"fill": "none", "stroke": track, "stroke-width": "4"})
    circumference = 2 * math.pi * _RING_RADIUS
    style = {"fill": "none", "stroke": color, "stroke-width": "4"}
    style["stroke-dasharray"] = f"{_n(prob * circumference)} {_n(circumference + 1)}"
    x, y = middle
    style["transform"] = f"rotate(-90 {_n(x)} {_n(y)})"
    _circle(parent, middle, _RING_RADIUS, style)
    _text(parent, (x, y + 3.6), f"{100 * prob:.0f}%", SMALL_FONT - 0.5, ink, anchor="middle")


def _draw_label(parent: ET.Element, middle: Point, is_true: bool) -> None:
    x, y = middle
    style = {"class": "settled", "fill": _GREEN if is_true else _RED, "stroke": _PANEL, "stroke-width": "2"}
    _circle(parent, middle, _BADGE_RADIUS, style)
    tick = f"M{_n(x - 3.5)} {_n(y)} l2.5 2.8 l4.5 -5.2"
    cross = f"M{_n(x - 2.8)} {_n(y - 2.8)} l5.6 5.6 m0 -5.6 l-5.6 5.6"
    _path(parent, tick if is_true else cross, "#ffffff", 1.8)


def _draw_question(parent: ET.Element, middle: Point) -> None:
    x, y = middle
    style = {"class": "marked", "fill": _VALUE, "stroke": _VALUE_EDGE, "stroke-width": "1.2"}
    _circle(parent, middle, _BADGE_RADIUS, style)
    _text(parent, (x, y + 4), "?", 11.5, _INK, anchor="middle", bold=True)


def _draw_joint(parent: ET.Element, joint: Joint) -> None:
    group = ET.SubElement(parent, "g", {"class": "argument"})
    ET.SubElement(group, "title").text = joint.title
    _draw_sign(group, (joint.x, joint.y), joint.polarity)
    below = (joint.x, joint.y + JOINT_RADIUS + 11)
    _text(group, below, f"{joint.strength:.2f}", SMALL_FONT - 0.5, _color(joint.polarity), anchor="middle", halo=True)


def _draw_sign(parent: ET.Element, middle: Point, polarity: Polarity) -> None:
    x, y = middle
    _circle(parent, middle, JOINT_RADIUS, {"fill": _color(polarity), "stroke": _PANEL, "stroke-width": "2"})
    upright = "m-4 -4 v8" if polarity == "support" else ""
    _path(parent, f"M{_n(x - 4)} {_n(y)} h8 {upright}".rstrip(), "#ffffff", 1.8)


def _draw_wire(parent: ET.Element, wire: Wire) -> None:
    """A curve between columns, a straight line through a column."""
    points = list(wire.points)
    if wire.strength is not None:  # ends inside the arrowhead, which so keeps its point
        points[0] = (points[0][0] + _arrow_half(wire.strength), points[0][1])
    parts = [f"M{_at(points[0])}"]
    for place, ((x0, y0), (x1, y1)) in enumerate(zip(points, points[1:], strict=False)):
        middle = (x0 + x1) / 2
        curve = f"C{_at((middle, y0))} {_at((middle, y1))} {_at((x1, y1))}"
        parts.append(f"L{_at((x1, y1))}" if place % 2 else curve)
    if wire.strength is None:
        _path(parent, " ".join(parts), _WIRE, 1.5)
    else:
        _path(parent, " ".join(parts), _color(wire.polarity), _thickness(wire.strength))


def _draw_end(parent: ET.Element, wire: Wire) -> None:
    """An arrowhead at the conclusion; at a premise that must be false a small open circle, as logic gates have it."""
    if wire.strength is not None:
        x, y = wire.points[0]
        half = _arrow_half(wire.strength)
        points = f"{_at((x - 0.5, y))} {_at((x + 2 * half, y - half))} {_at((x + 2 * half, y + half))}"
        ET.SubElement(parent, "polygon", {"points": points, "fill": _color(wire.polarity)})
    elif not wire.holds:
        x, y = wire.points[-1]
        _draw_negation(parent, (x - _DOT_RADIUS - 0.5, y))


def _draw_negation(parent: ET.Element, middle: Point) -> None:
    style = {"class": "negation", "fill": _PANEL, "stroke": _INK, "stroke-width": "1.5"}
    _circle(parent, middle, _DOT_RADIUS, style)


def _draw_legend(parent: ET.Element, scene: Scene, width: float) -> float:
    """Draws a line or more of signs and their meanings under the picture; returns the height of all."""
    items = _legend_items(parent, scene)
    x, y = MARGIN, scene.height + 8
    _path(parent, f"M{_n(MARGIN)} {_n(y - 24)} H{_n(width - MARGIN)}", _PANEL_EDGE, 1)
    for meaning, draw in items:
        needed = 26 + text_width(meaning) * 11 + 12
        if x + needed > width - MARGIN + 12 and x > MARGIN:
            x, y = MARGIN, y + _LEGEND_LINE
        draw((x + 10, y))
        _text(parent, (x + 26, y + 4), meaning, 11, _QUIET)
        x += needed
    if scene.num_left_out:
        y += _LEGEND_LINE
        verb = "claims that matter less are" if scene.num_left_out > 1 else "claim that matters less is"
        _text(parent, (MARGIN, y + 4), f"{scene.num_left_out:,} {verb} not drawn.", 11, _INK)
    return y + 28


def _legend_items(parent: ET.Element, scene: Scene) -> list[tuple[str, Callable[[Point], None]]]:
    """Returns meanings, and what draws their signs, of all that the picture has."""
    items: list[tuple[str, Callable[[Point], None]]] = [("probability", lambda at: _draw_sample_ring(parent, at))]
    if any(joint.polarity == "support" for joint in scene.joints):
        items.append(("speaks for", lambda at: _draw_sign(parent, at, "support")))
    if any(joint.polarity == "attack" for joint in scene.joints):
        items.append(("speaks against", lambda at: _draw_sign(parent, at, "attack")))
    if scene.joints:
        items.append(("thicker: stronger", lambda at: _draw_sample_strengths(parent, at)))
    if not all(wire.holds for wire in scene.wires):
        items.append(("premise must be false", lambda at: _draw_negation(parent, at)))
    if any(box.value_share for box in scene.boxes):
        items.append(("worth asking (wider: more)", lambda at: _draw_sample_halo(parent, at)))
    if any(box.marked for box in scene.boxes):
        items.append(("ask first", lambda at: _draw_question(parent, at)))
    if any(box.label is not None for box in scene.boxes):
        items.append(("settled: true", lambda at: _draw_label(parent, at, True)))
        items.append(("settled: false", lambda at: _draw_label(parent, at, False)))
    return items


def _draw_sample_ring(parent: ET.Element, middle: Point) -> None:
    x, y = middle
    _circle(parent, middle, 7, {"fill": "none", "stroke": _TRACK, "stroke-width": "3"})
    _path(parent, f"M{_n(x)} {_n(y - 7)} a7 7 0 1 1 -7 7", _BLUE, 3)


def _draw_sample_strengths(parent: ET.Element, middle: Point) -> None:
    x, y = middle
    _path(parent, f"M{_n(x - 8)} {_n(y - 4)} h16", _QUIET, _thickness(0.1))
    _path(parent, f"M{_n(x - 8)} {_n(y + 3)} h16", _QUIET, _thickness(0.7))


def _draw_sample_halo(parent: ET.Element, middle: Point) -> None:
    x, y = middle
    _rect(parent, (x - 10, y - 9), (20, 18), 6, {"fill": _VALUE, "fill-opacity": "0.55"})
    _rect(parent, (x - 5, y - 4.5), (10, 9), 3, {"fill": _BOX, "stroke": _VALUE_EDGE})


def _color(polarity: Polarity) -> str:
    return _GREEN if polarity == "support" else _RED


def _arrow_half(strength: float) -> float:
    """Returns half the width of an arrowhead, which is as long as it is wide."""
    return 3 + _thickness(strength) / 2


def _thickness(strength: float) -> float:
    return 1.2 + 4.8 * strength


def _rect(parent: ET.Element, corner: Point, extent: Point, radius: float, style: dict[str, str]) -> None:
    place = {"x": _n(corner[0]), "y": _n(corner[1]), "width": _n(extent[0]), "height": _n(extent[1]), "rx": _n(radius)}
    ET.SubElement(parent, "rect", style | place)


def _circle(parent: ET.Element, middle: Point, radius: float, style: dict[str, str]) -> None:
    ET.SubElement(parent, "circle", {"cx": _n(middle[0]), "cy": _n(middle[1]), "r": _n(radius)} | style)


def _path(parent: ET.Element, d: str, color: str, thickness: float) -> None:
    style = {"fill": "none", "stroke": color, "stroke-width": _n(thickness), "stroke-linecap": "round"}
    ET.SubElement(parent, "path", {"d": d} | style)


def _text(
    parent: ET.Element,
    at: Point,
    text: str,
    size: float,
    color: str,
    *,
    anchor: str = "start",
    bold: bool = False,
    halo: bool = False,
) -> None:
    """Writes one line; `text` must be printable. A halo keeps it readable over a wire."""
    style = {"x": _n(at[0]), "y": _n(at[1]), "font-size": _n(size), "fill": color}
    if anchor != "start":
        style["text-anchor"] = anchor
    if bold:
        style["font-weight"] = "bold"
    if halo:
        style |= {"stroke": _PANEL, "stroke-width": "3", "paint-order": "stroke"}
    ET.SubElement(parent, "text", style).text = text


def _at(point: Point) -> str:
    return f"{_n(point[0])} {_n(point[1])}"


def _n(number: float) -> str:
    return f"{number:.1f}".removesuffix(".0")
