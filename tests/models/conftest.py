"""A tiny random model made on the spot."""

from pathlib import Path
from typing import Any

import huggingface_hub.constants
import pytest
import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from models import prompts
from models.hf import HfModel
from models.load import BUNDLED, bundled_folder, load_model

SPECIAL = ["<|user|>", "<|assistant|>", "<|end|>"]
CHAT_TEMPLATE = (
    "{% for m in messages %}<|{{ m['role'] }}|>{{ m['content'] }}<|end|>{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)
TEXTS = [
    "A box of nails is hard. Jelly is sticky.",
    "yes Yes no No",
    '{"arguments": []} {"claim": "..."}',
    prompts.PROPOSE,
]


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random two-layer Llama with a chat template; its words mean nothing, its arithmetic is real."""
    return save_tiny(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="session")
def other_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Another one of the same tokens, its network padded to more of them."""
    return save_tiny(tmp_path_factory.mktemp("other"), seed=1, more_tokens=5)


def save_tiny(folder: Path, seed: int = 0, more_tokens: int = 0) -> Path:
    tokenizer = tiny_tokenizer()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        config = LlamaConfig(
            vocab_size=len(tokenizer) + more_tokens, hidden_size=32, intermediate_size=64, num_hidden_layers=2,
            num_attention_heads=4, num_key_value_heads=2, max_position_embeddings=256, initializer_range=0.3,
            bos_token_id=None, eos_token_id=tokenizer.eos_token_id, pad_token_id=tokenizer.eos_token_id,
        )  # fmt: skip
        LlamaForCausalLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def tiny_tokenizer() -> Any:
    byte_level = Tokenizer(models.BPE())
    byte_level.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    byte_level.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=400,
        special_tokens=SPECIAL,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    byte_level.train_from_iterator(TEXTS, trainer)
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=byte_level, eos_token="<|end|>", additional_special_tokens=SPECIAL[:2]
    )
    tokenizer.chat_template = CHAT_TEMPLATE
    return tokenizer


@pytest.fixture(scope="session")
def tiny(tiny_folder: Path) -> HfModel:
    return HfModel(tiny_folder, "tiny")


@pytest.fixture(scope="session")
def tiny_gguf(tiny: HfModel, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same model as a GGUF file, its weights in f32."""
    pytest.importorskip("gguf")
    from models.gguf import convert

    file = tmp_path_factory.mktemp("gguf") / "tiny.gguf"
    convert(tiny, file, type="f32")
    return file


@pytest.fixture(scope="session")
def bundled_gguf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundled model as a GGUF file, its weights in f16."""
    pytest.importorskip("gguf")
    if not bundled_folder().is_dir():
        pytest.skip("the bundled model's weights aren't there yet: python -m models.everyday.pretrain makes them")
    from models.gguf import convert

    file = tmp_path_factory.mktemp("gguf") / "bundled.gguf"
    convert(load_bundled(), file)
    return file


def load_bundled() -> HfModel:
    model = load_model(BUNDLED)
    assert isinstance(model, HfModel)
    return model
