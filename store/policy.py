"""How many raters a question asks for: as many as were wanted first, more where they disagree. Pure.

A question closes once so many have answered. Where the answers then stand against each other, three are asked in all,
then five; whatever five say, the question is closed, as its value in the ranking no longer grows with a sixth.
Answers that say nothing ("can't say") and answers to gold questions are not counted.
"""

from collections.abc import Sequence
from itertools import combinations

from argtree.evidence import is_settled, label_likelihood, label_prob

STEPS = (3, 5)
"""Raters asked in all where those before disagree."""

APART = 3.0
"""Two numbers disagree where they are further apart than this many standard deviations of their difference."""


def raters_wanted(wanted: int, probs: Sequence[float] = (), numbers: Sequence[tuple[float, float]] = ()) -> int:
    """Returns how many raters a question wants that so far wanted `wanted`: as many, or the next step.

    Args:
        wanted: at least 1.
        probs: of the claim, one from each rater who stated one; each in [0, 1].
        numbers: for a question about a quantity, each rater's, with the standard deviation of its error.
    """
    if len(probs) + len(numbers) < wanted or not (_are_split(probs) or _are_apart(numbers)):
        return wanted
    return next((step for step in STEPS if step > wanted), wanted)


def _are_split(probs: Sequence[float]) -> bool:
    """Says whether some speak for the claim, some against it, and all together do not settle it."""
    if not (any(prob > 0.5 for prob in probs) and any(prob < 0.5 for prob in probs)):
        return False
    return not is_settled(label_prob(*label_likelihood(probs)))


def _are_apart(numbers: Sequence[tuple[float, float]]) -> bool:
    pairs = combinations(numbers, 2)
    return any(abs(a - b) > APART * (sd_a**2 + sd_b**2) ** 0.5 for (a, sd_a), (b, sd_b) in pairs)
