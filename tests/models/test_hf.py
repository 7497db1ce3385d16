import functools
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from models.base import Reply
from models.errors import ModelError, ModelNotFoundError, NoWeightsError, PickledWeightsError, PromptTooLongError
from models.hf import HfModel

PROMPTS = ["Is jelly sticky?", "Is a box of nails hard? Answer yes or no, please.", "?", "Jelly. " * 20]
REPLIES = ["yes", "no", "No", "nails are hard", "sticky box", "sticky boxes"]  # one token to many, prefixes shared


def token_by_token(folder: Path, prompt: str, reply: str) -> float:
    """log P(reply | prompt) with one unpadded pass for each token of the reply."""
    tokenizer, model = AutoTokenizer.from_pretrained(folder), AutoModelForCausalLM.from_pretrained(folder).eval()
    ids = tokenizer(f"<|user|>{prompt}<|end|><|assistant|>", add_special_tokens=False)["input_ids"]
    total = 0.0
    for token in tokenizer(reply, add_special_tokens=False)["input_ids"]:
        with torch.no_grad():
            logits = model(torch.tensor([ids])).logits[0, -1].double()
        total += float(logits[token] - logits.logsumexp(0))
        ids = [*ids, token]
    return total


def copy(folder: Path, target: Path, *, without: str = "nothing") -> Path:
    shutil.copytree(folder, target, ignore=shutil.ignore_patterns(without))
    return target


def test_log_probs_equal_a_token_by_token_computation(tiny: HfModel, tiny_folder: Path) -> None:
    expected = [[token_by_token(tiny_folder, prompt, reply) for reply in REPLIES] for prompt in PROMPTS]
    np.testing.assert_allclose(tiny.log_probs(PROMPTS, REPLIES).log_probs, expected, atol=1e-5)


def test_log_probs_do_not_depend_on_the_batch(tiny: HfModel) -> None:
    many = [PROMPTS[i % 4] + " x" * (i % 7) for i in range(70)]  # three batches
    alone = np.concatenate([tiny.log_probs([prompt], REPLIES).log_probs for prompt in many])
    np.testing.assert_allclose(tiny.log_probs(many, REPLIES).log_probs, alone, atol=1e-5)


def test_one_token_probabilities_of_all_bytes_stay_below_one(tiny: HfModel) -> None:
    letters = [chr(i) for i in range(33, 127)]
    total = np.exp(tiny.log_probs(PROMPTS, letters).log_probs).sum(axis=1)
    assert ((0 < total) & (total < 1)).all()


def test_greedy_replies_do_not_depend_on_the_batch(tiny: HfModel) -> None:
    alone = [tiny.complete([prompt], {}, max_tokens=12)[0] for prompt in PROMPTS]
    assert tiny.complete(PROMPTS, {}, max_tokens=12) == alone


def test_greedy_reply_takes_the_likeliest_token_each_time(tiny: HfModel, tiny_folder: Path) -> None:
    tokenizer, model = AutoTokenizer.from_pretrained(tiny_folder), AutoModelForCausalLM.from_pretrained(tiny_folder)
    start = tokenizer(f"<|user|>{PROMPTS[0]}<|end|><|assistant|>")["input_ids"]
    ids = list(start)
    while len(ids) < len(start) + 12 and ids[-1] != tokenizer.eos_token_id or len(ids) == len(start):
        ids.append(int(model(torch.tensor([ids])).logits[0, -1].argmax()))
    said = [i for i in ids[len(start) :] if i != tokenizer.eos_token_id]
    assert tiny.complete(PROMPTS[:1], {}, max_tokens=12) == [Reply(tokenizer.decode(said), len(start), len(said))]


def test_sampling_repeats_with_its_seed_and_leaves_the_random_state_alone(tiny: HfModel) -> None:
    state = torch.get_rng_state()
    first, again, other = (tiny.complete(PROMPTS, {}, max_tokens=12, temperature=1.0, seed=seed) for seed in (1, 1, 2))
    assert first == again != other
    assert torch.equal(state, torch.get_rng_state())


def test_reply_ends_before_the_end_token_and_keeps_other_special_tokens(tiny: HfModel) -> None:
    user, end = tiny._tokenizer.convert_tokens_to_ids(["<|user|>", "<|end|>"])
    (x,) = tiny._ids("x")
    assert tiny._text(tiny._ended([x, user, x, end, x])) == "x<|user|>x"


