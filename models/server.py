"""Backend for servers that speak OpenAI's HTTP API: vLLM, llama.cpp, Ollama, LM Studio, the hosted ones.

Covered: JSON schemas where the server takes them, log-probabilities of the first token or replies drawn where it gives
none, many requests at once, retries.
Not covered: log-probabilities beyond the first token. The prompts' fixed parts come first (`models.prompts`), so that
a server which keeps the prefixes that it has read reads them once.
"""

import json
from collections.abc import Callable, Sequence
from threading import Event
from typing import Any, TypeVar

import numpy as np

from models.address import key_of_environment, parse_spec, spec_of
from models.base import Reply, Scores, check_sampling
from models.chat_api import ChatClient, RefusedError
from models.errors import BadReplyError, ModelError, ModelUnavailableError, PromptTooLongError
from models.everyday.world import check_question
from models.first_token import from_alternatives, from_draws
from models.load import BUNDLED
from models.retrying import PassingError, Retry, in_parallel, persist
from models.wire import Completion

AT_ONCE = 8  # requests
TIMEOUT_SECONDS = 300.0  # a small machine may take minutes for one reply, and answer eight requests one by one
LONG_WORDS = 1000  # in a prompt; what is shorter fits every server
DRAWS = 10  # replies from which a belief is made where the server gives no log-probabilities

# Each from the most that a server can do to what every server can; what it takes is found out once.
_SCORINGS: tuple[dict[str, Any], ...] = (
    {"logprobs": True, "top_logprobs": 20},
    {"logprobs": True, "top_logprobs": 10},
    {"logprobs": True, "top_logprobs": 5},
    {},
)
_SCORING = "log-probabilities"
# Options that some servers refuse: the word of the refusal, and what they are called there; empty: they are left out.
_OTHERWISE = {"max_tokens": ("max_completion_tokens", "max_completion_tokens"), "seed": ("seed", "")}

_Item = TypeVar("_Item")
_Got = TypeVar("_Got")


