"""What learning a number would be worth: the expected value of partial perfect information.

With g(x) = P(root | the number is x, evidence) the value is E[h(g(x))] - h(E[g(x)]) for a convex h: the square for
`variance_reduction`, the distance from P(root) for `expected_shift`, negative entropy for `mutual_information`. Where
only thresholds count g is constant between them, and the value exact. Where numbers are compared, what g is beyond
that is a regression on samples (Strong, Oakley and Brennan 2014, "Estimating multiparameter partial expected value of
perfect information from a probabilistic sensitivity analysis sample", *Medical Decision Making* 34(3)). Not here: what
a measurement with an error would be worth, which is less.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from scipy.interpolate import BSpline
from scipy.special import rel_entr

from argtree.distributions import FloatArray
from argtree.graph import Argument, ArgumentGraph, Claim, Premise, Threshold
from argtree.propagate import propagate
from argtree.quantities import Cluster, State, clusters, holds, states
from argtree.value import MEASURES, Measure

SAMPLES = 20_000
"""Joint samples of quantities that are compared."""

_PIECES = 8  # of the spline, evenly over the quantity's probability, besides the breaks at its thresholds
_DEGREE = 3
_NEGLIGIBLE = 1e-14  # a root's probability that varies less than this over the states does not rest on them


class Propagated(Protocol):
    """What this module needs of a propagation: see `Propagation`."""

    @property
    def prob(self) -> FloatArray: ...

    def roots_given(self, claim: str) -> tuple[FloatArray, FloatArray]: ...


@dataclass(frozen=True)
class QuantityValue:
    """The worth of learning one number exactly."""

    quantity: str  # the quantity's id
    value: float  # in the units of the measure, at least 0
    standard_error: float  # of `value`; 0 where it is exact


@dataclass(frozen=True)
class _Outlook:
    """What the states of a cluster's claims mean for the roots."""

    cluster: Cluster
    states: tuple[State, ...]  # S, those that are possible given the evidence
    prob: FloatArray  # [S] P(state | evidence)
    root_if: FloatArray  # [S, R] P(root | state, evidence), of the roots that rest on the cluster
    weights: FloatArray  # [R] of those roots


def quantity_values(
    graph: ArgumentGraph,
    measure: Measure,
    rng: np.random.Generator,
    propagate_fn: Callable[[ArgumentGraph], Propagated] = propagate,
) -> list[QuantityValue]:
    """Returns the worth of each quantity that claims rest on, in the graph's order of quantities.

    One propagation of a graph that has a claim for every state of every cluster gives the states' probabilities and
    the roots' given each of them, under all the evidence; the rest is integration over the numbers. Where that
    propagation samples, its own error comes on top of the standard error here.

    Args:
        graph: with quantities; none gives an empty list.
        measure: see `value_of_information`; the values of several roots add up by weight.
        rng: for the samples; not used where the value is exact.
        propagate_fn: `propagate`, or the same with another budget.

    Raises:
        ValueError: no such measure.
        ArgtreeError: what `propagate` and `clusters` raise.
    """
    if measure not in MEASURES:
        raise ValueError(f"the measure is {measure!r}; it must be one of {', '.join(MEASURES)}")
    found = clusters(graph)
    if not found:
        return []
    values: dict[str, QuantityValue] = {}
    for outlook in _outlooks(graph, found, propagate_fn):
        worth = _exact(outlook, measure) if outlook.cluster.is_chain else _regressed(outlook, measure, rng)
        values |= {one.quantity: one for one in worth}
    return [values[quantity.id] for quantity in graph.quantities if quantity.id in values]


def quantity_worths(graph: ArgumentGraph) -> dict[str, float]:
    """Returns the variance reduction of each quantity that claims rest on, by id, always with the same samples.

    One within two standard errors of 0 is taken as 0: nobody need be asked for it.
    """
    found = quantity_values(graph, "variance_reduction", np.random.default_rng(0))
    return {one.quantity: one.value if one.value > 2 * one.standard_error else 0.0 for one in found}


