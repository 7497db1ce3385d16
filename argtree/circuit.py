"""The network polynomial as a schedule of small table operations: evaluated once, differentiated in reverse.

Every operation joins two tables and sums out what is no longer needed. The derivative of a join with respect to
one side is a join of the same kind with the other side, so one function, `_join`, serves both passes. Each table
is used exactly once; hence a derivative is never a sum of several, a product without one factor is a prefix times
a suffix, and nothing is ever divided but by a common scale.

A table has one axis for each variable of its scope, in the order of elimination from last to first, after a
leading axis [B] of variants of the same polynomial (length 1: the same in all of them).

Along a maximum (see `factors`) a table is either *causes*, P(their maximum = s), or a *reader*, the value to be had
when the maximum of all other causes is s. Causes with causes are max-convolved; a reader absorbs causes by the
transpose of that. Not here: where factors come from.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from argtree.elimination import MAX_TOTAL_ENTRIES, elimination_order, too_entangled
from argtree.factors import Factor, FactorGraph

Array = npt.NDArray[Any]
"""Of float64, longdouble or complex128: whatever the indicators are of."""

_MAX_PRODUCTS = 2**28  # work of one evaluation: a matter of seconds
_MAX_PRODUCTS_AT_ONCE = 2**21

_BOTH_CAUSES, _X_READS, _Y_READS = 0, 1, 2


@dataclass(frozen=True)
class _Rule:
    """A join along one maximum as out @ ((x @ table x) * (y @ table y)): zeros and ones only, nothing subtracted."""

    x: Array  # [products, states]
    y: Array  # [products, states]
    out: Array  # [states, products]


def _causes_rule(n: int) -> _Rule:
    """P(max = s) of causes p, q is p[s] q[<= s] + p[< s] q[s]: two products a state, one for s = 0."""
    up_to, state = np.tri(n), np.eye(n)
    below = up_to - state
    return _Rule(
        np.concatenate([state, below[1:]]),
        np.concatenate([up_to, state[1:]]),
        np.concatenate([state, state[:, 1:]], axis=1),
    )


def _reader_rule(n: int) -> _Rule:
    """A reader u of causes p reads on as u[s] p[<= s] + sum_{t > s} u[t] p[t]: the transpose of the above."""
    up_to, state = np.tri(n), np.eye(n)
    above = (up_to - state).T
    return _Rule(
        np.concatenate([state, state[1:]]),
        np.concatenate([up_to, state[1:]]),
        np.concatenate([state, above[:, 1:]], axis=1),
    )


def _rules() -> dict[tuple[int, int], _Rule]:
    found = {}
    for n in (2, 3):
        found[n, _BOTH_CAUSES], found[n, _X_READS] = _causes_rule(n), _reader_rule(n)
        read = found[n, _X_READS]
        found[n, _Y_READS] = _Rule(read.y, read.x, read.out)
    return found


_RULES = _rules()

_TINY, _HUGE = 1e-60, 1e60  # tables are rescaled when their largest entry leaves this range


@dataclass(frozen=True)
class _Join:
    """How two tables become one."""

    x_shape: tuple[int, ...]  # x with an axis of length 1 where it lacks a variable of the union
    y_shape: tuple[int, ...]
    summed: tuple[int, ...]  # axes of the union to sum out, counting the variants as axis 0
    convolved: tuple[tuple[int, int], ...]  # (axis, _BOTH_CAUSES, _X_READS or _Y_READS) for shared maxima that stay


@dataclass(frozen=True)
class _Step:
    """x and y (numbers of tables) become a new table; for the way back, the joins of its derivative."""

    x: int
    y: int
    forward: _Join
    to_x: _Join | None  # join(derivative of the result, y) = derivative of x; None where no indicator is below x
    to_y: _Join | None


@dataclass(frozen=True)
class _Shape:
    """What is known of a table before it is filled."""

    scope: tuple[int, ...]  # from last eliminated to first
    readers: frozenset[int]  # maxima that it reads


@dataclass(frozen=True)
class _Leaf:
    """A table that is there from the start; one over conditioned variables is sliced for each variant."""

    given: tuple[int, ...]  # which of the conditioned variables it has, one for each of the table's first axes
    table: Array | None  # longdouble [sizes of the given..., sizes of the others...]; None for an indicator


@dataclass
class Evaluation:
    """A polynomial's value in each of B variants, and what its derivatives need."""

    total: Array  # [1 or B] the value of each variant is total * exp(log_scale)
    log_scale: float
    tables: list[Array]
    log_scales: list[Array | float]  # of each table, [1 or B] or a number for all
    states: npt.NDArray[np.integer[Any]]  # [1 or B, K] of the conditioned variables


