"""The reviewers' page against real stores, without a browser."""

from datetime import timedelta

import pytest
from sqlmodel import select
from streamlit.testing.v1 import AppTest

import oracle_ui.desk.review
from oracle_ui.desk.review import _file
from oracle_ui.reading import read
from oracle_ui.serve import STORE_VARIABLE
from store.claims import get_claim
from store.corrections import override
from store.database import open_store, session_scope
from store.flags import flag
from store.queue import AnswerKind, next_question, submit_answer
from store.raters import get_rater
from store.tables import Question
from tests.hostile import HOSTILE
from tests.oracle_ui.conftest import Open
from tests.oracle_ui.factories import LEAVES, NOW, fill, hostile_graph, sit_down
from tests.oracle_ui.test_desk import shown

CLAIMS = dict(zip("hpt", LEAVES, strict=True))


def disagree(url: str, *, note: str = "", claims: int = 3) -> None:
    """Ben says yes to so many claims, Cis then no, and they flag what is left."""
    engine = open_store(url)
    with session_scope(engine) as session:
        for question in session.exec(select(Question)):
            question.wanted = 2
        session.commit()
        kinds: tuple[tuple[str, AnswerKind], ...] = (("Ben", "yes"), ("Cis", "no"))
        for number, (name, kind) in enumerate(kinds * claims):
            rater, at = get_rater(session, name, NOW), NOW + timedelta(seconds=30 * number)
            leased = next_question(session, rater, at, gold_share=0.0)
            assert leased is not None
            submit_answer(
                session, leased.token, rater, kind, None, at, note or f"{name}'s note.", source="https://a.b/"
            )
        for name in ("Ben", "Cis"):
            rater = get_rater(session, name, NOW)
            if (leased := next_question(session, rater, NOW, gold_share=0.0)) is not None:
                flag(session, leased.token, rater, "harmful", NOW + timedelta(hours=1), note or "Not nice.")
    engine.dispose()


def open_review(open_desk: Open, url: str, part: str | None = None) -> AppTest:
    desk = open_desk(url, "review", "reviewer")
    return desk if part is None else desk.segmented_control(key="review_part").set_value(part).run()


def press(desk: AppTest, label: str, number: int = 0) -> AppTest:
    return [button for button in desk.button if button.label == label][number].click().run()


@pytest.mark.parametrize(
    ("part", "words"), [(None, "No label is in doubt"), ("set", "No label is set"), ("flags", "No question is flagged"),
                        ("audit", "Nobody has done anything")]
)  # fmt: skip
def test_every_part_says_what_to_do_while_empty(open_desk: Open, store_url: str, part: str | None, words: str) -> None:
    assert words in shown(open_review(open_desk, store_url, part))


def test_a_disagreement_is_settled_and_left_to_the_answers_again(open_desk: Open, store_url: str) -> None:
    disagree(store_url, claims=1)
    desk = open_review(open_desk, store_url)
    page = shown(desk)
    assert "Raters stand against each other" in page and "Ben&#x27;s note." in page and "Cis&#x27;s note." in page
    assert "sensitivity 97&nbsp;%, specificity 97&nbsp;%" in page and 'href="https://a.b/"' in page and "50 %" in page
    (claim,) = read(store_url).labels
    desk.text_input(key=f"note-{claim}").set_value("Looked it up.")
    page = shown(press(desk, "It is true"))
    assert "the label is true" in page and "→" in page and "No label is in doubt" in page
    assert read(store_url).labels[claim] > 0.99
    page = shown(desk.segmented_control(key="review_part").set_value("set").run())
    assert "set to <b><bdi>true</bdi></b> by <bdi>Ada</bdi>" in page and "Looked it up." in page
    press(desk, "Leave it to the answers")
    assert read(store_url).labels[claim] == pytest.approx(0.5)


def test_a_probability_is_set(open_desk: Open, store_url: str) -> None:
    disagree(store_url, claims=1)
    desk = open_review(open_desk, store_url)
    (claim,) = read(store_url).labels
    desk.number_input(key=f"percent-{claim}").set_value(80)
    assert "the label is <bdi>" not in shown(press(desk, "Set probability"))
    assert read(store_url).labels[claim] == pytest.approx(0.8, abs=0.01)


