"""Fine-tuning on examples, with `trl`'s trainer: in memory, or from a model's folder into another.

Covered: full fine-tuning and LoRA adapters (Hu et al. 2021, arXiv 2106.09685), soft targets for yes/no questions,
checkpoints, several processes under `accelerate launch`. Not covered: what to learn (`dataset.py`, `replay.py`), which
generation is current (`generations.py`), preferences and rewards, quantised weights.
"""

import random
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import torch
from datasets import Dataset
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import PrinterCallback, TrainerCallback
from trl import SFTConfig, SFTTrainer

from models import rows as rows_
from models.chat import Chat
from models.examples import Example
from models.hf import eos_ids, quiet

Method = Literal["lora", "full"]
SMALL = 20_000_000  # parameters: a model below it takes larger steps
LEARNING_RATES: dict[Method, tuple[float, float]] = {"lora": (2e-3, 2e-4), "full": (5e-4, 1e-5)}  # small, others

# without types in their libraries, or with types that mypy can't follow
_trainer: Any = SFTTrainer
_config: Any = SFTConfig
_callback: Any = TrainerCallback


@dataclass(frozen=True)
class Settings:
    """How to fine-tune. The same settings, examples and model give the same weights on the same machine."""

    method: Method = "lora"
    epochs: float = 3.0  # passes over the examples, above 0; a fraction of a pass is so many of its batches
    steps: int | None = None  # if given, exactly so many optimiser steps instead, however many passes that is
    learning_rate: float | None = None  # at its highest; None takes LEARNING_RATES
    warmup_share: float = 0.05  # of the steps, in which it rises; then it falls to 0 in a straight line
    tokens_per_batch: int = 2048  # at most, with padding, in each process
    weight_decay: float = 0.0
    lora_rank: int = 16
    seed: int = 0  # of the batches and of the adapter's first weights
    checkpoints: int = 20  # at most, of a run with a folder


class LossPoint(NamedTuple):
    """A point of the learning curve."""

    step: int  # optimiser steps done
    loss: float  # of the batch of that step, nats; before the step
    validation: float | None = None  # of the validation split after that step, where it was measured


def train(
    model: Any,
    tokenizer: Any,
    examples: Sequence[Example],
    settings: Settings,
    folder: Path | None = None,
    on_step: Callable[[int, int, float], None] | None = None,
) -> list[LossPoint]:
    """Teach a model in place; returns the loss of every step.

    With `method` "lora" a plain model gets an adapter that is merged into its weights at the end; a model that comes
    with an adapter (`PeftModel`) keeps it, trained on. The model is left in evaluation mode; Python's, NumPy's and
    PyTorch's random states are put back.

    Args:
        model: A causal language model of transformers, on the CPU or a GPU.
        folder: Where checkpoints are kept, so that the same call goes on where it was stopped. None writes nothing.
        on_step: Called after each step with (steps done, steps in all, loss). What it raises ends the training.

    Raises:
        ValueError: There is nothing to learn, or a setting is out of range.
        PromptTooLongError: An example is longer than the model can read.
    """
    rows = encode(model, tokenizer, examples)
    with _random_states_kept(), _unpatched(model), hushed():
        torch.manual_seed(settings.seed)
        taught = model
        if settings.method == "lora" and not isinstance(model, PeftModel):
            taught = new_adapter(model, settings)
        points = run(taught, tokenizer, rows, settings, folder, on_step)
        if taught is not model:
            taught.merge_and_unload()
    model.requires_grad_(True)
    model.eval()
    return points


def encode(model: Any, tokenizer: Any, examples: Sequence[Example]) -> list[rows_.Row]:
    """Examples as rows for this model; see `rows.encode`."""
    limit = getattr(model.config.get_text_config(), "max_position_embeddings", None)
    return rows_.encode(Chat(tokenizer), examples, ends=eos_ids(tokenizer, model), max_length=limit)


def new_adapter(model: Any, settings: Settings) -> PeftModel:
    """The model with a new adapter on all its linear layers but the last; so far it changes nothing."""
    rank = settings.lora_rank
    config = LoraConfig(r=rank, lora_alpha=2 * rank, target_modules="all-linear", task_type="CAUSAL_LM")
    adapted = get_peft_model(model, config)
    assert isinstance(adapted, PeftModel)
    return adapted


