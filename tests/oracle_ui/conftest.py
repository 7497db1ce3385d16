"""A filled store of its own for every test, and a real server and browser for those that want them."""

import os
import shutil
import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

import pytest
from streamlit.testing.v1 import AppTest

import oracle_ui.app
from oracle_ui.guidelines import GUIDELINES_VARIABLE
from oracle_ui.serve import STORE_VARIABLE, command
from tests.forks import Fork, Forks
from tests.oracle_ui.factories import QUESTIONS, fill, sit_down, small_graph

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

CHROMIUM = next(filter(None, map(shutil.which, ("/usr/bin/chromium", "chromium", "chromium-browser"))), None)
CHROMIUM_FLAGS = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --disable-dev-shm-usage"
).split()
_START_SECONDS = 60.0
Open = Callable[..., AppTest]
_STORES: dict[str, str] = {}  # address of a served page -> its store


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A key pressed while Streamlit puts a field in place is lost: a browser's test that fails is tried once more."""
    for item in items:
        if item.get_closest_marker("browser"):
            item.add_marker(pytest.mark.flaky(reruns=1))


@pytest.fixture
def empty_url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'store.db'}"


@pytest.fixture
def store_url(empty_url: str) -> str:
    fill(empty_url, small_graph(), QUESTIONS)
    return empty_url


@contextmanager
def served(url: str) -> Iterator[str]:
    """Serves a store and gives the page's address; the server must stop cleanly."""
    port = free_port()
    environment = os.environ | {STORE_VARIABLE: url, GUIDELINES_VARIABLE: ""}
    server = _servers().start("streamlit.__main__", *command(port)[3:], folder=Path.cwd(), environment=environment)
    address = f"http://127.0.0.1:{port}"
    wait_until_healthy(address, server)
    _STORES[address] = url
    yield address
    server.send_signal(signal.SIGTERM)
    assert server.wait(30) == 0


@lru_cache(maxsize=1)
def _servers() -> Forks:
    """What `oracle_ui.serve` starts, whose imports take longer than most tests, and what the pages import."""
    pages = [f"oracle_ui.{path.stem}" for path in sorted(Path(oracle_ui.app.__file__).parent.glob("*.py"))]
    return Forks("streamlit.web.bootstrap", "streamlit.web.cli", "pandas", *pages)


def pytest_sessionfinish() -> None:
    if _servers.cache_info().currsize:
        _servers().close()


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
    """Gives a function that serves a store and returns the page's address."""
    with ExitStack() as servers:
        yield lambda url: servers.enter_context(served(url))


@pytest.fixture(scope="session")
def browser() -> Iterator[object]:
    if CHROMIUM is None:
        pytest.skip("no Chromium here: `apt-get install --no-install-recommends chromium chromium-sandbox`")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def open_page(browser: "Browser") -> Iterator[Callable[..., "Page"]]:
    """Gives a function that opens an address in a browser profile of its own, where no dialog may open."""
    contexts = []

    def open_(address: str, width: int = 1000, scheme: Literal["light", "dark"] = "light") -> "Page":
        contexts.append(browser.new_context(viewport={"width": width, "height": 1000}, color_scheme=scheme))
        page = contexts[-1].new_page()
        page.set_default_timeout(60_000)
        page.on("dialog", lambda dialog: pytest.fail("a dialog opened"))
        page.goto(address)
        return page

    yield open_
    for context in contexts:
        context.close()


def come_in(context: "BrowserContext", address: str, name: str = "Ada", role: str = "rater") -> None:
    """Signs a rater in on a browser, without the form: as if they had been there before."""
    parts = urlsplit(address)
    home = f"{parts.scheme}://{parts.netloc}"
    token = sit_down(_STORES[home], name, role)
    context.add_cookies([{"name": f"argtree_{parts.port}", "value": token, "url": home, "sameSite": "Strict"}])


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def wait_until_healthy(address: str, server: Fork | subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while True:
        try:
            with urllib.request.urlopen(f"{address}/_stcore/health", timeout=5):
                return
        except OSError:
            assert server.poll() is None and time.monotonic() < deadline, "the server did not start"
            time.sleep(0.05)
