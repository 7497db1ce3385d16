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
from sqlmodel import Field, Session, SQLModel, col, select

from argtree.evidence import is_settled, label_prob
from store.answers import label_likelihoods
from store.claims import find_claim, known
from store.columns import column, columns, rows_among
from store.tables import Argument, Belief, Claim, Evidence, Premise, UtcDateTime
from store.texts import storable


class ShownPassage(SQLModel, table=True):
    """A passage of a document as it was when it was shown. Never changed."""

    __tablename__ = "quote"

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
    passages: Iterable[tuple[str, int, str]],
    generation: str,
    now: datetime,
) -> None:
    """Writes down what was put before a model; a settled claim that is gone by now is left out.

    Args:
        session: of the store.
        claim_id: of the claim that it was asked about.
        belief_id: of what came of it; None where arguments were asked for.
        settled: texts of settled claims, and whether they are true.
        passages: file, line and text of passages.
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
    for file, line, text in passages:
        passage_id = _passage_id(session, storable(file), line, storable(text))
        session.add(
            Shown(claim_id=claim_id, belief_id=belief_id, quote_id=passage_id, generation=generation, shown_at=now)
        )
    session.flush()


def shown_about(session: Session, claim: Claim) -> list[ShownFact]:
    """Returns what was shown when a model was asked about a claim, oldest first."""
    query = select(Shown, Claim, ShownPassage).outerjoin(Claim, col(Claim.id) == col(Shown.settled_id))
    query = query.outerjoin(ShownPassage, col(ShownPassage.id) == col(Shown.quote_id))
    found = []
    for row, fact, passage in session.exec(query.where(Shown.claim_id == claim.id).order_by(col(Shown.id))):
        text, file, line = (fact.text, "", 0) if passage is None else (passage.text, passage.file, passage.line)
        key = None if fact is None else fact.key
        found.append(ShownFact(row.belief_id, row.generation, row.shown_at, text, key, row.is_true, file, line))
    return found


def told_beliefs(session: Session, claim_ids: Sequence[int]) -> set[int]:
    """Returns the ids of the beliefs in these claims, by id, that were formed with a settled claim shown."""
    told = columns(Shown, "belief_id").where(column(Shown, "settled_id").is_not(None))
    return {one for (one,) in rows_among(session, told, column(Shown, "claim_id"), claim_ids) if one is not None}


def told_below(session: Session, claim_ids: Collection[int]) -> set[int]:
    """Returns those of the claims, by id, that were believed, or rest on what was, with a settled claim shown."""
    if not claim_ids or session.exec(_told().limit(1)).first() is None:
        return set()
    below = _under(select(col(Claim.id).label("top"), col(Claim.id).label("id")).where(col(Claim.id).in_(claim_ids)))
    told = _told().with_only_columns(col(Shown.claim_id))
    return set(session.exec(select(below.c.top).where(below.c.id.in_(told))))


def last_recorded(session: Session, claim_ids: Sequence[int]) -> dict[int, int]:
    """Returns the id of the direct belief that was written down last in each of these claims, by the claim's id.

    It may not be the newest one: that goes by the times at which they were held (`store.claims`).
    """
    held = columns(Belief, "claim_id", "id", order=("id",)).where(column(Belief, "kind") == "direct")
    return dict(sorted(tuple(row) for row in rows_among(session, held, column(Belief, "claim_id"), claim_ids)))


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
    held = select(Belief.id).where(Belief.claim_id == Claim.id, Belief.kind == "direct").correlate(Claim)
    newest = held.order_by(col(Belief.held_at).desc(), col(Belief.id).desc()).limit(1).scalar_subquery()
    query = _told().join(Claim, col(Claim.id) == col(Shown.claim_id)).where(~argued, col(Shown.belief_id) == newest)
    told = query.with_only_columns(col(Claim.id), col(Claim.key), col(Shown.settled_id), col(Shown.is_true))
    rows = session.execute(told).all()
    if not rows:
        return []
    likelihoods = label_likelihoods(session, {one for _, _, one, _ in rows})
    evident = {*label_likelihoods(session, {one for one, _, _, _ in rows}), *session.exec(select(Evidence.claim_id))}
    so = {one: label_prob(*pair) for one, pair in likelihoods.items()}
    below = _under(_told().with_only_columns(col(Shown.settled_id).label("top"), col(Shown.settled_id).label("id")))
    under = {(top, one) for top, one in session.exec(select(below.c.top, below.c.id))}
    found = {
        key: None
        for one, key, settled, is_true in rows
        if one not in evident
        and (not is_settled(so.get(settled, 0.5)) or (so[settled] > 0.5) != is_true or (settled, one) in under)
    }
    return list(found)


def touches_shown(session: Session, newest: int) -> bool:
    """Says whether an argument of a higher id than that bears on a settled claim that was shown for a belief."""
    new = select(col(Argument.conclusion_id)).where(col(Argument.id) > newest)
    above = _found(new, upwards=True)
    return session.exec(_told().where(col(Shown.settled_id).in_(select(above.c.id))).limit(1)).first() is not None


def _passage_id(session: Session, file: str, line: int, text: str) -> int:
    digest = hashlib.sha256(json.dumps([file, line, text]).encode()).hexdigest()
    passage = session.exec(select(ShownPassage).where(ShownPassage.quote_hash == digest)).first()
    if passage is None:
        passage = ShownPassage(file=file, line=line, text=text, quote_hash=digest)
        session.add(passage)
        session.flush()
    return known(passage.id)


def _told() -> Any:
    return select(Shown).where(col(Shown.settled_id).is_not(None), col(Shown.belief_id).is_not(None))


def _reached(session: Session, ids: list[int], upwards: bool) -> set[int]:
    """Returns these ids and those of all claims above, or below, them."""
    return set(session.exec(select(_found(ids, upwards).c.id))) if ids else set()


def _found(ids: Any, upwards: bool) -> Any:
    """Returns a table of these ids, a list or a query, and those of all claims above, or below, them."""
    start, end = col(Premise.claim_id), col(Argument.conclusion_id)
    if not upwards:
        start, end = end, start
    found = select(col(Claim.id).label("id")).where(col(Claim.id).in_(ids)).cte("found", recursive=True)
    links = select(end).select_from(Premise).join(Argument, col(Argument.id) == col(Premise.argument_id))
    return found.union(links.join(found, found.c.id == start))


def _under(tops: Any) -> Any:
    """Returns a table of claims' ids, each as `top` with the `id` of itself and of all that it rests on.

    Args:
        tops: a query for these ids, as both.
    """
    found = tops.cte("found", recursive=True)
    links = select(found.c.top, col(Premise.claim_id)).select_from(Premise)
    links = links.join(Argument, col(Argument.id) == col(Premise.argument_id))
    return found.union(links.join(found, found.c.id == col(Argument.conclusion_id)))
