"""How the roots depend on the numbers put in: derivatives by every strength and every prior, from one propagation.

A strength w is the prior of a hidden premise of its argument, which then has strength 1; a prior is the prior of the
one hidden premise of a support of strength 1. Both leave P(claim | premises) as it was. With h the hidden claim, q
its prior, p_h = P(h | e) and d = P(r | h, e) - P(r | not h, e), the root's posterior is a ratio of two functions
linear in q, whose derivative comes to

    dP(r | e) / dq = d p_h (1 - p_h) / (q (1 - q))

(Castillo, Gutierrez and Hadi 1997; Chan and Darwiche 2002, on derivatives of posteriors by one parameter). At q = 0
it is a limit: q is then taken as 1e-30, so small that it changes nothing else, while p_h / q keeps its digits. For
numbers above one half h is negated, so that 1 is the same case as 0. Not here: how uncertain a parameter is.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from argtree.compiled import FloatArray
from argtree.graph import Argument, ArgumentGraph, Claim, Premise
from argtree.propagate import propagate
from argtree.quantities import expand_quantities
from argtree.what_if import Propagate

SHOWN_PARAMETERS = 10

_AS_GOOD_AS_ZERO = 1e-30


@dataclass(frozen=True)
class Parameter:
    """A number of the graph that somebody put in."""

    kind: Literal["prior", "strength"]
    id: str  # of the claim whose prior, or of the argument whose strength it is
    value: float  # in [0, 1]


@dataclass(frozen=True)
class Sensitivity:
    """What every parameter does to the roots. Axes: R roots in the graph's order, P parameters."""

    parameters: tuple[Parameter, ...]  # [P] priors in the order of claims, then strengths in that of arguments
    derivative: FloatArray  # [R, P] d P(root | evidence) / d parameter; one-sided at 0 and 1
    importance: FloatArray  # [P] sqrt(sum over roots of weight * derivative^2 * value (1 - value)), at least 0

    def top(self, k: int = SHOWN_PARAMETERS) -> tuple[Parameter, ...]:
        """Returns the k most important parameters, the most important first.

        A number w thought out with the care of n observations has variance w (1 - w) / (n + 1), so with equal care for
        all, importance is in proportion to how far the roots may be off for each; 0 and 1 count as meant.
        """
        order = np.argsort(-self.importance, kind="stable")[:k]
        return tuple(self.parameters[i] for i in order.tolist())


def sensitivity(graph: ArgumentGraph, propagate_fn: Propagate = propagate) -> Sensitivity:
    """Returns the derivative of every root's posterior by every prior and strength.

    Exact where propagation is; of a graph with quantities, for the plain claims that stand for them. Costs
    two propagations, one of a graph with C + A claims more.

    Raises:
        ImpossibleEvidenceError: the evidence has probability zero.
    """
    graph = expand_quantities(graph)
    propagate_fn(graph)  # evidence that the graph rules out must not pass for evidence of probability 1e-30
    parameters = tuple(_parameters(graph))
    mark = _mark(graph)
    hidden = [_Hidden.of(parameter, f"{mark}{i}") for i, parameter in enumerate(parameters)]
    result = propagate_fn(_unfolded(graph, hidden, mark))
    rows = [result.graph.index[one.claim.id] for one in hidden]
    prob, complement, prior = result.prob[rows], result.complement[rows], np.array([one.claim.prior for one in hidden])
    signs = np.array([1.0 if one.premise.holds else -1.0 for one in hidden])
    derivative = result.difference[:, rows] * (signs * (prob / prior) * (complement / (1 - prior)))
    weights = np.array([root.weight for root in graph.roots], dtype=np.float64)
    value = np.array([parameter.value for parameter in parameters])
    return Sensitivity(parameters, derivative, np.sqrt(weights @ derivative**2 * value * (1 - value)))


@dataclass(frozen=True)
class _Hidden:
    """A parameter as a claim of its own, and how an argument takes it."""

    claim: Claim
    premise: Premise

    @classmethod
    def of(cls, parameter: Parameter, id_: str) -> _Hidden:
        holds = parameter.value <= 0.5
        prior = max(parameter.value if holds else 1 - parameter.value, _AS_GOOD_AS_ZERO)
        return cls(Claim(id_, "", prior), Premise(id_, holds))


def _parameters(graph: ArgumentGraph) -> Iterator[Parameter]:
    for claim in graph.claims:
        yield Parameter("prior", claim.id, claim.prior)
    for argument in graph.arguments:
        yield Parameter("strength", argument.id, argument.strength)


def _unfolded(graph: ArgumentGraph, hidden: list[_Hidden], mark: str) -> ArgumentGraph:
    """Returns the graph with each parameter as a hidden premise, [C + A] in the order of `_parameters`."""
    of_priors, of_strengths = hidden[: len(graph.claims)], hidden[len(graph.claims) :]
    claims = [replace(claim, prior=0.0) for claim in graph.claims] + [one.claim for one in hidden]
    strengths = [
        replace(argument, strength=1.0, premises=(*argument.premises, one.premise))
        for argument, one in zip(graph.arguments, of_strengths, strict=True)
    ]
    priors = [
        Argument(f"{mark}{i}", claim.id, "support", 1.0, (one.premise,))
        for i, (claim, one) in enumerate(zip(graph.claims, of_priors, strict=True))
    ]
    return replace(graph, claims=tuple(claims), arguments=(*strengths, *priors))


def _mark(graph: ArgumentGraph) -> str:
    """Returns a beginning that no id in the graph has."""
    mark = "+"
    ids = [claim.id for claim in graph.claims] + [argument.id for argument in graph.arguments]
    while any(id_.startswith(mark) for id_ in ids):
        mark += "+"
    return mark
