"""The few that stand for many, held against trying every choice."""

from itertools import combinations

import numpy as np

from benchmarks.thinning import thinned


def coverage(vectors: np.ndarray, chosen: tuple[int, ...]) -> float:
    return float(np.maximum(vectors @ vectors[list(chosen)].T, 0).max(axis=1).sum())


def test_greedy_choice_is_near_the_best() -> None:
    rng = np.random.default_rng(0)
    for _ in range(20):
        vectors = rng.normal(size=(9, 4)).astype(np.float32)
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        best = max(coverage(vectors, some) for some in combinations(range(9), 3))
        assert coverage(vectors, tuple(thinned(vectors, 3))) >= (1 - 1 / np.e) * best


def test_repetitions_are_chosen_once_and_the_commonest_first() -> None:
    vectors = np.eye(3, dtype=np.float32)[[0, 1, 1, 2, 1]]
    chosen = thinned(vectors, 5)
    assert len(chosen) == 3 and chosen[0] == 1 and {0, 3} < set(chosen)


def test_nothing_gives_nothing() -> None:
    assert thinned(np.empty((0, 4), dtype=np.float32), 3) == []
