"""Which questions are held: flagged, so that nobody is asked until a reviewer has decided. `store.places` keeps to it.

Not here: flagging and deciding (`store.flags`).
"""

from collections.abc import Collection

from sqlmodel import Session, col, select

from store.answers import is_kept
from store.columns import column, rows_among
from store.tables import Answer, Flag, Resolution

MANY = 2
"""So many raters' flags, of whatever kind, hold a question; of the kind "harmful" one does."""


def resolutions(session: Session, question_ids: Collection[int]) -> dict[int, Resolution]:
    """Returns what was last decided about questions' flags, by the id of each about which something was."""
    query = select(Resolution).order_by(col(Resolution.id))
    rows = rows_among(session, query, column(Resolution, "question_id"), sorted(question_ids))
    return {row.question_id: row for (row,) in rows}  # the last one of each stays


def undecided_flags(session: Session, question_id: int, decided: Resolution | None) -> list[Flag]:
    """Returns the flags of a question that stand and came after what was last decided about it, oldest first."""
    query = select(Flag).join(Answer, col(Answer.id) == col(Flag.answer_id)).where(is_kept())
    query = query.where(Flag.question_id == question_id, col(Flag.id) > (decided.last_flag_id if decided else 0))
    return list(session.exec(query.order_by(col(Flag.id))))


def must_be_held(session: Session, question_id: int) -> bool:
    """Says whether a locked question's flags, or a reviewer who kept it out of the queue, have it held."""
    decided = resolutions(session, [question_id]).get(question_id)
    if decided is not None and not decided.back_to_queue:
        return True
    flags = undecided_flags(session, question_id, decided)
    return any(one.kind == "harmful" for one in flags) or len({one.rater_id for one in flags}) >= MANY
