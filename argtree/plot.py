"""Value of information against probability, as a picture. The only file that imports matplotlib.

A claim is worth asking about when it is uncertain and decisive. The curves say what uncertainty alone would give at
some decisiveness |P(root | claim) - P(root | not claim)|, so a claim's height among them is how decisive it is.
"""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, findfont, get_font
from scipy.special import entr, expit

from argtree.compiled import FloatArray
from argtree.propagate import Propagation
from argtree.rank import Ranked, rank
from argtree.text import REPLACEMENT, printable, wrap
from argtree.value import Measure
from argtree.words import with_error

_INK, _QUIET, _GRID, _BLUE, _GOLD, _GOLD_EDGE = "#1f2430", "#666b7a", "#e4e6ec", "#3568d4", "#ffc94d", "#b27f00"
_SIZE, _DPI = (10.0, 6.0), 150  # inches, and dots to the inch
_AXES = (0.085, 0.115, 0.595, 0.755)  # left, bottom, width, height of the axes in the figure
_NUM_LABELS = 8
_LABEL_WIDTH, _LABEL_LINES = 25.0, 2  # em of this font's widest letters, lines
_LABEL_HEIGHT = 0.105  # of one label, of the axes' height
_DECADES = 6  # drawn below the highest value; what is worth less is only counted
_RARE = 0.02  # probabilities below it, or above its complement, are crowded together on a linear axis
_PLATE = {"facecolor": "white", "edgecolor": "none", "alpha": 0.75, "pad": 0.6}
_FONT = "DejaVu Sans"  # comes with matplotlib
_AXIS: dict[Measure, str] = {
    "variance_reduction": "variance reduction (squared probability)",
    "expected_shift": "expected shift (probability)",
    "mutual_information": "mutual information (nats)",
}
_UNCERTAINTY: dict[Measure, Callable[[FloatArray], FloatArray]] = {
    "variance_reduction": lambda p: p * (1 - p),
    "expected_shift": lambda p: 2 * p * (1 - p),
    "mutual_information": lambda p: entr(p) + entr(1 - p),
}
"""What an answer would be worth if the root were as the claim is: the measures' formulas with r1 = 1, r0 = 0."""
_CURVES: dict[Measure, dict[float, float]] = {  # |r1 - r0| -> factor on it, where there is such a factor
    "variance_reduction": {1.0: 1.0, 0.3: 0.09, 0.1: 0.01, 0.03: 0.0009, 0.01: 0.0001},
    "expected_shift": {1.0: 1.0, 0.3: 0.3, 0.1: 0.1, 0.03: 0.03, 0.01: 0.01},
    "mutual_information": {1.0: 1.0},
}


def plot(result: Propagation, measure: Measure, form: Literal["png", "svg"]) -> bytes:
    """Returns a picture of what it would be worth to know each askable claim that is not certain.

    The value is on a logarithmic axis; claims more than six decades below the first are counted, not drawn. The most
    valuable are labelled at the right, with their texts, which are untrusted: they stay text, and characters that the
    font lacks are replaced. The same figures give the same bytes.

    Args:
        result: of `propagate`.
        measure: the value of information.
        form: of the picture.

    Raises:
        ValueError: no such measure.
    """
    ranked = rank(result, measure)
    best = max((one.value for one in ranked), default=0.0)
    drawn = [one for one in ranked if one.value > 0 and one.value >= best * 10.0**-_DECADES]
    with matplotlib.rc_context({"text.usetex": False, "svg.hashsalt": "argtree", "font.family": _FONT}):
        figure = Figure(figsize=_SIZE, dpi=_DPI, facecolor="white")
        FigureCanvasAgg(figure)
        axes = figure.add_axes(_AXES)
        _write_titles(figure, axes, result, measure, len(ranked) - len(drawn))
        if drawn:
            points = _Points.of(drawn, result)
            _scale(axes, points, measure, [root.weight for root in result.graph.roots])
            _draw_points(axes, points)
            _write_labels(axes, points, [_label(one) for one in drawn[:_NUM_LABELS]])
        else:
            axes.set(xlim=(0, 1), yticks=[])
            axes.text(0.5, 0.5, "No claim is worth asking about.", ha="center", color=_QUIET, transform=axes.transAxes)
        return rendered(figure, form)


