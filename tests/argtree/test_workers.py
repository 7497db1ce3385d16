"""Several explorers in threads: nothing twice, none idle, one budget, and each outlives the others."""

import threading
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest
from sqlalchemy import Engine

from argtree.daemon import run
from argtree.explorer import CALLS_PER_EXPANSION, Explorer, utc_now
from argtree.workers import Assistant, Expedition, shared
from models.base import Reply
from models.batching import BatchingModel
from models.elicitation import Elicitor
from models.everyday.benchmark import read_benchmark
from models.prompts import PROPOSE
from store.database import open_store, session_scope
from store.posed import pose
from tests.argtree.test_daemon import (
    QUESTION,
    all_closed,
    explorer_on,
    generation,
    holders,
    in_words,
    posed,
    queued,
    wait_for,
)
from tests.world_model import WorldModel

QUESTIONS = [one.question for one in read_benchmark() if one.part == "explore"][:8]


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    return open_store(str(tmp_path / "store.db"))


class Watched(WorldModel):
    """Takes a moment over arguments, and notes what was asked for."""

    def __init__(self, seconds: float = 0.01) -> None:
        super().__init__()
        self.seconds = seconds
        self.asked: Counter[str] = Counter()
        self._lock = threading.Lock()

    def complete(self, prompts: Sequence[str], *args: Any, **options: Any) -> list[Reply]:
        with self._lock:
            self.asked.update(prompt for prompt in prompts if prompt.startswith(PROPOSE))
        time.sleep(self.seconds)
        return super().complete(prompts, *args, **options)


def party(engine: Engine, model: WorldModel, workers: int) -> list[Explorer]:
    leader = Explorer(engine, Elicitor(model))
    return [leader, *(Assistant(leader) for _ in range(workers - 1))]


def nothing(_: Explorer) -> None:
    """Is told of steps."""


def test_eight_threads_grow_the_graph_of_one_and_expand_nothing_twice(engine: Engine, tmp_path: Path) -> None:
    alone = explorer_on(open_store(str(tmp_path / "alone.db")))
    alone.add_questions(QUESTIONS[:4])
    while alone.step(at_most=4):
        pass
    model = Watched()
    explorers = party(engine, model, 8)
    keys = [explorers[0].add_question(question) for question in QUESTIONS[:4]]
    Expedition(explorers, keys, 100_000).run(nothing)
    assert in_words(engine) == in_words(alone.engine)
    assert max(model.asked.values()) == 1 and all(one.elicitor.calls for one in explorers)


