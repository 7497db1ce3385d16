"""What to ask first: claims in order of what an answer would be worth."""

from __future__ import annotations

from dataclasses import dataclass

from argtree.propagate import Propagation
from argtree.value import Measure

CERTAIN_WITHIN = 1e-12
"""A claim whose probability is this close to 0 or 1 is certain: nobody need be asked."""


@dataclass(frozen=True)
class Ranked:
    """One claim and the worth of an answer about it."""

    claim: str  # the claim's id
    text: str
    prob: float  # P(claim | evidence)
    value: float  # in the units of the measure, at least 0
    standard_error: float  # of `value`; 0 where it is exact


def rank(result: Propagation, measure: Measure = "variance_reduction", everything: bool = False) -> list[Ranked]:
    """Returns the askable claims that are not certain yet, highest value first; equals in the graph's order.

    Args:
        result: of `propagate`.
        measure: see `value_of_information`.
        everything: list every claim instead.

    Raises:
        ValueError: no such measure.
    """
    values = result.value(measure)
    ranked = [
        Ranked(claim.id, claim.text, float(prob), float(value), 0.0)
        for claim, prob, value in zip(result.graph.claims, result.prob, values, strict=True)
        if everything or (result.graph.is_askable(claim.id) and CERTAIN_WITHIN < prob < 1 - CERTAIN_WITHIN)
    ]
    return sorted(ranked, key=lambda one: -one.value)
