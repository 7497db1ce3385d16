"""Is anything that was acknowledged ever lost? Raters' processes and the database server, killed at random instants.

Simulated raters answer a queue of questions that want one to three of them, a process each. Every now and then one is
killed (SIGKILL), whatever it is doing, and another takes its place; on PostgreSQL the server with all its children is
killed as well, or told to drop everything and exit at once. What a rater's process was told to be stored it writes
down, after the store told it. In the end it is counted

- whether all that was written down is in the store, once;
- whether any question has more answers than it wants, or two of one rater;
- whether any question that wants answers cannot be had by a new rater once the last lease has ended: all leases must
  have ended by then, and nobody tidies up;
- how many answers are stored of which nobody was told: kills between the two, so that the instants are random indeed;
- how many were handed in twice, by two processes of one rater, who hold one question: each is told of the one answer.

The server is PostgreSQL's own, with its usual settings; SQLite's file is opened as argtree opens it. A killed process
loses nothing that the operating system has, so this says nothing of power cuts: there both databases wait for the disk.

    python -m benchmarks.crash --kills 1000 --out benchmarks/results/crash.json
"""

import json
import os
import random
import signal
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from rich.console import Console
from rich.table import Table
from sqlalchemy import Engine
from sqlmodel import Session, func, select

from store.answers import is_standing
from store.database import open_store, read_scope, session_scope
from store.errors import LeaseLostError, StoreError
from store.places import IS_OPEN, has_free_place, is_answered_by
from store.queue import AnswerKind, LeasedQuestion, next_question, submit_answer
from store.raters import get_rater
from store.tables import Answer, Lease, Question
from tests.store.crowds import fill_crowded
from tests.store.postgres import Server

RATERS = 64
AT_ONCE = 4
QUESTIONS = 20_000
TOKEN_BYTES = 36  # of a line that acknowledges an answer, about
LEASE_SECONDS = 2.0  # short, so that leases end during the run
KINDS: tuple[AnswerKind, ...] = ("yes", "no", "cannot_say")


def work(engine: Engine, seed: int, told: Path) -> NoReturn:
    """Answers without end, as one rater after another; each token that is acknowledged is appended to `told`."""
    engine.dispose(close=False)  # connections are no heirlooms
    rng, said = random.Random(seed), os.open(told, os.O_WRONLY | os.O_APPEND)
    while True:
        name = f"Rater {rng.randint(1, RATERS)}"
        leased = _patiently(engine, lambda session, name=name: _ask(session, name))
        if leased is None:
            continue
        kind = rng.choice(KINDS)
        try:  # after a lost connection the same form is handed in again
            token = _patiently(
                engine, lambda session, name=name, leased=leased, kind=kind: _say(session, name, leased, kind)
            )
        except LeaseLostError:
            continue
        os.write(said, f"{token}\n".encode())


def _ask(session: Session, name: str) -> LeasedQuestion | None:
    now = datetime.now(UTC)
    return next_question(session, get_rater(session, name, now), now, LEASE_SECONDS)


def _say(session: Session, name: str, leased: LeasedQuestion, kind: AnswerKind) -> str:
    now = datetime.now(UTC)
    return submit_answer(session, leased.token, get_rater(session, name, now), kind, None, now, "Simulated.").token


def _patiently(engine: Engine, act: Any) -> Any:
    """Does an act in a transaction of its own, again and again while the store can't be had."""
    while True:
        try:
            with session_scope(engine) as session:
                return act(session)
        except LeaseLostError:
            raise
        except StoreError:
            time.sleep(0.02)


class Workers:
    """Raters' processes, forked from this one, which has all that they need in memory."""

    def __init__(self, engine: Engine, told: Path, rng: random.Random) -> None:
        self.engine, self.told, self.rng = engine, told, rng
        self.started = 0
        self.pids = [self._start() for _ in range(AT_ONCE)]

    def kill_one(self) -> None:
        place = self.rng.randrange(AT_ONCE)
        self._kill(self.pids[place])
        self.pids[place] = self._start()

    def kill_all(self) -> None:
        for pid in self.pids:
            self._kill(pid)

    def _start(self) -> int:
        self.started += 1
        pid = os.fork()
        if pid == 0:
            try:
                work(self.engine, self.started, self.told)
            except BaseException as exc:
                os.write(2, f"a rater's process failed: {exc!r}\n".encode())
            os._exit(1)
        return pid

    @staticmethod
    def _kill(pid: int) -> None:
        os.kill(pid, signal.SIGKILL)
        _, status = os.waitpid(pid, 0)
        assert os.WTERMSIG(status) == signal.SIGKILL, "a rater's process had ended by itself"


