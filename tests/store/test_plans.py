"""How the databases read the queue: by indexes, so that no act takes longer for all that was answered before."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import Connection, Engine, event, text

from store.corrections import take_back
from store.database import session_scope
from store.delivering import due_webhooks, take_parcel
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


def test_what_was_delivered_is_not_read_to_find_what_waits(engine: Engine) -> None:
    many = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)"
    with engine.begin() as connection:
        for row in (
            "webhook (id, url, secret, made_at) VALUES (1, 'http://x', '', '2026-03-01')",
            "claim (id, key, text, text_hash, prior, created_at) VALUES (1, 'k', 't', 'h', 0.5, '2026-03-01')",
            "label_event (id, claim_id, message_id, body, happened_at) "
            f"{many} SELECT i, 1, CAST(i AS VARCHAR), '{{}}', '2026-03-01' FROM n",
            "delivery (id, event_id, claim_id, webhook_id, status, attempts, due_at, trouble) "
            "SELECT id, id, 1, 1, CASE WHEN id > 19990 THEN 'waiting' ELSE 'delivered' END, 0, '2026-01-01', '' "
            "FROM label_event",
        ):
            connection.execute(text(f"INSERT INTO {row}"))
    analyse(engine)
    with session_scope(engine) as session, _explained(engine) as lines:
        assert due_webhooks(session, NOW) == [1] and take_parcel(session, 1, NOW) is not None
    assert any("ix_delivery_waiting" in line for line in lines)
    assert [line for line in lines if re.search(r"Seq Scan on delivery|SCAN delivery", line)] == []