class Meeting(WorldModel):
    """Gives arguments first when so many ask at the same time."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.barrier = threading.Barrier(number)
        self.have_met = Event()

    def complete(self, prompts: Sequence[str], *args: Any, **options: Any) -> list[Reply]:
        if prompts[0].startswith(PROPOSE) and not self.have_met.is_set():
            self.barrier.wait(timeout=60)
            self.have_met.set()
        return super().complete(prompts, *args, **options)


def test_with_one_root_none_is_idle(engine: Engine) -> None:
    first = explorer_on(engine)
    root = first.add_question(QUESTION)
    assert first.step()  # from here on there are premises
    explorers = party(engine, Meeting(4), 4)
    Expedition(explorers, [root], 1000).run(nothing)
    assert all(one.elicitor.calls for one in explorers)


def test_one_worker_does_what_an_explorer_does(engine: Engine, tmp_path: Path) -> None:
    alone = explorer_on(open_store(str(tmp_path / "alone.db")))
    alone.add_question(QUESTION)
    while alone.elicitor.calls < 60 and alone.step():
        pass
    explorers = party(engine, WorldModel(), 1)
    expedition = Expedition(explorers, [explorers[0].add_question(QUESTION)], 60)
    expedition.run(nothing)
    assert expedition.calls == alone.elicitor.calls and in_words(engine) == in_words(alone.engine)
    assert not isinstance(shared(alone.elicitor, 1, Event()).model, BatchingModel)


@pytest.mark.parametrize("budget", [60, 150])
def test_a_budget_is_that_of_all_workers_together(engine: Engine, budget: int) -> None:
    explorers = party(engine, Watched(), 8)
    keys = [explorers[0].add_question(question) for question in QUESTIONS]
    expedition = Expedition(explorers, keys, budget)
    expedition.run(nothing)
    assert budget <= expedition.calls <= budget + 4 * CALLS_PER_EXPANSION


class Mortal(Watched):
    """Fails once, in whatever thread."""

    def __init__(self) -> None:
        super().__init__()
        self.failures = [RuntimeError("a bug")]

    def complete(self, prompts: Sequence[str], *args: Any, **options: Any) -> list[Reply]:
        if prompts[0].startswith(PROPOSE) and self.failures:
            raise self.failures.pop()
        return super().complete(prompts, *args, **options)


def test_what_a_worker_leaves_that_dies_the_others_do(engine: Engine, caplog: pytest.LogCaptureFixture) -> None:
    explorers = party(engine, Mortal(), 3)
    keys = [explorers[0].add_question(question) for question in QUESTIONS[:3]]
    Expedition(explorers, keys, 100_000).run(nothing)
    assert "One of 3 workers has stopped: a bug" in caplog.text
    assert set(keys) <= all_closed(engine)


def test_if_all_die_it_is_an_error(engine: Engine) -> None:
    model = Mortal()
    explorers = party(engine, model, 2)
    keys = [explorers[0].add_question(QUESTION)]
    model.failures *= 100
    with pytest.raises(RuntimeError, match="a bug"):
        Expedition(explorers, keys, 100).run(nothing)


def test_stopped_all_end_soon_though_the_model_is_asked_for_much(engine: Engine) -> None:
    stop = Event()
    leader = Explorer(engine, shared(Elicitor(Watched(0.2)), 4, stop))
    explorers = [leader, *(Assistant(leader) for _ in range(3))]
    keys = [leader.add_question(question) for question in QUESTIONS[:4]]
    thread = Thread(target=Expedition(explorers, keys, 100_000, stop).run, args=(lambda _: stop.set(),))
    thread.start()
    assert stop.wait(60)
    thread.join(10)
    assert not thread.is_alive()


def test_daemon_with_assistants_explores_ranks_and_takes_on_questions(engine: Engine) -> None:
    stop = Event()
    model = Watched()
    leader, *assistants = party(engine, model, 4)
    root = leader.add_question(QUESTION)
    thread = Thread(target=run, args=(leader, stop, 0.02), kwargs={"assistants": assistants})
    thread.start()
    try:
        wait_for(lambda: root in all_closed(engine) and bool(queued(engine)))
        with session_scope(engine) as session:
            for question in QUESTIONS:
                pose(session, question, "Ada", utc_now())
        wait_for(lambda: {one.stage for one in posed(engine)} == {"explored"})
        wait_for(lambda: {one.root for one in posed(engine)} <= all_closed(engine))
    finally:
        stop.set()
        thread.join(timeout=30)
    assert not thread.is_alive() and max(model.asked.values()) == 1
    assert all(one.elicitor.calls for one in assistants)


def test_assistants_follow_the_leaders_model(engine: Engine) -> None:
    stop = Event()
    leader, *assistants = party(engine, WorldModel(), 3)
    leader.add_question(QUESTION)

    def follow(name: str) -> Elicitor | None:
        return None if name == "generation:1" else generation(1, 0.9)

    thread = Thread(target=run, args=(leader, stop, 0.02, follow), kwargs={"assistants": assistants})
    thread.start()
    try:
        wait_for(lambda: bool(queued(engine)) and holders(engine) == {"generation:1"})
        wait_for(lambda: all(one.elicitor.model is leader.elicitor.model for one in assistants))
    finally:
        stop.set()
        thread.join(timeout=30)
