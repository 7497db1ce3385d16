"""What an explorer leaves to others: checked by hand, and against the sum over roots written out."""

import numpy as np
import pytest

from argtree import Argument, ArgumentGraph, Claim, Premise, Root, propagate
from argtree.search import Frontier, choose_expansions, gain_shares
from argtree.search_tree import puct
from argtree.virtual_loss import choose_beside, with_virtual_loss
from tests.argtree.random_graphs import random_graph


def frontier_of(graph: ArgumentGraph, **variances: float) -> Frontier:
    return Frontier(propagate(graph), variances or {claim.id: 0.1 for claim in graph.claims})


def supported(conclusion: str, premise: str, strength: float) -> Argument:
    return Argument(f"{premise}>{conclusion}", conclusion, "support", strength, (Premise(premise, True),))


def two_roots() -> ArgumentGraph:
    """Root q with the premises a and b, root r, which matters less, with c."""
    claims = tuple(Claim(one, f"Claim {one}.", 0.5) for one in "qrabc")
    arguments = (supported("q", "a", 0.9), supported("q", "b", 0.8), supported("r", "c", 0.9))
    return ArgumentGraph(claims, arguments, (Root("q"), Root("r", 0.2)))


def test_another_root_comes_first_while_somebody_is_at_the_best_one() -> None:
    frontier = frontier_of(two_roots(), a=0.1, b=0.1, c=0.1)
    assert choose_beside(choose_expansions, frontier, set(), 1) == ["a"]
    assert choose_beside(choose_expansions, frontier, {"a"}, 1) == ["c"]
    assert choose_beside(choose_expansions, frontier, {"a", "c"}, 1) == ["b"]
    assert choose_beside(choose_expansions, frontier, {"a", "b", "c"}, 1) == []


def test_with_one_root_nobody_is_idle_however_little_the_rest_promises() -> None:
    frontier = frontier_of(ArgumentGraph(two_roots().claims[:1] + two_roots().claims[2:4],
                                         two_roots().arguments[:2], (Root("q"),)), a=0.1, b=0.1)  # fmt: skip
    least = float(frontier.gains[frontier.result.graph.index["b"]])

    def choose(beside: Frontier, at_most: int) -> list[str]:
        return choose_expansions(beside, at_most, min_gain=least)

    assert choose(with_virtual_loss(frontier, {"a"}), 1) == []
    assert choose_beside(choose, frontier, {"a"}, 1) == ["b"]


def test_nobody_else_at_work_changes_nothing() -> None:
    frontier = frontier_of(two_roots())
    assert with_virtual_loss(frontier, {"elsewhere"}) is frontier


def test_what_others_have_begun_counts_as_visited() -> None:
    frontier = frontier_of(two_roots())
    assert with_virtual_loss(frontier, {"a"}).visits == {"a": 1}
    assert choose_beside(puct, frontier, {"q", "r"}, 1)[0] not in {"q", "r"}


@pytest.mark.parametrize("seed", range(8))
def test_shares_are_those_of_the_sum_over_roots(seed: int) -> None:
    graph = random_graph(np.random.default_rng(seed), sharp=0.0)
    result = propagate(graph)
    rows = list(range(0, len(graph.claims), 3))
    difference = result.influence.dense()
    weights = np.array([root.weight for root in graph.roots])
    at_work = (difference[:, rows] != 0).sum(axis=1)
    kept = (weights / (1 + at_work)) @ difference**2
    np.testing.assert_allclose(gain_shares(result, rows) * result.shift(), kept, atol=1e-12)
