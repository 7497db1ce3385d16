"""The random graphs that the benchmarks run on."""

from __future__ import annotations

import pytest

from benchmarks.random_dags import random_dag, shared_claims


def test_the_same_seed_gives_the_same_graph() -> None:
    assert random_dag(300, 0.1, 7) == random_dag(300, 0.1, 7)
    assert random_dag(300, 0.1, 7) != random_dag(300, 0.1, 8)


def test_nothing_is_shared_in_a_tree() -> None:
    graph = random_dag(500, 0.0, 0)
    assert len(graph.claims) == 500
    assert sum(len(argument.premises) for argument in graph.arguments) == 499  # all but the root, once


@pytest.mark.parametrize("share", [0.02, 0.05, 0.1, 0.2])
def test_about_the_wanted_fraction_is_shared(share: float) -> None:
    num_shared = sum(len(shared_claims(random_dag(1000, share, seed))) for seed in range(20))
    assert num_shared / 20_000 == pytest.approx(share, rel=0.15)


@pytest.mark.parametrize("num_claims", range(1, 12))
def test_graphs_of_any_size_have_that_size(num_claims: int) -> None:
    assert len(random_dag(num_claims, 0.5, 0).claims) == num_claims


@pytest.mark.parametrize(("num_claims", "share"), [(0, 0.1), (10, 1.0), (10, -0.1)])
def test_what_cannot_be_is_refused(num_claims: int, share: float) -> None:
    with pytest.raises(ValueError, match=str(num_claims if num_claims == 0 else share)):
        random_dag(num_claims, share, 0)
