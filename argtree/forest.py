"""Messages of a forest of claims, from below, in flat arrays that change and grow one claim at a time.

Per claim c, with e_c the evidence at and below c: b = P(c | e_c), and two records over the claims x that may be
asked at or below c, which a claim hands to the argument that it stands in:

    widest   max |cov(x, c | e_c)|             = p (1-p) |P(c | x, e_c) - P(c | not x, e_c)|, p = P(x | e_c)
    deepest  max cov(x, c | e_c)^2 / (p (1-p))  the expected drop of c's variance when x is answered

Between premise and conclusion both change by the slope P(c | premise) - P(c | not premise) (its square), so the best of
many premises is found in the pass that multiplies their probabilities: max(best * q, best_q * product so far).

Evidence (l0, l1) on c turns cov(x, c) into cov(x, c) l0 l1 / t^2, with t = P(c) l1 + P(not c) l0: one factor for all x
below, so `widest` is exact everywhere. The drop of variance is multiplied by that factor squared and by p (1-p) before
over after, where after / before = (A l1 + (1-A) l0) (B l1 + (1-B) l0) / t^2 with A = P(c | x) and B = P(c | not x). One
of A, B lies on either side of P(c), so this is at least min(l0, l1) / t: `deepest` grows by at most
l0 l1 max(l0, l1) / t^3, and never past the variance of c (data processing: whatever x says of the top it says through
c). It is exact where no argued claim at or below c carries evidence, else an upper bound.

Not here: ids (rows only), and anything from above (`forest_view`).
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from argtree.compiled import CompiledGraph, FloatArray, IntArray

NOWHERE = -1
"""The argument that a top claim stands in."""


class ContradictionError(Exception):
    """The evidence at and below a claim has probability zero."""

    def __init__(self, claim: int) -> None:
        super().__init__(f"row {claim}")
        self.claim = claim


@dataclass(eq=False, slots=True)
class Forest:
    """Claims (C), arguments (A) and premises (P); every claim stands in at most one place as a premise."""

    prior: array[float]  # [C] P(claim) when no argument about it fires
    label_false: array[float]  # [C] P(label | claim false), up to a scale common with the next
    label_true: array[float]  # [C] P(label | claim true); the larger one is 1
    false_prob: array[float]  # [C] P(claim false | evidence at and below it)
    true_prob: array[float]  # [C] P(claim true | evidence at and below it)
    widest: array[float]  # [C] see above
    deepest: array[float]  # [C] see above
    is_asked: bytearray  # [C] whether the claim may be put to raters
    holds: bytearray  # [C] whether the argument that it stands in takes it as holding
    user: array[int]  # [C] the argument that it stands in, or NOWHERE
    arguments: list[Sequence[int]]  # [C] the rows of the arguments about it
    conclusion: array[int]  # [A]
    is_support: bytearray  # [A]
    strength: array[float]  # [A]
    fires: array[float]  # [A] strength times P(all premises are as taken)
    is_still: array[float]  # [A] 1 - fires
    arg_widest: array[float]  # [A] `widest` of its premises against whether it fires
    arg_deepest: array[float]  # [A] `deepest` likewise
    premise_start: array[int]  # [A + 1]
    premise: array[int]  # [P] rows of claims

    def add_claim(self, prior: float, is_asked: bool) -> int:
        """Returns the row of a new claim that stands nowhere yet."""
        self.prior.append(prior)
        for ones in (self.label_false, self.label_true):
            ones.append(1.0)
        for zeros in (self.false_prob, self.true_prob, self.widest, self.deepest):
            zeros.append(0.0)
        self.is_asked.append(is_asked)
        self.holds.append(True)
        self.user.append(NOWHERE)
        self.arguments.append(())
        self.weigh_claim(len(self.prior) - 1)
        return len(self.prior) - 1

    def add_argument(
        self, conclusion: int, is_support: bool, strength: float, premises: Sequence[tuple[int, bool]]
    ) -> None:
        """Adds an argument that rests on claims which stand nowhere yet, each taken as holding or not."""
        row = len(self.strength)
        self.arguments[conclusion] = (*self.arguments[conclusion], row)
        self.conclusion.append(conclusion)
        self.is_support.append(is_support)
        self.strength.append(strength)
        for zeros in (self.fires, self.is_still, self.arg_widest, self.arg_deepest):
            zeros.append(0.0)
        for claim, holds in premises:
            self.user[claim] = row
            self.holds[claim] = holds
            self.premise.append(claim)
        self.premise_start.append(len(self.premise))
        self.weigh_argument(row)

    def shrink(self, num_claims: int, num_arguments: int) -> None:
        """Takes back the last claims and arguments; whatever they stood under must let go of them itself."""
        del self.premise[self.premise_start[num_arguments] :]
        del self.premise_start[num_arguments + 1 :]
        for column in (self.strength, self.fires, self.is_still, self.arg_widest, self.arg_deepest):
            del column[num_arguments:]
        del self.conclusion[num_arguments:], self.is_support[num_arguments:]
        for column in (self.prior, self.label_false, self.label_true, self.false_prob, self.true_prob):
            del column[num_claims:]
        del self.widest[num_claims:], self.deepest[num_claims:], self.is_asked[num_claims:]
        del self.holds[num_claims:], self.user[num_claims:], self.arguments[num_claims:]

    def weigh_argument(self, row: int) -> None:
        """Works an argument out anew from its premises, in time linear in their number."""
        met, unmet, widest, deepest = 1.0, 0.0, 0.0, 0.0
        for claim in self.premise[self.premise_start[row] : self.premise_start[row + 1]]:
            q, not_q = self.true_prob[claim], self.false_prob[claim]
            if not self.holds[claim]:
                q, not_q = not_q, q
            widest = max(widest * q, met * self.widest[claim])
            deepest = max(deepest * q * q, met * met * self.deepest[claim])
            unmet += met * not_q
            met *= q
        strength = self.strength[row]
        self.fires[row] = strength * met
        self.is_still[row] = unmet + (1 - strength) * met
        self.arg_widest[row] = strength * widest
        self.arg_deepest[row] = strength * strength * deepest

    def weigh_claim(self, row: int) -> bool:
        """Works a claim out anew from the arguments about it, in time linear in their number.

        Returns:
            Whether anything changed that claims above would see.

        Raises:
            ContradictionError: the evidence on the claim contradicts that below it; nothing was changed.
        """
        on = self.prior[row]
        off, keep, lost = 1 - on, 1.0, 0.0
        for_widest, for_deepest, against_widest, against_deepest = 0.0, 0.0, 0.0, 0.0
        for argument in self.arguments[row]:
            fires, still = self.fires[argument], self.is_still[argument]
            if self.is_support[argument]:
                for_widest = max(for_widest * still, off * self.arg_widest[argument])
                for_deepest = max(for_deepest * still * still, off * off * self.arg_deepest[argument])
                on += off * fires
                off *= still
            else:
                against_widest = max(against_widest * still, keep * self.arg_widest[argument])
                against_deepest = max(against_deepest * still * still, keep * keep * self.arg_deepest[argument])
                lost += keep * fires
                keep *= still
        widest = max(for_widest * keep, against_widest * on)
        deepest = max(for_deepest * keep * keep, against_deepest * on * on)
        yes, no = on * keep, off * keep + lost
        if_true, if_false = self.label_true[row], self.label_false[row]
        if if_true != if_false:
            total = if_true * yes + if_false * no
            if total == 0:
                raise ContradictionError(row)
            if_true, if_false = if_true / total, if_false / total
            yes, no = if_true * yes, if_false * no
            widest *= if_true * if_false
            deepest = min(yes * no, deepest * if_true * if_false * max(if_true, if_false))
        if self.is_asked[row]:
            widest = deepest = yes * no
        news = (no, yes, widest, deepest)
        if news == (self.false_prob[row], self.true_prob[row], self.widest[row], self.deepest[row]):
            return False
        self.false_prob[row], self.true_prob[row], self.widest[row], self.deepest[row] = news
        return True

    def climb(self, row: int) -> int | None:
        """Carries a change of a claim upwards, as far as it makes any.

        Returns:
            The top, if it has changed.

        Raises:
            ContradictionError: the evidence has become impossible; put the claim back as it was and climb again.
        """
        while self.weigh_claim(row):
            argument = self.user[row]
            if argument == NOWHERE:
                return row
            self.weigh_argument(argument)
            row = self.conclusion[argument]
        return None

    def path(self, row: int) -> list[int]:
        """Returns the claims from this one up to its top."""
        rows = [row]
        while (argument := self.user[rows[-1]]) != NOWHERE:
            rows.append(self.conclusion[argument])
        return rows


def build_forest(graph: CompiledGraph, is_asked: Sequence[bool], order: Sequence[int]) -> Forest:
    """Returns the forest with all messages worked out, in time linear in its size.

    Args:
        graph: every claim stands in at most one place.
        is_asked: [C] which claims may be put to raters.
        order: [C] rows, premises before conclusions.

    Raises:
        ContradictionError: the evidence has probability zero.
    """
    argument_of = np.full(graph.num_claims, NOWHERE, dtype=np.int64)
    argument_of[graph.premise] = graph.argument
    holds = np.ones(graph.num_claims, dtype=np.uint8)
    holds[graph.premise] = graph.holds
    starts = graph.argument_start.tolist()
    spans: list[Sequence[int]] = [
        range(one, other) if one < other else () for one, other in zip(starts, starts[1:], strict=False)
    ]
    num_claims, num_arguments = graph.num_claims, len(graph.strength)
    forest = Forest(
        prior=_floats(graph.prior),
        label_false=_floats(graph.evidence[:, 0]),
        label_true=_floats(graph.evidence[:, 1]),
        false_prob=_zeros(num_claims),
        true_prob=_zeros(num_claims),
        widest=_zeros(num_claims),
        deepest=_zeros(num_claims),
        is_asked=bytearray(is_asked),
        holds=bytearray(holds.tobytes()),
        user=_rows(argument_of),
        arguments=spans,
        conclusion=_rows(graph.conclusion),
        is_support=bytearray(graph.is_support.tobytes()),
        strength=_floats(graph.strength),
        fires=_zeros(num_arguments),
        is_still=_zeros(num_arguments),
        arg_widest=_zeros(num_arguments),
        arg_deepest=_zeros(num_arguments),
        premise_start=_rows(graph.premise_start),
        premise=_rows(graph.premise),
    )
    for row in order:
        for argument in spans[row]:
            forest.weigh_argument(argument)
        forest.weigh_claim(row)
    return forest


def _zeros(length: int) -> array[float]:
    return array("d", bytes(8 * length))


def _floats(values: FloatArray) -> array[float]:
    return array("d", np.ascontiguousarray(values, dtype=np.float64).tobytes())


def _rows(values: IntArray) -> array[int]:
    return array("q", np.ascontiguousarray(values, dtype=np.int64).tobytes())
