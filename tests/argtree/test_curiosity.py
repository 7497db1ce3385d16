"""The predictor against scikit-learn's Gaussian process, picks against what a seed must give, forms by a list."""

from itertools import pairwise

import numpy as np
import pytest
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import DotProduct, WhiteKernel

from argtree import curiosity
from argtree.curiosity import LEAST_FINISHED, Candidate, Predictor, drawn_by_doubt, fault, learn, pick

rng = np.random.default_rng(0)
COUNT, SIZE = 40, 6
RAW = rng.normal(size=(2 * COUNT, SIZE))
VECTORS = RAW / np.linalg.norm(RAW, axis=1, keepdims=True)
CANDIDATES = [
    Candidate("is it " + "so " * int(n) + "?", *of) for n, *of in rng.uniform(size=(2 * COUNT, 3)) * (9, 1, 8)
]
DOUBTS = np.array([one.doubt for one in CANDIDATES])
RESIDUALS = 0.5 * DOUBTS + 0.05 * VECTORS[:, 0] + 0.01 * rng.normal(size=2 * COUNT)


def learnt(count: int = COUNT) -> Predictor:
    predictor = learn(VECTORS[:count], CANDIDATES[:count], RESIDUALS[:count])
    assert predictor is not None
    return predictor


def columns(predictor: Predictor, rows: slice) -> np.ndarray:
    """Both kernels as one linear kernel over scaled columns."""
    features = (curiosity._features(CANDIDATES[rows]) - predictor.centre) / predictor.scale
    said, believed, _ = predictor.variances
    return np.hstack([VECTORS[rows] * np.sqrt(said), features * np.sqrt(believed / features.shape[1])])


def test_guess_is_that_of_a_gaussian_process_of_scikit_learn() -> None:
    predictor = learnt()
    kernel = DotProduct(0.0, "fixed") + WhiteKernel(predictor.variances[2], "fixed")
    other = GaussianProcessRegressor(kernel, optimizer=None, alpha=0.0)
    other.fit(columns(predictor, slice(COUNT)), RESIDUALS[:COUNT] - RESIDUALS[:COUNT].mean())
    mean, sd = other.predict(columns(predictor, slice(COUNT, None)), return_std=True)
    guess = predictor(VECTORS[COUNT:], CANDIDATES[COUNT:])
    np.testing.assert_allclose(guess.mean, mean + RESIDUALS[:COUNT].mean(), atol=1e-6)
    np.testing.assert_allclose(guess.sd, sd, atol=1e-5)


def test_what_decides_is_found_and_new_questions_are_told_apart() -> None:
    predictor = learnt()
    guess = predictor(VECTORS[COUNT:], CANDIDATES[COUNT:])
    assert np.corrcoef(guess.mean, RESIDUALS[COUNT:])[0, 1] > 0.9
    assert np.sqrt(predictor.variances[2]) == pytest.approx(0.01, rel=0.5)


def test_variances_are_the_likeliest_of_all_near_them() -> None:
    predictor = learnt()

    def log_likelihood(of: np.ndarray) -> float:
        kernel = DotProduct(0.0, "fixed") + WhiteKernel(of[2], "fixed")
        scaled = columns(predictor, slice(COUNT)) * np.sqrt(np.repeat(of[:2] / predictor.variances[:2], (SIZE, 4)))
        process = GaussianProcessRegressor(kernel, optimizer=None, alpha=0.0)
        return process.fit(scaled, RESIDUALS[:COUNT] - RESIDUALS[:COUNT].mean()).log_marginal_likelihood_value_

    best = log_likelihood(predictor.variances)
    for k in range(3):
        for factor in (0.7, 1.4):
            moved = predictor.variances.copy()
            moved[k] *= factor
            assert log_likelihood(moved) <= best + 1e-6


def test_few_roots_teach_nothing_and_roots_that_stand_alike_are_expected_alike() -> None:
    few = LEAST_FINISHED - 1
    assert learn(VECTORS[:few], CANDIDATES[:few], RESIDUALS[:few]) is None
    same = learn(VECTORS[:COUNT], CANDIDATES[:COUNT], [0.2] * COUNT)
    assert same is not None
    assert same(VECTORS, CANDIDATES).mean == pytest.approx(np.full(2 * COUNT, 0.2), abs=1e-6)
    with pytest.raises(ValueError, match="40 vectors, 39 roots"):
        learn(VECTORS[:COUNT], CANDIDATES[: COUNT - 1], RESIDUALS[:COUNT])


def test_picks_are_the_best_but_for_a_share_drawn_at_random_and_the_seed_decides_which() -> None:
    values = np.linspace(0, 1, 1000)
    picks = pick(values, 400, np.random.default_rng(3))
    assert picks == pick(values, 400, np.random.default_rng(3)) and len({one.row for one in picks}) == 400
    best = [one.row for one in picks if not one.is_random]
    assert best[0] == 999 and all(later < earlier for earlier, later in pairwise(best))
    assert np.mean([one.is_random for one in picks]) == pytest.approx(curiosity.EXPLORED_SHARE, abs=0.06)
    assert np.mean([one.row for one in picks if one.is_random]) < 600  # of all that are left, not of the best
    assert len(pick([0.1, 0.2], 4, rng)) == 2 and pick([], 4, rng) == []


def test_places_are_drawn_in_proportion_to_doubt_and_never_where_there_is_none() -> None:
    draws = [drawn_by_doubt([0.5, 0.1, 1.0, 0.0], 1, rng)[0] for _ in range(4000)]
    assert set(draws) == {0, 1} and draws.count(0) / 4000 == pytest.approx(0.25 / 0.34, abs=0.03)
    assert sorted(drawn_by_doubt([0.5, 0.1, 1.0, 0.0], 4, rng)) == [0, 1] and drawn_by_doubt([1.0], 4, rng) == []


GOOD = [
    "Would a candle survive a drop from a roof?",
    "If a candle fell into a river, would it be gone?",
    "Who would win in a fight, a trumpet or a candle: would it be a trumpet?",
    "Ist Honig klebrig?",
    "蜂蜜はべたべたしますか、どうですか？",
]
BAD = [
    "What survives a drop from a roof?",
    "In a fight, who would win?",
    "For how long does honey keep?",
    "Honey is sticky.",
    "Is honey sticky? Is jam?",
    "Is it?",
    "Is it " + "very " * 40 + "sticky?",
    "",
]


@pytest.mark.parametrize("question", GOOD)
def test_questions_that_yes_or_no_answers_pass(question: str) -> None:
    assert fault(question) is None


@pytest.mark.parametrize("text", BAD)
def test_other_texts_are_refused(text: str) -> None:
    assert fault(text)
