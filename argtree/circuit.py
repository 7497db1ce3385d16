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
from dataclasses import dataclass

import numpy as np

from argtree.elimination import MAX_TOTAL_ENTRIES, elimination_order, too_entangled
from argtree.factors import Factor, FactorGraph, FloatArray

_MAX_PRODUCTS = 2**28  # work of one evaluation: a matter of seconds
_MAX_PRODUCTS_AT_ONCE = 2**21

_BOTH_CAUSES, _X_READS, _Y_READS = 0, 1, 2


@dataclass(frozen=True)
class _Rule:
    """A join along one maximum as out @ ((x @ table x) * (y @ table y)): zeros and ones only, nothing subtracted."""

    x: FloatArray  # [products, states]
    y: FloatArray  # [products, states]
    out: FloatArray  # [states, products]


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
class Circuit:
    """A compiled network polynomial."""

    constants: tuple[FloatArray | None, ...]  # leaf tables [1, ...]; None for an indicator
    indicators: Mapping[int, int]  # row of a claim -> number of its leaf
    steps: tuple[_Step, ...]  # step i makes table len(constants) + i; the last table is the polynomial
    stored_entries: int  # numbers held by one evaluation, for each variant

    def evaluate(self, indicators: Mapping[int, FloatArray]) -> list[FloatArray] | None:
        """Returns all tables, each up to a positive scale common to all variants; None if variant 0 is zero.

        Args:
            indicators: row of a claim -> its evidence indicator [1 or B, 2]. No variant may exceed variant 0.
        """
        tables = [constant if constant is not None else _EMPTY for constant in self.constants]
        for row, leaf in self.indicators.items():
            tables[leaf] = indicators[row]
        for step in self.steps:
            table = _rescaled(_join(tables[step.x], tables[step.y], step.forward))
            if table is None:
                return None
            tables.append(table)
        return tables if tables[-1].flat[0] > 0 else None

    def differentiate(self, tables: list[FloatArray]) -> dict[int, FloatArray]:
        """Returns the derivative [1 or B, 2] by each claim's indicator (row -> table), up to scales as above.

        The scale of one claim's table says nothing about another's: only ratios within a table count.

        Args:
            tables: of `evaluate`; emptied on the way to free memory.
        """
        num_leaves = len(self.constants)
        gradients: dict[int, FloatArray] = {len(tables) - 1: np.ones(1)}
        for number in range(len(tables) - 1, num_leaves - 1, -1):
            tables.pop()
            step, gradient = self.steps[number - num_leaves], gradients.pop(number, None)
            if gradient is None:
                continue
            for to, other, join in ((step.x, step.y, step.to_x), (step.y, step.x, step.to_y)):
                if join is not None:
                    found = _rescaled(_join(gradient, tables[other], join))
                    assert found is not None, "the polynomial is positive, so each derivative has a positive entry"
                    gradients[to] = found
        return {row: gradients[leaf] for row, leaf in self.indicators.items()}


_EMPTY = np.zeros((1, 0))


def compile_circuit(graph: FactorGraph) -> Circuit:
    """Returns the schedule that sums all variables out of a factor graph.

    Raises:
        TooEntangledError: it would need tables past the limits of `elimination`.
    """
    order = elimination_order(graph.sizes, [factor.scope for factor in graph.factors])
    return _Compiler(graph, order).compile()


