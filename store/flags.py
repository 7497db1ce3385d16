"""Flags: raters say what is wrong with a question, a reviewer decides what becomes of it. Functions commit.

A question that one rater flags as harmful, or two raters flag as anything, is held (`store.holding`): it has the status
"held", nobody is asked, and a ranking leaves it alone. Whoever was looking at it may still hand in their answer. A flag
that is taken back, with its answer (`store.corrections`), counts no more.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, get_args

import sqlalchemy
from sqlmodel import Session, col, select

from store import trust
from store.answers import is_kept
from store.claims import known
from store.drafts import Typed
from store.errors import FlagError
from store.holding import resolutions
from store.places import lock_question, settle
from store.queue import accept_answer
from store.roles import require
from store.tables import Answer, Claim, Flag, Quantity, Question, Rater, Resolution
from store.texts import storable

FlagKind = Literal["ambiguous", "harmful", "needs_expert"]


@dataclass(frozen=True)
class Flagged:
    """A flag that stands, as reviewers see it."""

    flag_id: int
    question_id: int
    claim: str | None  # key; None: the question is about a quantity
    text: str  # of the claim or quantity
    kind: FlagKind
    rater: str  # name
    note: str
    at: datetime
    is_held: bool  # the question is
    resolution: Resolution | None  # what was decided since, for good or until it is flagged again; None: nothing yet


def flag(
    session: Session, token: str, rater: Rater, kind: FlagKind, now: datetime, note: str = "", *, source: str = ""
) -> Flag:
    """Returns the flag of the leased question, which goes along with an answer "cannot_say". Commits: both or neither.

    The same token makes one flag however often it is handed in; later calls return the first one.

    Args:
        token: the lease's, as for `store.queue.submit_answer`.
        kind: what is wrong with it.
        note: goes with flag and answer; so does the source with the answer.

    Raises:
        LeaseLostError, SourceError: as `store.queue.submit_answer`.
        FlagError: the question was answered with this token already.
        ValueError: an unknown kind.
    """
    if kind not in get_args(FlagKind):
        raise ValueError(f"A flag's kind is one of {', '.join(get_args(FlagKind))}, got {kind!r}.")
    answer, is_new = accept_answer(session, token, rater, Typed("cannot_say", note=note, source=source), now)
    there = session.exec(select(Flag).where(Flag.answer_id == answer.id)).first()
    if there is None:
        if not is_new:
            raise FlagError("You answered this question a moment ago, so it was not flagged: undo the answer first.")
        there = Flag(
            answer_id=known(answer.id),
            question_id=answer.question_id,
            rater_id=answer.rater_id,
            kind=kind,
            note=answer.note,
            flagged_at=now,
        )
        session.add(there)
        question = lock_question(session, answer.question_id)
        assert question is not None
        settle(session, question, now)
    session.commit()
    trust.check(session, there.rater_id, now)
    return there


def resolve(
    session: Session, question_id: int, back_to_queue: bool, by: Rater | None, now: datetime, note: str = ""
) -> Resolution:
    """Returns the row that decides about all flags that a question has so far. Commits.

    Args:
        back_to_queue: whether it is asked again, as long as it is of value; else it is held until somebody decides
            otherwise, whatever becomes of its flags.
        by: a reviewer or administrator; None stands for whoever has the store itself.

    Raises:
        NotAllowedError: by is neither, or paused.
        FlagError: nobody has flagged the question.
    """
    require(by, "reviewer")
    question = lock_question(session, question_id)
    newest = session.exec(select(Flag.id).where(Flag.question_id == question_id).order_by(col(Flag.id).desc())).first()
    if question is None or newest is None:
        raise FlagError("Nobody has flagged this question, so there is nothing to decide.")
    row = Resolution(
        question_id=question_id,
        rater_id=by.id if by is not None else None,
        last_flag_id=newest,
        back_to_queue=back_to_queue,
        note=storable(note),
        resolved_at=now,
    )
    session.add(row)
    settle(session, question, now)
    session.commit()
    return row


def list_flags(session: Session, by: Rater | None) -> list[Flagged]:
    """Returns the flags that stand, with what was decided about them: undecided ones first, then newest first.

    Raises:
        NotAllowedError: by is neither reviewer nor administrator, or paused.
    """
    require(by, "reviewer")
    query: Any = (
        sqlalchemy.select(Flag, Question, Rater, Claim, Quantity)
        .join(Answer, col(Answer.id) == col(Flag.answer_id))
        .join(Question, col(Question.id) == col(Flag.question_id))
        .join(Rater, col(Rater.id) == col(Flag.rater_id))
        .outerjoin(Claim, col(Claim.id) == col(Question.claim_id))
        .outerjoin(Quantity, col(Quantity.id) == col(Question.quantity_id))
        .where(is_kept())
        .order_by(col(Flag.id).desc())
        .execution_options(populate_existing=True)
    )
    rows = session.execute(query).all()
    decided = resolutions(session, {flag.question_id for flag, *_ in rows})
    flags = [
        _flagged(one, question, rater, claim, quantity, decided.get(one.question_id))
        for one, question, rater, claim, quantity in rows
    ]
    return sorted(flags, key=lambda one: one.resolution is not None)


def _flagged(
    flag: Flag,
    question: Question,
    rater: Rater,
    claim: Claim | None,
    quantity: Quantity | None,
    last: Resolution | None,
) -> Flagged:
    about = claim or quantity
    assert about is not None
    flag_id = known(flag.id)
    return Flagged(
        flag_id=flag_id,
        question_id=flag.question_id,
        claim=claim.key if claim else None,
        text=about.text,
        kind=next(kind for kind in get_args(FlagKind) if kind == flag.kind),
        rater=rater.name,
        note=flag.note,
        at=flag.flagged_at,
        is_held=question.status == "held",
        resolution=last if last is not None and flag_id <= last.last_flag_id else None,
    )
