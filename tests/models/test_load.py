"""Which text names which model, and the contract that every backend keeps."""

import shutil
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from models import load, prompts
from models.base import LanguageModel, Reply
from models.errors import ModelNotFoundError, NoWeightsError, UnknownSpecError, UnknownWorldError
from models.everyday import withheld

ASKED = [prompts.is_true("Jelly is sticky."), prompts.is_false("Jelly is sticky."), prompts.state_claim("Is it?")]
WORDS = ["yes", "Yes", "no", "No"]


def test_contract_log_probs_are_one_finite_log_probability_per_prompt_and_word(language_model: LanguageModel) -> None:
    scores = language_model.log_probs(ASKED, WORDS).log_probs
    assert scores.shape == (3, 4) and scores.dtype == np.float64
    assert np.isfinite(scores).all() and (np.exp(scores).sum(axis=1) <= 1 + 1e-6).all()


def test_contract_scores_follow_the_order_asked_for(language_model: LanguageModel) -> None:
    turned = language_model.log_probs(ASKED[::-1], WORDS[::-1]).log_probs
    np.testing.assert_allclose(turned[::-1, ::-1], language_model.log_probs(ASKED, WORDS).log_probs, atol=1e-5)


def test_contract_longer_reply_is_no_likelier_than_its_beginning(language_model: LanguageModel) -> None:
    scores = language_model.log_probs(ASKED, ["no", "no!", "no! no!"]).log_probs
    assert (np.diff(scores, axis=1) <= 1e-6).all()


def test_contract_one_reply_per_prompt_the_same_each_time(language_model: LanguageModel) -> None:
    first, again = (language_model.complete(ASKED, prompts.CLAIM_SCHEMA, max_tokens=8) for _ in range(2))
    assert first == again and len(first) == 3 and all(isinstance(reply, Reply) for reply in first)


def test_contract_sampling_repeats_with_its_seed(language_model: LanguageModel) -> None:
    first, again = (
        language_model.complete(ASKED, prompts.CLAIM_SCHEMA, max_tokens=8, temperature=1.5, seed=7) for _ in range(2)
    )
    assert first == again


def test_contract_nothing_asked_nothing_said(language_model: LanguageModel) -> None:
    assert language_model.complete([], prompts.CLAIM_SCHEMA, max_tokens=8) == []
    assert language_model.log_probs([], WORDS).log_probs.shape == (0, 4)


def test_contract_name_is_what_it_was_loaded_by(language_model: LanguageModel) -> None:
    assert language_model.name == load.BUNDLED or language_model.name.startswith((load.HF_PREFIX, load.GGUF_PREFIX))


def test_contract_models_of_the_bundled_world_are_not_general(language_model: LanguageModel) -> None:
    assert language_model.is_general == (language_model.name != load.BUNDLED)


def test_folder_of_a_model_that_was_told_the_world_is_not_general_either(tiny_folder: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(tiny_folder, tmp_path / "told")
    (folder / withheld.FILE).write_text("{}")
    assert not load.load_model(f"hf:{folder}").is_general


@pytest.mark.parametrize("spec", ["", "gpt", "hf:", "hf: ", "Bundled", "hf", "openai:x"])
def test_unknown_spec_names_the_forms(spec: str) -> None:
    with pytest.raises(
        UnknownSpecError, match='say "bundled", "hf:NAME_OR_FOLDER", "gguf:FILE" or "generation:NUMBER"'
    ):
        load.load_model(spec)


def test_gguf_model_without_the_extra_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "models.llama", None)  # to import it raises
    with pytest.raises(ModelNotFoundError, match=r"pip install 'argtree\[gguf\]'"):
        load.load_model("gguf:some.gguf")


def test_gguf_model_can_be_asked_but_not_trained() -> None:
    assert load.everyday_folder("gguf:some.gguf") is None and load.world_check("gguf:some.gguf") is None
    with pytest.raises(UnknownSpecError, match="can be asked but not trained"):
        load._source("gguf:some.gguf")


def test_hf_model_accepts_every_question(tiny_folder: Path) -> None:
    load.load_model(f"hf:{tiny_folder}").check_question("Would a unicorn sink?")


def test_hf_folder_that_is_missing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelNotFoundError, match="There is no model folder"):
        load.load_model(f"hf:{tmp_path / 'nowhere'}")


def test_bundled_model_asks_its_world_about_questions(tiny_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def check_question(question: str) -> None:
        raise UnknownWorldError(question)

    world = ModuleType("models.everyday.world")
    world.check_question = check_question  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "models.everyday.world", world)
    monkeypatch.setattr(load, "bundled_folder", lambda: tiny_folder)
    model = load.load_model("bundled")
    assert model.name == "bundled"
    with pytest.raises(UnknownWorldError, match="unicorn"):
        model.check_question("Would a unicorn sink?")


def test_bundled_model_without_weights_says_how_to_make_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(load, "bundled_folder", lambda: tmp_path / "weights")
    with pytest.raises(NoWeightsError, match=r"There are no weights in .*models\.everyday\.pretrain"):
        load.load_model("bundled")
