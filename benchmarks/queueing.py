"""How long does a rater wait for the next question, and for an answer to be stored, with a million questions open?

A million open questions and, answered before, some more, on SQLite and on PostgreSQL (a server of its own, with its
usual settings). Fifty simulated raters, threads of one process, think for a while, take a question and answer it. For
half of them nobody vouches: they get gold questions too, and are checked at each answer (answers are dated nine seconds
after the question was shown, for else they would be paused for haste). One has passed on the five thousand best
questions. For each act the wall clock, with all waiting for others and the disk; and, of one rater alone, the processor
time of this process (on SQLite that is all of it, on PostgreSQL the server's is not in it).

Checked at each question: whether none was open to that rater that is worth more when they answer it (EVSI). Better ones
may be held or answered by others, or have been passed on by the rater; one that came free after the rater asked is no
mistake.

    python -m benchmarks.queueing --out benchmarks/results/queueing.json

(Its name is not `queue`: Python's own module of that name would be hidden from scripts in this folder.)
"""

import json
import random
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from rich.console import Console
from rich.table import Table
from sqlalchemy import Engine
from sqlmodel import select

from argtree.value import most_resolved, share_resolved
from store.database import open_store, read_scope, session_scope
from store.places import IS_OPEN, has_free_place, is_answered_by
from store.queue import AnswerKind, LeasedQuestion, next_question, submit_answer
from store.raters import get_rater
from store.reliabilities import reliability_of
from store.tables import Question
from tests.store.crowds import fill_crowded, pass_on
from tests.store.postgres import Server

KINDS: tuple[AnswerKind, ...] = ("yes", "no", "yes", "no", "yes", "no", "yes", "no", "cannot_say")
READING = timedelta(seconds=9)
PASSED = 5_000
ALONE = 50  # answers of the rater who is measured alone


@dataclass(frozen=True)
class Settings:
    """What is measured."""

    questions: int  # open ones
    answered: int  # questions with an answer, beside those
    raters: int  # at once
    answers: int  # of each rater
    think_seconds: float  # on average


class Crowd:
    """Raters at one queue, and what is needed to tell whether they got the best."""

    def __init__(self, engine: Engine, think_seconds: float) -> None:
        self.engine, self.think_seconds = engine, think_seconds
        self.freed: dict[int, float] = {}  # question -> when a rater had passed on it; for ever while they do
        self.seconds: dict[str, list[float]] = {"next": [], "submit": []}
        self.checked = self.wrong = 0

    def answer(self, number: int, answers: int) -> None:
        """One rater's sitting."""
        rng, name = random.Random(number), f"Rater {number}"
        for _ in range(answers):
            time.sleep(rng.expovariate(1 / self.think_seconds))
            asked_at = time.monotonic()
            leased = self.ask(name)
            if not leased.is_gold:
                self._check(number, leased, asked_at)
            self.freed[leased.question_id] = float("inf")  # passed on, or another rater is wanted
            self.say(name, leased, rng.choice(KINDS))
            self.freed[leased.question_id] = time.monotonic()

    def ask(self, name: str) -> LeasedQuestion:
        with self._timed("next"), session_scope(self.engine) as session:
            now = datetime.now(UTC)
            leased = next_question(session, get_rater(session, name, now), now)
        assert leased is not None
        return leased

    def say(self, name: str, leased: LeasedQuestion, kind: AnswerKind) -> None:
        kind = "yes" if leased.is_gold else kind  # as those said who settled it
        with self._timed("submit"), session_scope(self.engine) as session:
            now = datetime.now(UTC) + READING
            submit_answer(session, leased.token, get_rater(session, name, now), kind, None, now, "Simulated.")

    @contextmanager
    def _timed(self, what: str) -> Iterator[None]:
        start = time.perf_counter()
        yield
        self.seconds[what].append(time.perf_counter() - start)

    def _check(self, number: int, leased: LeasedQuestion, asked_at: float) -> None:
        with read_scope(self.engine) as session:
            reliability = reliability_of(session, number).mean
            least = leased.value / most_resolved(reliability)  # of the index, for it to be worth more
            may_be_better = select(Question).where(IS_OPEN, Question.value > least * (1 + 1e-9))
            free = session.exec(may_be_better.where(has_free_place(number, datetime.now(UTC)), ~is_answered_by(number)))
            found = [(one.id, one.value * float(share_resolved(one.prob or 0.0, reliability))) for one in free]
        better = [one for one, worth in found if worth > leased.value * (1 + 1e-9)]
        self.checked += 1
        self.wrong += any(self.freed.get(one or 0, 0.0) < asked_at for one in better)


