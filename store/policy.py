"""How many raters a question asks for: as many as were wanted first, more where that left it unsettled. Pure.

A question closes once so many have answered. One more is asked, up to `MOST_RATERS`, where the answers stand against
each other, or where those who gave them are too little known: where together they could not have settled it, had they
all said the same outright. Who leans to one side and is believed closes it, settled or not: no other opinion is wanted.
Whatever the last one says, the question is closed, as its value in the ranking no longer grows with another.
Answers that say nothing ("can't say") and answers to gold questions are not counted.
"""

from collections.abc import Sequence
from itertools import combinations

from argtree.evidence import Reliability, is_settled, label_prob, product_likelihood

MOST_RATERS = 5
"""Asked in all where those before leave a question unsettled, unless more were wanted first."""

APART = 3.0
"""Two numbers disagree where they are further apart than this many standard deviations of their difference."""


def raters_wanted(
    wanted: int, said: Sequence[tuple[float, Reliability]] = (), numbers: Sequence[tuple[float, float]] = ()
) -> int:
    """Returns how many raters a question wants that so far wanted `wanted`: as many, or one more.

    Args:
        wanted: at least 1.
        said: what each rater who stated one gave as the probability of the claim, in [0, 1], and how reliable they are.
        numbers: for a question about a quantity, each rater's, with the standard deviation of its error.
    """
    if len(said) + len(numbers) < wanted or wanted >= MOST_RATERS:
        return wanted
    return wanted + (_is_open(said) or _are_apart(numbers))


def _is_open(said: Sequence[tuple[float, Reliability]]) -> bool:
    if not said or is_settled(label_prob(*product_likelihood(said))):
        return False
    are_split = any(prob > 0.5 for prob, _ in said) and any(prob < 0.5 for prob, _ in said)
    outright = (label_prob(*product_likelihood((prob, one) for _, one in said)) for prob in (0.0, 1.0))
    return are_split or not all(map(is_settled, outright))


def _are_apart(numbers: Sequence[tuple[float, float]]) -> bool:
    pairs = combinations(numbers, 2)
    return any(abs(a - b) > APART * (sd_a**2 + sd_b**2) ** 0.5 for (a, sd_a), (b, sd_b) in pairs)
