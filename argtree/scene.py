"""What stands where in the picture of an argument tree, in pixels. Not here: how it is painted (`svg`)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from argtree.evidence import is_settled
from argtree.graph import Argument, ArgumentGraph, Polarity
from argtree.layout import Layout, arrange, longest_path_layers
from argtree.outline import claims_below, most_valuable_part, sorted_arguments, worth_asking
from argtree.propagate import Propagation
from argtree.text import shorten, wrap

BOX_WIDTH, TEXT_X, FONT, LINE_HEIGHT = 264.0, 58.0, 13.0, 17.0
SMALL_FONT = 10.5
JOINT_RADIUS = 9.0
MARGIN = 36.0
MAX_HALO = 9.0  # around the most valuable claim
NUM_MARKED = 3  # of the most valuable claims, which bear a question mark
_TO_JOINT, _TO_PREMISE = 62.0, 84.0  # from a box to its joints; from a joint to the next column of boxes
_PITCH = BOX_WIDTH + _TO_JOINT + _TO_PREMISE
_PAD, _MIN_BOX_HEIGHT, _JOINT_ROOM = 11.0, 54.0, 34.0
_MAX_LINES, _MAX_TITLE_CHARS = 5, 600
_BOLD = 1.15  # how much wider bold type is
_LEAST_SHARE = 0.05  # of the highest value of information: what is worth less gets no halo
_PORT_STEP = 13.0  # between the ends of edges on one side of a box
_CORNER = 12.0

Point = tuple[float, float]


@dataclass(frozen=True)
class Box:
    """A claim."""

    claim: str  # id
    x: float  # of the left side
    y: float  # of the upper side
    height: float  # the width is BOX_WIDTH
    title: str
    lines: tuple[str, ...]  # the title as it fits
    prob: float
    label: float | None  # P(claim) by the label if it is settled
    value_share: float  # root of its share in the highest value of information, in [0, 1]; 0 if not worth asking
    marked: bool
    num_hidden: int  # arguments for the claim that are not drawn
    is_root: bool


@dataclass(frozen=True)
class Joint:
    """An argument, by its middle."""

    x: float
    y: float
    polarity: Polarity
    strength: float
    title: str


@dataclass(frozen=True)
class Wire:
    """An edge through an even number of points: a curve between the first two, a straight run to the next, ..."""

    points: tuple[Point, ...]
    polarity: Polarity
    strength: float | None  # of the argument whose joint it leads to its conclusion; None for a premise
    holds: bool = True


@dataclass(frozen=True)
class Scene:
    """All there is to paint but the legend."""

    boxes: tuple[Box, ...]  # the root first
    joints: tuple[Joint, ...]
    wires: tuple[Wire, ...]
    width: float
    height: float
    num_left_out: int  # claims under the root that are not drawn


def build_scene(
    graph: ArgumentGraph, root: str, result: Propagation, labels: Mapping[str, float], max_claims: int
) -> Scene:
    """Returns the picture of the most valuable part of a graph under a root. Arguments as of `svg`."""
    claims, arguments = _in_reading_order(graph, root, *most_valuable_part(graph, root, result, max_claims))
    texts = [_fit(graph, claim, arguments, claim == root) for claim in claims]
    nodes = {claim: node for node, claim in enumerate(claims)}
    joints = range(len(claims), len(claims) + len(arguments))  # nodes too, after the claims
    edges = [(nodes[one.conclusion], joint) for joint, one in zip(joints, arguments, strict=True)]
    premises = [(joint, premise) for joint, one in zip(joints, arguments, strict=True) for premise in one.premises]
    edges += [(joint, nodes[premise.claim]) for joint, premise in premises]
    layer = longest_path_layers(len(claims) + len(arguments), edges)
    layout = arrange(layer, [one.height for one in texts] + [_JOINT_ROOM] * len(arguments), edges)
    asked = worth_asking(graph, root, result, labels)
    boxes = [
        _box(graph, claim, text, result, labels, asked, (_x(layer[node]), layout.y[node]))
        for node, (claim, text) in enumerate(zip(claims, texts, strict=True))
    ]
    shown = [
        Joint(_x(layer[joint]), layout.y[joint] + MARGIN, one.polarity, one.strength, _title(one))
        for joint, one in zip(joints, arguments, strict=True)
    ]
    wires = _wires(boxes, shown, layer, layout, edges, [premise.holds for _, premise in premises])
    width = max([box.x + BOX_WIDTH for box in boxes] + [joint.x + JOINT_RADIUS for joint in shown]) + MARGIN
    num_left_out = len(claims_below(graph, root)) - len(claims)
    return Scene(tuple(boxes), tuple(shown), tuple(wires), width, layout.height + 2 * MARGIN, num_left_out)


def _in_reading_order(
    graph: ArgumentGraph, root: str, claims: Sequence[str], arguments: Sequence[Argument]
) -> tuple[list[str], list[Argument]]:
    """Returns the same depth first, as they would be read; the drawing then has no needless crossings to begin with."""
    chosen = {argument.id for argument in arguments}
    found: dict[str, None] = {}
    ordered: list[Argument] = []
    waiting: list[str] = [root]
    while waiting:
        if (claim := waiting.pop()) in found:
            continue
        found[claim] = None
        drawn = [argument for argument in sorted_arguments(graph, claim) if argument.id in chosen]
        ordered += drawn
        waiting += reversed([premise.claim for argument in drawn for premise in argument.premises])
    assert len(found) == len(claims)
    return list(found), ordered


@dataclass(frozen=True)
class _FittedText:
    lines: tuple[str, ...]
    num_hidden: int
    height: float


def _fit(graph: ArgumentGraph, claim: str, arguments: Sequence[Argument], is_bold: bool) -> _FittedText:
    text = graph.claims[graph.index[claim]].text
    lines = wrap(text, (BOX_WIDTH - TEXT_X - _PAD) / FONT / (_BOLD if is_bold else 1.0), _MAX_LINES)
    num_hidden = len(graph.arguments_for(claim)) - sum(argument.conclusion == claim for argument in arguments)
    num_lines = len(lines) + (num_hidden > 0)
    return _FittedText(tuple(lines), num_hidden, max(_MIN_BOX_HEIGHT, num_lines * LINE_HEIGHT + 2 * _PAD))


def _box(
    graph: ArgumentGraph,
    claim: str,
    text: _FittedText,
    result: Propagation,
    labels: Mapping[str, float],
    asked: Mapping[str, float],
    place: Point,
) -> Box:
    row = graph.index[claim]
    label = labels.get(claim)
    share = asked.get(claim, 0.0) / max(asked.values(), default=1.0)
    return Box(
        claim=claim,
        x=place[0],
        y=place[1] - text.height / 2 + MARGIN,
        height=text.height,
        title=shorten(graph.claims[row].text, _MAX_TITLE_CHARS),
        lines=text.lines,
        prob=float(result.prob[row]),
        label=label if label is not None and is_settled(label) else None,
        value_share=math.sqrt(share) if share >= _LEAST_SHARE else 0.0,
        marked=share >= _LEAST_SHARE and claim in list(asked)[:NUM_MARKED],
        num_hidden=text.num_hidden,
        is_root=place[0] == MARGIN,
    )


def _title(argument: Argument) -> str:
    return f"{'for' if argument.polarity == 'support' else 'against'}, strength {argument.strength:.2f}"


def _x(layer: int) -> float:
    """Returns the left side of a column of boxes (even) or the middle of a column of joints (odd)."""
    return MARGIN + layer // 2 * _PITCH + (BOX_WIDTH + _TO_JOINT if layer % 2 else 0.0)


def _wires(
    boxes: Sequence[Box],
    joints: Sequence[Joint],
    layer: Sequence[int],
    layout: Layout,
    edges: Sequence[tuple[int, int]],
    holds: Sequence[bool],
) -> list[Wire]:
    """Returns one wire for each edge: first those from conclusion to joint, then those from joint to premise."""
    num_boxes = len(boxes)
    ports = _ports(boxes, layout, edges)
    wires: list[Wire] = []
    for edge, (start, end) in enumerate(edges):
        if end >= num_boxes:
            joint = joints[end - num_boxes]
            points = [(_x(layer[start]) + BOX_WIDTH, ports[edge]), (joint.x - JOINT_RADIUS, joint.y)]
            wires.append(Wire(tuple(points), joint.polarity, joint.strength))
            continue
        joint = joints[start - num_boxes]
        points = [(joint.x + JOINT_RADIUS, joint.y)]
        for passed, bend in enumerate(layout.bends[edge], start=layer[start] + 1):
            if passed % 2 == 0:  # straight through between the boxes of a column
                points += [(_x(passed), bend + MARGIN), (_x(passed) + BOX_WIDTH, bend + MARGIN)]
        points.append((_x(layer[end]), ports[edge]))
        wires.append(Wire(tuple(points), joint.polarity, None, holds[edge - len(joints)]))
    return wires


def _ports(boxes: Sequence[Box], layout: Layout, edges: Sequence[tuple[int, int]]) -> dict[int, float]:
    """Returns edge -> height at which it meets its box, spread along the side in the order of where they come from."""
    sides: dict[int, list[tuple[float, int]]] = {}
    for edge, (start, end) in enumerate(edges):
        if end >= len(boxes):  # the right side of a conclusion; negative numbers for these sides
            sides.setdefault(-1 - start, []).append((layout.y[end], edge))
        else:
            bends = layout.bends[edge]
            sides.setdefault(end, []).append((bends[-1] if bends else layout.y[start], edge))
    heights: dict[int, float] = {}
    for side, ends in sides.items():
        box = boxes[side if side >= 0 else -1 - side]
        step = min(_PORT_STEP, (box.height - 2 * _CORNER) / max(1, len(ends) - 1))
        for place, (_, edge) in enumerate(sorted(ends)):
            heights[edge] = box.y + box.height / 2 + (place - (len(ends) - 1) / 2) * step
    return heights
