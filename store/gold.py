"""Gold questions: questions that are settled, put once more to see how good a rater is. The rater cannot tell.

They are drawn at random from what others settled, and shown as they stood when they were first asked. Asked are those
for whom nobody vouches (`store.reliabilities`): often until half a dozen answers have shown something, then at a steady
share.
"""

import secrets
from dataclasses import dataclass

from sqlmodel import Session, col, func, literal_column, select

from argtree.evidence import is_settled, label_prob
from store.answers import is_kept, is_standing, label_likelihoods
from store.places import is_answered_by
from store.reliabilities import is_vouched
from store.tables import Answer, Question, Rater

FIRST_SHARE = 1 / 3
"""Of the questions that a rater gets before `FIRST_COUNT` gold ones were answered, so many are gold."""

FIRST_COUNT = 6
STEADY_SHARE = 1 / 10
"""Afterwards so many are."""

_TRIED = 20  # questions looked at for one that is settled
_IS_ANSWERED = col(Question.status) == literal_column("'answered'")  # spelt out, as `places.IS_OPEN`


@dataclass(frozen=True)
class Gold:
    """A settled question, with what it showed when it was first asked."""

    question: Question
    value: float
    prob: float | None


def share(session: Session, rater: Rater) -> float:
    """Returns how often a rater is to be asked a gold question, in [0, 1]."""
    if is_vouched(rater):
        return 0.0
    tried = select(Answer.id).where(Answer.rater_id == rater.id, literal_column("is_gold"), is_kept())
    tried = tried.where(col(Answer.prob).is_not(None))  # who can't say has shown nothing
    return FIRST_SHARE if len(session.exec(tried.limit(FIRST_COUNT)).all()) < FIRST_COUNT else STEADY_SHARE


def is_due(share_wanted: float) -> bool:
    """Says by chance, which nobody can foresee, whether the next question is a gold one."""
    return secrets.randbelow(2**32) < share_wanted * 2**32


def draw(session: Session, rater_id: int) -> Gold | None:
    """Returns a settled claim's question that the rater has not seen, by chance; None if none was found."""
    newest = session.exec(select(func.max(Question.id)).where(_IS_ANSWERED)).one()
    if newest is None:
        return None
    begin = 1 + secrets.randbelow(newest)
    unseen = select(Question).where(_IS_ANSWERED, col(Question.claim_id).is_not(None), ~is_answered_by(rater_id))
    for part in (col(Question.id) >= begin, col(Question.id) < begin):
        found = session.exec(unseen.where(part).order_by(col(Question.id)).limit(_TRIED)).all()
        labels = label_likelihoods(session, [one.claim_id for one in found if one.claim_id is not None])
        for question in found:
            if question.claim_id in labels and is_settled(label_prob(*labels[question.claim_id])):
                return _as_first_asked(session, question)
    return None


def _as_first_asked(session: Session, question: Question) -> Gold:
    first = select(Answer.value_when_asked, Answer.prob_before).where(Answer.question_id == question.id, is_standing())
    shown = session.exec(first.order_by(col(Answer.id)).limit(1)).first()
    return Gold(question, *(shown or (question.value, question.prob)))
