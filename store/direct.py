"""A model's direct beliefs in argued claims, as evidence beside their arguments: what is frozen, and how far it counts.

When a claim gets its first arguments, what the model believed of it and what these arguments say are written down
together, once: what is learnt later, from answers or by another generation, enters neither. The likelihood ratio is
(odds(belief) / odds(marginal)) ** weight (docs/design.md, "Beliefs enter once"); the weight is one for the whole store,
0 until settled claims have shown it to be more (`argtree.coherence.fit_weight`). It is nobody's answer: no claim counts
as answered, is labelled or exported for it.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint
from sqlmodel import Field, Session, SQLModel, col, select

from argtree.coherence import likelihood
from store.claims import known
from store.shown import was_told
from store.tables import Belief, Claim, UtcDateTime


class DirectEvidence(SQLModel, table=True):
    """A direct belief in an argued claim beside what its arguments said then."""

    __tablename__ = "direct_evidence"
    __table_args__: Any = (
        CheckConstraint("belief BETWEEN 0 AND 1", name="belief_is_a_probability"),
        CheckConstraint("marginal BETWEEN 0 AND 1", name="marginal_is_a_probability"),
    )

    claim_id: int = Field(foreign_key="claim.id", primary_key=True)
    belief: float  # of the model in the claim itself, before anything was argued
    marginal: float  # P(claim) from its first arguments, without any answer
    frozen_at: datetime = Field(sa_type=UtcDateTime)


class DirectWeight(SQLModel, table=True):
    """How far direct beliefs count beside arguments; the newest row holds, without any it is 0. Append-only."""

    __tablename__ = "direct_weight"
    __table_args__: Any = (CheckConstraint("weight BETWEEN 0 AND 1", name="weight_is_a_probability"),)

    id: int | None = Field(default=None, primary_key=True)
    weight: float  # the exponent of the likelihood ratio
    num_claims: int  # settled argued claims that it was fitted to
    fitted_at: datetime = Field(sa_type=UtcDateTime)


def freeze(session: Session, claim: Claim, marginal: float, now: datetime) -> DirectEvidence | None:
    """Returns what is written down of a claim that has just got its first arguments; None if no model believed it.

    Nothing is of a belief that was formed with settled claims shown: it knows of answers, and the arguments may too.

    Args:
        marginal: P(claim) from those arguments, without any answer, in [0, 1].
    """
    first = select(Belief).where(Belief.claim_id == claim.id, Belief.kind == "direct").order_by(col(Belief.id)).limit(1)
    belief = session.exec(first).first()
    if belief is None or session.get(DirectEvidence, known(claim.id)) is not None or was_told(session, belief):
        return None
    row = DirectEvidence(claim_id=known(claim.id), belief=belief.mean, marginal=marginal, frozen_at=now)
    session.add(row)
    session.flush()
    return row


def frozen(session: Session) -> dict[str, DirectEvidence]:
    """Returns what is frozen, by the claim's key, claims in order."""
    query = select(Claim.key, DirectEvidence).where(DirectEvidence.claim_id == Claim.id).order_by(col(Claim.id))
    return dict(session.exec(query).all())


def direct_weight(session: Session) -> float:
    """Returns how far direct beliefs count, in [0, 1]."""
    newest = session.exec(select(DirectWeight).order_by(col(DirectWeight.id).desc()).limit(1)).first()
    return 0.0 if newest is None else newest.weight


def set_direct_weight(session: Session, weight: float, num_claims: int, now: datetime) -> None:
    """Makes direct beliefs count so far from now on; nothing is written where they do already."""
    if weight != direct_weight(session):
        session.add(DirectWeight(weight=weight, num_claims=num_claims, fitted_at=now))
        session.flush()


def direct_likelihoods(session: Session) -> dict[int, tuple[float, float]]:
    """Returns the likelihoods that direct beliefs give, by the claim's id; none while they don't count."""
    weight = direct_weight(session)
    if not weight:
        return {}
    return {row.claim_id: likelihood(row.belief, row.marginal, weight) for row in session.exec(select(DirectEvidence))}
