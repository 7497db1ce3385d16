"""What an expansion brings, many rows at a time: `store.claims` does the same for one.

Nothing passes the object mapper; what costs a statement there costs one for all here. Everything is written in the
order given, so that ids stand as if it had come one by one. The caller's scope commits.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import bindparam, insert, literal, select, update
from sqlmodel import Session, SQLModel

from store.claims import check_argument, check_text, checked_prob, content_hash, would_close_cycle
from store.columns import column, columns, rows_among
from store.locks import Turn, take_turn
from store.tables import About, Alias, Argument, Belief, Claim, Premise, Revision
from store.texts import text_hash

_KEY_LENGTHS = range(10, 65, 6)  # of a digest's beginning that serves as key: as many as it takes


class Named(NamedTuple):
    """A claim, as one needs it to refer to it."""

    id: int
    key: str
    prior: float
    by_alias: bool  # the text it was found by is another wording of it


class Said(NamedTuple):
    """An argument to be added, over ids of claims."""

    conclusion_id: int
    polarity: str  # "support" | "attack"
    strength: float  # in [0, 1]
    premises: tuple[tuple[int, bool], ...]  # each with whether it is taken as holding


class Held(NamedTuple):
    """A belief to be recorded; see `store.claims.record_belief`."""

    claim_id: int
    kind: str
    mean: float
    pseudo_count: float
    draws: int | None


def find_claims(session: Session, texts: Iterable[str]) -> dict[str, Named]:
    """Returns the claims that say the same as these texts, by the text as given, where there is one."""
    digests = {text: text_hash(text) for text in texts}
    sought = sorted(set(digests.values()))
    named = [column(Claim, name) for name in ("id", "key", "prior")]
    own = select(column(Claim, "text_hash"), *named, literal(False))
    merged = select(column(Alias, "text_hash"), *named, literal(True)).join_from(
        Alias.__table__,  # type: ignore[attr-defined]
        Claim.__table__,  # type: ignore[attr-defined]
        column(Alias, "claim_id") == column(Claim, "id"),
    )
    found = rows_among(session, merged.where(column(Alias, "undone_at").is_(None)), column(Alias, "text_hash"), sought)
    found += rows_among(session, own, column(Claim, "text_hash"), sought)  # later, as a claim's own wording counts more
    by_digest = {digest: Named(*of) for digest, *of in found}
    return {text: by_digest[digest] for text, digest in digests.items() if digest in by_digest}


def add_claims(session: Session, priors: Mapping[str, float], now: datetime) -> dict[str, Named]:
    """Returns by text the claims that say the same as the texts: those that are there, untouched, or new ones.

    Args:
        session: of the store.
        priors: of new claims, in [0, 1], by text.
        now: the time.

    Raises:
        StoreError: a text is empty, or no database keeps it.
        ValueError: a prior is no probability.
    """
    take_turn(session, Turn.GROW)
    named = find_claims(session, priors)
    new: dict[str, dict[str, Any]] = {}
    for text, prior in priors.items():
        if text not in named:
            kept, digest = check_text(text), text_hash(text)
            row = {"text": kept, "text_hash": digest, "prior": checked_prob("prior", prior), "created_at": now}
            new.setdefault(digest, row)
    ids = _add_with_keys(session, Claim, "text_hash", list(new.values()))
    added = {digest: Named(ids[digest], row["key"], row["prior"], False) for digest, row in new.items()}
    return {text: named[text] if text in named else added[text_hash(text)] for text in priors}


def record_beliefs(session: Session, beliefs: Sequence[Held], generation: str, now: datetime) -> None:
    """Records what a generation believes. Raises ValueError where a mean is no probability."""
    for one in beliefs:
        checked_prob("mean", one.mean)
    take_turn(session, Turn.GROW)
    told = {"generation": generation, "held_at": now}
    _insert(session, Belief, [one._asdict() | told for one in beliefs])


def add_arguments(session: Session, said: Sequence[Said], generation: str | None, now: datetime) -> list[int | None]:
    """Returns the ids of the new arguments, in the order given; None for those that would add nothing.

    Which those are says `store.claims.add_argument`, and what is raised.
    """
    for one in said:
        check_argument(one.polarity, one.strength, one.premises)
    take_turn(session, Turn.GROW)
    kept = [one._replace(premises=tuple(dict.fromkeys(one.premises))) for one in said]
    writing = _Arguments(session, kept, generation, now)
    for at in range(len(kept)):
        writing.take(at)
    writing.write()
    return writing.ids


class _Arguments:
    """Arguments that are looked at one after the other, and written together."""

    def __init__(self, session: Session, said: Sequence[Said], generation: str | None, now: datetime) -> None:
        self.session, self.said = session, said
        self.told = {"generation": generation, "created_at": now}
        self.ids: list[int | None] = [None] * len(said)
        self._contents = [content_hash(one.conclusion_id, one.polarity, one.premises) for one in said]
        self._waiting: list[int] = []
        conclusions = sorted({one.conclusion_id for one in said})
        named = sorted({claim_id for one in said for claim_id, _ in one.premises})
        self._there = self._among(Argument, "content_hash", self._contents)
        self._measured = self._among(About, "claim_id", conclusions)
        self._argued = self._among(Argument, "conclusion_id", named)

    def take(self, at: int) -> None:
        """Puts an argument by to be written, if it adds something."""
        one, content = self.said[at], self._contents[at]
        ids = [claim_id for claim_id, _ in one.premises]
        if content in self._there or one.conclusion_id in self._measured or len(set(ids)) < len(ids):
            return
        if self._argued.isdisjoint(ids):  # then nothing leads from the premises back to the conclusion
            if one.conclusion_id in ids:
                return
        else:
            self.write()
            if would_close_cycle(self.session, one.conclusion_id, ids):
                return
        self._there.add(content)
        self._argued.add(one.conclusion_id)
        self._waiting.append(at)

    def write(self) -> None:
        """Writes what was put by."""
        rows = [
            {"content_hash": self._contents[at], **_without(self.said[at]._asdict(), "premises"), **self.told}
            for at in self._waiting
        ]
        written = _add_with_keys(self.session, Argument, "content_hash", rows)
        premises = []
        for at in self._waiting:
            self.ids[at] = written[self._contents[at]]
            for position, (claim_id, holds) in enumerate(self.said[at].premises):
                stands = {"argument_id": self.ids[at], "position": position}
                premises.append(stands | {"claim_id": claim_id, "holds": holds})
        _insert(self.session, Premise, premises)
        self._waiting = []

    def _among(self, table: type[SQLModel], name: str, values: Sequence[Any]) -> set[Any]:
        return {one for (one,) in rows_among(self.session, columns(table, name), column(table, name), values)}


def revise(session: Session, priors: Mapping[int, float], closed: Sequence[int], now: datetime) -> None:
    """Gives claims other priors, and notes of others that the model has no more arguments to give about them; by id."""
    take_turn(session, Turn.GROW)
    claims = Claim.__table__  # type: ignore[attr-defined]
    of_one = update(claims).where(claims.c.id == bindparam("of"))
    _insert(session, Revision, [{"claim_id": one} for one in sorted({*priors, *closed})])
    told = [{"of": one, "told": checked_prob("prior", prior)} for one, prior in sorted(priors.items())]
    if told:
        session.connection().execute(of_one.values(prior=bindparam("told")), told)
    if closed:
        session.connection().execute(of_one.values(explored_at=now), [{"of": one} for one in sorted(closed)])


def named_claims(session: Session, keys: Sequence[str]) -> dict[str, Named]:
    """Returns the claims of these keys, by key, where there is one."""
    rows = rows_among(session, columns(Claim, "id", "key", "prior"), column(Claim, "key"), keys)
    return {key: Named(one, key, prior, False) for one, key, prior in rows}


def argued_among(session: Session, claim_ids: Iterable[int]) -> set[int]:
    """Returns those of the claims, by id, that some argument concludes."""
    concluded = column(Argument, "conclusion_id")
    return {one for (one,) in rows_among(session, columns(Argument, "conclusion_id"), concluded, sorted(claim_ids))}


def _add_with_keys(session: Session, table: type[SQLModel], by: str, rows: list[dict[str, Any]]) -> dict[str, int]:
    """Inserts rows under free keys made of a digest of theirs, each another one; returns their ids by the digest."""
    if not rows:
        return {}
    open_, taken = list(rows), set[str]()
    for length in _KEY_LENGTHS:
        wanted = [row[by][:length] for row in open_]
        taken |= {key for (key,) in rows_among(session, columns(table, "key"), column(table, "key"), wanted)}
        for row in open_:
            if row[by][:length] not in taken:
                row["key"] = row[by][:length]
                taken.add(row["key"])
        open_ = [row for row in open_ if "key" not in row]
        if not open_:
            break
    assert not open_, "two rows of one digest"
    _insert(session, table, rows)
    keys = {row["key"]: row[by] for row in rows}
    found = rows_among(session, columns(table, "key", "id"), column(table, "key"), list(keys))
    return {keys[key]: one for key, one in found}


def _insert(session: Session, table: type[SQLModel], rows: Sequence[Mapping[str, Any]]) -> None:
    if rows:
        session.connection().execute(insert(table.__table__), rows)  # type: ignore[attr-defined]


def _without(row: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in row.items() if key != name}
