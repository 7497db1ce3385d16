"""Who of a crowd of raters is how reliable, and what their answers say: Dawid and Skene's model, fitted by EM.

Given a claim's truth, raters answer independently, rater w yes with the probability s_w if it is true and no with t_w
if it is false (Dawid and Skene 1979). Maximised is P(answers | s, t, base rate) times the priors, each a Beta(a, b)
density of the log-odds, whose mode is a / (a + b): so the maximum is what the posterior mean would be if the claims
were known, and with gold questions only it is that.

An answer that is a probability is a mixture of a yes and a no, as in `evidence`. Not modelled: that some claims are
harder than others, so that raters err together; the claims' probabilities are then too sure.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import betaln, expit, logit

from argtree.answers import Answers
from argtree.compiled import FloatArray, IntArray
from argtree.reliability import STRANGER, Beta, RaterReliability

_NO_GOLD: Mapping[str, bool] = MappingProxyType({})
_NO_PROBS: Mapping[str, float] = MappingProxyType({})
_NO_PRIORS: Mapping[str, RaterReliability] = MappingProxyType({})
_CLOSE_TO_CERTAIN = 1e-12  # a prior probability is kept this far from 0 and 1: answers must be able to contradict it


@dataclass(frozen=True, eq=False)
class Crowd:
    """What answers tell of claims and raters. Axes as in `Answers`."""

    answers: Answers
    prob: FloatArray  # [C] P(claim | all answers, gold): where no prior probabilities were given, from the base rate
    raters: Mapping[str, RaterReliability]  # of every rater who answered
    stranger: RaterReliability  # the prior that was used: what this crowd lets expect of somebody new
    base_prob: float  # the share of true claims among those that are neither gold nor have a prior probability
    log_posterior_prob: float  # what was maximised, up to a constant
    iterations: int
    converged: bool

    def prob_without_own(self) -> FloatArray:
        """Returns [N] for each answer P(its claim | everything but this answer); gold stays 0 or 1."""
        odds = np.asarray(logit(self.prob))[self.answers.claim]
        return np.asarray(expit(odds - _log_ratio(self.answers, _state(self))))


def fit_crowd(
    answers: Answers,
    *,
    gold: Mapping[str, bool] = _NO_GOLD,
    prior_prob: Mapping[str, float] = _NO_PROBS,
    stranger: RaterReliability = STRANGER,
    vouched: Mapping[str, RaterReliability] = _NO_PRIORS,
    max_iterations: int = 1000,
    tolerance: float = 1e-8,
) -> Crowd:
    """Returns the reliabilities of highest posterior density and the claims' probabilities given them.

    EM from what the gold questions alone say of the raters (Dempster, Laird and Rubin 1977): the posterior density
    never falls. The maximum found may be a local one. How sure a reliability is follows from the observed information
    about it, given all else: an answer about a claim of probability p tells less than one about a certain claim (Louis
    1982), by the share that the unknown truth hides.

    Args:
        answers: of the crowd.
        gold: claim -> its known truth; ids that nobody answered are ignored.
        prior_prob: claim -> P(claim) before any of these answers, such as a propagation without them gives. The
            others share one base rate, which is learnt. A model that is sure and wrong makes honest raters look bad, so
            give probabilities that are calibrated or none.
        stranger: the prior of every rater; see `fit_with_prior` for one that is learnt.
        vouched: rater -> the prior in place of the stranger's, for whom somebody vouches.
        max_iterations: at most so many.
        tolerance: stop once no reliability moves by more.

    Raises:
        ValueError: a prior probability out of [0, 1].
    """
    known = _known(answers, gold, prior_prob)
    prior = _prior(answers, stranger, vouched)
    state = _start(answers, known, prior)
    moved, iterations = np.inf, 0
    while moved > tolerance and iterations < max_iterations:
        before = state
        state = _maximised(answers, known, before, _expected(answers, known, before), prior)
        moved = max(np.abs(state.sensitivity - before.sensitivity).max(initial=0), abs(state.base - before.base))
        moved = max(moved, np.abs(state.specificity - before.specificity).max(initial=0))
        iterations += 1
    return _crowd(answers, known, state, prior, stranger, iterations, bool(moved <= tolerance))


def fit_with_prior(
    answers: Answers,
    *,
    gold: Mapping[str, bool] = _NO_GOLD,
    prior_prob: Mapping[str, float] = _NO_PROBS,
    rounds: int = 10,
) -> Crowd:
    """Returns `fit_crowd` with the raters' prior learnt from these raters as well (empirical Bayes, Casella 1985).

    Its means are those of highest density given the expected counts of all raters (a beta-binomial each), with
    `STRANGER`'s Beta densities on the means themselves; its weights stay `STRANGER`'s. So a rater of whom
    little is known counts as one of this crowd, and no truth is needed for that.

    Args:
        answers: as in `fit_crowd`, like `gold` and `prior_prob`.
        gold: see there.
        prior_prob: see there.
        rounds: at most so many fits; fewer once the prior's means move by less than 0.001.

    Raises:
        ValueError: a prior probability out of [0, 1].
    """
    crowd = fit_crowd(answers, gold=gold, prior_prob=prior_prob)
    for _ in range(rounds - 1):
        stranger = _typical(crowd)
        moved = np.abs(np.subtract(_means(stranger), _means(crowd.stranger))).max()
        if moved < 1e-3:
            break
        crowd = fit_crowd(answers, gold=gold, prior_prob=prior_prob, stranger=stranger)
    return crowd


class _State(NamedTuple):
    """What EM moves."""

    sensitivity: FloatArray  # [W] in (0, 1)
    specificity: FloatArray  # [W] in (0, 1)
    base: float  # P(claim) of those without gold or prior probability


class _Known(NamedTuple):
    """What is known of the claims before the answers."""

    log_odds: FloatArray  # [C] infinite for gold, 0 where the base rate counts
    by_base: FloatArray  # [C] 1 where the base rate counts, else 0


class _Prior(NamedTuple):
    """What is assumed of each rater before the answers, [W] each: the hits and the weight of two Beta distributions."""

    sensitivity_hits: FloatArray
    sensitivity_weight: FloatArray
    specificity_hits: FloatArray
    specificity_weight: FloatArray


class _Counts(NamedTuple):
    """How often raters are expected to have been asked about true and false claims, and to have said so; [W] each."""

    hits: FloatArray  # yes to a true claim
    misses: FloatArray
    rejections: FloatArray  # no to a false claim
    alarms: FloatArray


def _means(known: RaterReliability) -> tuple[float, float]:
    return known.sensitivity.mean, known.specificity.mean


def _state(crowd: Crowd) -> _State:
    means = np.array([_means(crowd.raters[rater]) for rater in crowd.answers.raters]).reshape(-1, 2)
    return _State(means[:, 0], means[:, 1], crowd.base_prob)


def _known(answers: Answers, gold: Mapping[str, bool], prior_prob: Mapping[str, float]) -> _Known:
    log_odds, by_base = np.zeros(len(answers.claims)), np.zeros(len(answers.claims))
    for row, claim in enumerate(answers.claims):
        if claim in gold:
            log_odds[row] = np.inf if gold[claim] else -np.inf
        elif claim in prior_prob:
            if not 0 <= prior_prob[claim] <= 1:
                raise ValueError(f"the prior probability of {claim!r} is {prior_prob[claim]}; it must lie in [0, 1]")
            log_odds[row] = logit(np.clip(prior_prob[claim], _CLOSE_TO_CERTAIN, 1 - _CLOSE_TO_CERTAIN))
        else:
            by_base[row] = 1.0
    return _Known(log_odds, by_base)


def _prior(answers: Answers, stranger: RaterReliability, vouched: Mapping[str, RaterReliability]) -> _Prior:
    of = [vouched.get(rater, stranger) for rater in answers.raters]
    table = np.array([(r.sensitivity.hits, r.sensitivity.weight, r.specificity.hits, r.specificity.weight) for r in of])
    return _Prior(*table.reshape(-1, 4).T)


def _start(answers: Answers, known: _Known, prior: _Prior) -> _State:
    """Returns the state that the gold questions alone lead to; half of the other claims are taken to be true."""
    is_gold = np.isinf(known.log_odds)
    asked = is_gold[answers.claim]
    about_gold = replace(answers, claim=answers.claim[asked], rater=answers.rater[asked], prob=answers.prob[asked])
    sensitivity = prior.sensitivity_hits / prior.sensitivity_weight
    unasked = _State(sensitivity, prior.specificity_hits / prior.specificity_weight, 0.5)
    truths = _Known(known.log_odds, np.zeros_like(known.by_base))
    started = _maximised(about_gold, truths, unasked, expit(known.log_odds), prior)
    return started._replace(base=0.5)


def _likelihoods(answers: Answers, state: _State) -> tuple[FloatArray, FloatArray]:
    """Returns P(answer | claim false) and P(answer | claim true), [N] each: `answer_likelihood` for many."""
    s, t, a = state.sensitivity[answers.rater], state.specificity[answers.rater], answers.prob
    return a * (1 - t) + (1 - a) * t, a * s + (1 - a) * (1 - s)


def _log_ratio(answers: Answers, state: _State) -> FloatArray:
    if_false, if_true = _likelihoods(answers, state)
    return np.asarray(np.log(if_true) - np.log(if_false))


def _expected(answers: Answers, known: _Known, state: _State) -> FloatArray:
    """The E-step: P(claim | answers) [C]."""
    ratio = _summed(answers.claim, _log_ratio(answers, state), len(answers.claims))
    return np.asarray(expit(known.log_odds + known.by_base * logit(state.base) + ratio))


def _yes_probs(answers: Answers, state: _State) -> tuple[FloatArray, FloatArray]:
    """Returns P(came to a yes | answer, claim) [N] for a false and for a true claim: 0 or 1 but for probabilities."""
    if_false, if_true = _likelihoods(answers, state)
    s, t = state.sensitivity[answers.rater], state.specificity[answers.rater]
    return answers.prob * (1 - t) / if_false, answers.prob * s / if_true


def _counted(answers: Answers, prob: FloatArray, state: _State) -> _Counts:
    yes_if_false, yes_if_true = _yes_probs(answers, state)
    true, false = prob[answers.claim], 1 - prob[answers.claim]
    of_rater = (true * yes_if_true, true * (1 - yes_if_true), false * (1 - yes_if_false), false * yes_if_false)
    return _Counts(*(_summed(answers.rater, one, len(answers.raters)) for one in of_rater))


def _summed(rows: IntArray, values: FloatArray, num_rows: int) -> FloatArray:
    return np.asarray(np.bincount(rows, values, num_rows), dtype=np.float64)


def _maximised(answers: Answers, known: _Known, state: _State, prob: FloatArray, prior: _Prior) -> _State:
    """The M-step: prior plus expected counts, normalised; the base rate's prior is one true and one false claim."""
    counts = _counted(answers, prob, state)
    return _State(
        (prior.sensitivity_hits + counts.hits) / (prior.sensitivity_weight + counts.hits + counts.misses),
        (prior.specificity_hits + counts.rejections) / (prior.specificity_weight + counts.rejections + counts.alarms),
        float((1 + known.by_base @ prob) / (2 + known.by_base.sum())),
    )


