"""From a compiled graph to a graph of small non-negative factors, linear in the number of premises.

Two kinds of variables. A *claim* has the states false and true. A *maximum* is the largest of several
independent causes: an argument's (0 while all premises are as it takes them, 1 when one fails) or a claim's
(0 nothing fired, 1 a support fired, 2 an attack fired: an attack has the last word). Its causes enter as a star,
each with a factor of its own over the cause's state; factors meeting in a maximum are joined by max-convolution
and not by a product (Zhang and Poole 1996, "Exploiting Causal Independence in Bayesian Network Inference";
Diez and Galan 2003 reach the same star by a transform with negative entries, which would subtract nearly equal
numbers; here every number is non-negative).

Tables are built in extended precision, so that a circuit can be run in it. Not here: the order of elimination, and
whatever depends on evidence or on the probability of a claim without arguments, which enter as indicators.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from argtree.compiled import CompiledGraph

Table = npt.NDArray[np.longdouble]

_NOTHING, _SUPPORTED, _ATTACKED = 0, 1, 2
_ALL_HOLD, _SOME_FAILS = 0, 1


@dataclass(frozen=True)
class Factor:
    """A non-negative table over some variables."""

    scope: tuple[int, ...]  # variables, one per axis of the table
    table: Table  # [size of scope[0], ...]
    reader: int | None = None  # the maximum in the scope that this factor reads; its others are causes


@dataclass(frozen=True)
class Given:
    """A factor whose table is given at each evaluation."""

    scope: tuple[int, ...]
    readers: tuple[int, ...] = ()  # the maxima in the scope that it reads


@dataclass(frozen=True)
class FactorGraph:
    """The factors whose product (max-convolved where maxima meet) is P(claims with arguments | those without)."""

    num_claims: int  # variable c < num_claims is the claim in row c; the others are maxima
    sizes: list[int]  # number of states of each variable
    factors: list[Factor]
    given: list[Given] | None = None  # None: an indicator for each claim

    @property
    def all_given(self) -> list[Given]:
        """The factors given at each evaluation, by number: for each claim its indicator if nothing else is said."""
        return [Given((row,)) for row in range(self.num_claims)] if self.given is None else self.given

    def is_maximum(self, variable: int) -> bool:
        """Returns whether the variable is a maximum of causes and not a claim."""
        return variable >= self.num_claims

    def add_maximum(self, size: int) -> int:
        """Returns the number of a new maximum."""
        self.sizes.append(size)
        return len(self.sizes) - 1


@dataclass(frozen=True)
class _Cause:
    """An argument that has premises."""

    state: int  # _SUPPORTED or _ATTACKED
    strength: np.longdouble
    literals: tuple[tuple[int, int], ...]  # (row of a claim, state that it is taken to have)


@dataclass
class _Local:
    """One claim's conditional probability with the arguments that have no premise folded away."""

    off: np.longdouble  # P(no argument without premises supports and the prior does not either)
    on: np.longdouble  # 1 - off, summed rather than subtracted
    keep: np.longdouble  # P(no argument without premises attacks)
    lost: np.longdouble  # 1 - keep, summed rather than subtracted
    causes: list[_Cause] = field(default_factory=list)


def build_factors(graph: CompiledGraph) -> FactorGraph:
    """Returns the factors of a graph's joint without evidence, none for a claim without arguments.

    Args:
        graph: each premise at most once in its argument, as `compiled.fold_certain` leaves it.
    """
    built = FactorGraph(graph.num_claims, [2] * graph.num_claims, [])
    for row in np.flatnonzero(graph.is_argued).tolist():
        _add_claim(built, row, _simplify(graph, row))
    return built


def _simplify(graph: CompiledGraph, row: int) -> _Local:
    one = np.longdouble(1)
    prior = np.longdouble(graph.prior[row])
    local = _Local(one - prior, prior, one, one - one)
    for argument in range(graph.argument_start[row], graph.argument_start[row + 1]):
        strength = np.longdouble(graph.strength[argument])
        places = slice(graph.premise_start[argument], graph.premise_start[argument + 1])
        literals = tuple(zip(graph.premise[places].tolist(), map(int, graph.holds[places]), strict=True))
        state = _SUPPORTED if graph.is_support[argument] else _ATTACKED
        if strength == 0:
            continue
        if literals:
            local.causes.append(_Cause(state, strength, literals))
        elif state == _SUPPORTED:
            local.on, local.off = local.on + local.off * strength, local.off * (1 - strength)
        else:
            local.lost, local.keep = local.lost + local.keep * strength, local.keep * (1 - strength)
    return local


