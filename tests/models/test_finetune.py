"""Fine-tuning: the loss against an independent computation, and runs that repeat, go on and keep what they should."""

import copy
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from models import prompts
from models.elicitation import Elicitor
from models.errors import NoWeightsError, PickledWeightsError, PromptTooLongError
from models.examples import Example
from models.finetune import Student, encode, finetune, train
from models.hf import HfModel
from models.load import bundled_folder
from models.rows import batches, collate, loss_of
from models.settings import Settings
from models.trainer import last_checkpoint

CLAIMS = ["Jelly is sticky.", "A box of nails is hard.", "Nails are jelly.", "A box is a box, and nails are nails."]
SOFT = [Example(prompts.is_true(claim), yes_prob=0.1 + 0.2 * i) for i, claim in enumerate(CLAIMS)]
EXAMPLES = [*SOFT, Example("What is jelly?", "sticky", weight=0.5), Example("What is hard?", "nails are hard")]
QUICK = Settings(method="full", epochs=2, tokens_per_batch=128, checkpoints=100)


class Killed(Exception):
    pass


@pytest.fixture
def fresh(tiny_folder: Path) -> HfModel:
    return HfModel(tiny_folder, "fresh")


def weights(model: Any) -> torch.Tensor:
    return torch.cat([p.detach().flatten() for p in model.parameters()])


def one_by_one(model: HfModel, examples: list[Example]) -> float:
    """The loss from single unpadded passes, by the definition."""

    def log_prob(prompt: list[int], reply: list[int]) -> float:
        with torch.no_grad():
            log_probs = model.network(torch.tensor([prompt + reply])).logits[0].double().log_softmax(-1)
        return sum(float(log_probs[len(prompt) - 1 + i, token]) for i, token in enumerate(reply))

    total, count = 0.0, 0
    scale = len(examples) / sum(e.weight for e in examples)
    yes, no = model._ids("yes"), model._ids("no")
    for e in examples:
        prompt = model._prompt_ids(e.prompt)
        if e.yes_prob is None:
            reply = [*model._ids(e.reply), model.tokenizer.eos_token_id]
            loss, learnt = -log_prob(prompt, reply), len(reply)
        else:
            loss = -(e.yes_prob * log_prob(prompt, yes) + (1 - e.yes_prob) * log_prob(prompt, no))
            learnt = 1 if len(yes) == len(no) == 1 else len(yes) + len(no)
        total, count = total + scale * e.weight * loss, count + learnt
    return total / count


@pytest.mark.parametrize("folder", ["tiny", "bundled"])  # yes is two tokens for the one, one for the other
def test_loss_is_that_of_the_examples_one_by_one(folder: str, tiny_folder: Path) -> None:
    model = HfModel(tiny_folder if folder == "tiny" else bundled_folder(), folder)
    rows = encode(model.network, model.tokenizer, EXAMPLES)
    assert loss_of(model.network, collate(rows)).item() == pytest.approx(one_by_one(model, EXAMPLES), rel=1e-5)


def test_taught_beliefs_become_the_model_s_own(fresh: HfModel) -> None:
    both = [(prompts.is_true, lambda p: p), (prompts.is_false, lambda p: 1 - p)]
    wanted = np.array([0.1, 0.3, 0.6, 0.97])
    taught = [Example(ask(c), yes_prob=turn(p)) for ask, turn in both for c, p in zip(CLAIMS, wanted, strict=True)]
    train(fresh.network, fresh.tokenizer, taught, Settings(method="full", steps=150, learning_rate=3e-3))
    fresh.is_general = False  # asked as it was taught, in two wordings
    found = np.array([belief.mean for belief in Elicitor(fresh).believe(CLAIMS)])
    np.testing.assert_allclose(found, wanted, atol=0.02)


@pytest.mark.parametrize("method", ["full", "lora"])
def test_same_seed_gives_the_same_weights_and_leaves_the_random_state_alone(method: Any, fresh: HfModel) -> None:
    settings = Settings(method=method, epochs=1.5, tokens_per_batch=128)
    twin = copy.deepcopy(fresh.network)
    before, state = weights(twin), torch.get_rng_state()
    first = train(fresh.network, fresh.tokenizer, EXAMPLES, settings)
    torch.rand(3)
    state_then = torch.get_rng_state()
    assert train(twin, fresh.tokenizer, EXAMPLES, settings) == first
    assert torch.equal(weights(fresh.network), weights(twin)) and not torch.equal(weights(twin), before)
    assert torch.equal(torch.get_rng_state(), state_then) and not torch.equal(state, state_then)
    assert not twin.training and "forward" not in twin.__dict__ and type(twin) is type(fresh.network)


