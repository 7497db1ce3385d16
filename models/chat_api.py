"""OpenAI's HTTP API, one request at a time: the one file that knows the vendor's client.

Not here: what is asked for (`models.server`), asking again (`models.retrying`), streaming, tools, several turns.

The key goes nowhere but into the request: vendor errors, which carry the request, are not chained to ours, and a key
that a server repeats is blotted out.
"""

import re
import time
import weakref
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import httpx2
import openai
from pydantic import ValidationError

from models.address import KEY_VARIABLE
from models.errors import KeyRefusedError, ModelNotFoundError, PromptTooLongError
from models.retrying import PassingError
from models.wire import Completion, Models

CONNECT_SECONDS = 10.0
SHOWN_MODELS = 10
MAX_REPLY_BYTES = 4 * 2**20

_UNKNOWN_OPTION = re.compile("logprobs|response_format")  # which llama-cpp-python refuses with status 500
_TOO_LONG = re.compile(
    r"context.{0,20}(length|window|size)|maximum model length|(prompt|input) is too long|too many tokens", re.I
)
_PASSING = {408, 409, 425, 429}  # and 500 to 599


class RefusedError(Exception):
    """The server understood the request and won't have it so. Never leaves the package."""


class ChatClient:
    """Asks one model of one server."""

    def __init__(self, url: str, model: str, key: str | None, timeout_seconds: float) -> None:
        """Args:
        url: Of the API, without a slash at its end.
        model: As the server names it.
        key: None sends none.
        timeout_seconds: Longest wait for a reply, and then for its end.
        """
        self.url = url
        self._model = model
        self._key = key
        self._timeout_seconds = timeout_seconds
        self._client = _client(url, key, timeout_seconds)
        weakref.finalize(self, self._client.close)  # connections are kept for the next request until then
        self._headers: Any = {"Authorization": openai.omit} if key is None else {}

    def ask(self, prompt: str, options: dict[str, Any]) -> Completion:
        """The reply to a prompt, by one request; `options` as the API names them.

        Raises:
            PassingError: It failed in a way that may pass.
            RefusedError: The server won't have it so.
            ModelError: It's of no use to ask again.
        """
        create: Any = self._client.chat.completions.with_raw_response.create
        try:
            messages = [{"role": "user", "content": prompt}]
            raw = create(model=self._model, messages=messages, extra_headers=self._headers, **options)
            return Completion.model_validate_json(raw.content)
        except openai.APIStatusError as exc:
            failure = self._status_error(exc)
        except openai.APITimeoutError:
            what = f"doesn't answer within {self._timeout_seconds:g} seconds"
            failure = PassingError(what, "it may have too much to do, or the model may be too large for the machine")
        except openai.APIConnectionError as exc:
            failure = self._connection_error(exc)
        except ValidationError:
            what = "doesn't reply in the form of OpenAI's API"
            failure = PassingError(what, "see whether the address is right; most end in /v1", is_answer=True)
        raise failure from None

    def models(self) -> list[str]:
        """The server's models by name, without a second try; [] where it doesn't say."""
        try:
            raw = self._client.models.with_raw_response.list(extra_headers=self._headers)
            return Models.model_validate_json(raw.content).names
        except (openai.OpenAIError, ValidationError):
            return []

    def _connection_error(self, exc: openai.APIConnectionError) -> PassingError:
        why = self._plain(str(exc.__cause__))
        if isinstance(exc.__cause__, httpx2.ConnectError):
            advice = "start the server, or take a model that `argtree models` lists"
            return PassingError(f"can't be reached ({why})", advice)
        return PassingError(f"breaks off its replies ({why})", "see the server's log", is_answer=True)

    def _status_error(self, exc: openai.APIStatusError) -> Exception:
        status, said = exc.status_code, self._plain(exc.message)
        if status in (401, 403):
            return self._key_error(said)
        if status == 404:
            return self._no_model()
        if status < 400:
            return ModelNotFoundError(f"{self.url} sends one to another address, which isn't followed: give that one.")
        if _TOO_LONG.search(f"{exc.code} {exc.type} {said}") and status != 429:
            return PromptTooLongError(f"A prompt is too long for {self._model}: {said}")
        if status in _PASSING or (status >= 500 and not _UNKNOWN_OPTION.search(said)):
            seconds = _asked_seconds(exc.response.headers.get("retry-after", ""))
            if status == 429:
                what = "allows no more requests for now" + (
                    f", and asks to wait {seconds:g} seconds" if seconds else ""
                )
                return PassingError(what, "try again later", asked_seconds=seconds)
            return PassingError(f"fails with status {status}", "see its log", asked_seconds=seconds, is_answer=True)
        return RefusedError(said)

    def _key_error(self, said: str) -> KeyRefusedError:
        if self._key is None:
            return KeyRefusedError(f"{self.url} wants a key: put it into the environment variable {KEY_VARIABLE}.")
        return KeyRefusedError(f"{self.url} doesn't accept the key in {KEY_VARIABLE}: {said}")

    def _no_model(self) -> ModelNotFoundError:
        names = self.models()
        if not names:
            return ModelNotFoundError(f"{self.url} has no chat completions: see whether the address ends in /v1.")
        if self._model in names:
            return ModelNotFoundError(f"{self.url} lists the model {self._model}, but can't complete chats with it.")
        more = f" and {len(names) - SHOWN_MODELS} more" if len(names) > SHOWN_MODELS else ""
        listed = ", ".join(name[:100] for name in names[:SHOWN_MODELS])
        return ModelNotFoundError(f"{self.url} has no model {self._model}; it has {listed}{more}.")

    def _plain(self, said: str) -> str:
        """What a server or the vendor said, in short, without the key."""
        one_line = " ".join(said.split())
        return (one_line.replace(self._key, "[key]") if self._key else one_line)[:300]


