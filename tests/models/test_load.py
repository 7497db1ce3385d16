"""Which text names which model."""

import shutil
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch

from models import load
from models.base import LanguageModel
from models.errors import ModelNotFoundError, NoWeightsError, UnknownSpecError, UnknownWorldError
from models.everyday import withheld
from models.hf import HfModel


def test_folder_of_a_model_that_was_told_the_world_is_not_general_either(tiny_folder: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(tiny_folder, tmp_path / "told")
    (folder / withheld.FILE).write_text("{}")
    model = load.load_model(f"hf:{folder}")
    assert not model.is_general
    with pytest.raises(UnknownWorldError):
        model.check_question("Would a unicorn sink?")


@pytest.mark.parametrize("spec", ["", "gpt", "hf:", "hf: ", "Bundled", "hf", "openai"])
def test_unknown_spec_names_the_forms(spec: str) -> None:
    with pytest.raises(UnknownSpecError, match='"gguf:FILE", "openai:URL#MODEL", .*`argtree models` lists'):
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


def test_draft_for_a_model_that_runs_elsewhere_is_refused() -> None:
    with pytest.raises(UnknownSpecError, match="takes no draft"):
        load.load_model("openai:http://127.0.0.1:9/v1#x", draft="lookup")


def test_draft_is_any_model_of_the_same_tokens(tiny_folder: Path) -> None:
    spec = f"hf:{tiny_folder}"
    for draft in ("lookup", spec):
        model = load.load_model(spec, draft=draft)
        assert model.complete(["?"], {}, max_tokens=9) == load.load_model(spec).complete(["?"], {}, max_tokens=9)


def test_adapter_is_named_after_a_plus(tiny_folder: Path, tmp_path: Path) -> None:
    adapter = save_random_adapter(load.load_model(f"hf:{tiny_folder}"), tmp_path / "adapter")
    spec = f"hf:{tiny_folder}+{adapter}"
    adapted, plain = load.load_model(spec), load.load_model(f"hf:{tiny_folder}")
    assert adapted.name == spec
    assert not np.allclose(adapted.log_probs(["?"], ["yes"]).log_probs, plain.log_probs(["?"], ["yes"]).log_probs)


def test_plus_in_a_folders_own_name_names_no_adapter(tiny_folder: Path, tmp_path: Path) -> None:
    load.load_model(f"hf:{shutil.copytree(tiny_folder, tmp_path / 'a+b')}")


def test_adapter_that_is_not_there_is_refused(tiny_folder: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelNotFoundError, match="There is no model folder .*nowhere"):
        load.load_model(f"hf:{tiny_folder}+{tmp_path}/nowhere")
    with pytest.raises(NoWeightsError, match="There is no adapter in"):
        load.load_model(f"hf:{tiny_folder}+{tmp_path}")


def test_what_four_bits_need_is_said_in_one_sentence(tiny_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("models.four_bit.find_spec", lambda name: None)
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    with pytest.raises(ModelNotFoundError, match="need what is missing here: bitsandbytes: .*4bit.* brings it; a GPU"):
        load.load_model(f"hf-4bit:{tiny_folder}")


@pytest.mark.parametrize("spec", ["hf-4bit:some/name", "hf:some/name+adapter"])
def test_what_is_only_asked_is_not_trained(spec: str) -> None:
    with pytest.raises(UnknownSpecError, match="can be asked but not trained: train hf:some/name,"):
        load._source(spec)


def save_random_adapter(model: LanguageModel, folder: Path) -> Path:
    from models.adapter import new_adapter, save_adapter

    assert isinstance(model, HfModel)
    adapted = new_adapter(model.network, 2)
    for name, weight in adapted.named_parameters():
        if "lora_B" in name:  # zero at first, which changes nothing
            torch.nn.init.normal_(weight)
    save_adapter(adapted, folder)
    return folder