def _add_claim(built: FactorGraph, row: int, local: _Local) -> None:
    """Adds the factors of P(claim | premises)."""
    num_states = 1 + max((cause.state for cause in local.causes), default=0)
    # P(claim false, claim true | maximum of the open causes is nothing / supported / attacked)
    reading = np.array(
        [
            [local.off * local.keep + local.lost, local.lost, 1.0],
            [local.on * local.keep, local.keep, 0.0],
        ],
        dtype=np.longdouble,
    )[:, :num_states]
    if not local.causes:
        built.factors.append(Factor((row,), reading[:, _NOTHING]))
    elif _table_is_smaller(local.causes, num_states):
        _add_table(built, row, reading, local.causes)
    else:
        _add_star(built, row, reading, local.causes)


def _table_is_smaller(causes: list[_Cause], num_states: int) -> bool:
    """Whether the full table over all premises has no more entries than the star of causes."""
    num_premises = len({row for cause in causes for row, _ in cause.literals})
    star = 2 * num_states
    for cause in causes:
        star += 2 * num_states + (4 * len(cause.literals) if len(cause.literals) > 1 else 0)
    return num_premises < 24 and 2 ** (num_premises + 1) <= star


def _add_table(built: FactorGraph, claim: int, reading: Table, causes: list[_Cause]) -> None:
    rows = sorted({row for cause in causes for row, _ in cause.literals})
    chance = np.zeros((reading.shape[-1],) + (2,) * len(rows), dtype=np.longdouble)  # P(maximum | premises)
    chance[_NOTHING] = 1.0
    for cause in causes:
        wanted = dict(cause.literals)
        where = tuple(wanted.get(row, slice(None)) for row in rows)
        for state in range(cause.state):
            chance[(cause.state, *where)] += cause.strength * chance[(state, *where)]
            chance[(state, *where)] *= 1 - cause.strength
    table = np.tensordot(reading, chance, axes=1)
    built.factors.append(Factor((claim, *rows), table))


def _add_star(built: FactorGraph, claim: int, reading: Table, causes: list[_Cause]) -> None:
    if len(causes) == 1:
        _add_reading_of_one(built, claim, reading, causes[0])
        return
    num_states = reading.shape[-1]
    maximum = built.add_maximum(num_states)
    built.factors.append(Factor((claim, maximum), reading, reader=maximum))
    for cause in causes:
        trigger, fires_at, reader = _add_trigger(built, cause)
        table = np.zeros((num_states, 2), dtype=np.longdouble)
        table[_NOTHING] = 1.0
        table[_NOTHING, fires_at], table[cause.state, fires_at] = 1 - cause.strength, cause.strength
        built.factors.append(Factor((maximum, trigger), table, reader))


def _add_reading_of_one(built: FactorGraph, claim: int, reading: Table, cause: _Cause) -> None:
    """A single cause needs no maximum of its own: the claim reads its trigger."""
    trigger, fires_at, reader = _add_trigger(built, cause)
    fired = (1 - cause.strength) * reading[..., _NOTHING] + cause.strength * reading[..., cause.state]
    columns = [reading[..., _NOTHING], reading[..., _NOTHING]]
    columns[fires_at] = fired
    built.factors.append(Factor((claim, trigger), np.stack(columns, axis=-1), reader))


def _add_trigger(built: FactorGraph, cause: _Cause) -> tuple[int, int, int | None]:
    """Returns (variable, its state in which the cause's premises are met, the variable again if a maximum)."""
    if len(cause.literals) == 1:
        row, state = cause.literals[0]
        return row, state, None
    conjunction = built.add_maximum(2)
    for row, state in cause.literals:
        table = np.zeros((2, 2), dtype=np.longdouble)
        table[_ALL_HOLD, state] = table[_SOME_FAILS, 1 - state] = 1.0
        built.factors.append(Factor((conjunction, row), table))
    return conjunction, _ALL_HOLD, conjunction
