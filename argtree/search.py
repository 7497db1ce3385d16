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


def choose_expansions(
    result: Propagation, variances: Mapping[str, float], at_most: int = 1, min_gain: float = MIN_GAIN
) -> list[str]:
    """The claims whose expansions could move the roots most, best first; none where none promises `min_gain`.

    No two of them move a root in common, so what the expansion of one brings to light about the roots changes nothing
    about the gains of the others: expanded together they are as well chosen as one after the other. Of equals the
    first in the graph comes first, so the same graph always gives the same choice.

    Args:
        result, variances: see `expansion_gains`.
        at_most: how many, at least 1.
        min_gain: of root variance, above 0.
    """
    gains = expansion_gains(result, variances)
    chosen: list[str] = []
    is_moved = np.zeros(len(result.graph.roots), dtype=bool)
    for row in np.argsort(-gains, kind="stable").tolist():
        if len(chosen) == at_most or gains[row] < min_gain:
            break
        moves = result.influence.of_claim(row) != 0
        if not (moves & is_moved).any():
            chosen.append(result.graph.claims[row].id)
            is_moved |= moves
    return chosen
