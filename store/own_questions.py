"""Roots that a model asked of itself, and how many of them there may be.

They count for less than people's. At most MOST_OWN are taken in until people have given ANSWERS_WAITED more answers:
nothing is learnt from a question that nobody comes to. Every function flushes; the caller's scope commits.
"""

from datetime import datetime

from sqlmodel import Session, col, func, select

from store.answers import is_standing
from store.claims import add_root
from store.locks import Turn, take_turn
from store.tables import Answer, Claim, Root

OWN_WEIGHT = 0.25  # of a root: in the queue and in exploring, people's questions come first
MOST_OWN = 8  # roots posed since the answer that was given ANSWERS_WAITED answers ago
ANSWERS_WAITED = 20  # that say something, and stand


def own_roots(session: Session) -> dict[str, str]:
    """Returns the generation that posed each root that a model posed itself, by the key of its claim, oldest first."""
    pairs = select(Claim.key, Root.posed_by).join(Claim, col(Claim.id) == col(Root.claim_id))
    rows = session.exec(pairs.where(col(Root.posed_by).is_not(None)).order_by(col(Root.id)))
    return {key: generation for key, generation in rows if generation is not None}


def room_for_own(session: Session) -> int:
    """Returns how many more roots a model may pose now, in [0, MOST_OWN]."""
    said = select(Answer.answered_at).where(is_standing(), col(Answer.kind) != "cannot_say")
    since = session.exec(said.order_by(col(Answer.id).desc()).offset(ANSWERS_WAITED - 1).limit(1)).first()
    posed = select(func.count()).select_from(Root).where(col(Root.posed_by).is_not(None))
    if since is not None:
        posed = posed.where(col(Root.created_at) > since)
    return max(0, MOST_OWN - session.exec(posed).one())


def take_room(session: Session) -> int:
    """Returns what `room_for_own` does, and keeps others from filling that room before this transaction ends."""
    take_turn(session, Turn.GROW)
    return room_for_own(session)


def add_own_root(session: Session, question: str, claim: Claim, generation: str, now: datetime) -> Root:
    """Returns the root of a question that a model poses itself; that of people stays theirs. See `take_room` first.

    Args:
        generation: the model's.
    """
    return add_root(session, question, claim, now, OWN_WEIGHT, posed_by=generation)
