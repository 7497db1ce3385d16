"""What raters typed and have not handed in, or handed in too late: kept until they hand it in. Functions commit."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, col, select

from store.claims import known
from store.tables import Draft, Rater
from store.texts import storable


@dataclass(frozen=True)
class Typed:
    """What stands in the form; nothing of it need make sense yet."""

    kind: str | None = None  # of an answer; None: not chosen yet
    prob: float | None = None
    number: tuple[float, float] | None = None  # in the quantity's unit, and the standard deviation of its error
    note: str = ""
    source: str = ""


def save_draft(session: Session, rater: Rater, question_id: int, typed: Typed, now: datetime) -> None:
    """Keeps what the rater typed about a question, in place of what they typed before. Commits."""
    keep(session, known(rater.id), question_id, typed, now)
    session.commit()


def keep(session: Session, rater_id: int, question_id: int, typed: Typed, now: datetime) -> None:
    """Does as `save_draft` and leaves the commit to the caller."""
    number, sd = typed.number or (None, None)
    of: dict[str, Any] = {"rater_id": rater_id, "question_id": question_id}
    said: dict[str, Any] = {
        "kind": typed.kind,
        "prob": typed.prob,
        "number": number,
        "sd": sd,
        "note": storable(typed.note),
        "source": storable(typed.source),
    }
    said["saved_at"] = now
    # One statement, as two windows may save at once.
    insert: Any = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
    session.execute(insert(Draft).values(**of, **said).on_conflict_do_update(index_elements=list(of), set_=said))


def load_draft(session: Session, rater: Rater, question_id: int) -> Typed | None:
    """Returns what the rater typed about a question and has not handed in; None if nothing."""
    drafts = select(Draft).where(Draft.rater_id == rater.id, Draft.question_id == question_id)
    draft = session.exec(drafts.execution_options(populate_existing=True)).first()
    return None if draft is None else _typed(draft)


def list_drafts(session: Session, rater: Rater) -> list[tuple[int, Typed]]:
    """Returns the questions' ids about which the rater has typed something, with what, the newest first."""
    drafts = select(Draft).where(Draft.rater_id == rater.id).execution_options(populate_existing=True)
    ordered = drafts.order_by(col(Draft.saved_at).desc(), col(Draft.question_id))
    return [(draft.question_id, _typed(draft)) for draft in session.exec(ordered)]


def drop_draft(session: Session, rater_id: int, question_id: int) -> None:
    """Forgets a draft, if there is one; the caller commits."""
    session.exec(delete(Draft).where(col(Draft.rater_id) == rater_id, col(Draft.question_id) == question_id))


def _typed(draft: Draft) -> Typed:
    number = None if draft.number is None or draft.sd is None else (draft.number, draft.sd)
    return Typed(draft.kind, draft.prob, number, draft.note, draft.source)
