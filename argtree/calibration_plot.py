"""Reliability diagrams: how often claims are true against how likely they were believed to be."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import matplotlib
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from argtree.calibrating import Report
from argtree.plot import rendered
from argtree.text import printable
from models.statistics import reliability_bins

_INK, _QUIET, _GRID, _BLUE, _GOLD = "#1f2430", "#666b7a", "#e4e6ec", "#3568d4", "#b27f00"
_SIDE, _DPI = 4.6, 150  # inches of a diagram, and dots to the inch
_LARGEST = 260.0  # square points of the mark of a bin that holds every claim


def draw_calibration(reports: Sequence[Report], form: Literal["png", "svg"]) -> bytes:
    """Returns a picture with a diagram for each generation, side by side; the same figures give the same bytes.

    A mark's area is the share of the claims in its bin. On the dashed line beliefs are as often true as they say.

    Args:
        reports: at least one.
        form: of the picture.
    """
    fonts: Any = {"text.usetex": False, "svg.hashsalt": "argtree", "font.family": "DejaVu Sans", "font.size": 8}
    with matplotlib.rc_context(fonts):
        figure = Figure(figsize=(_SIDE * len(reports), _SIDE + 0.4), dpi=_DPI, facecolor="white", layout="constrained")
        FigureCanvasAgg(figure)
        for axes, report in zip(figure.subplots(1, len(reports), squeeze=False)[0], reports, strict=True):
            _draw(axes, report)
        return rendered(figure, form)


def _draw(axes: Axes, report: Report) -> None:
    axes.plot([0, 1], [0, 1], color=_QUIET, linewidth=0.8, linestyle=(0, (4, 3)))
    before, after = report.figures
    for name, prob, ece, color in (
        ("as believed", report.before, before.ece, _GOLD),
        ("calibrated on the other claims", report.after, after.ece, _BLUE),
    ):
        points = reliability_bins(prob, report.truth)
        x, y = [one.prob for one in points], [one.share_true for one in points]
        sizes = [8 + _LARGEST * one.num_claims / len(report.truth) for one in points]
        axes.plot(x, y, color=color, linewidth=1.0, alpha=0.6)
        axes.scatter(x, y, s=sizes, color=color, alpha=0.8, linewidths=0, label=f"{name}: error {ece:.3f}")
    axes.set(xlim=(-0.03, 1.03), ylim=(-0.03, 1.03), aspect="equal")
    axes.set_xlabel("believed probability", color=_INK)
    axes.set_ylabel("share that was true", color=_INK)
    title = f"{printable(report.generation)[:40]}: {len(report.truth):,} settled claims"
    axes.set_title(title, color=_INK, fontsize=9, parse_math=False)
    axes.grid(color=_GRID, linewidth=0.7)
    axes.set_axisbelow(True)
    axes.tick_params(colors=_QUIET)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, labelcolor=_INK, loc="upper left", fontsize=7)
