"""Trees of claims, solved exactly by one sweep up and one down, level by level on whole arrays.

For gates: claims whose premises stand nowhere else (`modules`). Every number is carried with its complement, both
worked out by sums and products of non-negative numbers only, so that neither loses digits near 0 or 1; products without
one factor are a prefix times a suffix, never a division. Upwards goes b_c[v] = P(claim = v | evidence below it);
downwards go D_c[v], P(evidence elsewhere | claim = v) up to scale, and the claim's difference d_c = P(r | claim, e) -
P(r | not claim, e) for the root r at the top, where it is 1: on a tree it is a product along the path. (Pearl 1988,
section 4.3, for the messages; Darwiche 2003 for D as a derivative.)

Flat arrays of pairs hold claim c's entry for state v at 2 c + v. Not here: cores, which roots there are.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from argtree import products
from argtree.compiled import BoolArray, CompiledGraph, FloatArray, IntArray
from argtree.errors import ImpossibleEvidenceError

_TRUE_PAIR = (1.0, 0.0)  # an empty product and its complement
_MANY = 8  # factors: from there on numpy's own running products are quicker than a loop over whole rows


@dataclass(frozen=True, eq=False)
class _Products:
    """n products of L factors each; `code` [L, n] says where each factor stands in a flat array of pairs."""

    code: IntArray  # [L, n] place of the factor
    complement: IntArray  # [L, n] place of one minus it
    out: slice  # places of the products among all of their kind
    flipped: BoolArray | None  # [L, n] for premises: whether the argument needs the claim to be false; None: none


@dataclass(frozen=True, eq=False)
class _Side:
    """All supports, or all attacks, of claims of one level that have equally many."""

    products: _Products  # over arguments
    is_support: bool
    gate: IntArray  # [n] whose they are, as places among the gates


@dataclass(frozen=True, eq=False)
class _Level:
    arguments: tuple[_Products, ...]  # over premises
    sides: tuple[_Side, ...]
    gates: slice  # places among the gates


@dataclass(frozen=True, eq=False)
class Messages:
    """What a sweep upwards leaves; needed on the way down. Axes: 2C pairs of claims, F gates."""

    below: FloatArray  # [2C] b_c[v]
    argument: FloatArray  # [2A'] g_a = P(argument a does not fire) and its complement, A' arguments of gates
    off: FloatArray  # [F] P(neither the prior nor a support fires)
    on: FloatArray  # [F] 1 - off
    keep: FloatArray  # [F] P(no attack fires)
    lost: FloatArray  # [F] 1 - keep


class Sweep:
    """The order of work for the gates of a graph; frozen once made."""

    def __init__(self, graph: CompiledGraph, is_gate: BoolArray) -> None:
        """Lays out the sweeps.

        Args:
            graph: folded (`compiled.fold_certain`).
            is_gate: [C] claims with arguments whose every premise stands nowhere else.
        """
        self.num_claims = graph.num_claims
        self.claims = np.flatnonzero(is_gate)
        self.claims = self.claims[np.argsort(graph.level[self.claims], kind="stable")]  # [F]
        self.level = graph.level[self.claims]
        gate_of = np.full(graph.num_claims, -1, dtype=np.intp)
        gate_of[self.claims] = np.arange(len(self.claims))
        in_gate = np.flatnonzero(is_gate[graph.conclusion]) if len(graph.strength) else np.empty(0, dtype=np.intp)
        arity = np.diff(graph.premise_start)
        level_of_argument = graph.level[graph.conclusion[in_gate]]
        order = np.lexsort((arity[in_gate], level_of_argument))
        self.arguments = in_gate[order]  # [A'] rows of the graph's arguments, in the order of work
        self.strength = graph.strength[self.arguments]
        self.weakness = 1 - self.strength
        prior = graph.prior[self.claims]
        self.prior, self.no_prior = prior, 1 - prior
        self._lay_out(graph, gate_of, arity)

    def _lay_out(self, graph: CompiledGraph, gate_of: IntArray, arity: IntArray) -> None:
        levels = np.unique(self.level)
        products: dict[int, list[_Products]] = {int(level): [] for level in levels}
        sides: dict[int, list[_Side]] = {int(level): [] for level in levels}
        argument_level = graph.level[graph.conclusion[self.arguments]]
        for start, stop in _runs(argument_level, arity[self.arguments]):
            rows = self.arguments[start:stop]
            place = graph.premise_start[rows] + np.arange(arity[rows[0]])[:, np.newaxis]
            holds = graph.holds[place]
            code = 2 * graph.premise[place] + holds
            flipped = None if holds.all() else ~holds
            one = _Products(code, code ^ 1, slice(start, stop), flipped)
            products[int(argument_level[start])].append(one)
        # Sides, numbered from 1: side 0 is that of a claim which has no such arguments.
        slot = np.full(len(graph.strength), -1, dtype=np.intp)
        slot[self.arguments] = np.arange(len(self.arguments))
        self.side_of = np.zeros((2, len(self.claims)), dtype=np.intp)  # [attacks or supports, F]
        num_sides = 1
        for is_support in (True, False):
            rows = np.flatnonzero((slot >= 0) & (graph.is_support == is_support))
            gate = gate_of[graph.conclusion[rows]]
            count = np.bincount(gate, minlength=len(self.claims))
            first = np.cumsum(count) - count
            by_gate = np.argsort(gate, kind="stable")
            having = np.flatnonzero(count)
            having = having[np.lexsort((count[having], self.level[having]))]
            for start, stop in _runs(self.level[having], count[having]):
                gates = having[start:stop]
                place = first[gates] + np.arange(count[gates[0]])[:, np.newaxis]
                code = 2 * slot[rows[by_gate[place]]]
                out = slice(num_sides, num_sides + len(gates))
                side = _Side(_Products(code, code + 1, out, None), is_support, gates)
                sides[int(self.level[gates[0]])].append(side)
                self.side_of[int(is_support), gates] = np.arange(out.start, out.stop)
                num_sides = out.stop
        self.num_sides = num_sides
        bounds = np.searchsorted(self.level, levels), np.searchsorted(self.level, levels, side="right")
        self.levels = {
            int(level): _Level(tuple(products[int(level)]), tuple(sides[int(level)]), slice(int(a), int(b)))
            for level, a, b in zip(levels, *bounds, strict=True)
        }

    def start(self, leaves: FloatArray) -> Messages:
        """Returns messages to be filled upwards, level by level.

        Args:
            leaves: [C, 2] b_c of claims without arguments; of all others anything.
        """
        size = len(self.claims)
        return Messages(
            np.array(leaves, dtype=np.float64).reshape(-1),
            np.empty(2 * len(self.arguments)),
            *(np.empty(size) for _ in range(4)),
        )

    def upwards(self, level: int, messages: Messages, evidence: FloatArray | None) -> None:
        """Fills in the gates of one level, if it has any.

        Args:
            level: which; lower ones are done.
            messages: filled up to there.
            evidence: [C, 2] likelihoods; None where no gate carries evidence.

        Raises:
            ImpossibleEvidenceError: the evidence below some gate has probability zero.
        """
        work = self.levels.get(level)
        if work is None:
            return
        for group in work.arguments:
            met, failed = _product(messages.below, group)
            lead = messages.argument[2 * group.out.start : 2 * group.out.stop : 2]
            np.multiply(self.weakness[group.out], met, out=lead)
            lead += failed
            np.multiply(
                self.strength[group.out], met, out=messages.argument[2 * group.out.start + 1 : 2 * group.out.stop : 2]
            )
        gates = work.gates
        off, on, keep, lost = (one[gates] for one in (messages.off, messages.on, messages.keep, messages.lost))
        off[:], on[:], keep[:], lost[:] = *_TRUE_PAIR, *_TRUE_PAIR
        for side in work.sides:
            none, some = _product(messages.argument, side.products)
            at = side.gate
            (messages.off if side.is_support else messages.keep)[at] = none
            (messages.on if side.is_support else messages.lost)[at] = some
        no_prior = self.no_prior[gates]
        off *= no_prior
        on *= no_prior
        on += self.prior[gates]
        true, false = on * keep, off * keep
        false += lost
        claims = self.claims[gates]
        if evidence is not None:
            false *= evidence[claims, 0]
            true *= evidence[claims, 1]
            total = false + true
            if not total.all():
                raise ImpossibleEvidenceError
            false /= total
            true /= total
        messages.below[2 * claims], messages.below[2 * claims + 1] = false, true

    def downwards(
        self,
        level: int,
        messages: Messages,
        evidence: FloatArray | None,
        above: FloatArray | None,
        difference: FloatArray,
    ) -> None:
        """Fills in what the premises of one level's gates, if it has any, get from above.

        Args:
            level: which; higher ones are done.
            messages: of the sweep upwards.
            evidence: [C, 2] likelihoods.
            above: [2C] D_c[v]; None where it is one for every claim, as it is while no argued claim carries evidence.
            difference: [C] d_c, signed.
        """
        work = self.levels.get(level)
        if work is None:
            return
        if above is None or evidence is None:
            self._downwards_unlabelled(work, messages, difference)
            return
        gates = self.claims[work.gates]
        offset = work.gates.start
        if_false = above[2 * gates] * evidence[gates, 0]
        if_true = above[2 * gates + 1] * evidence[gates, 1]
        largest = np.maximum(if_false, if_true)
        np.divide(if_false, largest, out=if_false, where=largest > 0)
        np.divide(if_true, largest, out=if_true, where=largest > 0)
        spread = difference[gates] * if_false * if_true
        first = work.arguments[0].out.start
        size = work.arguments[-1].out.stop - first
        fails, meets, factor = np.empty(size), np.empty(size), np.empty(size)
        for side in work.sides:
            at, code = side.gate, side.products.code
            slot = code >> 1
            lead, rest = products.others(
                messages.argument[side.products.code], messages.argument[side.products.complement]
            )
            strength, weakness = self.strength[slot], self.weakness[slot]
            off, on, keep, lost = (one[at] for one in (messages.off, messages.on, messages.keep, messages.lost))
            if side.is_support:
                off, on = self.no_prior[at] * lead, self.prior[at] + self.no_prior[at] * rest
                unmet, not_unmet = on * keep, off * keep + lost  # P(claim | argument not met), and complement
                delta = off * strength * keep
                met, not_met = unmet + delta, off * weakness * keep + lost
            else:
                unmet, not_unmet = on * lead, off * lead + rest
                delta = on * lead * strength
                met, not_met = on * lead * weakness, not_unmet + delta
                np.negative(delta, out=delta)
            g0, g1 = if_false[at - offset], if_true[at - offset]
            unmet_value = g1 * unmet + g0 * not_unmet
            fails[slot - first] = unmet_value
            meets[slot - first] = g1 * met + g0 * not_met
            factor[slot - first] = ratio(spread[at - offset] * delta, unmet_value)
        for group in work.arguments:
            here = slice(group.out.start - first, group.out.stop - first)
            lead, rest = products.others(messages.below[group.code], messages.below[group.complement])
            taken = meets[here] * lead + fails[here] * rest
            above[group.code] = taken
            above[group.complement] = fails[here]
            change = ratio(factor[here] * lead, taken)
            _put(difference, group, change)

    def _downwards_unlabelled(self, work: _Level, messages: Messages, difference: FloatArray) -> None:
        gates = self.claims[work.gates]
        offset = work.gates.start
        outer = difference[gates]
        first = work.arguments[0].out.start
        factor = np.empty(work.arguments[-1].out.stop - first)
        for side in work.sides:
            at = side.gate
            scale = outer[at - offset] * (
                self.no_prior[at] * messages.keep[at] if side.is_support else -messages.on[at]
            )
            factor[(side.products.code >> 1) - first] = scale * _other_products(messages.argument, side.products)
        factor *= self.strength[first : first + len(factor)]
        for group in work.arguments:
            here = factor[group.out.start - first : group.out.stop - first]
            _put(difference, group, here * _other_products(messages.below, group))


def _put(difference: FloatArray, group: _Products, change: FloatArray) -> None:
    if group.flipped is not None:
        np.negative(change, out=change, where=group.flipped)
    difference[group.code >> 1] = change


def ratio(numerator: FloatArray, denominator: FloatArray) -> FloatArray:
    """Returns numerator / denominator; 0 where the denominator is 0: nothing follows from an impossible state."""
    return np.divide(numerator, denominator, out=np.zeros_like(numerator), where=denominator > 0)


def _product(pairs: FloatArray, group: _Products) -> tuple[FloatArray, FloatArray]:
    """Returns [n] the products of x_k and [n] one minus them, as the non-negative sum of x_1 ... x_{k-1} (1 - x_k)."""
    num_factors = len(group.code)
    if num_factors == 0:
        size = group.out.stop - group.out.start
        return np.ones(size), np.zeros(size)
    if num_factors > _MANY:
        x = pairs[group.code]
        ahead = products.before(x)
        return ahead[-1] * x[-1], (ahead * pairs[group.complement]).sum(axis=0)
    x, complement = pairs[group.code[0]], pairs[group.complement[0]]
    for k in range(1, num_factors):
        complement += x * pairs[group.complement[k]]
        x *= pairs[group.code[k]]
    return x, complement


def _other_products(pairs: FloatArray, group: _Products) -> FloatArray:
    """Returns [L, n] for each factor the product of all others."""
    num_factors = len(group.code)
    if num_factors < 2:
        return np.ones(group.code.shape)
    if num_factors == 2:
        return pairs[group.code[::-1]]
    x = pairs[group.code]
    if num_factors > _MANY:
        return np.asarray(products.before(x) * products.before(x[::-1])[::-1])
    out = np.empty_like(x)
    out[-1] = 1.0
    for k in range(num_factors - 1, 0, -1):
        np.multiply(out[k], x[k], out=out[k - 1])
    before = x[0].copy()
    for k in range(1, num_factors):
        out[k] *= before
        before *= x[k]
    return out


def _runs(*keys: IntArray) -> list[tuple[int, int]]:
    """Returns (start, stop) of each run of equal keys."""
    size = len(keys[0])
    if size == 0:
        return []
    change = np.zeros(size - 1, dtype=bool)
    for key in keys:
        change |= key[1:] != key[:-1]
    edges = np.concatenate([[0], np.flatnonzero(change) + 1, [size]]).tolist()
    return list(zip(edges[:-1], edges[1:], strict=True))
