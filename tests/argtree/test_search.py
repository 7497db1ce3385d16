"""What to expand next, against brute force over small graphs."""

import networkx
import numpy as np
import pytest
from scipy.stats import beta

from argtree import Argument, ArgumentGraph, Claim, Premise, Root, propagate
from argtree.search import Frontier, belief_variance, breadth_first, choose_expansions, expansion_gains
from tests.argtree.random_graphs import random_graph


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
    assert choose_expansions(Frontier(result, {"a": 0.05, "b": 0.05})) == ["a"]
    assert choose_expansions(Frontier(result, {"a": 0.0001, "b": 0.25})) == ["b"]


def test_nothing_is_expanded_where_nothing_can_move_a_root() -> None:
    result = propagate(graph_with_prior(0.4))
    assert choose_expansions(Frontier(result, {})) == []
    assert choose_expansions(Frontier(result, {"b": 1e-9})) == []


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
    assert choose_expansions(Frontier(result, variances), 3) == ["of r", "of s"]
    assert choose_expansions(Frontier(result, variances), 1) == ["of r"]
    assert choose_expansions(Frontier(result, variances | {"of both": 0.24, "of r": 0.01}), 3) == ["of s", "of r"]
    assert choose_expansions(Frontier(result, {"of both": 0.1, "of s": 0.01}), 3) == ["of both"]


def test_belief_is_as_variable_as_the_beta_distribution_that_it_is() -> None:
    assert belief_variance(0.3, 9.0, 0) == pytest.approx(beta(2.7, 6.3).var())
    assert belief_variance(0.3, 9.0, 2) == pytest.approx(beta(3.3, 7.7).var())


@pytest.mark.parametrize("seed", range(30))
def test_best_first_takes_what_going_through_all_claims_takes(seed: int) -> None:
    rng = np.random.default_rng(seed)
    graph = random_graph(rng, sharp=0.0)
    result, variances = propagate(graph), {claim.id: float(rng.uniform(0, 0.25)) for claim in graph.claims}
    gains = expansion_gains(result, variances)
    left, moved, expected = np.argsort(-gains, kind="stable").tolist(), set[int](), []
    for row in left:
        roots = set(np.flatnonzero(result.difference[:, row]).tolist())
        if gains[row] >= 1e-7 and not roots & moved and len(expected) < 3:
            expected.append(graph.claims[row].id)
            moved |= roots
    assert choose_expansions(Frontier(result, variances), 3) == expected


@pytest.mark.parametrize("seed", range(30))
def test_breadth_first_takes_every_claim_once_before_any_twice_and_level_by_level(seed: int) -> None:
    rng = np.random.default_rng(seed)
    graph = random_graph(rng, sharp=0.0)
    result, visits, order = propagate(graph), dict[str, int](), list[str]()
    links = networkx.DiGraph((a.conclusion, p.claim) for a in graph.arguments for p in a.premises)
    links.add_edges_from(("above all", root.claim) for root in graph.roots)
    depth = networkx.single_source_shortest_path_length(links, "above all") if graph.roots else {}
    while chosen := breadth_first(Frontier(result, {claim.id: 0.1 for claim in graph.claims}, visits)):
        if visits.get(chosen[0], 0) == 2:
            break
        visits[chosen[0]] = visits.get(chosen[0], 0) + 1
        order += chosen
    below = [claim.id for claim in graph.claims if claim.id in depth]
    assert order == sorted(below, key=lambda claim: depth[claim]) * 2
