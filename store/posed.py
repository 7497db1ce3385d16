"""Questions that people pose, waiting for a daemon to make roots of them: whoever poses needs no model.

Every function flushes; the caller's scope commits.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import CheckConstraint
from sqlmodel import Field, Session, SQLModel, col, select

from store.claims import known
from store.errors import StoreError
from store.tables import Claim, Root, UtcDateTime
from store.texts import is_storable

MAX_LENGTH = 2000  # characters, as many as a model takes
MAX_WAITING = 200  # at once: more would only hide what a daemon can take on
Stage = Literal["waiting", "explored", "refused"]


class PosedQuestion(SQLModel, table=True):
    """What somebody would like to know, and what became of it."""

    __tablename__ = "posed_question"
    __table_args__: Any = (
        CheckConstraint(
            "(taken_at IS NULL AND root_id IS NULL AND refusal IS NULL) "
            "OR (taken_at IS NOT NULL AND (root_id IS NULL) <> (refusal IS NULL))",
            name="is_waiting_or_settled",
        ),
    )

    id: int | None = Field(default=None, primary_key=True)
    text: str
    asked_by: str
    posed_at: datetime = Field(sa_type=UtcDateTime)
    taken_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    root_id: int | None = Field(default=None, foreign_key="root.id", index=True)
    refusal: str | None = None  # a sentence


@dataclass(frozen=True)
class Posed:
    """A posed question as it stands."""

    id: int
    text: str
    asked_by: str
    posed_at: datetime
    root: str | None = None  # key of the root's claim, once it is one
    refusal: str | None = None

    @property
    def stage(self) -> Stage:
        """Whether it waits for a daemon, is a root that one explores, or was refused."""
        return "explored" if self.root is not None else "refused" if self.refusal is not None else "waiting"


def pose(session: Session, text: str, asked_by: str, now: datetime) -> Posed:
    """Returns the posed question, which waits from now on; the one that is there, if the same words wait already.

    Raises:
        StoreError: it is empty, too long or no whole text, or too many wait already.
    """
    words = " ".join(text.split())
    if not words:
        raise StoreError("The question is empty: write what you would like to know.")
    if len(words) > MAX_LENGTH:
        raise StoreError(f"The question has {len(words):,} characters: make it at most {MAX_LENGTH:,}.")
    if not is_storable(words + asked_by):
        raise StoreError("The question holds half a character, which no database keeps: type it again.")
    waiting = list(session.exec(select(PosedQuestion).where(col(PosedQuestion.taken_at).is_(None))))
    for row in waiting:
        if row.text == words:
            return _posed(row, None)
    if len(waiting) >= MAX_WAITING:
        raise StoreError(f"{len(waiting)} questions wait already: start `argtree daemon`, which takes them on.")
    new = PosedQuestion(text=words, asked_by=asked_by, posed_at=now)
    session.add(new)
    session.flush()
    return _posed(new, None)


def next_posed(session: Session, taken: Collection[str] = ()) -> Posed | None:
    """Returns the question that has waited longest, None where none waits.

    Args:
        taken: numbers of questions, as text, to pass over: others are at them.
    """
    waiting = select(PosedQuestion).where(col(PosedQuestion.taken_at).is_(None)).order_by(col(PosedQuestion.id))
    row = next((row for row in session.exec(waiting) if str(row.id) not in taken), None)
    return None if row is None else _posed(row, None)


def still_waiting(session: Session, numbers: Collection[str]) -> set[str]:
    """Returns those of these questions, by their numbers as text, of which nothing has become yet."""
    waiting = select(PosedQuestion.id).where(col(PosedQuestion.taken_at).is_(None))
    return {str(one) for one in session.exec(waiting)} & set(numbers)


def settle_posed(
    session: Session, posed_id: int, now: datetime, *, root: str | None = None, refusal: str | None = None
) -> None:
    """Notes what became of a question: the key of its root's claim, or the sentence that refuses it; just one of them.

    Raises:
        StoreError: there is no such root.
        ValueError: both are given, or neither is.
    """
    if (root is None) == (refusal is None):
        raise ValueError(f"Give either root or refusal, got {root!r} and {refusal!r}.")
    row = session.exec(select(PosedQuestion).where(PosedQuestion.id == posed_id)).one()
    if root is not None:
        found = session.exec(select(Root.id).join(Claim, col(Claim.id) == Root.claim_id).where(Claim.key == root))
        if (root_id := found.first()) is None:
            raise StoreError(f"The claim {root!r} is not a root.")
        row.root_id = root_id
    row.taken_at, row.refusal = now, refusal
    session.add(row)
    session.flush()


def list_posed(session: Session, limit: int = 50) -> list[Posed]:
    """Returns the posed questions, newest first."""
    query = (
        select(PosedQuestion, Claim.key)
        .outerjoin(Root, col(Root.id) == col(PosedQuestion.root_id))
        .outerjoin(Claim, col(Claim.id) == col(Root.claim_id))
        .order_by(col(PosedQuestion.id).desc())
        .limit(limit)
        .execution_options(populate_existing=True)
    )
    return [_posed(row, key) for row, key in session.exec(query)]


def _posed(row: PosedQuestion, root: str | None) -> Posed:
    return Posed(known(row.id), row.text, row.asked_by, row.posed_at, root, row.refusal)
