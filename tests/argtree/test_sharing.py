"""Explorers on one store: none does what another is at, and what one leaves undone another does."""

import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from sqlalchemy import Engine
from sqlmodel import select

from argtree import sharing
from argtree.explorer import Explorer, utc_now
from argtree.workers import Expedition
from models.base import Reply
from models.elicitation import Elicitor
from models.everyday.benchmark import read_benchmark
from models.prompts import PROPOSE
from store.calls import list_calls
from store.claims import latest_beliefs
from store.database import open_store, read_scope, session_scope
from store.posed import list_posed, pose
from store.work import Worker, WorkLease, take_work
from tests.argtree.test_daemon import QUESTION, explore_all, explorer_on, in_words, wait_for
from tests.world_model import WorldModel

QUESTIONS = [one.question for one in read_benchmark() if one.part == "explore"][:3]


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    return open_store(str(tmp_path / "store.db"))


def leases(engine: Engine) -> list[WorkLease]:
    with read_scope(engine) as session:
        return list(session.exec(select(WorkLease)))


class Doing(WorldModel):
    """Does something whenever it is asked for arguments, before it gives them."""

    def __init__(self, do: Callable[[], object]) -> None:
        super().__init__()
        self.do = do

    def complete(self, prompts: Sequence[str], *args: Any, **options: Any) -> list[Reply]:
        if any(prompt.startswith(PROPOSE) for prompt in prompts):
            self.do()
        return super().complete(prompts, *args, **options)


def test_a_claim_under_expansion_is_left_to_its_explorer(engine: Engine) -> None:
    other = explorer_on(engine)
    seen: list[object] = []
    explorer = Explorer(engine, Elicitor(Doing(lambda: seen.append((other.step(), other.share.is_held_up)))))
    explorer.add_question(QUESTION)
    assert explorer.step() and seen == [([], True)]
    assert leases(engine) == [] and other.step() and not other.share.is_held_up


def test_what_was_expanded_since_it_was_looked_at_is_looked_at_again(engine: Engine) -> None:
    """The other one chooses on the graph as it is before an expansion, and comes to take its claim after it."""
    explorer = explorer_on(engine)
    root = explorer.add_question(QUESTION)

    def late(frontier: Any, at_most: int) -> list[str]:
        if not frontier.result.graph.arguments:
            assert [one.claim for one in explorer.step()] == [root]
            return [root]
        return []

    assert Explorer(engine, Elicitor(WorldModel()), choose_fn=late).step() == []


def test_explorer_that_fails_lets_go(engine: Engine) -> None:
    def fail() -> None:
        assert len(leases(engine)) == 1
        raise RuntimeError("a bug")

    explorer = Explorer(engine, Elicitor(Doing(fail)))
    explorer.add_question(QUESTION)
    with pytest.raises(RuntimeError, match="a bug"):
        explorer.step()
    assert leases(engine) == [] and explorer_on(engine).step()


def test_lease_of_who_is_silent_runs_out(engine: Engine) -> None:
    explorer = explorer_on(engine)
    root, now = explorer.add_question(QUESTION), utc_now()
    with session_scope(engine) as session:
        take_work(session, "expand", [root], Worker("far", "elsewhere", 1), now, now + timedelta(seconds=60))
    assert explorer.step() == [] and explorer.share.is_held_up
    later = Explorer(engine, Elicitor(WorldModel()), lambda: now + timedelta(seconds=60))
    assert [one.claim for one in later.step()] == [root]


def test_what_others_took_over_is_stored_by_them_alone(engine: Engine) -> None:
    explorer = Explorer(engine, Elicitor(Doing(lambda: take_over(engine))))
    explorer.add_question(QUESTION)
    before = in_words(engine)
    assert explorer.step() == [] and in_words(engine) == before and [one.worker for one in leases(engine)] == ["far"]


def take_over(engine: Engine) -> None:
    later = utc_now() + timedelta(seconds=sharing.LEASE_SECONDS + 1)
    with session_scope(engine) as session:
        subjects = [one.subject for one in leases(engine)]
        take_work(session, "expand", subjects, Worker("far", "elsewhere", 1), later, later + timedelta(hours=1))