def rendered(figure: Figure, form: Literal["png", "svg"]) -> bytes:
    """Returns a figure as a file; the same figure gives the same bytes."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format=form, metadata={"Date": None} if form == "svg" else {"Software": None})
    return buffer.getvalue()


@dataclass(frozen=True)
class _Points:
    """What is drawn, most valuable first. Axis: N points."""

    prob: FloatArray  # [N]
    value: FloatArray  # [N], above 0
    prob_error: FloatArray  # [N] standard errors
    value_error: FloatArray  # [N]

    @staticmethod
    def of(ranked: Sequence[Ranked], result: Propagation) -> _Points:
        rows = [result.graph.index[one.claim] for one in ranked]
        return _Points(
            np.array([one.prob for one in ranked]),
            np.array([one.value for one in ranked]),
            np.asarray(result.prob_error)[rows],
            np.array([one.standard_error for one in ranked]),
        )


def _scale(axes: Axes, points: _Points, measure: Measure, weights: Sequence[float]) -> None:
    """Sets the axes and draws the curves of pure uncertainty."""
    uncertainty, weight = _UNCERTAINTY[measure], sum(weights)
    root = "the root" if len(weights) == 1 else "every root"
    prob, value = points.prob, points.value
    if np.mean((prob < _RARE) | (prob > 1 - _RARE)) > 0.5:
        ends = np.array([min(prob.min() / 2, 0.1), max(1 - (1 - prob.max()) / 2, 0.9)])
        low, high = np.log(ends / (1 - ends)).tolist()
        axes.set_xscale("logit")
        axes.set_xlim(*ends)
        axes.xaxis.set_major_formatter(lambda p, _: _decimal(p))
        axes.xaxis.set_minor_formatter(lambda *_: "")
        curve = expit(np.linspace(low, high, 401))
    else:
        axes.set_xlim(-0.02, 1.02)
        curve = expit(np.linspace(-16, 16, 1601))
    axes.set_yscale("log")
    most = float(weight * uncertainty(curve).max())
    bottom, top = value.min() / 2, most * 1.6 if most < 100 * value.max() else value.max() * 2
    axes.set_ylim(bottom, top)
    axes.yaxis.set_major_formatter(lambda v, _: _decimal(v))
    axes.yaxis.set_minor_formatter(lambda *_: "")
    begin = f"if an answer moves {root} "
    for difference, factor in _CURVES[measure].items():
        heights = weight * factor * uncertainty(curve)
        axes.plot(curve, heights, color=_QUIET, linewidth=0.8, linestyle=(0, (4, 3)), zorder=1, alpha=0.7)
        at = int(np.argmax(heights))
        if bottom < heights[at] < top * 0.9:
            words = f"if an answer decides {root}" if difference == 1 else f"{begin}by {difference:g}"
            begin = "… "
            axes.annotate(words, (curve[at], heights[at]), (0, 2), textcoords="offset points", ha="center", va="bottom",
                          fontsize=6.5, color=_QUIET, zorder=3, bbox=_PLATE)  # fmt: skip


def _draw_points(axes: Axes, points: _Points) -> None:
    first, rest = slice(0, _NUM_LABELS), slice(_NUM_LABELS, None)
    style: dict[str, Any] = {"zorder": 4, "linewidths": 0.8, "clip_on": False}
    axes.scatter(points.prob[rest], points.value[rest], s=22, c=_BLUE, edgecolors="white", alpha=0.85, **style)
    axes.scatter(points.prob[first], points.value[first], s=44, c=_GOLD, edgecolors=_GOLD_EDGE, **style)
    if points.value_error.any() or points.prob_error.any():
        below = np.minimum(points.value_error, points.value * 0.999)  # a logarithmic axis has no room for 0
        axes.errorbar(points.prob, points.value, np.array([below, points.value_error]), points.prob_error,
                      fmt="none", ecolor=_QUIET, elinewidth=0.8, alpha=0.4, zorder=3)  # fmt: skip


def _write_labels(axes: Axes, points: _Points, labels: Sequence[str]) -> None:
    """Writes the labels under one another at the right of the axes, each with a line from its point."""
    to_axes = axes.transData + axes.transAxes.inverted()
    spots = to_axes.transform(np.column_stack([points.prob, points.value])[: len(labels)])
    heights = _spread(spots[:, 1].tolist(), _LABEL_HEIGHT)
    values = map(with_error, points.value.tolist(), points.value_error.tolist(), [".3g"] * len(labels))
    for (x, y), height, label, value in zip(spots, heights, labels, values, strict=True):
        axes.plot([x, 1.0, 1.025], [y, height, height], color=_GOLD_EDGE, linewidth=0.6, alpha=0.6, zorder=2,
                  transform=axes.transAxes, clip_on=False)  # fmt: skip
        axes.text(1.035, height, f"{label}\n{value}", transform=axes.transAxes, va="center", fontsize=7.5,
                  color=_INK, linespacing=1.25, parse_math=False)  # fmt: skip


def _spread(wanted: Sequence[float], gap: float) -> list[float]:
    """Returns heights in the order of those wanted (descending), at least a gap apart, within [0, 1] if there's room.

    Pushed down where they would overlap, then up from the bottom where they left it.
    """
    heights: list[float] = []
    for height in wanted:
        heights.append(min([height, 1 - gap / 2, *(one - gap for one in heights[-1:])]))
    for i in reversed(range(len(heights))):
        floor = heights[i + 1] + gap if i + 1 < len(heights) else gap / 2
        heights[i] = max(heights[i], floor)
    return heights


def _write_titles(figure: Figure, axes: Axes, result: Propagation, measure: Measure, num_left_out: int) -> None:
    graph = result.graph
    texts = [graph.claims[graph.index[root.claim]].text or root.claim for root in graph.roots]
    title = wrap(_in_font(texts[0]), 50.0, 1)[0] if texts else "A graph without roots"
    more = f"; {len(texts) - 1:,} more root{'s' if len(texts) > 2 else ''}" if len(texts) > 1 else ""
    left = _AXES[0]
    figure.text(left, 0.945, title, fontsize=12, fontweight="bold", color=_INK, parse_math=False)
    row = graph.index[graph.roots[0].claim] if texts else 0
    prob = f"P = {with_error(result.prob[row], result.prob_error[row], '.4f')}{more}. " if texts else ""
    left_out = f" Left out: {num_left_out:,} worth less than what is drawn." if num_left_out else ""
    figure.text(
        left, 0.905, f"{prob}Each point is a claim that could be asked about.{left_out}", fontsize=8, color=_QUIET
    )
    axes.set_xlabel("probability of the claim", color=_INK, fontsize=9)
    axes.set_ylabel(f"value of an answer: {_AXIS[measure]}", color=_INK, fontsize=9)
    axes.grid(color=_GRID, linewidth=0.7)
    axes.set_axisbelow(True)
    axes.tick_params(labelsize=8, colors=_QUIET)
    for side in axes.spines.values():
        side.set(color=_GRID)


def _label(one: Ranked) -> str:
    return "\n".join(wrap(_in_font(printable(one.text) or one.claim), _LABEL_WIDTH, _LABEL_LINES))


def _in_font(text: str) -> str:
    """Returns the text with what the font has no picture of replaced."""
    font = get_font(findfont(FontProperties(family=_FONT)))
    return "".join(char if font.get_char_index(ord(char)) else REPLACEMENT for char in printable(text))


def _decimal(number: float) -> str:
    return f"{number:g}" if number >= 1e-3 else f"1e{round(math.log10(number))}" if number > 0 else ""
