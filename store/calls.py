"""Calls of language models: each with its prompt, parameters, reply, tokens and time; and what a question cost.

Not here: making them, and replaying them (`models.recording`). Every function flushes; the caller's scope commits.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy
from sqlalchemy import CheckConstraint, func
from sqlmodel import Field, Session, SQLModel, col, select

from store.columns import columns
from store.graphs import claims_under
from store.tables import Claim, Root, UtcDateTime
from store.texts import text_hash


class ModelCall(SQLModel, table=True):
    """One prompt sent to a language model, and what came back. JSON, because text from a model may hold anything."""

    __tablename__ = "model_call"
    __table_args__: Any = (CheckConstraint("kind IN ('complete', 'log_probs')", name="kind_is_known"),)

    id: int | None = Field(default=None, primary_key=True)
    model: str
    is_general: bool  # whether the model answers any prompt
    kind: str  # "complete" | "log_probs"
    prompt: str  # JSON: text
    parameters: str  # JSON: an object
    reply: str  # JSON: text, or natural log-probabilities
    prompt_tokens: int  # 0: the backend didn't say
    reply_tokens: int
    draws: int | None = None  # replies drawn, where the log-probabilities are frequencies
    seconds: float  # its share of the time that its batch took
    subject_hash: str | None = Field(default=None, index=True)  # store.texts.text_hash of what was asked about
    called_at: datetime = Field(sa_type=UtcDateTime)


@dataclass(frozen=True)
class Spent:
    """What some calls cost."""

    calls: int = 0
    prompt_tokens: int = 0  # those that a cache held included
    reply_tokens: int = 0
    seconds: float = 0.0  # of the model's time

    def __add__(self, other: "Spent") -> "Spent":
        return Spent(
            self.calls + other.calls,
            self.prompt_tokens + other.prompt_tokens,
            self.reply_tokens + other.reply_tokens,
            self.seconds + other.seconds,
        )


@dataclass(frozen=True)
class RootSpent:
    """What exploring one question cost; calls about a claim that several questions rest on are in each of them."""

    claim: str  # key of the root's claim
    question: str
    spent: Spent


def record_calls(session: Session, calls: Sequence[ModelCall]) -> None:
    """Keeps calls as they were made."""
    session.add_all(calls)
    session.flush()


def list_calls(session: Session) -> Iterator[ModelCall]:
    """Gives all calls, oldest first, a few at a time."""
    yield from session.exec(select(ModelCall).order_by(col(ModelCall.id)).execution_options(yield_per=1000))


def spent_in_all(session: Session) -> Spent:
    """Returns what all calls together cost."""
    return _spent(session.execute(sqlalchemy.select(*_SUMS)).one())


def spent_on_roots(session: Session, root_keys: Sequence[str] | None = None) -> list[RootSpent]:
    """Returns what was spent on wording each question, and on the claims under it; oldest question first.

    Args:
        root_keys: the keys of the roots' claims; None for all.
    """
    subject = col(ModelCall.subject_hash)
    sums = sqlalchemy.select(subject, *_SUMS).where(subject.is_not(None)).group_by(subject)
    by_subject = {row[0]: _spent(row[1:]) for row in session.execute(sums)}
    hashes = {row.id: row.text_hash for row in session.execute(columns(Claim, "id", "text_hash"))}
    rows = session.exec(select(Root, Claim.key).join(Claim, col(Claim.id) == col(Root.claim_id)).order_by(col(Root.id)))
    chosen = [(root, key) for root, key in rows if root_keys is None or key in root_keys]
    under = claims_under(session, [root.claim_id for root, _ in chosen])
    found = []
    for root, key in chosen:
        subjects = {hashes[claim] for claim in under[root.claim_id]} | {text_hash(root.question)}
        found.append(RootSpent(key, root.question, sum((by_subject.get(one, Spent()) for one in subjects), Spent())))
    return found


_SUMS = (
    func.count(col(ModelCall.id)),
    func.coalesce(func.sum(ModelCall.prompt_tokens), 0),
    func.coalesce(func.sum(ModelCall.reply_tokens), 0),
    func.coalesce(func.sum(ModelCall.seconds), 0.0),
)


def _spent(sums: Any) -> Spent:
    calls, prompt_tokens, reply_tokens, seconds = sums
    return Spent(int(calls), int(prompt_tokens), int(reply_tokens), float(seconds))