class ServerModel:
    """A model on a server: a general one, as far as anybody knows, but for the bundled one under its own name."""

    def __init__(
        self,
        url: str,
        model: str,
        *,
        key: str | None = None,
        retry: Retry = Retry(),
        timeout_seconds: float = TIMEOUT_SECONDS,
        at_once: int = AT_ONCE,
        stop: Event | None = None,
    ) -> None:
        """Nothing is sent yet.

        Args:
            url: Of the API, as `parse_spec` gives it: "http://127.0.0.1:11434/v1".
            model: As the server names it.
            key: None sends none.
            retry: How often to ask again what failed.
            timeout_seconds: Longest wait for a reply, and then for its end.
            at_once: How many requests may be under way at the same time.
            stop: Ends every wait once it is set.
        """
        self.name = spec_of(url, model)
        self.is_general = model != BUNDLED
        self.url = url
        self._retry = retry
        self._at_once = at_once
        self._stop = stop or Event()
        self._taken: dict[str, int] = {}  # which form of a kind of request the server takes; found out by asking
        self._otherwise: set[str] = set()  # of the options that have another name there, or none
        self._client = ChatClient(url, model, key, timeout_seconds)

    def check_question(self, question: str) -> None:
        """Pass what the bundled model can speak of; of another nobody knows what it knows, and everything passes."""
        if not self.is_general:
            check_question(question)

    def complete(
        self,
        prompts: Sequence[str],
        schema: dict[str, object],
        *,
        max_tokens: int,
        temperature: float = 0.0,
        seed: int = 0,
    ) -> list[Reply]:
        """One reply per prompt; see `LanguageModel.complete`.

        The server is asked to hold the model to `schema`; where it refuses, to JSON; where it refuses that too, nothing
        is enforced. Same replies with the same seed as far as the server keeps to it.

        Raises:
            PromptTooLongError: The server says so, or read only a part.
            BadReplyError: The server refuses a prompt, or fails on it and on no other.
            ModelUnavailableError: The server can't be reached, goes on failing, or `stop` was set.
            ModelNotFoundError: The server has no such model.
            KeyRefusedError: The server wants a key, or another one.
            ValueError: `max_tokens` below 1, or `temperature` below 0.
        """
        check_sampling(max_tokens, temperature)
        options = {"max_tokens": max_tokens, "temperature": temperature, "seed": seed}
        forms, kind = _json_forms(schema), json.dumps(schema, sort_keys=True)

        def ask(prompt: str, halt: Event) -> Reply:
            got = self._ask_in_turn(kind, forms, prompt, options, halt)
            return Reply(got.text, got.cost.prompt_tokens, got.cost.completion_tokens)

        # The first alone finds out what the server takes.
        alone = 0 if kind in self._taken else 1
        return self._each(ask, prompts[:alone]) + self._each(ask, prompts[alone:])

    def log_probs(self, prompts: Sequence[str], continuations: Sequence[str]) -> Scores:
        """How likely the reply begins with each continuation; see `LanguageModel.log_probs`.

        From the likeliest first tokens where the server gives them (`from_alternatives` says what of words that take
        several tokens, or that are not among the likeliest); else the frequencies in `DRAWS` replies drawn at
        temperature 1 (`from_draws`).

        Raises:
            BadReplyError: The reply would begin with none of the continuations; or as `complete`.
            PromptTooLongError, ModelUnavailableError, ModelNotFoundError, KeyRefusedError: as `complete`.
        """
        if not prompts:
            return Scores(np.empty((0, len(continuations))), ())
        if _SCORING not in self._taken:
            self._each(self._ask_for_first_token, prompts[:1])
        if self._taken[_SCORING] == len(_SCORINGS) - 1:
            return self._drawn(prompts, continuations)
        got = self._each(self._ask_for_first_token, prompts)
        return _scores([from_alternatives(one.first_tokens or [], continuations) for one in got], [[g] for g in got])

    def _ask_for_first_token(self, prompt: str, halt: Event) -> Completion:
        """A completion of one token; notes whether the server gives the likeliest first tokens.

        Asked at temperature 1 because some servers give the probabilities as sampling sees them.
        """
        is_known = _SCORING in self._taken
        options = {"max_tokens": 1, "temperature": 1.0, "seed": 0}
        got = self._ask_in_turn(_SCORING, _SCORINGS, prompt, options, halt)
        if got.first_tokens is None:
            if is_known:
                raise BadReplyError(f"{self.url} gave log-probabilities before, and now none.")
            self._taken[_SCORING] = len(_SCORINGS) - 1
        return got

    def _drawn(self, prompts: Sequence[str], continuations: Sequence[str]) -> Scores:
        """Scores from `DRAWS` replies to each prompt, just long enough to hold a continuation."""
        max_tokens = max([8, *(len(one.encode()) for one in continuations)])
        asked = [(prompt, seed) for prompt in prompts for seed in range(DRAWS)]

        def ask(one: tuple[str, int], halt: Event) -> Completion:
            options = {"max_tokens": max_tokens, "temperature": 1.0, "seed": one[1]}
            return self._ask_in_turn(_SCORING, _SCORINGS, one[0], options, halt)

        got = self._each(ask, asked)
        of_each = [got[start : start + DRAWS] for start in range(0, len(got), DRAWS)]
        return _scores([from_draws([one.text for one in some], continuations) for some in of_each], of_each, DRAWS)

    def _each(self, ask_fn: Callable[[_Item, Event], _Got], items: Sequence[_Item]) -> list[_Got]:
        return in_parallel(ask_fn, items, self._at_once, self._stop)

    def _ask_in_turn(
        self, kind: str, forms: Sequence[dict[str, Any]], prompt: str, options: dict[str, Any], halt: Event
    ) -> Completion:
        """The reply in the first of the forms that the server takes, which is remembered for the kind of request."""
        refusal = ""
        for number in range(self._taken.get(kind, 0), len(forms)):
            try:
                got = self._persist(prompt, options | forms[number], halt)
            except RefusedError as exc:
                refusal = refusal or str(exc)
                continue
            self._taken.setdefault(kind, number)
            return got
        raise BadReplyError(f"{self.url} refuses a prompt: {refusal}")

    def _persist(self, prompt: str, options: dict[str, Any], halt: Event) -> Completion:
        try:
            return persist(lambda: self._ask(prompt, options), self._retry, halt)
        except PassingError as exc:
            # A prompt that brings the server down each time must not be taken for a server that is down: it would be
            # asked for ever, and nothing else.
            if exc.is_answer and not halt.is_set() and self._is_well():
                raise BadReplyError(f"{self.url} {exc.what} with one prompt, and not with others.") from None
            raise ModelUnavailableError(f"{self.url} {exc.what}; tried to no avail: {exc.advice}.") from None

    def _is_well(self) -> bool:
        """Whether the server answers the plainest of prompts."""
        try:
            self._ask("Say yes.", {"max_tokens": 1})
        except (PassingError, RefusedError, ModelError):
            return False
        return True

    def _ask(self, prompt: str, options: dict[str, Any]) -> Completion:
        """The reply by one request; options that the server refuses by name are said otherwise from then on."""
        said = {_OTHERWISE[name][1] if name in self._otherwise else name: value for name, value in options.items()}
        said.pop("", None)
        try:
            got = self._client.ask(prompt, said)
            _check_whole(self.url, prompt, got.cost.prompt_tokens)
            return got
        except RefusedError as exc:
            refused = {name for name in said if name in _OTHERWISE and _OTHERWISE[name][0] in str(exc)}
            if not refused:
                raise
        self._otherwise |= refused
        return self._ask(prompt, options)


