"""Working ahead: the answer finds done what it needs, and nothing else is different."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from argtree.errors import TooEntangledError
from argtree.graph import ArgumentGraph
from argtree.propagate import propagate
from oracle_ui import sitting
from oracle_ui.foresight import Foresight
from oracle_ui.reading import mark, opened
from oracle_ui.sitting import Said
from oracle_ui.view import NumberView, QuestionView
from store.database import read_scope
from store.graphs import load_graph
from tests.oracle_ui.factories import fill
from tests.store.factories import jelly_graph


def _graph(url: str) -> ArgumentGraph:
    with opened(url) as engine, read_scope(engine) as session:
        return load_graph(session)


def _same(one: ArgumentGraph, other: ArgumentGraph) -> bool:
    """As the cache of propagations sees it, which heeds the order of the evidence too."""
    return one == other and list(one.evidence.items()) == list(other.evidence.items())


def _ask(url: str, name: str = "Ada") -> QuestionView | NumberView:
    view = sitting.ask(url, name, datetime.now(UTC), propagate)
    assert isinstance(view, QuestionView | NumberView)
    return view


def _say(url: str, view: QuestionView | NumberView, said: Said, name: str = "Ada") -> None:
    sitting.answer(url, name, view, said, datetime.now(UTC), propagate)


@pytest.fixture
def seen() -> list[ArgumentGraph]:
    return []


@pytest.mark.parametrize("kind", ["yes", "no"])
def test_the_answer_finds_its_graph_propagated(store_url: str, seen: list[ArgumentGraph], kind: str) -> None:
    foresight = Foresight(seen.append)
    for _ in range(3):
        view, before = _ask(store_url), mark(store_url)
        foresight.look_ahead(store_url, "Ada", view.token)
        assert foresight.wait(30) and mark(store_url) == before
        _say(store_url, view, Said("yes" if kind == "yes" else "no"))
        assert any(_same(_graph(store_url), one) for one in seen)
    assert len(seen) == 6


def test_what_is_done_is_not_done_again(store_url: str, seen: list[ArgumentGraph]) -> None:
    foresight, token = Foresight(seen.append), _ask(store_url).token
    for _ in range(2):
        foresight.look_ahead(store_url, "Ada", token)
        assert foresight.wait(30) and len(seen) == 2


def test_a_redraw_meanwhile_does_not_cut_it_short(store_url: str, seen: list[ArgumentGraph]) -> None:
    """Any redraw of the page asks for the same again: that ended the work half way, and the repeat found it done."""
    token = _ask(store_url).token

    def redrawn_meanwhile(graph: ArgumentGraph) -> None:
        seen.append(graph)
        foresight.look_ahead(store_url, "Ada", token)

    foresight = Foresight(redrawn_meanwhile)
    foresight.look_ahead(store_url, "Ada", token)
    assert foresight.wait(30) and len(seen) == 2


def test_another_question_of_the_rater_ends_work_on_the_last(store_url: str, seen: list[ArgumentGraph]) -> None:
    token = _ask(store_url).token

    def moved_on(graph: ArgumentGraph) -> None:
        seen.append(graph)
        foresight.look_ahead(store_url, "Ada", "0-none")

    foresight = Foresight(moved_on)
    foresight.look_ahead(store_url, "Ada", token)
    assert foresight.wait(30) and len(seen) == 1


def test_what_the_store_has_moved_on_from_is_dropped(store_url: str, seen: list[ArgumentGraph]) -> None:
    view, other = _ask(store_url), _ask(store_url, "Ben")

    def answered_meanwhile(graph: ArgumentGraph) -> None:
        seen.append(graph)
        _say(store_url, other, Said("yes"), "Ben")

    foresight = Foresight(answered_meanwhile)
    foresight.look_ahead(store_url, "Ada", view.token)
    assert foresight.wait(30) and len(seen) == 1


def _refuse(graph: ArgumentGraph) -> None:
    raise TooEntangledError("Too entangled.")


def _break(graph: ArgumentGraph) -> None:
    raise RuntimeError("A slip of ours.")


@pytest.mark.parametrize(("propagate_fn", "lines"), [(_refuse, 0), (_break, 1)])
def test_whatever_goes_wrong_the_next_question_is_worked_on(
    store_url: str,
    propagate_fn: Callable[[ArgumentGraph], None],
    lines: int,
    caplog: pytest.LogCaptureFixture,
) -> None:
    foresight, token = Foresight(propagate_fn), _ask(store_url).token
    foresight.look_ahead("sqlite:///none.db", "Ben", "1-x")
    foresight.look_ahead(store_url, "Ada", token)
    assert foresight.wait(30) and len(caplog.records) == lines
    foresight.look_ahead(store_url, "Ada", token)
    assert foresight.wait(30)


def test_a_number_is_not_foretold(empty_url: str, seen: list[ArgumentGraph]) -> None:
    fill(empty_url, jelly_graph())
    foresight = Foresight(seen.append)
    foresight.look_ahead(empty_url, "Ada", _ask(empty_url).token)
    assert foresight.wait(30) and seen == []
