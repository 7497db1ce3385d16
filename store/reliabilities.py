"""How far raters are believed: what was learnt of each (`store.trust` learns it), else what is assumed of them.

For whom whoever runs the desk vouches, reviewers and administrators among them, `VOUCHED` is assumed: an owner who
answers alone settles labels. Of everybody else `STRANGER`, so that their answers move little until they have proved
good. An override (`store.corrections`) is an administrator's word and no rater's answer.
"""

from collections.abc import Collection

from sqlmodel import Session, col, select

from argtree.reliability import STRANGER, VOUCHED, Beta, RaterReliability
from store.tables import Rater, Trust


def is_vouched(rater: Rater) -> bool:
    """Says whether whoever runs the desk vouches for a rater: they are believed from the first, and not checked."""
    return rater.vouched or rater.role != "rater"


def assumed(rater: Rater) -> RaterReliability:
    """Returns what is assumed of a rater before any of their answers was held against anything."""
    return VOUCHED if is_vouched(rater) else STRANGER


def reliabilities(session: Session, rater_ids: Collection[int] | None = None) -> dict[int, RaterReliability]:
    """Returns what is known of how reliable raters are, by id.

    Args:
        session: of the store.
        rater_ids: of the raters wanted; all by default.
    """
    query = select(Rater, Trust).outerjoin(Trust, col(Trust.rater_id) == col(Rater.id))
    if rater_ids is not None:
        query = query.where(col(Rater.id).in_(sorted(rater_ids)))
    return {
        rater.id: assumed(rater) if trust is None else _learnt(trust)
        for rater, trust in session.exec(query)
        if rater.id is not None
    }


def reliability_of(session: Session, rater_id: int) -> RaterReliability:
    """Returns what is known of how reliable one rater is."""
    return reliabilities(session, [rater_id])[rater_id]


def learnt(session: Session) -> dict[int, RaterReliability]:
    """Returns what answers have shown of raters, by id; nothing of those of whom nothing was learnt yet."""
    return {trust.rater_id: _learnt(trust) for trust in session.exec(select(Trust))}


def _learnt(trust: Trust) -> RaterReliability:
    return RaterReliability(
        Beta(trust.sensitivity_hits, trust.sensitivity_misses),
        Beta(trust.specificity_hits, trust.specificity_misses),
    )
