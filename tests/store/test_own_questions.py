"""How many questions of a model's own there may be, and that people's stay people's."""

from sqlmodel import Session

from store.claims import add_claim, add_root, list_roots, root_claim
from store.graphs import load_graph, save_graph
from store.own_questions import ANSWERS_WAITED, MOST_OWN, OWN_WEIGHT, add_own_root, own_roots, room_for_own, take_room
from store.queue import next_question, submit_answer
from store.ranking import watermark
from store.raters import get_rater
from tests.store.factories import NOW, fill_queue, flat_graph, later


def add_own(session: Session, number: int, seconds: float) -> None:
    claim = add_claim(session, f"Own {number}.", 0.5, later(seconds))
    add_own_root(session, f"Own {number}?", claim, "bundled", later(seconds))


def answer(session: Session, count: int, seconds: float, kind: str = "yes") -> None:
    for _ in range(count):
        rater = get_rater(session, "ada", NOW)
        leased = next_question(session, rater, later(seconds))
        assert leased is not None
        submit_answer(session, leased.token, rater, kind, None, later(seconds))


def test_there_is_room_for_a_few_and_for_as_many_again_once_enough_answers_came(session: Session) -> None:
    fill_queue(session, flat_graph(2 * ANSWERS_WAITED))
    assert room_for_own(session) == MOST_OWN
    for number in range(MOST_OWN):
        add_own(session, number, number)
    assert take_room(session) == 0
    answer(session, ANSWERS_WAITED - 1, 100)
    assert room_for_own(session) == 0
    answer(session, 1, 100, "cannot_say")
    assert room_for_own(session) == 0
    answer(session, 1, 100)
    assert room_for_own(session) == MOST_OWN
    add_own(session, MOST_OWN, 200)
    assert room_for_own(session) == MOST_OWN - 1


def test_own_roots_name_who_posed_them_and_peoples_stay_theirs(session: Session) -> None:
    theirs = add_claim(session, "Honey floats.", 0.5, NOW)
    add_root(session, "Does honey float?", theirs, NOW)
    add_own_root(session, "Floats honey?", theirs, "bundled", NOW)
    add_own(session, 0, 1)
    first, second = list_roots(session)
    assert (first.question, first.weight, first.posed_by) == ("Does honey float?", 1.0, None)
    assert (second.question, second.weight, second.posed_by) == ("Own 0?", OWN_WEIGHT, "bundled")
    assert list(own_roots(session).values()) == ["bundled"]


def test_when_people_ask_too_it_is_ranked_anew_and_an_import_asks_nothing(session: Session) -> None:
    add_own(session, 0, 1)
    whole = load_graph(session)
    save_graph(session, whole, NOW)
    (root,) = list_roots(session)
    assert root.posed_by == "bundled" and root.question == "Own 0?"
    before = watermark(session)
    add_root(session, "Is it?", root_claim(session, root), NOW)
    assert watermark(session) != before and load_graph(session).roots[0].weight == 1.0
