"""What raters may do: roles, pauses, and who may change them.

Every function that only some may call asks for who calls it, `by`, and refuses others; None stands for whoever has the
store itself, as at the command line, and may do anything. Functions that change something commit.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, get_args

from sqlalchemy import delete
from sqlmodel import Session, col, func, select

from store.claims import known
from store.dismissals import dismiss, is_dismissed, reinstate
from store.errors import NotAllowedError, PausedError
from store.locks import Turn, take_turn
from store.places import lock_rater
from store.reliabilities import is_vouched
from store.tables import Answer, Lease, Rater, Sitting, Trust
from store.texts import storable

Role = Literal["rater", "reviewer", "administrator"]
ROLES: tuple[Role, ...] = get_args(Role)  # each may do what the ones before may
_MAY = {
    "rater": "answer questions",
    "reviewer": "set labels right",
    "administrator": "invite, pause and change raters",
}


@dataclass(frozen=True)
class Standing:
    """A rater, as administrators see them."""

    name: str
    role: Role
    has_password: bool
    answers: int  # with those taken back
    seen_at: datetime | None  # signed in, to about an hour, or answering
    paused_at: datetime | None
    paused_reason: str | None
    vouched: bool


def require(by: Rater | None, role: Role) -> None:
    """Passes whoever has this role or a higher one and is not paused; None passes.

    Raises:
        NotAllowedError: anybody else; a PausedError for the paused.
    """
    if by is None:
        return
    if by.paused_reason is not None:
        raise _paused(by.paused_reason)
    if ROLES.index(_role(by)) < ROLES.index(role):
        raise NotAllowedError(f"Only {_article(role)} may {_MAY[role]}, and you are {_article(_role(by))}.")


def require_not_paused(session: Session, rater: Rater) -> None:
    """Raises PausedError for a rater who is paused by what stands in the store now."""
    reason = session.exec(select(Rater.paused_reason).where(Rater.id == rater.id)).one()
    if reason is not None:
        raise _paused(reason)


def pause(
    session: Session, rater: Rater, reason: str, by: Rater | None, now: datetime, *, dismiss_answers: bool = False
) -> None:
    """Lets the rater get no more questions; the one that they hold goes back to the queue. Commits.

    Args:
        session: of the store.
        rater: who pauses.
        reason: why; they are told.
        by: an administrator.
        now: the time.
        dismiss_answers: what they said before no longer counts (`store.dismissals`).

    Raises:
        NotAllowedError: by no administrator, or it would leave the store without one.
        ValueError: the reason is empty, which the rater is told.
    """
    said = storable(reason).strip()
    if not said:
        raise ValueError("A pause needs a reason: the rater is told it.")
    _begin(session, rater, by)
    _keep_an_administrator(session, rater)
    lock_rater(session, known(rater.id))  # an answer that is being handed in comes before the pause, or not at all
    rater.paused_at, rater.paused_reason = now, said
    session.add(rater)
    session.exec(delete(Lease).where(col(Lease.rater_id) == rater.id))
    if dismiss_answers:
        dismiss(session, rater, said, by, now)
    session.commit()


def resume(session: Session, rater: Rater, by: Rater | None) -> None:
    """Ends a pause, if there is one. Commits. Raises NotAllowedError: by no administrator.

    Answers that were dismissed go on not counting (see `count_again`), also against the rater: they begin anew.
    """
    _begin(session, rater, by)
    rater.paused_at = rater.paused_reason = None
    session.add(rater)
    if is_dismissed(session, rater):
        session.exec(delete(Trust).where(col(Trust.rater_id) == rater.id))
    session.commit()


def count_again(session: Session, rater: Rater, reason: str, by: Rater | None, now: datetime) -> None:
    """Lets answers count again that were dismissed. Commits. Raises NotAllowedError: by no administrator."""
    _begin(session, rater, by)
    if is_dismissed(session, rater):
        reinstate(session, rater, storable(reason), by, now)
    session.commit()


def vouch(session: Session, rater: Rater, vouched: bool, by: Rater | None) -> None:
    """Sets whether whoever runs the desk vouches for a rater (`store.reliabilities`). Commits.

    What was learnt of them, which began from the other assumption, is forgotten until all are fitted anew.

    Raises:
        NotAllowedError: by no administrator.
    """
    _begin(session, rater, by)
    rater.vouched = vouched
    session.add(rater)
    session.exec(delete(Trust).where(col(Trust.rater_id) == rater.id))
    session.commit()


def set_role(session: Session, rater: Rater, role: Role, by: Rater | None) -> None:
    """Changes what the rater may do, from now on. Commits.

    Raises:
        NotAllowedError: by no administrator, or it would leave the store without one.
        ValueError: no such role.
    """
    if role not in ROLES:
        raise ValueError(f"A role is one of {', '.join(ROLES)}, got {role!r}.")
    _begin(session, rater, by)
    if role != "administrator":
        _keep_an_administrator(session, rater)
    was_vouched = is_vouched(rater)
    rater.role = role
    session.add(rater)
    if is_vouched(rater) != was_vouched:  # as `vouch`
        session.exec(delete(Trust).where(col(Trust.rater_id) == rater.id))
    session.commit()


def list_raters(session: Session, by: Rater | None) -> list[Standing]:
    """Returns everybody, by name. Raises NotAllowedError: for no administrator."""
    require(by, "administrator")
    answers = (
        select(Answer.rater_id, func.count().label("count"), func.max(Answer.answered_at).label("answered_at"))
        .group_by(col(Answer.rater_id))
        .subquery()
    )
    sittings = (
        select(Sitting.rater_id, func.max(Sitting.seen_at).label("seen_at")).group_by(col(Sitting.rater_id)).subquery()
    )
    query = (
        select(Rater, answers.c.count, answers.c.answered_at, sittings.c.seen_at)
        .outerjoin(answers, answers.c.rater_id == Rater.id)
        .outerjoin(sittings, sittings.c.rater_id == Rater.id)
        .order_by(col(Rater.name))
    )
    return [
        Standing(
            name=rater.name,
            role=_role(rater),
            has_password=rater.password_hash is not None,
            answers=count or 0,
            seen_at=max(filter(None, (answered_at, seen_at)), default=None),
            paused_at=rater.paused_at,
            paused_reason=rater.paused_reason,
            vouched=rater.vouched,
        )
        for rater, count, answered_at, seen_at in session.exec(query)
    ]


def _begin(session: Session, rater: Rater, by: Rater | None) -> None:
    """Waits for the turn to change a rater, and looks again at what stands in the store."""
    take_turn(session, Turn.NAME)
    for one in filter(None, (rater, by)):
        session.refresh(one)
    require(by, "administrator")


def _keep_an_administrator(session: Session, rater: Rater) -> None:
    others = select(func.count()).where(
        col(Rater.role) == "administrator", col(Rater.paused_at).is_(None), col(Rater.id) != known(rater.id)
    )
    if rater.role == "administrator" and session.exec(others).one() == 0:
        raise NotAllowedError(f"{rater.name} is the only administrator: make somebody else one first.")


def _paused(reason: str) -> PausedError:
    return PausedError(f"You are paused, so there is nothing for you to do here for now. The reason given: {reason}")


def _role(rater: Rater) -> Role:
    return next(role for role in ROLES if role == rater.role)  # the table allows no other


def _article(role: Role) -> str:
    return f"an {role}" if role == "administrator" else f"a {role}"
