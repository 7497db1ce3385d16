"""From a model in `transformers` form to a GGUF file, which llama.cpp and its kin read: the one file that knows `gguf`.

    python -m models.gguf bundled.gguf
    python -m models.gguf mine.gguf --model hf:FOLDER --type f32

Covered: the Llama architecture in its plain form with a byte-level BPE tokenizer, which is what the bundled model is,
with tokenizer and chat template; adapters on such a model (`generation:3`) are merged. Everything else is refused:
llama.cpp's own converter knows a hundred architectures.

GGUF's form: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
"""

import json
import os
import shlex
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

import gguf
import numpy as np
import numpy.typing as npt
import typer

from models.errors import ModelError, ModelNotFoundError
from models.hf import HfModel, eos_ids
from models.load import BUNDLED, load_model

Type = Literal["f16", "f32"]
SERVED_BYTES = 32  # llama-cpp-python 0.3.36 (`LlamaModel.detokenize`) loses tokens of more, but by another tokenizer
FILE_TYPES = {"f16": gguf.LlamaFileType.MOSTLY_F16, "f32": gguf.LlamaFileType.ALL_F32}
BYTE_LEVEL = {"type": "ByteLevel", "add_prefix_space": False, "use_regex": True}  # GPT-2's, llama.cpp's "gpt-2"
PLAIN_BPE = {
    "type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": None, "end_of_word_suffix": None,
    "byte_fallback": False, "ignore_merges": False,
}  # fmt: skip


def convert(model: HfModel, file: Path, *, type: Type = "f16") -> None:
    """Write a model to a GGUF file, whole or not at all; a file that is there is replaced.

    Args:
        model: Of the Llama architecture.
        file: Its folder must be there.
        type: Of matrices and embeddings; vectors stay in f32, as llama.cpp wants them.

    Raises:
        ModelNotFoundError: The model or its tokenizer has no form that can be converted.
        OSError: The file can't be written.
    """
    tokenizer = json.loads(model.tokenizer.backend_tokenizer.to_str())
    for reason in _unknown(model.network.config, tokenizer):
        raise ModelNotFoundError(
            f"{model.name} can't be converted: {reason}. llama.cpp's convert_hf_to_gguf.py knows more architectures."
        )
    handle, temporary = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name[:100]}.")
    os.close(handle)
    writer = gguf.GGUFWriter(temporary, "llama")
    try:
        _add_shape(writer, model, type)
        _add_tokenizer(writer, model, tokenizer)
        for name, tensor in _tensors(model.network, type):
            writer.add_tensor(name, tensor)
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()
        with open(temporary, "rb+") as written:
            os.fsync(written.fileno())
        os.chmod(temporary, 0o644)  # mkstemp makes it its owner's alone
        os.replace(temporary, file)
    except BaseException:
        writer.close()
        Path(temporary).unlink(missing_ok=True)
        raise


def serving_command(model: HfModel, file: Path) -> str:
    """What serves a model's file by llama-cpp-python's own server, without a token being lost.

    Tokens that are too long for that server's own tokenizer come whole from that of transformers, in the folder that
    the model was loaded from.
    """
    # in the vocabulary a character is a byte, but for added tokens
    sizes = [len(token) for token in model.tokenizer.get_vocab()]
    sizes += [len(token.encode()) for token in model.tokenizer.get_added_vocab()]
    options = ["--model", str(file), "--logits_all", "true"]
    if not model.is_general:
        options += ["--model_alias", BUNDLED]  # under this name it is asked as it was trained
    if max(sizes) > SERVED_BYTES:
        options += ["--hf_pretrained_model_name_or_path", model.tokenizer.name_or_path]
    return shlex.join(["python", "-m", "llama_cpp.server", *options])


def _unknown(config: Any, tokenizer: dict[str, Any]) -> Iterator[str]:
    """Why a model can't be converted, if it can't."""
    rope = config.to_dict().get("rope_parameters") or {}
    if config.model_type != "llama":
        yield f"its architecture is {config.model_type}, and only llama is known here"
    elif rope.get("rope_type", "default") != "default":
        yield f"its positions are of the type {rope['rope_type']}"
    elif config.attention_bias or config.mlp_bias or config.hidden_act != "silu":
        yield "its layers have biases or another activation than silu"
    bpe, before = tokenizer["model"], tokenizer["pre_tokenizer"] or {}
    odd = [key for key, value in PLAIN_BPE.items() if bpe.get(key) not in (value, "" if value is None else value)]
    odd += [key for key, value in BYTE_LEVEL.items() if before.get(key) != value]
    if tokenizer["normalizer"] is not None or odd:
        yield f"its tokenizer is no plain byte-level BPE ({', '.join(odd) or 'it normalises'})"
    elif any(token[side] for token in tokenizer["added_tokens"] for side in ("lstrip", "rstrip", "single_word")):
        yield "its added tokens take in the blanks beside them"


