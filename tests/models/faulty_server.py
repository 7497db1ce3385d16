"""A small OpenAI-compatible server for tests, which can be told to go wrong in each way that servers do."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from typing import Any

Body = dict[str, Any]


class RefusalError(Exception):
    """What the server answers with a status of its own."""

    def __init__(self, status: int, message: str, **more: str) -> None:
        super().__init__(message)
        self.status, self.body = status, {"error": {"message": message, "type": "invalid_request_error", **more}}


@dataclass
class Asked:
    """A request as it came in."""

    path: str
    headers: dict[str, str]  # by their names in small letters
    body: Body


@dataclass
class Server:
    """The server as a test sees it."""

    answer_fn: Callable[[Body], Body]
    models: list[str] = field(default_factory=lambda: ["little"])
    fault: "Callable[[BaseHTTPRequestHandler], None] | None" = None
    listing_fn: "Callable[[BaseHTTPRequestHandler], None] | None" = None  # instead of the list of models
    times: int = 2  # of the requests for a completion, from the first on, so many meet the fault
    asked: list[Asked] = field(default_factory=list)
    at_once: int = 0  # requests under way
    most_at_once: int = 0
    url: str = ""
    lock: Lock = field(default_factory=Lock)

    @property
    def bodies(self) -> list[Body]:
        return [one.body for one in self.asked if one.path.endswith("/chat/completions")]


def completion(
    text: str, alternatives: dict[str, float] | None = None, prompt_tokens: int = 5, reply_tokens: int = 1
) -> Body:
    """A chat completion as OpenAI writes it; `alternatives` are log-probabilities of first tokens."""
    listed = [{"token": token, "logprob": one, "bytes": None} for token, one in (alternatives or {}).items()]
    scored = {"content": [{"token": text, "logprob": -0.1, "top_logprobs": listed}]} if listed else None
    message = {"role": "assistant", "content": text, "refusal": None}
    usage = {"prompt_tokens": prompt_tokens, "completion_tokens": reply_tokens, "total_tokens": 0}
    choice = {"index": 0, "message": message, "logprobs": scored, "finish_reason": "stop"}
    return {"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "choices": [choice], "usage": usage}


@contextmanager
def serving(server: Server) -> Iterator[Server]:
    """Serves on a free port until the end."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            server.asked.append(Asked(self.path, {name.lower(): value for name, value in self.headers.items()}, {}))
            if server.listing_fn is not None:
                return server.listing_fn(self)
            write(self, 200, {"object": "list", "data": [{"id": name} for name in server.models]})

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            with server.lock:
                server.asked.append(
                    Asked(self.path, {name.lower(): value for name, value in self.headers.items()}, body)
                )
                is_faulty = server.fault is not None and len(server.bodies) <= server.times
                server.at_once += 1
                server.most_at_once = max(server.most_at_once, server.at_once)
            with suppress(BrokenPipeError, ConnectionResetError):
                self.reply(body, is_faulty)
            with server.lock:
                server.at_once -= 1

        def reply(self, body: Body, is_faulty: bool) -> None:
            if is_faulty:
                assert server.fault is not None
                return server.fault(self)
            try:
                write(self, 200, server.answer_fn(body))
            except RefusalError as refusal:
                write(self, refusal.status, refusal.body)

        def log_message(self, *_: Any) -> None:
            pass

    class Quiet(ThreadingHTTPServer):
        daemon_threads = True
        block_on_close = False

        def handle_error(self, *_: Any) -> None:
            pass  # a client that went away is what is tested

    web = Quiet(("127.0.0.1", 0), Handler)
    thread = Thread(target=web.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    server.url = f"http://127.0.0.1:{web.server_address[1]}/v1"
    try:
        yield server
    finally:
        web.shutdown()
        web.server_close()
        thread.join()


def write(handler: BaseHTTPRequestHandler, status: int, body: Body | bytes, **headers: str) -> None:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    handler.send_response(status)
    for name, value in {"content_type": "application/json", **headers}.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.send_header("Content-Length", str(len(content)))
    handler.end_headers()
    handler.wfile.write(content)


def _error(message: str) -> Body:
    return {"error": {"message": message}}


def rate_limit(handler: BaseHTTPRequestHandler) -> None:
    write(handler, 429, _error("Too many requests."), retry_after="0.02")


def server_error(handler: BaseHTTPRequestHandler) -> None:
    write(handler, 500, _error(f"It broke on {handler.headers['Authorization']}."))


def bad_gateway(handler: BaseHTTPRequestHandler) -> None:
    write(handler, 502, b"<html><body>Bad gateway</body></html>", content_type="text/html")


def overloaded(handler: BaseHTTPRequestHandler) -> None:
    write(handler, 503, b"")


def silence(handler: BaseHTTPRequestHandler) -> None:
    time.sleep(1)
    handler.close_connection = True


def dropped(handler: BaseHTTPRequestHandler) -> None:
    handler.close_connection = True


def half_sent(handler: BaseHTTPRequestHandler) -> None:
    whole = json.dumps(completion("yes")).encode()
    handler.send_response(200)
    handler.send_header("Content-Length", str(len(whole)))
    handler.end_headers()
    handler.wfile.write(whole[: len(whole) // 2])
    handler.close_connection = True


def dribble(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    for _ in range(100):
        handler.wfile.write(b" ")
        handler.wfile.flush()
        time.sleep(0.05)
    handler.close_connection = True


def html(handler: BaseHTTPRequestHandler) -> None:
    write(handler, 200, b"<!doctype html><title>Log in</title>", content_type="text/html")


def half_json(handler: BaseHTTPRequestHandler) -> None:
    write(handler, 200, b'{"choices": [{"message"')


def wrong_shape(handler: BaseHTTPRequestHandler) -> None:
    write(handler, 200, {"choices": []})


def no_text(handler: BaseHTTPRequestHandler) -> None:
    write(handler, 200, b"\xff\xfe\x00" * 9)


def impossible_probability(handler: BaseHTTPRequestHandler) -> None:
    write(handler, 200, completion("yes", {"yes": 3.0}))


def huge(handler: BaseHTTPRequestHandler) -> None:
    write(handler, 200, b" " * (5 * 2**20))


def huge_error(handler: BaseHTTPRequestHandler) -> None:
    write(handler, 400, b" " * (5 * 2**20))


def compressed(handler: BaseHTTPRequestHandler) -> None:
    write(handler, 200, b"\x1f\x8b\x08", content_encoding="gzip")


FAULTS = (
    rate_limit, server_error, bad_gateway, overloaded, silence, dropped, half_sent, dribble, html, half_json,
    wrong_shape, no_text, impossible_probability, huge, huge_error, compressed,
)  # fmt: skip
