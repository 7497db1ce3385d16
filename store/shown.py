"""What was put before a model when it was asked about a claim: settled claims, and passages of documents.

It is kept with the belief that came of it, or, where arguments were asked for, with the claim. A settled claim that
bears on another by arguments counts there already: the graph has its answers. It would count twice in a belief that was
formed with it, so it must not be shown then (`bound`); a belief that it has come to bear on since, or of which it was
told what holds no longer, is `misled`. Not here: which facts are near (`argtree.facts`).
"""

import hashlib
import json
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import CheckConstraint, Index, exists
from sqlmodel import Field, Session, SQLModel, col, func, select

from argtree.evidence import is_settled, label_prob
from store.answers import label_likelihoods
from store.claims import find_claim, known
from store.columns import column, columns, rows_among
from store.tables import (
    Answer,
    Argument,
    Belief,
    Claim,
    Dismissal,
    Evidence,
    Fit,
    Override,
    Premise,
    Retraction,
    UtcDateTime,
)
from store.texts import storable


class Quote(SQLModel, table=True):
    """A passage of a document as it was when it was shown. Never changed."""

    id: int | None = Field(default=None, primary_key=True)
    file: str  # its path in the folder
    line: int  # where it began, from 1
    text: str
    quote_hash: str = Field(unique=True)  # of all three


class Shown(SQLModel, table=True):
    """That one fact was put before a model. Append-only."""

    __table_args__: Any = (
        CheckConstraint("(settled_id IS NULL) <> (quote_id IS NULL)", name="shows_one_thing"),
        CheckConstraint("(settled_id IS NULL) = (is_true IS NULL)", name="what_is_settled_is_so_or_not"),
        Index("ix_shown_claim_id", "claim_id", "id"),
    )

    id: int | None = Field(default=None, primary_key=True)
    claim_id: int = Field(foreign_key="claim.id")  # that the model was asked about
    belief_id: int | None = Field(default=None, foreign_key="belief.id", index=True)  # None: it was asked for arguments
    settled_id: int | None = Field(default=None, foreign_key="claim.id", index=True)
    is_true: bool | None = None  # of the settled claim, as it was settled then
    quote_id: int | None = Field(default=None, foreign_key="quote.id")
    generation: str  # the model
    shown_at: datetime = Field(sa_type=UtcDateTime)


class ShownFact(NamedTuple):
    """A fact that was shown, as it is shown to people."""

    belief_id: int | None  # None: arguments were asked for
    generation: str
    at: datetime
    text: str
    claim: str | None  # key of the settled claim; None: a passage
    is_true: bool | None  # of that claim, as it was settled then
    file: str  # of the passage
    line: int


class SettledClaim(NamedTuple):
    """A claim whose label is beyond doubt."""

    id: int
    text: str
    is_true: bool


def note_shown(
    session: Session,
    claim_id: int,
    belief_id: int | None,
    settled: Iterable[tuple[str, bool]],
    quotes: Iterable[tuple[str, int, str]],
    generation: str,
    now: datetime,
) -> None:
    """Writes down what was put before a model; a settled claim that is gone by now is left out.

    Args:
        session: of the store.
        claim_id: of the claim that it was asked about.
        belief_id: of what came of it; None where arguments were asked for.
        settled: texts of settled claims, and whether they are true.
        quotes: file, line and text of passages.
        generation: the model.
        now: the time.
    """
    for text, is_true in settled:
        fact = find_claim(session, text)
        if fact is not None:
            session.add(
                Shown(
                    claim_id=claim_id,
                    belief_id=belief_id,
                    settled_id=known(fact.id),
                    is_true=is_true,
                    generation=generation,
                    shown_at=now,
                )
            )
    for file, line, text in quotes:
        quote_id = _quote_id(session, storable(file), line, storable(text))
        session.add(
            Shown(claim_id=claim_id, belief_id=belief_id, quote_id=quote_id, generation=generation, shown_at=now)
        )
    session.flush()


def shown_about(session: Session, claim: Claim) -> list[ShownFact]:
    """Returns what was shown when a model was asked about a claim, oldest first."""
    query = select(Shown, Claim, Quote).outerjoin(Claim, col(Claim.id) == col(Shown.settled_id))
    query = query.outerjoin(Quote, col(Quote.id) == col(Shown.quote_id)).where(Shown.claim_id == claim.id)
    found = []
    for row, fact, quote in session.exec(query.order_by(col(Shown.id))):
        text, file, line = (fact.text, "", 0) if quote is None else (quote.text, quote.file, quote.line)
        key = None if fact is None else fact.key
        found.append(ShownFact(row.belief_id, row.generation, row.shown_at, text, key, row.is_true, file, line))
    return found


def told_beliefs(session: Session, claim_ids: Sequence[int]) -> set[int]:
    """Returns the ids of the beliefs in these claims, by id, that were formed with a settled claim shown."""
    told = columns(Shown, "belief_id").where(column(Shown, "settled_id").is_not(None))
    return {one for (one,) in rows_among(session, told, column(Shown, "claim_id"), claim_ids) if one is not None}