def run(
    model: Any,
    tokenizer: Any,
    rows: Sequence[rows_.Row],
    settings: Settings,
    folder: Path | None = None,
    on_step: Callable[[int, int, float], None] | None = None,
) -> list[LossPoint]:
    """Train whatever of the model asks for gradients; see `train`."""
    if settings.epochs <= 0 or settings.tokens_per_batch < 1 or (settings.steps is not None and settings.steps < 1):
        raise ValueError(f"At least a step and a token in a batch, please: {settings}")
    steps = settings.steps
    if steps is None:
        of_pass = rows_.batches(rows, settings.tokens_per_batch, np.random.default_rng([settings.seed, 0]))
        steps = max(1, round(settings.epochs * len(of_pass)))
    plan = list(islice(rows_.endless(rows, settings.tokens_per_batch, settings.seed), steps))
    if settings.method == "full":
        model.requires_grad_(True)
    trainer = _Trainer(
        model=model,
        args=_arguments(model, settings, steps, folder),
        processing_class=tokenizer,
        train_dataset=Dataset.from_dict({"batch": list(range(steps))}),
        data_collator=lambda one: rows_.collate([rows[i] for i in plan[one[0]["batch"]]]),
    )
    trainer.remove_callback(PrinterCallback)
    trainer.add_callback(_OnStep(trainer, on_step))
    trainer.train()
    return [LossPoint(point["step"], point["of_step"]) for point in trainer.state.log_history if "of_step" in point]


def _arguments(model: Any, settings: Settings, steps: int, folder: Path | None) -> Any:
    rate = settings.learning_rate
    if rate is None:
        rate = LEARNING_RATES[settings.method][sum(p.numel() for p in model.parameters()) >= SMALL]
    on_gpu = torch.cuda.is_available()
    # trl sets the old name, which transformers warns of where it knows the new one
    recomputing = (
        "activation_checkpointing" if hasattr(_config, "activation_checkpointing") else "gradient_checkpointing"
    )
    return _config(
        output_dir="." if folder is None else str(folder),  # made if it isn't there; nothing is written to it unasked
        num_train_epochs=1,  # of the plan, a row of which is a batch
        per_device_train_batch_size=1,
        train_sampling_strategy="sequential",
        dataset_kwargs={"skip_prepare_dataset": True},
        remove_unused_columns=False,
        learning_rate=rate,
        lr_scheduler_type="linear",
        warmup_steps=round(settings.warmup_share * steps),
        weight_decay=settings.weight_decay,
        seed=settings.seed,
        use_cpu=not on_gpu,
        bf16=on_gpu and any(p.dtype == torch.bfloat16 for p in model.parameters()),
        **{recomputing: False},
        dataloader_pin_memory=False,
        logging_strategy="no",
        eval_strategy="no",
        save_strategy="no",
        report_to="none",
        disable_tqdm=True,
    )


class _Trainer(_trainer):  # type: ignore[misc]
    """trl's trainer with the loss of `rows.py`; a batch comes ready from the collator."""

    def compute_loss(self, model: Any, inputs: dict[str, torch.Tensor], *_: Any, **__: Any) -> torch.Tensor:
        loss = rows_.loss_of(model, inputs)
        self.last_loss = loss.detach()
        return loss

    def floating_point_ops(self, inputs: Any) -> int:
        return 0  # nobody reads it, and counting parameters at every step takes longer than a small step's arithmetic


class _OnStep(_callback):  # type: ignore[misc]
    """Keeps the loss of every step in the trainer's state, which checkpoints hold, and tells the caller."""

    def __init__(self, trainer: Any, tell: Callable[[int, int, float], None] | None) -> None:
        self.trainer, self.tell = trainer, tell

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        loss = float(self.trainer.accelerator.reduce(self.trainer.last_loss, "mean"))
        state.log_history.append({"step": state.global_step, "of_step": loss})
        if self.tell is not None:
            self.tell(state.global_step, state.max_steps, loss)


@contextmanager
def hushed() -> Iterator[None]:
    """No advice from transformers, nor what it says of the names that trl and peft know its parts by."""
    with quiet(), warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        yield


@contextmanager
def _unpatched(model: Any) -> Iterator[None]:
    """Takes away the `forward` that trl puts into a model: on a copy of the model it would be the original's."""
    base = model.get_base_model() if isinstance(model, PeftModel) else model
    try:
        yield
    finally:
        base.__dict__.pop("forward", None)


@contextmanager
def _random_states_kept() -> Iterator[None]:
    python, numpy = random.getstate(), np.random.get_state()
    try:
        with torch.random.fork_rng():
            yield
    finally:
        random.setstate(python)
        np.random.set_state(numpy)
