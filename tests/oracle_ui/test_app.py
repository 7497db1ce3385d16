"""The page's widgets against a real store, without a browser."""

import os
import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlmodel import select
from streamlit.testing.v1 import AppTest

import oracle_ui.app
from argtree.graph import ArgumentGraph, Claim, Root
from argtree.propagate import propagate
from oracle_ui import entrance, sitting
from oracle_ui.guidelines import GUIDELINES_VARIABLE
from oracle_ui.serve import STORE_VARIABLE
from oracle_ui.shared import foresight
from oracle_ui.view import QuestionView
from oracle_ui.wording import FLAGS, REASONS
from store.database import open_store, read_scope, session_scope
from store.flags import Flagged, list_flags
from store.queue import LeasedQuestion, next_question
from store.raters import get_rater
from store.roles import pause
from store.tables import Answer, Evidence
from tests.oracle_ui.factories import LEAVES, QUESTIONS, fill, sit_down
from tests.store.factories import jelly_graph


@pytest.fixture
def page(store_url: str, monkeypatch: pytest.MonkeyPatch) -> AppTest:
    monkeypatch.setenv(STORE_VARIABLE, store_url)
    return _page()


def _page() -> AppTest:
    return AppTest.from_file(oracle_ui.app.__file__, default_timeout=30).run()


def _enter(page: AppTest, name: str = "Ada") -> AppTest:
    page.session_state["sitting"] = sit_down(os.environ[STORE_VARIABLE], name)
    done = page.run()
    assert not done.exception
    return done


def _press(page: AppTest, label: str) -> AppTest:
    done = next(button for button in page.button if button.label == label).click().run()
    assert not done.exception
    return done


def _skip(page: AppTest) -> AppTest:
    return _press(_press(page, "Skip"), "The question is unclear")


def _text(page: AppTest) -> str:
    assert not page.exception
    return "\n".join(block.body for block in page.html if "<style>" not in block.body).replace("\u00a0", " ")


def _asked(page: AppTest) -> str | None:
    return next((leaf for leaf in LEAVES if f'<h1 class="at-claim"><bdi>{leaf}' in _text(page)), None)


def _labels(page: AppTest) -> list[str]:
    return [button.label for button in page.button]


def _answers(url: str) -> list[Answer]:
    engine = open_store(url)
    with read_scope(engine) as session:
        answers = list(session.exec(select(Answer)))
    engine.dispose()
    return answers


def _flags(url: str) -> list[Flagged]:
    engine = open_store(url)
    with read_scope(engine) as session:
        flags = list_flags(session, None)
    engine.dispose()
    return flags


def _take_away(url: str, name: str) -> LeasedQuestion | None:
    """Lets every lease run out and gives the best question to somebody else."""
    engine = open_store(url)
    with session_scope(engine) as session:
        now = datetime.now(UTC) + timedelta(hours=1)
        leased = next_question(session, get_rater(session, name, now), now)
    engine.dispose()
    return leased


def test_a_question_shows_its_probability_its_way_up_and_what_hangs_on_it(page: AppTest) -> None:
    text = _text(_enter(page))
    assert _asked(page) and "The model gives it" in text and "If yes, “" in text
    assert QUESTIONS["r"] in text and "supports" in text or "attacks" in text


def test_every_kind_of_answer_is_stored_and_its_effect_shown(page: AppTest, store_url: str) -> None:
    _enter(page)
    page.text_input[0].set_value("I held one.")
    assert "You said <bdi>yes" in _text(_press(page, "Yes")) and "→" in _text(page) and "1 answer in" in _text(page)
    page.slider[0].set_value(70)
    assert "You said <bdi>70 %" in _text(_press(page, "Answer with this probability"))
    _press(page, "Skip")
    assert "stays open for others" in _text(_press(page, "I don't know")) and "2 answers in" in _text(page)
    stored = [(answer.kind, answer.prob, answer.note) for answer in _answers(store_url)]
    assert stored == [("yes", 1.0, "I held one."), ("probability", 0.7, ""), ("cannot_say", None, "")]


@pytest.fixture
def number_page(empty_url: str, monkeypatch: pytest.MonkeyPatch) -> AppTest:
    fill(empty_url, jelly_graph())
    monkeypatch.setenv(STORE_VARIABLE, empty_url)
    return _enter(_page())


def test_a_quantity_is_asked_for_with_its_unit(number_page: AppTest) -> None:
    text = _text(number_page)
    assert "What is the number?" in text and "The density of jelly" in text and "<bdi>g/cm³</bdi>" in text
    assert (
        "The model expects 1.08 <bdi>g/cm³</bdi>, give or take 0.089" in text and "Jelly is lighter than water." in text
    )
    assert number_page.number_input[1].value == 0.009 and "Yes" not in _labels(number_page)


def test_a_number_is_stored_and_its_effect_shown(number_page: AppTest, empty_url: str) -> None:
    number_page.number_input[0].set_value(0.9)
    number_page.number_input[1].set_value(0.02)
    text = _text(_press(number_page, "Answer with this number"))
    assert "0.9 g/cm³, give or take 0.02" in text and "→" in text and "1 answer in" in text
    (answer,) = _answers(empty_url)
    assert (answer.kind, answer.number, answer.sd, answer.prob) == ("number", 0.9, 0.02, None)
    assert "The density of jelly</bdi></h1>" not in text


