"""The loop's report: what it says, that it is the same each time, and that strangers' texts stay text."""

import base64
import re
from dataclasses import replace

import pytest

from argtree.loop_report import report
from argtree.loop_state import LoopState, RoundState
from tests.argtree import loop_driver

EVIL = '<script>alert(1)</script><img src=x onerror="alert(2)">\u202e'


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> LoopState:
    return loop_driver.run(tmp_path_factory.mktemp("loop"))


def test_it_says_what_came_of_every_round(state: LoopState) -> None:
    page = report(state).decode()
    assert "from 0.300 to 0.250" in page and "Round 2" in page
    assert "generation 1 promoted" in page and "generation 2 rejected" in page and "It is even." in page
    assert all(effect["text"] in page for one in state.rounds for effect in one.done["ask"]["effects"])


def test_it_says_where_nothing_was_promoted_and_how_long_it_took(state: LoopState) -> None:
    lost = state.rounds[0].done["promote"] | {"promoted": False}
    slow = {step: record | {"seconds": 100.4} for step, record in state.rounds[0].done.items()}
    page = report(replace(state, rounds=[RoundState(1, slow | {"promote": lost | {"seconds": 3_300.0}})])).decode()
    assert "No candidate was promoted: held-out error stays at 0.300" in " ".join(page.split())
    assert "1 h 3 min in all" in page and "ask 1 min 40 s" in page


def test_it_says_that_answers_were_simulated(state: LoopState) -> None:
    page = report(state).decode()
    assert "Simulated answers." in page and "It was asked 6 times" in page
    people = replace(state, settings=state.settings | {"oracle": "queue"})
    assert "Simulated answers." not in report(people).decode()


def test_it_needs_nothing_else_and_is_the_same_each_time(state: LoopState) -> None:
    page = report(state)
    assert page == report(state)
    sources = re.findall(r'(?:src|href)="([^"]*)"', page.decode())
    assert len(sources) == 2 and all(source.startswith("data:image/svg+xml;base64,") for source in sources)


def test_texts_of_strangers_stay_text(state: LoopState) -> None:
    done = state.rounds[0].done
    effect = done["ask"]["effects"][0] | {"text": EVIL, "rater": EVIL}
    effect["moves"] = [{"question": EVIL, "before": 0.2, "after": 0.9}]
    asked = done["ask"] | {"effects": [effect], "oracle": "queue"}
    verdict = done["promote"] | {"reason": EVIL}
    bad = replace(state, rounds=[RoundState(1, done | {"ask": asked, "promote": verdict})])
    page = report(bad).decode()
    assert "<script" not in page and "<img src=x" not in page and "\u202e" not in page
    pictures = re.findall(r"base64,([^\"]*)", page)
    assert all(b"alert" not in base64.b64decode(picture) for picture in pictures)


def test_loop_under_way_has_a_report_too(state: LoopState) -> None:
    done = state.rounds[0].done
    begun = {step: done[step] for step in ("explore", "ask")}
    page = report(replace(state, rounds=[RoundState(1, begun)])).decode()
    assert "under way: export" in page and "The loop has begun" in page
    assert "Round" not in report(replace(state, rounds=[])).decode()
