"""A forest seen from its tops: each claim's posterior, its difference to the top, and what asking it is worth.

Everything here is read off the messages of `forest` on the way down; nothing is stored.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import log1p
from typing import NamedTuple

from argtree.forest import Forest
from argtree.value import Measure

_SMALLEST_PROB = 1e-300  # a root nearer to certain than this has no information left to give
_SMALL_RATIO = 1e-3  # up to here a series is nearer than the difference that it expands

_Pair = tuple[float, float]  # a probability and its complement, neither got by subtracting


class View(NamedTuple):
    """A claim seen from its top: what the evidence not below it says of it, and what it says of the top."""

    claim: int  # row
    top: int  # row
    if_false: float  # P(evidence neither at nor below the claim | claim false), up to a scale common with if_true
    if_true: float
    difference: float  # P(top | claim, evidence) - P(top | not claim, evidence); 0 where a state is impossible


def view_top(top: int) -> View:
    """Returns a top seen from itself."""
    return View(top, top, 1.0, 1.0, 1.0)


def view_claim(forest: Forest, claim: int) -> View:
    """Returns a claim as seen from its top, in time linear in what stands along the path."""
    *below, top = forest.path(claim)
    view = view_top(top)
    for row in reversed(below):
        view = next(one for one in view_premises(forest, view, forest.user[row]) if one.claim == row)
    return view


def posterior(forest: Forest, view: View) -> _Pair:
    """Returns P(claim | evidence) and P(claim false | evidence)."""
    yes, no = forest.true_prob[view.claim] * view.if_true, forest.false_prob[view.claim] * view.if_false
    return yes / (yes + no), no / (yes + no)


def view_premises(forest: Forest, view: View, only: int | None = None) -> Iterator[View]:
    """Yields the premises of the arguments about a claim (of one of them only, where said), each seen from the top.

    With G the likelihood of all that speaks about the claim from above and from its label, a premise hears
    G1 A + G0 (1-A) for its state as taken, where A = P(claim | premise as taken, evidence below), and likewise with
    B for the other state (Pearl 1988, section 4.3.2); the difference at the top shrinks by
    (A - B) G0 G1 / (the product of the two).
    """
    claim = view.claim
    supports = [one for one in forest.arguments[claim] if forest.is_support[one]]
    attacks = [one for one in forest.arguments[claim] if not forest.is_support[one]]
    off, on, without_support = _without_each(forest, supports, (1 - forest.prior[claim], forest.prior[claim]))
    keep, lost, without_attack = _without_each(forest, attacks, (1.0, 0.0))
    g1, g0 = view.if_true * forest.label_true[claim], view.if_false * forest.label_false[claim]
    for argument, (off_, on_) in zip(supports, without_support, strict=True):
        if only is None or argument == only:
            for premise, x, not_x in _fires_given_each(forest, argument):
                taken = g1 * (on_ + off_ * x) * keep + g0 * (lost + keep * off_ * not_x)
                other = g1 * on_ * keep + g0 * (lost + keep * off_)
                yield _premise(forest, view, premise, taken, other, g0, g1, off_ * x * keep)
    for argument, (keep_, lost_) in zip(attacks, without_attack, strict=True):
        if only is None or argument == only:
            for premise, x, not_x in _fires_given_each(forest, argument):
                taken = g1 * on * keep_ * not_x + g0 * (off + on * (lost_ + keep_ * x))
                other = g1 * on * keep_ + g0 * (off + on * lost_)
                yield _premise(forest, view, premise, taken, other, g0, g1, -on * keep_ * x)


def _premise(
    forest: Forest, above: View, premise: int, taken: float, other: float, g0: float, g1: float, slope: float
) -> View:
    difference = above.difference * slope * (g0 / taken) * (g1 / other) if taken > 0 and other > 0 else 0.0
    larger = max(taken, other)
    taken, other = taken / larger, other / larger
    if forest.holds[premise]:
        return View(premise, above.top, other, taken, difference)
    return View(premise, above.top, taken, other, -difference)


def _without_each(forest: Forest, arguments: Sequence[int], start: _Pair) -> tuple[float, float, list[_Pair]]:
    return _products([(forest.is_still[one], forest.fires[one]) for one in arguments], start)


def _fires_given_each(forest: Forest, argument: int) -> Iterator[tuple[int, float, float]]:
    """Yields each premise with P(the argument fires | it is as taken, evidence below), and the complement."""
    premises = forest.premise[forest.premise_start[argument] : forest.premise_start[argument + 1]]
    pairs = [
        (forest.true_prob[one], forest.false_prob[one])
        if forest.holds[one]
        else (forest.false_prob[one], forest.true_prob[one])
        for one in premises
    ]
    strength = forest.strength[argument]
    for premise, (met, unmet) in zip(premises, _products(pairs, (1.0, 0.0))[2], strict=True):
        yield premise, strength * met, unmet + (1 - strength) * met


def _products(pairs: Sequence[_Pair], start: _Pair) -> tuple[float, float, list[_Pair]]:
    """Returns the product of all pairs and `start`, its complement, and the same without each pair in turn."""
    after = [(1.0, 0.0)]
    for q, not_q in reversed(pairs[1:]):
        product, complement = after[-1]
        after.append((q * product, not_q + q * complement))
    without: list[_Pair] = []
    product, complement = start
    for (q, not_q), (product_after, complement_after) in zip(pairs, reversed(after), strict=False):
        without.append((product * product_after, complement + product * complement_after))
        product, complement = product * q, complement + product * not_q
    return product, complement, without


def worth(forest: Forest, view: View, measure: Measure) -> float:
    """Returns the value of a certain answer about the claim for its top, weight 1.

    The formulas of `value`, in forms that keep small values' digits. Mutual information is the expected divergence of
    the top as answered from the top as it is: p (1-p) d^2 ((1-p) phi((1-p) d) + p phi(-p d)), phi of `_divergence`.
    """
    yes, no = posterior(forest, view)
    if measure == "expected_shift":
        return 2 * yes * no * abs(view.difference)
    reduction = yes * no * view.difference**2
    if measure == "variance_reduction" or reduction == 0:
        return reduction
    if_yes, if_no = _divergences(forest, view, yes, no)
    return reduction * (no * if_yes + yes * if_no)


def bound(forest: Forest, view: View, measure: Measure) -> float:
    """Returns an upper bound on the `worth` of every claim at or below this one that may be asked.

    What speaks from above enters like a label: see the head of `forest`. Attained for `expected_shift`; for
    `variance_reduction` where no argued claim at, above or below this one carries evidence. For mutual information phi
    is convex, and P(top | x) of every x below lies between those of the claim's own two states, so phi there is at
    most the larger of theirs.
    """
    claim, _, if_false, if_true, difference = view
    total = forest.true_prob[claim] * if_true + forest.false_prob[claim] * if_false
    if_false, if_true = if_false / total, if_true / total
    if measure == "expected_shift":
        return 2 * forest.widest[claim] * if_false * if_true * abs(difference)
    yes, no = forest.true_prob[claim] * if_true, forest.false_prob[claim] * if_false
    reduction = min(yes * no, forest.deepest[claim] * if_false * if_true * max(if_false, if_true)) * difference**2
    if measure == "variance_reduction" or reduction == 0:
        return reduction
    return reduction * max(_divergences(forest, view, yes, no))


def _divergences(forest: Forest, view: View, yes: float, no: float) -> _Pair:
    """Returns phi of the top's change when the claim turns out true, and when false."""
    rho, not_rho = forest.true_prob[view.top], forest.false_prob[view.top]
    if min(rho, not_rho) < _SMALLEST_PROB:
        return 0.0, 0.0
    return _divergence(rho, not_rho, no * view.difference), _divergence(rho, not_rho, -yes * view.difference)


def _divergence(rho: float, not_rho: float, change: float) -> float:
    """Returns phi(change) = KL(rho + change || rho) / change^2 of two-valued distributions: 1 / (2 rho (1-rho)) at 0.

    Convex in the change, since phi = integral over s in [0, 1] of (1-s) / (q (1-q)) with q = rho + s change.
    """
    return _excess(change / rho) / rho + _excess(-change / not_rho) / not_rho


def _excess(x: float) -> float:
    """Returns ((1 + x) log(1 + x) - x) / x^2 for x >= -1: from 1 down to 1/2 at 0, and on."""
    if abs(x) < _SMALL_RATIO:
        return 1 / 2 - x * (1 / 6 - x * (1 / 12 - x * (1 / 20 - x / 30)))
    if x <= -1:
        return 1.0
    return ((1 + x) * log1p(x) / x - 1) / x
