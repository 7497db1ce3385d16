"""Answering in the terminal, on a real store."""

import io
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from rich.console import Console
from sqlmodel import select

from argtree import Argument, ArgumentGraph, Claim, Premise, Root
from argtree.graph import Measurement
from oracle_ui.sitting import Said
from oracle_ui.terminal import answer_questions, parse_answer, parse_number
from store.answers import labels
from store.database import open_store, read_scope, session_scope
from store.graphs import load_graph, save_graph
from store.tables import Root as RootRow
from tests import hostile
from tests.store.factories import jelly_graph


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("y\n", Said("yes")),
        (" N ", Said("no")),
        ("s", Said("cannot_say")),
        ("0.25", Said("probability", 0.25)),
        ("70%", Said("probability", 0.7)),
        ("1", Said("probability", 1.0)),
    ],
)
def test_every_way_to_answer_is_read(typed: str, said: Said) -> None:
    assert parse_answer(typed) == said


@pytest.mark.parametrize("typed", ["", "maybe", "1.5", "-1", "nan", "120%", "inf", "%"])
def test_what_is_no_answer_is_refused_with_the_ways(typed: str) -> None:
    with pytest.raises(ValueError, match="no answer"):
        parse_answer(typed)


@pytest.mark.parametrize(
    ("typed", "number"),
    [
        ("1.05\n", (1.05, 0.01)),
        (" -1e3 2.5 ", (-1000.0, 2.5)),
        ("0", (0.0, 0.01)),
        ("5 kg/m ± 2 kg/m", (5.0, 2.0)),
        ("5 ±2", (5.0, 2.0)),
    ],
)
def test_every_way_to_give_a_number_is_read(typed: str, number: tuple[float, float]) -> None:
    assert parse_number(typed, 0.01, "kg/m") == Said("number", number=number)
    assert parse_number("s", 0.01) == Said("cannot_say")


@pytest.mark.parametrize("typed", ["", "y", "1 2 3", "1 0", "1 -1", "nan", "inf", "1e200", "5 g"])
def test_what_is_no_number_is_refused_with_the_ways(typed: str) -> None:
    with pytest.raises(ValueError, match="no answer. Type one of: a number"):
        parse_number(typed, 0.01)


def test_numbers_from_a_pipe_are_stored_and_their_effect_told(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'store.db'}"
    with session_scope(open_store(url)) as session:
        save_graph(session, jelly_graph(), datetime.now(UTC))
    count, shown = sit(url, "0.9 0.02\nq\n")
    assert count == 1 and "The density of jelly in g/cm³" in shown and "->" in shown
    assert "It decides: Jelly is lighter than water." in shown and "Jelly floats on water.  now 25" in shown
    with read_scope(open_store(url)) as session:
        assert load_graph(session).measurements[-1] == Measurement("jelly", 0.9, 0.02)


def test_a_number_far_from_what_is_expected_is_stored_when_given_twice(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'store.db'}"
    with session_scope(open_store(url)) as session:
        save_graph(session, jelly_graph(), datetime.now(UTC))
    count, shown = sit(url, "1050\n105\n105\nq\n")
    assert count == 1 and "1050 g/cm³ is far from the 1.08 g/cm³" in shown and shown.count("is far from") == 2
    with read_scope(open_store(url)) as session:
        assert load_graph(session).measurements[-1].value == 105.0


@pytest.fixture
def store(tmp_path: Path) -> str:
    """A store with one root and two premises."""
    url = f"sqlite:///{tmp_path / 'store.db'}"
    claims = [Claim("r", "It works.", 0.1), Claim("a", "A holds.", 0.5), Claim("b", "B holds.", 0.5)]
    arguments = [
        Argument("1", "r", "support", 0.9, (Premise("a"),)),
        Argument("2", "r", "support", 0.3, (Premise("b"),)),
    ]
    with session_scope(open_store(url)) as session:
        save_graph(session, ArgumentGraph(claims, arguments, [Root("r")]), datetime.now(UTC))
    return url


def sit(store: str, typed: str) -> tuple[int, str]:
    shown = io.StringIO()
    count = answer_questions(store, "ada", io.StringIO(typed), Console(file=shown, width=100))
    return count, shown.getvalue()


def test_answers_from_a_pipe_are_stored_and_their_effect_told(store: str) -> None:
    count, shown = sit(store, "what?\ny\n0.2\n")
    assert count == 2
    assert "'what?' is no answer" in shown and "There is nothing left to ask you." in shown
    with read_scope(open_store(store)) as session:
        assert labels(session) == {"a": pytest.approx(0.97), "b": pytest.approx(0.2 * 0.97 + 0.8 * 0.03)}


def test_quitting_gives_the_question_back(store: str) -> None:
    assert sit(store, "q\n")[0] == 0
    assert sit(store, "")[0] == 0
    assert sit(store, "y\ny\n")[0] == 2


def test_no_text_of_a_claim_or_question_can_do_anything_to_the_terminal(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'store.db'}"
    texts = [" / ".join(hostile.ALL[begin::8]) for begin in range(8)]
    claims = [Claim("r", "It works.", 0.1), *(Claim(text, text, 0.5) for text in texts)]
    arguments = [Argument(text, "r", "support", 0.1, (Premise(text),)) for text in texts]
    with session_scope(open_store(url)) as session:
        save_graph(session, ArgumentGraph(claims, arguments, [Root("r")]), datetime.now(UTC))
        session.exec(select(RootRow)).one().question = hostile.STEERING[1] + "[bold]"
    _, shown = sit(url, "s\n" * len(texts))
    assert shown.count("Is this true?") == len(texts)
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", shown)
    assert "[bold red]markup[/bold red]" in shown and "link\ufffd" in shown and ":smile:" in shown
