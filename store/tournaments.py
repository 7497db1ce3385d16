"""Arguments about one claim in tournaments of up to eight, and how they stand by what raters said of two at a time.

A claim's arguments, for and against it, fall into tournaments as they come in: each eight in turn. Reads only.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeVar, cast, get_args

from sqlalchemy import ColumnElement
from sqlmodel import Session, case, col, exists, select
from sqlmodel.sql.expression import SelectOfScalar

from argtree.bradley_terry import FloatArray, Outcome, Standings, Tally, standings
from argtree.evidence import is_settled, label_prob
from argtree.graph import Polarity
from store.answers import label_likelihoods
from store.claims import known
from store.columns import column, columns, rows_among
from store.tables import Argument, Claim, Comparison, ComparisonRetraction, Dismissal, Premise

TOURNAMENT_SIZE = 8
_KEPT = 4096  # tournaments whose gains are remembered

T = TypeVar("T")
Said = tuple[int, int, Outcome]  # ids or places of two arguments, and which is better


@dataclass(frozen=True)
class ShownArgument:
    """An argument in words."""

    key: str
    polarity: Polarity
    premises: tuple[tuple[str, bool], ...]  # text of each, and whether the argument takes it as holding


@dataclass(frozen=True)
class Standing:
    """How an argument stands in its tournament."""

    argument: ShownArgument
    strength: float  # posterior mean, in log-odds; 0 is the middle before any comparison
    sd: float
    comparisons: int  # that it stood in, "can't say" left out


def comparison_stands() -> ColumnElement[bool]:
    """Returns the condition that a comparison of the query was neither taken back nor dismissed with its rater."""
    dismissed_at = case((col(Dismissal.through_id) >= 0, col(Dismissal.dismissed_at)))
    newest = select(dismissed_at).where(Dismissal.rater_id == Comparison.rater_id).order_by(col(Dismissal.id).desc())
    until = newest.limit(1).correlate(Comparison).scalar_subquery()
    return ~is_taken_back() & (until.is_(None) | (col(Comparison.answered_at) > until))


def is_taken_back() -> ColumnElement[bool]:
    """Returns the condition that a comparison of the query was taken back."""
    return exists().where(col(ComparisonRetraction.comparison_id) == col(Comparison.id)).correlate(Comparison)


def standing_comparisons() -> SelectOfScalar[Comparison]:
    """Returns the query for the comparisons that count, oldest first."""
    return select(Comparison).where(comparison_stands()).order_by(col(Comparison.id))


def outcomes(comparisons: Iterable[Comparison]) -> list[Said]:
    """Returns what the comparisons say, those left out that can't say."""
    return [
        (one.first_id, one.second_id, cast(Outcome, one.kind)) for one in comparisons if one.kind in get_args(Outcome)
    ]


def tournaments(arguments: Sequence[T]) -> list[Sequence[T]]:
    """Returns a claim's arguments, oldest first, in tournaments: each eight in turn, none of fewer than two."""
    parts = [arguments[start : start + TOURNAMENT_SIZE] for start in range(0, len(arguments), TOURNAMENT_SIZE)]
    return [part for part in parts if len(part) > 1]


def tallied(ids: Sequence[int], said: Iterable[Said]) -> Tally:
    """Returns the tally of what was said of arguments with these ids."""
    return Tally.of(len(ids), _placed(ids, said))


def gains(ids: Sequence[int], said: Iterable[Said]) -> FloatArray:
    """Returns [K, K] nats that comparing two of these arguments is expected to tell; see `Standings.gain`."""
    return _gains(len(ids), tuple(sorted(_placed(ids, said))))


def better_prob(session: Session, first: Argument, second: Argument) -> float:
    """Returns P(the first argument is better than the second) by what all raters said; 1/2 across tournaments."""
    said = outcomes(session.exec(standing_comparisons().where(Comparison.claim_id == first.conclusion_id)))
    for ids, found in _stood(session, first.conclusion_id, said):
        if first.id in ids and second.id in ids:
            return float(found.better_prob[ids.index(first.id), ids.index(second.id)])
    return 0.5


def claim_standings(session: Session, claim: Claim) -> list[list[Standing]]:
    """Returns how a claim's arguments stand, the best first, tournament by tournament."""
    said = outcomes(session.exec(standing_comparisons().where(Comparison.claim_id == claim.id)))
    count = Counter(one for first, second, _ in said for one in (first, second))
    result = []
    for ids, found in _stood(session, known(claim.id), said):
        words, mean, sd = in_words(session, ids), found.mean, found.sd
        result.append(
            [Standing(words[ids[row]], float(mean[row]), float(sd[row]), count[ids[row]]) for row in found.order]
        )
    return result


def failed_arguments(session: Session, ids: Sequence[int]) -> set[int]:
    """Returns those of the arguments of which people settled a premise the other way than the argument takes it."""
    statement = columns(Premise, "argument_id", "claim_id", "holds")
    premises = list(rows_among(session, statement, column(Premise, "argument_id"), ids))
    likelihoods = label_likelihoods(session, {claim_id for _, claim_id, _ in premises})
    labels = {claim_id: label_prob(*pair) for claim_id, pair in likelihoods.items()}
    return {
        argument_id
        for argument_id, claim_id, holds in premises
        if is_settled(label := labels.get(claim_id, 0.5)) and (label > 0.5) != holds
    }


def in_words(session: Session, ids: Sequence[int]) -> dict[int, ShownArgument]:
    """Returns arguments by their ids."""
    query = (
        select(Premise.argument_id, Claim.text, Premise.holds)
        .join(Claim, col(Claim.id) == col(Premise.claim_id))
        .where(col(Premise.argument_id).in_(ids))
        .order_by(col(Premise.argument_id), col(Premise.position))
    )
    premises: dict[int, list[tuple[str, bool]]] = defaultdict(list)
    for argument_id, text, holds in session.exec(query):
        premises[argument_id].append((text, holds))
    return {
        known(one.id): ShownArgument(one.key, cast(Polarity, one.polarity), tuple(premises[known(one.id)]))
        for one in session.exec(select(Argument).where(col(Argument.id).in_(ids)))
    }


def _stood(session: Session, claim_id: int, said: Sequence[Said]) -> list[tuple[list[int], Standings]]:
    """Returns (ids of the arguments, their posterior) of each tournament about a claim."""
    query = select(Argument.id).where(Argument.conclusion_id == claim_id).order_by(col(Argument.id))
    parts = tournaments([known(one) for one in session.exec(query)])
    return [(list(ids), standings(tallied(ids, said))) for ids in parts]


@lru_cache(maxsize=_KEPT)
def _gains(size: int, said: tuple[Said, ...]) -> FloatArray:
    return standings(Tally.of(size, said)).gain


def _placed(ids: Sequence[int], said: Iterable[Said]) -> list[Said]:
    """Returns what was said with arguments by their places among the ids, the smaller place first."""
    place = {one: number for number, one in enumerate(ids)}
    turned: dict[Outcome, Outcome] = {"first": "second", "second": "first", "equal": "equal"}
    placed = [(place[first], place[second], what) for first, second, what in said if first in place and second in place]
    return [(i, j, what) if i < j else (j, i, turned[what]) for i, j, what in placed]
