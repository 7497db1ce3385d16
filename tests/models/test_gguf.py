import json
import os
import shutil
from pathlib import Path

import gguf
import pytest
from typer import Typer
from typer.testing import CliRunner

from models.errors import ModelNotFoundError
from models.gguf import convert, main, serving_command
from models.hf import HfModel

program = Typer()
program.command()(main)


def test_file_says_what_the_model_is(tiny: HfModel, tiny_gguf: Path) -> None:
    fields = gguf.GGUFReader(tiny_gguf).fields
    assert fields["general.architecture"].contents() == "llama"
    assert fields["argtree.is_general"].contents() is True
    assert fields["llama.context_length"].contents() == 256
    assert fields["tokenizer.ggml.tokens"].contents()[:3] == ["<|user|>", "<|assistant|>", "<|end|>"]
    assert fields["tokenizer.chat_template"].contents() == tiny.tokenizer.chat_template


def test_f16_halves_the_matrices_and_leaves_the_vectors(tiny: HfModel, tmp_path: Path) -> None:
    convert(tiny, tmp_path / "half.gguf")
    types = {tensor.name: tensor.tensor_type.name for tensor in gguf.GGUFReader(tmp_path / "half.gguf").tensors}
    assert types["token_embd.weight"] == types["blk.0.attn_q.weight"] == "F16"
    assert types["output_norm.weight"] == "F32"


def test_program_writes_the_file_and_leaves_nothing_beside_it(tiny_folder: Path, tmp_path: Path) -> None:
    result = CliRunner().invoke(program, [str(tmp_path / "tiny.gguf"), "--model", f"hf:{tiny_folder}"])
    assert result.exit_code == 0 and "Try `--model gguf:" in result.output
    assert os.listdir(tmp_path) == ["tiny.gguf"]
    assert "llama_cpp.server --model" in result.output and "--hf_pretrained" not in result.output


def test_tokens_that_a_server_would_lose_are_kept_by_the_command_that_serves_them(
    tiny_folder: Path, tmp_path: Path
) -> None:
    model = HfModel(tiny_folder, "tiny")
    model.tokenizer.add_tokens(["é" * 17])
    option = f"--hf_pretrained_model_name_or_path {tiny_folder}"
    assert serving_command(model, tmp_path / "x.gguf").endswith(option)


def test_file_that_cannot_be_written_leaves_the_old_one(
    tiny: HfModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: gguf.GGUFWriter) -> None:
        raise OSError("No space left on device")

    (tmp_path / "old.gguf").write_text("old")
    monkeypatch.setattr(gguf.GGUFWriter, "write_tensors_to_file", full)
    with pytest.raises(OSError, match="No space"):
        convert(tiny, tmp_path / "old.gguf")
    assert os.listdir(tmp_path) == ["old.gguf"] and (tmp_path / "old.gguf").read_text() == "old"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"model_type": "gpt2", "architectures": ["GPT2LMHeadModel"]}, "its architecture is gpt2"),
        ({"rope_parameters": {"rope_type": "linear", "rope_theta": 1e4, "factor": 2.0}}, "positions are of the type"),
        ({"hidden_act": "gelu"}, "another activation than silu"),
    ],
)
def test_other_architecture_is_refused_in_one_sentence(
    tiny_folder: Path, tmp_path: Path, change: dict[str, object], reason: str
) -> None:
    model = HfModel(shutil.copytree(tiny_folder, tmp_path / "other"), "other")
    for key, value in change.items():
        setattr(model.network.config, key, value)
    with pytest.raises(ModelNotFoundError, match=f"other can't be converted: .*{reason}"):
        convert(model, tmp_path / "other.gguf")
    assert not (tmp_path / "other.gguf").exists()


@pytest.mark.parametrize("change", [{"normalizer": {"type": "Lowercase"}}, {"pre_tokenizer": {"type": "Whitespace"}}])
def test_other_tokenizer_is_refused(tiny_folder: Path, tmp_path: Path, change: dict[str, object]) -> None:
    folder = shutil.copytree(tiny_folder, tmp_path / "other")
    tokenizer = json.loads((folder / "tokenizer.json").read_text())
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer | change))
    with pytest.raises(ModelNotFoundError, match="no plain byte-level BPE"):
        convert(HfModel(folder, "other"), tmp_path / "other.gguf")


@pytest.mark.parametrize("spec", ["gguf:some.gguf", "hf:/nowhere", "x"])
def test_model_that_cannot_be_had_ends_the_program_with_a_sentence(spec: str, tmp_path: Path) -> None:
    result = CliRunner().invoke(program, [str(tmp_path / "x.gguf"), "--model", spec])
    assert result.exit_code == 1 and "Error: " in result.output and not os.listdir(tmp_path)