@dataclass(frozen=True)
class Circuit:
    """A compiled network polynomial."""

    leaves: tuple[_Leaf, ...]
    indicators: Mapping[int, int]  # row of a claim -> number of its leaf
    steps: tuple[_Step, ...]  # step i makes table len(leaves) + i; the last table is the polynomial
    num_conditioned: int
    stored_entries: int  # numbers held by one evaluation, for each variant

    def evaluate(
        self, indicators: Mapping[int, Array], states: npt.NDArray[np.integer[Any]] | None = None
    ) -> Evaluation | None:
        """Returns the value of every variant; None if all are zero.

        Args:
            indicators: row of a claim -> its evidence indicator [1 or B, 2], all of one kind: float64, longdouble
                or complex128 (a step of 1e-100j in one gives a derivative as the imaginary part, without
                cancellation: Squire and Trapp 1998).
            states: [1 or B, K] the states of the K conditioned variables in each variant; none if K = 0.
        """
        if states is None:
            states = np.zeros((1, 0), dtype=np.intp)
        assert states.shape[1] == self.num_conditioned, "one state for each conditioned variable"
        dtype = np.result_type(np.float64, *indicators.values())
        tables = [
            _EMPTY if leaf.table is None else _given(leaf.table.astype(dtype), leaf.given, states)
            for leaf in self.leaves
        ]
        for row, number in self.indicators.items():
            given = self.leaves[number].given
            tables[number] = indicators[row] if not given else _sliced_indicator(indicators[row], states[:, given[0]])
        logs: list[Array | float] = [0.0] * len(tables)
        for step in self.steps:
            table, log = _rescaled(_join(tables[step.x], tables[step.y], step.forward))
            tables.append(table)
            logs.append(log + logs[step.x] + logs[step.y])
        total, log_scale = _at_one_scale(tables[-1], logs[-1])
        return Evaluation(total, log_scale, tables, logs, states) if np.any(total.real > 0) else None

    def differentiate(self, evaluation: Evaluation) -> dict[int, Array]:
        """Returns the derivative [1 or B, 2] by each claim's indicator (row -> table), up to a positive scale.

        The scale is the same for all variants and states of one claim and says nothing about another's. By the
        indicator of a conditioned claim, the derivative for the state that it is not given is zero.

        Args:
            evaluation: of `evaluate`; emptied on the way to free memory.
        """
        tables, logs, num_leaves = evaluation.tables, evaluation.log_scales, len(self.leaves)
        gradients: dict[int, tuple[Array, Array | float]] = {len(tables) - 1: (np.ones(1), 0.0)}
        for number in range(len(tables) - 1, num_leaves - 1, -1):
            tables.pop()
            step, found = self.steps[number - num_leaves], gradients.pop(number, None)
            if found is None:
                continue
            for to, other, join in ((step.x, step.y, step.to_x), (step.y, step.x, step.to_y)):
                if join is not None:
                    table, log = _rescaled(_join(found[0], tables[other], join))
                    gradients[to] = table, log + found[1] + logs[other]
        derivatives = {}
        for row, leaf in self.indicators.items():
            derivative, _ = _at_one_scale(*gradients[leaf])
            if given := self.leaves[leaf].given:
                derivative = derivative[:, np.newaxis] * (evaluation.states[:, given] == (0, 1))
            derivatives[row] = derivative
        return derivatives