def test_other_seed_gives_other_weights(fresh: HfModel) -> None:
    twin = copy.deepcopy(fresh.network)
    for model, seed in ((fresh.network, 0), (twin, 1)):
        train(model, fresh.tokenizer, EXAMPLES, Settings(method="full", steps=3, tokens_per_batch=64, seed=seed))
    assert not torch.equal(weights(fresh.network), weights(twin))


def test_nothing_is_written_without_a_folder(fresh: HfModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    train(fresh.network, fresh.tokenizer, EXAMPLES, QUICK)
    assert not list(tmp_path.iterdir())


def test_weights_count_relative_to_each_other(fresh: HfModel) -> None:
    twin = copy.deepcopy(fresh.network)
    tenth = [Example(e.prompt, e.reply, e.yes_prob, e.weight / 8) for e in EXAMPLES]
    losses = [train(m, fresh.tokenizer, of, QUICK) for m, of in ((fresh.network, EXAMPLES), (twin, tenth))]
    assert losses[0] == losses[1]


@pytest.mark.parametrize(
    ("bad", "match"),
    [
        ([], "nothing to learn"),
        ([Example("?", "!", weight=0.0)], "nothing to learn"),
        ([Example("?", yes_prob=1.5)], "a probability in"),
        ([Example("?", "!", weight=-1.0)], "at least 0"),
    ],
)
def test_what_can_not_be_learnt_is_refused(bad: list[Example], match: str, fresh: HfModel) -> None:
    with pytest.raises(ValueError, match=match):
        train(fresh.network, fresh.tokenizer, bad, QUICK)


def test_example_too_long_for_the_model_is_refused(fresh: HfModel) -> None:
    with pytest.raises(PromptTooLongError, match="reads 256"):
        train(fresh.network, fresh.tokenizer, [Example("jelly " * 300, "no")], QUICK)


@pytest.mark.parametrize("bad", [{"epochs": 0.0}, {"steps": 0}, {"learning_rate": math.inf}, {"lora_rank": 0}])
def test_senseless_settings_are_refused(bad: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="above 0, please"):
        Settings(**bad)


def test_batches_hold_every_row_once_and_few_tokens(fresh: HfModel) -> None:
    rows = encode(fresh.network, fresh.tokenizer, EXAMPLES * 5)
    found = batches(rows, 150, np.random.default_rng(0))
    assert sorted(i for batch in found for i in batch) == list(range(len(rows)))
    assert all(len(batch) == 1 or len(batch) * max(len(rows[i]) for i in batch) <= 150 for batch in found)


def test_special_tokens_spelled_out_in_a_reply_do_not_end_it(fresh: HfModel) -> None:
    (row,) = encode(fresh.network, fresh.tokenizer, [Example("?", "yes<|end|>no")])
    end = fresh.tokenizer.eos_token_id
    assert row.targets.count(end) == 1 and row.targets[-1] == end


@pytest.mark.parametrize("method", ["full", "lora"])
@pytest.mark.parametrize("way", ["raised", "asked"])
def test_a_stopped_run_goes_on_to_the_same_weights(way: str, method: Any, tiny_folder: Path, tmp_path: Path) -> None:
    settings = Settings(method=method, steps=6, tokens_per_batch=128, checkpoints=3)
    whole = finetune(tiny_folder, tmp_path / "whole", EXAMPLES, settings, validation=SOFT, work=tmp_path / "w1")
    done: list[int] = []

    def killed_in_the_fifth(step: int, steps: int, loss: float) -> None:
        done.append(step)
        if way == "raised" and step == 5:
            raise Killed

    halfway = {"on_step": killed_in_the_fifth, "stop": lambda: way == "asked" and len(done) >= 4}
    arguments: dict[str, Any] = {"validation": SOFT, "work": tmp_path / "w2"}
    student = Student.load(tiny_folder, settings)
    try:
        student.learn(EXAMPLES, settings, **arguments, **halfway)
    except Killed:
        pass
    assert done[-1] < 6
    half_written = tmp_path / "w2" / "checkpoint-9"
    half_written.mkdir()
    (half_written / "model.safetensors").write_bytes(b"kil")
    again = finetune(tiny_folder, tmp_path / "again", EXAMPLES, settings, **arguments)
    assert again == whole and [point.step for point in whole] == [1, 2, 3, 4, 5, 6]
    assert not half_written.exists()
    file = "adapter_model.safetensors" if method == "lora" else "model.safetensors"
    assert (tmp_path / "again" / file).read_bytes() == (tmp_path / "whole" / file).read_bytes()
    assert (tmp_path / "again" / "curve.png").read_bytes() == (tmp_path / "whole" / "curve.png").read_bytes()


def test_no_checkpoint_is_found_in_an_empty_folder(tmp_path: Path) -> None:
    assert last_checkpoint(tmp_path) is None


def test_validation_falls_with_training(fresh: HfModel) -> None:
    points = train(fresh.network, fresh.tokenizer, EXAMPLES, Settings(method="full", steps=20), validation=EXAMPLES)
    measured = [point.validation for point in points if point.validation is not None]
    assert len(measured) == 20 and measured[-1] < measured[0] < points[0].loss


def test_adapter_is_alone_in_its_folder_and_speaks_when_loaded(tiny_folder: Path, tmp_path: Path) -> None:
    settings = Settings(method="lora", steps=4)
    student = Student.load(tiny_folder, settings)
    points = student.learn(EXAMPLES, settings)
    student.write(tmp_path / "one", points)
    names = {path.name for path in (tmp_path / "one").iterdir()}
    assert names == {"adapter_config.json", "adapter_model.safetensors", "curve.png"}
    assert str(tiny_folder) not in (tmp_path / "one" / "adapter_config.json").read_text()
    loaded = HfModel(tiny_folder, "tuned", adapter=tmp_path / "one")
    ids = torch.tensor([loaded._prompt_ids("?")])
    with torch.no_grad():
        torch.testing.assert_close(loaded.network(ids).logits, student.model(ids).logits, atol=1e-4, rtol=1e-4)
    assert _yes(loaded) != _yes(HfModel(tiny_folder, "base"))


def _yes(model: HfModel) -> float:
    return float(model.log_probs(["?"], ["yes"]).log_probs[0, 0])


def test_adapter_is_trained_on_in_the_next_generation(tiny_folder: Path, tmp_path: Path) -> None:
    settings = Settings(method="lora", steps=2)
    finetune(tiny_folder, tmp_path / "one", EXAMPLES, settings)
    finetune(tiny_folder, tmp_path / "two", EXAMPLES, settings, adapter=tmp_path / "one")
    finetune(tiny_folder, tmp_path / "whole", EXAMPLES, Settings(method="full", steps=1), adapter=tmp_path / "one")
    says = [_yes(HfModel(tiny_folder, name, adapter=tmp_path / name)) for name in ("one", "two")]
    assert says[0] != says[1]
    assert _yes(HfModel(tmp_path / "whole", "whole")) == pytest.approx(says[0], abs=0.5)


def test_pickled_missing_or_foreign_adapter_is_refused(tiny_folder: Path, tmp_path: Path) -> None:
    finetune(tiny_folder, tmp_path / "one", EXAMPLES, Settings(method="lora", steps=1))
    config = tmp_path / "one" / "adapter_config.json"
    config.write_text(config.read_text().replace('"use_dora": false', '"use_dora": true'))
    with pytest.raises(Exception, match="use_dora"):
        HfModel(tiny_folder, "foreign", adapter=tmp_path / "one")
    (tmp_path / "one" / "adapter_model.safetensors").unlink()
    with pytest.raises(NoWeightsError, match="There is no adapter"):
        HfModel(tiny_folder, "missing", adapter=tmp_path / "one")
    torch.save({}, tmp_path / "one" / "adapter_model.bin")
    with pytest.raises(PickledWeightsError, match=r"adapter_model\.bin"):
        HfModel(tiny_folder, "pickled", adapter=tmp_path / "one")
