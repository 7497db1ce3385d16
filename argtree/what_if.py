"""What if: the figures as they would be if claims were known, or known to have some probability. Nothing is stored.

A claim supposed to hold or to fail is certain evidence. A claim supposed to have a probability in between enters by
Jeffrey's rule (Jeffrey 1965, chapter 11): its posterior becomes that probability, and what the graph says given the
claim's state stays, which a likelihood ratio of odds(wanted) / odds(posterior) does (Pearl 1988, section 2.3.3).
Several are fitted one after the other until all hold at once (iterative proportional fitting, Deming and Stephan
1940), since "suppose it were 0.3" should be true of the figures shown, in whatever order the claims are named.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from math import isfinite

from argtree.errors import ImpossibleEvidenceError
from argtree.graph import ArgumentGraph
from argtree.propagate import Propagation, propagate

_WITHIN = 1e-9  # of the probability that a claim is supposed to have, or its standard error if that is larger
_MAX_FITS = 500

_Pair = tuple[float, float]


Propagate = Callable[[ArgumentGraph], Propagation]
"""`propagate`, or the same with a budget of its own."""


class Counted:
    """A `Propagate` that counts how often it is called."""

    def __init__(self, propagate_fn: Propagate) -> None:
        self.count = 0
        self._propagate = propagate_fn

    def __call__(self, graph: ArgumentGraph) -> Propagation:
        self.count += 1
        return self._propagate(graph)


def with_answers(graph: ArgumentGraph, answers: Mapping[str, tuple[float, float]]) -> ArgumentGraph:
    """Returns the graph with these answers as evidence besides what it has.

    Args:
        graph: any.
        answers: claim id -> (P(answer | claim false), P(answer | claim true)), as of `answer_likelihood`; (0, 1) holds
            the claim true. Only the ratio counts, so each is scaled to a largest likelihood of 1.

    Raises:
        ValueError: an unknown claim, or a likelihood out of [0, 1].
    """
    evidence = dict(graph.evidence)
    for claim, (if_false, if_true) in answers.items():
        l0, l1 = evidence.get(claim, (1.0, 1.0))
        pair = l0 * if_false, l1 * if_true
        largest = max(pair)
        evidence[claim] = (pair[0] / largest, pair[1] / largest) if largest > 0 else pair
    return replace(graph, evidence=evidence)


def suppose(result: Propagation, given: Mapping[str, float], propagate_fn: Propagate = propagate) -> Propagation:
    """Returns the propagation as it would be if each claim had the probability given for it.

    Its `graph` is the graph of `result` with more evidence: certain where 0 or 1 is given, combined with what is there.
    Fitting takes two propagations if the claims are independent, and some for each claim otherwise.

    Args:
        result: as it is now.
        given: claim id -> probability in [0, 1].
        propagate_fn: with which to propagate.

    Raises:
        KeyError: no such claim.
        ValueError: not a probability.
        ImpossibleEvidenceError: it contradicts the graph, the evidence, or itself.
    """
    for claim, prob in given.items():
        if not 0 <= prob <= 1:
            raise ValueError(f"the probability given for claim {claim!r} is {prob}; it must lie in [0, 1]")
    certain = {claim: (1.0 - prob, prob) for claim, prob in given.items() if prob in (0, 1)}
    fitted = {claim: prob for claim, prob in given.items() if claim not in certain}
    if certain:
        result = propagate_fn(with_answers(result.graph, _checked(result.graph, certain)))
    _refuse_certain(result, fitted)
    # All at once, which is right for independent claims; then the furthest off, one at a time. Both only multiply
    # evidence on these claims, and of such distributions just one has the wanted probabilities (Csiszar 1975).
    claims = [claim for claim, prob in fitted.items() if _distance(result, claim, prob) > 0]
    for _ in range(_MAX_FITS):
        if not claims:
            return result
        try:
            ratios = {claim: _ratio(result, claim, fitted[claim]) for claim in claims}
            result = propagate_fn(with_answers(result.graph, _checked(result.graph, ratios)))
        except (ZeroDivisionError, ImpossibleEvidenceError):  # they pull against each other without end
            break
        furthest = max(fitted, key=lambda claim: _distance(result, claim, fitted[claim]))
        claims = [furthest] if _distance(result, furthest, fitted[furthest]) > 0 else []
    listed = ", ".join(f"{claim!r} = {prob:g}" for claim, prob in list(fitted.items())[:5])
    raise ImpossibleEvidenceError(f"these probabilities cannot hold together: {listed}")


def _refuse_certain(result: Propagation, wanted: Mapping[str, float]) -> None:
    for claim, prob in wanted.items():
        if (now := float(result.prob[result.graph.index[claim]])) in (0, 1):
            says = "true" if now else "false"
            raise ImpossibleEvidenceError(f"{claim!r} is certainly {says}; it cannot be supposed to be {prob:g} likely")


def _distance(result: Propagation, claim: str, wanted: float) -> float:
    """Returns how far the claim's probability is from the wanted one; 0 within the tolerance."""
    row = result.graph.index[claim]
    distance, error = abs(float(result.prob[row]) - wanted), float(result.prob_error[row])
    return distance if distance > max(_WITHIN, error if isfinite(error) else 0.0) else 0.0


def _ratio(result: Propagation, claim: str, wanted: float) -> _Pair:
    """Returns the likelihoods that turn the claim's posterior into the wanted one."""
    prob = float(result.prob[result.graph.index[claim]])
    return (1 - wanted) / (1 - prob), wanted / prob


def _checked(graph: ArgumentGraph, likelihoods: Mapping[str, _Pair]) -> dict[str, _Pair]:
    """Returns the likelihoods, each scaled to a largest of 1.

    Raises:
        ImpossibleEvidenceError: one contradicts the evidence that the graph has on its claim.
    """
    for claim, pair in likelihoods.items():
        there = graph.evidence.get(claim, (1.0, 1.0))
        if max(there[0] * pair[0], there[1] * pair[1]) == 0:
            says, supposed = ("false", "true") if there[1] == 0 else ("true", "false")
            raise ImpossibleEvidenceError(
                f"the evidence says that {claim!r} is {says}; it cannot be supposed to be {supposed}"
            )
    return {claim: (pair[0] / max(pair), pair[1] / max(pair)) for claim, pair in likelihoods.items()}
