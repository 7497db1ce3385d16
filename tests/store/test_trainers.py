"""TRL's trainers take every configuration as it is: one optimizer step each, with the bundled model."""

from pathlib import Path
from typing import Any

import pytest
import torch
from sqlmodel import Session

from argtree.cli_export import dataset_prompts
from argtree.propagate import propagate
from models.load import bundled_folder
from store.export import Options, export_dataset
from tests.store.datasets import filled

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not bundled_folder().is_dir(), reason="the bundled model's weights aren't there"),
    pytest.mark.filterwarnings("ignore"),  # of trainers and their libraries
]
SMALL = {
    "bf16": False,
    "gradient_checkpointing": False,
    "max_steps": 1,
    "per_device_train_batch_size": 2,
    "report_to": "none",
    "use_cpu": True,
    "learning_rate": 1e-3,
    "lr_scheduler_type": "constant",
    "save_strategy": "no",
    "disable_tqdm": True,
}


@pytest.fixture
def out(session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    export_dataset(filled(session), tmp_path / "out", dataset_prompts(), propagate, Options(held_out=0.0))
    return tmp_path / "out"


@pytest.fixture(scope="module")
def tokenizer() -> Any:
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(bundled_folder())


def _rows(folder: Path, name: str) -> Any:
    import datasets

    return datasets.load_dataset(str(folder), name, split="train", cache_dir=str(folder.parent / "cache"))


def _model() -> Any:
    from transformers import AutoModelForCausalLM

    return AutoModelForCausalLM.from_pretrained(bundled_folder())


def _assert_one_step(trainer: Any) -> None:
    before = {name: parameter.detach().clone() for name, parameter in trainer.model.named_parameters()}
    assert trainer.train().global_step == 1
    changed = [not torch.equal(before[name], now) for name, now in trainer.model.named_parameters()]
    assert any(changed)


@pytest.mark.parametrize("name", ["beliefs", "inferred", "values", "sft"])
def test_sft_trainer(out: Path, tokenizer: Any, tmp_path: Path, name: str) -> None:
    from trl import SFTConfig, SFTTrainer

    config = SFTConfig(output_dir=str(tmp_path / "run"), **SMALL)
    _assert_one_step(SFTTrainer(_model(), config, train_dataset=_rows(out, name), processing_class=tokenizer))


def test_dpo_trainer(out: Path, tokenizer: Any, tmp_path: Path) -> None:
    from trl import DPOConfig, DPOTrainer

    config = DPOConfig(output_dir=str(tmp_path / "run"), **SMALL)
    _assert_one_step(DPOTrainer(_model(), None, config, train_dataset=_rows(out, "dpo"), processing_class=tokenizer))


def test_kto_trainer(out: Path, tokenizer: Any, tmp_path: Path) -> None:
    from trl import KTOConfig, KTOTrainer

    config = KTOConfig(output_dir=str(tmp_path / "run"), **SMALL)
    _assert_one_step(KTOTrainer(_model(), None, config, train_dataset=_rows(out, "kto"), processing_class=tokenizer))


def test_reward_trainer(out: Path, tokenizer: Any, tmp_path: Path) -> None:
    from transformers import AutoModelForSequenceClassification
    from trl import RewardConfig, RewardTrainer

    model = AutoModelForSequenceClassification.from_pretrained(bundled_folder(), num_labels=1)
    config = RewardConfig(output_dir=str(tmp_path / "run"), **SMALL)
    _assert_one_step(RewardTrainer(model, config, train_dataset=_rows(out, "reward"), processing_class=tokenizer))


def test_a_token_classifier_takes_the_stepwise_form(out: Path, tokenizer: Any, tmp_path: Path) -> None:
    from transformers import (
        AutoModelForTokenClassification,
        DataCollatorForTokenClassification,
        Trainer,
        TrainingArguments,
    )

    from models.stepwise import encode_steps

    rows = _rows(out, "prm")
    encoded = rows.map(lambda row: encode_steps(row, tokenizer), remove_columns=rows.column_names)
    model = AutoModelForTokenClassification.from_pretrained(bundled_folder(), num_labels=2)
    trainer = Trainer(
        model,
        TrainingArguments(str(tmp_path / "run"), **SMALL),
        data_collator=DataCollatorForTokenClassification(tokenizer),
        train_dataset=encoded,
    )
    _assert_one_step(trainer)