_EMPTY = np.zeros((1, 0))


def _given(table: Array, given: tuple[int, ...], states: npt.NDArray[np.integer[Any]]) -> Array:
    """Returns [1 or B, ...] the table with its first axes at the states of the given variables."""
    return table[tuple(states[:, place] for place in given)] if given else table[np.newaxis]


def _sliced_indicator(indicator: Array, states: npt.NDArray[np.integer[Any]]) -> Array:
    variants = np.arange(len(indicator)) if len(indicator) > 1 else 0
    return np.asarray(indicator[variants, states])


def _at_one_scale(table: Array, log: Array | float) -> tuple[Array, float]:
    """Returns the table with the scales of its variants made one, and the logarithm of that."""
    if isinstance(log, float):
        return table, log
    sizes = np.abs(table.real).reshape(len(table), -1).max(axis=1)
    largest = float(np.where(sizes > 0, log, -np.inf).max())
    if largest == -np.inf:
        return table, 0.0
    factor = np.exp(np.minimum(log - largest, 0.0)).reshape((-1,) + (1,) * (table.ndim - 1))
    return table * factor, largest


def compile_circuit(graph: FactorGraph, conditioned: Sequence[int] = ()) -> Circuit:
    """Returns the schedule that sums all variables out of a factor graph but those that are conditioned.

    Args:
        graph: the factors.
        conditioned: variables whose states are given from outside in each evaluation; no maxima.

    Raises:
        TooEntangledError: it would need tables past the limits of `elimination`.
        ValueError: a conditioned variable is a maximum.
    """
    for variable in conditioned:
        if graph.is_maximum(variable):
            raise ValueError(f"variable {variable} is a maximum; only claims can be conditioned")
    given = set(conditioned)
    order = elimination_order(graph.sizes, [[v for v in factor.scope if v not in given] for factor in graph.factors])
    return _Compiler(graph, [variable for variable in order if variable not in given], conditioned).compile()


