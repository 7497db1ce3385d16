"""The desk's pages against real stores, without a browser."""

from datetime import timedelta
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from argtree.propagate import propagate
from oracle_ui import sitting
from oracle_ui.reading import read
from store.claims import get_claim, known, record_belief
from store.database import open_store, session_scope
from store.posed import list_posed, pose, settle_posed
from store.queue import next_question, submit_answer
from store.raters import get_rater
from store.shown import note_shown
from tests.hostile import ALL
from tests.oracle_ui.conftest import Open
from tests.oracle_ui.factories import NOW, QUESTIONS

PAGES = ("ask", "trees", "claim", "what_if", "progress", "dataset")


def answer_all(url: str, name: str = "Ada") -> None:
    """Ada answers the three leaves, half a minute for each."""
    engine = open_store(url)
    with session_scope(engine) as session:
        ada = get_rater(session, name, NOW)
        for number, kind in enumerate(("yes", "no", "cannot_say")):
            at = NOW + timedelta(seconds=30 * number)
            leased = next_question(session, ada, at)
            assert leased is not None
            submit_answer(session, leased.token, ada, kind, None, at, f"Note {number}.")  # type: ignore[arg-type]
    engine.dispose()


def shown(desk: AppTest) -> str:
    """All HTML of the page, its clickable parts too."""
    assert not desk.exception
    parts = [block.body for block in desk.html if "<style>" not in block.body]
    parts += [element.proto.mixed.json or element.proto.json for element in desk.get("bidi_component")]
    return "\n".join(parts).replace("\u00a0", " ")


@pytest.mark.parametrize("page", PAGES)
def test_every_page_says_what_to_do_with_an_empty_store(open_desk: Open, empty_url: str, page: str) -> None:
    open_store(empty_url).dispose()
    assert "desk-empty" in shown(open_desk(empty_url, page))


@pytest.mark.parametrize("page", PAGES)
def test_a_missing_store_is_a_sentence_on_every_page(open_desk: Open, tmp_path: Path, page: str) -> None:
    assert "There is no store" in shown(open_desk(str(tmp_path / "none.db"), page))


def test_an_answer_taken_back_is_on_no_page(open_desk: Open, store_url: str) -> None:
    answer_all(store_url)
    before = [one.kind for one in read(store_url).given]
    sitting.take_back(store_url, "Ada", NOW + timedelta(seconds=90), propagate)
    assert before == ["yes", "no", "cannot_say"] and [one.kind for one in read(store_url).given] == before[:2]
    assert "2 answers" in shown(open_desk(store_url, "trees"))


def test_trees_lists_every_question_and_draws_the_tree_of_one(open_desk: Open, store_url: str) -> None:
    answer_all(store_url)
    overview = shown(open_desk(store_url, "trees"))
    assert all(question in overview for question in QUESTIONS.values()) and "1 answered" in overview
    tree = shown(open_desk(store_url, "trees", root="r"))
    assert QUESTIONS["r"] in tree and "desk-course" in tree and "Nails cut jelly." in tree and "<svg" in tree
    assert 'href="claim?key=s"' in tree.replace('\\"', '"')


def test_a_claim_that_a_stranger_is_asked_about_keeps_what_is_known_of_it(open_desk: Open, store_url: str) -> None:
    engine = open_store(store_url)
    with session_scope(engine) as session:
        answered = next_question(session, get_rater(session, "Owner", NOW), NOW)
        assert answered is not None and answered.claim is not None
        submit_answer(session, answered.token, get_rater(session, "Owner", NOW), "yes", None, NOW)
        ada = get_rater(session, "Ada", NOW)
        ada.vouched = False
        leased = next_question(session, ada, NOW, gold_share=1.0)
        assert leased is not None and leased.is_gold
    engine.dispose()
    page = shown(open_desk(store_url, "claim", key=answered.claim))
    assert answered.text in page and "You are being asked" in page and "Owner" not in page and "Label" not in page
    assert "You are being asked" not in shown(open_desk(store_url, "claim", key="r"))


