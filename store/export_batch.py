"""Some claims of the store with all that hangs together with them: their graph, roots and answers, read in one go.

Answers are kept column by column, and claims and arguments by their places, since most of an export is about claims
that hang together with nothing: what is done for each of these in Python is what a million answers cost.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import String, func, type_coerce
from sqlmodel import Session, col, or_, select

from argtree import graph as g
from argtree.bradley_terry import Outcome
from argtree.evidence import Reliability, label_prob
from store.answers import is_standing, override_likelihood, overrides
from store.claims import known
from store.columns import column, columns, rows_among
from store.direct import direct_likelihoods
from store.graphs import load_about, load_quantity, measurements
from store.ragged import IntArray, starts
from store.reliabilities import reliabilities
from store.splits import RowArray
from store.tables import (
    About,
    Answer,
    Argument,
    Claim,
    Comparison,
    Evidence,
    Premise,
    Quantity,
    Rater,
    Root,
)
from store.tournaments import comparison_stands

FloatArray = NDArray[np.float64]
_SMALL = 1e-100


class BatchArgument(NamedTuple):
    """An argument by the places of its claims."""

    key: str
    conclusion: int
    polarity: g.Polarity
    strength: float
    premises: tuple[tuple[int, bool], ...]  # each with whether the argument takes it as holding
    generation: str | None  # who proposed it


class BatchComparison(NamedTuple):
    """What a rater said of two arguments, by their places in the batch."""

    id: int
    rater_id: int
    first: int
    second: int
    outcome: Outcome


@dataclass(frozen=True, eq=False)
class Answers:
    """Answers about a batch's claims, claim by claim, oldest first. Axes: N claims, A answers."""

    start: IntArray  # [N + 1] those about claim n are start[n]:start[n + 1]
    id: list[int]  # [A]
    rater_id: list[int]
    kind: list[str]
    prob: list[float | None]
    note: list[str]
    source: list[str]  # "" for none
    reason: list[str | None]  # for "cannot_say", where one was given
    answered_at: list[str]  # as `iso` gives them
    generation: list[str | None]
    value_when_asked: list[float]
    prob_before: list[float | None]


@dataclass(frozen=True, eq=False)
class Batch:
    """Claims and what the store knows of them. Axes: N claims, in the order of their ids, R roots, G arguments."""

    rows: RowArray  # [N] their rows in `Families`
    keys: list[str]  # [N]
    texts: list[str]  # [N]
    answers: Answers
    raters: dict[int, str]  # id -> name, of all in the store
    label: FloatArray  # [N] P(claim) from the answers, or the override, alone; NaN where none says anything
    questions: dict[int, str]  # place of a root -> question, oldest first
    arguments: list[BatchArgument]  # [G]
    before: g.ArgumentGraph | None  # without raters' answers; None where the claims have to do with nothing
    graph: g.ArgumentGraph | None  # with them; the same graph where there are none
    comparisons: list[BatchComparison]  # of arguments, oldest first, without those taken back and "can't say"


