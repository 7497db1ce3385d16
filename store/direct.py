"""A model's direct beliefs in argued claims, as evidence beside their arguments: what is frozen, and how far it counts.

When a claim gets its first arguments, what the model believed of it and what these arguments say are written down
together, once: what is learnt later, from answers or by another generation, enters neither. The likelihood ratio is
(odds(belief) / odds(marginal)) ** weight (docs/design.md, "Beliefs enter once"); the weight is one for the whole store,
START_WEIGHT until settled claims prove another (`argtree.coherence.fit_weight`). It is nobody's answer: no claim counts
as answered, is labelled or exported for it.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, insert
from sqlmodel import Field, Session, SQLModel, col, select

from argtree.coherence import START_WEIGHT, likelihood
from store.columns import column, columns, rows_among
from store.shown import told_beliefs
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
    """How far direct beliefs count beside arguments; the newest row holds, without any START_WEIGHT. Append-only."""

    __tablename__ = "direct_weight"
    __table_args__: Any = (CheckConstraint("weight BETWEEN 0 AND 1", name="weight_is_a_probability"),)

    id: int | None = Field(default=None, primary_key=True)
    weight: float  # the exponent of the likelihood ratio
    num_claims: int  # settled argued claims that it was fitted to
    fitted_at: datetime = Field(sa_type=UtcDateTime)


def freeze(session: Session, marginals: Mapping[int, float], now: datetime) -> None:
    """Writes down what is held of claims that have just got their first arguments; not of those no model believed.

    Nor of those whose belief was formed with settled claims shown: it knows of answers, and the arguments may too.

    Args:
        session: of the store.
        marginals: P(claim) from those arguments, without any answer, in [0, 1], by the claim's id.
        now: the time.
    """
    ids = sorted(marginals)
    held = columns(Belief, "claim_id", "id", "mean", order=("id",)).where(column(Belief, "kind") == "direct")
    first: dict[int, tuple[int, float]] = {}
    for claim_id, belief_id, mean in rows_among(session, held, column(Belief, "claim_id"), ids):
        first.setdefault(claim_id, (belief_id, mean))
    told = told_beliefs(session, ids)
    of = column(DirectEvidence, "claim_id")
    there = {one for (one,) in rows_among(session, columns(DirectEvidence, "claim_id"), of, ids)}
    rows = [
        {"claim_id": one, "belief": first[one][1], "marginal": marginals[one], "frozen_at": now}
        for one in ids
        if one in first and one not in there and first[one][0] not in told
    ]
    if rows:
        session.connection().execute(insert(DirectEvidence.__table__), rows)  # type: ignore[attr-defined]


def frozen(session: Session) -> dict[str, DirectEvidence]:
    """Returns what is frozen, by the claim's key, claims in order."""
    query = select(Claim.key, DirectEvidence).where(DirectEvidence.claim_id == Claim.id).order_by(col(Claim.id))
    return dict(session.exec(query).all())


def direct_weight(session: Session) -> float:
    """Returns how far direct beliefs count, in [0, 1]."""
    newest = session.exec(select(DirectWeight).order_by(col(DirectWeight.id).desc()).limit(1)).first()
    return START_WEIGHT if newest is None else newest.weight


def set_direct_weight(session: Session, weight: float, num_claims: int, now: datetime) -> bool:
    """Makes direct beliefs count so far from now on; False, and nothing is written, where they do already."""
    if weight == direct_weight(session):
        return False
    session.add(DirectWeight(weight=weight, num_claims=num_claims, fitted_at=now))
    session.flush()
    return True


def direct_likelihoods(session: Session) -> dict[int, tuple[float, float]]:
    """Returns the likelihoods that direct beliefs give, by the claim's id; none while they don't count."""
    weight = direct_weight(session)
    if not weight:
        return {}
    frozen_rows = session.execute(columns(DirectEvidence, "claim_id", "belief", "marginal"))
    return {claim_id: likelihood(belief, marginal, weight) for claim_id, belief, marginal in frozen_rows}
