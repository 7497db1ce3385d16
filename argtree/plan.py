"""How one graph is solved: its modules, the sweep over its gates and a solver for each core, prepared once.

A plan holds what depends on the structure and runs for any priors of claims without arguments, and for any likelihoods
on them that leave the same claims certain. Not here: which solver takes which core (`layers`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array

from argtree.compiled import UNKNOWN, CompiledGraph, FloatArray, IntArray
from argtree.core import Layer, Solution, Solver
from argtree.errors import ImpossibleEvidenceError
from argtree.layers import Allowance, prepare
from argtree.modules import Modules, Part, above, components, find_modules
from argtree.sampling import SamplingSolver
from argtree.sweep import Sweep, ratio


@dataclass(frozen=True, eq=False)
class Found:
    """The figures of one run, or of one jackknife replicate of it. Axes: C claims."""

    prob: FloatArray  # [C] P(claim | evidence)
    complement: FloatArray  # [C] one minus it, with its own digits
    anchor: IntArray  # [C] these three as in `influence.Influence`
    factor: FloatArray  # [C]
    at_anchor: csr_array  # [R, C]


@dataclass(frozen=True, eq=False)
class Plan:
    """A prepared graph."""

    graph: CompiledGraph  # folded
    known: IntArray  # [C] state of the claims that are certain, else UNKNOWN
    roots: IntArray  # [R]
    modules: Modules
    sweep: Sweep
    solvers: tuple[Solver, ...]  # one for each part of `modules`
    anchor: IntArray  # [C] the module or topmost core's claim through which each claim acts on the roots

    @property
    def layers(self) -> tuple[Layer, ...]:
        """Which layers solve it, cheapest first."""
        used = {solver.layer for solver in self.solvers}
        return ("tree", *(layer for layer in ("elimination", "diagram", "sampling") if layer in used))

    def fits(self, graph: CompiledGraph, known: IntArray, roots: IntArray) -> bool:
        """Whether it can run for another folded graph: the same but for priors of unargued claims and likelihoods."""
        mine = self.graph
        fixed = ("argument_start", "is_support", "strength", "premise_start", "premise", "holds")
        return (
            np.array_equal(known, self.known)
            and np.array_equal(roots, self.roots)
            and all(np.array_equal(getattr(graph, name), getattr(mine, name)) for name in fixed)
            and np.array_equal(graph.prior[mine.is_argued], mine.prior[mine.is_argued])
            and np.array_equal(graph.is_labelled & mine.is_argued, mine.is_labelled & mine.is_argued)
        )

    def run(self, graph: CompiledGraph) -> list[Found]:
        """Returns the figures and, where something was sampled, those of each jackknife replicate after them.

        Args:
            graph: one that the plan `fits`.

        Raises:
            ImpossibleEvidenceError: the evidence has probability zero.
        """
        first = _Run(self, graph, 0, None)
        found = [first.run()]
        num_replicates = max((len(solution.total) for _, solution in first.solved), default=1)
        return found + [_Run(self, graph, replicate, first).run() for replicate in range(1, num_replicates)]


def make_plan(graph: CompiledGraph, known: IntArray, roots: IntArray, allowance: Allowance) -> Plan:
    """Returns the plan of a folded graph; cores under a sampled core are sampled as part of it."""
    merged = np.empty(0, dtype=np.intp)
    while True:
        modules = find_modules(graph, roots, merged)
        solvers = tuple(prepare(part.core, allowance) for part in modules.parts)
        sampled = [part for part, solver in zip(modules.parts, solvers, strict=True) if solver.layer == "sampling"]
        inside = list(_between(graph, sampled))
        if not inside:
            for solver in solvers:
                if isinstance(solver, SamplingSolver):
                    solver.seconds = allowance.seconds_left / len(sampled)
            anchor = _anchors(graph, modules)
            return Plan(graph, known, roots, modules, Sweep(graph, modules.is_gate), solvers, anchor)
        merged = np.unique(np.concatenate([merged, *inside]))


def _between(graph: CompiledGraph, sampled: list[Part]) -> Iterator[IntArray]:
    """Yields the claims from each sampled core's top up to a sampled core above it."""
    for part in sampled:
        if part.top < 0:
            continue
        higher = above(graph, np.array([part.top]))
        for other in sampled:
            if other is not part and higher[other.claims[: other.num_inner]].any():
                inside = higher.copy()
                if other.top >= 0:
                    inside &= ~above(graph, np.array([other.top]))
                    inside[other.top] = False
                inside[part.top] = True
                yield np.flatnonzero(inside)


