"""One model for several threads: what they ask at about the same time goes to it in common batches.

The model is asked by one thread at a time, so it need not be made for several. There is no thread besides those that
ask: whoever waits while nobody asks the model asks it, for all who wait and ask alike. It never waits for a batch to
fill: what comes while the model is at one batch makes up the next. A thread that dies, stops or is interrupted takes
its own prompts along and nobody else's.

Not here: servers, which take requests of many threads at once anyway (`models.server`).
"""

import copy
import threading
import time
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from threading import Condition, Event
from typing import Any

import numpy as np

from models.base import FloatArray, LanguageModel, Reply, Scores, check_sampling
from models.errors import BadReplyError, KeyRefusedError, ModelNotFoundError, ModelUnavailableError

BATCH_SIZE = 16  # prompts in one call
_PASSED = 2  # batches that may be made of others while a request waits
_LOOK_SECONDS = 0.1  # between two looks at whether to stop
_WHATEVER_IS_ASKED = (ModelUnavailableError, KeyRefusedError, ModelNotFoundError)

_Row = tuple[FloatArray, int, int | None]  # of scores: log-probabilities, tokens, draws


class BatchingModel:
    """A model that any number of threads may ask."""

    def __init__(self, model: LanguageModel, *, batch_size: int = BATCH_SIZE, stop: Event | None = None) -> None:
        """Args:
        model: whom to ask.
        batch_size: most prompts in one call, at least 1.
        stop: ends every wait once it is set; a call under way is waited for.
        """
        self.model = model
        self.name = model.name
        self.is_general = model.is_general
        self.busy_seconds = 0.0  # in calls of the model, so far
        self.num_calls = 0  # of the model
        self.num_prompts = 0  # in these calls
        self._batch_size = batch_size
        self._stop = stop or Event()
        self._changed = Condition()  # whose lock what follows is under
        self._waiting: list[_Prompt] = []
        self._is_asking = False  # some thread is, on behalf of all
        self._own = threading.local()

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

        Replies drawn at random depend on their batch, so these prompts are asked together and with no others.

        Raises:
            ModelUnavailableError: `stop` was set; or as the model.
        """
        check_sampling(max_tokens, temperature)

        def ask(some: Sequence[str]) -> list[Reply]:
            return self.model.complete(some, schema, max_tokens=max_tokens, temperature=temperature, seed=seed)

        alike = None if temperature > 0 else ("complete", repr(schema), max_tokens)
        return self._ask(_Request(alike, prompts, ask))

    def log_probs(self, prompts: Sequence[str], continuations: Sequence[str]) -> Scores:
        """How likely the reply begins with each continuation, [P, K]; see `LanguageModel.log_probs`.

        Raises:
            ModelUnavailableError: `stop` was set; or as the model.
        """

        def ask(some: Sequence[str]) -> list[_Row]:
            found = self.model.log_probs(some, continuations)
            return [(row, tokens, found.draws) for row, tokens in zip(found.log_probs, found.tokens, strict=True)]

        rows: list[_Row] = self._ask(_Request(("log_probs", *continuations), prompts, ask))
        draws = [of for _, _, of in rows if of is not None]
        log_probs = np.array([row for row, _, _ in rows], dtype=np.float64).reshape(len(rows), len(continuations))
        return Scores(log_probs, tuple(tokens for _, tokens, _ in rows), min(draws, default=None))

    def check_question(self, question: str) -> None:
        """As the model does; see `LanguageModel.check_question`."""
        self.model.check_question(question)

    def own_seconds(self) -> float:
        """The model's time that went into what this thread asked, so far: its share of each batch."""
        return float(getattr(self._own, "seconds", 0.0))

    def _ask(self, request: "_Request") -> list[Any]:
        """Wait for all that the request wants, asking the model for others too where nobody does."""
        with self._changed:
            self._waiting += request.prompts
        try:
            while (batch := self._next_batch(request)) is not None:
                self._run(batch)
        finally:
            with self._changed:
                self._forget(request)
            self._own.seconds = self.own_seconds() + request.seconds
        if request.failure is not None:
            raise request.failure
        return [prompt.found for prompt in request.prompts]

    def _next_batch(self, request: "_Request") -> "list[_Prompt] | None":
        """What this thread is to ask the model now; None once the request is done."""
        with self._changed:
            while not request.is_done:
                if self._stop.is_set():
                    raise ModelUnavailableError("Stopped while waiting for the model's replies.")
                if not self._is_asking:
                    self._is_asking = True
                    return self._gather()
                self._changed.wait(_LOOK_SECONDS)
        return None

    def _gather(self) -> "list[_Prompt]":
        """What makes the fullest batch; of equals, and of what was passed over before, the oldest.

        The rest of what goes with it waits behind all others, so that nobody waits for all of a long request.
        """
        groups: dict[Hashable, list[_Prompt]] = {}
        for one in self._waiting:
            groups.setdefault(one.request.group, []).append(one)
        oldest = self._waiting[0].request
        fullest = max(groups.values(), key=lambda group: min(len(group), self._batch_size))
        alike = groups[oldest.group] if oldest.passed >= _PASSED else fullest
        batch = alike if alike[0].request.alike is None else alike[: self._batch_size]
        others = [one for one in self._waiting if one.request.group != batch[0].request.group]
        for request in {one.request for one in others}:
            request.passed += 1
        self._waiting = [*others, *alike[len(batch) :]]
        return batch

    def _run(self, batch: "list[_Prompt]") -> None:
        """Ask the model, and hand everybody their own. After an interrupt another thread asks what was not answered."""
        try:
            self._try(batch)
        finally:
            with self._changed:
                self._is_asking = False
                self._waiting[:0] = [one for one in batch if one.found is None and not one.request.is_done]
                self._changed.notify_all()

    def _try(self, batch: "list[_Prompt]") -> None:
        requests = list(dict.fromkeys(one.request for one in batch))
        try:
            found, seconds = self._call(requests[0], [one.text for one in batch])
        except Exception as error:
            if len(requests) > 1 and not isinstance(error, _WHATEVER_IS_ASKED):
                for request in requests:  # one of them is to blame, not all
                    self._try([one for one in batch if one.request is request])
                return
            with self._changed:
                for request in requests:
                    request.failure = error if len(requests) == 1 else copy.copy(error)  # raised in a thread each
                    self._forget(request)
            return
        for one, reply in zip(batch, found, strict=True):
            one.found = reply
            one.request.seconds += seconds / len(batch)

    def _call(self, request: "_Request", prompts: list[str]) -> tuple[Sequence[Any], float]:
        began = time.perf_counter()
        try:
            found = request.ask_fn(prompts)
        finally:
            seconds = time.perf_counter() - began
            self.busy_seconds += seconds
            self.num_calls += 1
            self.num_prompts += len(prompts)
        if len(found) != len(prompts):
            raise BadReplyError(f"The model {self.name} gave {len(found)} replies to {len(prompts)} prompts.")
        return found, seconds

    def _forget(self, request: "_Request") -> None:
        self._waiting = [one for one in self._waiting if one.request is not request]


