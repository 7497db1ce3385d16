"""The queue for programs and webhooks at the real command line."""

import json
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from tests.acceptance.conftest import Run, Start


@pytest.fixture
def desk(argtree: Run, graph_file: Path) -> Run:
    assert argtree("import", str(graph_file)).returncode == 0
    return argtree


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        yield taken.getsockname()[1]


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_program_answers_and_the_server_stops_cleanly(desk: Run, start: Start, number: int) -> None:
    desk("raters", "add", "ada", "--no-password")
    token, port = desk("raters", "token", "ada").stdout.strip(), _free_port()
    server = start("api", "--port", str(port))
    while not (said := server.err.read_text()).endswith("\n") and server.process.poll() is None:
        time.sleep(0.05)
    assert f"http://127.0.0.1:{port}" in said and "`argtree raters token NAME`" in said
    with httpx2.Client(base_url=f"http://127.0.0.1:{port}", headers={"Authorization": f"Bearer {token}"}) as client:
        question = client.post("/v1/question", timeout=60).json()
        answer = client.post("/v1/answers", json={"token": question["token"], "kind": "yes"}, timeout=60)
        assert answer.status_code == 200 and client.get("/v1/stats").json()["answers"] == 1
    server.process.send_signal(number)
    ended = server.ended(30)
    assert ended.returncode == 0 and ended.stderr == f"{said}The server has stopped.\n"


def test_what_keeps_it_from_serving_is_a_sentence(desk: Run, argtree: Run, taken_port: int) -> None:
    done = desk("api", "--port", str(taken_port))
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert f"port {taken_port} (Address already in use): give others" in done.stderr
    assert "Nothing can be served at nowhere.invalid" in desk("api", "--address", "nowhere.invalid").stderr
    assert "There is no store at" in desk("api", "--store", "none.db").stderr


def test_webhooks_are_added_listed_and_removed(desk: Run) -> None:
    assert "There are no webhooks" in desk("webhooks", "list").stdout
    added = desk("webhooks", "add", "https://example.org/[b]")
    assert added.stdout.startswith("whsec_") and len(added.stdout.splitlines()) == 1
    assert "https://example.org/[b]" in desk("webhooks", "list").stdout
    (listed,) = json.loads(desk("webhooks", "list", "--json").stdout)
    assert (listed["id"], listed["waiting"], listed["failed"]) == (1, 0, 0) and "secret" not in listed
    assert desk("webhooks", "remove", "1").stdout == "Webhook 1 is told nothing more.\n"
    for words, sentence in (
        (("remove", "1"), "There is no webhook 1"),
        (("add", "ftp://x"), "A webhook's address must"),
    ):
        refused = desk("webhooks", *words)
        assert refused.returncode == 1 and refused.stderr.startswith(f"Error: {sentence}")
