import pytest

from benchmarks import trusting
from benchmarks.queueing import sqlite


def test_who_always_says_what_is_wrong_is_found_at_the_desk(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"RATERS": 6, "COLLUDING": 1, "OWNERS": 20, "QUESTIONS": 60, "ANSWERS_EACH": 24}.items():
        monkeypatch.setattr(trusting, name, value)
    with sqlite() as engine:
        desk = trusting.Desk(engine, "wrong", 0)
        desk.run(1)
        found = desk.outcome(1.0)
    assert (found.found, found.honest_paused) == (1.0, 0.0) and found.accuracy > 0.9
