"""Roots, posteriors and the most valuable questions, kept right while answers and new arguments come in.

For forests: every claim stands in at most one place as a premise, and the roots are tops. What each operation costs,
with `depth` for the claims from a claim up to its top and `arity` for what a claim on that path has to read, its
arguments and the premises of the one argument that has changed:

    answer, expand   O(depth * arity + log roots), stopping early where a change no longer reaches
    root_prob        O(1)
    posterior        O(depth * arity)
    top, ranked      best first down a tournament of subtree bests, exact in every case (see `LiveForest.ranked`)

Not here: graphs that share premises (`propagate`), raters who err (their answers come as likelihoods).
"""

from __future__ import annotations

import sys
from bisect import bisect_left, insort
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from heapq import heappop, heappush
from itertools import count, islice

import numpy as np

from argtree.compiled import UNKNOWN, CompiledGraph, IntArray, compile_graph, fold_certain
from argtree.errors import ImpossibleEvidenceError
from argtree.forest import NOWHERE, ContradictionError, build_forest
from argtree.forest_view import View, bound, posterior, view_claim, view_premises, view_top, worth
from argtree.graph import Argument, ArgumentGraph, Claim
from argtree.quantities import expand_quantities
from argtree.rank import CERTAIN_WITHIN, Ranked
from argtree.value import MEASURES, Measure, check_measure


