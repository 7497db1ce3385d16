"""Learning whom to believe: reliabilities from agreement and gold questions, and pausing who turns out to be no good.

All reliabilities are worked out together (Dawid and Skene's model, `argtree.crowd`) once a tenth more answers have
come; between two such fits an answer to a gold question moves its own rater's (`argtree.reliability.heard`), and goes
on doing so until the next fit if it is taken back. Only answers about claims of which something else is known, another
rater's answer or an override, tell anything of their rater.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import numpy as np
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, col, delete, func, or_, select

from argtree.answers import gather
from argtree.checks import reasons_to_pause
from argtree.compiled import FloatArray
from argtree.crowd import Crowd, fit_crowd
from argtree.evidence import is_settled, label_prob
from argtree.reliability import VOUCHED, RaterReliability, heard
from store.answers import (
    Said,
    answers_by_claim,
    is_kept,
    override_likelihood,
    overrides,
    said_likelihood,
)
from store.claims import known
from store.columns import column, columns
from store.locks import Turn, take_turn
from store.reliabilities import is_vouched, reliabilities, reliability_of
from store.roles import pause
from store.tables import Answer, Fit, Override, Rater, Trust

LOOKED_AT = 100
"""Of a rater's answers the newest so many are looked at for reasons to pause them."""

_MORE_ANSWERS = 20  # and a tenth of those there were: then all are fitted again


def hear(session: Session, rater_id: int, answer: Answer, now: datetime) -> None:
    """Takes in what an answer to a gold question tells of its rater; the caller's scope commits."""
    if not answer.is_gold or answer.claim_id is None or answer.prob is None:
        return
    claim_prob = _others_say(session, rater_id, [answer.claim_id]).get(answer.claim_id)
    if claim_prob is not None:
        _write(session, {rater_id: heard(reliability_of(session, rater_id), answer.prob, claim_prob)}, now)


def check(session: Session, rater_id: int, now: datetime) -> None:
    """Pauses a rater whose gold answers, or haste, give reason to. Commits.

    They are told why, and their answers so far no longer count. Nobody is checked for whom whoever runs the desk
    vouches. Whether answers follow a pattern can only be told by the rest of the crowd: see `fit`.
    """
    if (rater := _checkable(session, rater_id)) is not None:
        seconds = _seconds(session, rater_id)
        _pause(session, rater, reasons_to_pause(reliability_of(session, rater_id), seconds=seconds), now)
    session.commit()


def fit_if_due(session: Session, now: datetime) -> None:
    """Works out all reliabilities anew if enough answers have come since the last time. Commits."""
    last = session.exec(select(func.max(Fit.through_id))).one() or 0
    newest = session.exec(select(func.max(Answer.id))).one() or 0
    session.commit()
    if newest >= last + last // 10 + _MORE_ANSWERS:
        fit(session, now)


def fit(session: Session, now: datetime) -> Crowd:
    """Returns what the answers tell of all raters and of the claims that several answered. Commits.

    Who then turns out to be no good is paused, as in `check`, and the rest worked out without them.
    """
    while True:
        crowd = _fit(session, now)
        without_own = crowd.prob_without_own()
        if not any([_look(session, crowd, without_own, row, now) for row in range(len(crowd.answers.raters))]):
            return crowd


def _fit(session: Session, now: datetime) -> Crowd:
    """Does as `fit` without pausing anybody; what another fit wrote down meanwhile stays."""
    newest = session.exec(select(func.max(Answer.id))).one() or 0
    known_truth = {
        str(claim_id): one.prob > 0.5
        for claim_id, one in overrides(session).items()
        if one.prob is not None and is_settled(one.prob)
    }
    vouched = {str(rater.id): VOUCHED for rater in session.exec(select(Rater)) if is_vouched(rater)}
    said, before = gather(_comparable(session)), session.exec(select(func.max(Fit.id))).one()
    session.commit()  # nobody need wait while this is worked out
    crowd = fit_crowd(said, gold=known_truth, vouched=vouched)
    take_turn(session, Turn.TRUST)
    if session.exec(select(func.max(Fit.id))).one() == before:
        found = {int(rater): reliability for rater, reliability in crowd.raters.items()}
        session.exec(delete(Trust).where(col(Trust.rater_id).not_in(sorted(found))))
        _write(session, found, now)
        session.add(Fit(through_id=newest, fitted_at=now))
    session.commit()
    return crowd


