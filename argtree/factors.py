"""From an argument graph to a graph of small non-negative factors, linear in the number of premises.

Two kinds of variables. A *claim* has the states false and true. A *maximum* is the largest of several
independent causes: an argument's (0 while all premises are as it takes them, 1 when one fails) or a claim's
(0 nothing fired, 1 a support fired, 2 an attack fired: an attack has the last word). Its causes enter as a star,
each with a factor of its own over the cause's state; factors meeting in a maximum are joined by max-convolution
and not by a product (Zhang and Poole 1996, "Exploiting Causal Independence in Bayesian Network Inference";
Diez and Galan 2003 reach the same star by a transform with negative entries, which would subtract nearly equal
numbers; here every number is non-negative).

Claims whose state is certain beforehand never become variables. Not here: the order of elimination, numbers that
depend on likelihoods strictly between 0 and 1.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from argtree.errors import ImpossibleEvidenceError
from argtree.graph import Argument, ArgumentGraph

FloatArray = npt.NDArray[np.float64]

UNKNOWN = -1
"""State of a claim that is not certain beforehand."""

_NOTHING, _SUPPORTED, _ATTACKED = 0, 1, 2
_ALL_HOLD, _SOME_FAILS = 0, 1


@dataclass(frozen=True)
class Factor:
    """A non-negative table over some variables."""

    scope: tuple[int, ...]  # variables, one per axis of the table
    table: FloatArray  # [size of scope[0], ...]
    reader: int | None = None  # the maximum in the scope that this factor reads; its others are causes


@dataclass(frozen=True)
class FactorGraph:
    """The factors whose product (max-convolved where maxima meet) is the joint of claims and evidence."""

    sizes: list[int]  # number of states of each variable
    is_maximum: list[bool]  # for each variable
    factors: list[Factor]
    variable_of: dict[int, int]  # row of a claim -> its variable, for claims that are not certain beforehand
    known: list[int]  # [C] state that is certain beforehand, or UNKNOWN

    def add_variable(self, size: int, is_maximum: bool) -> int:
        """Returns the number of a new variable."""
        self.sizes.append(size)
        self.is_maximum.append(is_maximum)
        return len(self.sizes) - 1


@dataclass
class _Local:
    """One claim's conditional probability with everything certain folded away."""

    off: float  # P(no certain support fires and the prior does not either)
    on: float = 0.0  # 1 - off, summed rather than subtracted
    keep: float = 1.0  # P(no certain attack fires)
    lost: float = 0.0  # 1 - keep, summed rather than subtracted
    causes: list[_Cause] | None = None


@dataclass(frozen=True)
class _Cause:
    """An argument whose firing is not certain."""

    state: int  # _SUPPORTED or _ATTACKED
    strength: float
    literals: tuple[tuple[int, int], ...]  # (row of an unknown claim, state that it is taken to have)


def build_factors(graph: ArgumentGraph) -> FactorGraph:
    """Returns the factors of a graph's joint; certain evidence is built in, soft evidence is not.

    Raises:
        ImpossibleEvidenceError: a claim's evidence is impossible whichever way the claim is.
    """
    observed = [_observed(graph, row) for row in range(len(graph.claims))]
    built = FactorGraph([], [], [], {}, list(observed))
    for row in graph.topological_order:
        local = _simplify(graph, row, built.known)
        state = _state_of(local)
        if observed[row] == UNKNOWN and state != UNKNOWN:
            built.known[row] = state
            continue
        if observed[row] == UNKNOWN:
            built.variable_of[row] = built.add_variable(2, is_maximum=False)
        _add_claim(built, row, local)
    return built


def _observed(graph: ArgumentGraph, row: int) -> int:
    claim = graph.claims[row].id
    if_false, if_true = graph.evidence.get(claim, (1.0, 1.0))
    if if_false == 0 and if_true == 0:
        raise ImpossibleEvidenceError(f"the evidence on {claim!r} is impossible whether it is true or false")
    return 1 if if_false == 0 else 0 if if_true == 0 else UNKNOWN


def _simplify(graph: ArgumentGraph, row: int, known: list[int]) -> _Local:
    claim = graph.claims[row]
    local = _Local(off=1 - float(claim.prior), on=float(claim.prior))
    causes = []
    for argument in graph.arguments_for(claim.id):
        cause = _open_cause(graph, argument, known)
        if cause is None:
            continue
        if cause.literals:
            causes.append(cause)
        elif cause.state == _SUPPORTED:
            local.on, local.off = local.on + local.off * cause.strength, local.off * (1 - cause.strength)
        else:
            local.lost, local.keep = local.lost + local.keep * cause.strength, local.keep * (1 - cause.strength)
    if local.off == 0:  # supports add nothing
        causes = [cause for cause in causes if cause.state == _ATTACKED]
    if local.on == 0 and not any(cause.state == _SUPPORTED for cause in causes):  # nothing to attack
        causes = []
    local.causes = [] if local.keep == 0 else causes
    return local