def test_a_number_far_from_what_is_expected_is_asked_for_again(number_page: AppTest, empty_url: str) -> None:
    number_page.number_input[0].set_value(1080.0)
    text = _text(_press(number_page, "Answer with this number"))
    assert "1080 g/cm³ is far from the 1.08 g/cm³" in text and not _answers(empty_url)
    _press(number_page, "Answer with this number")
    assert [answer.number for answer in _answers(empty_url)] == [1080.0]


def test_no_number_or_an_impossible_one_is_a_sentence(number_page: AppTest, empty_url: str) -> None:
    assert "Give the number, in digits" in _text(_press(number_page, "Answer with this number"))
    _skip(number_page)
    while "The density of milk" not in _text(number_page):
        _skip(number_page)
    number_page.number_input[0].set_value(7.0)
    assert "rules out 7 give or take" in _text(_press(number_page, "Answer with this number"))
    assert {answer.kind for answer in _answers(empty_url)} == {"cannot_say"}


def test_nothing_left_says_what_to_do_and_looks_again(page: AppTest, empty_url: str) -> None:
    _enter(page)
    for _ in LEAVES:
        _press(page, "No")
    assert "Nothing to ask you right now" in _text(page) and "argtree explore" in _text(page)
    fill(empty_url, ArgumentGraph((Claim("new", "Claim new.", 0.5),), (), (Root("new"),)))
    assert "Claim new." in _text(_press(page, "Look again"))


def test_a_page_loaded_again_shows_the_same_question(page: AppTest) -> None:
    asked = _asked(_enter(page))
    assert _asked(_enter(_page())) == asked


def test_what_was_typed_outlives_a_reload(page: AppTest) -> None:
    _enter(page)
    page.text_input[0].set_value("I looked it up.").run()
    page.slider[0].set_value(70).run()
    again = _enter(_page())
    assert (again.text_input[0].value, again.slider[0].value) == ("I looked it up.", 70)


def test_a_typed_number_outlives_a_reload(number_page: AppTest) -> None:
    number_page.number_input[0].set_value(0.9).run()
    assert [field.value for field in _enter(_page()).number_input] == [0.9, 0.009]
    number_page.number_input[1].set_value(0.0).run()
    assert [field.value for field in _enter(_page()).number_input] == [0.9, 0.0]


def test_the_last_answer_can_be_undone(page: AppTest, store_url: str) -> None:
    asked = _asked(_enter(page))
    assert "Undo my last answer" not in _labels(page)
    page.text_input[0].set_value("A slip.")
    _press(page, "Yes")
    assert _asked(page) != asked
    _press(page, "Undo my last answer")
    assert _asked(page) == asked and "Taken back" in _text(page) and page.text_input[0].value == "A slip."
    _press(page, "No")
    assert [answer.kind for answer in _answers(store_url)] == ["yes", "no"]
    assert "1 answer in this sitting" in _text(page)


def test_reasons_take_the_place_of_the_answers_and_give_way_again(page: AppTest, store_url: str) -> None:
    asked = _asked(_enter(page))
    page.slider[0].set_value(70).run()
    _press(page, "Skip")
    assert {*REASONS.values(), "Back to the answers"} <= set(_labels(page)) and "Yes" not in _labels(page)
    page.text_input[0].set_value("Hm.").run()
    assert _asked(page) == asked and "Yes" in _labels(_press(page, "Back to the answers"))
    assert (page.slider[0].value, page.text_input[0].value) == (70, "Hm.")
    _press(_press(page, "Skip"), "It would take me too long")
    assert [(one.kind, one.reason, one.note) for one in _answers(store_url)] == [("cannot_say", "too_long", "Hm.")]
    assert "can&#x27;t say: It would take me too long" in _text(page) and "Yes" in _labels(page)


def test_a_flag_goes_with_its_note_and_is_undone_with_its_answer(page: AppTest, store_url: str) -> None:
    asked = _asked(_enter(page))
    page.text_input[0].set_value("Rude.")
    _press(page, "Flag")
    assert set(FLAGS.values()) <= set(_labels(page))
    assert "until a reviewer has looked" in _text(_press(page, "It is harmful")) and "no answers" in _text(page)
    assert [(one.kind, one.note) for one in _flags(store_url)] == [("harmful", "Rude.")]
    assert _asked(page) != asked and _asked(_enter(_page(), "Ben")) != asked
    assert _asked(_press(page, "Undo my last answer")) == asked and _flags(store_url) == []


def test_a_source_is_kept_with_the_answer_and_must_be_a_link(page: AppTest, store_url: str) -> None:
    _enter(page)
    page.text_input[1].set_value("javascript:alert(1)")
    assert "A source is a link that begins with" in _text(_press(page, "Yes")) and not _answers(store_url)
    assert page.text_input[1].value == "javascript:alert(1)"
    page.text_input[1].set_value("https://example.org/nails").run()
    assert _enter(_page()).text_input[1].value == "https://example.org/nails"
    _press(page, "Yes")
    assert [one.source for one in _answers(store_url)] == ["https://example.org/nails"]


