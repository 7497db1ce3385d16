"""Second thoughts: a rater takes back their last answer, an administrator sets a claim's label. Functions commit.

Nothing is changed or deleted: a row is appended that says so, and `store.answers` makes readers follow it.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta

from sqlmodel import Session, col, select

from store.answers import label_of
from store.claims import get_claim, known
from store.drafts import Typed, keep
from store.errors import TooLateError
from store.outbox import note_label
from store.places import lock_question, lock_rater, settle
from store.queue import LeasedQuestion, lease_again
from store.roles import require, require_not_paused
from store.tables import Answer, Claim, Override, Question, Rater, Retraction
from store.texts import storable

TAKE_BACK_SECONDS = 600.0
"""How long after an answer, or a comparison, its rater may take it back."""


def last_answer(session: Session, rater: Rater, now: datetime) -> Answer | None:
    """Returns the answer that the rater can take back now, None if there is none."""
    newest = _newest(session, known(rater.id))
    if newest is None or _is_late(newest, now) or _retraction(session, newest) is not None:
        return None
    return newest


def take_back(session: Session, rater: Rater, now: datetime, reason: str = "") -> LeasedQuestion | None:
    """Returns the question of the rater's last answer, which they took back and now hold again. Commits.

    The question is open again, and what they had said is kept as a draft of theirs. Taking back twice is taking back
    once: the answer before stays. A flag that the answer went along with is taken back too. None where they took back
    that they can't say and others have the question by now, or others' flags hold it.

    Raises:
        TooLateError: there is no answer, or it is older than TAKE_BACK_SECONDS. Nothing is changed.
        PausedError: an administrator has paused the rater. Nothing is changed.
    """
    require_not_paused(session, rater)
    rater_id = known(rater.id)
    lock_rater(session, rater_id)
    newest = _newest(session, rater_id)
    if newest is None:
        raise TooLateError("You have not answered anything yet, so there is nothing to take back.")
    question = lock_question(session, newest.question_id)
    assert question is not None
    if _retraction(session, newest) is None:
        if _is_late(newest, now):
            raise TooLateError(
                f"An answer can be taken back for {TAKE_BACK_SECONDS / 60:.0f} minutes, and your last one is older: "
                "ask an administrator to set it right."
            )
        retraction = Retraction(
            answer_id=known(newest.id), rater_id=rater_id, reason=storable(reason), retracted_at=now
        )
        session.add(retraction)
        settle(session, question, now)
        number = None if newest.number is None or newest.sd is None else (newest.number, newest.sd)
        prob = newest.prob if newest.kind == "probability" else None
        typed = Typed(newest.kind, prob, number, newest.note, newest.source)
        keep(session, rater_id, newest.question_id, typed, now)
    leased = lease_again(session, newest, question, now)
    session.commit()
    return leased


def override(session: Session, claim: Claim, prob: float | None, by: Rater, now: datetime, note: str = "") -> Override:
    """Returns the row that sets a claim's label, whatever raters said, and closes its question. Commits.

    Args:
        prob: what P(claim) is from now on taken to be, in [0, 1]; None lets the answers count again.
        by: a reviewer or administrator.

    Raises:
        NotAllowedError: by is neither, or paused.
        ValueError: prob is no probability.
    """
    return override_all(session, {claim.key: prob}, by, now, note)[0]


def override_all(
    session: Session, probs: Mapping[str, float | None], by: Rater, now: datetime, note: str = ""
) -> list[Override]:
    """Returns the rows that set several claims' labels, as `override` each, all or none. Commits.

    Args:
        session: of the store.
        probs: what P(claim) is taken to be, by the claim's key; None lets its answers count again.
        by: a reviewer or administrator.
        now: the time.
        note: goes with each.

    Raises:
        NotAllowedError: by is neither, or paused. Nothing is changed.
        ValueError: a probability is none. Nothing is changed.
        StoreError: a claim is not in the store. Nothing is changed.
    """
    require(by, "reviewer")
    for prob in probs.values():
        if prob is not None and not 0 <= prob <= 1:  # NaN too
            raise ValueError(f"A probability must be a number in [0, 1], got {prob!r}.")
    claim_ids = {known(get_claim(session, key).id): prob for key, prob in probs.items()}
    asked = select(Question.id).where(col(Question.claim_id).in_(list(claim_ids)))
    found = sorted(known(one) for one in session.exec(asked))  # in the order of ids, so that two such acts don't cross
    questions = [question for one in found if (question := lock_question(session, one)) is not None]
    not_asked = sorted(set(claim_ids) - {question.claim_id for question in questions})
    for claim_id in not_asked:  # its row keeps others from setting it meanwhile
        session.exec(select(Claim.id).where(Claim.id == claim_id).with_for_update(key_share=True)).one()
    rows = [
        Override(claim_id=one, rater_id=known(by.id), prob=prob, note=storable(note), overridden_at=now)
        for one, prob in claim_ids.items()
    ]
    session.add_all(rows)
    for question in questions:
        settle(session, question, now)
    session.flush()
    for claim_id in not_asked:
        note_label(session, claim_id, label_of(session, claim_id), now)
    session.commit()
    return rows


def _newest(session: Session, rater_id: int) -> Answer | None:
    query = select(Answer).where(Answer.rater_id == rater_id).order_by(col(Answer.id).desc()).limit(1)
    return session.exec(query).first()


def _is_late(answer: Answer, now: datetime) -> bool:
    return now > answer.answered_at + timedelta(seconds=TAKE_BACK_SECONDS)


def _retraction(session: Session, answer: Answer) -> Retraction | None:
    return session.exec(select(Retraction).where(Retraction.answer_id == answer.id)).first()