def run(engine: Engine, server: Server | None, kills: int, server_kills: int, seed: int) -> dict[str, Any]:
    """Kills, then counts."""
    rng = random.Random(seed)
    fill_crowded(engine, QUESTIONS, RATERS, wanted="1 + i % 3")
    engine.dispose()
    with tempfile.TemporaryDirectory() as folder:
        told = Path(folder) / "told"
        told.touch()
        workers, every = Workers(engine, told, rng), max(1, kills // max(1, server_kills))
        crashed = 0
        for number in range(1, kills + 1):
            _await(told, rng.randint(0, 2))
            time.sleep(rng.uniform(0, 0.03))
            if server is not None and number % every == 0 and crashed < server_kills:
                (server.kill if crashed % 2 else server.crash)()
                crashed += 1
                server.start()
            workers.kill_one()
        workers.kill_all()
        return {
            "database": engine.dialect.name,
            "kills_of_raters": kills,
            "kills_of_the_server": crashed,
            **count(engine, told.read_text().split()),
        }


def _await(told: Path, answers: int) -> None:
    """Waits until so many more answers are acknowledged."""
    enough = told.stat().st_size + answers * TOKEN_BYTES
    while told.stat().st_size < enough:
        time.sleep(0.002)


def count(engine: Engine, told: list[str]) -> dict[str, int]:
    """What is in the store, against what was acknowledged."""
    later = datetime.now(UTC) + timedelta(seconds=LEASE_SECONDS)
    with read_scope(engine) as session:
        stored = Counter(session.exec(select(Answer.token)))
        rows = session.exec(select(Answer.question_id, Answer.rater_id, Answer.kind).where(is_standing())).all()
        wanted = dict(session.exec(select(Question.id, Question.wanted)).all())
        accepted = Counter(question for question, _, kind in rows if kind != "cannot_say")
        by_rater = Counter((question, rater) for question, rater, _ in rows)
        closed = set(session.exec(select(Question.id).where(Question.status == "answered")))
        stuck = session.exec(select(func.count()).where(IS_OPEN, ~has_free_place(0, later))).one()
        live = session.exec(select(func.count()).where(Lease.expires_at > later)).one()
    with session_scope(engine) as session:
        fresh = get_rater(session, "Who was not there before", later)
        best = session.exec(
            select(func.min(Question.id)).where(IS_OPEN, ~is_answered_by(fresh.id or 0))  # the lower, the better
        ).one()
        leased = next_question(session, fresh, later)
    return {
        "acknowledged": len(told),
        "stored": sum(stored.values()),
        "stored_and_nobody_told": len(stored.keys() - set(told)),
        "lost": len(set(told) - stored.keys()),
        "stored_twice": sum(number > 1 for number in stored.values()),
        "handed_in_twice": len(told) - len(set(told)),
        "questions_with_too_many": sum(number > wanted[question] for question, number in accepted.items()),
        "answered_twice_by_a_rater": sum(number > 1 for number in by_rater.values()),
        "closed_wrongly": sum(
            (accepted[question] >= number) != (question in closed) for question, number in wanted.items()
        ),
        "leases_live_after_their_end": live,
        "questions_stuck": stuck + (leased is None or leased.question_id != best),
    }


@contextmanager
def sqlite() -> Iterator[tuple[Engine, None]]:
    with tempfile.TemporaryDirectory() as folder:
        engine = open_store(f"sqlite:///{folder}/store.db")
        yield engine, None
        with engine.connect() as connection:
            assert connection.exec_driver_sql("PRAGMA integrity_check").scalar() == "ok"
        engine.dispose()


@contextmanager
def postgresql() -> Iterator[tuple[Engine, Server]]:
    server = Server(durable=True)
    engine = open_store(server.make_database("store"))
    yield engine, server
    engine.dispose()
    server.close()


def main(
    kills: Annotated[int, typer.Option(help="Of raters' processes, on each database.")] = 1000,
    server_kills: Annotated[int, typer.Option(help="Of the PostgreSQL server.")] = 20,
    seed: Annotated[int, typer.Option(help="Of the instants and the answers.")] = 0,
    out: Annotated[Path | None, typer.Option(help="Where to write the figures as JSON.")] = None,
) -> None:
    """Kill simulated raters and the server, and count what is lost."""
    found = []
    for database in (sqlite, postgresql):
        with database() as (engine, server):
            found.append(run(engine, server, kills, server_kills, seed))
    table = Table("", *(one["database"] for one in found))
    for name in found[0]:
        table.add_row(name.replace("_", " "), *(str(one[name]) for one in found))
    Console().print(table)
    if out is not None:
        out.write_text(json.dumps({"seed": seed, "raters_at_once": AT_ONCE, "runs": found}, indent=1) + "\n")


if __name__ == "__main__":
    typer.run(main)
