"""What the desk's pages show, without pages."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from argtree.errors import ImpossibleEvidenceError
from argtree.evidence import TRUSTED_RATER
from argtree.graph import ArgumentGraph
from argtree.history import history
from argtree.propagate import propagate
from oracle_ui.dataset import DatasetError, make_dataset
from oracle_ui.reading import Given, Record, Snapshot, mark, read
from oracle_ui.view_claim import see_claim
from oracle_ui.view_progress import most_uncertainty, see_agreement, see_days, see_marks, see_pace
from oracle_ui.view_trees import choices, most_telling, see_claims, see_roots
from oracle_ui.view_what_if import SupposedTwiceError, see_outcomes
from tests.oracle_ui.factories import NOW, QUESTIONS, small_graph

RECORD = Record(NOW, (), {"a1": "generation:3"}, True)


def given(claim: str, prob: float | None, rater: str = "Ada", seconds: float = 0.0, value: float = 0.1) -> Given:
    kind = "cannot_say" if prob is None else "probability"
    at = NOW + timedelta(seconds=seconds)
    return Given(claim, None, "Text.", "", rater, TRUSTED_RATER, kind, prob, None, "", at, value)


def snapshot(answers: Sequence[Given] = (), graph: ArgumentGraph | None = None) -> Snapshot:
    graph = graph or small_graph()
    labels = {one.claim: one.prob for one in answers if one.claim and one.prob is not None}
    return Snapshot(graph, graph, QUESTIONS, labels, tuple(answers), {"h": 0.05, "p": 0.06}, 2)


ANSWERS = (given("h", 1.0), given("p", None, seconds=20), given("h", 0.0, "Ben", 25), given("p", 1.0, seconds=2000))


def test_roots_come_least_certain_first_with_their_course() -> None:
    course = history(small_graph(), ANSWERS, propagate)
    rows = see_roots(snapshot(ANSWERS), propagate(small_graph()), course)
    assert [row.key for row in rows] == ["g", "r"] and rows[0].variance >= rows[1].variance
    r = next(row for row in rows if row.key == "r")
    assert (r.num_claims, r.num_answered, r.num_open, len(r.course)) == (4, 2, 2, 5)
    assert r.course[0] == (0, pytest.approx(propagate(small_graph()).prob[0]))


def test_root_that_the_model_asked_about_itself_says_so() -> None:
    rows = see_roots(replace(snapshot(ANSWERS), own={"r": "bundled"}), propagate(small_graph()), None)
    assert {row.key: row.posed_by for row in rows} == {"g": None, "r": "bundled"}


def test_what_is_settled_or_worth_next_to_nothing_is_not_told_to_ask() -> None:
    rows = see_claims(snapshot([given("h", 1.0)]), propagate(small_graph()), "hpt")
    assert [row.key for row in most_telling(rows, 5)] == ["p", "t"]
    assert most_telling([replace(rows[1], value=1.0), replace(rows[2], value=0.004)], 5)[1:] == []


def test_choices_are_one_line_and_no_two_alike() -> None:
    shown = choices({"a": "One\ntext", "b": "One text", "c": "x" * 500})
    assert (shown["a"], shown["b"]) == ("One text", "One text (2)") and len(shown["c"]) == 110


def test_a_claim_knows_its_reasons_its_ways_up_and_its_answers() -> None:
    view = see_claim("p", snapshot(ANSWERS), propagate(small_graph()), None, RECORD)
    assert [way.steps[-1][2].text for way in view.ways] == [QUESTIONS["g"], QUESTIONS["r"]]
    assert view.ways[0].difference == pytest.approx(0.8 * 0.5)
    assert view.own == (2, 4) and [one.words for one in view.answers] == ["100\u00a0%", "can't say"]
    root = see_claim("r", snapshot(ANSWERS), propagate(small_graph()), None, RECORD)
    assert [(one.polarity, one.generation) for one in root.reasons] == [("support", "generation:3"), ("attack", "")]
    assert not root.reasons[1].premises[0].holds and root.text == "Nails beat jelly." and root.ways == ()


def test_what_if_says_where_the_roots_would_go() -> None:
    now = propagate(small_graph())
    (r,) = see_outcomes(now, ["h"], [], propagate)
    assert (r.key, r.after) == ("r", pytest.approx(now.roots_given("h")[0][0]))
    assert {one.key for one in see_outcomes(now, ["h"], ["p"], propagate)} == {"r", "g"}
    with pytest.raises(SupposedTwiceError):
        see_outcomes(now, ["h"], ["h"], propagate)
    with pytest.raises(ImpossibleEvidenceError):
        see_outcomes(now, ["s"], ["h"], propagate)


def test_days_without_an_answer_are_days_too() -> None:
    later = replace(ANSWERS[0], at=datetime(2026, 3, 3, tzinfo=UTC))
    assert [(day.answers, day.passes) for day in see_days([*ANSWERS, later])] == [(3, 1), (0, 0), (1, 0)]
    assert see_days([]) == []


def test_what_was_gained_is_held_against_what_was_predicted() -> None:
    marks = see_marks(ANSWERS, history(small_graph(), ANSWERS, propagate))
    assert [mark.predicted for mark in marks] == pytest.approx([0, 0.1, 0.1, 0.2, 0.3])
    assert marks[0].at is None and marks[-1].at == ANSWERS[-1].at
    assert all(mark.gained == pytest.approx(marks[0].uncertainty - mark.uncertainty) for mark in marks)
    assert most_uncertainty(small_graph()) == pytest.approx(1.1 / 4)


def test_breaks_are_no_part_of_the_pace() -> None:
    pace = see_pace(ANSWERS)
    assert pace.seconds == (20.0,) and pace.typical_seconds == 20.0 and pace.minutes == pytest.approx(1 / 3)
    assert see_pace([]).typical_seconds is None


def test_agreement_counts_claims_that_two_answered() -> None:
    assert see_agreement(ANSWERS[:2]) == (None, 0)
    alpha, twice = see_agreement([*ANSWERS, given("p", 1.0, "Ben")])
    assert twice == 2 and alpha == pytest.approx(1 - 3 * 1 / 3)


def test_the_store_is_read_as_it_is(store_url: str) -> None:
    there = read(store_url)
    assert there.graph == small_graph() and there.questions == QUESTIONS and set(there.open) == {"h", "p", "t"}
    assert there.num_open == 3 and mark(store_url) == mark(store_url)


def test_an_export_that_fails_is_the_commands_own_sentence(store_url: str, tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"^There is nothing to export"):
        make_dataset(store_url)
    with pytest.raises(DatasetError, match="no store"):
        make_dataset(str(tmp_path / "none.db"))