def _outlooks(
    graph: ArgumentGraph, found: Sequence[Cluster], propagate_fn: Callable[[ArgumentGraph], Propagated]
) -> list[_Outlook]:
    """Propagates a graph with one more claim for each state: the conjunction of what holds in it."""
    possible = [_cells(cluster) if cluster.is_chain else list(states(cluster)) for cluster in found]
    taken = {claim.id for claim in graph.claims} | {argument.id for argument in graph.arguments}
    prefix = "state-"
    while any(name.startswith(prefix) for name in taken):
        prefix += "-"
    marks: list[Claim] = []
    reasons: list[Argument] = []
    for cluster, some in zip(found, possible, strict=True):
        for state in some:
            marks.append(Claim(f"{prefix}{len(marks)}", "", 0.0, askable=False))
            premises = _literals(cluster, state)
            reasons.append(Argument(marks[-1].id, marks[-1].id, "support", 1.0, premises))
    marked = replace(graph, claims=(*graph.claims, *marks), arguments=(*graph.arguments, *reasons))
    result = propagate_fn(marked)
    prob = result.prob[len(graph.claims) :]
    root_if = np.array([result.roots_given(mark.id)[0] for mark in marks]).reshape(len(marks), len(graph.roots))
    weights = np.array([root.weight for root in graph.roots], dtype=np.float64)
    outlooks, start = [], 0
    for cluster, some in zip(found, possible, strict=True):
        rows = slice(start, start := start + len(some))
        outlooks.append(_outlook(cluster, some, prob[rows], root_if[rows], weights))
    return outlooks


def _outlook(
    cluster: Cluster, possible: Sequence[State], prob: FloatArray, root_if: FloatArray, weights: FloatArray
) -> _Outlook:
    kept = (prob > 0) & np.isfinite(root_if).all(axis=1)
    prob, root_if = prob[kept] / prob[kept].sum(), root_if[kept]
    rests = np.ptp(root_if, axis=0) > _NEGLIGIBLE
    names = tuple(state for state, keep in zip(possible, kept.tolist(), strict=True) if keep)
    return _Outlook(cluster, names, prob, root_if[:, rests], weights[rests])


def _cells(cluster: Cluster) -> list[State]:
    """Returns the states of thresholds of one quantity: between each two neighbours one, and one at either end."""
    said = [claim.about for claim in cluster.claims if isinstance(claim.about, Threshold)]
    tops = [*sorted({one.value for one in said}), np.inf]
    return [tuple((one.value >= top) == (one.relation == "<") for one in said) for top in tops]


def _literals(cluster: Cluster, state: State) -> tuple[Premise, ...]:
    """Returns premises that hold in this state alone: of a chain the two thresholds around the cell are enough."""
    literals = list(map(Premise, (claim.id for claim in cluster.claims), state))
    if not cluster.is_chain:
        return tuple(literals)
    is_below = [
        said == (claim.about is not None and claim.about.relation == "<")
        for claim, said in zip(cluster.claims, state, strict=True)
    ]
    first = is_below.index(True) if True in is_below else len(is_below)
    return tuple(literals[max(first - 1, 0) : first + 1])


def _exact(outlook: _Outlook, measure: Measure) -> list[QuantityValue]:
    mean = outlook.prob @ outlook.root_if
    worth = float(outlook.prob @ _gain(measure, outlook.root_if, mean, mean) @ outlook.weights)
    return [QuantityValue(outlook.cluster.beliefs[0][0], worth, 0.0)]


def _regressed(outlook: _Outlook, measure: Measure, rng: np.random.Generator) -> list[QuantityValue]:
    """Draws the numbers before the evidence on claims and weighs each draw by P(state | evidence) / P(state)."""
    uniforms = {name: rng.random(SAMPLES) for name, _ in outlook.cluster.beliefs}
    numbers = {name: np.asarray(belief.ppf(uniforms[name])) for name, belief in outlook.cluster.beliefs}
    said = np.array([holds(claim.about, numbers) for claim in outlook.cluster.claims if claim.about is not None])
    powers = 2 ** np.arange(len(said))
    row_of = np.full(2 ** len(said), -1)
    row_of[[int(np.dot(state, powers)) for state in outlook.states]] = np.arange(len(outlook.states))
    rows = row_of[powers @ said]
    before = states(outlook.cluster)
    ratio = outlook.prob / np.array([before[state] for state in outlook.states])
    weight = np.where(rows >= 0, ratio[rows], 0.0)
    target = outlook.root_if[rows]  # [N, R]: all that the numbers tell about the roots goes through the state
    mean = outlook.prob @ outlook.root_if
    found = []
    for name, belief in outlook.cluster.beliefs:
        own = _own_thresholds(outlook.cluster, name)
        base, low, high = _given_cells(outlook, list(own))
        exact = outlook.prob @ _gain(measure, base, mean, mean) @ outlook.weights
        basis = _spline(uniforms[name], belief.cdf(np.array(list(own.values()))))
        known = base[rows], low[rows], high[rows]
        more = _cross_fitted(measure, basis, weight, target, known, mean, rng) @ outlook.weights
        error = float(more.std(ddof=1) / np.sqrt(SAMPLES))
        found.append(QuantityValue(name, float(exact) + max(float(more.mean()), 0.0), error))
    return found