class Reader:
    """Reads batches of claims from the store."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self._keys: dict[int, str] = {}  # of quantities
        self._quantities: dict[int, g.Quantity] = {}
        self._measured: list[list[tuple[int, float, float]]] = [
            measurements(session, with_answers) for with_answers in (False, True)
        ]
        for quantity in session.exec(select(Quantity).order_by(col(Quantity.id))):
            self._keys[known(quantity.id)] = quantity.key
            self._quantities[known(quantity.id)] = load_quantity(quantity)
        self._has_evidence = session.exec(select(Evidence).limit(1)).first() is not None
        self._has_comparisons = session.exec(select(Comparison).limit(1)).first() is not None
        self._answered_at = _answered_at(session)
        self._overrides = {
            claim_id: override_likelihood(row.prob)
            for claim_id, row in overrides(session).items()
            if row.prob is not None
        }
        self._trusted = {one: known.mean for one, known in reliabilities(session).items()}
        self._direct = direct_likelihoods(session)
        self._raters = {one: name for one, name in session.execute(columns(Rater, "id", "name"))}

    def read(self, rows: RowArray, ids: Sequence[int], linked: bool) -> Batch:
        """Returns the claims with these ids, ascending.

        Args:
            rows: theirs in `Families`.
            linked: whether anything ties them to others, all of which are among them.
        """
        found = self._among(columns(Claim, "key", "text", "prior", "askable", order=("id",)), column(Claim, "id"), ids)
        keys, texts, priors, askable = map(list, zip(*found, strict=True))
        answers = self._answers(ids)
        place = {one: number for number, one in enumerate(ids)}
        likelihood = _likelihoods(answers, self._trusted)
        for claim_id in self._overrides.keys() & set(ids):
            likelihood[place[claim_id]] = self._overrides[claim_id]
        label = _labels(likelihood)
        asked = sorted(self._among(columns(Root, "id", "claim_id", "question"), column(Root, "claim_id"), ids))
        questions = {place[claim_id]: question for _, claim_id, question in asked}
        if not linked:
            return Batch(rows, keys, texts, answers, self._raters, label, questions, [], None, None, [])
        reasons, numbers = self._reasons(place, ids)
        rest = self._among(select(About), column(About, "claim_id"), ids) if self._quantities else []
        about = {row.claim_id: row for (row,) in rest}
        said = map({one: load_about(row, self._keys) for one, row in about.items()}.get, ids)
        claims = tuple(map(g.Claim, keys, texts, priors, askable, said))
        before, graph = self._graphs(claims, ids, reasons, list(about.values()), likelihood)
        compared = self._comparisons(numbers, ids) if self._has_comparisons else []
        return Batch(rows, keys, texts, answers, self._raters, label, questions, reasons, before, graph, compared)

    def _answers(self, ids: Sequence[int]) -> Answers:
        fields = [name for name in Answers.__dataclass_fields__ if name != "start"]
        others = [name for name in fields if name != "answered_at"]
        statement = columns(Answer, "claim_id", *others, order=("claim_id", "id")).add_columns(self._answered_at)
        statement = statement.where(is_standing())
        found = self._among(statement, column(Answer, "claim_id"), ids)
        about, *said, moments = map(list, zip(*found, strict=True)) if found else [[]] * (2 + len(others))
        counts = np.bincount(np.searchsorted(ids, np.array(about, np.int64)), minlength=len(ids))
        answered_at = [one if isinstance(one, str) else iso(one) for one in moments]
        return Answers(starts(counts), answered_at=answered_at, **dict(zip(others, said, strict=True)))

    def _comparisons(self, arguments: Sequence[int], ids: Sequence[int]) -> list[BatchComparison]:
        place = {one: number for number, one in enumerate(arguments)}
        found = self._among(
            columns(Comparison, "id", "rater_id", "first_id", "second_id", "kind")
            .where(col(Comparison.kind) != "cannot_say")
            .where(comparison_stands()),
            column(Comparison, "claim_id"),
            ids,
        )
        return [
            BatchComparison(one, rater_id, place[first], place[second], kind)
            for one, rater_id, first, second, kind in sorted(found, key=_first)
        ]

    def _reasons(self, place: dict[int, int], ids: Sequence[int]) -> tuple[list[BatchArgument], list[int]]:
        """Returns the arguments about these claims, and their ids."""
        fields = columns(Argument, "id", "key", "conclusion_id", "polarity", "strength", "generation")
        found = sorted(self._among(fields, column(Argument, "conclusion_id"), ids), key=_first)
        stands = columns(Premise, "argument_id", "claim_id", "holds", order=("argument_id", "position"))
        places = self._among(stands, column(Premise, "argument_id"), [row[0] for row in found])
        premises: dict[int, list[tuple[int, bool]]] = defaultdict(list)
        for argument_id, claim_id, holds in places:
            premises[argument_id].append((place[claim_id], holds))
        reasons = [
            BatchArgument(key, place[conclusion], polarity, strength, tuple(premises[one]), generation)
            for one, key, conclusion, polarity, strength, generation in found
        ]
        return reasons, [row[0] for row in found]

    def _among(self, statement: Any, of: Any, ids: Sequence[int]) -> list[Any]:
        return rows_among(self.session, statement, of, ids)

    def _graphs(
        self,
        claims: tuple[g.Claim, ...],
        ids: Sequence[int],
        reasons: Sequence[BatchArgument],
        about: Sequence[About],
        likelihood: FloatArray,
    ) -> tuple[g.ArgumentGraph, g.ArgumentGraph]:
        """Returns the graph without and with what raters said, both without roots."""
        used = {one for row in about for one in (row.quantity_id, row.other_id)}
        numbers, all_numbers = (
            tuple(g.Measurement(self._keys[one], value, sd) for one, value, sd in measured if one in used)
            for measured in self._measured
        )
        likelihoods = columns(Evidence, "claim_id", "if_false", "if_true")
        found = self._among(likelihoods, column(Evidence, "claim_id"), ids) if self._has_evidence else []
        imported = {one: (if_false, if_true) for one, if_false, if_true in found}
        keys = [claim.id for claim in claims]
        taken = [tuple([g.Premise(keys[place], holds) for place, holds in one.premises]) for one in reasons]
        before = g.ArgumentGraph(
            claims=claims,
            arguments=tuple(
                g.Argument(one.key, keys[one.conclusion], one.polarity, one.strength, premises)
                for one, premises in zip(reasons, taken, strict=True)
            ),
            evidence={key: imported[one] for key, one in zip(keys, ids, strict=True) if one in imported},
            quantities=tuple(self._quantities[one] for one in sorted(one for one in used if one is not None)),
            measurements=numbers,
            direct_beliefs={key: self._direct[one] for key, one in zip(keys, ids, strict=True) if one in self._direct},
        )
        said = np.flatnonzero(~np.isnan(likelihood[:, 0]))
        if not len(said) and numbers == all_numbers:
            return before, before
        evidence = dict(before.evidence)
        for place, (if_false, if_true) in zip(said.tolist(), likelihood[said].tolist(), strict=True):
            first = evidence.get(keys[place], (1.0, 1.0))
            evidence[keys[place]] = (first[0] * if_false, first[1] * if_true)
        return before, before.given(evidence, all_numbers)


def quantity_rows(session: Session) -> Iterator[tuple[Any, ...]]:
    """Gives a row for every quantity with a number, ordered by key; the card names its fields."""
    numbers = select(Answer, Rater.name).where(Answer.rater_id == Rater.id, is_standing()).order_by(col(Answer.id))
    for quantity in sorted(session.exec(select(Quantity)), key=lambda quantity: quantity.key):
        said = session.exec(numbers.where(Answer.quantity_id == quantity.id)).all()
        answers = [_number(answer, rater) for answer, rater in said]
        count = sum(answer.number is not None for answer, _ in said)
        if count:
            resting = (
                select(Claim.key, Claim.text)
                .join(About, col(About.claim_id) == col(Claim.id))
                .where(or_(About.quantity_id == quantity.id, About.other_id == quantity.id))
            )
            claims = sorted(tuple(row) for row in session.exec(resting))  # not by the database: each has its own order
            yield quantity.key, quantity.text, quantity.unit, quantity.distribution, count, answers, claims


def iso(moment: datetime) -> str:
    """Returns a time in UTC in the form of ISO 8601, to the microsecond."""
    return moment.isoformat(timespec="microseconds")


def _number(answer: Answer, rater: str) -> tuple[Any, ...]:
    said = (answer.id, rater, answer.kind, answer.number, answer.sd, answer.note, answer.source, answer.reason)
    return *said, iso(answer.answered_at), answer.value_when_asked


def _answered_at(session: Session) -> Any:
    """Returns the column of times of answers: on SQLite, which keeps them as texts in UTC, in the form of `iso`."""
    moment = column(Answer, "answered_at")
    if session.get_bind().dialect.name != "sqlite":
        return moment
    return func.replace(type_coerce(moment, String), " ", "T").concat("+00:00")


def _likelihoods(answers: Answers, trusted: Mapping[int, Reliability]) -> FloatArray:
    """Returns [N, 2] P(answers | claim false) and P(answers | claim true); NaN where no answer says anything.

    `product_likelihood` for many: only the ratio matters, so it is kept where the products would underflow.
    """
    prob = np.array(answers.prob, dtype=np.float64)  # NaN for None
    says = ~np.isnan(prob)
    begin = starts(says)[answers.start]
    raters, which = np.unique(np.array(answers.rater_id, np.int64)[says], return_inverse=True)
    rates = np.array([(trusted[one].sensitivity, trusted[one].specificity) for one in raters.tolist()]).reshape(-1, 2)
    (s, t), p = rates[which].T, prob[says]
    each = np.column_stack((p * (1 - t) + (1 - p) * t, p * s + (1 - p) * (1 - s)))
    found = np.full((len(begin) - 1, 2), np.nan)
    answered = np.flatnonzero(np.diff(begin))
    if len(answered):
        product = np.multiply.reduceat(each, begin[answered])
        small = product.max(axis=1) < _SMALL
        with np.errstate(divide="ignore"):
            logs = np.add.reduceat(np.log(each), begin[answered])[small]
        product[small] = np.exp(logs - logs.max(axis=1, keepdims=True))
        found[answered] = product
    return found


def _labels(likelihood: FloatArray) -> FloatArray:
    """Returns [N] what answers of these likelihoods say that P(claim) is; NaN where they are."""
    label = np.full(len(likelihood), np.nan)
    said = np.flatnonzero(~np.isnan(likelihood[:, 0]))
    pairs, which = np.unique(likelihood[said].view(np.complex128), return_inverse=True)  # sorted a pair at a time
    label[said] = np.array([label_prob(pair.real, pair.imag) for pair in pairs.tolist()])[which.ravel()]
    return label


def _first(row: Sequence[Any]) -> Any:
    return row[0]
