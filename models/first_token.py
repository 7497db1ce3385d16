"""How likely a reply begins with given words, from what a server shows: its likeliest first tokens, or replies drawn.

Pure functions; asking is in `models.server`.
"""

import math
from collections.abc import Sequence

import numpy as np

from models.base import FloatArray
from models.errors import BadReplyError
from models.wire import Alternative

LEAST_MASS = 0.01  # of all answers together: what a model hardly means to say tells nothing of what it believes
LEAST_LOG_PROB = -30.0  # servers write what they hold impossible as -9999 or minus infinity
_BLANKS = " \t\r\n\u2581\u0120\u010a"  # and how tokenizers spell a blank and a line break


def from_alternatives(alternatives: Sequence[Alternative], continuations: Sequence[str]) -> FloatArray:
    """Log-probability that a reply begins with each continuation, [K], from the likeliest first tokens.

    Blanks before a token don't count: some tokenizers put one before the first word. A continuation gets

    - the probability of the tokens that spell it whole, added;
    - else that of the longest token that spells its beginning: an upper bound, since what follows is not known. Of
      "no!" it is P("no");
    - else, not being listed, an upper bound too: as much as the least likely token listed, and together with the other
      ones not listed no more than the listed tokens leave over.

    Nothing falls below e^-30.

    Raises:
        BadReplyError: The continuations listed have less than 0.01 together: the model means to say something else,
            as one does that reasons first, and what is left over tells nothing.
    """
    masses: dict[str, float] = {}
    for one in alternatives:
        text = one.token.lstrip(_BLANKS)
        masses[text] = masses.get(text, 0.0) + _prob(one)
    found = [_listed(masses, continuation) for continuation in continuations]
    num_missing = found.count(None)
    if sum(one for one in found if one is not None) < LEAST_MASS:
        likeliest = max(alternatives, key=_prob).token
        raise BadReplyError(
            f"The model begins its reply with {likeliest[:40]!r} and not with {' or '.join(map(repr, continuations))}: "
            "take a model that answers at once, without reasoning first."
        )
    least = min(map(_prob, alternatives))
    rest = max(0.0, 1.0 - sum(map(_prob, alternatives))) / max(1, num_missing)
    probs = np.array([min(least, rest) if one is None else one for one in found])
    log_probs: FloatArray = np.log(np.clip(probs, math.exp(LEAST_LOG_PROB), 1.0))
    return log_probs


def _prob(one: Alternative) -> float:
    return math.exp(min(0.0, one.logprob))


def _listed(masses: dict[str, float], continuation: str) -> float | None:
    """The mass of the longest token that spells the continuation or its beginning; None where there is none."""
    for end in range(len(continuation), 0, -1):
        if continuation[:end] in masses:
            return masses[continuation[:end]]
    return None


def from_draws(replies: Sequence[str], continuations: Sequence[str]) -> FloatArray:
    """Logarithm of the share of replies, drawn at random, that begin with each continuation, [K]; -inf where none does.

    Shares as they are: what a few draws are worth is for whoever makes a belief of them (`models.beliefs.from_draws`).

    Blanks before a reply don't count, and a word must end where the continuation ends: "Nothing" doesn't begin with
    "No".

    Raises:
        BadReplyError: No reply begins with any of the continuations.
    """
    counts = np.array([sum(_begins(reply, one) for reply in replies) for one in continuations], dtype=np.float64)
    if not counts.any():
        raise BadReplyError(
            f"Of {len(replies)} replies none begins with {' or '.join(map(repr, continuations))}, but one with "
            f"{replies[0][:40]!r}: take a model that answers at once, without reasoning first."
        )
    with np.errstate(divide="ignore"):
        log_probs: FloatArray = np.log(counts / len(replies))
    return log_probs


def _begins(reply: str, continuation: str) -> bool:
    said = reply.lstrip()
    after = said[len(continuation) : len(continuation) + 1]
    return said.startswith(continuation) and not (continuation[-1:].isalnum() and after.isalnum())