def load_server(spec: str, stop: Event | None = None) -> ServerModel:
    """The model that "openai:URL#MODEL" names, with the key of the environment. Nothing is sent yet.

    Raises:
        UnknownSpecError: see `parse_spec`.
        KeyRefusedError: see `key_of_environment`.
    """
    url, model = parse_spec(spec)
    return ServerModel(url, model, key=key_of_environment(), stop=stop)


def _check_whole(url: str, prompt: str, tokens: int) -> None:
    """Refuse the reply of a server that read less of a prompt than it can have been, as Ollama does without a word.

    A word is at least a token, in all but a few tokenizers whose tokens span words; a cut that leaves more tokens than
    the prompt has words isn't seen.

    Args:
        tokens: Of the prompt, as the server says; 0: it doesn't.

    Raises:
        PromptTooLongError: It was cut.
    """
    words = len(prompt.split())
    if words >= LONG_WORDS and 0 < tokens < words:
        raise PromptTooLongError(
            f"{url} read {tokens} tokens of a prompt of {words} words: it cut it without a word. Let it read more at a "
            "time (Ollama: the environment variable OLLAMA_CONTEXT_LENGTH)."
        )


def _json_forms(schema: dict[str, object]) -> list[dict[str, Any]]:
    """How to ask for replies of a schema: held to it, held to JSON, not held."""
    named = {"name": "reply", "schema": schema, "strict": True}
    return [
        {"response_format": {"type": "json_schema", "json_schema": named}},
        {"response_format": {"type": "json_object", "schema": schema}},  # how llama-cpp-python's server takes it
        {"response_format": {"type": "json_object"}},
        {},
    ]


def _scores(rows: Sequence[Any], got: Sequence[Sequence[Completion]], draws: int | None = None) -> Scores:
    tokens = tuple(sum(one.cost.prompt_tokens + one.cost.completion_tokens for one in some) for some in got)
    return Scores(np.stack(rows), tokens, draws)
