"""The pictures of the loop's report: error by round, and how many roots each answer moved. No strangers' text."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

_INK, _QUIET, _GRID = "#1f2430", "#666b7a", "#e4e6ec"
_FAST, _SLOW, _BAD = "#3568d4", "#c2571a", "#b3261e"
_SAID = {"yes": "#2e7d57", "no": "#b3261e", "cannot_say": "#a9adb8"}
_WIDTH = 9.0  # inches


@dataclass(frozen=True)
class Point:
    """A Brier score after a round, with its 95 % interval."""

    number: int  # of the round; 0 is before the first
    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Curve:
    """The generation in use after each round, and the candidates that did not get so far."""

    name: str  # "fast" or "slow"
    in_use: tuple[Point, ...]
    rejected: tuple[Point, ...] = ()


def error_by_round(curves: Sequence[Curve], labels: Sequence[int]) -> bytes:
    """Returns an SVG of the curves; the same figures give the same bytes.

    Args:
        labels: labels used by the end of each round, from round 0.
    """
    figure, axes = _figure(3.6)
    for curve, colour in zip(curves, (_FAST, _SLOW), strict=False):
        x = [point.number for point in curve.in_use]
        low, high = [point.low for point in curve.in_use], [point.high for point in curve.in_use]
        axes.fill_between(x, low, high, color=colour, alpha=0.12, linewidth=0)
        values = [point.value for point in curve.in_use]
        words = {"fast": "answering at once", "slow": "after exploring"}.get(curve.name, curve.name)
        axes.plot(x, values, "-o", color=colour, linewidth=2.2, markersize=6, label=words, clip_on=False)
        for number, point in enumerate(curve.rejected):
            name = "rejected" if number == 0 and curve is curves[0] else None
            error = [[point.value - point.low], [point.high - point.value]]
            axes.errorbar([point.number], [point.value], error, color=colour, alpha=0.35, linewidth=1, capsize=3)
            axes.plot([point.number], [point.value], "o", mfc="white", mec=_BAD, mew=1.6, markersize=8, label=name)
    axes.set_xticks(range(len(labels)), [f"{_round(i)}\n{of:,} labels" for i, of in enumerate(labels)])
    axes.set_xlim(-0.25, max(len(labels) - 1, 1) + 0.25)
    axes.set_ylabel("Brier score, held-out questions")
    axes.legend(frameon=False, loc="lower right", bbox_to_anchor=(1, 1), ncols=3, labelcolor=_INK)  # over the picture
    return _svg(figure)


def roots_moved(kinds: Sequence[str], moved: Sequence[int], ends: Sequence[int]) -> bytes:
    """Returns an SVG with a bar for each answer: how many roots it moved, by what was said.

    Args:
        ends: how many answers there were by the end of each round.
    """
    figure, axes = _figure(2.5)
    axes.bar(range(1, len(moved) + 1), moved, color=[_SAID.get(kind, _FAST) for kind in kinds], width=0.72)
    for kind, colour in _SAID.items():
        if kind in kinds:
            axes.bar([0], [0], color=colour, label=kind.replace("cannot_say", "can't say"))
    for end in ends[:-1]:
        axes.axvline(end + 0.5, color=_QUIET, linewidth=0.8, linestyle=(0, (3, 3)))
    axes.set_xlim(0.3, len(moved) + 0.7)
    axes.set_ylim(0, max([*moved, 1]) * 1.25)  # room for the legend
    axes.yaxis.set_major_locator(MaxNLocator(integer=True, nbins=5))
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_xlabel("answer, in the order given; dashes part the rounds")
    axes.set_ylabel("roots moved by ≥ 0.05")
    axes.legend(frameon=False, loc="upper right", ncols=4, labelcolor=_INK)
    return _svg(figure)


def _round(number: int) -> str:
    return "start" if number == 0 else f"round {number}"


def _figure(height: float) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(_WIDTH, height), layout="constrained")
    FigureCanvasSVG(figure)
    axes = figure.add_subplot()
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(_GRID)
    axes.tick_params(colors=_QUIET, length=0, labelsize=10)
    axes.yaxis.label.set_color(_QUIET)
    axes.xaxis.label.set_color(_QUIET)
    axes.grid(axis="y", color=_GRID, linewidth=0.8)
    axes.set_axisbelow(True)
    return figure, axes


def _svg(figure: Figure) -> bytes:
    buffer = io.BytesIO()
    fixed: dict[Any, Any] = {
        "svg.hashsalt": "argtree",
        "svg.fonttype": "path",
    }  # path: the reader's machine may lack the font
    with matplotlib.rc_context(fixed):
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": "argtree"}, transparent=True)
    return buffer.getvalue()
