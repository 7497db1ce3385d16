"""A core condensed to what entangles it: inputs that stand in one place only never become variables of elimination.

Let argument a, of strength w_a, have private literals (claims without arguments that stand nowhere else) and others.
With h_a the probability that its private literals are as it takes them, by their messages, a is exactly an argument of
strength w_a h_a over its other literals. What is left of claim c over its k open premises, all 2^k assignments x of
them, is P(c | x): the formula of docs/design.md, carried as pairs (off, on) and (keep, lost) of a number and its
complement, sums and products of non-negative numbers only. These tables are worked out anew for each solution, all at
once in flat arrays, and are leaves of the circuit (`circuit.Circuit.evaluate`) with the claims' likelihoods in them.

Where a claim has too many open premises, the largest of its causes becomes a variable (a *maximum*, see `factors`): one
table for the claim given its maximum, one for each argument about it. Where an argument has too many, the maximum of
its failures becomes one.

On the way back, let A[v, x] be the derivative of f by c's table, likelihood left out. With z_a = "a's private literals
are met",
    K_a[1] = sum over v, x of A[v, x] P(v | x, z_a),  K_a[0] the same with a absent,
products without a worked out as prefix times suffix. For a private literal p of a taken as t, with E_p the product of
a's other private literals, the derivatives by p's message are
    D_p[t] = K_a[1] E_p + K_a[0] (1 - E_p),  D_p[not t] = K_a[0],
so p's determinant is E_p times that of z_a, or minus that.

Not here: elimination; what is done with determinants.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache

import numpy as np

from argtree import products
from argtree.circuit import Array
from argtree.compiled import BoolArray, CompiledGraph, IntArray
from argtree.core import Core
from argtree.factors import Factor, FactorGraph, Given

_SUPPORTED, _ATTACKED = 1, 2  # of a maximum; 0: nothing fired
_ALL_HOLD, _SOME_FAILS = 0, 1


@dataclass(frozen=True)
class Style:
    """When a claim gets one table, and not a maximum with a table for each cause."""

    max_premises: int  # of a table; more only where it has no more entries than the causes' tables
    max_literals: int  # of an argument that shares a maximum with others


Literals = tuple[tuple[int, int], ...]
"""(Variable, state that it is taken to have) each."""


@dataclass(frozen=True)
class _Argument:
    """An argument in one table."""

    number: int  # of the graph's A; A + 1 is one that fires whenever its literals are met
    literals: Literals  # not the private ones
    is_support: bool


@dataclass(frozen=True)
class _Unit:
    """One table: of a claim, given its premises or maximum, or of one cause of a maximum, given its premises."""

    row: int  # of the claim; -1 for a cause
    scope: tuple[int, ...]  # its own variable, then its premises
    sizes: tuple[int, ...]
    true_state: int  # of its own variable; false is state 0, any other is impossible
    prior: float
    arguments: tuple[_Argument, ...]  # none: an input
    readers: tuple[int, ...] = ()


@dataclass(frozen=True, eq=False)
class _Group:
    """Products of equally many factors, those that have fewer filled up with ones."""

    out: IntArray  # [n] which products
    factor: IntArray  # [L, n] numbers of the factors; -1: a one
    code: IntArray  # [L, n] their places in a flat array of pairs
    complement: IntArray  # [L, n] the places of one minus them


@dataclass(frozen=True, eq=False)
class Tables:
    """All tables for given indicators, and what the way back needs. Axes: S entries, A arguments, X cells.

    A cell is one assignment to a table's premises.
    """

    likelihood: Array  # [S] the claim's indicator for the entry's state
    conditional: Array  # [S] P(claim | premises)
    table: Array  # [S] the product of the two
    message: Array  # [A, 2] (1 - h_a, h_a)
    firing: Array  # [2 (A + 2)] pairs: P(a does not fire | its open literals are met) and its complement
    off: Array  # [X] P(neither the prior nor a support fires)
    on: Array  # [X] 1 - off
    keep: Array  # [X] P(no attack fires)
    lost: Array  # [X] 1 - keep


_DEFAULT_STYLE = Style(5, 3)


class Condensed:
    """A core's remaining variables, and how their tables follow from indicators; frozen once made.

    Axes: N claims of the core, A arguments, P private inputs, K kept claims (the others), U tables, S their entries.
    Kept claim i is variable i of the factors.
    """

    def __init__(self, core: Core, style: Style = _DEFAULT_STYLE) -> None:
        """Lays out the tables.

        Args:
            core: its graph as `compiled.fold_certain` leaves it: each premise at most once in its argument.
            style: changes what it costs, not what comes out.
        """
        graph = core.graph
        is_private = ~graph.is_argued & (graph.num_uses == 1)
        is_private[core.outputs] = False
        self.num_claims, self.num_arguments = graph.num_claims, len(graph.strength)
        self.kept = np.flatnonzero(~is_private)  # [K]
        self._strength = graph.strength
        self._lay_out_private(graph, is_private)
        units = _Units(graph, is_private, self.kept, style)
        self.factors = units.factors
        self._lay_out_tables(units.units)

    def _lay_out_private(self, graph: CompiledGraph, is_private: BoolArray) -> None:
        place = np.flatnonzero(is_private[graph.premise])
        self.private = graph.premise[place]  # [P] rows
        self.argument = graph.argument[place]  # [P] in which each stands
        self.taken = graph.holds[place].astype(np.intp)  # [P] as which state
        code = 2 * self.private + self.taken
        self._private_products = _groups(
            self.argument, code, np.ones(len(code), dtype=bool), self.num_arguments, 2 * self.num_claims + 1
        )

    def _lay_out_tables(self, units: Sequence[_Unit]) -> None:
        self.shapes = [unit.sizes for unit in units]
        self.start = _starts([math.prod(unit.sizes) for unit in units])  # [U + 1] first entries
        self.table_of = np.full(self.num_claims, -1)  # [N] number of the table of each kept claim
        self._likelihood_code = np.full(self.start[-1], 2 * self.num_claims + 1)
        self._blank = np.zeros(self.start[-1])
        has_private = np.zeros(self.num_arguments + 2, dtype=bool)
        has_private[self.argument] = True
        layout = _Layout()
        for number, unit in enumerate(units):
            start, count = int(self.start[number]), math.prod(unit.sizes[1:])
            if unit.row >= 0:
                self.table_of[unit.row] = number
                self._likelihood_code[start : start + count] = 2 * unit.row
                self._likelihood_code[start + count : start + 2 * count] = 2 * unit.row + 1
            if unit.arguments:
                layout.add(unit, start, count, has_private)
            else:
                self._blank[start : start + 2] = 1.0
        self._false, self._true = _joined(layout.false), _joined(layout.true)  # [X] entries of each cell
        self._prior = np.array(layout.prior)
        # The entries are summed over the premises, for each state of each table's own variable.
        self._sums = np.concatenate(
            [
                start + np.arange(sizes[0]) * math.prod(sizes[1:])
                for start, sizes in zip(self.start[:-1].tolist(), self.shapes, strict=True)
            ]
        )
        first_sum = _starts([sizes[0] for sizes in self.shapes])[self.table_of[self.kept]]
        self._kept_sums = first_sum[:, np.newaxis] + (0, 1)  # [K, 2]
        # Entries [M] of the matrices that take B = likelihood * A to K_a, row by row.
        self._row = np.array(layout.row_argument, dtype=np.intp)
        self._row_start = _starts(layout.row_length)
        self._column = _joined(layout.column)
        self._met_false, self._met_true = (
            np.where(place < 0, len(self._column), place) for place in map(_joined, (layout.at_false, layout.at_true))
        )
        length = np.array(layout.met_length, dtype=np.intp)
        met_cell, argument = _joined(layout.met_cell), np.repeat(np.array(layout.met_argument, dtype=np.intp), length)
        is_support = np.repeat(np.array(layout.met_support, dtype=bool), length)
        neutral = 2 * self.num_arguments
        self._sides = tuple(
            (polarity, group)
            for polarity in (True, False)
            for group in _groups(met_cell, 2 * argument, is_support == polarity, len(self._prior), neutral)
        )
        self._met_strength = np.append(self._strength, (0.0, 1.0))[argument]

    def tables(self, indicator: Array) -> Tables:
        """Returns all tables.

        Args:
            indicator: [N, 2] of `core.Solver`, those of private inputs with sum one; float64 or longdouble.
        """
        dtype = indicator.dtype
        pairs = np.concatenate([indicator.reshape(-1), np.array([0, 1], dtype)])
        message = np.zeros((self.num_arguments, 2), dtype)
        message[:, 1] = 1
        for group in self._private_products:
            message[group.out, 1], message[group.out, 0] = _product(pairs, group)
        firing = np.array([1, 0] * (self.num_arguments + 1) + [0, 1], dtype)
        strength = self._strength.astype(dtype)
        firing[: 2 * self.num_arguments : 2] = message[:, 0] + (1 - strength) * message[:, 1]
        firing[1 : 2 * self.num_arguments : 2] = strength * message[:, 1]
        off, keep = np.ones((2, len(self._prior)), dtype)
        on, lost = np.zeros((2, len(self._prior)), dtype)
        for is_support, group in self._sides:
            none, some = (off, on) if is_support else (keep, lost)
            none[group.out], some[group.out] = _product(firing, group)
        prior = self._prior.astype(dtype)
        on = prior + (1 - prior) * on
        off = (1 - prior) * off
        conditional = self._blank.astype(dtype)
        conditional[self._false], conditional[self._true] = off * keep + lost, on * keep
        likelihood = pairs[self._likelihood_code]
        return Tables(likelihood, conditional, conditional * likelihood, message, firing, off, on, keep, lost)

    def derivatives(self, tables: Tables, by_table: Array, by_entry: Array) -> tuple[Array, Array]:
        """Returns [K, 2, V] the derivatives of f by kept claims' indicators, and [A, 2, V] K_a.

        Up to the scales of the tables that they come from; K_a is zero for an argument without private inputs.

        Args:
            tables: of `tables`.
            by_table: [S, V] the derivative of each variant of f by each table.
            by_entry: [S, V] the same by `Tables.conditional`.
        """
        sums = np.add.reduceat(by_table * tables.conditional[:, np.newaxis], self._sums, axis=0)
        unmet, met = self._with_and_without(tables)
        k = np.zeros((self.num_arguments, 2, by_entry.shape[1]), by_entry.dtype)
        if len(self._row):
            there = by_entry[self._column]
            for state, data in ((0, unmet), (1, met)):
                k[self._row, state] = np.add.reduceat(data[:, np.newaxis] * there, self._row_start[:-1], axis=0)
        return sums[self._kept_sums], k

    def _with_and_without(self, tables: Tables) -> tuple[Array, Array]:
        """Returns [M] P(claim | premises, a absent) and [M] the same with a's private literals met, as matrices' data.

        Where a's other literals fail, both are P(claim | premises).
        """
        unmet = np.append(tables.conditional[self._column], 0)
        met = unmet.copy()
        prior, strength = self._prior.astype(unmet.dtype), self._met_strength.astype(unmet.dtype)
        for is_support, group in self._sides:
            cell, pair = group.out, group.factor
            without, fired = products.others(tables.firing[group.code], tables.firing[group.complement])
            w, keep, lost = strength[pair], tables.keep[cell], tables.lost[cell]
            if is_support:
                off, on = (1 - prior[cell]) * without, prior[cell] + (1 - prior[cell]) * fired
                true, false = on * keep, off * keep + lost
                met_true, met_false = true + off * w * keep, off * (1 - w) * keep + lost
            else:
                off, on = tables.off[cell], tables.on[cell]
                true, false = on * without, off * without + fired
                met_true, met_false = true * (1 - w), false + true * w
            is_filling = pair < 0
            at_false = np.where(is_filling, len(unmet) - 1, self._met_false[pair])
            at_true = np.where(is_filling, len(unmet) - 1, self._met_true[pair])
            unmet[at_false], unmet[at_true] = false, true
            met[at_false], met[at_true] = met_false, met_true
        return unmet[:-1], met[:-1]

    def private_derivatives(self, indicator: Array, k: Array) -> tuple[Array, Array]:
        """Returns [P, 2, T, W] the derivatives by private inputs' messages, and [P] the signed factors +/- E_p.

        Args:
            indicator: [N, 2] as for `tables`.
            k: [A, 2, T, W] K_a.
        """
        pairs = np.concatenate([indicator.reshape(-1), np.array([0, 1], indicator.dtype)])
        others = np.ones((len(self.private) + 1, 2), indicator.dtype)
        for group in self._private_products:
            others[group.factor, 1], others[group.factor, 0] = products.others(
                pairs[group.code], pairs[group.complement]
            )
        others = others[:-1]
        mine = k[self.argument]
        found = np.empty_like(mine)
        place = np.arange(len(self.private))
        fails, holds = others.T[:, :, np.newaxis, np.newaxis]
        found[place, self.taken] = mine[:, 1] * holds + mine[:, 0] * fails
        found[place, 1 - self.taken] = mine[:, 0]
        return found, np.where(self.taken == 1, others[:, 1], -others[:, 1])


@dataclass
class _Layout:
    """What is collected table by table: cells, arguments met in each, matrix rows of those with private literals."""

    false: list[IntArray] = field(default_factory=list)
    true: list[IntArray] = field(default_factory=list)
    prior: list[float] = field(default_factory=list)
    met_cell: list[IntArray] = field(default_factory=list)
    met_argument: list[int] = field(default_factory=list)
    met_support: list[bool] = field(default_factory=list)
    met_length: list[int] = field(default_factory=list)
    at_false: list[IntArray] = field(default_factory=list)  # of each met pair: its entry in the matrices; -1: none
    at_true: list[IntArray] = field(default_factory=list)
    row_argument: list[int] = field(default_factory=list)
    row_length: list[int] = field(default_factory=list)
    column: list[IntArray] = field(default_factory=list)
    num_entries: int = 0  # of the matrices

    def add(self, unit: _Unit, start: int, count: int, has_private: BoolArray) -> None:
        """Adds a table of `count` cells whose entries begin at `start`."""
        first_cell, cells = len(self.prior), np.arange(count)
        false, true = start + cells, start + unit.true_state * count + cells
        self.false.append(false)
        self.true.append(true)
        self.prior += [unit.prior] * count
        axis = {variable: place for place, variable in enumerate(unit.scope[1:])}
        for one in unit.arguments:
            where = _where(unit.sizes[1:], tuple((axis[variable], state) for variable, state in one.literals))
            self.met_cell.append(first_cell + where)
            self.met_argument.append(one.number)
            self.met_support.append(one.is_support)
            self.met_length.append(len(where))
            if not has_private[one.number]:
                self.at_false.append(np.full(len(where), -1))
                self.at_true.append(np.full(len(where), -1))
                continue
            self.at_false.append(self.num_entries + where)
            self.at_true.append(self.num_entries + count + where)
            self.row_argument.append(one.number)
            self.row_length.append(2 * count)
            self.column += [false, true]
            self.num_entries += 2 * count


class _Units:
    """The tables of a core, and the static factors between them."""

    def __init__(self, graph: CompiledGraph, is_private: BoolArray, kept: IntArray, style: Style) -> None:
        self._style = style
        given: list[Given] = []
        self.factors = FactorGraph(len(kept), [2] * len(kept), [], given)
        self.units: list[_Unit] = []
        self._is_support = graph.is_support.tolist()
        self._certain = len(self._is_support) + 1
        variable = {row: place for place, row in enumerate(kept.tolist())}
        start, premise_start = graph.argument_start.tolist(), graph.premise_start.tolist()
        premise, holds, prior = graph.premise.tolist(), graph.holds.tolist(), graph.prior.tolist()
        for row, own in variable.items():
            arguments = [
                (
                    a,
                    tuple(
                        (variable[premise[p]], int(holds[p]))
                        for p in range(premise_start[a], premise_start[a + 1])
                        if premise[p] in variable
                    ),
                )
                for a in range(start[row], start[row + 1])
            ]
            self._add_claim(row, own, prior[row], arguments)
        given += [Given(unit.scope, unit.readers) for unit in self.units]

    def _add_claim(self, row: int, own: int, prior: float, arguments: list[tuple[int, Literals]]) -> None:
        readers: tuple[int, ...] = ()
        is_small = self._is_small(arguments)
        if not is_small:
            arguments = [(a, self._shortened(literals)) for a, literals in arguments]
            readers = tuple(v for v in _variables(arguments) if self.factors.is_maximum(v))
        if not is_small and not self._is_small(arguments):
            self._add_star(row, own, prior, arguments)
            return
        plain = tuple(_Argument(a, literals, self._is_support[a]) for a, literals in arguments)
        self._add(row, (own, *_variables(arguments)), 1, prior, plain, readers)

    def _is_small(self, arguments: list[tuple[int, Literals]]) -> bool:
        """Whether one table over all premises is small, or has no more entries than the tables of a star."""
        num_premises, most = len(_variables(arguments)), self._style.max_literals
        star = sum(2 << len(literals) if len(literals) <= most else 4 * len(literals) for _, literals in arguments)
        return num_premises <= self._style.max_premises or (num_premises < 24 and 2 << num_premises <= star)

    def _add_star(self, row: int, own: int, prior: float, arguments: list[tuple[int, Literals]]) -> None:
        """Adds a claim that reads the maximum of those of its arguments that have open literals."""
        is_attacked = any(literals and not self._is_support[a] for a, literals in arguments)
        maximum = self.factors.add_maximum(3 if is_attacked else 2)
        reading = [_Argument(a, (), self._is_support[a]) for a, literals in arguments if not literals]
        reading.append(_Argument(self._certain, ((maximum, _SUPPORTED),), True))
        if is_attacked:
            reading.append(_Argument(self._certain, ((maximum, _ATTACKED),), False))
        self._add(row, (own, maximum), 1, prior, tuple(reading), (maximum,))
        for a, literals in arguments:
            if literals:
                state = _SUPPORTED if self._is_support[a] else _ATTACKED
                readers = tuple(v for v, _ in literals if self.factors.is_maximum(v))
                scope = (maximum, *(v for v, _ in literals))
                self._add(-1, scope, state, 0.0, (_Argument(a, literals, True),), readers)

    def _shortened(self, literals: Literals) -> Literals:
        """Returns many literals as one, of a new maximum of their failures."""
        if len(literals) <= self._style.max_literals:
            return literals
        conjunction = self.factors.add_maximum(2)
        for variable, state in literals:
            table = np.zeros((2, 2), dtype=np.longdouble)
            table[_ALL_HOLD, state] = table[_SOME_FAILS, 1 - state] = 1.0
            self.factors.factors.append(Factor((conjunction, variable), table))
        return ((conjunction, _ALL_HOLD),)

    def _add(
        self,
        row: int,
        scope: tuple[int, ...],
        true_state: int,
        prior: float,
        arguments: tuple[_Argument, ...],
        readers: tuple[int, ...],
    ) -> None:
        sizes = tuple(self.factors.sizes[variable] for variable in scope)
        self.units.append(_Unit(row, scope, sizes, true_state, prior, arguments, readers))


def _variables(arguments: Sequence[tuple[int, Literals]]) -> tuple[int, ...]:
    return tuple(dict.fromkeys(variable for _, literals in arguments for variable, _ in literals))


@cache
def _where(sizes: tuple[int, ...], literals: Literals) -> IntArray:
    """Returns the cells of a table over premises in which these (axis, state) are so."""
    met = np.zeros(sizes, dtype=bool)
    index: list[int | slice] = [slice(None)] * len(sizes)
    for axis, state in literals:
        index[axis] = state
    met[tuple(index)] = True
    return np.flatnonzero(met)


def _starts(lengths: Sequence[int]) -> IntArray:
    return np.concatenate([[0], np.cumsum(lengths, dtype=np.intp)])


def _joined(parts: list[IntArray]) -> IntArray:
    return np.concatenate(parts) if parts else np.empty(0, dtype=np.intp)


def _groups(key: IntArray, code: IntArray, which: BoolArray, num_keys: int, neutral: int) -> tuple[_Group, ...]:
    """Returns the products by their numbers of factors, rounded up to powers of two.

    Args:
        key: [n] the product that each factor belongs to.
        code: [n] its place in a flat array of pairs.
        which: [n] the factors meant.
        num_keys: products.
        neutral: place of a one.
    """
    chosen = np.flatnonzero(which)
    order = chosen[np.argsort(key[chosen], kind="stable")]
    count = np.bincount(key[chosen], minlength=num_keys)
    first = np.cumsum(count) - count
    length = np.where(count > 0, 1 << np.ceil(np.log2(np.maximum(count, 1))).astype(np.intp), 0)
    groups = []
    for size in np.unique(length[length > 0]).tolist():
        out = np.flatnonzero(length == size)
        place = np.arange(size)[:, np.newaxis]
        factor = np.where(place < count[out], order[np.minimum(first[out] + place, len(order) - 1)], -1)
        codes = np.append(code, neutral)[factor]
        groups.append(_Group(out, factor, codes, codes ^ 1))
    return tuple(groups)


def _product(pairs: Array, group: _Group) -> tuple[Array, Array]:
    """Returns [n] the products of x_k, and one minus them as the sum of x_1 ... x_{k-1} (1 - x_k)."""
    x = pairs[group.code]
    ahead = products.before(x)
    return ahead[-1] * x[-1], (ahead * pairs[group.complement]).sum(axis=0)
