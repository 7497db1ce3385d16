"""Raters as HTML: figures stand beside bars, names and reasons stay text."""

from dataclasses import replace

import pytest

from oracle_ui.theme_raters import raters
from store.records import Estimate, Record
from store.roles import Standing
from tests.hostile import HOSTILE
from tests.oracle_ui.factories import NOW

BEN = Record(
    standing=Standing("Ben", "rater", True, 12, NOW, None, None, vouched=False),
    sensitivity=Estimate(0.83, 0.61, 0.95),
    specificity=Estimate(0.7, 0.5, 0.88),
    gold_answered=9,
    gold_right=7,
    is_believed=False,
    is_dismissed=False,
)


def test_a_rater_is_shown_with_intervals_in_words_too() -> None:
    page = raters([BEN]).replace("&nbsp;", " ")
    assert "83 %" in page and "61 to 95 %" in page and "left: 61.0%; width: 34.0%" in page
    assert "gold questions right: 7 of 9 · not vouched for" in page and "12 answers" in page


def test_a_rater_of_whom_nothing_is_known_says_so() -> None:
    new = replace(BEN, sensitivity=None, specificity=None, gold_answered=0, gold_right=0, is_believed=True)
    page = raters([replace(new, standing=replace(BEN.standing, role="reviewer"))])
    assert "nothing known yet" in page and "no gold question answered · believed as reviewer" in page


def test_a_paused_rater_says_why_and_what_became_of_their_answers() -> None:
    paused = replace(BEN.standing, paused_at=NOW, paused_reason="Too quick.")
    page = raters([replace(BEN, standing=paused, is_dismissed=True)])
    assert ">paused</span>" in page and ">answers dismissed</span>" in page and "<bdi>Too quick.</bdi>" in page


@pytest.mark.parametrize("text", HOSTILE[:6])
def test_names_and_reasons_stay_text(text: str) -> None:
    page = raters([replace(BEN, standing=replace(BEN.standing, name=text, paused_at=NOW, paused_reason=text))])
    assert text not in page and page.count("<bdi>") == 2
