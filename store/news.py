"""What has come into the store since one last looked, for whoever keeps a picture of it.

A `Mark` says how far one has seen. All that grows the graph takes its turn (`Turn.GROW`), so that ids stand in the
order in which they were committed: what came since has higher ones. What people say may be committed out of that order;
of it a mark says only whether it is as it was.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import case, func, select
from sqlmodel import Session, SQLModel

from store.claims import Held, latest_beliefs
from store.columns import column, columns, rows_among
from store.direct import DirectEvidence, DirectWeight
from store.reliabilities import is_vouched_for
from store.tables import (
    About,
    Answer,
    Argument,
    Belief,
    Claim,
    Dismissal,
    Evidence,
    Fit,
    Override,
    Premise,
    Rater,
    Retraction,
    Revision,
    Root,
    Trust,
)

_LATE = 1000  # as many ids after a row's own, others may be committed before it


class Mark(NamedTuple):
    """How far one has seen."""

    claim: int  # newest ids, 0 for none
    argument: int
    root: int
    belief: int
    revision: int
    said: tuple[int, ...]  # another one whenever what people say, or how far they are believed, has changed
    rest: tuple[int, ...]  # another one whenever something else has changed that `News` does not tell


@dataclass(frozen=True)
class News:
    """What came since a mark; rows in the order of their ids."""

    claims: Sequence[Any]  # id, key, text, prior, askable, explored_at: new ones, and those revised
    arguments: Sequence[Any]  # id, key, conclusion_id, polarity, strength
    premises: Sequence[Any]  # argument_id, claim_id, holds: of those arguments
    roots: Sequence[Any]  # claim_id, weight
    beliefs: dict[str, Held]  # the newest direct ones in claims in which one is new, by the claim's key
    frozen: Sequence[Any]  # claim_id, belief, marginal: see `store.direct`, of claims that got arguments


def mark(session: Session) -> Mark:
    """Returns how far the session sees."""
    claim, argument, root, belief, revision, *others = session.execute(_MARK).one()
    return Mark(claim, argument, root, belief, revision, said=tuple(others[:-2]), rest=tuple(others[-2:]))


def news_since(session: Session, before: Mark, now: Mark) -> News | None:
    """Returns what came since a mark; None where more was changed than can be told.

    That is where priors were set by the hundred, a merge was undone, direct beliefs count otherwise than they did, or
    claims came that say something of a quantity.

    Args:
        session: of the store.
        before: of a session that saw no more than this one.
        now: of this session.
    """
    if now.rest != before.rest:
        return None
    revised = [one for (one,) in _after(session, Revision, before.revision, "claim_id")]
    if None in revised:
        return None
    arguments = _after(session, Argument, before.argument, "id", "key", "conclusion_id", "polarity", "strength")
    told = columns(Premise, "argument_id", "claim_id", "holds", order=("argument_id", "position"))
    believed = {one for one, kind in _after(session, Belief, before.belief, "claim_id", "kind") if kind == "direct"}
    frozen = columns(DirectEvidence, "claim_id", "belief", "marginal")
    conclusions = sorted({argument.conclusion_id for argument in arguments})
    return News(
        claims=_claims(session, before.claim, sorted(set(revised))),
        arguments=arguments,
        premises=session.execute(told.where(column(Premise, "argument_id") > before.argument)).all(),
        roots=_after(session, Root, before.root, "claim_id", "weight"),
        beliefs=latest_beliefs(session, claim_ids=sorted(believed)),
        frozen=rows_among(session, frozen, column(DirectEvidence, "claim_id"), conclusions),
    )


def _after(session: Session, table: type[SQLModel], newest: int, *names: str) -> Sequence[Any]:
    return session.execute(columns(table, *names, order=("id",)).where(column(table, "id") > newest)).all()


def _claims(session: Session, newest: int, revised: Sequence[int]) -> list[Any]:
    names = ("id", "key", "text", "prior", "askable", "explored_at")
    there = [one for one in revised if one <= newest]
    return rows_among(session, columns(Claim, *names), column(Claim, "id"), there) + list(
        _after(session, Claim, newest, *names)
    )


def _newest(table: type[SQLModel], name: str = "id") -> Any:
    return select(func.coalesce(func.max(column(table, name)), 0)).scalar_subquery()


def _late(table: type[SQLModel]) -> Any:
    """How many of the last ids are there: it grows when one is committed after a higher one."""
    return select(func.count()).where(column(table, "id") > _newest(table) - _LATE).scalar_subquery()


def _mark() -> Any:
    grown = [_newest(table) for table in (Claim, Argument, Root, Belief, Revision)]
    said = [of(table) for table in (Answer, Retraction, Override, Dismissal) for of in (_newest, _late)]
    trusted = select(func.coalesce(func.sum(case((is_vouched_for(), column(Rater, "id")), else_=0)), 0))
    believed = [_newest(Fit), select(func.count()).select_from(Trust).scalar_subquery(), trusted.scalar_subquery()]
    imported = [_newest(Evidence, "claim_id")]
    return select(*grown, *said, *believed, *imported, _newest(About, "claim_id"), _newest(DirectWeight))


_MARK = _mark()