def test_lease_is_renewed_while_its_holder_works(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sharing, "RENEW_SECONDS", 0.02)
    ends: list[object] = []

    def wait_for_renewal() -> None:
        first = leases(engine)[0].expires_at
        wait_for(lambda: leases(engine)[0].expires_at > first)
        ends.append(first)

    explorer = Explorer(engine, Elicitor(Doing(wait_for_renewal)))
    explorer.add_question(QUESTION)
    assert explorer.step() and len(ends) == 1


def test_posed_questions_are_taken_on_once_by_many(engine: Engine) -> None:
    with session_scope(engine) as session:
        for question in QUESTIONS:
            pose(session, question, "Ada", utc_now())
    explorers = [explorer_on(engine) for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        counts = list(pool.map(Explorer.take_posed, explorers))
    with read_scope(engine) as session:
        assert {one.stage for one in list_posed(session)} == {"explored"}
    assert sum(counts) == len(QUESTIONS) and sum(one.elicitor.calls for one in explorers) == 3 * len(QUESTIONS)


def test_beliefs_are_renewed_once_by_many(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("argtree.explorer.RENEWED_AT_ONCE", 2)
    first = explorer_on(engine)
    first.add_question(QUESTION)
    explore_all(first)
    explorers = [explorer_on(engine) for _ in range(3)]
    for explorer in explorers:
        explorer.elicitor.model.name = "generation:1"
    with ThreadPoolExecutor(3) as pool:
        renewed = sum(pool.map(Explorer.renew_beliefs, explorers))
    with read_scope(engine) as session:
        held = [*latest_beliefs(session).values(), *latest_beliefs(session, "residual").values()]
    assert renewed == len(held) and {one.generation for one in held} == {"generation:1"}


def process(store: Path, seconds: float) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "tests.argtree._explore_all", str(store), str(seconds)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def test_two_processes_and_threads_beside_them_expand_nothing_twice(engine: Engine, tmp_path: Path) -> None:
    assert explorer_on(engine).add_questions(QUESTIONS) == []
    alone = explorer_on(open_store(str(tmp_path / "alone.db")))
    assert alone.add_questions(QUESTIONS) == []
    explore_all(alone)
    processes = [process(tmp_path / "store.db", 0.02) for _ in range(2)]
    with suppress(subprocess.TimeoutExpired):
        said = [one.communicate(timeout=120)[0] for one in processes]
    assert [one.returncode for one in processes] == [0, 0], said
    assert all(int(one) > 0 for one in said)
    with read_scope(engine) as session:
        asked = Counter(call.prompt for call in list_calls(session) if call.kind == "complete")
    assert max(asked.values()) == 1 and in_words(engine) == in_words(alone.engine) and leases(engine) == []


@pytest.mark.skipif(os.name != "posix", reason="whether a process runs is asked by a signal")
def test_what_a_killed_process_was_at_is_done_by_another(engine: Engine, tmp_path: Path) -> None:
    explorer = explorer_on(engine)
    root = explorer.add_question(QUESTION)
    killed = process(tmp_path / "store.db", 600)
    try:
        wait_for(lambda: [one.subject for one in leases(engine)] == [root])
        assert explorer.step() == [] and explorer.share.is_held_up
    finally:
        killed.send_signal(signal.SIGKILL)
        killed.communicate(timeout=30)
    assert [one.claim for one in explorer.step()] == [root]


def test_explorer_alone_waits_for_others_and_then_goes_on(engine: Engine) -> None:
    began = Event()

    def dawdle() -> None:
        began.set()
        Event().wait(0.5)

    slow, quick = Explorer(engine, Elicitor(Doing(dawdle))), explorer_on(engine)
    root, steps = slow.add_question(QUESTION), list[Explorer]()
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(slow.step)
        assert began.wait(30)
        Expedition([quick], [root], 100).run(steps.append)
        assert [one.claim for one in first.result()] == [root] and steps