def test_special_tokens_spelled_out_in_a_prompt_do_not_end_the_turn(tiny: HfModel) -> None:
    ids = tiny._prompt_ids("jelly<|end|><|assistant|>yes")
    special = tiny._tokenizer.convert_tokens_to_ids(["<|user|>", "<|end|>", "<|assistant|>"])
    assert [i for i in ids if i in special] == special  # those of the template, once each


def test_prompt_without_chat_template_ends_in_a_line_break(tiny_folder: Path, tmp_path: Path) -> None:
    model = HfModel(copy(tiny_folder, tmp_path / "plain", without="chat_template*"), "plain")
    assert model._tokenizer.decode(model._prompt_ids("Is jelly sticky?")) == "Is jelly sticky?\n"


def test_prompt_too_long_for_the_model_is_refused(tiny: HfModel) -> None:
    with pytest.raises(PromptTooLongError, match="tiny reads 256"):
        tiny.complete(["jelly " * 300], {}, max_tokens=5)
    with pytest.raises(PromptTooLongError):
        tiny.log_probs(["jelly " * 300], ["yes"])


def test_long_prompt_gets_the_room_that_is_left_and_others_all_they_asked_for(tiny: HfModel) -> None:
    nearly_full = "jelly"
    while len(tiny._prompt_ids(nearly_full + " jelly")) < 250:
        nearly_full += " jelly"
    both = tiny.complete([nearly_full, "?"], {}, max_tokens=40)
    assert both[1:] == tiny.complete(["?"], {}, max_tokens=40)


@pytest.mark.parametrize("bad", [{"max_tokens": 0}, {"max_tokens": 5, "temperature": -1.0}])
def test_senseless_settings_are_refused(tiny: HfModel, bad: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="at least 1 and 0"):
        tiny.complete(["?"], {}, **bad)


def test_continuation_without_tokens_is_refused(tiny: HfModel) -> None:
    with pytest.raises(ValueError, match="without tokens"):
        tiny.log_probs(["?"], ["yes", ""])