def _open_cause(graph: ArgumentGraph, argument: Argument, known: list[int]) -> _Cause | None:
    """Returns what of an argument is still open, or None where it cannot fire."""
    if argument.strength == 0:
        return None
    literals: dict[int, int] = {}
    for premise in argument.premises:
        row, state = graph.index[premise.claim], int(premise.holds)
        if known[row] == UNKNOWN:
            if literals.setdefault(row, state) != state:
                return None  # it needs a claim both true and false
        elif known[row] != state:
            return None
    polarity = _SUPPORTED if argument.polarity == "support" else _ATTACKED
    return _Cause(polarity, float(argument.strength), tuple(literals.items()))


def _state_of(local: _Local) -> int:
    if local.causes:
        return UNKNOWN
    true, false = local.on * local.keep, local.off * local.keep + local.lost
    return 1 if false == 0 else 0 if true == 0 else UNKNOWN


def _add_claim(built: FactorGraph, row: int, local: _Local) -> None:
    """Adds the factors of P(claim | premises), sliced where the claim's state is certain."""
    causes = local.causes or []
    num_states = 1 + max((cause.state for cause in causes), default=0)
    # P(claim false, claim true | maximum of the open causes is nothing / supported / attacked)
    reading = np.array(
        [
            [local.off * local.keep + local.lost, local.lost, 1.0],
            [local.on * local.keep, local.keep, 0.0],
        ]
    )[:, :num_states]
    scope: tuple[int, ...] = ()
    if row in built.variable_of:
        scope = (built.variable_of[row],)
    else:
        reading = reading[built.known[row]]
    if not causes:
        built.factors.append(Factor(scope, reading[..., _NOTHING]))
    elif _table_is_smaller(causes, num_states):
        _add_table(built, scope, reading, causes)
    else:
        _add_star(built, scope, reading, causes)


def _table_is_smaller(causes: list[_Cause], num_states: int) -> bool:
    """Whether the full table over all premises has no more entries than the star of causes."""
    num_premises = len({row for cause in causes for row, _ in cause.literals})
    star = 2 * num_states
    for cause in causes:
        star += 2 * num_states + (4 * len(cause.literals) if len(cause.literals) > 1 else 0)
    return num_premises < 24 and 2 ** (num_premises + 1) <= star


def _add_table(built: FactorGraph, scope: tuple[int, ...], reading: FloatArray, causes: list[_Cause]) -> None:
    rows = sorted({row for cause in causes for row, _ in cause.literals})
    chance = np.zeros((reading.shape[-1],) + (2,) * len(rows))  # P(maximum | premises)
    chance[_NOTHING] = 1.0
    for cause in causes:
        wanted = dict(cause.literals)
        where = tuple(wanted.get(row, slice(None)) for row in rows)
        for state in range(cause.state):
            chance[(cause.state, *where)] += cause.strength * chance[(state, *where)]
            chance[(state, *where)] *= 1 - cause.strength
    table = np.tensordot(reading, chance, axes=1)
    built.factors.append(Factor(scope + tuple(built.variable_of[row] for row in rows), table))


def _add_star(built: FactorGraph, scope: tuple[int, ...], reading: FloatArray, causes: list[_Cause]) -> None:
    if len(causes) == 1:
        _add_reading_of_one(built, scope, reading, causes[0])
        return
    num_states = reading.shape[-1]
    maximum = built.add_variable(num_states, is_maximum=True)
    built.factors.append(Factor((*scope, maximum), reading, reader=maximum))
    for cause in causes:
        trigger, fires_at, reader = _add_trigger(built, cause)
        table = np.zeros((num_states, 2))
        table[_NOTHING] = 1.0
        table[_NOTHING, fires_at], table[cause.state, fires_at] = 1 - cause.strength, cause.strength
        built.factors.append(Factor((maximum, trigger), table, reader))


def _add_reading_of_one(built: FactorGraph, scope: tuple[int, ...], reading: FloatArray, cause: _Cause) -> None:
    """A single cause needs no maximum of its own: the claim reads its trigger."""
    trigger, fires_at, reader = _add_trigger(built, cause)
    fired = (1 - cause.strength) * reading[..., _NOTHING] + cause.strength * reading[..., cause.state]
    columns = [reading[..., _NOTHING], reading[..., _NOTHING]]
    columns[fires_at] = fired
    built.factors.append(Factor((*scope, trigger), np.stack(columns, axis=-1), reader))


def _add_trigger(built: FactorGraph, cause: _Cause) -> tuple[int, int, int | None]:
    """Returns (variable, its state in which the cause's premises are met, the variable again if a maximum)."""
    if len(cause.literals) == 1:
        row, state = cause.literals[0]
        return built.variable_of[row], state, None
    conjunction = built.add_variable(2, is_maximum=True)
    for row, state in cause.literals:
        table = np.zeros((2, 2))
        table[_ALL_HOLD, state] = table[_SOME_FAILS, 1 - state] = 1.0
        built.factors.append(Factor((conjunction, built.variable_of[row]), table))
    return conjunction, _ALL_HOLD, conjunction
