"""Many requests at once, each asked again while what is wrong may pass; stopped promptly.

Not here: what a request is and which failures pass (`models.server`).
"""

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from threading import Event, Thread
from typing import Generic, TypeVar

from models.errors import ModelUnavailableError

_LOOK_SECONDS = 0.1  # between two looks at whether to stop

_Item = TypeVar("_Item")
_Reply = TypeVar("_Reply")


@dataclass(frozen=True)
class Retry:
    """How often to ask again, and how long to wait before it. Waits double, and vary so that many don't ask in step."""

    attempts: int = 6  # at most, the first one included
    first_seconds: float = 1.0  # before the second attempt: half of it to all of it, at random
    longest_seconds: float = 60.0  # of a wait; a server that asks for a longer one is not waited for
    give_up_seconds: float = 600.0  # after the first attempt began, no further one begins

    def wait_seconds(self, failures: int, asked_seconds: float) -> float:
        """How long to wait after so many failures in a row: at least what the server asked for."""
        backoff = min(self.longest_seconds, self.first_seconds * 2.0 ** (failures - 1))
        return max(backoff * random.uniform(0.5, 1.0), asked_seconds)


class PassingError(Exception):
    """A request failed in a way that may pass. Never leaves the package."""

    def __init__(self, what: str, advice: str, *, asked_seconds: float = 0.0, is_answer: bool = False) -> None:
        """Args:
        what: A predicate of the server, for a user: "can't be reached".
        advice: What the user may do about it.
        asked_seconds: For how long the server asked to be left alone.
        is_answer: The server did react, so that the request itself may be to blame.
        """
        super().__init__(what)
        self.what = what
        self.advice = advice
        self.asked_seconds = asked_seconds
        self.is_answer = is_answer


def persist(ask_fn: Callable[[], _Reply], retry: Retry, halt: Event) -> _Reply:
    """What `ask_fn` returns, asked anew after each `PassingError`.

    Args:
        halt: Ends a wait, and with it the attempts, once it is set.

    Raises:
        PassingError: The last one.
    """
    last_begin = time.monotonic() + retry.give_up_seconds
    failures = 0
    while True:
        try:
            return ask_fn()
        except PassingError as exc:
            failures += 1
            wait = retry.wait_seconds(failures, exc.asked_seconds)
            is_over = exc.asked_seconds > retry.longest_seconds or time.monotonic() + wait > last_begin
            if failures >= retry.attempts or is_over or halt.wait(wait):
                raise


@dataclass(frozen=True)
class _Done(Generic[_Reply]):
    index: int
    reply: _Reply | None = None
    failure: BaseException | None = None


def in_parallel(
    ask_fn: Callable[[_Item, Event], _Reply], items: Sequence[_Item], at_once: int, stop: Event
) -> list[_Reply]:
    """What `ask_fn` returns of each item, in their order, asked by up to `at_once` threads.

    The first failure ends it all, an interrupt too; requests under way are then left to themselves, so that nobody
    waits for them.

    Args:
        ask_fn: Is also given an event that is set once its reply is no longer wanted.
        at_once: At least 1.
        stop: Looked at ten times a second.

    Raises:
        ModelUnavailableError: `stop` was set.
        Exception: The first that `ask_fn` raised.
    """
    waiting: SimpleQueue[int] = SimpleQueue()
    done: SimpleQueue[_Done[_Reply]] = SimpleQueue()
    halt = Event()
    for index in range(len(items)):
        waiting.put(index)

    def work() -> None:
        while not halt.is_set():
            try:
                index = waiting.get_nowait()
            except Empty:
                return
            try:
                done.put(_Done(index, ask_fn(items[index], halt)))
            except BaseException as exc:  # whatever it is, it belongs to whoever waits for the reply
                done.put(_Done(index, failure=exc))

    try:
        for _ in range(min(at_once, len(items))):
            Thread(target=work, daemon=True).start()  # daemons: the program may end while a server is silent
        replies: dict[int, _Reply] = {}
        while len(replies) < len(items):
            one = _next(done, stop)
            if one.failure is not None:
                raise one.failure
            replies[one.index] = one.reply  # type: ignore[assignment] # a reply may itself be None
        return [replies[index] for index in range(len(items))]
    finally:
        halt.set()


def _next(done: "SimpleQueue[_Done[_Reply]]", stop: Event) -> _Done[_Reply]:
    while not stop.is_set():
        try:
            return done.get(timeout=_LOOK_SECONDS)
        except Empty:
            continue
    raise ModelUnavailableError("Stopped while waiting for the model's replies.")
