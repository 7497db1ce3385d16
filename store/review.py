"""What reviewers look at: claims whose label is in doubt, with all that was said of them, and labels that were set.

In doubt is a claim whose raters stand against each other, whose question closed and left it unsettled, or of which
several raters who are believed say the opposite when it is put to them as a gold question. A label that a reviewer has
set is not in doubt, but for gold answers that came later. Not here: setting it (`store.corrections`), and flags
(`store.flags`).
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, NamedTuple

import sqlalchemy
from sqlmodel import Session, col, select

from argtree.evidence import Reliability, is_settled, label_prob
from argtree.reliability import RaterReliability
from store.answers import (
    Said,
    answers_by_claim,
    gold_answers,
    is_kept,
    label_likelihoods,
    override_likelihood,
    overrides,
    said_likelihood,
)
from store.claims import known
from store.columns import column, columns, rows_among
from store.reliabilities import reliabilities
from store.roles import require
from store.tables import Answer, Claim, Flag, Override, Question, Rater

Doubt = Literal["against", "unsettled", "gold"]
"""Raters stand against each other; it closed unsettled; believed raters contradict it as a gold question."""

SEVERAL = 2
"""So many believed raters' gold answers against a label put it in doubt."""


@dataclass(frozen=True)
class Opinion:
    """What a rater said of a claim, by an answer that counts or one to a gold question."""

    rater: str  # name
    reliability: Reliability  # of the rater, as far as it is known
    kind: str  # as of an answer
    prob: float | None  # stated
    note: str
    source: str  # a link
    why: str | None  # of "cannot_say": the reason, or what is wrong with the question
    at: datetime
    is_gold: bool  # it tells of the rater, and does not count for the claim


@dataclass(frozen=True)
class Setting:
    """A label that a reviewer set."""

    prob: float
    rater: str  # name
    note: str
    at: datetime


@dataclass(frozen=True)
class Case:
    """A claim to decide about."""

    claim: str  # key
    text: str
    doubt: Doubt | None  # None: there is none
    label: float | None  # P(claim) that all that was said comes to now; None: nobody has said anything
    opinions: tuple[Opinion, ...]  # oldest first
    setting: Setting | None  # that holds


class _Doubtful(NamedTuple):
    claim_id: int
    doubt: Doubt
    certainty: float  # |2 P(claim) - 1|
    raters: int  # who said something


def list_doubtful(session: Session, by: Rater | None, limit: int = 20) -> tuple[list[Case], int]:
    """Returns the claims whose label is most in doubt, and how many are in all.

    First those that gold answers contradict, as others are tried by them, then the rest: the label nearest to one half
    first, and of equals what more raters answered.

    Args:
        session: of the store.
        by: a reviewer or administrator; None stands for whoever has the store itself.
        limit: of the claims returned.

    Raises:
        NotAllowedError: by is neither, or paused.
    """
    require(by, "reviewer")
    known_raters, settings = reliabilities(session), overrides(session)
    found = [*_contradicted(session, known_raters, settings), *_undecided(session, known_raters, settings)]
    first: dict[int, _Doubtful] = {}
    for one in sorted(found, key=lambda one: (one.doubt != "gold", one.certainty, -one.raters, one.claim_id)):
        first.setdefault(one.claim_id, one)
    chosen = {one.claim_id: one.doubt for one in list(first.values())[:limit]}
    return _cases(session, chosen, known_raters), len(first)


def list_set(session: Session, by: Rater | None, limit: int = 20) -> tuple[list[Case], int]:
    """Returns the claims whose label a reviewer set, newest first, and how many. Raises as `list_doubtful`."""
    require(by, "reviewer")
    settings = sorted(overrides(session).items(), key=lambda item: -known(item[1].id))
    chosen: dict[int, Doubt | None] = {claim_id: None for claim_id, _ in settings[:limit]}
    return _cases(session, chosen, reliabilities(session)), len(settings)


