"""What administrators see of each rater's answers."""

import pytest
from scipy.stats import beta
from sqlalchemy import Engine, event
from sqlmodel import Session

from argtree.reliability import STRANGER
from store import roles
from store.errors import NotAllowedError
from store.graphs import save_graph
from store.queue import AnswerKind, next_question, submit_answer
from store.ranking import rerank
from store.raters import get_rater
from store.records import Record, list_records
from store.tables import Rater
from tests.store.factories import NOW, flat_graph, later, priors_only


def _rater(session: Session, name: str, vouched: bool) -> Rater:
    rater = get_rater(session, name, NOW)
    rater.vouched = vouched
    session.flush()
    return rater


def _say(session: Session, rater: Rater, kind: AnswerKind, share: float = 0.0) -> None:
    leased = next_question(session, rater, NOW, gold_share=share)
    assert leased is not None and leased.is_gold == (share > 0)
    submit_answer(session, leased.token, rater, kind, None, later(9))


def _records(session: Session) -> dict[str, Record]:
    return {one.standing.name: one for one in list_records(session, None)}


@pytest.fixture
def new(session: Session) -> Rater:
    """A stranger who answered three gold questions, of which one wrong and one not at all."""
    save_graph(session, flat_graph(9), NOW)
    rerank(session, priors_only, NOW)
    owner = _rater(session, "Owner", vouched=True)
    for _ in range(3):
        _say(session, owner, "yes")
    new = _rater(session, "New", vouched=False)
    for kind in ("yes", "no", "cannot_say"):
        _say(session, new, kind, share=1.0)  # type: ignore[arg-type]
    return new


def test_a_record_has_reliability_with_an_interval_and_gold_questions(session: Session, new: Rater) -> None:
    records = _records(session)
    shown = records["New"]
    assert shown.sensitivity is not None
    of_beta_5_3 = beta(5, 3).ppf([0.05, 0.95]).tolist()  # one of two right, on top of a stranger's
    assert [shown.sensitivity.low, shown.sensitivity.high] == pytest.approx(of_beta_5_3, abs=0.02)
    assert shown.specificity is not None and shown.specificity.mean == pytest.approx(
        STRANGER.specificity.mean, abs=0.02
    )
    assert (shown.gold_answered, shown.gold_right, shown.is_believed, shown.is_dismissed) == (2, 1, False, False)
    assert new.vouched is False


def test_of_who_was_not_tried_nothing_is_known(session: Session, new: Rater) -> None:
    owner = _records(session)["Owner"]
    assert (owner.sensitivity, owner.specificity, owner.gold_answered, owner.is_believed) == (None, None, 0, True)
    roles.set_role(session, new, "reviewer", None)
    assert _records(session)["New"].is_believed


def test_dismissed_answers_show_and_tell_nothing_until_they_count_again(session: Session, new: Rater) -> None:
    roles.pause(session, new, "Guessing.", None, NOW, dismiss_answers=True)
    shown = _records(session)["New"]
    assert shown.is_dismissed and shown.gold_answered == 0
    roles.resume(session, new, None)
    assert _records(session)["New"].is_dismissed
    roles.count_again(session, new, "", None, NOW)
    shown = _records(session)["New"]
    assert not shown.is_dismissed and (shown.gold_answered, shown.gold_right) == (2, 1)


def test_more_raters_need_no_more_queries(engine: Engine, session: Session, new: Rater) -> None:
    def count() -> int:
        session.expire_all()
        said: list[str] = []

        def hear(*given: object) -> None:
            said.append(str(given[2]))

        event.listen(engine, "before_cursor_execute", hear)
        list_records(session, None)
        event.remove(engine, "before_cursor_execute", hear)
        return len(said)

    before = count()
    for number in range(30):
        _rater(session, f"R{number}", vouched=False)
    session.commit()
    assert count() <= before < 12


def test_records_are_for_administrators(session: Session, new: Rater) -> None:
    with pytest.raises(NotAllowedError, match="Only an administrator"):
        list_records(session, new)