class _Request:
    """What one thread asks, and what has come of it."""

    def __init__(
        self, alike: Hashable | None, prompts: Sequence[str], ask_fn: Callable[[Sequence[str]], Sequence[Any]]
    ) -> None:
        """Args:
        alike: requests of which this is equal may share a call; None: this one goes whole and alone.
        ask_fn: asks the model some prompts of such requests.
        """
        self.alike = alike
        self.ask_fn = ask_fn
        self.prompts = [_Prompt(self, text) for text in prompts]
        self.failure: Exception | None = None
        self.seconds = 0.0  # of the model's time
        self.passed = 0  # batches that others made up while it waited

    @property
    def is_done(self) -> bool:
        return self.failure is not None or all(one.found is not None for one in self.prompts)

    @property
    def group(self) -> Hashable:
        """What requests that go together have in common."""
        return self if self.alike is None else self.alike


@dataclass(eq=False)
class _Prompt:
    request: _Request
    text: str
    found: Any = None  # the reply, or the row of scores


def batching(model: LanguageModel, stop: Event | None = None) -> LanguageModel:
    """The model, such that several threads may ask it: a server as it is, any other in batches.

    Args:
        model: as it was loaded.
        stop: see `BatchingModel`.
    """
    from models.server import ServerModel

    return model if isinstance(model, ServerModel) else BatchingModel(model, stop=stop)
