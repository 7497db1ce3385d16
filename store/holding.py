"""Which questions are held: flagged, so that nobody is asked until a reviewer has decided. `store.places` keeps to it.

Not here: flagging and deciding (`store.flags`).
"""

from sqlmodel import Session, col, select

from store.answers import is_kept
from store.tables import Answer, Flag, Resolution

MANY = 2
"""So many raters' flags, of whatever kind, hold a question; of the kind "harmful" one does."""


def resolution_of(session: Session, question_id: int) -> Resolution | None:
    """Returns what was last decided about a question's flags, None if nothing was."""
    query = select(Resolution).where(Resolution.question_id == question_id).order_by(col(Resolution.id).desc())
    return session.exec(query.limit(1)).first()


def undecided_flags(session: Session, question_id: int, decided: Resolution | None) -> list[Flag]:
    """Returns the flags of a question that stand and came after what was last decided about it, oldest first."""
    query = select(Flag).join(Answer, col(Answer.id) == col(Flag.answer_id)).where(is_kept())
    query = query.where(Flag.question_id == question_id, col(Flag.id) > (decided.last_flag_id if decided else 0))
    return list(session.exec(query.order_by(col(Flag.id))))


def must_be_held(session: Session, question_id: int) -> bool:
    """Says whether a locked question's flags, or a reviewer who kept it out of the queue, have it held."""
    decided = resolution_of(session, question_id)
    if decided is not None and not decided.back_to_queue:
        return True
    flags = undecided_flags(session, question_id, decided)
    return any(one.kind == "harmful" for one in flags) or len({one.rater_id for one in flags}) >= MANY