def _client(url: str, key: str | None, timeout_seconds: float) -> openai.OpenAI:
    """The vendor's client, without retries of its own and with nothing of OpenAI's environment variables."""
    timeout = httpx2.Timeout(timeout_seconds, connect=min(CONNECT_SECONDS, timeout_seconds))
    hooks: dict[str, list[Callable[..., Any]]] = {"response": [_limit(timeout_seconds)]}
    headers: dict[str, Any] = {"OpenAI-Organization": openai.omit, "OpenAI-Project": openai.omit}
    return openai.OpenAI(
        base_url=url,
        api_key=key or "none",
        max_retries=0,
        timeout=timeout,
        default_headers=headers | {"Accept-Encoding": "identity"},
        http_client=openai.DefaultHttpxClient(follow_redirects=False, timeout=timeout, event_hooks=hooks),
    )


def _asked_seconds(header: str) -> float:
    """For how long Retry-After asks to wait: seconds, or until a date; 0 where it says neither."""
    if re.fullmatch(r"\d{1,9}(\.\d+)?", header.strip()):
        return float(header)
    try:
        return max(0.0, (parsedate_to_datetime(header) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):
        return 0.0


def _limit(seconds: float) -> Callable[[httpx2.Response], None]:
    """A hook for responses, whose size and time HTTP clients don't bound: too large or too slow, reading one fails.

    Args:
        seconds: From the headers to the end.
    """

    def bound(response: httpx2.Response) -> None:
        if response.headers.get("content-encoding", "identity") != "identity":
            raise httpx2.ReadError("it is compressed, which was not asked for")  # it could be of any size
        assert isinstance(response.stream, httpx2.SyncByteStream)
        response.stream = _Bounded(response.stream, time.monotonic() + seconds)

    return bound


class _Bounded(httpx2.SyncByteStream):
    def __init__(self, stream: httpx2.SyncByteStream, deadline: float) -> None:
        self._stream = stream
        self._deadline = deadline

    def __iter__(self) -> Iterator[bytes]:
        num_bytes = 0
        for chunk in self._stream:
            num_bytes += len(chunk)
            if num_bytes > MAX_REPLY_BYTES:
                raise httpx2.ReadError(f"more than {MAX_REPLY_BYTES:,} bytes")
            if time.monotonic() > self._deadline:
                raise httpx2.ReadTimeout("too slow")
            yield chunk

    def close(self) -> None:
        self._stream.close()
