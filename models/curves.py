"""The learning curve as a picture."""

import io
from collections.abc import Sequence

import matplotlib
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

_INK, _QUIET, _GRID, _BLUE, _GOLD = "#1f2430", "#666b7a", "#e4e6ec", "#3568d4", "#b27f00"
_SMOOTHED = 50  # of how many parts of the curve a mean is drawn, so that it reads through the noise of single batches


def draw_curve(
    train: Sequence[tuple[float, float]],
    validation: Sequence[tuple[float, float]] = (),
    *,
    of: str = "optimiser steps",
) -> bytes:
    """A PNG of the loss by step; the same points give the same bytes.

    Args:
        train: (step, loss in nats of that step's batch).
        validation: The same of the held-out split, where it was measured.
        of: What the steps are.
    """
    with matplotlib.rc_context({"text.usetex": False, "font.family": "DejaVu Sans", "font.size": 9}):
        figure = Figure(figsize=(7.0, 4.0), dpi=150, facecolor="white", layout="constrained")
        FigureCanvasAgg(figure)
        axes = figure.add_subplot()
        axes.grid(color=_GRID, linewidth=0.8)
        axes.set_axisbelow(True)
        axes.spines[["top", "right"]].set_visible(False)
        if train:
            steps, losses = np.array(train, dtype=float).T
            parts = np.array_split(np.arange(len(steps)), min(_SMOOTHED, len(steps)))
            if len(parts) < len(steps):
                axes.plot(steps, losses, color=_BLUE, linewidth=0.6, alpha=0.3)
            middle = [(steps[part].mean(), losses[part].mean()) for part in parts]
            axes.plot(*zip(*middle, strict=True), color=_BLUE, linewidth=1.8, label="training batches", marker=".")
        if validation:
            axes.plot(*zip(*validation, strict=True), color=_GOLD, linewidth=1.8, label="validation split", marker="o")
        axes.set_xlabel(of, color=_INK)
        axes.set_ylabel("loss (nats)", color=_INK)
        axes.tick_params(colors=_QUIET)
        if train or validation:
            axes.legend(frameon=False, labelcolor=_INK)
        buffer = io.BytesIO()
        figure.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()