def test_several_are_set_at_once_with_one_note(open_desk: Open, store_url: str) -> None:
    disagree(store_url)
    desk = open_review(open_desk, store_url)
    assert not [button for button in desk.button if button.label == "All are false"]
    press(desk, "Choose all shown")
    assert "3 claims chosen" in shown(desk) and "leans to neither side" in shown(press(desk, "Each as it leans"))
    desk.text_input(key="note-bulk").set_value("All wrong.")
    assert "all labels are false" in shown(press(desk, "All are false"))
    assert set(read(store_url).labels) == set(CLAIMS) and max(read(store_url).labels.values()) < 0.01
    page = shown(desk.segmented_control(key="review_part").set_value("set").run())
    assert page.count("All wrong.") == 3 and "chosen" not in page


def test_each_as_it_leans(open_desk: Open, store_url: str) -> None:
    disagree(store_url, claims=2)
    engine = open_store(store_url)
    with session_scope(engine) as session:
        dora = get_rater(session, "Dora", NOW)
        for kind in ("yes", "no"):
            leased = next_question(session, dora, NOW, gold_share=0.0)
            assert leased is not None
            submit_answer(session, leased.token, dora, "probability", 0.7 if kind == "yes" else 0.3, NOW)
    engine.dispose()
    before = read(store_url).labels
    desk = press(open_review(open_desk, store_url), "Choose all shown")
    assert "each label is as it leaned" in shown(press(desk, "Each as it leans"))
    after = read(store_url).labels
    assert sorted(round(after[key]) for key in after) == [0, 1]
    assert all((after[key] > 0.5) == (before[key] > 0.5) for key in after)


def test_a_flagged_question_is_set_aside_and_put_back(open_desk: Open, store_url: str) -> None:
    disagree(store_url, claims=2)  # which want a third rater, so they are open
    desk = open_review(open_desk, store_url, "flags")
    assert "It is harmful" in shown(desk) and "Not nice." in shown(desk) and "held: nobody is asked" in shown(desk)
    assert "set aside for good" in shown(press(desk, "Set aside for good")) and read(store_url).num_open == 2
    assert "Set aside for good ·" in shown(desk)
    assert "put back in the queue" in shown(press(desk, "Back to the queue")) and read(store_url).num_open == 3


def test_the_audit_is_filtered_and_given_as_a_table(open_desk: Open, store_url: str) -> None:
    disagree(store_url, note="=1+1")
    desk = open_review(open_desk, store_url, "audit")
    assert shown(desk).count("<b><bdi>Ben</bdi></b> <bdi>answered: yes</bdi>") == 3
    page = shown(desk.selectbox(key="audit_rater").set_value("Cis").run())
    assert page.count("answered: no") == 3 and "answered: yes" not in page
    page = shown(desk.selectbox(key="audit_claim").set_value("h").run())
    assert page.count("answered: no") == 1 and LEAVES[0] in page
    given = _file(store_url, desk.session_state["sitting"], None, None).decode("utf-8-sig").splitlines()
    assert len(given) == 7 and all(",'=1+1," in line for line in given[1:])


def test_older_events_come_by_a_button(open_desk: Open, store_url: str) -> None:
    engine = open_store(store_url)
    with session_scope(engine) as session:
        boss = get_rater(session, "Ada", NOW)
        boss.role = "reviewer"
        for number in range(60):
            override(session, get_claim(session, "h"), None, boss, NOW + timedelta(seconds=number), f"No. {number};")
    engine.dispose()
    desk = open_review(open_desk, store_url, "audit")
    assert "No. 59;" in shown(desk) and "No. 10;" in shown(desk) and "No. 9;" not in shown(desk)
    assert "No. 9;" in shown(press(desk, "Older")) and "No. 10;" not in shown(desk)
    assert "No. 59;" in shown(press(desk, "Newest"))


@pytest.mark.parametrize("text", HOSTILE[:3])
def test_texts_of_others_stay_text(open_desk: Open, empty_url: str, text: str) -> None:
    fill(empty_url, hostile_graph(text), {"r": text})
    disagree(empty_url, note=text, claims=1)
    desk = open_review(open_desk, empty_url)
    for part in ("doubt", "flags", "audit"):
        page = shown(desk.segmented_control(key="review_part").set_value(part).run())
        assert text not in page.replace("\\", "")


def test_raters_are_refused(store_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(STORE_VARIABLE, store_url)
    page = AppTest.from_file(oracle_ui.desk.review.__file__, default_timeout=60)
    page.session_state["sitting"] = sit_down(store_url, "Ben")
    assert "Only a reviewer may set labels right, and you are a rater." in shown(page.run())