def test_guidelines_stand_beside_the_question(page: AppTest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _enter(page)
    assert "How to answer" in page.sidebar.expander[0].label and "**Keys.**" in page.sidebar.markdown[0].value
    file = tmp_path / "own.md"
    file.write_text("# Ours\n<b>bold</b>", encoding="utf-8")
    monkeypatch.setenv(GUIDELINES_VARIABLE, str(file))
    shown = page.run().sidebar.markdown[0]
    assert shown.value == "# Ours\n<b>bold</b>" and not shown.allow_html
    file.unlink()
    assert "cannot be read: No such file" in _text(page.run()) and _asked(page)


def test_two_raters_get_two_questions(page: AppTest) -> None:
    other = _enter(_page(), "Ben")
    assert None is not _asked(other) != _asked(_enter(page)) is not None


def test_signing_out_gives_the_question_back(page: AppTest) -> None:
    asked = _asked(_enter(page))
    assert "Start" in _labels(_press(page, "Sign out")) and _asked(page) is None
    assert _asked(_enter(page, "Ben")) == asked


def test_who_is_signed_out_meanwhile_changes_nothing(page: AppTest, store_url: str) -> None:
    _enter(page)
    entrance.sign_out(store_url, page.session_state["sitting"])
    assert "Yes" not in _labels(_press(page, "Yes")) and not _answers(store_url)


def test_who_is_paused_is_told_why(page: AppTest, store_url: str) -> None:
    _enter(page)
    engine = open_store(store_url)
    with session_scope(engine) as session:
        pause(
            session,
            get_rater(session, "Ada", datetime.now(UTC)),
            "Answers came <b>too</b> fast.",
            None,
            datetime.now(UTC),
        )
    engine.dispose()
    assert "The reason given: Answers came &lt;b&gt;too&lt;/b&gt; fast." in _text(page.run()) and not _asked(page)


def test_a_lost_lease_is_a_sentence_and_the_next_question_comes(page: AppTest, store_url: str) -> None:
    asked = _asked(_enter(page))
    leased = _take_away(store_url, "Ben")
    assert leased is not None and leased.text == asked
    assert "so it was not stored" in _text(_press(page, "Yes"))
    assert _asked(page) not in (None, asked) and not _answers(store_url)


def test_an_answer_submitted_twice_is_stored_once(store_url: str) -> None:
    now = datetime.now(UTC)
    view = sitting.ask(store_url, "Ada", now, propagate)
    assert isinstance(view, QuestionView)
    first = sitting.answer(store_url, "Ada", view, sitting.Said("yes"), now, propagate)
    second = sitting.answer(store_url, "Ada", view, sitting.Said("no"), now, propagate)
    assert first.moves and not second.moves and [answer.kind for answer in _answers(store_url)] == ["yes"]


def test_a_missing_store_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(STORE_VARIABLE, str(tmp_path / "none.db"))
    page = _page()
    assert "There is no store" in _text(page) and "Try again" in _labels(page) and not (tmp_path / "none.db").exists()


def test_a_store_that_vanishes_is_a_sentence_and_can_be_tried_again(page: AppTest, store_url: str) -> None:
    asked, path = _asked(_enter(page)), Path(store_url.removeprefix("sqlite:///"))
    assert foresight().wait(30)  # opened by it just now, the file would come back empty
    path.rename(path.with_suffix(".away"))
    assert "no store" in _text(_press(page, "Yes")) and "Try again" in _labels(page)
    path.with_suffix(".away").rename(path)
    assert _asked(_press(page, "Try again")) == asked and "no store" not in _text(page)


def test_a_locked_store_is_a_sentence(page: AppTest, store_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("store.database.open_store.__kwdefaults__", {"create": True, "busy_seconds": 0.1})
    _enter(page)
    other = sqlite3.connect(store_url.removeprefix("sqlite:///"))
    other.execute("BEGIN EXCLUSIVE")
    assert "is locked by another process" in _text(page.run())
    other.close()


def test_answers_that_exclude_one_another_are_said_and_kept(page: AppTest, store_url: str) -> None:
    _enter(page)
    engine = open_store(store_url)
    with session_scope(engine) as session:
        session.add(Evidence(claim_id=2, if_false=0.0, if_true=1.0))  # nails cut jelly, for certain ...
        session.add(Evidence(claim_id=3, if_false=1.0, if_true=0.0))  # ... yet they are not hard
    engine.dispose()
    text = _text(_press(page, "Yes"))
    assert "Your answer is saved, but" in text and "probability 0" in text and len(_answers(store_url)) == 1


def test_an_unexpected_name_is_not_markup(page: AppTest) -> None:
    text = _text(_enter(page, "<b>:red[Ada]</b>"))
    assert "<bdi>&lt;b&gt;:red[Ada]&lt;/b&gt;</bdi>" in text and "Ada" not in "".join(_labels(page))
