"""Posteriors of all claims, and how much each claim moves each root, by the cheapest layers that fit.

f(lambda) = sum_x prod_c P(x_c | pa_c) lambda_c[x_c] is the probability of the evidence, and its derivative by
lambda_c[v] is P(c = v, evidence on the other claims) (Darwiche 2003, "A Differential Approach to Inference in
Bayesian Networks"); with root r held at s besides, the derivatives give P(r | c = v, e) for every claim c at once.

The graph is taken apart at claims that alone connect what is below them with the rest (`modules`). Trees of such claims
are solved by sweeps (`sweep`), entangled cores by a solver each (`layers`), and only their messages meet here. Exact
unless a core had to be sampled: then everything is worked out once for each jackknife replicate too, and the
differences between replicates are its standard errors.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from argtree.budget import Budget
from argtree.compiled import CompiledGraph, FloatArray, IntArray, compile_graph, fold_certain
from argtree.core import Layer
from argtree.errors import ImpossibleEvidenceError, TooEntangledError
from argtree.evidence import Reliability
from argtree.graph import ArgumentGraph
from argtree.influence import Influence
from argtree.layers import Allowance
from argtree.plan import Found, Plan, make_plan
from argtree.quantities import expand_quantities
from argtree.sampling import jackknife_error
from argtree.value import PERFECT, Measure, check_measure, value_of_information
from argtree.views import Views, by_root, whole


@dataclass(frozen=True, eq=False)
class Propagation:
    """What follows from a graph. Axes: C claims in the order of `graph.claims`, R roots in that of `graph.roots`."""

    graph: ArgumentGraph
    prob: FloatArray  # [C] P(claim | evidence)
    complement: FloatArray  # [C] 1 - prob, worked out by itself: where prob is near 1 it has more digits
    influence: Influence  # P(root | claim) - P(root | not claim), 0 where the claim is certain
    layers: tuple[Layer, ...] = ("tree",)  # how it was solved, cheapest first; with "sampling" it is not exact
    replicates: tuple[Propagation, ...] = ()  # the jackknife replicates of sampling: each without one group of samples

    @property
    def exact(self) -> bool:
        """Whether the figures are exact up to rounding."""
        return not self.replicates

    @cached_property
    def root_prob(self) -> FloatArray:
        """[R] P(root | evidence)."""
        return self.prob[self._root_rows]

    @cached_property
    def difference(self) -> FloatArray:
        """[R, C] P(root | claim) - P(root | not claim), signed; 0 where one of the two is impossible."""
        return self.influence.dense()

    @cached_property
    def root_if_true(self) -> FloatArray:
        """[R, C] P(root | claim true, evidence); NaN where the claim cannot be true."""
        found = np.clip(self.root_prob[:, np.newaxis] + self.complement * self.difference, 0.0, 1.0)
        return np.where(self.prob > 0, found, np.nan)

    @cached_property
    def root_if_false(self) -> FloatArray:
        """[R, C] P(root | claim false, evidence); NaN where the claim cannot be false."""
        found = np.clip(self.root_prob[:, np.newaxis] - self.prob * self.difference, 0.0, 1.0)
        return np.where(self.complement > 0, found, np.nan)

    def roots_given(self, claim: str) -> tuple[FloatArray, FloatArray]:
        """Returns P(root | claim true, evidence) and P(root | claim false, evidence), [R] each; NaN where impossible.

        Raises:
            KeyError: no such claim.
        """
        row = self.graph.index[claim]
        difference, root_prob = self.influence.of_claim(row), self.root_prob
        if_true = np.clip(root_prob + self.complement[row] * difference, 0.0, 1.0)
        if_false = np.clip(root_prob - self.prob[row] * difference, 0.0, 1.0)
        impossible = np.full(len(root_prob), np.nan)
        return (if_true if self.prob[row] > 0 else impossible), (if_false if self.complement[row] > 0 else impossible)

    @cached_property
    def prob_error(self) -> FloatArray:
        """[C] standard error of `prob`; 0 where exact, infinite where no sample had one of a claim's states."""
        return jackknife_error(np.stack([one.prob for one in (self, *self.replicates)]))

    def value(self, measure: Measure = "variance_reduction", reliability: Reliability = PERFECT) -> FloatArray:
        """Returns [C] the value of an answer about each claim by such a rater, summed over roots by weight.

        Raises:
            ValueError: no such measure.
        """
        check_measure(measure)
        total = np.zeros(len(self.prob))
        for first, last in self.influence.portions():
            if last - first == 1:
                here, difference = self.influence.of_root(first)
                rho = self.root_prob[first]
                value = value_of_information(measure, self.prob[here], rho, difference, reliability)
                total[here] += self._weights[first] * value
            else:
                roots, claims, difference = self.influence.of_roots(first, last)
                value = value_of_information(measure, self.prob[claims], self.root_prob[roots], difference, reliability)
                total += np.bincount(claims, self._weights[roots] * value, len(total))
        return total

    def value_error(self, measure: Measure = "variance_reduction", reliability: Reliability = PERFECT) -> FloatArray:
        """Returns [C] the standard error of `value`; 0 where exact.

        Raises:
            ValueError: no such measure.
        """
        return jackknife_error(np.stack([one.value(measure, reliability) for one in (self, *self.replicates)]))

    def shift(self) -> FloatArray:
        """Returns [C] the squared distance between a claim's two answers, (r1 - r0)^2, summed over roots by weight.

        Times the variance of a belief it is what expanding the claim could take from the roots' variance, to
        first order. 0 where one of the answers is impossible.
        """
        return self.influence.summed(np.square, self._weights)

    def rivals(self, row: int) -> IntArray:
        """Returns the rows of the claims that move a root which the claim of this row moves."""
        found = [np.empty(0, dtype=np.intp)]
        for root in np.flatnonzero(self.influence.of_claim(row)).tolist():
            _, rows, difference = self.influence.of_roots(root, root + 1)
            found.append(rows[difference != 0])
        return np.concatenate(found)

    @cached_property
    def _root_rows(self) -> IntArray:
        return np.array([self.graph.index[root.claim] for root in self.graph.roots], dtype=np.intp)

    @cached_property
    def _weights(self) -> FloatArray:
        return np.array([root.weight for root in self.graph.roots], dtype=np.float64)