def newest_beliefs(session: Session, claim_ids: Sequence[int]) -> dict[int, int]:
    """Returns the id of the newest direct belief in each of these claims that somebody believes, by the claim's id."""
    held = columns(Belief, "claim_id", "id", order=("id",)).where(column(Belief, "kind") == "direct")
    return dict(sorted(tuple(row) for row in rows_among(session, held, column(Belief, "claim_id"), claim_ids)))


def settled_mark(session: Session) -> tuple[int, ...]:
    """Returns figures that change when something comes in, or is taken back, by which claims are settled."""
    tables = (Answer, Retraction, Override, Dismissal, Fit)
    return tuple(session.exec(select(func.max(table.id))).one() or 0 for table in tables)


def settled_claims(session: Session) -> list[SettledClaim]:
    """Returns the claims that people have settled, in the order of their ids."""
    probs = {one: label_prob(*pair) for one, pair in label_likelihoods(session).items()}
    ids = sorted(one for one, prob in probs.items() if is_settled(prob))
    rows = rows_among(session, columns(Claim, "id", "text"), column(Claim, "id"), ids)
    return [SettledClaim(one, text, probs[one] > 0.5) for one, text in sorted(rows)]


def bound(session: Session, claim: Claim | None, conclusions: Collection[str] = ()) -> set[int]:
    """Returns the ids of a claim, of what rests on it and of what it rests on: what bears on it by arguments.

    Args:
        session: of the store.
        claim: None where it is not there yet.
        conclusions: keys of claims that it is to be a premise of.
    """
    own = [] if claim is None else [known(claim.id)]
    over = session.exec(select(Claim.id).where(col(Claim.key).in_(conclusions))).all()
    return {*_reached(session, [*own, *map(known, over)], upwards=True), *_reached(session, own, upwards=False)}


def misled(session: Session) -> list[str]:
    """Returns the keys of claims that are believed on the ground of a settled claim that must not count there.

    It is settled otherwise by now, or no more, or has come to bear on the claim by arguments. Left out are claims that
    people spoke of, since a model may have been trained on what they said, and argued ones, where another prior counts.
    """
    argued = exists().where(col(Argument.conclusion_id) == col(Claim.id))
    newest = select(func.max(Belief.id)).where(Belief.claim_id == Claim.id, Belief.kind == "direct")
    query = _told().join(Claim, col(Claim.id) == col(Shown.claim_id)).where(~argued)
    query = query.where(col(Shown.belief_id) == newest.correlate(Claim).scalar_subquery())
    told = query.with_only_columns(col(Claim.id), col(Claim.key), col(Shown.settled_id), col(Shown.is_true))
    rows = session.execute(told).all()
    if not rows:
        return []
    likelihoods = label_likelihoods(session, {one for _, _, one, _ in rows})
    evident = {*label_likelihoods(session, {one for one, _, _, _ in rows}), *session.exec(select(Evidence.claim_id))}
    so = {one: label_prob(*pair) for one, pair in likelihoods.items()}
    under = _under(session)
    found = {
        key: None
        for one, key, settled, is_true in rows
        if one not in evident
        and (not is_settled(so.get(settled, 0.5)) or (so[settled] > 0.5) != is_true or (settled, one) in under)
    }
    return list(found)


def _quote_id(session: Session, file: str, line: int, text: str) -> int:
    digest = hashlib.sha256(json.dumps([file, line, text]).encode()).hexdigest()
    quote = session.exec(select(Quote).where(Quote.quote_hash == digest)).first()
    if quote is None:
        quote = Quote(file=file, line=line, text=text, quote_hash=digest)
        session.add(quote)
        session.flush()
    return known(quote.id)


def _told() -> Any:
    return select(Shown).where(col(Shown.settled_id).is_not(None), col(Shown.belief_id).is_not(None))


def _reached(session: Session, ids: list[int], upwards: bool) -> set[int]:
    """Returns these ids and those of all claims above, or below, them."""
    if not ids:
        return set()
    start, end = col(Premise.claim_id), col(Argument.conclusion_id)
    if not upwards:
        start, end = end, start
    found = select(col(Claim.id).label("id")).where(col(Claim.id).in_(ids)).cte("found", recursive=True)
    links = select(end).select_from(Premise).join(Argument, col(Argument.id) == col(Premise.argument_id))
    found = found.union(links.join(found, found.c.id == start))
    return set(session.exec(select(found.c.id)))


def _under(session: Session) -> set[tuple[int, int]]:
    """Returns the ids of each settled claim that was shown with those of the claims that it rests on."""
    told = _told().with_only_columns(col(Shown.settled_id).label("top"), col(Shown.settled_id).label("id"))
    found = told.cte("found", recursive=True)
    links = select(found.c.top, col(Premise.claim_id)).select_from(Premise)
    links = links.join(Argument, col(Argument.id) == col(Premise.argument_id))
    found = found.union(links.join(found, found.c.id == col(Argument.conclusion_id)))
    return {(top, one) for top, one in session.exec(select(found.c.top, found.c.id))}
