"""A filled store of its own for every test, and a real server and browser for those that want them."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
from streamlit.testing.v1 import AppTest

import oracle_ui.app
from oracle_ui.serve import STORE_VARIABLE
from tests.oracle_ui.factories import QUESTIONS, fill, sit_down, small_graph

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext

CHROMIUM = next(filter(None, map(shutil.which, ("/usr/bin/chromium", "chromium", "chromium-browser"))), None)
CHROMIUM_FLAGS = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --disable-dev-shm-usage"
).split()
_START_SECONDS = 60.0
Open = Callable[..., AppTest]
_STORES: dict[str, str] = {}  # address of a served page -> its store


@pytest.fixture
def empty_url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'store.db'}"


@pytest.fixture
def store_url(empty_url: str) -> str:
    fill(empty_url, small_graph(), QUESTIONS)
    return empty_url


@pytest.fixture
def open_desk(monkeypatch: pytest.MonkeyPatch) -> Open:
    def open_(url: str, page: str, role: str = "rater", **query: str) -> AppTest:
        monkeypatch.setenv(STORE_VARIABLE, url)
        desk = AppTest.from_file(oracle_ui.app.__file__, default_timeout=60)
        if Path(url.removeprefix("sqlite:///")).exists():
            desk.session_state["sitting"] = sit_down(url, "Ada", role)
        desk = desk.run().switch_page(f"desk/{page}.py")
        for name, value in query.items():
            desk.query_params[name] = value
        return desk.run()

    return open_


@pytest.fixture
def serve_page() -> Iterator[Callable[[str], str]]:
    """Gives a function that serves a store and returns the page's address; each server must stop cleanly."""
    servers: list[subprocess.Popen[bytes]] = []

    def start(url: str) -> str:
        port = _free_port()
        code = "import sys; from oracle_ui.serve import serve; sys.exit(serve(sys.argv[1], int(sys.argv[2])))"
        servers.append(subprocess.Popen([sys.executable, "-c", code, url, str(port)], env={**os.environ}))
        address = f"http://127.0.0.1:{port}"
        _wait_until_healthy(f"{address}/_stcore/health", servers[-1])
        _STORES[address] = url
        return address

    yield start
    for server in servers:
        server.send_signal(signal.SIGTERM)
    assert [server.wait(30) for server in servers] == [0] * len(servers)


@pytest.fixture(scope="session")
def browser() -> Iterator[object]:
    if CHROMIUM is None:
        pytest.skip("no Chromium here: `apt-get install --no-install-recommends chromium chromium-sandbox`")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_FLAGS)
        yield browser
        browser.close()


def come_in(context: "BrowserContext", address: str, name: str = "Ada", role: str = "rater") -> None:
    """Signs a rater in on a browser, without the form: as if they had been there before."""
    parts = urlsplit(address)
    served = f"{parts.scheme}://{parts.netloc}"
    token = sit_down(_STORES[served], name, role)
    context.add_cookies([{"name": f"argtree_{parts.port}", "value": token, "url": served, "sameSite": "Strict"}])


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait_until_healthy(address: str, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while True:
        try:
            with urllib.request.urlopen(address, timeout=5):
                return
        except OSError:
            assert server.poll() is None and time.monotonic() < deadline, "the server did not start"
            time.sleep(0.2)
