"""Dawid and Skene's model, against enumeration, closed forms, finite differences and crowd-kit."""

from __future__ import annotations

from itertools import product

import numpy as np
import pandas as pd
import pytest
from crowdkit.aggregation import DawidSkene
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit, logit

from argtree.answers import gather
from argtree.crowd import Crowd, fit_crowd, fit_with_prior
from argtree.evidence import answer_likelihood
from argtree.reliability import STRANGER, Beta, RaterReliability
from tests.argtree.crowds import drawn


def _density(crowd: Crowd, rates: dict[str, RaterReliability], base: float, gold: dict[str, bool]) -> float:
    """The log posterior density by enumeration of all truths."""
    total, answers = 0.0, crowd.answers
    for truths in product([False, True], repeat=len(answers.claims)):
        world = dict(zip(answers.claims, truths, strict=True))
        if any(world[claim] != truth for claim, truth in gold.items() if claim in world):
            continue
        weight = float(np.prod([base if world[c] else 1 - base for c in answers.claims if c not in gold]))
        for claim, rater, prob in zip(answers.claim, answers.rater, answers.prob, strict=True):
            mean = rates[answers.raters[rater]].mean
            weight *= answer_likelihood(float(prob), mean)[int(world[answers.claims[claim]])]
        total += weight
    found = np.log(total) + np.log(base) + np.log1p(-base)
    for one in rates.values():
        for prior, m in ((crowd.stranger.sensitivity, one.sensitivity), (crowd.stranger.specificity, one.specificity)):
            found += prior.hits * np.log(m.mean) + prior.misses * np.log1p(-m.mean)
    return float(found)


def _moved(beta: Beta, by: float) -> Beta:
    mean = float(expit(logit(beta.mean) + by))
    return Beta(mean, 1 - mean)


@pytest.mark.parametrize("soft", [False, True])
@pytest.mark.parametrize("seed", range(3))
def test_the_maximum_and_its_curvature_are_those_of_the_enumerated_density(seed: int, soft: bool) -> None:
    answers, truth, _ = drawn(seed, claims=9, raters=3, answers_per_claim=3, soft=soft)
    gold = {claim: bool(t) for claim, t in list(zip(answers.claims, truth, strict=True))[:3]}
    crowd = fit_crowd(answers, gold=gold, tolerance=1e-12)
    here = _density(crowd, dict(crowd.raters), crowd.base_prob, gold)
    assert crowd.log_posterior_prob == pytest.approx(here)
    h = 1e-3
    for rater, known in crowd.raters.items():
        sides = [
            {**crowd.raters, rater: RaterReliability(_moved(known.sensitivity, by), known.specificity)}
            for by in (-h, h)
        ]
        low, high = (_density(crowd, side, crowd.base_prob, gold) for side in sides)
        assert high - low == pytest.approx(0, abs=1e-7)
        s = known.sensitivity
        information = max(s.weight, STRANGER.sensitivity.weight) * s.mean * (1 - s.mean)
        assert information >= -(high + low - 2 * here) / h**2 * 0.999
        if s.weight > STRANGER.sensitivity.weight + 1e-9:
            assert information == pytest.approx(-(high + low - 2 * here) / h**2, rel=1e-3)


def test_claims_probabilities_are_those_of_bayes_rule() -> None:
    answers, _, _ = drawn(0, claims=30, raters=5, answers_per_claim=3, soft=True)
    crowd = fit_crowd(answers, prior_prob={"c0": 0.9})
    odds = {claim: (0.1, 0.9) if claim == "c0" else (1 - crowd.base_prob, crowd.base_prob) for claim in answers.claims}
    for claim, rater, prob in zip(answers.claim, answers.rater, answers.prob, strict=True):
        name = answers.claims[claim]
        l0, l1 = answer_likelihood(float(prob), crowd.raters[answers.raters[rater]].mean)
        odds[name] = (odds[name][0] * l0, odds[name][1] * l1)
    assert crowd.prob == pytest.approx([l1 / (l0 + l1) for l0, l1 in odds.values()])


def test_with_gold_only_reliabilities_are_counts() -> None:
    said = [("a", "x", 1.0), ("b", "x", 0.0), ("c", "x", 1.0), ("a", "y", 0.0)]
    crowd = fit_crowd(gather(said), gold={"a": True, "b": True, "c": False, "unasked": True})
    x, y = crowd.raters["x"], crowd.raters["y"]
    assert (x.sensitivity.hits, x.sensitivity.misses) == pytest.approx((5, 3))
    assert (x.specificity.hits, x.specificity.misses) == pytest.approx((4, 3))
    assert (y.sensitivity.hits, y.sensitivity.misses) == pytest.approx((4, 3))
    assert crowd.prob.tolist() == [1, 1, 0] and crowd.base_prob == 0.5


