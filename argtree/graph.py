"""The argument graph: claims, arguments from premises to conclusions, weighted roots, evidence, and quantities.

Values only. Not here: the probability of anything (`propagate`), files (`format`), database ids.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from numbers import Real
from types import MappingProxyType
from typing import Literal, get_args

from argtree.distributions import (
    FINEST,
    Distribution,
    LogNormal,
    Normal,
    Quantiles,
    Uniform,
    check_number,
    check_positive,
)

MAX_WEIGHT = 1e6
"""A root may count at most this much, so that sums of values stay finite."""

Polarity = Literal["support", "attack"]
Relation = Literal["<", ">"]


@dataclass(frozen=True)
class Threshold:
    """What a claim says that compares a quantity with a number."""

    quantity: str  # a quantity's id
    relation: Relation
    value: float  # in the quantity's unit


@dataclass(frozen=True)
class Comparison:
    """What a claim says that compares two quantities of one unit."""

    quantity: str  # a quantity's id
    relation: Relation
    other: str  # another quantity's id


@dataclass(frozen=True)
class Claim:
    """A proposition that is true or false."""

    id: str
    text: str
    prior: float  # P(claim) when no argument about it fires, in [0, 1]; 0 and unused if it is about a quantity
    askable: bool | None = None  # may be put to raters; None: exactly if it has no arguments
    about: Threshold | Comparison | None = None  # the claim says just this of a quantity, and nothing argues about it

    @property
    def quantities(self) -> tuple[str, ...]:
        """The ids of the quantities that it is about: none, one, or the two that it compares."""
        if self.about is None:
            return ()
        other = (self.about.other,) if isinstance(self.about, Comparison) else ()
        return (self.about.quantity, *other)


@dataclass(frozen=True)
class Premise:
    """A claim that an argument takes as holding or as failing."""

    claim: str  # a claim's id
    holds: bool = True  # False: the argument needs the claim to be false


@dataclass(frozen=True)
class Argument:
    """A reason for or against a claim: it fires when all its premises are as it takes them."""

    id: str
    conclusion: str  # a claim's id
    polarity: Polarity
    strength: float  # w in DESIGN's formula, in [0, 1]
    premises: tuple[Premise, ...]  # a conjunction; an empty one always holds

    def __post_init__(self) -> None:
        object.__setattr__(self, "premises", tuple(self.premises))


@dataclass(frozen=True)
class Root:
    """A claim that somebody asked about."""

    claim: str  # a claim's id
    weight: float = 1.0  # how much it counts among the roots, in [0, MAX_WEIGHT]


@dataclass(frozen=True)
class Quantity:
    """A number that is not known for certain. Quantities are independent of each other."""

    id: str
    text: str
    unit: str  # may be empty
    distribution: Distribution  # before any measurement


@dataclass(frozen=True)
class Measurement:
    """What somebody or something said that a quantity is, with an error: the likelihood is normal around the truth."""

    quantity: str  # a quantity's id
    value: float  # in the quantity's unit
    sd: float  # standard deviation of the error, positive, at least FINEST times the value


@dataclass(frozen=True)
class ArgumentGraph:
    """A directed acyclic graph of claims and arguments, checked at construction.

    Raises:
        ValueError: an unknown or doubled id, a number out of range, or a cycle; the message names the offender.
    """

    claims: tuple[Claim, ...]
    arguments: tuple[Argument, ...] = ()
    roots: tuple[Root, ...] = ()
    # claim id -> (P(label | claim false), P(label | claim true)), each in [0, 1]
    evidence: Mapping[str, tuple[float, float]] = field(default_factory=dict, hash=False)
    quantities: tuple[Quantity, ...] = ()
    measurements: tuple[Measurement, ...] = ()  # of one quantity any number: their likelihoods multiply
    # claim id -> likelihoods as of `evidence`, with which they multiply: what a model's direct belief in an argued
    # claim adds to its arguments. Nobody's word: a claim is not answered by it.
    direct_beliefs: Mapping[str, tuple[float, float]] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        for name in ("claims", "arguments", "roots", "quantities", "measurements"):
            object.__setattr__(self, name, tuple(getattr(self, name)))
        for name in ("evidence", "direct_beliefs"):
            pairs = {claim: tuple(pair) for claim, pair in getattr(self, name).items()}
            object.__setattr__(self, name, MappingProxyType(pairs))
        _check_claims(self.claims)
        _check_arguments(self.arguments, self.index)
        _check_quantities(self)
        _check_roots(self.roots, self.index)
        _check_evidence(self.evidence, self.index)
        _check_evidence(self.direct_beliefs, self.index)
        if len(self.topological_order) < len(self.claims):
            raise ValueError(f"the arguments run in a circle: {' -> '.join(map(repr, _find_cycle(self)))}")

    def given(
        self, evidence: Mapping[str, tuple[float, float]], measurements: Iterable[Measurement] = ()
    ) -> ArgumentGraph:
        """Returns the graph with this evidence and these measurements for its own; the rest is not checked again.

        Raises:
            ValueError: as at construction.
        """
        made = self._but(evidence=MappingProxyType(dict(evidence)), measurements=tuple(measurements))
        _check_evidence(made.evidence, made.index)
        _check_quantities(made)
        return made

    def with_roots(self, roots: Iterable[Root]) -> ArgumentGraph:
        """Returns the graph with these roots for its own; the rest is not checked again.

        Raises:
            ValueError: as at construction.
        """
        made = self._but(roots=tuple(roots))
        _check_roots(made.roots, made.index)
        return made

    def _but(self, **changed: object) -> ArgumentGraph:
        """Returns a copy past the checks; claims and arguments must stay, on which the cached properties rest."""
        made = object.__new__(ArgumentGraph)
        made.__dict__.update(self.__dict__ | changed)
        return made

    def __reduce__(self) -> tuple[object, ...]:  # a mapping proxy cannot be pickled or deep-copied
        evidence, direct = dict(self.evidence), dict(self.direct_beliefs)
        parts = (self.claims, self.arguments, self.roots, evidence, self.quantities, self.measurements, direct)
        return ArgumentGraph, parts

    @cached_property
    def index(self) -> Mapping[str, int]:
        """Claim id -> its row in `claims`."""
        return MappingProxyType({claim.id: row for row, claim in enumerate(self.claims)})

    @cached_property
    def topological_order(self) -> tuple[int, ...]:
        """Rows of all claims, premises before conclusions (Kahn 1962); short only while a cycle is being refused."""
        users: list[list[int]] = [[] for _ in self.claims]
        waiting = [0] * len(self.claims)
        for argument in self.arguments:
            conclusion = self.index[argument.conclusion]
            for premise in argument.premises:
                users[self.index[premise.claim]].append(conclusion)
                waiting[conclusion] += 1
        ready = deque(row for row, count in enumerate(waiting) if count == 0)
        order: list[int] = []
        while ready:
            order.append(row := ready.popleft())
            for user in users[row]:
                waiting[user] -= 1
                if waiting[user] == 0:
                    ready.append(user)
        return tuple(order)

    @cached_property
    def _arguments_by_conclusion(self) -> dict[str, tuple[Argument, ...]]:
        found: dict[str, list[Argument]] = {}
        for argument in self.arguments:
            found.setdefault(argument.conclusion, []).append(argument)
        return {claim: tuple(arguments) for claim, arguments in found.items()}

    def arguments_for(self, claim_id: str) -> tuple[Argument, ...]:
        """Returns the arguments whose conclusion the claim is, both polarities, in the graph's order.

        Raises:
            KeyError: no such claim.
        """
        self.index[claim_id]
        return self._arguments_by_conclusion.get(claim_id, ())

    def prior(self, claim_id: str) -> float:
        """Returns P(claim) when no argument about it fires. Raises KeyError: no such claim."""
        return self.claims[self.index[claim_id]].prior

    def likelihood(self, claim_id: str) -> tuple[float, float]:
        """Returns all that is told of a claim: its evidence times what a direct belief adds; (1, 1) for nothing."""
        (l0, l1), (d0, d1) = (told.get(claim_id, (1.0, 1.0)) for told in (self.evidence, self.direct_beliefs))
        return l0 * d0, l1 * d1

    def is_askable(self, claim_id: str) -> bool:
        """Returns whether the claim may be put to raters: as it says itself, else if nothing argues about it.

        Raises:
            KeyError: no such claim.
        """
        askable = self.claims[self.index[claim_id]].askable
        return not self.arguments_for(claim_id) if askable is None else askable


def _check_claims(claims: Iterable[Claim]) -> None:
    seen: set[str] = set()
    for claim in claims:
        if not isinstance(claim.id, str) or not claim.id:
            raise ValueError(f"a claim's id is {claim.id!r}; it must be a text of at least one character")
        if claim.id in seen:
            raise ValueError(f"there are two claims with the id {claim.id!r}")
        seen.add(claim.id)
        if not isinstance(claim.text, str):
            raise ValueError(f"the text of claim {claim.id!r} is {claim.text!r}; it must be a text")
        if claim.askable is not None and not isinstance(claim.askable, bool):
            raise ValueError(f"askable of claim {claim.id!r} is {claim.askable!r}; it must be True, False or None")
        _check_prob(f"the prior of claim {claim.id!r}", claim.prior)


def _check_quantities(graph: ArgumentGraph) -> None:
    units: dict[str, str] = {}
    for quantity in graph.quantities:
        if not isinstance(quantity.id, str) or not quantity.id:
            raise ValueError(f"a quantity's id is {quantity.id!r}; it must be a text of at least one character")
        if quantity.id in units:
            raise ValueError(f"there are two quantities with the id {quantity.id!r}")
        units[quantity.id] = quantity.unit
        for name, text in (("text", quantity.text), ("unit", quantity.unit)):
            if not isinstance(text, str):
                raise ValueError(f"the {name} of quantity {quantity.id!r} is {text!r}; it must be a text")
        if not isinstance(quantity.distribution, Normal | LogNormal | Uniform | Quantiles):
            raise ValueError(f"the distribution of quantity {quantity.id!r} is {quantity.distribution!r}")
    for measurement in graph.measurements:
        if measurement.quantity not in units:
            raise ValueError(f"there is a measurement of {measurement.quantity!r}, which is not among the quantities")
        check_number(f"a measurement of {measurement.quantity!r}", measurement.value)
        check_positive(f"the sd of a measurement of {measurement.quantity!r}", measurement.sd)
        if measurement.sd < FINEST * abs(measurement.value):
            raise ValueError(
                f"the sd of a measurement of {measurement.quantity!r} is {measurement.sd!r}; "
                f"it must be at least {FINEST:g} of its value"
            )
    for claim in graph.claims:
        if claim.about is not None:
            _check_about(claim, claim.about, units)
            if graph.arguments_for(claim.id):
                raise ValueError(f"claim {claim.id!r} is about a quantity, so no argument may conclude it")


def _check_about(claim: Claim, about: Threshold | Comparison, units: Mapping[str, str]) -> None:
    name = f"claim {claim.id!r}"
    if claim.prior != 0:
        raise ValueError(f"{name} is about a quantity, from which its prior follows: {claim.prior!r} must be 0")
    if about.relation not in get_args(Relation):
        raise ValueError(f"the relation of {name} is {about.relation!r}; it must be '<' or '>'")
    compared = [about.quantity, about.other] if isinstance(about, Comparison) else [about.quantity]
    for quantity in compared:
        if quantity not in units:
            raise ValueError(f"{name} is about {quantity!r}, which is not among the quantities")
    if isinstance(about, Threshold):
        check_number(f"the threshold of {name}", about.value)
    elif about.quantity == about.other:
        raise ValueError(f"{name} compares {about.quantity!r} with itself")
    elif units[about.quantity] != units[about.other]:
        raise ValueError(f"{name} compares {units[about.quantity]!r} with {units[about.other]!r}: their units differ")


def _check_arguments(arguments: Iterable[Argument], index: Mapping[str, int]) -> None:
    seen: set[str] = set()
    for argument in arguments:
        if not isinstance(argument.id, str) or not argument.id:
            raise ValueError(f"an argument's id is {argument.id!r}; it must be a text of at least one character")
        name = f"argument {argument.id!r}"
        if argument.id in seen:
            raise ValueError(f"there are two arguments with the id {argument.id!r}")
        seen.add(argument.id)
        if argument.polarity not in get_args(Polarity):
            raise ValueError(f"the polarity of {name} is {argument.polarity!r}; it must be 'support' or 'attack'")
        _check_prob(f"the strength of {name}", argument.strength)
        _check_known(f"{name} concludes", argument.conclusion, index)
        for premise in argument.premises:
            _check_known(f"{name} has the premise", premise.claim, index)
            if not isinstance(premise.holds, bool):
                raise ValueError(f"holds of a premise of {name} is {premise.holds!r}; it must be True or False")


def _check_roots(roots: Iterable[Root], index: Mapping[str, int]) -> None:
    seen: set[str] = set()
    for root in roots:
        _check_known("a root is", root.claim, index)
        if root.claim in seen:
            raise ValueError(f"there are two roots with the claim {root.claim!r}")
        seen.add(root.claim)
        if not _is_number(root.weight) or not 0 <= root.weight <= MAX_WEIGHT:
            raise ValueError(
                f"the weight of root {root.claim!r} is {root.weight!r}; it must lie in [0, {MAX_WEIGHT:g}]"
            )


def _check_evidence(evidence: Mapping[str, tuple[float, ...]], index: Mapping[str, int]) -> None:
    for claim, pair in evidence.items():
        _check_known("there is evidence on", claim, index)
        if len(pair) != 2:
            raise ValueError(f"the evidence on {claim!r} has {len(pair)} likelihoods; it must have two")
        for likelihood in pair:
            _check_prob(f"a likelihood of the evidence on {claim!r}", likelihood)


def _check_known(what: str, claim: str, index: Mapping[str, int]) -> None:
    if claim not in index:
        raise ValueError(f"{what} {claim!r}, which is not among the claims")


def _check_prob(what: str, value: float) -> None:
    if not _is_number(value) or not 0 <= value <= 1:  # NaN fails the comparison
        raise ValueError(f"{what} is {value!r}; it must lie in [0, 1]")


def _is_number(value: object) -> bool:
    return type(value) is float or (isinstance(value, Real) and not isinstance(value, bool))


def _find_cycle(graph: ArgumentGraph) -> list[str]:
    """Returns the claims of one cycle, first one repeated, each a premise of the next."""
    acyclic = {graph.claims[row].id for row in graph.topological_order}
    # Kahn leaves claims that lie on a cycle or after one: each has a premise among themselves, so walking
    # from premise to premise must come round.
    premise_of: dict[str, str] = {}
    for argument in graph.arguments:
        for premise in argument.premises:
            if argument.conclusion not in acyclic and premise.claim not in acyclic:
                premise_of.setdefault(argument.conclusion, premise.claim)
    walk: list[str] = []
    seen: dict[str, int] = {}
    claim = next(iter(premise_of))
    while claim not in seen:
        seen[claim] = len(walk)
        walk.append(claim)
        claim = premise_of[claim]
    return [claim, *reversed(walk[seen[claim] :])]