def alone(engine: Engine, number: int) -> dict[str, float]:
    """The figures of one rater at whose desk nobody else is."""
    crowd, start, rng = Crowd(engine, 0.0), time.process_time(), random.Random(0)
    for _ in range(ALONE):
        crowd.say(f"Rater {number}", crowd.ask(f"Rater {number}"), rng.choice(KINDS))
    return {"processor_ms": 1e3 * (time.process_time() - start) / ALONE, **_figures(crowd.seconds)}


def run(engine: Engine, settings: Settings) -> dict[str, Any]:
    """The figures of one database."""
    spread = "(5 + i * 37 % 91) / 100.0"
    halves = "i % 2 = 0"
    raters, answered = settings.raters + 2, settings.answered
    fill_crowded(engine, settings.questions, raters, answered=answered, prob=spread, vouched=halves)
    pass_on(engine, 1, PASSED)
    found = {
        "alone": alone(engine, settings.raters + 2 - settings.raters % 2),
        "alone_unknown": alone(engine, settings.raters + 1 + settings.raters % 2),
        "alone_having_passed": alone(engine, 1),
    }
    crowd = Crowd(engine, settings.think_seconds)
    with ThreadPoolExecutor(settings.raters) as pool:
        list(pool.map(lambda number: crowd.answer(number, settings.answers), range(1, settings.raters + 1)))
    together = {"together": _figures(crowd.seconds), "checked": crowd.checked, "not_the_best": crowd.wrong}
    return {"database": engine.dialect.name, **found, **together}


def _figures(seconds: dict[str, list[float]]) -> dict[str, float]:
    """Percentiles in milliseconds."""
    both = np.array(seconds["next"]) + np.array(seconds["submit"])
    named = {"next": seconds["next"], "submit": seconds["submit"], "next_plus_submit": both}
    return {
        f"{name}_{label}_ms": float(np.quantile(values, at)) * 1e3
        for name, values in named.items()
        for label, at in (("median", 0.5), ("p95", 0.95), ("most", 1.0))
    }


@contextmanager
def sqlite() -> Iterator[Engine]:
    with tempfile.TemporaryDirectory() as folder:
        engine = open_store(f"sqlite:///{folder}/store.db")
        yield engine
        engine.dispose()


@contextmanager
def postgresql() -> Iterator[Engine]:
    server = Server(durable=True)
    engine = open_store(server.make_database("store"))
    yield engine
    engine.dispose()
    server.close()


def main(
    questions: Annotated[int, typer.Option(help="Open ones.")] = 1_000_000,
    answered: Annotated[int, typer.Option(help="Questions with an answer, beside those.")] = 200_000,
    raters: Annotated[int, typer.Option(help="At once.")] = 50,
    answers: Annotated[int, typer.Option(help="Of each rater.")] = 20,
    think_seconds: Annotated[float, typer.Option(help="Before each question, on average.")] = 5.0,
    out: Annotated[Path | None, typer.Option(help="Where to write the figures as JSON.")] = None,
) -> None:
    """Measure raters' waiting."""
    settings = Settings(questions, answered, raters, answers, think_seconds)
    found = []
    for database in (sqlite, postgresql):
        with database() as engine:
            found.append(run(engine, settings))
    table = Table("milliseconds", *(one["database"] for one in found))
    for part in ("alone", "alone_unknown", "alone_having_passed", "together"):
        for name in found[0][part]:
            table.add_row(f"{part} {name}".replace("_", " "), *(f"{one[part][name]:.1f}" for one in found))
    for name in ("checked", "not_the_best"):
        table.add_row(name.replace("_", " "), *(str(one[name]) for one in found))
    Console().print(table)
    if out is not None:
        about = {**asdict(settings), "passed_by_one": PASSED, "alone_answers": ALONE}
        out.write_text(json.dumps(about | {"runs": found}, indent=1) + "\n")


if __name__ == "__main__":
    typer.run(main)