def _log_posterior(answers: Answers, known: _Known, state: _State, prior: _Prior) -> float:
    rows = len(answers.claims)
    l0, l1 = (_summed(answers.claim, np.log(one), rows) for one in _likelihoods(answers, state))
    log_odds = known.log_odds + known.by_base * logit(state.base)
    with_claims = np.logaddexp(l1 - np.logaddexp(0, -log_odds), l0 - np.logaddexp(0, log_odds)).sum()
    priors = np.log(state.base) + np.log1p(-state.base)
    for hits, weight, means in (
        (prior.sensitivity_hits, prior.sensitivity_weight, state.sensitivity),
        (prior.specificity_hits, prior.specificity_weight, state.specificity),
    ):
        priors += (hits * np.log(means) + (weight - hits) * np.log1p(-means)).sum()
    return float(with_claims + priors)


def _weights(answers: Answers, prob: FloatArray, state: _State, prior: _Prior) -> tuple[FloatArray, ...]:
    """Returns what sensitivities and specificities are worth, in answers about certain claims, [W] each.

    The information about the log-odds of a sensitivity m is n m (1-m) with everything known, n being prior plus
    expected counts, less the variance of the score, claim (vote - m), given the answers (Louis 1982, equation 3.2).
    That of a Beta distribution of weight n being n m (1-m) too, the observed information is one of a smaller weight.
    """
    counts = _counted(answers, prob, state)
    yes_if_false, yes_if_true = _yes_probs(answers, state)
    found = []
    for p, vote, mean, weight, n in (
        (prob, yes_if_true, state.sensitivity, prior.sensitivity_weight, counts.hits + counts.misses),
        (1 - prob, 1 - yes_if_false, state.specificity, prior.specificity_weight, counts.rejections + counts.alarms),
    ):
        holds, m = p[answers.claim], mean[answers.rater]
        variance = holds * (vote * (1 - m) ** 2 + (1 - vote) * m**2) - (holds * (vote - m)) ** 2
        hidden = _summed(answers.rater, variance, len(mean)) / (mean * (1 - mean))
        found.append(np.maximum(weight + n - hidden, weight))  # answers make nobody more of a stranger
    return tuple(found)