class _Compiler:
    """Bucket elimination (Dechter 1996) that writes down what to do instead of doing it."""

    def __init__(self, graph: FactorGraph, order: Sequence[int], conditioned: Sequence[int]) -> None:
        self.graph = graph
        self.order = order
        self.place_given = {variable: place for place, variable in enumerate(conditioned)}
        self.position = {variable: place for place, variable in enumerate(order)}
        self.leaves: list[_Leaf] = []
        self.shapes: list[_Shape] = []
        self.joins: list[tuple[int, int, _Shape]] = []
        self.indicators: dict[int, int] = {}
        self.stored_entries = 0
        self.num_products = 0

    def compile(self) -> Circuit:
        buckets: list[list[int]] = [[] for _ in range(len(self.order) + 1)]  # the last: no variable left
        for leaf in self._add_leaves():
            buckets[self._bucket(leaf)].append(leaf)
        for place, variable in enumerate(self.order):
            result = self._empty_bucket(variable, buckets[place])
            buckets[self._bucket(result)].append(result)
        self._join_all(buckets[-1] or [self._add_leaf(Factor((), np.ones((), dtype=np.longdouble)))])
        steps = self._steps()
        return Circuit(tuple(self.leaves), self.indicators, steps, len(self.place_given), self.stored_entries)

    def _add_leaves(self) -> list[int]:
        leaves = [self._add_leaf(factor) for factor in self.graph.factors]
        for row in range(self.graph.num_claims):
            self.indicators[row] = self._add_leaf(Factor((row,), np.ones(2, dtype=np.longdouble)))
            self.leaves[self.indicators[row]] = replace(self.leaves[self.indicators[row]], table=None)
            leaves.append(self.indicators[row])
        return leaves

    def _add_leaf(self, factor: Factor) -> int:
        given = [axis for axis, variable in enumerate(factor.scope) if variable in self.place_given]
        free = [axis for axis, variable in enumerate(factor.scope) if variable not in self.place_given]
        free.sort(key=lambda axis: -self.position[factor.scope[axis]])
        # Leaves are numbered from 0 up, joins from -1 down until all leaves are known.
        table = np.array(np.transpose(factor.table, given + free), dtype=np.longdouble, order="C")
        self.leaves.append(_Leaf(tuple(self.place_given[factor.scope[axis]] for axis in given), table))
        readers = frozenset() if factor.reader is None else frozenset((factor.reader,))
        self.shapes.append(_Shape(tuple(factor.scope[axis] for axis in free), readers))
        return len(self.leaves) - 1

    def _shape(self, number: int) -> _Shape:
        return self.shapes[number] if number >= 0 else self.joins[-1 - number][2]

    def _bucket(self, number: int) -> int:
        scope = self._shape(number).scope
        return self.position[scope[-1]] if scope else len(self.order)

    def _empty_bucket(self, variable: int, bucket: list[int]) -> int:
        """Joins all tables that hold the variable and sums it out in the last join; returns the result."""
        if len(bucket) < 2:  # no cause at all leaves a maximum at 0; no claim is left out of the sum
            unit = np.ones(self.graph.sizes[variable], dtype=np.longdouble)
            if self.graph.is_maximum(variable):
                unit[1:] = 0.0
            bucket = [*bucket, self._add_leaf(Factor((variable,), unit))]
        return self._join_all(bucket, variable)

    def _join_all(self, bucket: list[int], eliminated: int | None = None) -> int:
        """Joins two smallest tables until one is left."""
        heap = [(len(self._shape(number).scope), place, number) for place, number in enumerate(bucket)]
        heapq.heapify(heap)
        place = len(bucket)
        while len(heap) > 1:
            x, y = heapq.heappop(heap)[2], heapq.heappop(heap)[2]
            number = self._add_join(x, y, eliminated if not heap else None)
            heapq.heappush(heap, (len(self._shape(number).scope), place, number))
            place += 1
        return heap[0][2]

    def _add_join(self, x: int, y: int, eliminated: int | None) -> int:
        a, b = self._shape(x), self._shape(y)
        union = sorted({*a.scope, *b.scope}, key=self.position.__getitem__, reverse=True)
        scope = tuple(variable for variable in union if variable != eliminated)
        readers = frozenset(variable for variable in a.readers | b.readers if variable != eliminated)
        self.joins.append((x, y, _Shape(scope, readers)))
        sizes = self.graph.sizes
        self.stored_entries += math.prod(sizes[variable] for variable in scope)
        shared = [v for v in scope if self.graph.is_maximum(v) and v in a.scope and v in b.scope]
        growth = math.prod((2 * sizes[v] - 1) / sizes[v] for v in shared)
        self.num_products += int(math.prod(sizes[variable] for variable in union) * growth)
        if self.stored_entries > MAX_TOTAL_ENTRIES or self.num_products > _MAX_PRODUCTS:
            raise too_entangled()
        return -len(self.joins)

    def _steps(self) -> tuple[_Step, ...]:
        needed = [leaf.table is None for leaf in self.leaves]  # has an indicator below it
        steps = []
        for x, y, shape in self.joins:
            x, y = (number if number >= 0 else len(self.leaves) - 1 - number for number in (x, y))
            a, b = self.shapes[x], self.shapes[y]
            gradient = self._transposed(shape)
            steps.append(
                _Step(
                    x,
                    y,
                    self._plan(a, b, shape),
                    self._plan(gradient, b, self._transposed(a)) if needed[x] else None,
                    self._plan(gradient, a, self._transposed(b)) if needed[y] else None,
                )
            )
            self.shapes.append(shape)
            needed.append(needed[x] or needed[y])
        return tuple(steps)

    def _transposed(self, shape: _Shape) -> _Shape:
        """The derivative by causes is a reader of them, and the other way round."""
        readers = {v for v in shape.scope if self.graph.is_maximum(v) and v not in shape.readers}
        return _Shape(shape.scope, frozenset(readers))

    def _plan(self, a: _Shape, b: _Shape, out: _Shape) -> _Join:
        union = sorted({*a.scope, *b.scope}, key=self.position.__getitem__, reverse=True)
        sizes = self.graph.sizes
        convolved = []
        for axis, v in enumerate(union, start=1):
            if self.graph.is_maximum(v) and v in a.scope and v in b.scope and v in out.scope:
                assert not (v in a.readers and v in b.readers), "a maximum has one reader"
                kind = _X_READS if v in a.readers else _Y_READS if v in b.readers else _BOTH_CAUSES
                convolved.append((axis, kind))
        return _Join(
            tuple(sizes[v] if v in a.scope else 1 for v in union),
            tuple(sizes[v] if v in b.scope else 1 for v in union),
            tuple(axis for axis, v in enumerate(union, start=1) if v not in out.scope),
            tuple(convolved),
        )


