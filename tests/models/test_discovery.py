"""Servers on this machine are found, whatever else lives on their ports."""

import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from models.discovery import LocalServer, choices, find_servers
from models.generations import Registry
from tests.models.faulty_server import Server, completion, serving, write


@pytest.fixture
def server() -> Iterator[Server]:
    with serving(Server(lambda body: completion("yes"), ["llama3.2:3b", "\x1b[31mred"])) as server:
        yield server


def port_of(server: Server) -> int:
    return int(server.url.removesuffix("/v1").rpartition(":")[2])


def test_servers_are_found_with_their_models_in_the_order_of_the_ports(server: Server) -> None:
    with serving(Server(lambda body: completion("no"), ["other"])) as second:
        found = find_servers([("One", port_of(server)), ("Nobody", 9), ("Two", port_of(second))], 5.0)
    assert found == [LocalServer("One", server.url, ("llama3.2:3b",)), LocalServer("Two", second.url, ("other",))]
    assert all("authorization" not in one.headers for one in server.asked)


def test_something_else_on_a_port_is_passed_over(server: Server) -> None:
    server.listing_fn = lambda handler: write(handler, 200, b"<html>", content_type="text/html")
    assert find_servers([("One", port_of(server))], 5.0) == []


def test_server_that_wants_a_key_says_so(server: Server, tmp_path: Path) -> None:
    server.listing_fn = lambda handler: write(handler, 401, b"{}")
    found = find_servers([("One", port_of(server))], 5.0)
    assert found == [LocalServer("One", server.url, (), wants_key=True)]
    one = choices(Registry(tmp_path / "none"), found)[-1]
    assert one.spec == f"openai:{server.url}#MODEL" and "ARGTREE_API_KEY" in one.lacks


def test_silent_server_is_not_waited_for() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        began = time.monotonic()
        assert find_servers([("One", silent.getsockname()[1])], 0.2) == []
    assert time.monotonic() - began < 2


def test_bundled_model_generations_and_servers_are_listed(tmp_path: Path) -> None:
    registry = Registry(tmp_path / "generations")
    registry.start("bundled")
    registry.add(0, lambda folder: None, method="full")
    found = choices(registry, [LocalServer("Ollama", "http://127.0.0.1:11434/v1", ("llama3.2:3b",))])
    specs = [one.spec for one in found]
    assert specs == ["bundled", "generation:0", "generation:1", "openai:http://127.0.0.1:11434/v1#llama3.2:3b"]
    assert "in use" in found[1].about and found[2].lacks and not found[3].lacks
