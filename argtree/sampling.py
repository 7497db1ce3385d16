"""Cores too entangled to be solved exactly: sampled where they must be, solved exactly given the samples.

A small set X of claims is held (`cutset`); given their states x the rest is summed out exactly by a compiled circuit,
so that f = sum_x f_x and its derivatives are averages over x of exact figures (Rao-Blackwell; Bidyuk and Dechter 2007,
"Cutset Sampling for Bayesian Networks"): f = E[f_x / Q(x)] for x drawn with known probability Q(x). Q is
P(x | messages from below), drawn by `ancestral`, its value worked out by the same circuit with the evidence on argued
claims left aside.

The derivative by the indicator of a claim k of X in state v comes from the samples with x_k = v alone:
df/dlambda_k[v] = E[f_x / lambda_k[v] / Q(x); x_k = v]. So a state that is hardly
ever drawn has a large error; claims of X without arguments are drawn a little more often in their rare states.

Samples come in groups that are independent of each other and alike; leaving out one group at a time gives every figure
that follows its standard error (`jackknife_error`). Memory does not grow with the number of samples.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from argtree.ancestral import AncestralSampler
from argtree.budget import Budget
from argtree.circuit import Circuit, Evaluation, compile_circuit
from argtree.compiled import BoolArray, FloatArray, IntArray
from argtree.core import Core, Layer, Solution
from argtree.cutset import choose_cutset
from argtree.errors import ImpossibleEvidenceError, TooEntangledError
from argtree.factors import build_factors

NUM_GROUPS = 20
"""Groups of samples. A standard error from 20 is itself right to about 1 / sqrt(2 * 19) = 16 %."""

MAX_ENTRIES = 2**5
"""Largest table left once the claims of X are held. Larger ones need few claims less and much more time a sample."""

_ENOUGH = 64  # samples of each group, time allowing: with fewer some claims' errors come out far too small
_FIRST_ROUND, _LAST_ROUND = 8, 64  # samples of each group in the first round; doubled up to the last or the time left
_BYTES_PER_ENTRY = 24  # a table, its sliced leaves and the derivatives on the way


def jackknife_error(values: FloatArray) -> FloatArray:
    """Returns [...] the standard error of values[0], zero where it is exact, infinite where one group alone gives it.

    With G groups of equal size and the figure worked out without each of them in turn, the variance of the figure
    from all groups is (G - 1) / G times the sum of squared deviations (Efron and Stein 1981, "The Jackknife Estimate
    of Variance"; delete-one-group: Kott 2001).

    Args:
        values: [1 or 1 + G, ...] the figure from all samples, then without group 1, ..., G.
    """
    left_out = values[1:]
    if not len(left_out):
        return np.zeros(values.shape[1:])
    deviation = left_out - left_out.mean(axis=0)
    error = np.sqrt((len(left_out) - 1) / len(left_out) * (deviation**2).sum(axis=0))
    return np.where(np.isnan(error) & ~np.isnan(values[0]), np.inf, error)


class SamplingSolver:
    """Solves one core to a precision or as long as it may; the same seed and number of samples give the same answer."""

    layer: Layer = "sampling"

    def __init__(
        self, core: Core, *, rng: np.random.Generator, budget: Budget, clock_fn: Callable[[], float], seconds: float
    ) -> None:
        """Chooses what to sample and compiles the rest.

        Args:
            core: what to solve.
            rng: gives the seed; every `solve` starts from the same one, so like evidence gives like samples.
            budget: `precision` at which sampling stops, and `memory_bytes` that it may hold.
            clock_fn: seconds, ever increasing.
            seconds: that one `solve` may take, as far as the time of earlier samples foretells; at least one round is
                finished.
        """
        self.seconds = seconds
        self._core, self._budget, self._clock_fn = core, budget, clock_fn
        self._seed = int(rng.integers(2**63))
        factors = build_factors(core.graph)
        scopes = [factor.scope for factor in factors.factors]
        shared = np.flatnonzero(core.graph.num_uses > 1).tolist()  # with all of them held the rest is a tree
        held = choose_cutset(factors.sizes, scopes, shared, MAX_ENTRIES, core.outputs.tolist())
        self.held: IntArray = np.array(held, dtype=np.intp)  # rows of the claims of X
        self._circuit = compile_circuit(factors, held)
        self._sampler = AncestralSampler(core.graph, self.held)
        self.num_samples = 0  # of the latest `solve`

    def solve(self, indicator: FloatArray) -> Solution:
        """Returns f and its derivatives: the estimate, then one replicate for each group left out.

        Raises:
            ImpossibleEvidenceError: a claim's indicator is zero in both states.
            TooEntangledError: no sample fits the evidence.
        """
        if not (indicator.max(axis=1) > 0).all():
            raise ImpossibleEvidenceError("a claim's evidence is impossible whether it is true or false")
        given = _Given(self._core, self._circuit, self.held, indicator / indicator.max(axis=1, keepdims=True))
        rng, sums = np.random.default_rng(self._seed), _Sums.empty(given)
        self.num_samples, num_each, start = 0, _FIRST_ROUND, self._clock_fn()
        while num_each:
            state = self._sampler.draw(rng, given.proposal, NUM_GROUPS, num_each)
            different, count = _merge(state, np.repeat(np.arange(NUM_GROUPS), num_each))
            _add_round(sums, given, different, count, self._budget.memory_bytes)
            self.num_samples += len(state)
            if self.num_samples >= NUM_GROUPS * _ENOUGH and _error(sums) <= self._budget.precision:
                break
            now = self._clock_fn()
            seconds_each = (now - start) / self.num_samples * NUM_GROUPS
            affordable = (start + self.seconds - now) / seconds_each if seconds_each else np.inf
            num_each = int(min(2 * num_each, _LAST_ROUND, max(0.0, affordable)))
        if not sums.total.any():
            raise TooEntangledError(
                f"None of {self.num_samples:,} samples fits the evidence, and the graph is too entangled to tell "
                "exactly whether anything does: look for answers that contradict each other, or allow more time."
            )
        return sums.solution()


def _error(sums: _Sums) -> float:
    """Returns the standard error of the least certain output's probability; infinite before any sample fits."""
    total = _replicates(sums.total)
    mass = total.sum(axis=2)
    if not (mass > 0).all():
        return np.inf
    return float(jackknife_error(total[..., 1] / mass).max(initial=0.0))


class _Given:
    """What stays the same from sample to sample. Axes: N claims, K held ones, T outputs."""

    def __init__(self, core: Core, circuit: Circuit, held: IntArray, indicator: FloatArray) -> None:
        is_argued = core.graph.is_argued
        self.circuit, self.outputs, self.held, self.indicator = circuit, core.outputs, held, indicator
        self.log_held = _log(indicator[held])  # [K, 2]
        # The held claims' indicators are factors of f_x that stand outside.
        self.summed = indicator.copy()
        self.summed[held] = 1.0
        self.proposal = _defended(indicator, held[~is_argued[held]])
        self.log_held_below = np.where(is_argued[held, np.newaxis], 0.0, _log(self.proposal[held]))
        self.summed_below = np.where(is_argued[:, np.newaxis], 1.0, self.summed)
        self.has_evidence_above = bool((indicator[is_argued, 0] != indicator[is_argued, 1]).any())

    def run(self, state: BoolArray, part: slice) -> tuple[Evaluation | None, FloatArray]:
        """Returns the evaluation with outputs `part` held, and log f_x [t, 2, B] but for the indicators of X."""
        outputs = self.outputs[part]
        shape = (len(outputs), 2, len(state))
        indicators = {row: pair[np.newaxis] for row, pair in enumerate(self.summed)}
        for place, row in enumerate(outputs.tolist()):
            mask = np.ones((*shape, 2))
            mask[place] = np.eye(2)[:, np.newaxis]
            indicators[row] = indicators[row] * mask.reshape(-1, 2)
        evaluation = self.circuit.evaluate(indicators, np.tile(state, (2 * len(outputs), 1)).astype(np.intp))
        return evaluation, _log_total(evaluation, 2 * len(outputs) * len(state)).reshape(shape)

    def log_proposal(self, state: BoolArray, log_value: FloatArray) -> FloatArray:
        """Returns [B] log Q(x) up to a constant; `log_value` [t, 2, B] is of `run`."""
        if self.has_evidence_above:
            indicators = {row: pair[np.newaxis] for row, pair in enumerate(self.summed_below)}
            evaluation = self.circuit.evaluate(indicators, state.astype(np.intp))
            log_below = _log_total(evaluation, len(state))
        else:
            log_below = np.logaddexp(log_value[0, 0], log_value[0, 1])
        return np.asarray(log_below + _pick(self.log_held_below, state).sum(axis=1))


def _defended(indicator: FloatArray, rows: IntArray) -> FloatArray:
    """Returns indicators in which no possible state of the rows is rare; all weights together vary by about a tenth.

    A defensive mixture for each claim (Hesterberg 1995): raising a rare state to probability q costs a variance of
    the weight of about q.
    """
    proposal = indicator.copy()
    share = indicator[rows] / indicator[rows].sum(axis=1, keepdims=True)
    least = min(0.02, 0.1 / max(1, len(rows)))
    is_open = (indicator[rows] > 0).all(axis=1, keepdims=True)
    proposal[rows] = np.where(is_open, np.clip(share, least, 1 - least), share)
    return proposal


def _log(values: FloatArray) -> FloatArray:
    with np.errstate(divide="ignore"):
        return np.asarray(np.log(values))


def _log_total(evaluation: Evaluation | None, num_variants: int) -> FloatArray:
    if evaluation is None:
        return np.full(num_variants, -np.inf)
    return np.broadcast_to(_log(evaluation.total) + evaluation.log_scale, num_variants)


def _pick(table: FloatArray, state: BoolArray) -> FloatArray:
    """Returns [B, K] table[k, state[b, k]] for a table [K, 2]."""
    return np.where(state, table[:, 1], table[:, 0])


@dataclass
class _Sums:
    """Sums over the samples of each group. Axes: G groups, N claims, T outputs."""

    total: FloatArray  # [G, T, 2], times exp(total_log)
    derivative: FloatArray  # [G, N, 2, T, 2], times exp(derivative_log)
    total_log: FloatArray = field(default_factory=lambda: np.array(-np.inf))
    derivative_log: FloatArray = field(default_factory=lambda: np.empty(0))  # [N]

    @staticmethod
    def empty(given: _Given) -> _Sums:
        num_claims, num_outputs = len(given.indicator), len(given.outputs)
        derivative = np.zeros((NUM_GROUPS, num_claims, 2, num_outputs, 2))
        return _Sums(np.zeros((NUM_GROUPS, num_outputs, 2)), derivative, derivative_log=np.full(num_claims, -np.inf))

    def add_total(self, part: slice, total: FloatArray, log: float) -> None:
        """Adds [G, t, 2] times exp(log)."""
        self.total_log, old, new = _common(self.total_log, np.array(log))
        self.total *= old
        self.total[:, part] += total * new

    def add_derivative(self, rows: IntArray, part: slice, derivative: FloatArray, log: FloatArray) -> None:
        """Adds [G, rows, 2, t, 2] times exp(log [rows])."""
        self.derivative_log[rows], old, new = _common(self.derivative_log[rows], log)
        if (old != 1).any():
            self.derivative[:, rows] *= old[:, np.newaxis, np.newaxis, np.newaxis]
        self.derivative[:, rows, :, part] += derivative * new[:, np.newaxis, np.newaxis, np.newaxis]

    def solution(self) -> Solution:
        derivative = _replicates(self.derivative)
        # Squares must not overflow.
        largest = derivative.max(axis=(2, 3, 4), keepdims=True)
        derivative /= np.where(largest > 0, largest, 1.0)
        determinant = (
            derivative[:, :, 1, :, 1] * derivative[:, :, 0, :, 0]
            - derivative[:, :, 1, :, 0] * derivative[:, :, 0, :, 1]
        )
        return Solution(_replicates(self.total), derivative, determinant)


def _common(old: FloatArray, new: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Returns the larger of two logarithms of scales and what takes either to it."""
    larger = np.maximum(old, new)
    safe = np.where(np.isfinite(larger), larger, 0.0)
    return larger, np.exp(old - safe), np.exp(new - safe)


def _replicates(sums: FloatArray) -> FloatArray:
    """Returns [1 + G, ...]: the sum over all groups, then over all but each one, without subtracting."""
    num_groups = len(sums)
    which = np.concatenate([np.ones((1, num_groups)), 1 - np.eye(num_groups)])
    return np.tensordot(which, sums, axes=1)


def _merge(state: BoolArray, group: IntArray) -> tuple[BoolArray, FloatArray]:
    """Returns the different states [B, K] among some, and how often each group ([len(state)]) has them [G, B]."""
    if state.shape[1] == 0:
        return state[:1], np.bincount(group, minlength=NUM_GROUPS)[:, np.newaxis].astype(np.float64)
    _, first, place = np.unique(np.packbits(state, axis=1), axis=0, return_index=True, return_inverse=True)
    count = np.zeros((NUM_GROUPS, len(first)))
    np.add.at(count, (group, place.reshape(-1)), 1.0)
    return state[first], count


def _add_round(sums: _Sums, given: _Given, state: BoolArray, count: FloatArray, memory_bytes: int) -> None:
    """Adds states [B, K], each as often as a group has it [G, B], in parts that fit the memory."""
    num_variants = max(2, memory_bytes // (_BYTES_PER_ENTRY * max(1, given.circuit.stored_entries)))
    num_outputs = max(1, min(len(given.outputs), num_variants // 2))
    num_samples = max(1, num_variants // (2 * num_outputs))
    for first in range(0, len(given.outputs), num_outputs):
        part = slice(first, first + num_outputs)
        for start in range(0, len(state), num_samples):
            some = slice(start, start + num_samples)
            _add_states(sums, given, part, state[some], count[:, some])


def _add_states(sums: _Sums, given: _Given, part: slice, state: BoolArray, count: FloatArray) -> None:
    evaluation, log_value = given.run(state, part)
    if evaluation is None:
        return
    log_proposal = given.log_proposal(state, log_value)
    log_weight = _pick(given.log_held, state).sum(axis=1) - log_proposal
    _add_exact(sums, given, part, evaluation, log_value, log_weight, count)
    _add_held(sums, given, part, state, log_value - log_proposal, count)


def _add_exact(
    sums: _Sums,
    given: _Given,
    part: slice,
    evaluation: Evaluation,
    log_value: FloatArray,
    log_weight: FloatArray,
    count: FloatArray,
) -> None:
    """Adds the total, and the derivatives by the indicators of all claims that are summed out."""
    log_sum = log_value + log_weight  # [t, 2, B]
    largest, top = log_sum.max(), log_weight.max()
    if largest == -np.inf:
        return
    total = np.tensordot(count, np.exp(log_sum - largest), axes=(1, 2))
    sums.add_total(part, total, float(largest))
    weight = count * np.exp(log_weight - top)  # [G, B]
    shape = log_value.shape
    is_held = np.zeros(len(given.indicator), dtype=bool)
    is_held[given.held] = True
    rows = np.flatnonzero(~is_held)
    found = np.empty((NUM_GROUPS, len(given.indicator), 2, *shape[:2]))
    for row, table in given.circuit.differentiate(evaluation).items():
        if not is_held[row]:
            wide = np.broadcast_to(table, (log_value.size, 2)).reshape(*shape, 2)
            found[:, row] = np.einsum("gb,tsbv->gvts", weight, wide, optimize=True)
    for place, row in enumerate(given.outputs[part].tolist()):
        found[:, row, :, place] *= np.eye(2)  # held at s, an output is nothing else
    found = found[:, rows]
    # Euler: f is the sum over v of lambda_c[v] times its derivative, which gives each claim's scale.
    size = np.einsum("cv,gcvts->c", given.indicator[rows], found)
    log = np.where(size > 0, largest + np.log(total.sum()) - _log(size), -np.inf)
    sums.add_derivative(rows, part, found, log)


def _add_held(
    sums: _Sums, given: _Given, part: slice, state: BoolArray, log_value: FloatArray, count: FloatArray
) -> None:
    """Adds the derivatives by the indicators of held claims; `log_value` [t, 2, B] is log f_x / Q(x) without them."""
    log_others = _sum_of_others(_pick(given.log_held, state))  # [B, K]
    top = log_value.max(axis=(0, 1))
    value = np.exp(log_value - np.where(np.isfinite(top), top, 0.0))
    largest = (log_others + top[:, np.newaxis]).max(axis=0)  # [K]
    weight = np.exp(log_others + top[:, np.newaxis] - np.where(np.isfinite(largest), largest, 0.0))
    by_state = [weight * (state == v) for v in (False, True)]
    found = [np.einsum("gb,tsb,bk->gkts", count, value, part_weight, optimize=True) for part_weight in by_state]
    sums.add_derivative(given.held, part, np.stack(found, axis=2), largest)


def _sum_of_others(logs: FloatArray) -> FloatArray:
    """Returns [B, K] the sum of each row without the entry itself, which may be minus infinity."""
    is_zero = np.isneginf(logs)
    finite = np.where(is_zero, 0.0, logs)
    others = finite.sum(axis=1, keepdims=True) - finite
    return np.where(is_zero.sum(axis=1, keepdims=True) > is_zero, -np.inf, others)