def _own_thresholds(cluster: Cluster, name: str) -> dict[int, float]:
    """Returns, by their place in the cluster, the thresholds of one quantity's claims."""
    about = enumerate(claim.about for claim in cluster.claims)
    return {i: said.value for i, said in about if isinstance(said, Threshold) and said.quantity == name}


def _given_cells(outlook: _Outlook, own: list[int]) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Returns what is known of g without samples: [S, R] P(root | which of these claims hold, evidence), and bounds."""
    cells: dict[State, int] = {}
    cell = np.array([cells.setdefault(tuple(state[i] for i in own), len(cells)) for state in outlook.states])
    shape = (len(cells), outlook.root_if.shape[1])
    joint, low, high = np.zeros(shape), np.ones(shape), np.zeros(shape)
    np.add.at(joint, cell, outlook.prob[:, np.newaxis] * outlook.root_if)
    np.minimum.at(low, cell, outlook.root_if)
    np.maximum.at(high, cell, outlook.root_if)
    base = np.clip(joint / np.bincount(cell, outlook.prob)[:, np.newaxis], low, high)
    return base[cell], low[cell], high[cell]


def _cross_fitted(
    measure: Measure,
    basis: FloatArray,
    weight: FloatArray,
    target: FloatArray,
    known: tuple[FloatArray, FloatArray, FloatArray],
    mean: FloatArray,
    rng: np.random.Generator,
) -> FloatArray:
    """Returns [N, R] terms whose mean estimates E[h(g) - h(base)], with an error that is their spread over sqrt(N).

    What g is beyond its base is fitted on one half and used on the other, and h(g) gets the correction h'(g) (target -
    g), so that what the fit gets wrong counts in second order only and the fit's own noise is not taken for value
    (Chernozhukov et al. 2018, "Double/debiased machine learning", *Econometrics Journal* 21(1)).
    """
    base, low, high = known
    terms = np.empty_like(target)
    first = rng.permutation(len(weight)) < len(weight) // 2
    for fitted, used in ((first, ~first), (~first, first)):
        root = np.sqrt(weight[fitted])[:, np.newaxis]
        residual = target[fitted] - base[fitted]
        coefficients = np.linalg.lstsq(basis[fitted] * root, residual * root, rcond=None)[0]
        guess = np.clip(base[used] + basis[used] @ coefficients, low[used], high[used])
        gain = _gain(measure, guess, base[used], mean)
        correction = _slope(measure, guess, base[used], mean) * (target[used] - guess)
        terms[used] = weight[used, np.newaxis] * (gain + correction)
    return terms


def _gain(measure: Measure, guess: FloatArray, base: FloatArray, mean: FloatArray) -> FloatArray:
    """Returns h(guess) - h(base) - h'(base) (guess - base): never negative, and the last term is 0 on average."""
    if measure == "variance_reduction":
        return np.asarray((guess - base) ** 2)
    if measure == "expected_shift":
        return np.abs(guess - mean) - np.abs(base - mean) - np.sign(base - mean) * (guess - base)
    return np.asarray(np.maximum(rel_entr(guess, base) + rel_entr(1 - guess, 1 - base), 0.0))


def _slope(measure: Measure, guess: FloatArray, base: FloatArray, mean: FloatArray) -> FloatArray:
    """Returns the derivative of `_gain` by the guess."""
    if measure == "variance_reduction":
        return 2 * (guess - base)
    if measure == "expected_shift":
        return np.sign(guess - mean) - np.sign(base - mean)
    inside, around = (np.clip(prob, 1e-12, 1 - 1e-12) for prob in (guess, base))
    return np.asarray(np.log(inside / around) - np.log((1 - inside) / (1 - around)))


def _spline(places: FloatArray, breaks: FloatArray) -> FloatArray:
    """Returns [N, K] cubic B-splines on [0, 1] that may jump at the breaks, where g does."""
    jumps = [0.0, *np.unique(breaks[(breaks > 0) & (breaks < 1)]).tolist(), 1.0]
    smooth = [knot for knot in (np.arange(1, _PIECES) / _PIECES).tolist() if knot not in jumps]
    knots = np.sort([*smooth, *np.repeat(jumps, _DEGREE + 1).tolist()])
    return np.asarray(BSpline.design_matrix(places, knots, _DEGREE).toarray())
