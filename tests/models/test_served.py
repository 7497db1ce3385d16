"""A real model over real HTTP says what it says here."""

from collections.abc import Iterator

import numpy as np
import pytest

from models.elicitation import Elicitor
from models.errors import PromptTooLongError, UnknownWorldError
from models.hf import HfModel
from models.load import BUNDLED, bundled_folder, load_model
from models.prompts import is_true
from tests.models.faulty_server import Server, serving
from tests.models.honest_server import honest

CLAIMS = ["Jelly is sticky.", "A brick is soft.", "A candle breaks when it falls off a table."]


@pytest.fixture(scope="module")
def here() -> HfModel:
    if not bundled_folder().is_dir():
        pytest.skip("the bundled model's weights aren't there yet: python -m models.everyday.pretrain makes them")
    model = load_model(BUNDLED)
    assert isinstance(model, HfModel)
    return model


@pytest.fixture(scope="module")
def there(here: HfModel) -> Iterator[Elicitor]:
    with serving(Server(honest(here))) as server:
        yield Elicitor(load_model(f"openai:{server.url}#{BUNDLED}"))


def test_claims_and_arguments_are_the_same(here: HfModel, there: Elicitor) -> None:
    questions = ["Would a candle survive a drop from a roof?", "Would honey be ruined by rain?"]
    assert there.state_claims(questions) == Elicitor(here).state_claims(questions)
    requests = [(claim, []) for claim in CLAIMS]
    assert there.propose_many(requests, 4) == Elicitor(here).propose_many(requests, 4)


def test_questions_are_those_of_the_bundled_models_world(there: Elicitor) -> None:
    with pytest.raises(UnknownWorldError):
        there.check_question("Would a unicorn sink?")
    assert load_model("openai:http://127.0.0.1:1/v1#other").is_general


def test_beliefs_are_the_same(here: HfModel, there: Elicitor) -> None:
    beliefs, expected = there.believe(CLAIMS), Elicitor(here).believe(CLAIMS)
    assert [one.mean for one in beliefs] == pytest.approx([one.mean for one in expected], abs=1e-3)


def test_prompt_that_the_model_cannot_read_is_said_to_be_too_long(there: Elicitor) -> None:
    with pytest.raises(PromptTooLongError):
        there.believe(["jelly " * 5000])


def test_listed_words_have_the_models_own_log_probabilities(here: HfModel, there: Elicitor) -> None:
    asked = [is_true(claim) for claim in CLAIMS]
    got, own = (model.log_probs(asked, ["yes", "no"]).log_probs for model in (there.model, here))
    listed = own > -4  # what is not listed gets a bound
    assert listed.sum() > len(CLAIMS)
    np.testing.assert_allclose(got[listed], own[listed], atol=1e-3)