def _look(session: Session, crowd: Crowd, without_own: FloatArray, row: int, now: datetime) -> bool:
    """Says whether a rater of the crowd gave reason to pause them, who then is.

    Args:
        without_own: of each answer, see `Crowd.prob_without_own`.
        row: of the rater.
    """
    rater = _checkable(session, int(crowd.answers.raters[row]))
    if rater is None:
        return False
    own = np.flatnonzero(crowd.answers.rater == row)[-LOOKED_AT:]
    reasons = reasons_to_pause(
        crowd.raters[crowd.answers.raters[row]],
        crowd.answers.prob[own].tolist(),
        without_own[own].tolist(),
        _seconds(session, known(rater.id)),
    )
    return _pause(session, rater, reasons, now)


def _checkable(session: Session, rater_id: int) -> Rater | None:
    """Returns a rater for whom nobody vouches and who is not paused, None for others."""
    rater = session.exec(select(Rater).where(Rater.id == rater_id)).one()
    return None if is_vouched(rater) or rater.paused_at is not None else rater


def _pause(session: Session, rater: Rater, reasons: Sequence[str], now: datetime) -> bool:
    if reasons:
        session.commit()  # the pause takes its turn before it locks anything
        pause(session, rater, " ".join(reasons), None, now, dismiss_answers=True)
    return bool(reasons)


def _seconds(session: Session, rater_id: int) -> list[float]:
    """Returns how long a rater's newest answers took."""
    timed = select(Answer.seconds).where(Answer.rater_id == rater_id, col(Answer.seconds).is_not(None), is_kept())
    newest = session.exec(timed.order_by(col(Answer.id).desc()).limit(LOOKED_AT))
    return [one for one in newest if one is not None]


def _comparable(session: Session) -> Iterable[tuple[str, str, float]]:
    """Returns (claim, rater, stated probability) of the answers to claims of which something else is known."""
    fits = (column(Answer, "prob").is_not(None), is_kept())
    several = select(col(Answer.claim_id)).where(*fits).group_by(col(Answer.claim_id))
    several = several.having(func.count(func.distinct(Answer.rater_id)) > 1)
    said = columns(Answer, "claim_id", "rater_id", "prob", order=("id",)).where(*fits)
    about = column(Answer, "claim_id")
    rows = session.execute(said.where(or_(about.in_(several), about.in_(select(col(Override.claim_id))))))
    return [(str(claim_id), str(rater_id), prob) for claim_id, rater_id, prob in rows]


def _others_say(session: Session, rater_id: int, claim_ids: Iterable[int]) -> dict[int, float]:
    """Returns P(claim) by what everybody but a rater says, for the claims of which somebody says something."""
    wanted = set(claim_ids)
    others: dict[int, list[Said]] = {
        claim_id: [one for one in said if one.rater_id != rater_id]
        for claim_id, said in answers_by_claim(session, wanted).items()
    }
    trusted = reliabilities(session, {one.rater_id for said in others.values() for one in said})
    found = {claim_id: label_prob(*said_likelihood(said, trusted)) for claim_id, said in others.items() if said}
    for claim_id, one in overrides(session, wanted).items():
        if one.prob is not None:
            found[claim_id] = label_prob(*override_likelihood(one.prob))
    return found


def _write(session: Session, found: Mapping[int, RaterReliability], now: datetime) -> None:
    # One statement each, as a fit and an answer may write at once.
    insert: Any = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
    for rater_id, reliability in sorted(found.items()):
        sensitivity, specificity = reliability.sensitivity, reliability.specificity
        learnt = {
            "sensitivity_hits": sensitivity.hits,
            "sensitivity_misses": sensitivity.misses,
            "specificity_hits": specificity.hits,
            "specificity_misses": specificity.misses,
            "learnt_at": now,
        }
        row = insert(Trust).values(rater_id=rater_id, **learnt)
        session.execute(row.on_conflict_do_update(index_elements=["rater_id"], set_=learnt))
