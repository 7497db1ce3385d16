"""What is asked of a model's server, and what is made of its replies."""

import math
import threading
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from models import prompts
from models.base import Reply
from models.errors import BadReplyError, UnknownSpecError
from models.load import load_model
from models.retrying import Retry
from models.server import DRAWS, ServerModel
from tests.models.faulty_server import Body, RefusalError, Server, completion, serving

WORDS = ["yes", "Yes", "no", "No"]
SURE = {"yes": math.log(0.6), "no": math.log(0.3), "Well": math.log(0.05)}


@pytest.fixture
def server() -> Iterator[Server]:
    with serving(Server(echo)) as server:
        yield server


def echo(body: Body) -> Body:
    """Says the prompt again, and knows what it might have said."""
    return completion(text_of(body), SURE if body.get("logprobs") else None, prompt_tokens=7, reply_tokens=2)


def text_of(body: Body) -> str:
    return str(body["messages"][0]["content"])


def model_of(server: Server, **options: Any) -> ServerModel:
    return ServerModel(server.url, "little", retry=Retry(attempts=2, first_seconds=0.01), **options)


def refusing(*words: str, status: int = 400) -> Callable[[Body], Body]:
    """An answer that refuses requests in which one of the words stands."""

    def answer(body: Body) -> Body:
        for word in words:
            if word in str({**body, "messages": 0}):
                raise RefusalError(status, f"Unsupported: {word}")
        return echo(body)

    return answer


def test_one_user_turn_is_sent_with_the_schema_and_all_parameters(server: Server) -> None:
    replies = model_of(server).complete(["Is it?"], prompts.CLAIM_SCHEMA, max_tokens=9, temperature=0.5, seed=3)
    (body,) = server.bodies
    assert replies == [Reply("Is it?", 7, 2)]
    assert body["messages"] == [{"role": "user", "content": "Is it?"}] and body["model"] == "little"
    assert (body["max_tokens"], body["temperature"], body["seed"]) == (9, 0.5, 3)
    assert body["response_format"]["json_schema"]["schema"] == prompts.CLAIM_SCHEMA


def test_replies_keep_their_order_with_several_requests_at_once(server: Server) -> None:
    together = threading.Barrier(4)

    def answer(body: Body) -> Body:
        if text_of(body) != "0":
            together.wait(timeout=10)
        return echo(body)

    server.answer_fn = answer
    asked = [str(number) for number in range(13)]
    got = model_of(server, at_once=4).complete(asked, {}, max_tokens=5)
    assert [reply.text for reply in got] == asked and server.most_at_once == 4


@pytest.mark.parametrize("status", [400, 422])
def test_form_that_the_server_takes_is_found_out_once(server: Server, status: int) -> None:
    server.answer_fn = refusing("json_schema", status=status)
    model = model_of(server)
    for _ in range(2):
        model.complete(["a", "b"], prompts.CLAIM_SCHEMA, max_tokens=5)
    forms = [body["response_format"]["type"] for body in server.bodies]
    assert forms == ["json_schema"] + 4 * ["json_object"]
    assert server.bodies[-1]["response_format"]["schema"] == prompts.CLAIM_SCHEMA


def test_server_that_takes_no_form_is_asked_plainly(server: Server) -> None:
    server.answer_fn = refusing("response_format")
    assert model_of(server).complete(["a"], {}, max_tokens=5)[0].text == "a"
    assert "response_format" not in server.bodies[-1]


def test_prompt_that_is_refused_in_every_form_changes_no_form(server: Server) -> None:
    def answer(body: Body) -> Body:
        if text_of(body) == "bad":
            raise RefusalError(400, "It breaks our rules.")
        return echo(body)

    server.answer_fn, model = answer, model_of(server)
    with pytest.raises(BadReplyError, match="refuses a prompt: .*It breaks our rules"):
        model.complete(["bad"], {}, max_tokens=5)
    model.complete(["good"], {}, max_tokens=5)
    assert server.bodies[-1]["response_format"]["type"] == "json_schema"


def test_options_that_a_server_calls_otherwise_are_said_its_way(server: Server) -> None:
    def answer(body: Body) -> Body:
        if "max_tokens" in body:
            raise RefusalError(400, "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead.")
        if "seed" in body:
            raise RefusalError(422, "Extra inputs are not permitted: seed")
        return echo(body)

    server.answer_fn = answer
    model_of(server).complete(["a", "b"], {}, max_tokens=5)
    assert all(body["max_completion_tokens"] == 5 for body in server.bodies[-2:]) and len(server.bodies) == 4


