"""How the server is stopped; a process that only sleeps stands for it."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from oracle_ui.serve import serve
from tests.oracle_ui.conftest import free_port, wait_until_healthy

_POPEN = subprocess.Popen[bytes]


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[_POPEN]]:
    """Gives the list of the servers that were started; whatever a test does, none outlives it."""
    servers: list[_POPEN] = []
    monkeypatch.setattr("oracle_ui.serve.command", lambda *_: [sys.executable, "-c", "import time; time.sleep(60)"])
    yield servers
    for server in servers:
        server.kill()
        server.wait()


@pytest.fixture
def hangup() -> Iterator[None]:
    """SIGHUP as it is in a terminal, however these tests were started."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


def _signal_on(monkeypatch: pytest.MonkeyPatch, servers: list[_POPEN], number: int, *, waiting: bool) -> None:
    """Sends us the signal while the server is being started, or once it is waited for."""

    class Popen(_POPEN):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            servers.append(self)
            if not waiting:
                signal.raise_signal(number)

        def wait(self, timeout: float | None = None) -> int:
            if waiting and timeout is not None and self.poll() is None:
                signal.raise_signal(number)
            return super().wait(timeout)

    monkeypatch.setattr("oracle_ui.serve.subprocess.Popen", Popen)


@pytest.mark.usefixtures("hangup")
@pytest.mark.parametrize("waiting", [False, True])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_stops_the_server_even_while_it_starts(
    started: list[_POPEN], monkeypatch: pytest.MonkeyPatch, number: int, waiting: bool
) -> None:
    _signal_on(monkeypatch, started, number, waiting=waiting)
    before = signal.getsignal(number)
    assert serve("sqlite:///none.db", 1) == 0
    assert started[0].returncode == -signal.SIGTERM and signal.getsignal(number) == before


@pytest.mark.usefixtures("hangup")
def test_an_ignored_hangup_stays_ignored(started: list[_POPEN], monkeypatch: pytest.MonkeyPatch) -> None:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    _signal_on(monkeypatch, started, signal.SIGHUP, waiting=False)
    monkeypatch.setattr("oracle_ui.serve.command", lambda *_: [sys.executable, "-c", "raise SystemExit(3)"])
    assert serve("sqlite:///none.db", 1) == 3
    assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN


def test_the_page_is_served_from_nothing_and_stops_cleanly(store_url: str) -> None:
    port = free_port()
    code = "import sys; from oracle_ui.serve import serve; sys.exit(serve(sys.argv[1], int(sys.argv[2])))"
    with subprocess.Popen([sys.executable, "-c", code, store_url, str(port)]) as server:
        wait_until_healthy(f"http://127.0.0.1:{port}", server)
        server.send_signal(signal.SIGTERM)
        assert server.wait(30) == 0
