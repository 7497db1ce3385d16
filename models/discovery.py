"""What models there are to use: the bundled one, the generations, those of servers on this machine; what each lacks.

Nothing is loaded. Servers are asked on their usual ports, for their list of models only and without any key.
"""

import http.client
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Literal

from pydantic import ValidationError

from models.address import KEY_VARIABLE, spec_of
from models.generations import Generation, Registry
from models.load import BUNDLED, bundled_folder
from models.wire import Models

HOST = "127.0.0.1"
USUAL_PORTS = (("Ollama", 11434), ("llama.cpp", 8080), ("vLLM", 8000), ("LM Studio", 1234))
TIMEOUT_SECONDS = 1.0
MAX_BYTES = 2**20

Kind = Literal["bundled", "generation", "server"]


@dataclass(frozen=True)
class Choice:
    """A model by name."""

    spec: str  # as `load_model` takes it; text of a server, if it is of one
    kind: Kind
    about: str  # one phrase
    lacks: str = ""  # what is to be done before it can be used; empty: nothing


@dataclass(frozen=True)
class LocalServer:
    """A server on this machine that speaks OpenAI's HTTP API."""

    program: str  # that usually has the port; another may answer in its place
    url: str
    models: tuple[str, ...]  # names, as the server gives them
    wants_key: bool = False  # it lists none without


def choices(registry: Registry, servers: Sequence[LocalServer]) -> list[Choice]:
    """Returns the bundled model, the generations and the servers' models, in this order.

    Raises:
        GenerationError: The folder of generations is damaged.
    """
    return [_bundled(), *_generations(registry), *(one for server in servers for one in _served(server))]


def has_gguf() -> bool:
    """Whether llama-cpp-python is there, of the extra `gguf`."""
    return find_spec("llama_cpp") is not None


def find_servers(
    ports: Sequence[tuple[str, int]] = USUAL_PORTS, timeout_seconds: float = TIMEOUT_SECONDS
) -> list[LocalServer]:
    """Returns the servers that answer on these ports of this machine, in their order.

    Args:
        ports: Name of the usual program, and port.
        timeout_seconds: After which whoever has not answered is passed over; all are asked at once.
    """
    found: SimpleQueue[LocalServer | None] = SimpleQueue()

    def ask(program: str, port: int) -> None:
        try:
            found.put(_ask(program, port, timeout_seconds))
        except (OSError, http.client.HTTPException, ValidationError):  # nobody there, or something else
            found.put(None)

    for program, port in ports:
        Thread(target=ask, args=(program, port), daemon=True).start()
    deadline = time.monotonic() + timeout_seconds
    answers: list[LocalServer] = []
    for _ in ports:
        try:
            answer = found.get(timeout=max(0.0, deadline - time.monotonic()))
        except Empty:
            break
        answers += [] if answer is None else [answer]
    order = [_url(port) for _, port in ports]
    return sorted(answers, key=lambda server: order.index(server.url))


def _ask(program: str, port: int, timeout_seconds: float) -> LocalServer | None:
    connection = http.client.HTTPConnection(HOST, port, timeout=timeout_seconds)
    try:
        connection.request("GET", "/v1/models")
        response = connection.getresponse()
        if response.status in (401, 403):
            return LocalServer(program, _url(port), (), wants_key=True)
        body = response.read(MAX_BYTES)
    finally:
        connection.close()
    if response.status != 200:
        return None
    names = Models.model_validate_json(body).names
    return LocalServer(program, _url(port), tuple(name for name in names if name.isprintable()))


def _url(port: int) -> str:
    return f"http://{HOST}:{port}/v1"


def _bundled() -> Choice:
    lacks = "" if bundled_folder().is_dir() else "its weights: `python -m models.everyday.pretrain` makes them"
    return Choice(BUNDLED, "bundled", "comes with argtree; knows a small world of everyday things only", lacks)


def _generations(registry: Registry) -> Iterator[Choice]:
    if not registry.is_started:
        return
    current = registry.current().number
    for one in registry.all():
        about = f"{one.method} on {one.base}" if one.number else f"the model one started from, {one.base}"
        lacks = "" if one.number == 0 or _has_files(one) else "its weights, which were deleted"
        yield Choice(one.spec, "generation", about + (", in use" if one.number == current else ""), lacks)


def _has_files(generation: Generation) -> bool:
    return generation.has_weights or generation.is_adapter


def _served(server: LocalServer) -> list[Choice]:
    about = f"on the usual port of {server.program}"
    if server.wants_key:
        lacks = f"a key, in the environment variable {KEY_VARIABLE}; and the model's name"
        return [Choice(spec_of(server.url, "MODEL"), "server", about, lacks)]
    return [Choice(spec_of(server.url, name), "server", about) for name in server.models]
