"""What is known of each rater: how reliable they are, gold questions got right, whether their answers count.

Not here: learning it (`store.trust`), and what else administrators see of raters and do about them (`store.roles`).
"""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlmodel import Session, select

from argtree.evidence import label_prob
from argtree.reliability import Beta
from store.answers import gold_answers, label_likelihoods
from store.dismissals import dismissed_raters
from store.reliabilities import is_vouched, learnt
from store.roles import Standing, list_raters
from store.tables import Rater

_LEVEL = 0.9  # of an interval


@dataclass(frozen=True)
class Estimate:
    """An unknown probability: its mean, and what it lies between with 90 %, 5 % being below and 5 % above."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True)
class Record:
    """What a rater's answers have shown."""

    standing: Standing
    sensitivity: Estimate | None  # P(says yes | claim true); None: nothing was learnt yet
    specificity: Estimate | None  # P(says no | claim false)
    gold_answered: int  # answers to gold questions that are kept and took a side
    gold_right: int  # of these, on the side of the claim's label
    is_believed: bool  # from the first, and not checked: vouched for, or by their role
    is_dismissed: bool  # their answers up to some moment don't count


def list_records(session: Session, by: Rater | None) -> list[Record]:
    """Returns everybody's, by name, in a fixed number of queries.

    Raises:
        NotAllowedError: by is no administrator.
    """
    standings = list_raters(session, by)
    raters = {rater.name: rater for rater in session.exec(select(Rater))}
    known, gold, dismissed = learnt(session), _gold(session), dismissed_raters(session)
    found = []
    for standing in standings:
        rater = raters[standing.name]
        assert rater.id is not None
        reliability, (answered, right) = known.get(rater.id), gold.get(rater.id, (0, 0))
        found.append(
            Record(
                standing=standing,
                sensitivity=None if reliability is None else _estimate(reliability.sensitivity),
                specificity=None if reliability is None else _estimate(reliability.specificity),
                gold_answered=answered,
                gold_right=right,
                is_believed=is_vouched(rater),
                is_dismissed=rater.id in dismissed,
            )
        )
    return found


def _estimate(beta: Beta) -> Estimate:
    return Estimate(beta.mean, beta.quantile((1 - _LEVEL) / 2), beta.quantile((1 + _LEVEL) / 2))


def _gold(session: Session) -> Mapping[int, tuple[int, int]]:
    """Returns how many gold questions each rater's id answered, and how many of these right."""
    rows = gold_answers(session)
    labels = label_likelihoods(session, {row.claim_id for row in rows})
    found: dict[int, tuple[int, int]] = {}
    for claim_id, rater_id, prob, _ in rows:
        if claim_id in labels and prob != 0.5:
            answered, right = found.get(rater_id, (0, 0))
            is_right = (prob > 0.5) == (label_prob(*labels[claim_id]) > 0.5)
            found[rater_id] = answered + 1, right + is_right
    return found