class _Compiler:
    """Bucket elimination (Dechter 1996) that writes down what to do instead of doing it."""

    def __init__(self, graph: FactorGraph, order: Sequence[int]) -> None:
        self.graph = graph
        self.order = order
        self.position = {variable: place for place, variable in enumerate(order)}
        self.constants: list[FloatArray | None] = []
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
        self._join_all(buckets[-1] or [self._add_leaf(Factor((), np.ones(())))])
        steps = self._steps()
        return Circuit(tuple(self.constants), self.indicators, steps, self.stored_entries)

    def _add_leaves(self) -> list[int]:
        leaves = [self._add_leaf(factor) for factor in self.graph.factors]
        for row, variable in self.graph.variable_of.items():
            self.indicators[row] = self._add_leaf(Factor((variable,), np.ones(2)))
            self.constants[self.indicators[row]] = None
            leaves.append(self.indicators[row])
        return leaves

    def _add_leaf(self, factor: Factor) -> int:
        axes = sorted(range(len(factor.scope)), key=lambda axis: -self.position[factor.scope[axis]])
        scope = tuple(factor.scope[axis] for axis in axes)
        return self._add_constant(scope, factor.reader, np.transpose(factor.table, axes))

    def _add_constant(self, scope: tuple[int, ...], reader: int | None, table: FloatArray) -> int:
        # Leaves are numbered from 0 up, joins from -1 down until all leaves are known.
        self.constants.append(np.array(table, dtype=np.float64, order="C")[np.newaxis])
        self.shapes.append(_Shape(scope, frozenset() if reader is None else frozenset((reader,))))
        return len(self.constants) - 1

    def _shape(self, number: int) -> _Shape:
        return self.shapes[number] if number >= 0 else self.joins[-1 - number][2]

    def _bucket(self, number: int) -> int:
        scope = self._shape(number).scope
        return self.position[scope[-1]] if scope else len(self.order)

    def _empty_bucket(self, variable: int, bucket: list[int]) -> int:
        """Joins all tables that hold the variable and sums it out in the last join; returns the result."""
        if len(bucket) < 2:  # no cause at all leaves a maximum at 0; no claim is left out of the sum
            unit = np.ones(self.graph.sizes[variable])
            if self.graph.is_maximum[variable]:
                unit[1:] = 0.0
            bucket = [*bucket, self._add_constant((variable,), None, unit)]
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
        shared = [v for v in scope if self.graph.is_maximum[v] and v in a.scope and v in b.scope]
        growth = math.prod((2 * sizes[v] - 1) / sizes[v] for v in shared)
        self.num_products += int(math.prod(sizes[variable] for variable in union) * growth)
        if self.stored_entries > MAX_TOTAL_ENTRIES or self.num_products > _MAX_PRODUCTS:
            raise too_entangled()
        return -len(self.joins)

    def _steps(self) -> tuple[_Step, ...]:
        needed = [constant is None for constant in self.constants]  # has an indicator below it
        steps = []
        for x, y, shape in self.joins:
            x, y = (number if number >= 0 else len(self.constants) - 1 - number for number in (x, y))
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
        readers = {v for v in shape.scope if self.graph.is_maximum[v] and v not in shape.readers}
        return _Shape(shape.scope, frozenset(readers))

    def _plan(self, a: _Shape, b: _Shape, out: _Shape) -> _Join:
        union = sorted({*a.scope, *b.scope}, key=self.position.__getitem__, reverse=True)
        sizes = self.graph.sizes
        convolved = []
        for axis, v in enumerate(union, start=1):
            if self.graph.is_maximum[v] and v in a.scope and v in b.scope and v in out.scope:
                assert not (v in a.readers and v in b.readers), "a maximum has one reader"
                kind = _X_READS if v in a.readers else _Y_READS if v in b.readers else _BOTH_CAUSES
                convolved.append((axis, kind))
        return _Join(
            tuple(sizes[v] if v in a.scope else 1 for v in union),
            tuple(sizes[v] if v in b.scope else 1 for v in union),
            tuple(axis for axis, v in enumerate(union, start=1) if v not in out.scope),
            tuple(convolved),
        )


def _join(x: FloatArray, y: FloatArray, plan: _Join) -> FloatArray:
    """Returns the join of two tables [1 or B, ...]: only sums and products of non-negative numbers."""
    x = x.reshape(x.shape[:1] + plan.x_shape)
    y = y.reshape(y.shape[:1] + plan.y_shape)
    if not plan.convolved:
        out = x * y
    else:
        out = _convolve(x, y, plan.convolved)
    return np.add.reduce(out, axis=plan.summed) if plan.summed else out


def _convolve(x: FloatArray, y: FloatArray, convolved: Sequence[tuple[int, int]]) -> FloatArray:
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


def _convolve_in_parts(
    x: FloatArray, y: FloatArray, axis: int, rule: _Rule, others: Sequence[tuple[int, int]]
) -> FloatArray:
    """The same, one product of one axis at a time, so that less is held at once."""
    total: FloatArray | float = 0.0
    for x_row, y_row, out_column in zip(rule.x, rule.y, rule.out.T, strict=True):
        part = _convolve(_along(x_row[np.newaxis], x, axis), _along(y_row[np.newaxis], y, axis), others)
        total = total + _along(out_column[:, np.newaxis], part, axis)
    return np.asarray(total)


def _along(matrix: FloatArray, table: FloatArray, axis: int) -> FloatArray:
    """Returns the table with a matrix applied along one axis."""
    return np.moveaxis(np.tensordot(matrix, table, axes=(1, axis)), 0, axis)


def _rescaled(table: FloatArray) -> FloatArray | None:
    """Returns the table with its largest entry brought back near 1 (0.5^1075 is zero in double precision)."""
    largest = np.maximum.reduce(table, axis=None)
    if _TINY < largest < _HUGE:
        return table
    return table / largest if largest > 0 else None
