"""What to expand next, against brute force over small graphs."""

import numpy as np
import pytest

from argtree import Argument, ArgumentGraph, Claim, Premise, Root, propagate
from argtree.search import choose_expansion, expansion_gains


def graph_with_prior(prior: float) -> ArgumentGraph:
    """A root with a strong reason that rests on `a` and a weak one that rests on `b`."""
    claims = [Claim("root", "root", 0.1), Claim("a", "a", prior), Claim("b", "b", 0.5)]
    arguments = [
        Argument("strong", "root", "support", 0.9, (Premise("a"),)),
        Argument("weak", "root", "attack", 0.2, (Premise("b"),)),
    ]
    return ArgumentGraph(claims, arguments, [Root("root", 2.0)])


def test_gain_is_the_squared_slope_of_the_root_times_the_variance() -> None:
    result = propagate(graph_with_prior(0.4))
    step = 1e-6
    slope = (propagate(graph_with_prior(0.4 + step)).prob[0] - propagate(graph_with_prior(0.4 - step)).prob[0]) / (
        2 * step
    )
    gains = expansion_gains(result, {"a": 0.05})
    assert gains == pytest.approx(np.array([0.0, 2.0 * slope**2 * 0.05, 0.0]))


def test_decisive_and_uncertain_claim_is_expanded_first() -> None:
    result = propagate(graph_with_prior(0.4))
    assert choose_expansion(result, {"a": 0.05, "b": 0.05}) == "a"
    assert choose_expansion(result, {"a": 0.0001, "b": 0.25}) == "b"


def test_nothing_is_expanded_where_nothing_can_move_a_root() -> None:
    result = propagate(graph_with_prior(0.4))
    assert choose_expansion(result, {}) is None
    assert choose_expansion(result, {"b": 1e-9}) is None