def _undecided(
    session: Session, trusted: Mapping[int, RaterReliability], settings: Collection[int]
) -> Iterable[_Doubtful]:
    """Gives the claims without an override on which raters are split, or that are closed and unsettled."""
    is_closed = select(Question.claim_id).where(Question.status == "answered", col(Question.claim_id).is_not(None))
    closed = set(session.exec(is_closed))
    labels: dict[tuple[Said, ...], float] = {}  # most claims have one answer, and most of these are alike
    for claim_id, said in answers_by_claim(session).items():
        is_split = any(one.prob > 0.5 for one in said) and any(one.prob < 0.5 for one in said)
        if claim_id in settings or not (is_split or claim_id in closed):
            continue
        alike = tuple(sorted(said))
        if alike not in labels:
            labels[alike] = label_prob(*said_likelihood(alike, trusted))
        if is_split or not is_settled(labels[alike]):
            certainty, raters = abs(2 * labels[alike] - 1), len({one.rater_id for one in said})
            yield _Doubtful(claim_id, "against" if is_split else "unsettled", certainty, raters)


def _contradicted(
    session: Session, trusted: Mapping[int, RaterReliability], settings: Mapping[int, Override]
) -> Iterable[_Doubtful]:
    """Gives the claims whose label several believed raters contradict, told that it was an ordinary question."""
    by_claim: dict[int, list[Any]] = defaultdict(list)
    for row in gold_answers(session):
        if row.claim_id not in settings or row.answered_at > settings[row.claim_id].overridden_at:
            by_claim[row.claim_id].append(row)
    for claim_id, likelihood in label_likelihoods(session, by_claim).items():
        prob = label_prob(*likelihood)
        against = {
            row.rater_id
            for row in by_claim[claim_id]
            if (row.prob - 0.5) * (prob - 0.5) < 0 and _is_believed(trusted[row.rater_id])
        }
        if len(against) >= SEVERAL:
            yield _Doubtful(claim_id, "gold", abs(2 * prob - 1), len(against))


def _is_believed(rater: RaterReliability) -> bool:
    """Says whether a yes of the rater's speaks for a claim."""
    return rater.mean.sensitivity + rater.mean.specificity > 1


def _cases(session: Session, chosen: Mapping[int, Doubt | None], trusted: Mapping[int, RaterReliability]) -> list[Case]:
    """Returns the chosen claims, in their order, with all that was said of them."""
    ids = sorted(chosen)
    rows = rows_among(session, columns(Claim, "id", "key", "text"), column(Claim, "id"), ids)
    claims = {claim_id: (key, text) for claim_id, key, text in rows}
    opinions, settings = _opinions(session, ids, trusted), _settings(session, ids)
    said = answers_by_claim(session, ids)
    labels = {claim_id: label_prob(*said_likelihood(all_said, trusted)) for claim_id, all_said in said.items()}
    labels |= {claim_id: label_prob(*override_likelihood(one.prob)) for claim_id, one in settings.items()}
    return [
        Case(
            claim=claims[claim_id][0],
            text=claims[claim_id][1],
            doubt=doubt,
            label=labels.get(claim_id),
            opinions=tuple(opinions[claim_id]),
            setting=settings.get(claim_id),
        )
        for claim_id, doubt in chosen.items()
    ]


def _opinions(
    session: Session, claim_ids: Sequence[int], trusted: Mapping[int, RaterReliability]
) -> Mapping[int, list[Opinion]]:
    query: Any = (
        sqlalchemy.select(Answer, column(Rater, "name"), column(Flag, "kind"))
        .join(Rater, col(Rater.id) == col(Answer.rater_id))
        .outerjoin(Flag, col(Flag.answer_id) == col(Answer.id))
        .where(is_kept())
        .order_by(col(Answer.id))
    )
    found: dict[int, list[Opinion]] = defaultdict(list)
    for answer, name, flag in rows_among(session, query, column(Answer, "claim_id"), claim_ids):
        opinion = Opinion(
            rater=name,
            reliability=trusted[answer.rater_id].mean,
            kind=answer.kind,
            prob=answer.prob,
            note=answer.note,
            source=answer.source,
            why=flag or answer.reason,
            at=answer.answered_at,
            is_gold=answer.is_gold,
        )
        found[answer.claim_id].append(opinion)
    return found


def _settings(session: Session, claim_ids: Collection[int]) -> Mapping[int, Setting]:
    rows = overrides(session, claim_ids)
    by = select(Rater.id, Rater.name).where(col(Rater.id).in_({row.rater_id for row in rows.values()}))
    names = dict(session.exec(by).all())
    return {
        claim_id: Setting(row.prob, names[row.rater_id], row.note, row.overridden_at)
        for claim_id, row in rows.items()
        if row.prob is not None
    }
