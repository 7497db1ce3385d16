"""Pretraining on a few lines of the told text."""

from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import torch

from models import prompts
from models.everyday import corpus, pretrain
from models.everyday.corpus import examples as all_examples
from models.everyday.world import load_world
from models.examples import Example
from models.statistics import expected_calibration_error


class Killed(Exception):
    pass


@pytest.fixture
def small_text(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        pretrain, "examples", lambda *args, **kwargs: islice(all_examples(*args, **kwargs), 5, None, 900)
    )
    for few in ("NUM_COMPARISONS", "NUM_PAIR_QUESTIONS", "NUM_WORDINGS", "NUM_PROPOSALS", "NUM_RESIDUALS"):
        monkeypatch.setattr(corpus, few, 60)
    monkeypatch.setattr(pretrain, "TOKENS_PER_STEP", 256)
    monkeypatch.setattr(pretrain, "CHECKPOINT_SECONDS", 0.0)


@pytest.mark.usefixtures("small_text")
def test_a_killed_run_goes_on_as_if_nothing_had_happened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pretrain.pretrain(seed=3, out=tmp_path / "whole", passes=2)
    train_pass = pretrain.Run.train_pass

    def killed_in_the_second(run: pretrain.Run, *args: object) -> object:
        if run.passes_done == 1:
            raise Killed
        return train_pass(run, *args)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(pretrain.Run, "train_pass", killed_in_the_second)
        with pytest.raises(Killed):
            pretrain.pretrain(seed=3, out=tmp_path / "killed", passes=2)
    pretrain.pretrain(seed=3, out=tmp_path / "killed", passes=2)
    weights = [(tmp_path / name / "model.safetensors").read_bytes() for name in ("whole", "killed")]
    assert weights[0] == weights[1]
    assert not (tmp_path / "killed" / "checkpoint.pt").exists()


def test_bundled_examples_have_the_loss_of_the_examples_one_by_one() -> None:
    world = load_world()
    told = [s for s in world.single_thing_statements("a brick") if s.key in world.base]
    text = [Example(prompts.is_true(world.text(s)), yes_prob=0.9 if world.truth(s) else 0.2) for s in told]
    text.append(Example(prompts.state_claim("Is a brick hard?"), '{"claim": "A brick is hard."}'))
    tokenizer = pretrain.train_tokenizer(world, text)
    model = pretrain.new_model(tokenizer, seed=0).eval()
    vocabulary = tokenizer.get_vocab()
    losses = []
    for example in text:
        prompt = tokenizer(f"{pretrain.USER}{example.prompt}{pretrain.ASSISTANT}")["input_ids"]
        reply = tokenizer(example.reply + pretrain.END)["input_ids"] if example.reply else []
        log_probs = model(input_ids=torch.tensor([prompt + reply])).logits[0].log_softmax(-1)[len(prompt) - 1 :]
        losses += [-log_probs[i, token] for i, token in enumerate(reply)]
        if example.yes_prob is not None:
            yes, no = log_probs[0, vocabulary["yes"]], log_probs[0, vocabulary["no"]]
            losses.append(-(example.yes_prob * yes + (1 - example.yes_prob) * no))
    bundles = pretrain.encode(tokenizer, text)
    assert len(bundles) == 2
    packed = pretrain.loss_of(model, pretrain.lay_out(bundles), (vocabulary["yes"], vocabulary["no"]))
    assert packed.item() == pytest.approx(torch.stack(losses).mean().item(), abs=1e-5)


def test_calibration_error_is_the_mean_gap_of_the_bins() -> None:
    prob = np.array([0.05, 0.05, 0.95, 0.95])
    assert expected_calibration_error(prob, np.array([0.0, 1.0, 1.0, 1.0])) == pytest.approx(0.5 * 0.45 + 0.5 * 0.05)
    assert expected_calibration_error(prob, np.array([0.05, 0.05, 0.95, 0.95])) == pytest.approx(0.0)
