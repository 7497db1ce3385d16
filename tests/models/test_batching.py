"""One model for several threads: each gets its own replies, whatever becomes of the others."""

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Event, Thread

import numpy as np
import pytest

from models.base import Reply, Scores
from models.batching import BatchingModel, batching
from models.errors import BadReplyError, ModelUnavailableError
from models.recording import Call, RecordedModel
from models.server import ServerModel


class Echo:
    """Says each prompt back, slowly if it is told to; notes its calls."""

    name = "echo"
    is_general = True

    def __init__(self) -> None:
        self.calls: list[list[str]] = []
        self.may_go = Event()
        self.may_go.set()
        self.failure: Callable[[Sequence[str]], Exception | None] = lambda prompts: None
        self._at_work = threading.Lock()

    def check_question(self, question: str) -> None:
        """Passes everything."""

    def complete(
        self,
        prompts: Sequence[str],
        schema: dict[str, object],
        *,
        max_tokens: int,
        temperature: float = 0.0,
        seed: int = 0,
    ) -> list[Reply]:
        self._note(prompts)
        return [Reply(prompt, len(prompt), 1) for prompt in prompts]

    def log_probs(self, prompts: Sequence[str], continuations: Sequence[str]) -> Scores:
        self._note(prompts)
        rows = np.array([[-float(len(prompt + one)) for one in continuations] for prompt in prompts])
        return Scores(rows, tuple(len(prompt) for prompt in prompts), 5)

    def _note(self, prompts: Sequence[str]) -> None:
        assert self._at_work.acquire(blocking=False), "two threads at once"
        try:
            self.calls.append(list(prompts))
            assert self.may_go.wait(30)
            if (failure := self.failure(prompts)) is not None:
                raise failure
        finally:
            self._at_work.release()


def said(model: BatchingModel, prompts: Sequence[str], **options: float) -> list[str]:
    replies = model.complete(prompts, {}, max_tokens=8, **options)  # type: ignore[arg-type]
    return [reply.text for reply in replies]


def all_at_once(model: BatchingModel, echo: Echo, asks: Sequence[Callable[[], object]]) -> list[object]:
    """What each gives or raises, asked by a thread each while the model is at a first call."""
    echo.may_go.clear()
    with ThreadPoolExecutor(len(asks) + 1) as pool:
        first = pool.submit(said, model, ["first"])
        wait_for(lambda: len(echo.calls) == 1)
        futures = []
        for ask in asks:  # in this order
            before = len(model._waiting)
            futures.append(pool.submit(ask))
            wait_for(lambda before=before: len(model._waiting) > before)  # type: ignore[misc]
        echo.may_go.set()
        first.exception()
        return [future.exception() or future.result() for future in futures]


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.002)


def test_what_comes_while_the_model_is_busy_is_asked_together_and_each_gets_its_own() -> None:
    echo = Echo()
    model = BatchingModel(echo)
    asked = [[f"{n} {k}" for k in range(n)] for n in range(1, 6)]
    assert all_at_once(model, echo, [lambda some=some: said(model, some) for some in asked]) == asked  # type: ignore[misc]
    assert echo.calls == [["first"], sum(asked, [])]
    assert (model.num_calls, model.num_prompts) == (2, 16) and model.busy_seconds > 0


def test_a_long_request_goes_in_batches_with_the_others_in_between() -> None:
    echo = Echo()
    model = BatchingModel(echo, batch_size=4)
    long, short = [f"long {n}" for n in range(10)], ["short"]
    scores = lambda: model.log_probs(short, ["yes"]).tokens  # noqa: E731
    assert all_at_once(model, echo, [lambda: said(model, long), scores]) == [long, (5,)]
    assert echo.calls == [["first"], long[:4], long[4:8], short, long[8:]]


def test_only_what_is_asked_alike_goes_together() -> None:
    echo = Echo()
    model = BatchingModel(echo)
    asks = [
        lambda: model.log_probs(["a", "bb"], ["yes"]),
        lambda: model.log_probs(["c"], ["no"]),
        lambda: model.log_probs(["ddd"], ["yes"]),
    ]
    first, other, alike = all_at_once(model, echo, asks)
    assert isinstance(first, Scores) and isinstance(other, Scores) and isinstance(alike, Scores)
    assert echo.calls[1:] == [["a", "bb", "ddd"], ["c"]]
    assert first.log_probs.tolist() == [[-4.0], [-5.0]] and first.tokens == (1, 2) and first.draws == 5
    assert other.log_probs.tolist() == [[-3.0]] and alike.log_probs.tolist() == [[-6.0]]


