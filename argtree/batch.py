"""Which k questions to put to k raters at once: each scored given those before it, with a look ahead at pairs.

The worth of a batch is the expected variance reduction of all its answers together. By the law of total variance
one more question c adds E[variance reduction of c | the answers before it], so each outcome of those answers is one
propagation with them as evidence, and its `value` scores every further claim at once. Greedy alone misses what is
worthless alone and decisive together, such as the two sides of an exclusive or. So questions are taken two at a time:
propagating each answer to one claim scores its pairs with all other claims.

Cost: one propagation an outcome for each question but the last, and for a look ahead from n outcomes at the pairs of m
claims 2 n m more; `choose_batch` states the bound. Not here: raters who differ, two answers about one claim.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from argtree.compiled import FloatArray
from argtree.evidence import Reliability
from argtree.graph import ArgumentGraph
from argtree.propagate import Propagation, propagate
from argtree.rank import CERTAIN_WITHIN, open_rows
from argtree.value import PERFECT, answer_prob, answer_table
from argtree.what_if import Counted, Propagate, with_answers

MAX_OUTCOMES = 64
"""Up to so many outcomes of the answers are all gone through (7 questions); past it so many are drawn."""

SCREENINGS = 16
"""Propagations spent on finding the claims worth a look ahead, where not all can have one."""

_NEARLY_CERTAIN = 1e-6  # likelihood of the other state where a claim's answer is supposed but may be asked about yet

Rows = npt.NDArray[np.intp]


@dataclass(frozen=True)
class Batch:
    """Questions to be put at once."""

    claims: tuple[str, ...]  # [k] ids, in the order of choice
    values: tuple[float, ...]  # [k] expected variance reduction of the first 1, 2, ..., k answers together
    standard_error: float  # of the last of `values`, from drawing outcomes; 0 where all were gone through
    propagations: int  # that it cost


@dataclass(frozen=True)
class _Outlook:
    """What the answers to the questions chosen so far may be. Axis: n outcomes."""

    weights: FloatArray  # [n] P(outcome); where drawn, the share of the draws
    results: tuple[Propagation, ...]  # [n] propagations given the outcome
    drawn: bool


def choose_batch(
    graph: ArgumentGraph,
    k: int,
    *,
    candidates: Iterable[str] | None = None,
    reliability: Reliability = PERFECT,
    lookahead: int = 2000,
    propagate_fn: Propagate = propagate,
    seed: int = 0,
) -> Batch:
    """Returns up to k claims whose answers together are expected to take most off the roots' variance, by pairs.

    At most 1 + MAX_OUTCOMES (k - 1) + lookahead + SCREENINGS propagations. Outcomes less probable than
    `CERTAIN_WITHIN` are left out.

    Args:
        graph: what is known so far.
        k: questions, at least 0.
        candidates: ids to choose from; by default the askable claims that are not certain yet.
        reliability: of every rater; they err independently.
        lookahead: propagations to spend on looking ahead at pairs in all; 0 for plain greedy. If they do not reach
            for all claims, the most promising are looked at: those that matter most where all others are known.
        propagate_fn: `propagate`, or one with a budget.
        seed: of the outcomes drawn past MAX_OUTCOMES, and of the screening.

    Raises:
        ValueError: k is negative.
        KeyError: a candidate is not in the graph.
        ImpossibleEvidenceError: as `propagate`.
    """
    if k < 0:
        raise ValueError(f"k is {k}; it must be at least 0")
    counted, rng, table = Counted(propagate_fn), np.random.default_rng(seed), answer_table(reliability)
    start = counted(graph)
    rows = open_rows(start)
    if candidates is not None:
        rows = np.array([graph.index[claim] for claim in dict.fromkeys(candidates)], dtype=np.intp)
    outlook, left = _Outlook(np.ones(1), (start,), False), rows
    chosen, values, error, promise = list[int](), list[float](), 0.0, None
    while left.size and len(chosen) < k:
        single = _gains(outlook, reliability)
        steps = [_first_best(left, single)]
        num_pairs = (k - len(chosen)) // 2
        reach = (lookahead // num_pairs if num_pairs else 0) // (len(table) * len(outlook.weights))
        if num_pairs and left.size > 1 and reach:
            if promise is None and reach < left.size - 1:
                promise = _promise(start, rows, counted, rng)
            # Of all claims, the last need not come first: it stands second in every pair of its own.
            firsts = left[:-1] if promise is None else left[np.argsort(-promise[left], kind="stable")][:reach]
            before = counted.count
            steps = _best_pair(outlook, left, firsts, single, reliability, counted)
            lookahead -= counted.count - before
        for row in steps:
            gains = outlook.weights @ (scores := _scores(outlook, reliability)[:, row])
            values.append((values[-1] if values else 0.0) + float(gains))
            if outlook.drawn:  # the draws go on from step to step, so errors add up at worst
                error += float(np.sqrt(outlook.weights @ (scores - gains) ** 2 / MAX_OUTCOMES))
            chosen.append(row)
            if len(chosen) < min(k, rows.size):
                outlook = _after(outlook, row, table, counted, rng)
        left = left[~np.isin(left, steps)]
    return Batch(tuple(graph.claims[row].id for row in chosen), tuple(values), error, counted.count)


def _scores(outlook: _Outlook, reliability: Reliability) -> FloatArray:
    """Returns what one more answer about each claim is worth after each outcome, [n, C]."""
    return np.stack([result.value("variance_reduction", reliability) for result in outlook.results])


def _gains(outlook: _Outlook, reliability: Reliability) -> FloatArray:
    return np.asarray(outlook.weights @ _scores(outlook, reliability))


def _best_pair(
    outlook: _Outlook,
    seconds: Rows,
    firsts: Rows,
    single: FloatArray,
    reliability: Reliability,
    propagate_fn: Propagate,
) -> list[int]:
    """Returns the pair of a first and a second claim whose answers together add most, the better one alone first."""
    together = np.full((len(firsts), len(single)), -np.inf)
    table = answer_table(reliability)
    for i, first in enumerate(firsts.tolist()):
        together[i, seconds] = single[first]
        for weight, graph in _branches(outlook, first, table):
            together[i, seconds] += weight * propagate_fn(graph).value("variance_reduction", reliability)[seconds]
        together[i, first] = -np.inf
    flat = _first_best(np.arange(together.size), together.ravel())
    one, other = sorted((int(firsts[flat // len(single)]), flat % len(single)))
    rounding = 1e-12 * together.ravel()[flat]  # of values that are nothing alone only noise is left
    return [other, one] if single[other] > single[one] + rounding else [one, other]


def _branches(outlook: _Outlook, row: int, table: FloatArray) -> Iterator[tuple[float, ArgumentGraph]]:
    """Yields each outcome with each answer about one more claim: its weight, and the graph with it as evidence."""
    for weight, result in zip(outlook.weights.tolist(), outlook.results, strict=True):
        for answer in table:
            prob = float(answer_prob(result.prob[row], answer))
            if prob > CERTAIN_WITHIN:
                claim = result.graph.claims[row].id
                yield weight * prob, with_answers(result.graph, {claim: (float(answer[0]), float(answer[1]))})


def _after(
    outlook: _Outlook, row: int, table: FloatArray, propagate_fn: Propagate, rng: np.random.Generator
) -> _Outlook:
    """Returns the outcomes once this question is asked too: all of them, or `MAX_OUTCOMES` drawn systematically."""
    branches = list(_branches(outlook, row, table))
    weights = np.array([weight for weight, _ in branches])
    drawn = outlook.drawn
    if len(branches) > MAX_OUTCOMES:
        # One draw in each of equal slices of the probability: unbiased (Madow 1949).
        ends = np.cumsum(weights) / weights.sum()
        picks = np.minimum(
            np.searchsorted(ends, (np.arange(MAX_OUTCOMES) + rng.random()) / MAX_OUTCOMES), len(branches) - 1
        )
        weights, drawn = np.bincount(picks, minlength=len(branches)) / MAX_OUTCOMES, True
    kept = np.flatnonzero(weights)
    return _Outlook(weights[kept], tuple(propagate_fn(branches[i][1]) for i in kept.tolist()), drawn)


def _promise(start: Propagation, rows: Rows, propagate_fn: Propagate, rng: np.random.Generator) -> FloatArray:
    """Returns [C] what each claim is worth on average where all other candidates are known, by random answers.

    That is its total effect, which counts every interaction that it takes part in (Homma and Saltelli 1996); exact
    in expectation where the candidates are independent.
    """
    ids, prob = [start.graph.claims[row].id for row in rows.tolist()], start.prob[rows]
    shifts = np.zeros(len(start.prob))
    for _ in range(SCREENINGS):
        says = rng.random(len(ids)) < prob
        answers = {
            c: (_NEARLY_CERTAIN, 1.0) if yes else (1.0, _NEARLY_CERTAIN) for c, yes in zip(ids, says, strict=True)
        }
        shifts += propagate_fn(with_answers(start.graph, answers)).shift() / SCREENINGS
    return start.prob * (1 - start.prob) * shifts


def _first_best(rows: Rows, scores: FloatArray) -> int:
    """Returns the first of these rows with the highest score up to rounding, so that ties go by the order of rows."""
    highest = scores[rows].max()
    return int(rows[np.argmax(scores[rows] >= highest - 1e-12 * abs(highest))])
