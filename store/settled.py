"""Settled claims of which a generation held a belief before anybody answered them: what its beliefs are judged by.

A belief from after the first answer is left out: a generation that was trained on the answer would be judged by what it
was told.
"""

from collections.abc import Collection
from datetime import datetime
from typing import NamedTuple

from sqlmodel import Session, col, func, select

from argtree.evidence import is_settled, label_prob
from store.answers import is_standing, label_likelihoods, overrides
from store.columns import column, columns, rows_among
from store.tables import Answer, Belief, Claim, Override, Rater


class Settled(NamedTuple):
    """A settled claim and what was believed of it."""

    key: str  # the claim's
    belief: float  # direct, as the model said it, in [0, 1]
    truth: bool  # the side on which its label is
    likelihoods: tuple[float, float]  # P(label | claim false), P(label | claim true)
    is_simulated: bool  # nobody but a program answered it


def settled_beliefs(session: Session, simulated: Collection[str] = ()) -> dict[str, list[Settled]]:
    """Returns the settled claims of which each generation held a direct belief, the last from before the first answer.

    Generations stand in the order of their first such belief, claims in that of their ids.

    Args:
        simulated: the names under which programs answer.
    """
    told = {one: pair for one, pair in label_likelihoods(session).items() if is_settled(label_prob(*pair))}
    ids = sorted(told)
    said_at, by_people = _first_said(session, ids), _by_people(session, simulated)
    keys = {one: key for one, key in rows_among(session, columns(Claim, "id", "key"), column(Claim, "id"), ids)}
    direct = columns(Belief, "id", "claim_id", "generation", "mean", "held_at").where(col(Belief.kind) == "direct")
    held: dict[str, dict[int, float]] = {}
    for _, claim_id, generation, mean, held_at in sorted(rows_among(session, direct, column(Belief, "claim_id"), ids)):
        if held_at <= said_at[claim_id]:
            held.setdefault(generation, {})[claim_id] = mean
    return {
        generation: [
            Settled(keys[one], of[one], label_prob(*told[one]) > 0.5, told[one], one not in by_people)
            for one in sorted(of)
        ]
        for generation, of in held.items()
    }


def newest_word(session: Session) -> int:
    """Returns a number that grows by one with each answer and each label that a reviewer sets."""
    newest = [session.exec(select(func.max(table.id))).one() for table in (Answer, Override)]
    return sum(one or 0 for one in newest)


def _first_said(session: Session, ids: list[int]) -> dict[int, datetime]:
    """Returns when something was first said of each claim, whether or not it counts by now."""
    found: dict[int, datetime] = {}
    for table, name in ((Answer, "answered_at"), (Override, "overridden_at")):
        for claim_id, moment in rows_among(session, columns(table, "claim_id", name), column(table, "claim_id"), ids):
            found[claim_id] = min(found.get(claim_id, moment), moment)
    return found


def _by_people(session: Session, simulated: Collection[str]) -> set[int]:
    """Returns the ids of the claims that a person answered, or whose label a person set."""
    answered = select(Answer.claim_id).join(Rater, col(Rater.id) == col(Answer.rater_id)).where(is_standing())
    answered = answered.where(col(Rater.name).not_in(sorted(simulated)))
    return {one for one in session.exec(answered) if one is not None} | set(overrides(session))
