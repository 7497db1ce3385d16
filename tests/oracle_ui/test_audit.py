"""What somebody did in words, and as a table that no spreadsheet runs."""

import csv
import io
from dataclasses import replace

import pytest

from oracle_ui.audit import COLUMNS, NOBODY, cell, deed_words, table, who
from store.history import Deed, Event
from tests import hostile
from tests.oracle_ui.factories import NOW

YES = Event(NOW, "Ada", "answered", "Nails are hard.", "h", 1, "yes", 1.0, None, "Seen.", source="https://a.b/")


@pytest.mark.parametrize(
    ("deed", "changes", "words"),
    [
        ("answered", {}, "answered: yes"),
        ("answered", {"is_gold": True}, "answered a gold question: yes"),
        ("answered", {"kind": "cannot_say", "reason": "unknown"}, "answered: can't say: I don't know"),
        ("answered", {"kind": "cannot_say", "flag": "harmful"}, "flagged: It is harmful"),
        ("answered", {"kind": "number", "number": (2.5, 0.1), "unit": "kg"}, "answered: 2.5 kg, give or take 0.1"),
        ("took_back", {}, "took back: yes"),
        ("overrode", {}, "set the label to true"),
        ("overrode", {"prob": 0.0}, "set the label to false"),
        ("overrode", {"prob": 0.25}, "set the label to 25\u00a0%"),
        ("lifted", {"prob": None}, "left the label to the answers"),
        ("queued_again", {}, "put the flagged question back in the queue"),
        ("set_aside", {}, "set the flagged question aside for good"),
        ("dismissed", {"whom": "Ben"}, "dismissed the answers of Ben"),
        ("reinstated", {"whom": "Ben"}, "let the answers of Ben count again"),
        ("paused", {"whom": "Ben"}, "is paused"),
    ],
)
def test_every_deed_has_words(deed: Deed, changes: dict[str, object], words: str) -> None:
    assert deed_words(replace(YES, deed=deed, **changes)) == words  # type: ignore[arg-type]


def test_who_did_it_is_said_or_that_no_rater_did() -> None:
    assert (who(YES), who(replace(YES, rater=None))) == ("Ada", NOBODY)
    assert who(replace(YES, rater=None, whom="Ben", deed="paused")) == "Ben"


def test_a_table_can_be_read_back() -> None:
    said = replace(YES, note='a "quoted", long\nnote', number=(-2.5, 0.1), rater=None)
    head, row = csv.reader(io.StringIO(table([said])))
    found = dict(zip(head, row, strict=True))
    assert head == list(COLUMNS) and found["at"] == "2026-03-01T12:00:00+00:00" and found["who"] == NOBODY
    assert (found["note"], found["number"], found["prob"]) == ('a "quoted", long\nnote', "-2.5", "1.0")


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "  =1", "＝1", "\n=1"])
def test_no_cell_is_a_formula(text: str) -> None:
    event = replace(YES, rater=text, text=text, claim=text, note=text, source=text, whom=text, unit=text)
    _, row = csv.reader(io.StringIO(table([event])))
    assert row.count(f"'{text}") == 7 and cell(text) == f"'{text}"


@pytest.mark.parametrize("text", hostile.ALL)
def test_a_hostile_text_is_a_cell_and_no_formula(text: str) -> None:
    _, row = csv.reader(io.StringIO(table([replace(YES, note=text)]), newline=""))
    assert row[COLUMNS.index("note")].removeprefix("'") == text.removeprefix("'")
    assert not row[COLUMNS.index("note")].lstrip().startswith(("=", "+", "-", "@", "＝", "＋", "－", "＠"))


@pytest.mark.parametrize("text", ["", "plain", "a = b", "1 - 2", *hostile.HOSTILE[:2]])
def test_other_texts_stay_as_they_are(text: str) -> None:
    assert cell(text) == text
