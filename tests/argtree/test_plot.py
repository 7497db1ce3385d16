"""The picture of value against probability."""

from __future__ import annotations

from xml.etree import ElementTree as ET

import matplotlib
import numpy as np
import pytest

from argtree import Argument, ArgumentGraph, Claim, Measure, Premise, Propagation, Root, propagate
from argtree.plot import _spread, plot

TEXTS = [
    "costs $5 and $6",
    "\\frac{$",
    "釘は鋭い",
    "\U0001f9ff\ud800\x1b[31m\x00",
    "<b>&amp;",
    "a" * 400,
    "",
    "fine",
]


def _result(probs: list[float], texts: list[str]) -> Propagation:
    claims = [Claim("root", "Is it worth $5 or $6_^?", 0.1)]
    claims += [Claim(f"c{i}", texts[i % len(texts)], prob) for i, prob in enumerate(probs)]
    arguments = [Argument(f"a{i}", "root", "support", 0.5, [Premise(f"c{i}")]) for i in range(len(probs))]
    return propagate(ArgumentGraph(claims, arguments, [Root("root")]))


@pytest.mark.parametrize("measure", ["variance_reduction", "expected_shift", "mutual_information"])
def test_picture_of_any_text_is_drawn_without_a_warning(measure: Measure) -> None:
    result = _result(np.linspace(0, 1, 30).tolist(), TEXTS)
    assert plot(result, measure, "png").startswith(b"\x89PNG")
    assert ET.fromstring(plot(result, measure, "svg")).tag.endswith("svg")


def test_same_figures_give_the_same_bytes_and_leave_settings_alone() -> None:
    settings = dict(matplotlib.rcParams)
    result = _result([0.2, 0.5], TEXTS)
    for form in ("png", "svg"):
        assert plot(result, "variance_reduction", form) == plot(result, "variance_reduction", form)
    assert dict(matplotlib.rcParams) == settings


@pytest.mark.parametrize("probs", [[], [1.0], [0.5], [1e-9, 1e-7, 1e-3], [1 - 1e-9, 0.9999], [1e-11] * 20])
def test_few_and_rare_claims_are_drawn(probs: list[float]) -> None:
    assert plot(_result(probs, ["x"]), "variance_reduction", "png")


def test_labels_keep_their_distance_and_stay_inside() -> None:
    rng = np.random.default_rng(0)
    for wanted in ([0.5] * 8, [1.0] * 8, [0.0] * 8, sorted(rng.random(8), reverse=True)):
        heights = _spread(wanted, 0.105)
        assert np.all(-np.diff(heights) >= 0.105 - 1e-12)
        assert 0 <= min(heights) and max(heights) <= 1
    assert _spread([0.9, 0.4], 0.1) == [0.9, 0.4]
