"""Some claims of the store with all that hangs together with them: their graph, roots and answers, read in one go."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, NamedTuple

from sqlmodel import Session, col, or_, select

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
        fields = (Claim.id, Claim.key, Claim.text, Claim.prior, Claim.askable)
        claims = [ClaimRow(*row) for row in self._where(select(*fields), Claim.id, ids)]
        claims.sort()
        place = {claim.id: number for number, claim in enumerate(claims)}
        answers: list[list[Said]] = [[] for _ in claims]
        for said in sorted(map(Said._make, self._where(_answers(), Answer.claim_id, ids))):
            answers[place[said.claim_id]].append(said)
        labels = [_label(said) for said in answers]
        asked = self._where(select(Root.id, Root.claim_id, Root.question), Root.claim_id, ids)
        questions = {claims[place[claim_id]].key: question for _, claim_id, question in sorted(asked)}
        if not linked:
            return Batch(rows, claims, answers, labels, questions, {}, None, None)
        arguments, generations = self._arguments(claims, ids)
        before, graph = self._graphs(claims, ids, arguments, answers)
        return Batch(rows, claims, answers, labels, questions, generations, before, graph)

    def _where(self, statement: Any, column: Any, ids: Sequence[int]) -> Iterator[Any]:
        for start in range(0, len(ids), _AT_ONCE):
            yield from self.session.execute(statement.where(col(column).in_(ids[start : start + _AT_ONCE])))

    def _arguments(
        self, claims: Sequence[ClaimRow], ids: Sequence[int]
    ) -> tuple[tuple[g.Argument, ...], dict[str, str | None]]:
        keys = {claim.id: claim.key for claim in claims}
        fields = (Argument.id, Argument.key, Argument.conclusion_id, Argument.polarity, Argument.strength)
        rows = sorted(self._where(select(*fields, Argument.generation), Argument.conclusion_id, ids))
        premises: dict[int, list[tuple[int, g.Premise]]] = defaultdict(list)
        stands = select(Premise.argument_id, Premise.position, Premise.claim_id, Premise.holds)
        stands = stands.join(Argument, col(Argument.id) == col(Premise.argument_id))
        for argument_id, position, claim_id, holds in self._where(stands, Argument.conclusion_id, ids):
            premises[argument_id].append((position, g.Premise(keys[claim_id], holds)))
        arguments = tuple(
            g.Argument(key, keys[conclusion], polarity, strength, tuple(p for _, p in sorted(premises[one], key=_first)))
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
        about = {row.claim_id: row for (row,) in self._where(select(About), About.claim_id, ids)}
        used = {one for row in about.values() for one in (row.quantity_id, row.other_id)}
        numbers, all_numbers = (
            tuple(g.Measurement(self._keys[one], value, sd) for one, value, sd in measured if one in used)
            for measured in self._measured
        )
        imported = {row.claim_id: (row.if_false, row.if_true) for (row,) in self._where(select(Evidence), Evidence.claim_id, ids)}  # fmt: skip # noqa: E501
        before = g.ArgumentGraph(
            claims=tuple(
                g.Claim(c.key, c.text, c.prior, c.askable, load_about(about[c.id], self._keys) if c.id in about else None)
                for c in claims
            ),
            arguments=arguments,
            evidence={claim.key: imported[claim.id] for claim in claims if claim.id in imported},
            quantities=tuple(self._quantities[one] for one in sorted(used - {None}) if one is not None),
            measurements=numbers,
        )
        evidence = dict(before.evidence)
        for claim, said in zip(claims, answers, strict=True):
            probs = [one.prob for one in said if one.prob is not None]
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


def _answers() -> Any:
    return (
        select(
            col(Answer.id),
            col(Answer.claim_id),
            col(Rater.name),
            col(Answer.kind),
            col(Answer.prob),
            col(Answer.note),
            col(Answer.answered_at),
            col(Answer.generation),
            col(Answer.value_when_asked),
            col(Answer.prob_before),
        )
    ).where(col(Answer.rater_id) == col(Rater.id))  # fmt: skip


def _label(said: Sequence[Said]) -> float | None:
    probs = [one.prob for one in said if one.prob is not None]
    return label_prob(*label_likelihood(probs)) if probs else None


def _first(pair: tuple[int, Any]) -> int:
    return pair[0]