def propagate(graph: ArgumentGraph, budget: Budget = Budget(), *, only_askable: bool = False) -> Propagation:
    """Returns the posterior of every claim and how much every claim moves every root.

    Exact, and linear in the number of premises, where no premise is shared; where some are, exact if that fits the
    budget and else sampled, with standard errors (`Propagation.layers`, `exact`).

    Args:
        graph: to propagate.
        budget: of the whole.
        only_askable: work out how askable claims move roots, and how each root is moved by what is below it, only; the
            other differences may be left at 0. Then each root costs what it can see, and thousands of roots over one
            pool of premises are no matter.

    Raises:
        ImpossibleEvidenceError: the evidence has probability zero; the message names what contradicts.
        TooEntangledError: not even what is left to solve for each sample fits, or no sample fits the evidence.
    """
    return Propagator(budget, only_askable=only_askable)(graph)


class Propagator:
    """Propagates one graph after another; what is as it was in the last one is not prepared anew."""

    def __init__(
        self, budget: Budget = Budget(), *, only_askable: bool = False, clock_fn: Callable[[], float] = time.monotonic
    ) -> None:
        """Takes what `propagate` does.

        Args:
            budget: of each propagation.
            only_askable: see `propagate`.
            clock_fn: seconds on a steady clock, for the budget.
        """
        self.budget = budget
        self.only_askable = only_askable
        self.clock_fn = clock_fn
        self._plan: Plan | None = None

    def __call__(self, graph: ArgumentGraph) -> Propagation:
        """Returns what the function `propagate` does, and raises what it raises."""
        plain = expand_quantities(graph)
        try:
            folded, known = fold_certain(compile_graph(plain))
            views = self._views(graph, folded)
            known = known[views.claim]
            if self._plan is None or not self._plan.fits(views.graph, known, views.roots):
                allowance = Allowance(self.budget, self.clock_fn, self.clock_fn() + self.budget.seconds)
                self._plan = make_plan(views.graph, known, views.roots, allowance)
            found = self._plan.run(views.graph)
        except ImpossibleEvidenceError as error:
            raise ImpossibleEvidenceError(_name_the_impossible(graph, self.budget)) from error
        results = [_propagation(graph, views, one, self._plan.layers) for one in found]
        return replace(results[0], replicates=tuple(results[1:]))

    def _views(self, graph: ArgumentGraph, folded: CompiledGraph) -> Views:
        roots = np.array([graph.index[root.claim] for root in graph.roots], dtype=np.intp)
        if not self.only_askable or folded.num_uses.max(initial=0) <= 1:  # a forest costs no root more than it sees
            return whole(folded, roots)
        askable = np.fromiter((graph.is_askable(claim.id) for claim in graph.claims), np.bool_, len(graph.claims))
        return by_root(folded, roots, askable)


def _propagation(graph: ArgumentGraph, views: Views, found: Found, layers: tuple[Layer, ...]) -> Propagation:
    """Returns what was found at the places of the views, claim by claim."""
    prob, complement = np.empty(len(graph.claims)), np.empty(len(graph.claims))
    prob[views.claim], complement[views.claim] = found.prob, found.complement
    influence = Influence(len(graph.claims), views.claim, found.anchor, found.factor, found.at_anchor)
    return Propagation(graph, prob, complement, influence, layers)


def _name_the_impossible(graph: ArgumentGraph, budget: Budget) -> str:
    """Returns a sentence that names the first piece of certain evidence that contradicts what precedes it.

    Likelihoods above zero rule nothing out, so only certain evidence is searched, by halving.
    """
    for claim, pair in graph.evidence.items():
        if max(pair) == 0:
            return f"the evidence on {claim!r} is impossible whether it is true or false"
    certain = [claim for claim, pair in graph.evidence.items() if 0 in pair]
    possible, impossible = 0, len(certain)
    if not certain:
        return "the evidence has a probability too small to compute with"
    try:
        while impossible - possible > 1:
            middle = (possible + impossible) // 2
            if _is_possible(graph, certain[:middle], budget):
                possible = middle
            else:
                impossible = middle
    except TooEntangledError:  # certain evidence cuts a graph into parts; without some of it they hang together
        return f"the certain evidence, on {', '.join(map(repr, certain[:5]))}, contradicts the graph"
    before = f", given the evidence on {', '.join(map(repr, certain[:possible][-3:]))}" if possible else ""
    says = "false" if graph.evidence[certain[possible]][1] == 0 else "true"
    return f"the evidence says that {certain[possible]!r} is {says}, which has probability 0{before}"


def _is_possible(graph: ArgumentGraph, claims: list[str], budget: Budget) -> bool:
    part = replace(graph, evidence={claim: graph.evidence[claim] for claim in claims}, roots=())
    folded, known = fold_certain(compile_graph(expand_quantities(part)))
    allowance = Allowance(budget, time.monotonic, time.monotonic() + budget.seconds)
    try:
        make_plan(folded, known, np.empty(0, dtype=np.intp), allowance).run(folded)
    except ImpossibleEvidenceError:
        return False
    return True