def _crowd(
    answers: Answers,
    known: _Known,
    state: _State,
    prior: _Prior,
    stranger: RaterReliability,
    iterations: int,
    converged: bool,
) -> Crowd:
    prob = _expected(answers, known, state)
    columns = zip(
        *(state.sensitivity.tolist(), state.specificity.tolist()),
        *(weight.tolist() for weight in _weights(answers, prob, state, prior)),
        strict=True,
    )
    found = [RaterReliability(Beta(n * s, n * (1 - s)), Beta(m * t, m * (1 - t))) for s, t, n, m in columns]
    density = _log_posterior(answers, known, state, prior)
    raters = dict(zip(answers.raters, found, strict=True))
    return Crowd(answers, prob, raters, stranger, state.base, density, iterations, converged)


def _typical(crowd: Crowd) -> RaterReliability:
    """Returns the prior whose means have the highest density given what the raters are expected to have done."""
    counts = _counted(crowd.answers, crowd.prob, _state(crowd))
    return RaterReliability(
        _typical_beta(counts.hits, counts.misses, STRANGER.sensitivity),
        _typical_beta(counts.rejections, counts.alarms, STRANGER.specificity),
    )


def _typical_beta(hits: FloatArray, misses: FloatArray, prior: Beta) -> Beta:
    def surprise(log_odds: float) -> float:
        m = float(expit(log_odds))
        a, b = prior.weight * m, prior.weight * (1 - m)
        likelihood = (betaln(a + hits, b + misses) - betaln(a, b)).sum()
        return float(-likelihood - prior.hits * np.log(m) - prior.misses * np.log1p(-m))

    m = float(expit(minimize_scalar(surprise, bounds=(-7, 7), method="bounded").x))
    return Beta(prior.weight * m, prior.weight * (1 - m))
