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
from typing import Any

import numpy as np
import numpy.typing as npt

from argtree.elimination import Limits, Order, find_order, too_entangled
from argtree.factors import Factor, FactorGraph, Given

Array = npt.NDArray[Any]
"""Of float64, longdouble or complex128: whatever the indicators are of."""

_MAX_PRODUCTS_AT_ONCE = 2**19  # so that they stay in the cache
_MIN_MATRIX_PRODUCTS = 16  # smaller ones, if there are many, are multiplied by hand
_MANY_ENTRIES = 512

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
_LOW = -100.0  # log10 of how far a table may shrink before that is looked at
_RESCALED = math.log10(_TINY)


@dataclass(frozen=True)
class _Join:
    """How two tables become one: axes that both have, then those of x alone, of y alone, and those summed out.

    After the variants, x is brought into the form [convolved, batch, m, k] and y into [convolved, batch, k, n].
    """

    x_axes: tuple[int, ...]
    y_axes: tuple[int, ...]
    convolved: tuple[tuple[int, int], ...]  # (states; _BOTH_CAUSES, _X_READS or _Y_READS) of shared maxima that stay
    batch: int  # entries over the other shared variables that stay
    m: int  # over those of x alone
    k: int  # over those summed out
    n: int  # over those of y alone
    out_shape: tuple[int, ...]  # of [convolved, batch, m, n], an axis for each variable
    out_axes: tuple[int, ...]


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
    table: Array | None  # longdouble [sizes of the given..., sizes of the others...]; None: given at evaluation
    axes: tuple[int, ...] = ()  # that bring a table as given, variants first, into this order
    back: tuple[int, ...] = ()  # the inverse
    shape: tuple[int, ...] = ()  # [sizes of the given..., sizes of the others...]


@dataclass
class Evaluation:
    """A polynomial's value in each of B variants, and what its derivatives need."""

    total: Array  # [1 or B] the value of each variant is total * exp(log_scale)
    log_scale: float
    tables: list[Array]
    log_scales: list[Array | float]  # of each table, [1 or B] or a number for all
    least: list[float]  # log10 of the least that a table may have shrunk to since it was last rescaled
    states: npt.NDArray[np.integer[Any]]  # [1 or B, K] of the conditioned variables


