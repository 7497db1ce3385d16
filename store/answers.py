"""Which answers count, and what those about a claim are together taken to mean. All who read answers come by here.

An answer counts until it is taken back (`Retraction`) or its rater's answers are dismissed (`Dismissal`), as much as
its rater is believed (`store.reliabilities`). One to a gold question tells of the rater only. Where a reviewer set a
claim's label (`Override`), that stands in place of the answers. Not here: taking back and overriding
(`store.corrections`), learning whom to believe (`store.trust`).
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, exists, func, select
from sqlmodel.sql.expression import Select

from argtree.evidence import Reliability, answer_likelihood, label_prob, product_likelihood
from argtree.reliability import RaterReliability
from store.columns import column, columns, rows_among
from store.reliabilities import reliabilities
from store.tables import Answer, Claim, Dismissal, Override, Quantity, Rater, Retraction

ADMINISTRATOR = Reliability(0.999, 0.999)
"""How far an override is believed: further than any rater, and not beyond all that the graph knows."""


class Said(NamedTuple):
    """A probability that a rater stated."""

    rater_id: int
    prob: float  # in [0, 1]


def is_standing() -> ColumnElement[bool]:
    """Returns the condition that an answer of the query counts: it is kept, and was not to a gold question."""
    return is_kept() & ~col(Answer.is_gold)


def is_kept() -> ColumnElement[bool]:
    """Returns the condition that an answer of the query was neither taken back nor dismissed."""
    newest = select(col(Dismissal.through_id)).where(Dismissal.rater_id == Answer.rater_id)
    through = newest.order_by(col(Dismissal.id).desc()).limit(1).correlate(Answer).scalar_subquery()
    return ~is_taken_back() & (col(Answer.id) > func.coalesce(through, 0))


def is_taken_back() -> ColumnElement[bool]:
    """Returns the condition that an answer of the query was taken back."""
    return exists().where(col(Retraction.answer_id) == col(Answer.id)).correlate(Answer)


def standing_answers() -> Select[Answer, Rater, Claim, Quantity]:
    """Returns the query for the answers that count, oldest first, with who gave them and the claim or quantity, the
    other of which is None, that they are about.
    """
    return (
        select(Answer, Rater, Claim, Quantity)
        .join(Rater, col(Rater.id) == col(Answer.rater_id))
        .outerjoin(Claim, col(Claim.id) == col(Answer.claim_id))
        .outerjoin(Quantity, col(Quantity.id) == col(Answer.quantity_id))
        .where(is_standing())
        .order_by(col(Answer.id))
    )


def answers_by_claim(
    session: Session, claim_ids: Collection[int] | None = None, *, with_gold: bool = False
) -> dict[int, list[Said]]:
    """Returns what raters stated about each claim's id, oldest first ("can't say" states nothing).

    Args:
        session: of the store.
        claim_ids: of the claims wanted; all by default.
        with_gold: with the answers to gold questions, which don't count for the claim.
    """
    found: dict[int, list[Said]] = defaultdict(list)
    said = columns(Answer, "claim_id", "rater_id", "prob", order=("id",))
    said = said.where(column(Answer, "prob").is_not(None), is_kept() if with_gold else is_standing())
    rows: Iterable[Any] = (
        session.execute(said)
        if claim_ids is None
        else rows_among(session, said, column(Answer, "claim_id"), sorted(claim_ids))
    )
    for claim_id, rater_id, prob in rows:
        found[claim_id].append(Said(rater_id, prob))
    return dict(found)


def gold_answers(session: Session) -> Sequence[Any]:
    """Returns (claim_id, rater_id, prob, answered_at) of the kept answers to gold questions that state a prob."""
    tried = columns(Answer, "claim_id", "rater_id", "prob", "answered_at")
    return session.execute(tried.where(col(Answer.is_gold), column(Answer, "prob").is_not(None), is_kept())).all()


def overrides(session: Session, claim_ids: Collection[int] | None = None) -> dict[int, Override]:
    """Returns the override that counts of each claim's id that has one.

    Args:
        session: of the store.
        claim_ids: of the claims wanted; all by default.
    """
    later = aliased(Override)
    is_older = exists().where(col(later.claim_id) == col(Override.claim_id), col(later.id) > col(Override.id))
    query = select(Override).where(col(Override.prob).is_not(None), ~is_older)
    if claim_ids is None:
        return {row.claim_id: row for row in session.exec(query)}
    return {row.claim_id: row for (row,) in rows_among(session, query, column(Override, "claim_id"), sorted(claim_ids))}


def override_of(session: Session, claim_id: int | None) -> Override | None:
    """Returns the override that counts of one claim, None if none does."""
    query = select(Override).where(Override.claim_id == claim_id).order_by(col(Override.id).desc()).limit(1)
    newest = session.exec(query).first()
    return newest if newest is not None and newest.prob is not None else None


def override_likelihood(prob: float) -> tuple[float, float]:
    """Returns (P(override | claim false), P(override | claim true)) of one that sets the label to `prob`."""
    return answer_likelihood(prob, ADMINISTRATOR)


def said_likelihood(said: Iterable[Said], known: Mapping[int, RaterReliability]) -> tuple[float, float]:
    """Returns (P(answers | claim false), P(answers | claim true)) of answers to one claim.

    Args:
        said: the answers.
        known: of how reliable their raters are, by id.
    """
    return product_likelihood((one.prob, known[one.rater_id].mean) for one in said)


def label_likelihoods(session: Session, claim_ids: Collection[int] | None = None) -> dict[int, tuple[float, float]]:
    """Returns (P(label | false), P(label | true)) of each claim's id that people have said something of.

    Args:
        session: of the store.
        claim_ids: of the claims wanted; all by default.
    """
    said = answers_by_claim(session, claim_ids)
    raters = None if claim_ids is None else {one.rater_id for of_claim in said.values() for one in of_claim}
    known = reliabilities(session, raters)
    likelihoods = {claim_id: said_likelihood(of_claim, known) for claim_id, of_claim in said.items()}
    for claim_id, override in overrides(session, claim_ids).items():
        if override.prob is not None:
            likelihoods[claim_id] = override_likelihood(override.prob)
    return likelihoods


def label_of(session: Session, claim_id: int) -> float | None:
    """Returns what a claim's answers, or its override, are taken to mean: P(claim); None where nobody said anything."""
    likelihoods = label_likelihoods(session, [claim_id])
    return label_prob(*likelihoods[claim_id]) if likelihoods else None


def labels(session: Session) -> dict[str, float]:
    """Returns what each claim's answers, or its override, are taken to mean: P(claim) by its key, claims in order."""
    likelihoods = label_likelihoods(session)
    keys = session.exec(select(Claim.id, Claim.key).order_by(col(Claim.id)))
    return {key: label_prob(*likelihoods[one]) for one, key in keys if one is not None and one in likelihoods}
