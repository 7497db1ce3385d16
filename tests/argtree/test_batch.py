"""Batches against brute force over all subsets, with every outcome of the answers from the whole joint."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations, product

import numpy as np
import pytest

from argtree import Argument, ArgumentGraph, Claim, Premise, Reliability, Root, propagate
from argtree.batch import MAX_OUTCOMES, SCREENINGS, choose_batch
from argtree.rank import open_rows
from argtree.value import PERFECT
from tests.argtree.random_graphs import joint, random_graph

RATER = Reliability(0.9, 0.75)


def _worth(graph: ArgumentGraph, rows: tuple[int, ...], rater: Reliability) -> float:
    """Expected drop of the roots' variance by answers about these claims, from the definition."""
    states, weight = joint(graph)
    weight = weight / weight.sum()
    roots = [(states[:, graph.index[root.claim]], root.weight) for root in graph.roots]
    total = 0.0
    for answers in product((0, 1), repeat=len(rows)):
        likelihood = np.ones(len(states))
        for row, yes in zip(rows, answers, strict=True):
            says_yes = np.where(states[:, row] == 1, rater.sensitivity, 1 - rater.specificity)
            likelihood *= says_yes if yes else 1 - says_yes
        prob = weight @ likelihood
        if prob > 0:
            total += sum(
                w * prob * (weight * likelihood @ is_root / prob - weight @ is_root) ** 2 for is_root, w in roots
            )
    return total


def _graphs(count: int) -> list[ArgumentGraph]:
    graphs = []
    for seed in range(1000):
        graph = random_graph(np.random.default_rng([seed, 3]), 8, sharp=0.0)
        graph = replace(graph, claims=[replace(claim, askable=True) for claim in graph.claims])
        if graph.roots and len(graph.claims) >= 5:
            graphs.append(graph)
    return graphs[:count]


@pytest.mark.parametrize("rater", [PERFECT, RATER])
def test_the_worth_said_is_the_worth_by_enumeration(rater: Reliability) -> None:
    for graph in _graphs(8):
        batch = choose_batch(graph, 4, reliability=rater)
        rows = tuple(graph.index[claim] for claim in batch.claims)
        expected = [_worth(graph, rows[: i + 1], rater) for i in range(len(rows))]
        np.testing.assert_allclose(batch.values, expected, atol=1e-11)
        assert batch.standard_error == 0.0 and len(rows) == min(4, len(open_rows(propagate(graph))))


@pytest.mark.parametrize("rater", [PERFECT, RATER])
def test_two_questions_are_the_best_two(rater: Reliability) -> None:
    for graph in _graphs(8):
        batch = choose_batch(graph, 2, reliability=rater)
        pairs = combinations(open_rows(propagate(graph)).tolist(), 2)
        assert batch.values[1] == pytest.approx(max(_worth(graph, pair, rater) for pair in pairs), abs=1e-11)


def test_more_questions_are_seldom_far_from_the_best() -> None:
    shares = []
    for graph in _graphs(12):
        rows = open_rows(propagate(graph)).tolist()
        best = max(_worth(graph, some, PERFECT) for some in combinations(rows, 3))
        shares.append(choose_batch(graph, 3).values[-1] / best)
    assert min(shares) > 0.9 and np.mean(shares) > 0.99


def _exclusive_or(others: int = 0, strength: float = 0.1) -> ArgumentGraph:
    """root = (a and not b) or (b and not a), and some more claims that help the root a little."""
    names = [f"c{i}" for i in range(others)]
    claims = [Claim("root", "", 0.0), *(Claim(name, "", 0.5) for name in [*names, "a", "b"])]
    arguments = [
        Argument("ab", "root", "support", 1.0, [Premise("a"), Premise("b", False)]),
        Argument("ba", "root", "support", 1.0, [Premise("b"), Premise("a", False)]),
        *(Argument(name, "root", "support", strength, [Premise(name)]) for name in names),
    ]
    return ArgumentGraph(claims, arguments, [Root("root")])


def test_the_sides_of_an_exclusive_or_are_found_together() -> None:
    graph = _exclusive_or(others=3)
    assert propagate(graph).value()[-2:] == pytest.approx([0, 0])
    batch = choose_batch(graph, 2)
    assert batch.claims == ("a", "b") and batch.values[0] == pytest.approx(0)
    assert choose_batch(graph, 2, lookahead=0).claims == ("c0", "c1")
    alone = choose_batch(_exclusive_or(), 2, reliability=RATER)
    assert set(alone.claims) == {"a", "b"} and 0 < alone.values[1] < 0.25


def test_the_sides_of_an_exclusive_or_are_found_among_too_many_claims_to_try_all_pairs() -> None:
    graph = _exclusive_or(others=40, strength=0.01)
    batch = choose_batch(graph, 2, lookahead=16)
    assert set(batch.claims) == {"a", "b"} and batch.propagations <= 2 + MAX_OUTCOMES + 16 + SCREENINGS


def test_what_it_costs_is_bounded_and_said() -> None:
    calls = []

    def counting(graph: ArgumentGraph):  # type: ignore[no-untyped-def]
        calls.append(graph)
        return propagate(graph)

    graph = _exclusive_or(others=8)
    batch = choose_batch(graph, 5, lookahead=60, propagate_fn=counting)
    assert batch.propagations == len(calls) <= 1 + MAX_OUTCOMES * 4 + 60 + SCREENINGS
    assert len(set(batch.claims)) == 5 and batch == choose_batch(graph, 5, lookahead=60)


def test_past_the_outcomes_that_can_be_gone_through_the_worth_has_an_error() -> None:
    graph = _exclusive_or(others=9, strength=0.3)
    batch = choose_batch(graph, 10, lookahead=0)
    rows = tuple(graph.index[claim] for claim in batch.claims)
    assert 0 < batch.standard_error < 0.05
    assert batch.values[-1] == pytest.approx(_worth(graph, rows, PERFECT), abs=3 * batch.standard_error)


def test_all_that_can_be_asked_is_all_that_is_asked() -> None:
    assert set(choose_batch(_exclusive_or(), 9).claims) == {"a", "b"}
    assert choose_batch(_exclusive_or(), 9, candidates=["b"]).claims == ("b",)
    assert choose_batch(_exclusive_or(), 0).claims == ()
