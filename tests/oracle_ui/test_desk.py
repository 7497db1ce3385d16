"""The desk's pages against real stores, without a browser."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

import oracle_ui.app
from oracle_ui.serve import STORE_VARIABLE
from store.database import open_store, session_scope
from store.queue import next_question, submit_answer
from store.raters import get_rater
from tests.oracle_ui.factories import NOW

PAGES = ("ask", "trees", "claim", "what_if", "progress", "dataset")
Open = Callable[..., AppTest]


def answer_all(url: str) -> None:
    """Ada answers the three leaves, half a minute for each."""
    engine = open_store(url)
    with session_scope(engine) as session:
        ada = get_rater(session, "Ada", NOW)
        for number, kind in enumerate(("yes", "no", "cannot_say")):
            at = NOW + timedelta(seconds=30 * number)
            leased = next_question(session, ada, at)
            assert leased is not None
            submit_answer(session, leased.token, ada, kind, None, at, f"Note {number}.")  # type: ignore[arg-type]
    engine.dispose()


@pytest.fixture
def open_desk(monkeypatch: pytest.MonkeyPatch) -> Open:
    def open_(url: str, page: str, role: str = "rater", **query: str) -> AppTest:
        monkeypatch.setenv(STORE_VARIABLE, url)
        desk = AppTest.from_file(oracle_ui.app.__file__, default_timeout=60)
        if Path(url.removeprefix("sqlite:///")).exists():
            desk.session_state["sitting"] = sit_down(url, "Ada", role)
        desk = desk.run().switch_page(f"desk/{page}.py")
        for name, value in query.items():
            desk.query_params[name] = value
        return desk.run()

    return open_


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