def test_log_probs_come_from_the_first_tokens_alternatives(server: Server) -> None:
    scores = model_of(server).log_probs(["a", "b"], WORDS)
    assert np.exp(scores.log_probs) == pytest.approx(np.array([[0.6, 0.025, 0.3, 0.025]] * 2))
    assert scores.draws is None and scores.tokens == (9, 9)
    assert {(b["max_tokens"], b["top_logprobs"], b["temperature"]) for b in server.bodies} == {(1, 20, 1.0)}


def test_fewer_alternatives_are_asked_for_where_twenty_are_too_many(server: Server) -> None:
    server.answer_fn, model = refusing("'top_logprobs': 20", "'top_logprobs': 10"), model_of(server)
    for _ in range(2):
        assert model.log_probs(["a", "b"], WORDS).draws is None
    assert [body["top_logprobs"] for body in server.bodies] == [20, 10, 5, 5, 5, 5, 5]


def fair(body: Body) -> Body:
    """Gives no log-probabilities; says yes by four seeds out of five."""
    return completion("no" if body["seed"] % 5 == 0 else "Yes.")


def unable(body: Body) -> Body:
    """Refuses as llama-cpp-python's server does where it wasn't started for it."""
    if body.get("logprobs"):
        raise RefusalError(500, "logprobs is not supported for models created with logits_all=False")
    return fair(body)


@pytest.mark.parametrize("answer", [fair, unable])
def test_without_log_probs_replies_are_drawn_and_counted(server: Server, answer: Callable[[Body], Body]) -> None:
    server.answer_fn, model = answer, model_of(server)
    scores = model.log_probs(["a", "b"], WORDS)
    assert scores.draws == DRAWS == 10 and scores.tokens == (60, 60)
    assert np.exp(scores.log_probs) == pytest.approx(np.array([[0, 0.8, 0.2, 0]] * 2))
    drawn = [body for body in server.bodies if body["max_tokens"] > 1]
    assert sorted(body["seed"] for body in drawn) == sorted(2 * list(range(10)))
    assert {body["temperature"] for body in drawn} == {1.0}
    model.log_probs(["a"], WORDS)
    assert all("logprobs" not in body for body in server.bodies[-10:])


def test_server_that_stops_giving_log_probs_is_not_mixed_with_draws(server: Server) -> None:
    model = model_of(server)
    model.log_probs(["a"], WORDS)
    server.answer_fn = fair
    with pytest.raises(BadReplyError, match="gave log-probabilities before, and now none"):
        model.log_probs(["a"], WORDS)


def test_nothing_asked_nothing_sent(server: Server) -> None:
    model = model_of(server)
    assert model.complete([], {}, max_tokens=5) == [] and model.log_probs([], WORDS).log_probs.shape == (0, 4)
    assert not server.asked


def test_reply_without_text_is_empty(server: Server) -> None:
    def answer(body: Body) -> Body:
        whole = completion("")
        whole["choices"][0]["message"]["content"] = None
        return whole | {"usage": None, "more": [1]}

    server.answer_fn = answer
    assert model_of(server).complete(["a"], {}, max_tokens=5) == [Reply("", 0, 0)]


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ("openai:", "named by openai:URL#MODEL"),
        ("openai:ftp://host/v1#m", "named by openai:URL#MODEL"),
        ("openai:http://#m", "named by openai:URL#MODEL"),
        ("openai:http://host/v1", "Which model of http://host/v1"),
        ("openai:http://host/v1#", "Which model of http://host/v1"),
        ("openai:http://ada:secret@host/v1#m", "holds a user, a password or a query"),
        ("openai:http://host/v1?key=secret#m", "holds a user, a password or a query"),
        ("openai:http://ada:sec#ret@host/v1", "is no address"),
        ("openai:http://host:secret/v1#m", "is no address"),
    ],
)
def test_spec_that_names_no_server_is_refused_without_secrets(spec: str, said: str) -> None:
    with pytest.raises(UnknownSpecError, match=said) as caught:
        load_model(spec)
    assert "sec" not in str(caught.value)
