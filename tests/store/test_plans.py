"""How the databases read the queue: by indexes, so that no act takes longer for all that was answered before."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import Connection, Engine, event, text

from store.corrections import take_back
from store.database import session_scope
from store.queue import next_question, submit_answer
from store.raters import get_rater
from tests.store.crowds import analyse, fill_crowded, pass_on
from tests.store.factories import NOW

QUESTIONS, PASSED = 30_000, 2_000
_BIG = "question|answer|claim|belief|retraction"  # the others are empty here, or have a row for each rater


@pytest.fixture
def big(engine: Engine) -> Engine:
    """A queue in which whoever reads a whole table has read too much; rater 1 passed on the best questions."""
    fill_crowded(engine, QUESTIONS, 2, answered=3_000)
    pass_on(engine, 1, PASSED)
    columns = "answer_id, rater_id, reason, retracted_at"
    with engine.begin() as connection:
        chosen = "SELECT id, rater_id, '', answered_at FROM answer WHERE kind = 'yes'"
        connection.execute(text(f"INSERT INTO retraction ({columns}) {chosen}"))
    analyse(engine)
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
    """Says whether a line of a plan reads all of a table that may be big; not so the queue, from its best on."""
    whole = re.search(rf"Seq Scan on ({_BIG})\b|\bSCAN ({_BIG})\b|Bitmap|Hash", line)
    return whole is not None and "ix_question_best" not in line


def test_who_passed_on_the_best_gets_the_best_of_the_rest(big: Engine) -> None:
    with session_scope(big) as session:
        for name, claim in (("Rater 1", f"c{PASSED + 1}"), ("Rater 2", "c1")):
            leased = next_question(session, get_rater(session, name, NOW), NOW)
            assert leased is not None and leased.claim == claim
