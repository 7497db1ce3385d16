"""Calibrations against truths drawn from known curves."""

import numpy as np
import pytest
from scipy.special import expit, logit
from sklearn.linear_model import LogisticRegression

from models.base import FloatArray
from models.calibration import LEAST_OF_EACH, Calibration, calibrate, cross_fitted, fit, folds, log_losses, scores

Sample = tuple[FloatArray, FloatArray, FloatArray]  # raw, truth, P(true | raw)


def drawn(count: int, slope: float, offset: float = 0.0, seed: int = 0) -> Sample:
    """Beliefs whose log-odds are so many times too small."""
    rng = np.random.default_rng(seed)
    raw = expit(rng.normal(0, 2, count))
    right = expit(offset + slope * logit(raw))
    return raw, (rng.random(count) < right).astype(float), right


def told(truth: FloatArray, rate: float = 1.0) -> FloatArray:
    """Likelihoods of labels that are right so often."""
    right = np.where(truth > 0.5, rate, 1 - rate)
    return np.stack([1 - right, right], axis=1)


def in_folds(count: int) -> np.ndarray:
    return folds([f"c{number}" for number in range(count)])


def test_overconfident_beliefs_are_calibrated_to_the_curve_that_the_truths_were_drawn_from() -> None:
    raw, truth, right = drawn(1500, 0.4, -0.5)
    found = calibrate(raw, told(truth), in_folds(1500))
    assert found.method in ("platt", "isotonic") and found.num_true + found.num_false == 1500
    assert np.abs(found(raw) - right).mean() < 0.02 < np.abs(raw - right).mean()
    assert scores(found(raw), truth).ece < 0.05 < scores(raw, truth).ece


def test_platts_line_is_the_maximum_likelihood_one_but_for_its_targets() -> None:
    raw, truth, _ = drawn(2000, 0.5, 0.3)
    found = calibrate(raw, told(truth), in_folds(2000))
    line = LogisticRegression(C=np.inf).fit(logit(raw)[:, None], truth)
    assert found.method == "platt"
    assert found(raw) == pytest.approx(line.predict_proba(logit(raw)[:, None])[:, 1], abs=5e-3)


def test_a_step_that_no_line_follows_is_fitted_by_steps() -> None:
    rng = np.random.default_rng(1)
    raw = rng.uniform(0.01, 0.99, 2000)
    right = np.where(raw < 0.7, 0.1, np.where(raw < 0.75, 0.5, 0.9))
    found = calibrate(raw, told((rng.random(2000) < right).astype(float)), in_folds(2000))
    assert found.method == "isotonic" and np.abs(found(raw) - right).mean() < 0.03


@pytest.mark.parametrize("count", [0, 1, 2 * LEAST_OF_EACH - 1])
def test_few_claims_change_nothing(count: int) -> None:
    raw, truth, _ = drawn(count, 0.2)
    assert calibrate(raw, told(truth), in_folds(count)).method == "none"
    assert cross_fitted(raw, told(truth), in_folds(count)) == pytest.approx(raw)


def test_claims_of_one_sign_only_change_nothing() -> None:
    raw, _, _ = drawn(500, 1.0)
    assert calibrate(raw, told(np.ones(500)), in_folds(500)).method == "none"


def test_calibrated_beliefs_are_left_alone_or_hardly_harmed() -> None:
    """Over 15 samples of honest beliefs the loss on other claims grows by less than a hundredth of a nat on average."""
    harm = []
    for seed in range(15):
        raw, truth, _ = drawn(60, 1.0, seed=seed)
        fresh, fresh_truth, _ = drawn(2000, 1.0, seed=1000 + seed)
        found = calibrate(raw, told(truth), in_folds(60))(fresh)
        harm.append(np.mean(log_losses(found, fresh_truth) - log_losses(fresh, fresh_truth)))
    assert np.mean(harm) < 0.01


def test_raters_errors_are_not_learnt_as_the_models() -> None:
    """Sure and calibrated beliefs, answered by somebody who errs one time in ten: taken for the truth, their answers
    would draw every belief to within [0.1, 0.9]."""
    rng = np.random.default_rng(5)
    raw = expit(rng.normal(0, 5, 2000))
    truth = (rng.random(2000) < raw).astype(float)
    said = np.where(rng.random(2000) < 0.9, truth, 1 - truth)
    for method in ("platt", "isotonic"):
        found = fit(method, raw, told(said, 0.9))
        assert np.abs(found(raw) - raw).mean() < 0.03 < np.abs(fit(method, raw, told(said))(raw) - raw).mean()


def test_a_claims_own_label_never_enters_what_it_gets() -> None:
    raw, truth, _ = drawn(200, 0.3)
    before, other = cross_fitted(raw, told(truth), in_folds(200)), truth.copy()
    other[7] = 1 - other[7]
    assert cross_fitted(raw, told(other), in_folds(200))[7] == before[7]
    assert (cross_fitted(raw, told(other), in_folds(200)) != before).any()


def test_what_is_calibrated_never_falls_where_the_belief_rises() -> None:
    rng = np.random.default_rng(3)
    raw = rng.uniform(0.01, 0.99, 400)
    contrary = (rng.random(400) > raw).astype(float)
    found = calibrate(raw, told(contrary), in_folds(400))(np.linspace(0, 1, 200))
    assert (np.diff(found) >= 0).all() and found.min() >= 1e-4 and found.max() <= 1 - 1e-4


def test_beliefs_that_tell_the_truths_apart_stay_finite() -> None:
    raw = np.repeat([0.4, 0.6], 30)
    found = calibrate(raw, told(np.repeat([0.0, 1.0], 30)), in_folds(60))
    assert 0.9 < found.of(0.6) < 1 - 1e-4 and 1e-4 < found.of(0.4) < 0.1


def test_no_calibration_gives_back_what_it_gets() -> None:
    assert Calibration()(np.array([0.0, 0.3, 1.0])).tolist() == [0.0, 0.3, 1.0]
    with pytest.raises(ValueError, match="2 beliefs, 1 labels and 2 folds"):
        calibrate(np.array([0.1, 0.2]), told(np.array([1.0])), in_folds(2))