def test_drawn_replies_are_asked_for_whole_and_alone_since_they_depend_on_their_batch() -> None:
    echo = Echo()
    model = BatchingModel(echo, batch_size=2)
    asks = [lambda: said(model, ["a", "b", "c"], temperature=1.0), lambda: said(model, ["d"], temperature=1.0)]
    assert all_at_once(model, echo, asks) == [["a", "b", "c"], ["d"]]
    assert echo.calls[1:] == [["a", "b", "c"], ["d"]]


def test_prompt_that_fails_fails_for_its_asker_alone() -> None:
    echo = Echo()
    echo.failure = lambda prompts: BadReplyError("No word of bricks.") if "brick" in prompts else None
    model = BatchingModel(echo)
    got = all_at_once(model, echo, [lambda: said(model, ["a"]), lambda: said(model, ["brick"])])
    assert got[0] == ["a"] and isinstance(got[1], BadReplyError)
    assert echo.calls[1:] == [["a", "brick"], ["a"], ["brick"]]


def test_model_that_is_out_of_use_is_told_to_all_after_one_call() -> None:
    echo = Echo()
    echo.failure = lambda prompts: ModelUnavailableError("It is down.")
    model = BatchingModel(echo)
    got = all_at_once(model, echo, [lambda: said(model, ["a"]), lambda: said(model, ["b"])])
    assert all(isinstance(one, ModelUnavailableError) for one in got) and got[0] is not got[1]
    assert echo.calls[1:] == [["a", "b"]]


def test_interrupted_thread_leaves_what_others_asked_to_another() -> None:
    echo = Echo()

    def interrupt(prompts: Sequence[str]) -> Exception | None:
        if len(echo.calls) == 2:
            raise KeyboardInterrupt
        return None

    echo.failure = interrupt
    model = BatchingModel(echo)
    got = all_at_once(model, echo, [lambda: outcome(model, ["a"]), lambda: outcome(model, ["b"])])
    answered = [one for one in got if one != ["interrupted"]]
    assert len(answered) == 1 and answered[0] in (["a"], ["b"])
    assert echo.calls[1] == ["a", "b"] and echo.calls[2:] == answered
    assert said(model, ["after"]) == ["after"]


def outcome(model: BatchingModel, prompts: Sequence[str]) -> list[str]:
    try:
        return said(model, prompts)
    except KeyboardInterrupt:
        return ["interrupted"]


def test_stopped_nobody_waits_on() -> None:
    echo, stop = Echo(), Event()
    model = BatchingModel(echo, stop=stop)
    echo.may_go.clear()
    first = Thread(target=said, args=(model, ["first"]))
    first.start()
    wait_for(lambda: len(echo.calls) == 1)
    stop.set()
    with pytest.raises(ModelUnavailableError, match="Stopped"):
        said(model, ["second"])
    echo.may_go.set()
    first.join(30)
    assert not first.is_alive() and echo.calls == [["first"]]


def test_many_threads_that_ask_much_all_get_their_own() -> None:
    echo = Echo()
    model = BatchingModel(echo)

    def work(number: int) -> int:
        tokens = 0
        for turn in range(40):
            asked = [f"{number} {turn} {k}" for k in range(1 + (number + turn) % 5)]
            assert said(model, asked) == asked
            tokens += sum(model.log_probs(asked, ["yes"]).tokens)
        return tokens

    with ThreadPoolExecutor(8) as pool:
        tokens = list(pool.map(work, range(8)))
    own = [sum(len(f"{n} {t} {k}") for t in range(40) for k in range(1 + (n + t) % 5)) for n in range(8)]
    assert tokens == own and model.num_calls < model.num_prompts


def test_time_that_is_recorded_is_the_models_and_not_that_of_waiting() -> None:
    echo, calls = Echo(), list[Call]()
    echo.failure = lambda prompts: time.sleep(0.2)
    model = BatchingModel(echo)
    recorded = RecordedModel(model, calls.extend, model.own_seconds)
    threads = [Thread(target=recorded.complete, args=([name], {}), kwargs={"max_tokens": 8}) for name in "abc"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(call.seconds for call in calls) == pytest.approx(model.busy_seconds) and len(calls) == 3


def test_a_server_takes_many_requests_as_it_is() -> None:
    server = ServerModel("http://127.0.0.1:9/v1", "none")
    assert batching(server) is server and isinstance(batching(Echo()), BatchingModel)
