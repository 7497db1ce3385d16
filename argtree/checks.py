"""When to pause a rater: worse than chance, always the same answer, a pattern, answers faster than anybody reads.

A posterior probability needs no correction for being looked at after each answer; the p-values do, and so `SUSPICIOUS`
is small. None of them proves intent: they are reasons to stop asking and to look. Not found are raters who all say the
same and are right as often as not or more often, and a majority that errs alike where no gold question is asked.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.special import bdtrc

from argtree.compiled import FloatArray
from argtree.evidence import Reliability
from argtree.reliability import RaterReliability

PAUSE_BELOW = 0.05
"""A rater is paused whose probability of being better than chance is below this."""

SUSPICIOUS = 1e-4
"""A p-value below this is reason to pause: of honest raters one in ten thousand at each look."""

FASTEST_SECONDS = 1.0
"""Nobody has read a question in less."""

_HASTY_SHARE = 0.1  # of an honest rater's answers at most so many are that fast: slips, questions seen before


def reasons_to_pause(
    known: RaterReliability,
    said: Sequence[float] = (),
    claim_prob: Sequence[float] = (),
    seconds: Sequence[float] = (),
) -> tuple[str, ...]:
    """Returns a sentence for each reason to pause a rater; none for one who seems honest.

    Args:
        known: the rater's reliability, learnt from gold questions and agreement.
        said: the rater's answers in the order given, each as the probability that it gives the claim.
        claim_prob: P(claim | all but this answer) of the same claims; see `Crowd.prob_without_own`.
        seconds: how long the rater's answers took.

    Raises:
        ValueError: not one claim's probability for each answer.
    """
    reasons = []
    if known.better_than_chance_prob < PAUSE_BELOW:
        reasons.append(f"Better than chance with a probability of only {known.better_than_chance_prob:.3f}.")
    if sameness_p_value(said, claim_prob) < SUSPICIOUS:
        reasons.append("One and the same answer far more often than the questions warrant.")
    if runs_p_value(said, yes_prob(np.asarray(claim_prob, dtype=np.float64), known.mean)) < SUSPICIOUS:
        reasons.append("Yes and no follow a pattern of their own, whatever is asked.")
    if hasty_p_value(seconds) < SUSPICIOUS:
        reasons.append(f"Too many answers in less than {FASTEST_SECONDS:g} s.")
    return tuple(reasons)


def yes_prob(claim_prob: FloatArray, reliability: Reliability) -> FloatArray:
    """Returns how probable it is that such a rater says yes to claims of these probabilities, [N]."""
    s, t = reliability.sensitivity, reliability.specificity
    return np.asarray(claim_prob * s + (1 - claim_prob) * (1 - t))


def sameness_p_value(said: Sequence[float], claim_prob: Sequence[float]) -> float:
    """Returns how probable so many yes, or no, are at most if a rater looks at the claims: twice the smaller tail.

    Granted are all raters who are right about true and about false claims at least half of the time: the most yes come
    from one who always sees the true and half of the time believes the false. The number of yes then is
    Poisson-binomial. An answer of 0.5 is left out. 1 for no answers.

    Args:
        said: each answer as the probability that it gives the claim.
        claim_prob: P(claim | all but this answer) of the same claims, taken as independent.

    Raises:
        ValueError: not one claim's probability for each answer.
    """
    yes, prob = _decided(said, claim_prob)
    count = int(yes.sum())
    so_many_yes = _counts(yes_prob(prob, Reliability(1.0, 0.5)))[count:].sum()
    so_many_no = _counts(yes_prob(prob, Reliability(0.5, 1.0)))[: count + 1].sum()
    return float(min(1.0, 2 * min(so_many_yes, so_many_no)))


def runs_p_value(said: Sequence[float], yes_probs: Sequence[float] | FloatArray) -> float:
    """Returns how probable a number of runs this far off either way is, twice the smaller tail, given each P(yes).

    The test of Wald and Wolfowitz (1940), but with a probability for each answer in place of one share for all, so that
    claims which come in order are no offence: exact for answers that are independent given the claims. Blind to a rater
    of one answer only. An answer of 0.5 is left out. 1 for fewer than two answers.

    Args:
        said: each answer as the probability that it gives the claim, in the order given.
        yes_probs: how probable a yes was, see `yes_prob`.

    Raises:
        ValueError: not one probability for each answer.
    """
    yes, prob = _decided(said, yes_probs)
    if len(yes) < 2:
        return 1.0
    changes = int((yes[1:] != yes[:-1]).sum())
    ended_no, ended_yes = np.zeros(len(yes) + 1), np.zeros(len(yes) + 1)  # P(so many changes, the last answer)
    ended_no[0], ended_yes[0] = 1 - prob[0], prob[0]
    for p in prob[1:].tolist():
        from_yes, from_no = np.roll(ended_yes, 1), np.roll(ended_no, 1)
        ended_no, ended_yes = (1 - p) * (ended_no + from_yes), p * (ended_yes + from_no)
    by_changes = ended_no + ended_yes
    return float(min(1.0, 2 * min(by_changes[: changes + 1].sum(), by_changes[changes:].sum())))


def hasty_p_value(seconds: Sequence[float]) -> float:
    """Returns how probable so many answers in less than `FASTEST_SECONDS` are if at most a tenth are that fast.

    A binomial tail; 1 for none.
    """
    hasty = sum(one < FASTEST_SECONDS for one in seconds)
    return float(bdtrc(hasty - 1, len(seconds), _HASTY_SHARE)) if hasty else 1.0


def _decided(said: Sequence[float], probs: Sequence[float] | FloatArray) -> tuple[FloatArray, FloatArray]:
    """Returns 1 for each yes and 0 for each no, with the probabilities beside them."""
    answers, prob = np.asarray(said, dtype=np.float64), np.asarray(probs, dtype=np.float64)
    if answers.shape != prob.shape:
        raise ValueError(f"{len(answers)} answers with {len(prob)} probabilities; there must be one for each")
    decided = answers != 0.5
    return np.asarray(answers[decided] > 0.5, dtype=np.float64), prob[decided]


def _counts(prob: FloatArray) -> FloatArray:
    """Returns [n + 1] how probable each number of yes is, for n independent answers."""
    counts = np.ones(1)
    for p in prob.tolist():
        counts = np.convolve(counts, (1 - p, p))
    return counts