@dataclass(frozen=True)
class Circuit:
    """A compiled network polynomial."""

    leaves: tuple[_Leaf, ...]
    indicators: Mapping[int, int]  # number of a factor given at evaluation (of an indicator: its row) -> of its leaf
    steps: tuple[_Step, ...]  # step i makes table len(leaves) + i; the last table is the polynomial
    num_conditioned: int
    stored_entries: int  # numbers held by one evaluation, for each variant
    num_products: float  # multiplications of one evaluation of one variant

    def evaluate(
        self, indicators: Mapping[int, Array], states: npt.NDArray[np.integer[Any]] | None = None
    ) -> Evaluation | None:
        """Returns the value of every variant; None if all are zero.

        Args:
            indicators: row of a claim -> its evidence indicator [1 or B, 2], or number of a factor in
                `FactorGraph.given` -> its table [1 or B, ...]; all of one kind: float64, longdouble or complex128 (a
                step of 1e-100j in one gives a derivative as the imaginary part, without cancellation: Squire and
                Trapp 1998).
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
            leaf = self.leaves[number]
            table = indicators[row].transpose(leaf.axes)
            tables[number] = table[_slices(leaf, len(table), states)] if leaf.given else table
        logs: list[Array | float] = [0.0] * len(tables)
        least = _least(tables)
        for step in self.steps:
            table, log = _join(tables[step.x], tables[step.y], step.forward), logs[step.x] + logs[step.y]
            low = least[step.x] + least[step.y]
            if low < _LOW:
                table, scale = _rescaled(table)
                log, low = log + scale, _RESCALED
            tables.append(table)
            logs.append(log)
            least.append(low)
        total, log_scale = _at_one_scale(tables[-1], logs[-1])
        return Evaluation(total, log_scale, tables, logs, least, states) if np.any(total.real > 0) else None

    def differentiate(self, evaluation: Evaluation) -> dict[int, Array]:
        """Returns the derivative [1 or B, ...] by each table given at evaluation, up to a positive scale.

        The scale is the same for all variants and entries of one table and says nothing about another's. By an entry
        for a state that a conditioned claim is not given, the derivative is zero.

        Args:
            evaluation: of `evaluate`; emptied on the way to free memory.
        """
        return {row: table for row, (table, _) in self.differentiate_scaled(evaluation).items()}

    def differentiate_scaled(self, evaluation: Evaluation) -> dict[int, tuple[Array, float]]:
        """Returns the same with the logarithm of the scale: the derivative is table * exp(log)."""
        tables, logs, least, num_leaves = evaluation.tables, evaluation.log_scales, evaluation.least, len(self.leaves)
        gradients: dict[int, tuple[Array, Array | float, float]] = {len(tables) - 1: (np.ones(1), 0.0, 0.0)}
        for number in range(len(tables) - 1, num_leaves - 1, -1):
            tables.pop()
            step, found = self.steps[number - num_leaves], gradients.pop(number, None)
            if found is None:
                continue
            for to, other, join in ((step.x, step.y, step.to_x), (step.y, step.x, step.to_y)):
                if join is not None:
                    table, log, low = (
                        _join(found[0], tables[other], join),
                        found[1] + logs[other],
                        found[2] + least[other],
                    )
                    if low < _LOW:
                        table, scale = _rescaled(table)
                        log, low = log + scale, _RESCALED
                    gradients[to] = table, log, low
        derivatives: dict[int, tuple[Array, float]] = {}
        for row, leaf in self.indicators.items():
            derivative, log_scale = _at_one_scale(*gradients[leaf][:2])
            if self.leaves[leaf].given:
                derivative = _unsliced(self.leaves[leaf], derivative, evaluation.states)
            derivatives[row] = derivative.transpose(self.leaves[leaf].back), log_scale
        return derivatives


_EMPTY = np.zeros((1, 0))
_DEFAULT_LIMITS = Limits()


def _given(table: Array, given: tuple[int, ...], states: npt.NDArray[np.integer[Any]]) -> Array:
    """Returns [1 or B, ...] the table with its first axes at the states of the given variables."""
    return table[tuple(states[:, place] for place in given)] if given else table[np.newaxis]


def _slices(leaf: _Leaf, num_variants: int, states: npt.NDArray[np.integer[Any]]) -> tuple[Any, ...]:
    """Returns the index of a table [1 or B, sizes of the given..., ...] at the states of the given variables."""
    variants = np.arange(num_variants) if num_variants > 1 else np.zeros(1, dtype=np.intp)
    return (variants, *(states[:, place] for place in leaf.given))


def _unsliced(leaf: _Leaf, table: Array, states: npt.NDArray[np.integer[Any]]) -> Array:
    """Returns a derivative [1 or B, ...] with the axes of the given variables put back, zero at their other states."""
    num_variants = max(len(table), len(states))
    whole = np.zeros((num_variants, *leaf.shape), dtype=table.dtype)
    whole[_slices(leaf, num_variants, states)] = table
    return whole


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


def compile_circuit(graph: FactorGraph, conditioned: Sequence[int] = (), limits: Limits = _DEFAULT_LIMITS) -> Circuit:
    """Returns the schedule that sums all variables out of a factor graph but those that are conditioned.

    Args:
        graph: the factors.
        conditioned: variables whose states are given from outside in each evaluation; no maxima.
        limits: on what an evaluation of one variant may cost.

    Raises:
        TooEntangledError: it would cost more than the limits.
        ValueError: a conditioned variable is a maximum.
    """
    for variable in conditioned:
        if graph.is_maximum(variable):
            raise ValueError(f"variable {variable} is a maximum; only claims can be conditioned")
    given = set(conditioned)
    scopes = [[variable for variable in factor.scope if variable not in given] for factor in graph.factors]
    free = [[variable for variable in one.scope if variable not in given] for one in graph.all_given]
    order = find_order(graph.sizes, graph.num_claims, scopes + free, limits)
    return _within(_Compiler(graph, order.variables, conditioned).compile(), limits, 1.0)


def compile_slices(graph: FactorGraph, limits: Limits = _DEFAULT_LIMITS) -> tuple[Circuit, Order]:
    """Returns a circuit for one slice of the sum over all variables, and how it was found.

    The whole is the sum over all states of `order.held`, on which the circuit is conditioned; there are none where
    memory is enough for the whole.

    Raises:
        TooEntangledError: it would cost more than the limits.
    """
    scopes = [factor.scope for factor in graph.factors] + [one.scope for one in graph.all_given]
    order = find_order(graph.sizes, graph.num_claims, scopes, limits, range(graph.num_claims))
    circuit = _Compiler(graph, order.variables, order.held).compile()
    return _within(circuit, limits, 2.0 ** len(order.held)), order


def _within(circuit: Circuit, limits: Limits, num_slices: float) -> Circuit:
    if circuit.num_products * num_slices > limits.max_products:
        raise too_entangled(limits)
    return circuit


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
        self.num_products = 0.0

    def compile(self) -> Circuit:
        buckets: list[list[int]] = [[] for _ in range(len(self.order) + 1)]  # the last: no variable left
        for leaf in self._add_leaves():
            buckets[self._bucket(leaf)].append(leaf)
        for place, variable in enumerate(self.order):
            result = self._empty_bucket(variable, buckets[place])
            buckets[self._bucket(result)].append(result)
        self._join_all(buckets[-1] or [self._add_leaf(Factor((), np.ones((), dtype=np.longdouble)))])
        steps = self._steps()
        return Circuit(
            tuple(self.leaves), self.indicators, steps, len(self.place_given), self.stored_entries, self.num_products
        )

    def _add_leaves(self) -> list[int]:
        leaves = [self._add_leaf(factor) for factor in self.graph.factors]
        for number, one in enumerate(self.graph.all_given):
            self.indicators[number] = self._add_given(one)
            leaves.append(self.indicators[number])
        return leaves

    def _add_given(self, one: Given) -> int:
        given, free = self._split(one.scope)
        axes = (0, *(axis + 1 for axis in given + free))
        back = tuple(sorted(range(len(axes)), key=axes.__getitem__))
        shape = tuple(self.graph.sizes[one.scope[axis]] for axis in given + free)
        places = tuple(self.place_given[one.scope[axis]] for axis in given)
        self.leaves.append(_Leaf(places, None, axes, back, shape))
        self.shapes.append(_Shape(tuple(one.scope[axis] for axis in free), frozenset(one.readers)))
        return len(self.leaves) - 1

    def _split(self, scope: Sequence[int]) -> tuple[list[int], list[int]]:
        """Returns the axes of the conditioned variables and those of the others, from last eliminated to first."""
        given = [axis for axis, variable in enumerate(scope) if variable in self.place_given]
        free = [axis for axis, variable in enumerate(scope) if variable not in self.place_given]
        return given, sorted(free, key=lambda axis: -self.position[scope[axis]])

    def _add_leaf(self, factor: Factor) -> int:
        given, free = self._split(factor.scope)
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
        self.num_products += math.prod(sizes[variable] for variable in union) * growth
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
        sizes = self.graph.sizes
        summed = [v for v in a.scope if v not in out.scope]
        assert all(v in out.scope or v in summed for v in b.scope), "only what both sides have is summed out"
        shared = [v for v in a.scope if v in b.scope and v not in summed]
        convolved = [v for v in shared if self.graph.is_maximum(v)]
        batch = [v for v in shared if not self.graph.is_maximum(v)]
        x_only = [v for v in a.scope if v not in b.scope]
        y_only = [v for v in b.scope if v not in a.scope]
        kept = convolved + batch + x_only + y_only
        m, k, n, entries = (math.prod(sizes[v] for v in part) for part in (x_only, summed, y_only, batch))
        return _Join(
            _axes(a.scope, convolved + batch + x_only + summed),
            _axes(b.scope, convolved + batch + summed + y_only),
            tuple((sizes[v], self._kind(v, a, b)) for v in convolved),
            entries,
            m,
            k,
            n,
            tuple(sizes[v] for v in kept),
            _axes(tuple(kept), out.scope),
        )

    @staticmethod
    def _kind(maximum: int, a: _Shape, b: _Shape) -> int:
        assert not (maximum in a.readers and maximum in b.readers), "a maximum has one reader"
        return _X_READS if maximum in a.readers else _Y_READS if maximum in b.readers else _BOTH_CAUSES


def _axes(scope: tuple[int, ...], wanted: Sequence[int]) -> tuple[int, ...]:
    """Returns the axes that bring a table over a scope, with its variants, into the wanted order."""
    place = {variable: axis for axis, variable in enumerate(scope, start=1)}
    return (0, *(place[variable] for variable in wanted))


def _join(x: Array, y: Array, plan: _Join) -> Array:
    """Returns the join of two tables [1 or B, ...]: only sums and products of their numbers, nothing subtracted."""
    x = x.transpose(plan.x_axes).reshape(len(x), -1, plan.batch, plan.m, plan.k)
    y = y.transpose(plan.y_axes).reshape(len(y), -1, plan.batch, plan.k, plan.n)
    rules = [_RULES[kind] for kind in plan.convolved]
    out = _convolve(x, y, rules) if rules else _multiply(x, y)
    return out.reshape(-1, *plan.out_shape).transpose(plan.out_axes)


def _multiply(x: Array, y: Array) -> Array:
    """Returns [..., m, n] the products of matrices [..., m, k] and [..., k, n], many and small or few and large."""
    m, k = x.shape[-2:]
    if k == 1:
        return np.asarray(x * y)
    many = max(x.size, y.size) > _MANY_ENTRIES and x.dtype != np.longdouble
    if m * k * y.shape[-1] >= _MIN_MATRIX_PRODUCTS or k > 3 or not many:
        return np.asarray(x @ y)
    out = x[..., :1] * y[..., :1, :]
    for i in range(1, k):
        out += x[..., i : i + 1] * y[..., i : i + 1, :]
    return np.asarray(out)


def _convolve(x: Array, y: Array, rules: Sequence[_Rule]) -> Array:
    """Joins along shared maxima (axis 1 of both): each is spread into products, multiplied, and gathered again."""
    rest = max(len(x), len(y)) * math.prod(x.shape[2:]) * y.shape[-1]
    if rest * math.prod(len(rule.x) for rule in rules) > _MAX_PRODUCTS_AT_ONCE:
        return _convolve_in_parts(x, y, rules)
    before = 1
    for rule in rules:
        x, y = _along(rule.x, x, before), _along(rule.y, y, before)
        before *= len(rule.x)
    out = _multiply(x, y)
    for rule in reversed(rules):
        before //= len(rule.x)
        out = _along(rule.out, out, before)
    return out


def _convolve_in_parts(x: Array, y: Array, rules: Sequence[_Rule]) -> Array:
    """The same, one product of the first maximum at a time, so that less is held at once."""
    rule, others = rules[0], rules[1:]
    out: list[Array | float] = [0.0] * len(rule.out)
    for i, (x_row, y_row) in enumerate(zip(rule.x, rule.y, strict=True)):
        x_part, y_part = _along(x_row[np.newaxis], x, 1), _along(y_row[np.newaxis], y, 1)
        part = _convolve(x_part, y_part, others) if others else _multiply(x_part, y_part)
        for state in np.flatnonzero(rule.out[:, i]):
            out[state] = out[state] + part
    return np.concatenate(out, axis=1)


def _along(matrix: Array, table: Array, before: int) -> Array:
    """Returns [B, states, ...] with a matrix of zeros and ones applied to one digit of the states.

    Args:
        matrix: [new states, old states] of the digit.
        table: [B, states, ...].
        before: the product of the states of the digits before it.
    """
    digits = table.reshape(len(table), before, matrix.shape[1], -1)
    out = np.empty((len(table), before, len(matrix), digits.shape[3]), dtype=table.dtype)
    for new, row in enumerate(matrix):
        first, *others = np.flatnonzero(row).tolist()
        out[:, :, new] = digits[:, :, first]
        for old in others:
            out[:, :, new] += digits[:, :, old]
    return out.reshape(len(table), -1, *table.shape[2:])


def _least(tables: Sequence[Array]) -> list[float]:
    """Returns for each table log10 of the smallest size of its entries that are not zero, at most 0."""
    sizes = np.abs(np.concatenate([table.reshape(-1) for table in tables]))
    starts = np.cumsum([0, *(table.size for table in tables[:-1])])
    smallest = np.minimum.reduceat(np.where((sizes > 0) & (sizes < 1), sizes, 1), starts)
    return [float(value) for value in np.log10(smallest)]


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