def _add_shape(writer: gguf.GGUFWriter, model: HfModel, type: Type) -> None:
    config = model.network.config
    writer.add_name(model.name)
    writer.add_bool("argtree.is_general", model.is_general)
    writer.add_file_type(FILE_TYPES[type])
    writer.add_vocab_size(config.vocab_size)
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_key_length(config.head_dim)
    writer.add_value_length(config.head_dim)
    writer.add_rope_dimension_count(config.head_dim)
    writer.add_rope_freq_base(float(config.to_dict()["rope_parameters"]["rope_theta"]))
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)


def _add_tokenizer(writer: gguf.GGUFWriter, model: HfModel, tokenizer: dict[str, Any]) -> None:
    """The tokens with their kinds: special ones are read only where a template puts them, added ones in any text."""
    vocabulary: dict[str, int] = tokenizer["model"]["vocab"]
    added = {token["id"]: token for token in tokenizer["added_tokens"]}
    texts = {number: text for text, number in vocabulary.items()}
    texts |= {number: token["content"] for number, token in added.items()}
    size = model.network.config.vocab_size
    kinds = [_kind(added.get(number), number in texts) for number in range(size)]
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list([texts.get(number, f"[UNUSED{number}]") for number in range(size)])
    writer.add_token_types(kinds)
    writer.add_token_merges([" ".join(pair) for pair in tokenizer["model"]["merges"]])
    own, ends = model.tokenizer, eos_ids(model.tokenizer, model.network)
    end = ends[0] if own.eos_token_id is None else own.eos_token_id
    writer.add_eos_token_id(end)
    if len(others := [number for number in ends if number != end]):
        writer.add_eot_token_id(others[0])  # that the model's folder declares beside the tokenizer's
    first = own.bos_token_id
    writer.add_bos_token_id(end if first is None else first)  # without one llama.cpp would take token 11 for it
    writer.add_add_bos_token(own("x")["input_ids"][0] == first)
    writer.add_add_eos_token(False)
    writer.add_add_space_prefix(False)
    if isinstance(own.chat_template, str):
        writer.add_chat_template(own.chat_template)


def _kind(added: dict[str, Any] | None, is_used: bool) -> gguf.TokenType:
    if added is not None:
        return gguf.TokenType.CONTROL if added["special"] else gguf.TokenType.USER_DEFINED
    return gguf.TokenType.NORMAL if is_used else gguf.TokenType.UNUSED


def _tensors(network: Any, type: Type) -> Iterator[tuple[str, npt.NDArray[Any]]]:
    """The weights by their names in GGUF; an output that is the embedding is left out, as llama.cpp expects."""
    config = network.config
    names = gguf.get_tensor_name_map(gguf.MODEL_ARCH.LLAMA, config.num_hidden_layers)
    heads = {"q_proj": config.num_attention_heads, "k_proj": config.num_key_value_heads}
    for key, weight in network.state_dict().items():
        if key == "lm_head.weight" and config.tie_word_embeddings:
            continue
        name = names.get_name(key, try_suffixes=(".weight",))
        assert name is not None, key
        array = weight.float().cpu().numpy()
        part = key.split(".")[-2]
        if part in heads:
            array = _interleaved(array, heads[part])
        yield name, array.astype(np.float16 if type == "f16" and array.ndim > 1 else np.float32)


def _interleaved(weight: npt.NDArray[Any], heads: int) -> npt.NDArray[Any]:
    """Rows of each head in llama.cpp's order: the two halves that a rotation pairs side by side (Su et al. 2021)."""
    rows, columns = weight.shape
    return weight.reshape(heads, 2, rows // heads // 2, columns).swapaxes(1, 2).reshape(rows, columns)


def main(
    file: Annotated[Path, typer.Argument(help="The GGUF file to write.")],
    model: Annotated[str, typer.Option(help='"bundled", "hf:NAME_OR_FOLDER" or "generation:NUMBER".')] = BUNDLED,
    type: Annotated[Type, typer.Option(help="Of the weights.")] = "f16",
) -> None:
    """Convert a model to a GGUF file, for `--model gguf:FILE` and every program that llama.cpp is in."""
    try:
        loaded = load_model(model)
        if not isinstance(loaded, HfModel):
            raise ModelNotFoundError(f"{model} is no model in transformers form.")
        convert(loaded, file, type=type)
    except (ModelError, OSError) as error:
        typer.echo(f"Error: {error}", err=True)
        raise typer.Exit(1) from error
    typer.echo(f"Written to {file}: {file.stat().st_size:,} bytes. Try `--model gguf:{file}`.")
    name = file if loaded.is_general else BUNDLED
    typer.echo(
        f"With llama-cpp-python[server] it is served by `{serving_command(loaded, file)}`, and then it is "
        f"`--model openai:http://127.0.0.1:8000/v1#{name}`."
    )


if __name__ == "__main__":
    typer.run(main)
