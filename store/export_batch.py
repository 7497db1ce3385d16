"""Some claims of the store with all that hangs together with them: their graph, roots and answers, read in one go."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy
from sqlalchemy import inspect, text
from sqlmodel import Session, SQLModel, col, or_, select

from argtree import graph as g
from argtree.evidence import label_likelihood, label_prob
from store.claims import known
from store.graphs import load_about, load_quantity, measurements
from store.splits import IntArray
from store.tables import About, Answer, Argument, Claim, Evidence, Premise, Quantity, Rater, Root

_AT_ONCE = 10_000  # ids in one statement; SQLite takes 32,766


class Said(NamedTuple):
    """An answer about a claim."""

    id: int
    claim_id: int
    rater: str
    kind: str
    prob: float | None
    note: str
    answered_at: datetime
    generation: str | None
    value_when_asked: float
    prob_before: float | None


class ClaimRow(NamedTuple):
    """A claim as it is stored."""

    id: int
    key: str
    text: str
    prior: float
    askable: bool | None


@dataclass(frozen=True, eq=False)
class Batch:
    """Claims and what the store knows of them. Axis: N claims, in the order of their ids."""

    rows: IntArray  # [N] their rows in `Families`
    claims: list[ClaimRow]  # [N]
    answers: list[list[Said]]  # [N] oldest first
    labels: list[float | None]  # [N] P(claim) from the answers alone; None where none says anything
    questions: dict[str, str]  # claim's key -> question, of the roots among them, oldest root first
    generations: dict[str, str | None]  # argument's key -> who proposed it
    before: g.ArgumentGraph | None  # without raters' answers; None where the claims have to do with nothing
    graph: g.ArgumentGraph | None  # with them; the same graph where there are none


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

    def read(self, rows: IntArray, ids: Sequence[int], linked: bool) -> Batch:
        """Returns the claims with these ids, ascending.

        Args:
            rows: theirs in `Families`.
            linked: whether anything ties them to others, all of which are among them.
        """
        claims = sorted(map(ClaimRow._make, self._where(_columns(Claim, *ClaimRow._fields), "claim.id", ids)))
        place = {claim.id: number for number, claim in enumerate(claims)}
        answers: list[list[Said]] = [[] for _ in claims]
        for said in sorted(map(Said._make, self._where(_answers(), "answer.claim_id", ids))):
            answers[place[said.claim_id]].append(said)
        labels = [_label(said) for said in answers]
        asked = self._where(_columns(Root, "id", "claim_id", "question"), "root.claim_id", ids)
        questions = {claims[place[claim_id]].key: question for _, claim_id, question in sorted(asked)}
        if not linked:
            return Batch(rows, claims, answers, labels, questions, {}, None, None)
        arguments, generations = self._arguments(claims, ids)
        before, graph = self._graphs(claims, ids, arguments, answers)
        return Batch(rows, claims, answers, labels, questions, generations, before, graph)

    def _where(self, statement: Any, column: str, ids: Sequence[int]) -> Iterator[Any]:
        """Gives the rows in which a column is one of the ids, which are ours and so may stand in the statement."""
        for start in range(0, len(ids), _AT_ONCE):
            listed = ",".join(map(str, ids[start : start + _AT_ONCE]))
            yield from self.session.execute(statement.where(text(f"{column} IN ({listed})"))).all()

    def _arguments(
        self, claims: Sequence[ClaimRow], ids: Sequence[int]
    ) -> tuple[tuple[g.Argument, ...], dict[str, str | None]]:
        keys = {claim.id: claim.key for claim in claims}
        fields = ("id", "key", "conclusion_id", "polarity", "strength", "generation")
        rows = sorted(self._where(_columns(Argument, *fields), "argument.conclusion_id", ids), key=_first)
        premises: dict[int, list[tuple[int, g.Premise]]] = defaultdict(list)
        stands = _columns(Premise, "argument_id", "position", "claim_id", "holds")
        stands = stands.where(col(Argument.id) == col(Premise.argument_id))
        for argument_id, position, claim_id, holds in self._where(stands, "argument.conclusion_id", ids):
            premises[argument_id].append((position, g.Premise(keys[claim_id], holds)))
        arguments = tuple(
            g.Argument(
                key, keys[conclusion], polarity, strength, tuple(p for _, p in sorted(premises[one], key=_first))
            )
            for one, key, conclusion, polarity, strength, _ in rows
        )
        return arguments, {key: generation for _, key, _, _, _, generation in rows}

    def _graphs(
        self,
        claims: Sequence[ClaimRow],
        ids: Sequence[int],
        arguments: tuple[g.Argument, ...],
        answers: Sequence[Sequence[Said]],
    ) -> tuple[g.ArgumentGraph, g.ArgumentGraph]:
        """Returns the graph without and with what raters said, both without roots."""
        said = [row for (row,) in self._where(select(About), "about.claim_id", ids)]
        about = {row.claim_id: load_about(row, self._keys) for row in said}
        used = {one for row in said for one in (row.quantity_id, row.other_id)}
        numbers, all_numbers = (
            tuple(g.Measurement(self._keys[one], value, sd) for one, value, sd in measured if one in used)
            for measured in self._measured
        )
        likelihoods = self._where(_columns(Evidence, "claim_id", "if_false", "if_true"), "evidence.claim_id", ids)
        imported = {one: (if_false, if_true) for one, if_false, if_true in likelihoods}
        before = g.ArgumentGraph(
            claims=tuple(g.Claim(c.key, c.text, c.prior, c.askable, about.get(c.id)) for c in claims),
            arguments=arguments,
            evidence={claim.key: imported[claim.id] for claim in claims if claim.id in imported},
            quantities=tuple(self._quantities[one] for one in sorted(used - {None}) if one is not None),
            measurements=numbers,
        )
        evidence = dict(before.evidence)
        for claim, of_claim in zip(claims, answers, strict=True):
            probs = [one.prob for one in of_claim if one.prob is not None]
            if probs:
                first, second = evidence.get(claim.key, (1.0, 1.0)), label_likelihood(probs)
                evidence[claim.key] = (first[0] * second[0], first[1] * second[1])
        if evidence == before.evidence and numbers == all_numbers:
            return before, before
        return before, replace(before, evidence=evidence, measurements=all_numbers)


def quantity_rows(session: Session) -> Iterator[tuple[Any, ...]]:
    """Gives a row for every quantity with a number, ordered by key; the card names its fields."""
    numbers = select(Answer, Rater.name).where(Answer.rater_id == Rater.id).order_by(col(Answer.id))
    for quantity in session.exec(select(Quantity).order_by(Quantity.key)).all():
        said = session.exec(numbers.where(Answer.quantity_id == quantity.id)).all()
        answers = [_number(answer, rater) for answer, rater in said]
        count = sum(answer.number is not None for answer, _ in said)
        if count:
            resting = (
                select(Claim.key, Claim.text)
                .join(About, col(About.claim_id) == col(Claim.id))
                .where(or_(About.quantity_id == quantity.id, About.other_id == quantity.id))
                .order_by(Claim.key)
            )
            claims = [tuple(row) for row in session.exec(resting)]
            yield quantity.key, quantity.text, quantity.unit, quantity.distribution, count, answers, claims


def iso(moment: datetime) -> str:
    """Returns a time in UTC in the form of ISO 8601, to the microsecond."""
    return moment.isoformat(timespec="microseconds")


def _number(answer: Answer, rater: str) -> tuple[Any, ...]:
    said = (answer.id, rater, answer.kind, answer.number, answer.sd, answer.note)
    return *said, iso(answer.answered_at), answer.value_when_asked


def _columns(table: type[SQLModel], *names: str) -> Any:
    """Returns a query for some columns that goes past the object mapper, whose rows cost three times as much."""
    columns = inspect(table).local_table.c
    return sqlalchemy.select(*(columns[name] for name in names))


def _answers() -> Any:
    said, rater = inspect(Answer).local_table.c, inspect(Rater).local_table.c
    fields = [rater["name"] if name == "rater" else said[name] for name in Said._fields]
    return sqlalchemy.select(*fields).where(said["rater_id"] == rater["id"])


def _label(said: Sequence[Said]) -> float | None:
    probs = [one.prob for one in said if one.prob is not None]
    return label_prob(*label_likelihood(probs)) if probs else None


def _first(row: Sequence[Any]) -> Any:
    return row[0]
