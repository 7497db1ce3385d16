"""The contract that every backend keeps, over all that `load_model` offers."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import numpy as np
import pytest

from models import prompts
from models.base import LanguageModel, Reply
from models.batching import BatchingModel
from models.hf import HfModel
from models.load import BUNDLED, GGUF_PREFIX, HF_PREFIX, bundled_folder, load_model
from tests.models.faulty_server import Server, serving
from tests.models.honest_server import honest
from tests.models.llama_server import llama_serving

SAID = ["Jelly is sticky.", "A brick is soft."]
ASKED = [prompts.state_claim("Would a candle survive a drop from a roof?"), prompts.propose_arguments(SAID[0], [], 2)]
JUDGED = [prompts.is_true(SAID[0]), prompts.is_false(SAID[0]), prompts.is_true_without(SAID[1], [])]
WORDS = ["yes", "Yes", "no", "No"]


@contextmanager
def tiny(request: pytest.FixtureRequest) -> Iterator[str]:
    yield f"{HF_PREFIX}{request.getfixturevalue('tiny_folder')}"


@contextmanager
def bundled(_: pytest.FixtureRequest) -> Iterator[str]:
    if not bundled_folder().is_dir():
        pytest.skip("the bundled model's weights aren't there yet: python -m models.everyday.pretrain makes them")
    yield BUNDLED


@contextmanager
def served(request: pytest.FixtureRequest) -> Iterator[str]:
    """The bundled model over HTTP, from the server of these tests."""
    with bundled(request) as spec:
        model = load_model(spec)
    assert isinstance(model, HfModel)
    with serving(Server(honest(model), [BUNDLED])) as server:
        yield f"openai:{server.url}#{BUNDLED}"


@contextmanager
def gguf(request: pytest.FixtureRequest) -> Iterator[str]:
    """The bundled model as a GGUF file."""
    yield f"{GGUF_PREFIX}{request.getfixturevalue('bundled_gguf')}"


@contextmanager
def served_gguf(request: pytest.FixtureRequest) -> Iterator[str]:
    """That file over HTTP, from llama-cpp-python's own server."""
    with llama_serving(request.getfixturevalue("bundled_gguf"), bundled_folder()) as url:
        yield f"openai:{url}#{BUNDLED}"


# Each gives, for as long as it lasts, a spec that `load_model` takes. Add the next backend here.
BACKENDS: dict[str, Callable[[pytest.FixtureRequest], AbstractContextManager[str]]] = {
    "tiny": tiny,
    "bundled": bundled,
    "served": served,
    "gguf": gguf,
    "served gguf": served_gguf,
    "batched": tiny,  # for several threads
}


@pytest.fixture(scope="module", params=BACKENDS)
def backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def spec(backend: str, request: pytest.FixtureRequest) -> Iterator[str]:
    with BACKENDS[backend](request) as spec:
        yield spec


@pytest.fixture(scope="module")
def model(backend: str, spec: str) -> LanguageModel:
    return BatchingModel(load_model(spec), batch_size=1) if backend == "batched" else load_model(spec)


def test_log_probs_are_one_finite_log_probability_per_prompt_and_word(model: LanguageModel) -> None:
    scores = model.log_probs(JUDGED, WORDS)
    assert scores.log_probs.shape == (3, 4) and scores.log_probs.dtype == np.float64
    assert np.isfinite(scores.log_probs).all() and (np.exp(scores.log_probs).sum(axis=1) <= 1 + 1e-6).all()
    assert len(scores.tokens) == 3 and all(type(tokens) is int and tokens >= 0 for tokens in scores.tokens)


def test_scores_follow_the_order_asked_for(model: LanguageModel) -> None:
    turned = model.log_probs(JUDGED[::-1], WORDS[::-1]).log_probs
    np.testing.assert_allclose(turned[::-1, ::-1], model.log_probs(JUDGED, WORDS).log_probs, atol=1e-5)


def test_longer_reply_is_no_likelier_than_its_beginning(model: LanguageModel) -> None:
    scores = model.log_probs(JUDGED, ["yes", "no", "no!", "no! no!"]).log_probs
    assert (np.diff(scores[:, 1:], axis=1) <= 1e-6).all()


def test_one_reply_per_prompt_the_same_each_time(model: LanguageModel) -> None:
    first, again = (model.complete(ASKED, prompts.CLAIM_SCHEMA, max_tokens=8) for _ in range(2))
    assert first == again and len(first) == 2 and all(isinstance(reply, Reply) for reply in first)


def test_sampling_repeats_with_its_seed(model: LanguageModel) -> None:
    first, again = (
        model.complete(ASKED, prompts.CLAIM_SCHEMA, max_tokens=8, temperature=1.5, seed=7) for _ in range(2)
    )
    assert first == again


def test_replies_follow_the_order_asked_for(model: LanguageModel) -> None:
    first = model.complete(ASKED, prompts.CLAIM_SCHEMA, max_tokens=8)
    assert model.complete(ASKED[::-1], prompts.CLAIM_SCHEMA, max_tokens=8) == first[::-1]


def test_bundled_model_says_the_same_by_every_way(model: LanguageModel, spec: str) -> None:
    if spec.startswith(HF_PREFIX):
        pytest.skip("another model")
    proposals = [prompts.propose_arguments(claim, [], 4) for claim in SAID]
    for asked, schema in ((ASKED[:1], prompts.CLAIM_SCHEMA), (proposals, prompts.ARGUMENTS_SCHEMA)):
        own = load_model(BUNDLED).complete(asked, schema, max_tokens=200)
        assert [one.text for one in model.complete(asked, schema, max_tokens=200)] == [one.text for one in own]


def test_nothing_asked_nothing_said(model: LanguageModel) -> None:
    assert model.complete([], prompts.CLAIM_SCHEMA, max_tokens=8) == []
    assert model.log_probs([], WORDS).log_probs.shape == (0, 4)


@pytest.mark.parametrize("bad", [{"max_tokens": 0}, {"max_tokens": 5, "temperature": -1.0}])
def test_senseless_settings_are_refused(model: LanguageModel, bad: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="at least 1 and 0"):
        model.complete(ASKED, {}, **bad)  # type: ignore[arg-type]


def test_name_is_what_it_was_loaded_by(model: LanguageModel, spec: str) -> None:
    assert model.name == spec


def test_bundled_model_is_not_general_by_any_way(model: LanguageModel, spec: str) -> None:
    assert model.is_general == spec.startswith(HF_PREFIX)  # another model
