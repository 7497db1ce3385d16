"""A store with questions and the application on it, in this process or behind a real server."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx2
import pytest
import uvicorn
from sqlalchemy import Engine
from starlette.testclient import TestClient

from oracle_ui.api.app import build_app
from oracle_ui.api.serve import listen
from store.database import open_store, session_scope
from store.raters import get_rater
from store.tokens import make_token
from tests.oracle_ui.factories import NOW

ClientFn = Callable[[str], TestClient]


@pytest.fixture
def engine(store_url: str) -> Iterator[Engine]:
    engine = open_store(store_url)
    yield engine
    engine.dispose()


@pytest.fixture
def client(engine: Engine) -> ClientFn:
    """Gives a function that returns a client of the application with a token of the rater's."""
    app = build_app(engine)
    return lambda name: TestClient(app, headers=bearer(engine, name), raise_server_exceptions=False)


def bearer(engine: Engine, name: str = "Ada") -> dict[str, str]:
    """Returns the header with a new token of a rater, who is made if need be."""
    with session_scope(engine) as session:
        return {"Authorization": f"Bearer {make_token(session, get_rater(session, name, NOW), None, NOW)}"}


@pytest.fixture
def serve_api() -> Iterator[Callable[[Engine], str]]:
    """Gives a function that serves a store by a real server in a thread of its own; returns its address."""
    running: list[tuple[uvicorn.Server, threading.Thread]] = []

    def start(engine: Engine) -> str:
        place = listen("127.0.0.1", 0)
        server = uvicorn.Server(uvicorn.Config(build_app(engine), log_config=None, access_log=False))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [place]})
        thread.start()
        running.append((server, thread))
        return f"http://127.0.0.1:{place.getsockname()[1]}"

    yield start
    for server, thread in running:
        server.should_exit = True
        thread.join()


class Receiver(ThreadingHTTPServer):
    """What webhooks are sent to: keeps headers and bodies, and answers with the next of the statuses, else 204."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.got: list[tuple[dict[str, str], bytes]] = []
        self.statuses: list[int] = []
        self.drips = ""  # what it sends again and again: "headers" for ever, or, after the status, a "body"
        self.is_open = threading.Event()  # until then nobody gets an answer
        self.is_open.set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/labels"

    def bodies(self) -> list[dict[str, object]]:
        return [json.loads(body) for _, body in self.got]


class _Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.got.append(({name.lower(): value for name, value in self.headers.items()}, body))
        self.server.is_open.wait(30)
        if self.server.drips:
            return self._drip()
        self.send_response(self.server.statuses.pop(0) if self.server.statuses else 204)
        self.send_header("location", "/elsewhere")
        self.send_header("content-length", "0")
        self.end_headers()

    def _drip(self) -> None:
        self.wfile.write(b"HTTP/1.1 200 OK\r\n" + (b"\r\n" if self.server.drips == "body" else b""))
        with suppress(OSError):
            for _ in range(600):
                self.wfile.write(b"x-slow: 1\r\n")
                time.sleep(0.05)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    receiver = Receiver()
    thread = threading.Thread(target=receiver.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield receiver
    receiver.is_open.set()
    receiver.shutdown()
    thread.join()
    receiver.server_close()


def wait_until(is_so: Callable[[], bool], seconds: float = 30.0) -> None:
    """Waits, and fails where it does not come to be so."""
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline, "it did not come to be so"
        time.sleep(0.02)


def is_up(address: str) -> bool:
    try:
        return httpx2.get(f"{address}/openapi.json").is_success
    except httpx2.HTTPError:
        return False