class LiveForest:
    """A forest of claims that takes answers and arguments one at a time.

    Claims that are certain from the start, by evidence or because priors and strengths leave one state, may stand in
    several places: no answer about them tells the claims above anything. In a graph that has such places, claims
    certain by priors and strengths cannot be expanded, as that could undo it.
    """

    def __init__(self, graph: ArgumentGraph) -> None:
        """Works out all messages, in time linear in the graph.

        Raises:
            ValueError: a claim that is not certain stands in two places (of one quantity's thresholds each counts as a
                premise of the next), or a root is a premise; named.
            ImpossibleEvidenceError: the evidence has probability zero.
        """
        self._claims = list(graph.claims)
        graph = expand_quantities(graph)
        whole = compile_graph(graph)
        compiled, self._state = _one_place_each(graph, whole)
        self._old_index, self._new_index = graph.index, dict[str, int]()
        argued = whole.is_argued.tolist()
        asked = [not of if one.askable is None else one.askable for one, of in zip(graph.claims, argued, strict=True)]
        try:
            self._forest = build_forest(compiled, asked, graph.topological_order)
        except ContradictionError as error:
            raise self._impossible(error) from error
        for root in graph.roots:
            if self._forest.user[graph.index[root.claim]] != NOWHERE:
                raise ValueError(
                    f"the root {root.claim!r} is a premise; in a live forest roots are tops: use propagate"
                )
        self._weights = {graph.index[root.claim]: root.weight for root in graph.roots if root.weight > 0}
        self._bounds = {measure: {top: self._bound(top, measure) for top in self._weights} for measure in MEASURES}
        # for each measure (-bound, top), the best first: which tree to look into next
        self._order = {of: sorted((-bound, top) for top, bound in self._bounds[of].items()) for of in MEASURES}

    def answer(self, claim_id: str, likelihoods: tuple[float, float]) -> None:
        """Takes in an answer about a claim: multiplies its label by it.

        Args:
            claim_id: which claim.
            likelihoods: (P(answer | claim false), P(answer | claim true)), see `answer_likelihood`; (0, 1) is certain.

        Raises:
            KeyError: no such claim.
            ValueError: a likelihood is not in [0, 1].
            ImpossibleEvidenceError: the answer contradicts what is certain; nothing was changed.
        """
        row, forest = self._row(claim_id), self._forest
        if not all(0 <= one <= 1 for one in likelihoods):
            raise ValueError(
                f"the likelihoods of an answer about {claim_id!r} are {likelihoods}; they must lie in [0, 1]"
            )
        before = forest.label_false[row], forest.label_true[row]
        label = [_product(one, other) for one, other in zip(before, likelihoods, strict=True)]
        larger = max(label)
        if larger == 0:
            raise ImpossibleEvidenceError(f"the answers about {claim_id!r} contradict each other")
        forest.label_false[row], forest.label_true[row] = label[0] / larger, label[1] / larger
        try:
            self._place(forest.climb(row))
        except ContradictionError as error:
            forest.label_false[row], forest.label_true[row] = before
            forest.climb(row)
            raise self._impossible(error) from error

    def expand(
        self, claim_id: str, claims: Iterable[Claim], arguments: Iterable[Argument], prior: float | None = None
    ) -> None:
        """Adds arguments about a claim, and the claims that they rest on. The ids of arguments play no part.

        Args:
            claim_id: the conclusion of all the arguments.
            claims: new claims, each in exactly one place of the arguments.
            arguments: all of whose premises are among `claims`.
            prior: P(claim) when no argument fires, to replace the one so far; None keeps it.

        Raises:
            KeyError: no such claim.
            ValueError: anything of that is not so, or the claim is certain whatever argues about it.
            ImpossibleEvidenceError: the arguments contradict what is certain; nothing was changed.
        """
        row, forest = self._row(claim_id), self._forest
        before = forest.arguments[row], forest.prior[row], forest.is_asked[row]
        num_claims, num_arguments = len(forest.prior), len(forest.strength)
        part = ArgumentGraph((Claim(claim_id, "", before[1] if prior is None else prior), *claims), tuple(arguments))
        self._check_expansion(row, part)
        for claim in part.claims[1:]:
            forest.add_claim(claim.prior, claim.askable is not False)
        for argument in part.arguments:
            premises = [(num_claims - 1 + part.index[one.claim], one.holds) for one in argument.premises]
            forest.add_argument(row, argument.polarity == "support", argument.strength, premises)
        forest.prior[row] = part.claims[0].prior
        if part.arguments and self._claims[row].askable is None:
            forest.is_asked[row] = False
        try:
            self._place(forest.climb(row))
        except ContradictionError as error:
            forest.arguments[row], forest.prior[row], forest.is_asked[row] = before
            forest.shrink(num_claims, num_arguments)
            forest.climb(row)
            raise self._impossible(error) from error
        self._new_index |= {claim.id: num_claims + i for i, claim in enumerate(part.claims[1:])}
        self._claims.extend(part.claims[1:])

    def root_prob(self, top_id: str) -> float:
        """Returns P(top | evidence), for any claim that is nobody's premise.

        Raises:
            KeyError: no such claim.
            ValueError: the claim is a premise.
        """
        row = self._row(top_id)
        if self._forest.user[row] != NOWHERE:
            raise ValueError(f"{top_id!r} is a premise, not a top; its probability is its `posterior`")
        return self._forest.true_prob[row]

    def posterior(self, claim_id: str) -> float:
        """Returns P(claim | evidence).

        Raises:
            KeyError: no such claim.
        """
        return posterior(self._forest, view_claim(self._forest, self._row(claim_id)))[0]

    def top(self, k: int, measure: Measure = "variance_reduction") -> list[Ranked]:
        """Returns the first k of `ranked`; fewer if fewer are worth anything."""
        return list(islice(self.ranked(measure), k))

    def ranked(self, measure: Measure = "variance_reduction") -> Iterator[Ranked]:
        """Yields the claims that may be asked and are not certain, best first, while an answer is worth more than 0.

        The values are exact, and no claim is left out: the search opens claims in the order of an upper bound on
        everything at or below them (a heap; Hart, Nilsson and Raphael 1968) and yields what beats all bounds left.
        Opening a claim costs its arity. How many are opened for the k best:

        - `expected_shift`: the bound is attained, whatever the evidence, so only claims on the paths to the k best
          are: at most k * depth.
        - `variance_reduction`: the same while no argued claim carries evidence. Below one that does, the bound may
          be above what is attained, by at most max(G) / min(G) of the likelihoods G that speak about the claim from
          its label and from above, and never above the claim's own value; no useful limit on how many are opened.
        - `mutual_information`: the bound on variance reduction, times the largest ratio of divergence to squared
          change between the root's P(root | claim) and P(root | not claim), which nears attained as claims get
          less decisive; no limit on how many are opened, in practice few more.

        Where values are equal the order is arbitrary. To be used up before the next answer or expansion.

        Raises:
            ValueError: no such measure.
        """
        check_measure(measure)
        return self._ranked(measure)

    def _ranked(self, measure: Measure) -> Iterator[Ranked]:
        forest, number = self._forest, count()
        heap: list[tuple[float, int, View, float | None]] = []  # -bound, tie-break, claim, P(claim) where scored
        trees = iter(self._order[measure])
        tree = next(trees, None)
        while heap or tree:
            while tree and (not heap or tree[0] <= heap[0][0]):
                heappush(heap, (tree[0], next(number), view_top(tree[1]), None))
                tree = next(trees, None)
            negative, _, view, prob = heappop(heap)
            if negative == 0:
                return
            if prob is not None:
                claim = self._claims[view.claim]
                yield Ranked(claim.id, claim.text, prob, -negative, 0.0)
                continue
            weight = self._weights[view.top]
            if forest.is_asked[view.claim]:
                yes, no = posterior(forest, view)
                if min(yes, no) > CERTAIN_WITHIN:
                    heappush(heap, (-weight * worth(forest, view, measure), next(number), view, yes))
            for below in view_premises(forest, view):
                heappush(heap, (-weight * bound(forest, below, measure), next(number), below, None))

    def _bound(self, top: int, measure: Measure) -> float:
        return self._weights[top] * bound(self._forest, view_top(top), measure)

    def _place(self, top: int | None) -> None:
        """Puts a changed tree where it now belongs in the order of trees."""
        if top not in self._weights:
            return
        for measure, order in self._order.items():
            bounds = self._bounds[measure]
            del order[bisect_left(order, (-bounds[top], top))]
            bounds[top] = self._bound(top, measure)
            insort(order, (-bounds[top], top))

    def _row(self, claim_id: str) -> int:
        row = self._new_index.get(claim_id)
        return self._old_index[claim_id] if row is None else row

    def _check_expansion(self, row: int, part: ArgumentGraph) -> None:
        name = part.claims[0].id
        if self._claims[row].about is not None:
            raise ValueError(f"{name!r} is about a quantity, so no argument may conclude it")
        if row < len(self._state) and self._state[row] != UNKNOWN:
            raise ValueError(f"{name!r} is certain whatever argues about it, and taken as such; it cannot be expanded")
        for claim in part.claims[1:]:
            if claim.id in self._new_index or claim.id in self._old_index:
                raise ValueError(f"there is a claim {claim.id!r} already")
        for argument in part.arguments:
            if argument.conclusion != name:
                raise ValueError(f"argument {argument.id!r} is about {argument.conclusion!r}, not about {name!r}")
        places = Counter(premise.claim for argument in part.arguments for premise in argument.premises)
        for claim in part.claims[1:]:
            if places[claim.id] != 1:
                raise ValueError(
                    f"{claim.id!r} stands in {places[claim.id]} places of the new arguments; it must be one"
                )

    def _impossible(self, error: ContradictionError) -> ImpossibleEvidenceError:
        return ImpossibleEvidenceError(
            f"what is said about {self._claims[error.claim].id!r} has probability 0, given what is said below it"
        )


def _one_place_each(graph: ArgumentGraph, compiled: CompiledGraph) -> tuple[CompiledGraph, IntArray]:
    """Returns the arrays, folded only where needed, and the states of claims that folding took as fixed.

    Raises:
        ValueError: a claim that is not certain stands in several places.
    """
    if not (compiled.num_uses > 1).any():
        return compiled, np.empty(0, dtype=np.intp)
    compiled, state = fold_certain(compiled)
    shared = np.flatnonzero(compiled.num_uses > 1)
    if len(shared):
        name = graph.claims[shared[0]].id
        raise ValueError(f"{name!r} stands in {compiled.num_uses[shared[0]]} places as a premise: use propagate")
    state = np.where((compiled.evidence == 0).any(axis=1), UNKNOWN, state)  # these keep their arguments
    return replace(compiled, prior=np.where(state == UNKNOWN, compiled.prior, state)), state


def _product(one: float, other: float) -> float:
    """Returns the product, above 0 if both are: many answers are not a certain one."""
    return max(one * other, sys.float_info.min) if one > 0 and other > 0 else 0.0
