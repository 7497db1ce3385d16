"""Which beliefs are judged by which labels."""

import pytest
from sqlmodel import Session

from argtree.coherence import START_WEIGHT
from store.claims import add_argument, add_claim, believed_plain, get_claim, known, record_belief, set_priors
from store.corrections import override
from store.direct import direct_weight, freeze, frozen, set_direct_weight
from store.graphs import load_graph
from store.queue import next_question, submit_answer
from store.raters import get_rater
from store.settled import newest_word, settled_beliefs
from store.tables import Claim
from tests.store.factories import NOW, fill_queue, flat_graph, later


def _answer(session: Session, name: str, said: str, times: int = 1) -> list[str]:
    """Answers the best questions; the keys of what they are about."""
    rater, keys = get_rater(session, name, NOW), []
    for _ in range(times):
        leased = next_question(session, rater, NOW)
        assert leased is not None and leased.claim is not None
        keys.append(leased.claim)
        submit_answer(session, leased.token, rater, said, None, later(10))
    return keys


def _believe(session: Session, key: str, mean: float, at: float = 0, generation: str = "m") -> None:
    record_belief(session, get_claim(session, key), generation, "direct", mean, 5.0, later(at))


def test_last_belief_from_before_the_first_answer_counts(session: Session) -> None:
    fill_queue(session, flat_graph(3))
    for at, mean in ((0, 0.1), (5, 0.2), (20, 0.9)):
        for key in ("p0", "p1", "p2"):
            _believe(session, key, mean, at)
    _believe(session, "p0", 0.7, 0, "other")
    first, second = _answer(session, "Ada", "yes", 2)
    found = settled_beliefs(session)
    assert {(one.key, one.belief, one.truth) for one in found["m"]} == {(first, 0.2, True), (second, 0.2, True)}
    assert [one.key for one in found.get("other", [])] == [key for key in (first, second) if key == "p0"]
    assert newest_word(session) == 2


def test_what_only_a_program_answered_is_marked(session: Session) -> None:
    fill_queue(session, flat_graph(2))
    for key in ("p0", "p1"):
        _believe(session, key, 0.5)
    (by_program,), (by_ada,) = _answer(session, "robot", "no"), _answer(session, "Ada", "no")
    found = {one.key: one for one in settled_beliefs(session, {"robot"})["m"]}
    assert found[by_program].is_simulated and not found[by_ada].is_simulated
    assert not found[by_ada].truth


def test_unsettled_labels_judge_nothing(session: Session) -> None:
    fill_queue(session, flat_graph(1))
    _believe(session, "p0", 0.5)
    rater = get_rater(session, "Ada", NOW)
    leased = next_question(session, rater, NOW)
    assert leased is not None
    submit_answer(session, leased.token, rater, "probability", 0.6, later(10))
    assert settled_beliefs(session) == {}


def test_priors_that_a_calibration_may_move(session: Session) -> None:
    fill_queue(session, flat_graph(4))
    for key in ("p0", "p1", "p2", "r"):
        _believe(session, key, 0.5)
    _believe(session, "p2", 0.4, 1, "other")
    (answered,) = _answer(session, "Ada", "yes")
    ids = {key: get_claim(session, key).id for key in ("p0", "p1")}
    found = believed_plain(session, "m")
    assert set(found) == {one for key, one in ids.items() if key != answered}  # "r" is argued, "p2" another's belief
    set_priors(session, {one: 0.25 for one in found})
    assert believed_plain(session, "m") == {one: (0.25, 0.5) for one in found}
    with pytest.raises(ValueError, match="prior must be in"):
        set_priors(session, {1: 1.5})


def _argued(session: Session) -> Claim:
    root, premise = add_claim(session, "Root.", 0.4, NOW), add_claim(session, "Premise.", 0.5, NOW)
    add_argument(session, root, "support", 0.5, [(premise, True)], "m", NOW)
    return root


def test_what_is_frozen_is_the_first_belief_and_stays(session: Session) -> None:
    root = _argued(session)
    freeze(session, {known(root.id): 0.3}, NOW)
    assert not frozen(session)  # nobody believed anything
    _believe(session, root.key, 0.8)
    _believe(session, root.key, 0.1, 5)
    freeze(session, {known(root.id): 0.3}, NOW)
    freeze(session, {known(root.id): 0.9}, NOW)
    kept = frozen(session)[root.key]
    assert (kept.belief, kept.marginal) == (0.8, 0.3)


def test_direct_beliefs_enter_the_graph_as_far_as_they_count_and_are_no_answers(session: Session) -> None:
    root = _argued(session)
    _believe(session, root.key, 0.8)
    freeze(session, {known(root.id): 0.2}, NOW)
    if_false, if_true = load_graph(session).direct_beliefs[root.key]
    assert if_true / if_false == pytest.approx(4.0) and direct_weight(session) == START_WEIGHT == 0.5
    set_direct_weight(session, 0.0, 40, NOW)
    assert load_graph(session).direct_beliefs == {}
    set_direct_weight(session, 1.0, 40, NOW)
    graph = load_graph(session)
    if_false, if_true = graph.direct_beliefs[root.key]
    assert if_true / if_false == pytest.approx(16.0) and graph.evidence == {}
    set_direct_weight(session, 0.5, 50, NOW)
    if_false, if_true = load_graph(session).direct_beliefs[root.key]
    assert if_true / if_false == pytest.approx(4.0) and direct_weight(session) == 0.5


def test_reviewers_label_counts_as_a_persons(session: Session) -> None:
    fill_queue(session, flat_graph(1))
    _believe(session, "p0", 0.5)
    boss = get_rater(session, "Boss", NOW)
    boss.role = "reviewer"
    override(session, get_claim(session, "p0"), 1.0, boss, later(10))
    (one,) = settled_beliefs(session, {"robot"})["m"]
    assert one.truth and not one.is_simulated and newest_word(session) == 1
