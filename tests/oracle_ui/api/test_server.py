"""Real servers on loopback: many clients at once, and a server that is killed while it sends."""

import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import httpx2
import pytest
from sqlalchemy import Engine, update
from sqlmodel import select

from store.claims import get_claim
from store.corrections import override
from store.database import open_store, read_scope, session_scope
from store.delivering import LEASE_SECONDS
from store.outbox import Delivery
from store.raters import get_rater
from store.tables import Answer, Question
from store.webhooks import add_webhook, list_webhooks
from tests.oracle_ui.api.conftest import Receiver, bearer, is_up, wait_until
from tests.oracle_ui.conftest import free_port
from tests.oracle_ui.factories import NOW
from tests.store.conftest import engine as either_engine  # noqa: F401
from tests.store.conftest import server, spare, store_path  # noqa: F401
from tests.store.factories import fill_queue, flat_graph

CLIENTS, QUESTIONS, WANTED = 64, 12, 3


def _answer_all(address: str, headers: dict[str, str]) -> int:
    """Answers until nothing is left; returns how many answers were stored."""
    count = 0
    with httpx2.Client(base_url=address, headers=headers, timeout=60) as client:
        while (response := client.post("/v1/question")).status_code != 204:
            token = response.raise_for_status().json()["token"]
            said = client.post("/v1/answers", json={"token": token, "kind": "yes"})
            assert said.status_code in (200, 409), said.text
            count += said.status_code == 200
    return count


@pytest.mark.slow
def test_however_many_answer_at_once_a_question_gets_no_more_than_it_wants(
    either_engine: Engine,  # noqa: F811
    serve_api: Callable[[Engine], str],
) -> None:
    with session_scope(either_engine) as session:
        fill_queue(session, flat_graph(QUESTIONS))
        session.exec(update(Question).values(wanted=WANTED))
    headers = [bearer(either_engine, f"Rater {number}") for number in range(CLIENTS)]
    address = serve_api(either_engine)
    with ThreadPoolExecutor(CLIENTS) as pool:
        counts = list(pool.map(lambda one: _answer_all(address, one), headers))
    with read_scope(either_engine) as session:
        stored = Counter(session.exec(select(Answer.question_id)))
        pairs = session.exec(select(Answer.question_id, Answer.rater_id)).all()
    assert sum(counts) == sum(stored.values()) > 0 and len(set(pairs)) == len(pairs)
    assert set(stored.values()) == {WANTED}


@pytest.fixture
def start(store_url: str) -> Iterator[Callable[[], subprocess.Popen[bytes]]]:
    """Gives a function that starts `argtree api` in a process of its own and waits until it answers."""
    processes: list[subprocess.Popen[bytes]] = []

    def start() -> subprocess.Popen[bytes]:
        port = str(free_port())
        command = [sys.executable, "-m", "argtree.cli", "api", "--store", store_url, "--port", port]
        processes.append(subprocess.Popen(command, stderr=subprocess.DEVNULL))
        wait_until(lambda: is_up(f"http://127.0.0.1:{port}"), 60)
        return processes[-1]

    yield start
    for process in processes:
        process.kill()
        process.wait()


def _settle(engine: Engine, key: str = "p") -> None:
    with session_scope(engine) as session:
        reviewer = get_rater(session, "Rita", NOW)
        reviewer.role = "reviewer"
        override(session, get_claim(session, key), 1.0, reviewer, datetime.now(UTC))


@pytest.mark.slow
def test_what_a_killed_server_was_sending_is_sent_by_the_next(
    store_url: str, receiver: Receiver, start: Callable[[], subprocess.Popen[bytes]]
) -> None:
    engine = open_store(store_url)
    with session_scope(engine) as session:
        add_webhook(session, receiver.url, NOW)
    receiver.is_open.clear()
    first = start()
    _settle(engine)
    wait_until(lambda: len(receiver.got) == 1)
    os.kill(first.pid, signal.SIGKILL)
    first.wait()
    receiver.is_open.set()
    with session_scope(engine) as session:  # as if the lease had ended meanwhile
        (delivery,) = session.exec(select(Delivery)).all()
        assert (delivery.due_at - datetime.now(UTC)).total_seconds() > LEASE_SECONDS / 2
        delivery.due_at = datetime.now(UTC)
    start()
    wait_until(lambda: len(receiver.got) == 2)
    assert receiver.got[0][0]["webhook-id"] == receiver.got[1][0]["webhook-id"]
    wait_until(lambda: _delivered(engine) == 1)
    engine.dispose()


@pytest.mark.slow
def test_two_servers_send_each_event_once(
    store_url: str, receiver: Receiver, start: Callable[[], subprocess.Popen[bytes]]
) -> None:
    engine = open_store(store_url)
    with session_scope(engine) as session:
        add_webhook(session, receiver.url, NOW)
    for _ in range(2):
        start()
    for key in ("p", "h", "t", "s", "r", "g"):
        _settle(engine, key)
    wait_until(lambda: _delivered(engine) == 6)
    assert len(receiver.got) == len({headers["webhook-id"] for headers, _ in receiver.got}) == 6
    engine.dispose()


def _delivered(engine: Engine) -> int:
    with read_scope(engine) as session:
        return list_webhooks(session)[0].delivered