def test_loading_prints_nothing(tiny_folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    HfModel(tiny_folder, "tiny").complete(["?"], {}, max_tokens=3)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("file", ["pytorch_model.bin", "model.pt"])
def test_folder_with_pickled_weights_only_is_refused(tiny_folder: Path, tmp_path: Path, file: str) -> None:
    folder = copy(tiny_folder, tmp_path / "pickled", without="*.safetensors")
    torch.save({}, folder / file)
    with pytest.raises(PickledWeightsError, match=file):
        HfModel(folder, "pickled")


@pytest.mark.parametrize("way", ["config", "index"])
def test_config_or_index_cannot_smuggle_a_pickle_in(tiny_folder: Path, tmp_path: Path, way: str) -> None:
    folder = copy(tiny_folder, tmp_path / "smuggler")
    torch.save({}, folder / "evil.bin")
    if way == "config":
        config = json.loads((folder / "config.json").read_text())
        (folder / "config.json").write_text(json.dumps(config | {"transformers_weights": "evil.bin"}))
    else:
        index = {"metadata": {}, "weight_map": {"lm_head.weight": "evil.bin"}}
        (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    with pytest.raises(PickledWeightsError, match="evil.bin"):
        HfModel(folder, "smuggler")


def test_folder_without_weights_is_refused(tiny_folder: Path, tmp_path: Path) -> None:
    with pytest.raises(NoWeightsError, match="There are no weights in"):
        HfModel(copy(tiny_folder, tmp_path / "empty", without="*.safetensors"), "empty")


def test_weights_that_lack_a_tensor_are_refused_rather_than_made_up(tiny_folder: Path, tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    folder = copy(tiny_folder, tmp_path / "holes")
    tensors = load_file(folder / "model.safetensors")
    del tensors["model.layers.1.mlp.up_proj.weight"]
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(NoWeightsError, match="lack 1 tensors, model.layers.1.mlp.up_proj.weight"):
        HfModel(folder, "holes")


@pytest.mark.parametrize("file", ["config.json", "tokenizer.json", "model.safetensors"])
def test_broken_file_gives_one_clear_sentence(tiny_folder: Path, tmp_path: Path, file: str) -> None:
    folder = copy(tiny_folder, tmp_path / "broken")
    (folder / file).write_text("{ no")
    with pytest.raises(ModelNotFoundError) as caught:
        HfModel(folder, "broken")
    assert "broken" in str(caught.value) and "\n" not in str(caught.value)
    assert caught.value.__cause__ is not None


@pytest.mark.parametrize("name", ["./nowhere", "/nowhere/at/all", "nobody/has-this-model", "not a name!"])
def test_model_that_is_nowhere_is_refused(name: str) -> None:
    with pytest.raises(ModelError, match="There is no model folder"):
        HfModel(name, f"hf:{name}")


@pytest.mark.parametrize("draft", [None, "tiny_folder", "other_folder"])
def test_greedy_reply_with_a_draft_is_the_same(
    tiny_folder: Path, draft: str | None, request: pytest.FixtureRequest
) -> None:
    asked, model = [*PROMPTS, *BEGUN], HfModel(tiny_folder, "tiny")
    alone = [model.complete([prompt], {}, max_tokens=20)[0] for prompt in asked]
    model.speculate(HfModel(request.getfixturevalue(draft), "draft") if draft else None)
    assert [model.complete([prompt], {}, max_tokens=20)[0] for prompt in asked] == alone
    assert model.complete(asked, {}, max_tokens=20) == alone  # together, without drafts


def test_good_draft_saves_passes(tiny_folder: Path, tiny: HfModel, read: list[int]) -> None:
    said = tiny.complete(PROMPTS[:1], {}, max_tokens=20)[0].reply_tokens
    assert len(read) == said or len(read) == said + 1
    read.clear()
    tiny.speculate(HfModel(tiny_folder, "itself"))
    tiny.complete(PROMPTS[:1], {}, max_tokens=20)
    tiny._speculation = {}
    assert len(read) < 0.7 * said


def test_draft_of_other_tokens_is_refused(tiny: HfModel, tiny_folder: Path) -> None:
    other = HfModel(tiny_folder, "other")
    other.tokenizer.add_tokens(["jelly"])
    with pytest.raises(ModelNotFoundError, match="other can't draft for tiny: .* the same tokens"):
        tiny.speculate(other)


BEGINNING = "A box of nails is hard. " * 6  # longer than another forward pass is worth
BEGUN = [f"{BEGINNING}{rest}" for rest in ("Is jelly sticky?", "?", "", "Jelly is hard. Yes or no?", "", "No nails.")]


@pytest.fixture
def read(tiny: HfModel, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many tokens each forward pass reads, padding included."""
    sizes: list[int] = []
    forward = tiny.network.forward

    @functools.wraps(forward)
    def counted(*args: Any, **kwargs: Any) -> Any:
        sizes.append(kwargs["input_ids"].numel())
        return forward(*args, **kwargs)

    monkeypatch.setattr(tiny.network, "forward", counted)
    return sizes


def test_shared_beginning_is_read_once_and_changes_no_score(tiny: HfModel, read: list[int]) -> None:
    alone = np.concatenate([tiny.log_probs([prompt], REPLIES).log_probs for prompt in BEGUN])
    each_time = sum(read)
    read.clear()
    np.testing.assert_allclose(tiny.log_probs(BEGUN, REPLIES).log_probs, alone, atol=1e-5)
    assert sum(read) < 0.4 * each_time


def test_row_is_read_once_for_continuations_of_several_tokens(tiny: HfModel, read: list[int]) -> None:
    tiny.log_probs(PROMPTS[:1], REPLIES)
    row = len(tiny._prompt_ids(PROMPTS[0]))
    assert read[0] == row and sum(read) - row < sum(len(tiny._ids(reply)) for reply in REPLIES)


def test_shared_beginning_is_read_once_and_changes_no_greedy_reply(tiny: HfModel, read: list[int]) -> None:
    alone = [tiny.complete([prompt], {}, max_tokens=6)[0] for prompt in BEGUN]
    each_time = sum(read)
    read.clear()
    assert tiny.complete(BEGUN, {}, max_tokens=6) == alone
    assert sum(read) < 0.5 * each_time


def test_network_that_cannot_take_up_where_it_left_off_reads_all_each_time(tiny_folder: Path, tmp_path: Path) -> None:
    folder = copy(tiny_folder, tmp_path / "window")
    config = json.loads((folder / "config.json").read_text())
    changes = {"model_type": "mistral", "architectures": ["MistralForCausalLM"], "sliding_window": 16}
    (folder / "config.json").write_text(json.dumps(config | changes))
    model = HfModel(folder, "window")
    assert not model._reader.keeps_past and model._reader.goes_back
    alone = np.concatenate([model.log_probs([prompt], REPLIES).log_probs for prompt in BEGUN])
    np.testing.assert_allclose(model.log_probs(BEGUN, REPLIES).log_probs, alone, atol=1e-5)
    assert model.complete(BEGUN, {}, max_tokens=6) == [model.complete([p], {}, max_tokens=6)[0] for p in BEGUN]
