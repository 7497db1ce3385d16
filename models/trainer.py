"""`trl`'s trainer made ours: batches and loss of `rows.py`, checkpoints, the rate's course, several processes.

Not here: what is taught and what becomes of it (`finetune.py`).
"""

import math
import shutil
from collections.abc import Callable, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
from datasets import Dataset  # type: ignore[import-untyped]
from transformers import PrinterCallback, TrainerCallback
from trl.trainer.sft_config import SFTConfig
from trl.trainer.sft_trainer import SFTTrainer

from models import rows as rows_
from models.errors import TrainingError
from models.rows import Row
from models.settings import LEARNING_RATES, SMALL, LossPoint, OnStep, Settings
from models.weights import read_json

VALIDATIONS = 20  # at most, of a run

# without types in their libraries, or with types that mypy can't follow
_trainer: Any = SFTTrainer
_config: Any = SFTConfig
_callback: Any = TrainerCallback


def run(
    model: Any,
    tokenizer: Any,
    rows: Sequence[Row],
    held_out: Sequence[Row],
    settings: Settings,
    folder: Path | None,
    on_step: OnStep | None,
    stop: Callable[[], bool],
) -> list[LossPoint]:
    """Train whatever of the model asks for gradients; the loss of every step. See `finetune.train`."""
    processes = torch.distributed.get_world_size() if torch.distributed.is_initialized() else 1
    plan = _plan(rows, settings, processes)
    trainer = _Trainer(
        model=model,
        args=_arguments(model, settings, max(1, len(plan) // processes), folder),
        processing_class=tokenizer,
        train_dataset=Dataset.from_dict({"batch": list(range(len(plan)))}),
        data_collator=lambda one: rows_.collate([rows[i] for i in plan[one[0]["batch"]]]),
    )
    trainer.remove_callback(PrinterCallback)
    trainer.add_callback(_Callback(trainer, held_out, settings.tokens_per_batch, on_step, stop))
    checkpoint = None if folder is None else last_checkpoint(folder)
    trainer.train(resume_from_checkpoint=None if checkpoint is None else str(checkpoint))
    log = [entry for entry in trainer.state.log_history if "of_step" in entry]
    return [LossPoint(entry["step"], entry["of_step"], entry["validation"]) for entry in log]


def _plan(rows: Sequence[Row], settings: Settings, processes: int) -> list[list[int]]:
    """The batches of all steps and processes, in order."""
    steps = settings.steps
    if steps is None:
        of_pass = rows_.batches(rows, settings.tokens_per_batch, np.random.default_rng([settings.seed, 0]))
        steps = math.ceil(settings.epochs * len(of_pass) / processes)
    return list(islice(rows_.endless(rows, settings.tokens_per_batch, settings.seed), steps * processes))


def last_checkpoint(folder: Path) -> Path | None:
    """The newest whole checkpoint; what was killed while it was written lacks its last file, and is removed."""
    found = sorted(folder.glob("checkpoint-*"), key=lambda path: int(path.name.partition("-")[2]))
    for path in reversed(found):
        try:
            read_json(path / "trainer_state.json")
            return path
        except Exception:
            shutil.rmtree(path, ignore_errors=True)
    return None


def _arguments(model: Any, settings: Settings, steps: int, folder: Path | None) -> Any:
    rate = settings.learning_rate
    if rate is None:
        rate = LEARNING_RATES[settings.method][sum(p.numel() for p in model.parameters()) >= SMALL]
    on_gpu = torch.cuda.is_available()
    # trl sets the old name, which transformers warns of where it knows the new one
    known = hasattr(_config, "activation_checkpointing")
    recomputing = "activation_checkpointing" if known else "gradient_checkpointing"
    return _config(
        output_dir="." if folder is None else str(folder),  # made if it isn't there; nothing is written to it unasked
        num_train_epochs=1,  # of the plan, a row of which is a batch
        per_device_train_batch_size=1,
        train_sampling_strategy="sequential",
        dataset_kwargs={"skip_prepare_dataset": True},
        remove_unused_columns=False,
        learning_rate=rate,
        warmup_steps=round(settings.warmup_share * steps),
        weight_decay=settings.weight_decay,
        seed=settings.seed,
        use_cpu=not on_gpu,
        bf16=on_gpu and any(p.dtype == torch.bfloat16 for p in model.parameters()),
        **{recomputing: False},
        dataloader_pin_memory=False,
        logging_strategy="no",
        eval_strategy="no",
        save_strategy="no" if folder is None else "steps",
        save_steps=math.ceil(steps / settings.checkpoints),
        save_total_limit=2,
        report_to="none",
        disable_tqdm=True,
    )


class _Trainer(_trainer):  # type: ignore[misc]
    """trl's trainer with the loss of `rows.py`; a batch comes ready from the collator."""

    lr_scheduler: Any

    def compute_loss(self, model: Any, inputs: dict[str, torch.Tensor], *_: Any, **__: Any) -> torch.Tensor:
        loss = rows_.loss_of(model, inputs)
        self.last_loss = loss.detach()
        return loss

    def create_scheduler(self, num_training_steps: int, optimizer: Any = None) -> Any:
        """The rate rises in a straight line, and falls in one; unlike the library's own, it is never 0 at a step."""
        rise = max(1, int(self.args.warmup_steps))

        def share(step: int) -> float:
            return min((step + 1) / rise, (num_training_steps - step) / max(1, num_training_steps - rise + 1))

        if self.lr_scheduler is None:
            self.lr_scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer or self.optimizer, share)
            self._created_lr_scheduler = True
        return self.lr_scheduler

    def floating_point_ops(self, inputs: Any) -> int:
        return 0  # nobody reads it, and counting parameters at every step takes longer than a small step's arithmetic

    def create_model_card(self, *_: Any, **__: Any) -> None:
        pass  # of a checkpoint, which nobody is to have


class _Callback(_callback):  # type: ignore[misc]
    """Keeps every step's loss in the trainer's state, which checkpoints hold; tells the caller; stops when asked."""

    def __init__(
        self,
        trainer: Any,
        held_out: Sequence[Row],
        tokens_per_batch: int,
        tell: OnStep | None,
        stop: Callable[[], bool],
    ) -> None:
        self.trainer, self.held_out, self.tokens_per_batch = trainer, held_out, tokens_per_batch
        self.tell, self.stop = tell, stop

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        # one exchange between the processes for both, so that all of them stop at the same step
        loss = self.trainer.last_loss
        both = self.trainer.accelerator.reduce(torch.stack([loss, loss.new_tensor(float(self.stop()))]), "mean")
        mean_loss, stopping = both.tolist()
        entry = {"step": state.global_step, "of_step": mean_loss, "validation": None}
        every = math.ceil(state.max_steps / VALIDATIONS)
        if self.held_out and (state.global_step % every == 0 or state.global_step == state.max_steps):
            entry["validation"] = mean_loss_of(self.trainer.model, self.held_out, self.tokens_per_batch)
        state.log_history.append(entry)
        if stopping > 0:
            control.should_training_stop = True
            control.should_save = args.save_strategy != "no"
        if self.tell is not None and state.is_world_process_zero:
            self.tell(state.global_step, state.max_steps, mean_loss)


@torch.no_grad()
def mean_loss_of(model: Any, rows: Sequence[Row], tokens_per_batch: int) -> float:
    """The loss of all rows as one batch, nats; the model is left in the mode that it was in."""
    was_training, total, count = model.training, 0.0, 0
    model.eval()
    for batch in rows_.batches(rows, tokens_per_batch, np.random.default_rng(0)):
        tensors = {name: t.to(model.device) for name, t in rows_.collate([rows[i] for i in batch]).items()}
        num_learnt = int(tensors["num_learnt"])
        total += float(rows_.loss_of(model, tensors)) * num_learnt
        count += num_learnt
    model.train(was_training)
    return total / count


def is_main_process() -> bool:
    """Whether this process is the one, of those that `accelerate launch` started, that writes and speaks."""
    return not torch.distributed.is_initialized() or torch.distributed.get_rank() == 0


def join_processes() -> None:
    """Find the other processes of `accelerate launch`, if there are any; the seconds it takes are saved alone.

    Raises:
        TrainingError: The launcher's other processes can't be reached.
    """
    from accelerate import PartialState  # type: ignore[import-untyped]

    try:
        PartialState(cpu=not torch.cuda.is_available())
    except Exception as exc:
        raise TrainingError(f"The processes can't be joined: {exc}") from exc
