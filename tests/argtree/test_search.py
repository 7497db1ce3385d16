"""What to expand next, against brute force over small graphs."""

import numpy as np
import pytest

from argtree import Argument, ArgumentGraph, Claim, Premise, Root, propagate
from argtree.search import choose_expansions, expansion_gains


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
    assert choose_expansions(result, {"a": 0.05, "b": 0.05}) == ["a"]
    assert choose_expansions(result, {"a": 0.0001, "b": 0.25}) == ["b"]


def test_nothing_is_expanded_where_nothing_can_move_a_root() -> None:
    result = propagate(graph_with_prior(0.4))
    assert choose_expansions(result, {}) == []
    assert choose_expansions(result, {"b": 1e-9}) == []


def two_roots() -> ArgumentGraph:
    """Two roots, each on a premise of its own and on one that they share."""
    claims = [Claim(name, name, 0.5) for name in ("r", "s", "of r", "of s", "of both")]
    arguments = [
        Argument(f"{root} {premise}", root, "support", strength, (Premise(premise),))
        for root in ("r", "s")
        for premise, strength in ((f"of {root}", 0.9 if root == "r" else 0.8), ("of both", 0.4))
    ]
    return ArgumentGraph(claims, arguments, [Root("r"), Root("s")])


def test_claims_expanded_together_move_no_root_in_common() -> None:
    result, variances = propagate(two_roots()), dict.fromkeys(("of r", "of s", "of both"), 0.1)
    assert choose_expansions(result, variances, 3) == ["of r", "of s"]
    assert choose_expansions(result, variances, 1) == ["of r"]
    assert choose_expansions(result, variances | {"of both": 0.24, "of r": 0.01}, 3) == ["of s", "of r"]
    assert choose_expansions(result, {"of both": 0.1, "of s": 0.01}, 3) == ["of both"]