def _anchors(graph: CompiledGraph, modules: Modules) -> IntArray:
    """Returns [C] the anchor of each claim (see `influence`)."""
    is_inner = np.zeros(graph.num_claims, dtype=bool)
    anchors = [modules.tops]
    for part in modules.parts:
        if part.top < 0:
            is_inner[part.claims[: part.num_inner]] = True
            anchors.append(part.claims)
    is_cut = is_inner[graph.conclusion[graph.argument]]
    user, premise = graph.conclusion[graph.argument][~is_cut], graph.premise[~is_cut]
    label = components(graph.num_claims, user, premise)
    anchor_of = np.empty(graph.num_claims, dtype=np.intp)
    here = np.concatenate(anchors)
    anchor_of[label[here]] = here
    return np.asarray(anchor_of[label])


class _Run:
    """One pass up and one down through a plan."""

    def __init__(self, plan: Plan, graph: CompiledGraph, replicate: int, before: _Run | None) -> None:
        self.plan = plan
        self.evidence = graph.evidence
        self.replicate = replicate
        self.before = before  # the run for replicate 0
        self.solved: list[tuple[FloatArray, Solution]] = []  # each part's indicators, and what its solver said
        leaves = leaf_messages(graph, plan.known)
        self.below = leaves  # [C, 2]
        # [C, 2]; None while no argued claim carries evidence: then it is one for all gates and their premises
        self.above = np.ones_like(leaves) if graph.is_labelled[graph.is_argued].any() else None
        self.difference = np.zeros(graph.num_claims)  # of each claim for its anchor
        self.posterior = self.below
        self.links: list[tuple[int, IntArray, FloatArray]] = []  # (root, anchors [N], differences [N])

    def run(self) -> Found:
        """Returns the figures of this replicate."""
        plan = self.plan
        messages = plan.sweep.start(self.below)
        self.below = messages.below.reshape(-1, 2)
        evidence = None if self.above is None else self.evidence
        above = None if self.above is None else self.above.reshape(-1)
        parts: dict[int, list[int]] = {}
        for number, part in enumerate(plan.modules.parts):
            parts.setdefault(part.level, []).append(number)
        levels = sorted({*plan.sweep.levels, *parts})
        for level in levels:
            plan.sweep.upwards(level, messages, evidence)
            for number in parts.get(level, ()):
                self._solve(number)
        self.posterior = self.below.copy()
        self.difference[plan.modules.tops] = 1.0
        for level in reversed(levels):
            for number in parts.get(level, ()):
                self._hand_down(number)
            plan.sweep.downwards(level, messages, evidence, above, self.difference)
        return self._found()

    def _solve(self, number: int) -> None:
        """Solves a part and sends its message up."""
        part, solver = self.plan.modules.parts[number], self.plan.solvers[number]
        inner = part.claims[: part.num_inner]
        indicator = self.below[part.claims]
        indicator[: part.num_inner] = self.evidence[inner]
        solution = self._known_solution(number, indicator) or solver.solve(indicator)
        self.solved.append((indicator, solution))
        total = solution.total[min(self.replicate, len(solution.total) - 1), 0]
        _check_possible(total.sum())
        if part.top >= 0:
            self.below[part.top] = total / total.sum()

    def _known_solution(self, number: int, indicator: FloatArray) -> Solution | None:
        """Returns what replicate 0 had for this part, if it serves here too: nothing sampled lies below it."""
        if self.before is None:
            return None
        indicator_before, solution = self.before.solved[number]
        return solution if len(solution.total) > 1 or np.array_equal(indicator_before, indicator) else None

    def _hand_down(self, number: int) -> None:
        """Hands what comes from above a part down to its inputs, and finishes its inner claims."""
        part, (indicator, solution) = self.plan.modules.parts[number], self.solved[number]
        replicate = min(self.replicate, len(solution.total) - 1)
        derivative, determinant = solution.derivative[replicate], solution.determinant[replicate]
        is_top = part.top < 0
        outer = np.ones(2) if is_top or self.above is None else self.above[part.top]
        above = derivative @ outer  # [N, 2, T]
        if self.replicate:  # a state that no sample had tells nothing: an error without bound, see `jackknife_error`
            unseen = ~above.any(axis=2) & (indicator > 0)
            determinant = np.where(unseen.any(axis=1)[:, np.newaxis], np.nan, determinant)
        difference = ratio(determinant * outer.prod(), above.prod(axis=1))  # [N, T]
        above = above[:, :, 0] / above[:, :, 0].max(axis=1, keepdims=True)
        if is_top:
            self.difference[part.claims] = 1.0
            self._link(part, difference)
        else:
            others = part.claims != part.top
            self.difference[part.claims[others]] = self.difference[part.top] * difference[others, 0]
        inputs = part.claims[part.num_inner :]
        if self.above is not None:
            self.above[inputs] = above[part.num_inner :]
        finished = indicator * above
        finished /= finished.sum(axis=1, keepdims=True)
        if self.replicate:  # the same of a probability, where no sample at all had the state
            never = ~solution.derivative[0].any(axis=(2, 3)) & (indicator > 0)
            finished[never.any(axis=1)] = np.nan
        own = slice(1 if not is_top else 0, part.num_inner)  # a module's top, its first claim, is finished from above
        self.posterior[part.claims[own]] = finished[own]

    def _link(self, part: Part, difference: FloatArray) -> None:
        """Notes the differences [N, T] of a topmost core's claims for its outputs, as far as these are roots."""
        root_of = {row: root for root, row in enumerate(self.plan.roots.tolist())}
        for t, row in enumerate(part.claims[part.core.outputs].tolist()):
            if row in root_of:
                self.links.append((root_of[row], part.claims, difference[:, t]))

    def _found(self) -> Found:
        plan = self.plan
        if self.above is not None:
            gates_and_inputs = np.ones(len(self.posterior), dtype=bool)
            for part in plan.modules.parts:
                gates_and_inputs[part.claims[(0 if part.top < 0 else 1) : part.num_inner]] = False
            whole = self.below * self.above
            whole /= whole.sum(axis=1, keepdims=True)
            self.posterior[gates_and_inputs] = whole[gates_and_inputs]
        complement, prob = self.posterior.T.copy()
        self.difference[(prob == 0) | (complement == 0)] = 0.0
        return Found(prob, complement, self.plan.anchor, self.difference, self._at_anchor())

    def _at_anchor(self) -> csr_array:
        plan, size = self.plan, len(self.posterior)
        root, anchor, data = zip(*self.links, strict=True) if self.links else ((), (), ())
        is_top = np.isin(plan.roots, plan.modules.tops)
        at = np.concatenate([plan.roots[is_top], *anchor])
        rows = np.concatenate(
            [np.flatnonzero(is_top), *(np.full(len(a), r) for r, a in zip(root, anchor, strict=True))]
        )
        values = np.concatenate([np.ones(int(is_top.sum())), *data])
        return csr_array((values, (rows, at)), shape=(len(plan.roots), size))


def leaf_messages(graph: CompiledGraph, known: IntArray) -> FloatArray:
    """Returns [C, 2] P(claim | its own evidence) of claims without arguments; of all others anything.

    Raises:
        ImpossibleEvidenceError: a claim's evidence contradicts its prior.
    """
    message = np.empty((graph.num_claims, 2))
    false, true = message.T
    np.subtract(1, graph.prior, out=false)
    true[:] = graph.prior
    labelled = np.flatnonzero(graph.is_labelled)
    message[labelled] *= graph.evidence[labelled]
    total = message[labelled, 0] + message[labelled, 1]
    _check_possible(total[~graph.is_argued[labelled]])
    message[labelled] /= np.where(total > 0, total, 1.0)[:, np.newaxis]
    certain = np.flatnonzero(known != UNKNOWN)
    message[certain] = np.eye(2)[known[certain]]
    return message


def _check_possible(total: FloatArray | float) -> None:
    """Checks that evidence can be.

    Raises:
        ImpossibleEvidenceError: a total probability is zero.
    """
    if not np.all(np.asarray(total) > 0):
        raise ImpossibleEvidenceError
