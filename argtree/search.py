"""What to expand next: pure choices on a graph and its propagation, no model and no store.

To first order, learning all there is to learn about a claim takes (dr/dp)^2 Var(p) off a root's variance, where p is
the claim's probability (docs/design.md, "Exploring"). On an argument graph r = P(r | not c) + p (P(r | c) - P(r | not
c)) is linear in p, so dr/dp is the difference that the propagation already holds.
"""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from argtree.propagate import Propagation

MIN_GAIN = 1e-7  # of root variance: an expansion that promises less is not worth a model call


def expansion_gains(result: Propagation, variances: Mapping[str, float]) -> npt.NDArray[np.float64]:
    """How much of the roots' variance each claim's expansion could remove, to first order, [C]; weighted over roots.

    Args:
        result: the propagation of the graph as it stands.
        variances: Var(p) of the claims that can be expanded, in [0, 1/4], by claim id; other claims gain nothing.

    Raises:
        KeyError: a claim of `variances` is not in the graph.
    """
    spread = np.zeros(len(result.prob))
    for claim, variance in variances.items():
        spread[result.graph.index[claim]] = variance
    return spread * result.shift()


def choose_expansion(result: Propagation, variances: Mapping[str, float], min_gain: float = MIN_GAIN) -> str | None:
    """The claim whose expansion could move the roots most, or None where none promises `min_gain`.

    Of equals the first in the graph is taken, so the same graph always gives the same choice.
    """
    if not variances:
        return None
    gains = expansion_gains(result, variances)
    best = int(np.argmax(gains))
    return result.graph.claims[best].id if gains[best] >= min_gain else None
