"""Which answers count, and what those about a claim are together taken to mean. All who read answers come by here.

An answer counts until it is taken back (`Retraction`). Where an administrator set a claim's label (`Override`), that
stands in place of the answers. Not here: taking back and overriding (`store.corrections`).
"""

from collections import defaultdict
from collections.abc import Collection, Iterable
from typing import NamedTuple

from sqlalchemy import ColumnElement
from sqlmodel import Session, col, exists, func, select

from argtree.evidence import Reliability, answer_likelihood, label_likelihood, label_prob
from store.columns import rows_among
from store.tables import Answer, Claim, Override, Retraction

ADMINISTRATOR = Reliability(0.999, 0.999)
"""How far an override is believed: further than any rater, and not beyond all that the graph knows."""


class Said(NamedTuple):
    """A probability that a rater stated."""

    rater_id: int
    prob: float  # in [0, 1]


def is_standing() -> ColumnElement[bool]:
    """Returns the condition that an answer of the query was not taken back."""
    return ~exists().where(col(Retraction.answer_id) == col(Answer.id)).correlate(Answer)


def answers_by_claim(session: Session) -> dict[int, list[Said]]:
    """Returns what raters stated about each claim's id, oldest first ("can't say" states nothing)."""
    found: dict[int, list[Said]] = defaultdict(list)
    said = select(Answer.claim_id, Answer.rater_id, Answer.prob).where(col(Answer.prob).is_not(None), is_standing())
    for claim_id, rater_id, prob in session.exec(said.order_by(col(Answer.id))):
        assert claim_id is not None and prob is not None
        found[claim_id].append(Said(rater_id, prob))
    return dict(found)


def overrides(session: Session) -> dict[int, Override]:
    """Returns the override that counts of each claim's id that has one."""
    newest = select(func.max(Override.id)).group_by(col(Override.claim_id))
    rows = session.exec(select(Override).where(col(Override.id).in_(newest), col(Override.prob).is_not(None)))
    return {row.claim_id: row for row in rows}


def override_of(session: Session, claim_id: int | None) -> Override | None:
    """Returns the override that counts of one claim, None if none does."""
    query = select(Override).where(Override.claim_id == claim_id).order_by(col(Override.id).desc()).limit(1)
    newest = session.exec(query).first()
    return newest if newest is not None and newest.prob is not None else None


def override_likelihood(prob: float) -> tuple[float, float]:
    """Returns (P(override | claim false), P(override | claim true)) of one that sets the label to `prob`."""
    return answer_likelihood(prob, ADMINISTRATOR)


def said_likelihood(said: Iterable[Said]) -> tuple[float, float]:
    """Returns (P(answers | claim false), P(answers | claim true)) of answers to one claim."""
    return label_likelihood(one.prob for one in said)


def label_likelihoods(session: Session) -> dict[int, tuple[float, float]]:
    """Returns (P(label | false), P(label | true)) of each claim's id that people have said something of."""
    likelihoods = {claim_id: said_likelihood(said) for claim_id, said in answers_by_claim(session).items()}
    for claim_id, override in overrides(session).items():
        assert override.prob is not None
        likelihoods[claim_id] = override_likelihood(override.prob)
    return likelihoods


def labels_of(session: Session, claim_ids: Collection[int]) -> dict[int, float]:
    """Returns what the answers to these claims, or their overrides, are taken to mean: P(claim) by its id."""
    said: dict[int, list[Said]] = defaultdict(list)
    answers = select(col(Answer.claim_id), col(Answer.rater_id), col(Answer.prob)).order_by(col(Answer.id))
    answers = answers.where(col(Answer.prob).is_not(None), is_standing())
    for claim_id, rater_id, prob in rows_among(session, answers, col(Answer.claim_id), sorted(claim_ids)):
        said[claim_id].append(Said(rater_id, prob))
    likelihoods = {claim_id: said_likelihood(of_claim) for claim_id, of_claim in said.items()}
    for claim_id in claim_ids:
        if (override := override_of(session, claim_id)) is not None and override.prob is not None:
            likelihoods[claim_id] = override_likelihood(override.prob)
    return {claim_id: label_prob(*pair) for claim_id, pair in likelihoods.items()}


def labels(session: Session) -> dict[str, float]:
    """Returns what each claim's answers, or its override, are taken to mean: P(claim) by its key, claims in order."""
    likelihoods = label_likelihoods(session)
    keys = session.exec(select(Claim.id, Claim.key).order_by(col(Claim.id)))
    return {key: label_prob(*likelihoods[one]) for one, key in keys if one is not None and one in likelihoods}
