"""Calls as they are recorded, and as they are said again without the model."""

import json
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from models import prompts
from models.elicitation import Elicitor
from models.errors import BadReplyError, ModelNotFoundError, UnknownWorldError
from models.load import load_model, world_check
from models.recording import Call, RecordedModel, ReplayedModel
from tests.world_model import WorldModel

CLAIM = "A candle would survive a drop from a roof."


@pytest.fixture
def calls() -> list[Call]:
    return []


def write(path: Path, calls: list[Call]) -> Path:
    path.write_text("".join(call.to_json() + "\n" for call in calls), encoding="utf-8")
    return path


def everything(elicitor: Elicitor) -> tuple[object, ...]:
    proposal = elicitor.propose_arguments(CLAIM, [], 4)
    return proposal, elicitor.believe([CLAIM, "A candle is soft."]), elicitor.residual_prior(CLAIM, proposal.arguments)


def test_a_recorded_run_is_replayed_without_the_model(calls: list[Call], tmp_path: Path) -> None:
    said = everything(Elicitor(RecordedModel(WorldModel(), calls.extend)))
    replayed = ReplayedModel(write(tmp_path / "calls.jsonl", calls), lambda name: None)
    assert everything(Elicitor(replayed)) == said and replayed.name == WorldModel().name and not replayed.is_general


def test_every_call_has_its_prompt_parameters_tokens_time_and_model(calls: list[Call]) -> None:
    model = RecordedModel(WorldModel(), calls.extend)
    model.complete([prompts.propose_arguments(CLAIM, [], 2)], prompts.ARGUMENTS_SCHEMA, max_tokens=9, seed=3)
    (call,) = calls
    assert call.model == model.name and call.kind == "complete" and CLAIM in call.prompt
    assert {"max_tokens": 9, "temperature": 0.0, "seed": 3}.items() <= call.parameters.items()
    assert call.prompt_tokens and call.reply_tokens and call.seconds > 0


def test_a_reply_is_not_given_before_it_is_kept() -> None:
    def fail(calls: object) -> None:
        raise OSError("The disk is full.")

    with pytest.raises(OSError, match="full"):
        RecordedModel(WorldModel(), fail).log_probs([prompts.is_true(CLAIM)], ["yes"])


def test_what_was_said_differently_is_replayed_in_order_and_the_last_again(tmp_path: Path) -> None:
    said = [Call("m", True, "log_probs", "?", {"continuations": ["a"]}, [x], 1, 0, None, 0.1) for x in (-1.0, -2.0)]
    model = ReplayedModel(write(tmp_path / "calls.jsonl", said), lambda name: None)
    assert [model.log_probs(["?"], ["a"]).log_probs[0, 0] for _ in range(3)] == [-1.0, -2.0, -2.0]


def test_frequencies_stay_marked_as_such(tmp_path: Path) -> None:
    said = [Call("m", True, "log_probs", "?", {"continuations": ["a"]}, [-math.inf], 1, 0, 12, 0.1)]
    scores = ReplayedModel(write(tmp_path / "calls.jsonl", said), lambda name: None).log_probs(["?", "?"], ["a"])
    assert scores.draws == 12 and np.array_equal(scores.log_probs, [[-math.inf], [-math.inf]])


@pytest.mark.parametrize("asked", ["Jelly?", "?"])
def test_what_was_not_recorded_is_not_made_up(asked: str, tmp_path: Path) -> None:
    said = [Call("m", True, "log_probs", "?", {"continuations": ["a"]}, [-1.0], 1, 0, None, 0.1)]
    model = ReplayedModel(write(tmp_path / "calls.jsonl", said), lambda name: None)
    with pytest.raises(BadReplyError, match="no such call"):
        model.log_probs([asked], ["a", "b"])


def _line(**changed: object) -> Callable[[], str]:
    call = Call("m", True, "complete", "?", {}, "!", 1, 1, None, 0.1)
    return lambda: json.dumps(json.loads(call.to_json()) | changed) + "\n"


@pytest.mark.parametrize(
    "content, why",
    [
        (b"", "0 models"),
        (b"{}\n", "Line 1"),
        (b"[" * 100_000, "Line 1"),
        (b"\xff\n", "no text"),
        ((_line()() + _line(kind="shout")()).encode(), "Line 2"),
        ((_line()() + _line(model="n")()).encode(), "2 models"),
    ],
)
def test_what_is_no_file_of_calls_is_refused(content: bytes, why: str, tmp_path: Path) -> None:
    path = tmp_path / "calls.jsonl"
    path.write_bytes(content)
    with pytest.raises(ModelNotFoundError, match=why):
        load_model(f"replay:{path}")
    with pytest.raises(ModelNotFoundError, match="can't be read"):
        load_model(f"replay:{path}.missing")


def test_the_replayed_bundled_model_refuses_what_it_knows_nothing_of(tmp_path: Path) -> None:
    said = [Call("bundled", False, "complete", "?", {}, "!", 1, 1, None, 0.1)]
    model = ReplayedModel(write(tmp_path / "calls.jsonl", said), world_check)
    with pytest.raises(UnknownWorldError):
        model.check_question("Will it rain on Tuesday?")


def test_a_prompt_tells_what_it_asks_about() -> None:
    proposal = Elicitor(WorldModel()).propose_arguments(CLAIM, [], 4)
    asked = [prompts.is_true(CLAIM), prompts.propose_arguments(CLAIM, proposal.arguments, 4)]
    asked += [prompts.is_false_without(CLAIM, proposal.arguments), prompts.reason(CLAIM)]
    assert {prompts.subject(prompt) for prompt in asked} == {CLAIM}
    assert prompts.subject(prompts.state_claim("Is it?")) == "Is it?" and prompts.subject("Hello") is None
