"""Whatever goes wrong between here and a model's server: it is asked again, or one sentence says what to do."""

import logging
import signal
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from models.errors import (
    BadReplyError,
    KeyRefusedError,
    ModelError,
    ModelNotFoundError,
    ModelUnavailableError,
    PromptTooLongError,
)
from models.load import load_model
from models.retrying import Retry
from models.server import ServerModel
from tests.models import faulty_server
from tests.models.faulty_server import FAULTS, RefusalError, Server, completion, serving

KEY = "sk-very-secret-1234"
QUICK = Retry(attempts=3, first_seconds=0.01)


@pytest.fixture
def server() -> Iterator[Server]:
    with serving(Server(lambda body: completion(f"said {body['messages'][0]['content']}"))) as server:
        yield server


def model_of(server: Server, **options: Any) -> ServerModel:
    given = {"key": KEY, "retry": QUICK, "timeout_seconds": 0.25, **options}
    return ServerModel(server.url, "little", **given)


def ask(model: ServerModel, *prompts: str) -> list[str]:
    return [reply.text for reply in model.complete(prompts or ("a",), {}, max_tokens=5)]


def refused(server: Server, status: int, message: str, **more: str) -> Callable[[BaseHTTPRequestHandler], None]:
    return lambda handler: faulty_server.write(handler, status, RefusalError(status, message, **more).body)


@pytest.mark.parametrize("fault", FAULTS)
def test_what_heals_after_two_requests_is_asked_a_third_time(server: Server, fault: Any) -> None:
    server.fault = fault
    assert ask(model_of(server)) == ["said a"] and len(server.bodies) == 3


@pytest.mark.parametrize("fault", FAULTS)
def test_what_never_heals_ends_in_one_sentence_without_the_key(
    server: Server, fault: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    server.fault, server.times = fault, 10**6
    with pytest.raises(ModelUnavailableError) as caught:
        ask(model_of(server))
    assert str(caught.value).startswith(f"{server.url} ") and str(caught.value).endswith(".")
    assert 3 <= len(server.bodies) <= 4  # a last look whether the prompt is to blame
    assert_untold(caught.value, caplog)


def assert_untold(error: BaseException, caplog: pytest.LogCaptureFixture) -> None:
    assert KEY not in "".join(traceback.format_exception(error)) + repr(error) + caplog.text


@pytest.mark.parametrize("status", [401, 403])
def test_key_that_is_refused_is_said_at_once_and_not_repeated(
    server: Server, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    server.fault = refused(server, status, f"Incorrect API key provided: {KEY}")
    with pytest.raises(KeyRefusedError, match="doesn't accept the key in ARGTREE_API_KEY") as caught:
        ask(model_of(server))
    assert len(server.bodies) == 1
    assert_untold(caught.value, caplog)


def test_missing_key_is_asked_for(server: Server) -> None:
    server.fault = refused(server, 401, "Who are you?")
    with pytest.raises(KeyRefusedError, match="wants a key: put it into the environment variable ARGTREE_API_KEY"):
        ask(model_of(server, key=None))
    assert all("authorization" not in one.headers for one in server.asked)


def test_missing_model_is_said_at_once_with_those_that_are_there(server: Server) -> None:
    server.models, server.fault = ["big", "small"], refused(server, 404, "No such model.")
    with pytest.raises(ModelNotFoundError, match="has no model little; it has big, small"):
        ask(model_of(server))
    assert len(server.bodies) == 1


def test_wrong_address_is_said_at_once(server: Server) -> None:
    server.models, server.fault = [], refused(server, 404, "Not found.")
    with pytest.raises(ModelNotFoundError, match="see whether the address ends in /v1"):
        ask(model_of(server))


def test_redirect_is_not_followed(server: Server) -> None:
    server.fault = lambda handler: faulty_server.write(handler, 307, b"", location="http://127.0.0.1:9/elsewhere")
    with pytest.raises(ModelNotFoundError, match="sends one to another address"):
        ask(model_of(server))


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (400, "This model's maximum context length is 4096 tokens. However, you requested 5000 tokens."),
        (400, "the request exceeds the available context size, try increasing it"),
        (400, "The decoder prompt (length 5000) is longer than the maximum model length of 4096."),
        (500, "Requested tokens (300) exceed context window of 256"),
        (413, "Prompt is too long"),
    ],
)
def test_prompt_that_is_too_long_is_said_to_be(server: Server, status: int, said: str) -> None:
    server.fault = refused(server, status, said)
    with pytest.raises(PromptTooLongError, match="A prompt is too long for little"):
        ask(model_of(server))
    assert len(server.bodies) == 1


