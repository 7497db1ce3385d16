"""Labels in doubt, with all that was said of them, and setting several at once."""

import pytest
from sqlmodel import Session, select

from argtree.evidence import label_prob, product_likelihood
from argtree.reliability import VOUCHED, Beta, RaterReliability
from store import trust
from store.answers import labels
from store.claims import get_claim
from store.corrections import override, override_all
from store.errors import NotAllowedError, StoreError
from store.graphs import save_graph
from store.queue import AnswerKind, next_question, submit_answer
from store.ranking import rerank
from store.raters import get_rater
from store.review import Case, list_doubtful, list_set
from store.tables import Answer, Override, Question, Rater
from tests.store.factories import NOW, flat_graph, later, priors_only


@pytest.fixture
def boss(session: Session) -> Rater:
    save_graph(session, flat_graph(4), NOW)
    rerank(session, priors_only, NOW, wanted=2)
    boss = get_rater(session, "Boss", NOW)
    boss.role = "reviewer"
    session.commit()
    return boss


def _say(session: Session, name: str, kind: AnswerKind, prob: float | None = None, share: float = 0.0) -> str:
    """Returns the key of the claim that this rater was asked about."""
    rater = get_rater(session, name, NOW)
    leased = next_question(session, rater, NOW, gold_share=share)
    assert leased is not None and leased.claim is not None and leased.is_gold == (share > 0)
    submit_answer(session, leased.token, rater, kind, prob, later(9), f"{name} says {kind}.", source="https://a.b/")
    return leased.claim


def _doubtful(session: Session, boss: Rater) -> dict[str, Case]:
    return {one.claim: one for one in list_doubtful(session, boss)[0]}


def test_raters_against_each_other_are_listed_with_all_that_they_said(session: Session, boss: Rater) -> None:
    assert list_doubtful(session, boss) == ([], 0)
    key = _say(session, "Ada", "yes")
    assert _say(session, "Ben", "no") == key
    (case,), count = list_doubtful(session, boss)
    assert (case.claim, case.text, case.doubt, case.label, count) == (key, "Premise 3.", "against", 0.5, 1)
    assert [(one.rater, one.kind, one.note, one.source) for one in case.opinions] == [
        ("Ada", "yes", "Ada says yes.", "https://a.b/"),
        ("Ben", "no", "Ben says no.", "https://a.b/"),
    ]
    assert case.opinions[0].reliability == VOUCHED.mean and case.setting is None


def test_closed_and_unsettled_is_in_doubt_and_the_worst_comes_first(session: Session, boss: Rater) -> None:
    split = _say(session, "Ada", "yes"), _say(session, "Ben", "no")
    unsettled = _say(session, "Ada", "probability", 0.7), _say(session, "Ben", "probability", 0.6)
    settled = _say(session, "Ada", "yes"), _say(session, "Ben", "yes")
    open_ = _say(session, "Ada", "probability", 0.6)
    cases, count = list_doubtful(session, boss)
    assert [(one.claim, one.doubt) for one in cases] == [(split[0], "against"), (unsettled[0], "unsettled")]
    expected = label_prob(*product_likelihood([(0.7, VOUCHED.mean), (0.6, VOUCHED.mean)]))
    assert count == 2 and cases[1].label == pytest.approx(expected)
    assert list_doubtful(session, boss, 1)[0] == cases[:1] and {settled[0], open_}.isdisjoint({split[0], unsettled[0]})


def test_gold_answers_of_believed_raters_put_a_label_in_doubt(session: Session, boss: Rater) -> None:
    key = _say(session, "Ada", "yes"), _say(session, "Eve", "yes")
    for name in ("Ben", "Cis"):
        new = get_rater(session, name, NOW)
        new.vouched = False
        trust._write(session, {new.id or 0: RaterReliability(Beta(9, 1), Beta(9, 1))}, NOW)
        assert not _doubtful(session, boss)
        _say(session, name, "no", share=1.0)
    case = _doubtful(session, boss)[key[0]]
    assert (case.doubt, [one.is_gold for one in case.opinions]) == ("gold", [False, False, True, True])
    override(session, get_claim(session, case.claim), 1.0, boss, later(20))
    assert not _doubtful(session, boss)  # the reviewer has seen them


def test_gold_answers_of_raters_nobody_believes_do_not(session: Session, boss: Rater) -> None:
    _say(session, "Ada", "yes"), _say(session, "Eve", "yes")
    for name in ("Ben", "Cis"):
        new = get_rater(session, name, NOW)
        new.vouched = False
        trust._write(session, {new.id or 0: RaterReliability(Beta(1, 1.5), Beta(1, 1))}, NOW)
        _say(session, name, "no", share=1.0)
    assert not _doubtful(session, boss)


def test_a_label_that_was_set_is_listed_until_it_is_lifted(session: Session, boss: Rater) -> None:
    key = _say(session, "Ada", "yes")
    _say(session, "Ben", "no")
    override(session, get_claim(session, key), 0.8, boss, later(20), "Looked it up.")
    assert not _doubtful(session, boss)
    (case,), count = list_set(session, boss)
    assert case.setting is not None and (case.setting.prob, case.setting.rater) == (0.8, "Boss") and count == 1
    assert case.setting.note == "Looked it up." and case.label == pytest.approx(0.8, abs=0.01)
    override(session, get_claim(session, key), None, boss, later(30))
    assert list_set(session, boss) == ([], 0) and key in _doubtful(session, boss)


def test_several_labels_are_set_at_once_and_close_their_questions(session: Session, boss: Rater) -> None:
    rows = override_all(session, {"p3": 1.0, "p1": 0.0, "p2": 0.3}, boss, NOW, "All known.")
    assert [(row.prob, row.note) for row in rows] == [(1.0, "All known."), (0.0, "All known."), (0.3, "All known.")]
    found = labels(session)
    assert found["p3"] > 0.99 and found["p1"] < 0.01 and found["p2"] == pytest.approx(0.3, abs=0.01)
    status = dict(session.exec(select(Question.claim_id, Question.status)).all())
    assert [status[get_claim(session, f"p{number}").id] for number in range(4)] == ["open", *["answered"] * 3]
    override_all(session, {"p3": None, "p1": None, "p2": None}, boss, NOW)
    assert labels(session) == {} and len(session.exec(select(Override)).all()) == 6


@pytest.mark.parametrize("wrong", [{"none": 1.0}, {"p2": float("nan")}, {"p2": 1.5}])
def test_several_labels_are_set_all_or_none(session: Session, boss: Rater, wrong: dict[str, float]) -> None:
    with pytest.raises((StoreError, ValueError), match="no claim 'none'|probability must be"):
        override_all(session, {"p3": 1.0, **wrong}, boss, NOW)
    session.commit()
    assert labels(session) == {} and not session.exec(select(Override)).all()


def test_review_is_for_reviewers(session: Session, boss: Rater) -> None:
    ada = get_rater(session, "Ada", NOW)
    acts = (list_doubtful, list_set, lambda session, by: override_all(session, {"p3": 1.0}, by, NOW))
    for act in acts:
        with pytest.raises(NotAllowedError, match="Only a reviewer may set labels right, and you are a rater"):
            act(session, ada)
    assert not session.exec(select(Answer)).all() and list_doubtful(session, None) == ([], 0)