def _join(x: Array, y: Array, plan: _Join) -> Array:
    """Returns the join of two tables [1 or B, ...]: only sums and products of non-negative numbers."""
    x = x.reshape(x.shape[:1] + plan.x_shape)
    y = y.reshape(y.shape[:1] + plan.y_shape)
    if not plan.convolved:
        out = x * y
    else:
        out = _convolve(x, y, plan.convolved)
    return np.add.reduce(out, axis=plan.summed) if plan.summed else out


def _convolve(x: Array, y: Array, convolved: Sequence[tuple[int, int]]) -> Array:
    """Joins along shared maxima: each axis is spread into products, multiplied, and gathered again."""
    rules = [(axis, _RULES[x.shape[axis], kind]) for axis, kind in convolved]
    growth = math.prod(len(rule.x) / x.shape[axis] for axis, rule in rules)
    if rules and math.prod(map(max, x.shape, y.shape)) * growth > _MAX_PRODUCTS_AT_ONCE:
        return _convolve_in_parts(x, y, *rules[0], convolved[1:])
    for axis, rule in rules:
        x, y = _along(rule.x, x, axis), _along(rule.y, y, axis)
    out = x * y
    for axis, rule in rules:
        out = _along(rule.out, out, axis)
    return out


def _convolve_in_parts(x: Array, y: Array, axis: int, rule: _Rule, others: Sequence[tuple[int, int]]) -> Array:
    """The same, one product of one axis at a time, so that less is held at once."""
    total: Array | float = 0.0
    for x_row, y_row, out_column in zip(rule.x, rule.y, rule.out.T, strict=True):
        part = _convolve(_along(x_row[np.newaxis], x, axis), _along(y_row[np.newaxis], y, axis), others)
        total = total + _along(out_column[:, np.newaxis], part, axis)
    return np.asarray(total)


def _along(matrix: Array, table: Array, axis: int) -> Array:
    """Returns the table with a matrix applied along one axis."""
    return np.moveaxis(np.tensordot(matrix, table, axes=(1, axis)), 0, axis)


def _rescaled(table: Array) -> tuple[Array, Array | float]:
    """Returns the table with each variant's largest entry near 1, and the logarithms of what it was divided by.

    0.5^1075 is zero in double precision.
    """
    size = np.abs(table.real) if table.dtype.kind == "c" else np.abs(table)
    largest = size.reshape(len(table), -1).max(axis=1)
    fits = (_TINY < largest) & (largest < _HUGE)
    if fits.all():
        return table, 0.0
    factor = np.where(fits | (largest == 0), 1.0, largest)
    return table / factor.reshape((-1,) + (1,) * (table.ndim - 1)), np.log(factor).astype(np.float64)