@pytest.mark.parametrize(("tokens", "is_cut"), [(1_999, True), (2_000, False), (0, False)])
def test_prompt_that_the_server_cut_is_said_to_be_too_long(server: Server, tokens: int, is_cut: bool) -> None:
    server.answer_fn = lambda body: completion("yes", prompt_tokens=tokens)
    with pytest.raises(PromptTooLongError, match="read 1999 tokens of.*2000 words") if is_cut else nullcontext():
        ask(model_of(server), "jelly " * 2_000)


def test_server_that_asks_for_a_long_wait_is_not_waited_for(server: Server) -> None:
    server.fault = lambda handler: faulty_server.write(handler, 429, b"{}", retry_after="3600")
    with pytest.raises(ModelUnavailableError, match="asks to wait 3600 seconds"):
        ask(model_of(server))
    assert len(server.bodies) == 1


def test_prompt_that_breaks_a_server_which_is_well_is_to_blame_itself(server: Server) -> None:
    """Otherwise a daemon would ask it for ever, and nothing else."""

    def answer(body: dict[str, Any]) -> dict[str, Any]:
        if body["messages"][0]["content"] == "poison":
            raise RefusalError(500, "Assertion failed.")
        return completion("fine")

    server.answer_fn = answer
    with pytest.raises(BadReplyError, match="fails with status 500 with one prompt, and not with others"):
        ask(model_of(server), "poison")


def test_first_failure_ends_a_batch(server: Server) -> None:
    server.fault, server.times = faulty_server.server_error, 10**6
    began = time.monotonic()
    with pytest.raises(ModelUnavailableError):
        ask(model_of(server, retry=Retry(attempts=2, first_seconds=0.05)), *map(str, range(200)))
    assert len(server.bodies) <= 40 and time.monotonic() - began < 5


def test_stop_ends_a_wait_promptly(server: Server) -> None:
    server.fault, server.times, stop = faulty_server.overloaded, 10**6, threading.Event()
    threading.Timer(0.2, stop.set).start()
    began = time.monotonic()
    with pytest.raises(ModelUnavailableError, match="Stopped while waiting"):
        ask(model_of(server, retry=Retry(first_seconds=60), stop=stop))
    assert time.monotonic() - began < 5


@pytest.fixture
def heeds_interrupts() -> Iterator[None]:
    """Ctrl-C interrupts, also where the tests run in the background, whose processes ignore it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize("fault", [faulty_server.overloaded, faulty_server.silence])
def test_interrupt_ends_a_wait_promptly(server: Server, fault: Any, heeds_interrupts: None) -> None:
    server.fault, server.times = fault, 10**6
    threading.Timer(0.2, signal.raise_signal, [signal.SIGINT]).start()
    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        ask(model_of(server, retry=Retry(first_seconds=60), timeout_seconds=60))
    assert time.monotonic() - began < 5


def test_key_comes_from_the_environment_and_nothing_of_openais_is_sent(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("OPENAI_API_KEY", "OPENAI_ADMIN_KEY", "OPENAI_ORG_ID", "OPENAI_PROJECT_ID"):
        monkeypatch.setenv(name, "theirs")
    monkeypatch.setenv("ARGTREE_API_KEY", f"{KEY}\n")
    model = load_model(f"openai:{server.url}#little")
    model.complete(["a"], {}, max_tokens=5)
    (asked,) = server.asked
    assert asked.headers["authorization"] == f"Bearer {KEY}" and "theirs" not in str(asked.headers)
    assert KEY not in model.name + repr(model)
    monkeypatch.delenv("ARGTREE_API_KEY")
    load_model(f"openai:{server.url}#little").complete(["a"], {}, max_tokens=5)
    assert "authorization" not in server.asked[-1].headers


@pytest.mark.parametrize("key", ["two words", "naïve", "line\nbreak"])
def test_key_that_is_none_is_refused_and_not_repeated(key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARGTREE_API_KEY", key)
    with pytest.raises(ModelError, match="holds is no key") as caught:
        load_model("openai:http://127.0.0.1:9/v1#little")
    assert key not in str(caught.value)


def test_nothing_is_sent_by_loading(tmp_path: Path) -> None:
    assert load_model("openai:http://127.0.0.1:9/v1#little").name == "openai:http://127.0.0.1:9/v1#little"
