"""How the databases read the queue: by indexes, so that no act takes longer for all that was answered before."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import Connection, Engine, event

from store.corrections import take_back
from store.database import session_scope
from store.queue import next_question, submit_answer
from store.raters import get_rater
from tests.store.crowds import fill_crowded, pass_on
from tests.store.factories import NOW

QUESTIONS, PASSED = 30_000, 2_000
_BIG = ("question", "answer", "claim", "belief", "lease", "retraction")


@pytest.fixture
def big(engine: Engine) -> Engine:
    """A queue in which whoever reads a whole table has read too much; rater 1 passed on the best questions."""
    fill_crowded(engine, QUESTIONS, 2, answered=3_000)
    pass_on(engine, 1, PASSED)
    return engine


@contextmanager
def _explained(engine: Engine) -> Iterator[list[str]]:
    """Gives the plan of every statement that is executed meanwhile, line by line."""
    lines: list[str] = []
    is_sqlite, explaining = engine.dialect.name == "sqlite", [False]

    def explain(connection: Connection, _: object, statement: str, parameters: object, *rest: object) -> None:
        if explaining[0] or not re.match(r"SELECT|UPDATE|DELETE|INSERT", statement):
            return
        explaining[0] = True
        rows = connection.exec_driver_sql(
            f"EXPLAIN {'QUERY PLAN ' if is_sqlite else ''}{statement}",
            parameters,  # type: ignore[arg-type]
        ).all()
        lines.extend(str(row[3] if is_sqlite else row[0]) for row in rows)
        explaining[0] = False

    event.listen(engine, "before_cursor_execute", explain)
    try:
        yield lines
    finally:
        event.remove(engine, "before_cursor_execute", explain)


@pytest.mark.parametrize("name", ["Rater 1", "Rater 2"])
def test_no_act_reads_a_whole_table(big: Engine, name: str) -> None:
    with session_scope(big) as session, _explained(big) as lines:
        rater = get_rater(session, name, NOW)
        for kind in ("cannot_say", "yes"):
            leased = next_question(session, rater, NOW)
            assert leased is not None
            submit_answer(session, leased.token, rater, kind, None, NOW)  # type: ignore[arg-type]
        take_back(session, rater, NOW)
    whole = [line for line in lines if _reads_all(line)]
    assert len(lines) > 20 and whole == []
    assert any("ix_question_best" in line for line in lines)


def _reads_all(line: str) -> bool:
    """Says whether a line of a plan reads all of a table that may be big, or sorts what it read."""
    tables = "|".join(_BIG)
    in_order = "ix_question_best" in line  # the queue itself, from its best on
    scans = re.search(rf"Seq Scan on ({tables})\b|\bSCAN ({tables})\b|Bitmap Heap Scan|Hash|TEMP B-TREE", line)
    return bool(scans) and not in_order


def test_who_passed_on_the_best_gets_the_best_of_the_rest(big: Engine) -> None:
    with session_scope(big) as session:
        for name, claim in (("Rater 1", f"c{PASSED + 1}"), ("Rater 2", "c1")):
            leased = next_question(session, get_rater(session, name, NOW), NOW)
            assert leased is not None and leased.claim == claim
