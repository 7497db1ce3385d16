"""When an expansion no longer pays: model tokens against raters' time, both in rater-seconds.

What could be done next competes in one currency, expected information about the roots per rater-second (docs/design.md,
"Exploring"); tokens count at a price that the operator sets. Pure. Not here: what a question is worth (`argtree.rank`),
whether a decision is settled (`argtree.stopping`: it takes propagations by the hundred for each root).
"""

from argtree.rank import DEFAULT_SECONDS
from argtree.search import Frontier

TOKEN_PRICE = 0.1
"""Rater-seconds that 1,000 model tokens count as by default.

At 20 dollars an hour a rater's second costs 0.6 cents. A small model on one's own machine comes to some 0.05 cents for
1,000 tokens, a large hosted one to ten times as much and more: a price of 1 or above then.
"""

EXPANSION_TOKENS = 2_000.0
"""What an expansion is taken to cost before any was measured: a dozen prompts and replies of a general model."""


def least_gain(
    question_value: float, expansion_tokens: float, token_price: float, question_seconds: float = DEFAULT_SECONDS
) -> float:
    """Returns the gain, in root variance, from which on an expansion tells more per rater-second than a question.

    Args:
        question_value: `variance_reduction` of the best open question, weighted over roots as gains are; at least 0.
        expansion_tokens: that an expansion costs, at least 0.
        token_price: rater-seconds per 1,000 tokens, at least 0.
        question_seconds: of a rater, that the answer takes, above 0.
    """
    return question_value / question_seconds * expansion_tokens / 1000 * token_price


def paying(frontier: Frontier, gain: float) -> Frontier:
    """Returns the frontier without the claims whose expansion promises less than this gain.

    Roots that nothing argues for or against yet stay: what there is to ask about them is only known once they are
    expanded.

    Args:
        frontier: what could be expanded.
        gain: of root variance, from `least_gain`.
    """
    kept = frontier.gains >= gain
    kept[frontier.bare_roots()] = True
    return frontier.among(kept)
