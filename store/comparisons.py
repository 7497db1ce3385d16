"""Which of two arguments raters find better: what is compared next, what was said, and taking it back.

Next comes the pair that is expected to tell most about a ranking (`argtree.bradley_terry`), over all tournaments and
what all raters said, but none that the rater has judged and no argument that settled premises have refuted. Nobody
holds a pair: two raters who get the same one tell how far it can be agreed on.

Every function that changes something is one act: it commits before it returns, so what it returned is on the disk.
"""

import hashlib
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, NamedTuple, get_args

import numpy as np
from sqlalchemy import case
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, func, select

from argtree.bradley_terry import best_pair
from store.claims import known
from store.corrections import TAKE_BACK_SECONDS
from store.errors import ComparisonError
from store.places import lock_rater
from store.roles import require_not_paused
from store.tables import Argument, Claim, Comparison, ComparisonRetraction, Rater
from store.texts import storable
from store.tournaments import (
    TOURNAMENT_SIZE,
    Said,
    ShownArgument,
    failed_arguments,
    gains,
    in_words,
    is_taken_back,
    outcomes,
    standing_comparisons,
    tournaments,
)

ComparisonKind = Literal["first", "second", "equal", "cannot_say"]


@dataclass(frozen=True)
class ShownPair:
    """Two arguments that a rater is to compare."""

    token: str  # to hand the comparison in with: the same as long as the rater has not said anything of this pair
    claim: str  # text of the claim that both argue about
    first: ShownArgument
    second: ShownArgument
    gain: float  # nats that the comparison is expected to tell about the ranking
    shown_at: datetime


class _Candidate(NamedTuple):
    gain: float
    first: int  # ids of arguments, the first below the second
    second: int


def next_pair(session: Session, rater: Rater, now: datetime) -> ShownPair | None:
    """Returns the pair of arguments that this rater's judgement is expected to tell most about; None if none is left.

    The same one until somebody says something. Which of the two comes first is drawn by lot for each rater, so that a
    liking for one side favours nobody.

    Raises:
        PausedError: an administrator has paused the rater.
    """
    require_not_paused(session, rater)
    said = session.exec(standing_comparisons()).all()
    own = select(Comparison).where(Comparison.rater_id == rater.id, ~is_taken_back())  # dismissed ones come back
    judged = {_pair(one.first_id, one.second_id) for one in session.exec(own)}
    begun = _begun(session, outcomes(said))
    failed = failed_arguments(session, [one for ids, _ in begun for one in ids])
    candidates = [_fresh(session), *(_best(ids, here, judged, failed) for ids, here in begun)]
    found = max(filter(None, candidates), key=lambda one: (one.gain, -one.first), default=None)
    return None if found is None else _shown(session, rater, found, now)


def submit_comparison(
    session: Session, rater: Rater, shown: ShownPair, kind: ComparisonKind, now: datetime, note: str = ""
) -> Comparison:
    """Returns the comparison as it is stored. Commits. Handing it in again changes nothing and returns the first one.

    Raises:
        PausedError: an administrator has paused the rater.
        ComparisonError: the rater has taken it back since it was shown, it was shown to somebody else, or the
            arguments are not two for or against one claim.
        ValueError: another kind than the four.
    """
    if kind not in get_args(ComparisonKind):
        raise ValueError(f"kind must be one of {', '.join(get_args(ComparisonKind))}, got {kind!r}.")
    lock_rater(session, known(rater.id))  # so that who is paused meanwhile hands nothing in
    if (there := _handed_in(session, rater, shown.token)) is not None:
        return there
    require_not_paused(session, rater)
    keys = (shown.first.key, shown.second.key)
    found = {one.key: one for one in session.exec(select(Argument).where(col(Argument.key).in_(keys)))}
    if len(found) < 2 or len({one.conclusion_id for one in found.values()}) > 1:
        raise ComparisonError("These are not two arguments about one claim, so nothing was stored: look again.")
    first, second = (found[key] for key in keys)
    comparison = Comparison(
        rater_id=known(rater.id),
        claim_id=first.conclusion_id,
        first_id=known(first.id),
        second_id=known(second.id),
        kind=kind,
        note=storable(note),
        shown_at=shown.shown_at,
        answered_at=now,
        token=shown.token,
    )
    try:
        with session.begin_nested():
            session.add(comparison)
    except IntegrityError:  # not on SQLite: it came in twice at the same time
        there = _handed_in(session, rater, shown.token)
        if there is None:
            raise
        return there
    session.commit()
    return comparison


def last_comparison(session: Session, rater: Rater, now: datetime) -> Comparison | None:
    """Returns the comparison that the rater may take back: their last one that stands, if it is recent enough."""
    query = standing_comparisons().where(Comparison.rater_id == rater.id).order_by(None)
    found = session.exec(query.order_by(col(Comparison.id).desc()).limit(1)).first()
    return found if found is not None and _is_recent(found, now) else None


