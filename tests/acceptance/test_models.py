"""Other people's models on the real command line, with a server of these tests on a port of its own."""

import json
import signal
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from argtree import cli_models
from models.discovery import LocalServer
from store.database import open_store, session_scope
from store.posed import pose
from tests.acceptance.conftest import Run, Start
from tests.models.faulty_server import Server, completion, serving

NOWHERE = "openai:http://127.0.0.1:9/v1#little"


def test_models_are_listed_with_what_they_lack(argtree: Run) -> None:
    listed = argtree("models")
    assert listed.returncode == 0 and listed.stdout.split("\n")[1].startswith("bundled"), listed.stderr
    found = json.loads(argtree("models", "--json").stdout)
    assert found["models"][0]["spec"] == "bundled" and {"forms", "gpu"} <= found.keys()


def test_text_of_servers_steers_neither_terminal_nor_shell(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    served = LocalServer("vLLM", "http://127.0.0.1:8000/v1", ("[red]x[/red]\x1b[2J; rm $(x)",))
    monkeypatch.setattr(cli_models.discovery, "find_servers", lambda: [served])
    cli_models.models(tmp_path)
    shown = "".join(capsys.readouterr().out.split())
    assert "\x1b" not in shown
    assert "'openai:http://127.0.0.1:8000/v1#[red]x[/red]\N{REPLACEMENT CHARACTER}[2J;rm$(x)'" in shown
    assert cli_models._as_typed("openai:http://h/v1#llama3.2:3b") == "openai:http://h/v1#llama3.2:3b"


def test_server_that_says_nothing_usable_is_told_in_one_sentence(argtree: Run) -> None:
    with serving(Server(lambda body: completion("I see."))) as server:
        explored = argtree("explore", "Would it rain?", "--model", f"openai:{server.url}#little")
    assert explored.returncode == 1 and "Traceback" not in explored.stderr
    assert "didn't turn the question into a claim" in explored.stderr


@pytest.mark.parametrize("model", ["gpt", "hf:./nowhere", "generation:7", "openai:http://ada:pass@host/v1#m"])
def test_model_that_is_not_there_is_told_with_the_next_step(argtree: Run, model: str) -> None:
    explored = argtree("explore", "Would it rain?", "--model", model)
    assert explored.returncode == 1 and "Traceback" not in explored.stderr and "pass@" not in explored.stderr
    assert "argtree" in explored.stderr or "ARGTREE_API_KEY" in explored.stderr


def test_daemon_stops_promptly_while_it_waits_for_its_server(start: Start, tmp_path: Path) -> None:
    store = f"sqlite:///{tmp_path / 'store.db'}"
    with session_scope(open_store(store)) as session:
        pose(session, "Would it rain?", "Ada", datetime.now(UTC))
    daemon = start("daemon", "--store", store, "--model", NOWHERE)
    while "daemon is running" not in daemon.err.read_text() and daemon.process.poll() is None:
        time.sleep(0.05)
    time.sleep(2)  # it waits half a minute in all before it gives up for now
    daemon.process.send_signal(signal.SIGTERM)
    began = time.monotonic()
    ended = daemon.ended()
    assert "has stopped" in ended.stderr and "Traceback" not in ended.stderr
    assert ended.returncode == 0 and time.monotonic() - began < 10
