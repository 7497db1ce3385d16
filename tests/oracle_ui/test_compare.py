"""The page where arguments are compared, against a real store, without a browser."""

import os
import re
from pathlib import Path

import pytest
from sqlmodel import select
from streamlit.testing.v1 import AppTest

import oracle_ui.app
from argtree.graph import Argument, ArgumentGraph, Claim, Premise, Root
from oracle_ui import comparing, theme_compare
from oracle_ui.serve import STORE_VARIABLE
from oracle_ui.view_compare import see_compared, see_pair
from store.comparisons import ShownPair
from store.database import open_store, read_scope
from store.tables import Comparison, ComparisonRetraction
from store.tournaments import ShownArgument
from tests import hostile
from tests.oracle_ui.factories import NOW, fill, sit_down


def two_sides() -> ArgumentGraph:
    """A claim with an argument from two premises for it and one from a negated premise against it."""
    texts = {"r": "Nails beat jelly.", "h": "Nails are hard.", "s": "Nails are sharp.", "t": "Jelly is tough."}
    arguments = (
        Argument("a1", "r", "support", 0.8, (Premise("h"), Premise("s"))),
        Argument("a2", "r", "attack", 0.5, (Premise("t", holds=False),)),
    )
    return ArgumentGraph(tuple(Claim(key, text, 0.5) for key, text in texts.items()), arguments, (Root("r"),))


@pytest.fixture
def url(empty_url: str) -> str:
    fill(empty_url, two_sides())
    return empty_url


@pytest.fixture
def page(url: str, monkeypatch: pytest.MonkeyPatch) -> AppTest:
    monkeypatch.setenv(STORE_VARIABLE, url)
    return _page()


def _page() -> AppTest:
    return AppTest.from_file(oracle_ui.app.__file__, default_timeout=60)


def _enter(page: AppTest, name: str = "Ada") -> AppTest:
    page.session_state["sitting"] = sit_down(os.environ[STORE_VARIABLE], name)
    done = page.run().switch_page("desk/compare.py").run()
    assert not done.exception
    return done


def _press(page: AppTest, label: str) -> AppTest:
    done = next(button for button in page.button if button.label == label).click().run()
    assert not done.exception
    return done


def _text(page: AppTest) -> str:
    assert not page.exception
    return "\n".join(block.body for block in page.html if "<style>" not in block.body).replace("\u00a0", " ")


def _labels(page: AppTest) -> list[str]:
    return [button.label for button in page.button]


def _said(url: str) -> list[tuple[str, str]]:
    engine = open_store(url)
    with read_scope(engine) as session:
        assert all(one.shown_at <= one.answered_at for one in session.exec(select(Comparison)))
        said = [(one.kind, one.note) for one in session.exec(select(Comparison))]
    engine.dispose()
    return said


def test_both_arguments_stand_side_by_side_in_words(page: AppTest) -> None:
    shown = _text(_enter(page))
    assert "Nails beat jelly." in shown and "Argues for it" in shown and "Argues against it" in shown
    assert "because it is not so that</span><p><bdi>Jelly is tough." in shown
    assert "and because</span><p><bdi>Nails are sharp." in shown
    assert _labels(page) == ["First is better", "Second is better", "About equal", "Can't say", "Sign out"]
    shortcuts = [button.proto.shortcut for button in page.button][:4]
    assert [one.lower() for one in shortcuts] == ["1", "2", "3", "s"]


def test_a_comparison_is_stored_with_its_note_and_shows_what_it_did(page: AppTest, url: str) -> None:
    _enter(page)
    page.text_input[0].set_value("because <b>so</b>").run()
    done = _text(_press(page, "Second is better"))
    assert "You said the second is better: <bdi>Nails beat jelly." in done and "50 % → 81 %" in done
    assert "Nothing to compare right now" in done and "1 comparison in this sitting" in done
    assert _said(url) == [("second", "because <b>so</b>")]


@pytest.mark.parametrize(("label", "kind"), [("About equal", "equal"), ("Can't say", "cannot_say")])
def test_neither_is_an_answer_too(page: AppTest, url: str, label: str, kind: str) -> None:
    shown = _text(_press(_enter(page), label))
    assert _said(url) == [(kind, "")]
    assert ("stay open for others" in shown) == (kind == "cannot_say")


def test_undo_takes_it_back_and_shows_the_pair_again(page: AppTest, url: str) -> None:
    before = _text(_enter(page))
    done = _press(_press(page, "First is better"), "Undo my last one")
    assert "Taken back" in _text(done) and "Undo my last one" not in _labels(done)
    assert before[before.index("at-pair") :][:400] == _text(done)[_text(done).index("at-pair") :][:400]
    _press(done, "About equal")
    assert [kind for kind, _ in _said(url)] == ["first", "equal"]
    engine = open_store(url)
    with read_scope(engine) as session:
        assert len(session.exec(select(ComparisonRetraction)).all()) == 1
    engine.dispose()


def test_a_page_loaded_again_shows_the_same_pair_and_can_undo(page: AppTest, url: str) -> None:
    first = _text(_enter(page))
    again = _text(_enter(_page()))
    assert first == again
    _press(page, "First is better")
    assert "Undo my last one" in _labels(_enter(_page()))


def test_a_second_tab_does_not_store_twice(page: AppTest, url: str) -> None:
    other = _enter(_page())
    _press(_enter(page), "First is better")
    _press(other, "Second is better")
    assert _said(url) == [("first", "")]


def test_a_store_that_is_gone_is_a_sentence(page: AppTest, url: str) -> None:
    _enter(page)
    Path(url.removeprefix("sqlite:///")).unlink()
    assert "There is no store at" in _text(_press(page, "First is better"))


def test_saying_tells_how_sure_it_is_now(url: str) -> None:
    for name in ("Ada", "Bob"):
        view = comparing.show(url, name, NOW)
        assert view is not None
        first = "first" if view.shown.first.key == "a1" else "second"
        done = comparing.say(url, name, view, first, "", NOW)  # type: ignore[arg-type]
        assert done.better is not None and done.after > done.before
    assert done.after == pytest.approx(0.93, abs=0.01)


@pytest.mark.parametrize("text", hostile.ALL)
def test_texts_of_others_are_escaped_wherever_they_stand(text: str) -> None:
    one, other = (ShownArgument(key, "support", ((text, True), (text, False))) for key in "ab")
    view = see_pair(ShownPair("t", text, one, other, 0.1, NOW))
    done = theme_compare.compared(see_compared(view, "second", 0.5, 0.2))
    for shown in (theme_compare.pair(view), done, theme_compare.header(text, 2)):
        assert set(re.findall(r"<(\w+)", shown)) <= {"div", "p", "h1", "b", "span", "bdi"}