def take_back(session: Session, rater: Rater, token: str, now: datetime) -> Comparison:
    """Returns the comparison that no longer counts; it stays in the store, and the pair may be shown again. Commits.

    Taking it back again changes nothing.

    Raises:
        ComparisonError: it is not the rater's last one, or older than TAKE_BACK_SECONDS.
    """
    query = select(Comparison).where(Comparison.token == token, Comparison.rater_id == rater.id)
    found = session.exec(query).first()
    if found is not None and session.get(ComparisonRetraction, known(found.id)) is not None:
        return found
    last = last_comparison(session, rater, now)
    if found is None or last is None or last.id != found.id:
        raise ComparisonError(
            f"Only your last comparison can be taken back, for {TAKE_BACK_SECONDS / 60:.0f} minutes: it stays as it is."
        )
    session.add(ComparisonRetraction(comparison_id=known(found.id), retracted_at=now))
    session.commit()
    return found


def _fresh(session: Session) -> _Candidate | None:
    """Returns the best pair about a claim of which nothing was compared: in one of the largest tournaments."""
    size = func.count(col(Argument.id))
    largest = (
        select(Argument.conclusion_id)
        .where(col(Argument.conclusion_id).not_in(select(Comparison.claim_id)))
        .group_by(col(Argument.conclusion_id))
        .having(size > 1)
        .order_by(case((size > TOURNAMENT_SIZE, TOURNAMENT_SIZE), else_=size).desc(), col(Argument.conclusion_id))
    )
    for claim_id in session.exec(largest):
        query = select(Argument.id).where(Argument.conclusion_id == claim_id).order_by(col(Argument.id))
        ids = [known(one) for one in session.exec(query.limit(TOURNAMENT_SIZE))]
        if (found := _best(ids, [], set(), failed_arguments(session, ids))) is not None:
            return found
    return None


def _begun(session: Session, said: Sequence[Said]) -> list[tuple[Sequence[int], list[Said]]]:
    """Returns (ids of arguments, what was said of them) of each tournament about claims that were compared about."""
    query = select(Argument.conclusion_id, Argument.id).order_by(col(Argument.id))
    arguments: dict[int, list[int]] = defaultdict(list)
    for claim_id, one in session.exec(query.where(col(Argument.conclusion_id).in_(select(Comparison.claim_id)))):
        arguments[claim_id].append(known(one))
    parts = [part for of_claim in arguments.values() for part in tournaments(of_claim)]
    number = {one: place for place, part in enumerate(parts) for one in part}
    here: list[list[Said]] = [[] for _ in parts]
    for first, second, outcome in said:
        if first in number:
            here[number[first]].append((first, second, outcome))
    return list(zip(parts, here, strict=True))


def _best(
    ids: Sequence[int], said: Sequence[Said], judged: set[tuple[int, int]], failed: set[int]
) -> _Candidate | None:
    """Returns the best pair of a tournament.

    Args:
        judged: pairs that the rater has judged, the smaller id first.
        failed: arguments that settled premises have refuted: what raters prefer of them counts for nothing.
    """
    may = [one not in failed for one in ids]
    allowed = np.array([[_pair(first, second) not in judged for second in ids] for first in ids])
    allowed &= np.outer(may, may)
    found = best_pair(gains(ids, said), allowed)
    return None if found is None else _Candidate(found[2], ids[found[0]], ids[found[1]])


def _pair(one: int, other: int) -> tuple[int, int]:
    return (one, other) if one < other else (other, one)


def _shown(session: Session, rater: Rater, found: _Candidate, now: datetime) -> ShownPair:
    both = (found.first, found.second)
    query = select(func.count()).select_from(Comparison).where(Comparison.rater_id == rater.id)
    before = query.where(col(Comparison.first_id).in_(both), col(Comparison.second_id).in_(both))
    showing = f"{rater.id} {found.first} {found.second}"
    lot = hashlib.sha256(showing.encode()).digest()[-1] % 2  # the same after taking back, when the token is another
    token = hashlib.sha256(f"{showing} {session.exec(before).one()}".encode()).hexdigest()[:32]
    words = in_words(session, both)
    first, second = reversed(both) if lot else both
    about = select(Claim.text).join(Argument, col(Argument.conclusion_id) == col(Claim.id))
    claim = session.exec(about.where(Argument.id == found.first)).one()
    return ShownPair(token, claim, words[first], words[second], found.gain, now)


def _handed_in(session: Session, rater: Rater, token: str) -> Comparison | None:
    there = session.exec(select(Comparison).where(Comparison.token == token)).first()
    if there is None:
        return None
    if there.rater_id != rater.id:
        raise ComparisonError("These two were shown to somebody else, so nothing was stored: look again.")
    if session.get(ComparisonRetraction, known(there.id)) is not None:
        raise ComparisonError("You have taken this comparison back, so nothing was stored: look again.")
    session.commit()
    return there


def _is_recent(comparison: Comparison, now: datetime) -> bool:
    return (now - comparison.answered_at).total_seconds() <= TAKE_BACK_SECONDS