def test_a_claims_page_has_all_that_is_known_of_it(open_desk: Open, store_url: str) -> None:
    answer_all(store_url)
    page = shown(open_desk(store_url, "claim", key="p"))
    assert "Nails are sharp." in page and QUESTIONS["r"] in page and QUESTIONS["g"] in page
    assert "Ada" in page and "Note " in page and "imported" in page
    assert "strength 0.80" in shown(open_desk(store_url, "claim", key="r"))
    assert "no such claim" in shown(open_desk(store_url, "claim", key="elsewhere"))


def test_a_claims_page_names_what_was_shown_with_a_belief_and_before_arguments(open_desk: Open, store_url: str) -> None:
    engine = open_store(store_url)
    with session_scope(engine) as session:
        claim = get_claim(session, "s")
        belief = record_belief(session, claim, "some model", "direct", 0.25, 2.0, NOW)
        note_shown(session, known(claim.id), belief.id, [("Nails are sharp.", False)], [], "some model", NOW)
        for text in ALL:
            note_shown(session, known(claim.id), None, [], [(f"{text}.md", 7, text)], "some model", NOW)
    engine.dispose()
    page = shown(open_desk(store_url, "claim", key="s"))
    assert "Shown with it" in page and "settled as false" in page and "claim?key=p" in page
    assert page.count("line 7") == len(ALL) and "<script" not in page


def test_what_if_moves_the_roots_and_stores_nothing(open_desk: Open, store_url: str) -> None:
    desk = open_desk(store_url, "what_if", true="h")
    assert desk.multiselect(key="held_true").value == ["h"] and "1 question would move" in shown(desk)
    desk.multiselect(key="held_false").set_value(["p"]).run()
    assert "2 questions would move" in shown(desk)
    desk.multiselect(key="held_true").set_value(["h", "p"]).run()
    assert "both true and false" in shown(desk)
    assert "Nobody has answered" in shown(open_desk(store_url, "progress"))


def test_a_question_is_posed_and_its_fate_shown(open_desk: Open, store_url: str) -> None:
    desk = open_desk(store_url, "ask")
    desk.text_area(key="posed_text").set_value("Does jelly bounce?")
    assert "waiting" in shown(desk.button[0].click().run()) and desk.text_area(key="posed_text").value == ""
    engine = open_store(store_url)
    with session_scope(engine) as session:
        (posed,) = list_posed(session)
        assert (posed.text, posed.asked_by) == ("Does jelly bounce?", "Ada")
        settle_posed(session, posed.id, NOW, refusal="The model knows nothing of bouncing.")
        settle_posed(session, pose(session, "Nails?", "Ben", NOW).id, NOW, root="r")
    engine.dispose()
    page = shown(desk.run())
    assert "knows nothing of bouncing" in page and "being explored" in page and "5 claims" not in page


def test_an_empty_question_is_refused_with_a_sentence(open_desk: Open, store_url: str) -> None:
    desk = open_desk(store_url, "ask")
    assert "is empty" in shown(desk.button[0].click().run())


def test_progress_shows_what_came_of_the_answers(open_desk: Open, store_url: str) -> None:
    answer_all(store_url)
    page = shown(open_desk(store_url, "progress"))
    assert (
        "by 1 rater" in page and "30&nbsp;s" in page and "Together they took" in page and "two raters' answers" in page
    )


def test_the_dataset_is_counted_previewed_and_given(open_desk: Open, store_url: str) -> None:
    answer_all(store_url)
    desk = open_desk(store_url, "dataset")
    assert "beliefs" in shown(desk) and "desk-counts" in shown(desk)
    assert "Nails" in shown(desk).partition('class="desk-records"')[2]


def test_a_raters_answers_are_dismissed_and_count_again(open_desk: Open, store_url: str) -> None:
    answer_all(store_url, "Ben")
    desk = open_desk(store_url, "raters", "administrator")
    desk.selectbox(key="changed_rater").set_value("Ben").run()
    desk.text_input(key="pause_reason").set_value("Guessed.")
    desk.checkbox(key="pause_dismiss").check()
    assert "answers dismissed" in shown(_press(desk, "Pause")) and not read(store_url).given
    assert "Guessed." not in shown(_press(desk, "Let them answer again")) and not read(store_url).given
    assert "answers dismissed" not in shown(_press(desk, "Count their answers again"))
    assert len(read(store_url).given) == 3


def _press(desk: AppTest, label: str) -> AppTest:
    return next(button for button in desk.button if button.label == label).click().run()
