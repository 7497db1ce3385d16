"""Beliefs from readings, against closed forms and simulated draws."""

import numpy as np
import pytest
from scipy.special import expit, logit

from models.beliefs import beliefs, from_draws, strength


def test_readings_pool_in_log_odds_and_their_spread_is_the_variance() -> None:
    probs = np.array([[0.6, 0.01], [0.8, 0.02], [0.7, 0.01]])
    one, other = beliefs(logit(probs))
    assert one.mean == pytest.approx(expit(logit(probs[:, 0]).mean()))
    assert one.variance == pytest.approx(probs[:, 0].var())
    assert other.pseudo_count == 50.0 and one.draws is other.draws is None


@pytest.mark.parametrize("count", [1, 2, 6])
def test_readings_that_are_one_are_worth_fifty(count: int) -> None:
    (belief,) = beliefs(np.full((count, 1), logit(0.3)))
    assert (belief.mean, belief.pseudo_count) == (pytest.approx(0.3), 50.0)


@pytest.mark.parametrize(("num_readings", "num_draws"), [(2, 5), (6, 10)])
def test_variance_of_agreeing_draws_is_that_of_their_mean(num_readings: int, num_draws: int) -> None:
    """Wordings that agree at 0.4: over many runs the variance is on average that of the mean of all draws, or up to
    twice as much, as a difference of two estimates is cut at 0 and no belief is worth more than fifty."""
    rng, prob = np.random.default_rng(0), 0.4
    yes = rng.binomial(num_draws, prob, size=(num_readings, 20_000))
    found = _from(yes, num_draws)
    means = np.array([belief.mean for belief in found])
    error = np.mean((means - prob) ** 2)
    claimed = np.mean([belief.variance for belief in found])
    assert 0.9 * error < claimed < 2.2 * error
    assert found[0].draws == num_draws


def test_variance_of_readings_that_differ_survives_the_draws() -> None:
    rng = np.random.default_rng(1)
    probs = np.array([0.3, 0.5, 0.7, 0.4, 0.6, 0.5])[:, np.newaxis]
    found = _from(rng.binomial(40, probs, size=(6, 4000)), 40)
    wanted = probs.var() + (probs * (1 - probs)).mean() / 40 / 6
    assert np.mean([belief.variance for belief in found]) == pytest.approx(wanted, rel=0.08)


def test_replies_that_are_neither_yes_nor_no_are_no_draws() -> None:
    shares = np.log(np.array([[0.3, 0.1], [0.2, 0.2]]))
    said = from_draws(shares[:1], np.log(np.array([[0.05, 0.05]])), 10)
    assert said.log_odds == pytest.approx(np.log(4.5 / 1.5))
    assert said.drawn_variance == pytest.approx(0.75 * 0.25 / 6)


@pytest.mark.parametrize("prior", [0.05, 0.5, 0.9])
@pytest.mark.parametrize("weight", [0.01, 0.5, 0.99])
def test_strength_is_what_the_conditional_probability_was_made_with(prior: float, weight: float) -> None:
    assert strength("support", prior, 1 - (1 - prior) * (1 - weight)) == pytest.approx(weight)
    assert strength("attack", prior, prior * (1 - weight)) == pytest.approx(weight)


def test_argument_that_does_the_contrary_of_what_it_says_has_no_strength() -> None:
    assert strength("support", 0.5, 0.4) is None and strength("attack", 0.5, 0.6) is None
    assert strength("support", 0.5, 0.5) is None


def _from(yes: np.ndarray, num_draws: int) -> list:
    with np.errstate(divide="ignore"):
        said = [from_draws(np.log(k / num_draws)[:, None], np.log(1 - k / num_draws)[:, None], num_draws) for k in yes]
    readings = np.stack([one.log_odds for one in said])
    return beliefs(readings, np.stack([one.drawn_variance for one in said]), num_draws)