def test_whoever_is_vouched_for_begins_from_their_own_prior() -> None:
    """With gold questions only, the mode is the posterior mean: each from its own Beta distribution."""
    vouched = RaterReliability(Beta(19, 1), Beta(9, 1))
    said = gather([("t", "new", 0.0), ("t", "known", 0.0), ("f", "new", 0.0), ("f", "known", 0.0)])
    crowd = fit_crowd(said, gold={"t": True, "f": False}, vouched={"known": vouched})
    means = {name: (one.mean.sensitivity, one.mean.specificity) for name, one in crowd.raters.items()}
    assert means["known"] == pytest.approx((19 / 21, 10 / 11)) and means["new"] == pytest.approx((4 / 7, 5 / 7))


@pytest.mark.filterwarnings("ignore")  # crowd-kit's own, of pandas
def test_without_a_prior_it_is_crowd_kit() -> None:
    answers, _, _ = drawn(0, claims=300, raters=6, answers_per_claim=5)
    kit = DawidSkene(n_iter=100, tol=1e-7)
    frame = pd.DataFrame({"task": answers.claim, "worker": answers.rater, "label": answers.prob.astype(int)})
    theirs = kit.fit_predict_proba(frame).sort_index()[1]
    crowd = fit_crowd(answers, stranger=RaterReliability(Beta(2e-3, 1e-3), Beta(2e-3, 1e-3)), max_iterations=5000)
    assert crowd.prob == pytest.approx(np.asarray(theirs), abs=0.02)
    errors = kit.errors_
    assert errors is not None
    for row, rater in enumerate(answers.raters):
        assert crowd.raters[rater].sensitivity.mean == pytest.approx(errors.loc[(row, 1), 1], abs=0.01)
        assert crowd.raters[rater].specificity.mean == pytest.approx(errors.loc[(row, 0), 0], abs=0.01)


@settings(deadline=None, max_examples=10)
@given(st.integers(0, 10**6), st.booleans())
def test_no_step_makes_the_density_fall(seed: int, soft: bool) -> None:
    answers, _, _ = drawn(seed, claims=12, raters=4, answers_per_claim=2, soft=soft)
    densities = [fit_crowd(answers, max_iterations=k).log_posterior_prob for k in range(8)]
    assert (np.diff(densities) > -1e-9).all()


def test_true_rates_lie_inside_the_intervals_as_often_as_they_say() -> None:
    inside = []
    for seed in range(4):
        answers, _, rates = drawn(seed, claims=200, raters=20, answers_per_claim=5)
        for rater, known in fit_with_prior(answers).raters.items():
            for beta, rate in zip((known.sensitivity, known.specificity), rates[int(rater[1:])], strict=True):
                inside.append(beta.quantile(0.05) <= rate <= beta.quantile(0.95))
    assert 0.84 < np.mean(inside) < 0.96


def test_a_learnt_prior_is_what_the_crowd_is_like() -> None:
    answers, _, rates = drawn(1, claims=1000, raters=40, answers_per_claim=5)
    stranger = fit_with_prior(answers).stranger
    assert (stranger.sensitivity.mean, stranger.specificity.mean) == pytest.approx(rates.mean(axis=0), abs=0.04)
    assert stranger.sensitivity.weight == pytest.approx(STRANGER.sensitivity.weight)


def test_an_answer_is_taken_out_of_its_own_claim() -> None:
    answers, truth, _ = drawn(2, claims=40, raters=6, answers_per_claim=3)
    crowd = fit_crowd(answers, gold={answers.claims[0]: bool(truth[0])})
    prob = crowd.prob_without_own()
    for i in np.flatnonzero(answers.claim > 0)[:10]:
        l0, l1 = answer_likelihood(float(answers.prob[i]), crowd.raters[answers.raters[answers.rater[i]]].mean)
        again = prob[i] * l1 / (prob[i] * l1 + (1 - prob[i]) * l0)
        assert again == pytest.approx(crowd.prob[answers.claim[i]])
    assert set(prob[answers.claim == 0].tolist()) == {float(truth[0])}


def test_raters_can_be_left_out_and_nobody_need_answer() -> None:
    answers, _, _ = drawn(3, claims=10, raters=3, answers_per_claim=2)
    fewer = answers.without({"r0"})
    assert len(fewer.prob) == (answers.rater != answers.raters.index("r0")).sum()
    assert fit_crowd(fewer).raters["r0"].sensitivity.weight == pytest.approx(6)
    empty = fit_with_prior(gather([]))
    assert (empty.raters, empty.prob.tolist(), empty.stranger.mean.sensitivity) == (
        {},
        [],
        pytest.approx(2 / 3, abs=1e-2),
    )


def test_bad_probabilities_are_refused() -> None:
    with pytest.raises(ValueError, match="the answer of 'r' to 'c' is 2"):
        gather([("c", "r", 2.0)])
    with pytest.raises(ValueError, match="prior probability of 'c' is -1"):
        fit_crowd(gather([("c", "r", 1.0)]), prior_prob={"c": -1.0})
