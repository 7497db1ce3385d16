"""Fine-tuning on examples, with `trl`'s trainer: in memory, or from a model's folder into another.

Covered: full fine-tuning and LoRA adapters, soft targets for yes/no questions, checkpoints, several processes under
`accelerate launch`. Not covered: what to learn (`dataset.py`, `replay.py`), which generation is current
(`generations.py`), training from random weights (`everyday/pretrain.py`), preferences and rewards, quantised weights.
"""

import gc
import math
import random
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import torch
from datasets import Dataset  # type: ignore[import-untyped]
from transformers import PrinterCallback, TrainerCallback
from trl.trainer.sft_config import SFTConfig
from trl.trainer.sft_trainer import SFTTrainer

from models import rows as rows_
from models.adapter import Adapted, load_adapter, new_adapter, save_adapter
from models.chat import Chat
from models.curves import draw_curve
from models.errors import TrainingError
from models.examples import Example
from models.hf import HfModel, eos_ids, hushed, read_json

Method = Literal["lora", "full"]
Row = rows_.Row
OnStep = Callable[[int, int, float], None]
SMALL = 20_000_000  # parameters: a model below it takes larger steps
LEARNING_RATES: dict[Method, tuple[float, float]] = {"lora": (2e-3, 2e-4), "full": (5e-4, 1e-5)}  # small, others
VALIDATIONS = 20  # at most, of a run
WITHHELD = "withheld.json"  # what a model of the bundled world was not told; its descendants keep the list

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

    def __post_init__(self) -> None:
        least = {"epochs": self.epochs, "steps": self.steps, "learning_rate": self.learning_rate}
        least |= {"tokens_per_batch": self.tokens_per_batch, "lora_rank": self.lora_rank}
        for name, value in least.items():
            if value is not None and not 0 < value < math.inf:
                raise ValueError(f"{name} is {value}: above 0, please.")


class LossPoint(NamedTuple):
    """A point of the learning curve."""

    step: int  # optimiser steps done
    loss: float  # of that step's batch before the step, nats
    validation: float | None = None  # of the validation split after that step, where it was measured


def train(
    model: Any,
    tokenizer: Any,
    examples: Sequence[Example],
    settings: Settings,
    folder: Path | None = None,
    on_step: OnStep | None = None,
    *,
    validation: Sequence[Example] = (),
    stop: Callable[[], bool] = lambda: False,
) -> list[LossPoint]:
    """Teach a model in place; returns the loss of every step.

    With `method` "lora" a plain model gets an adapter that is merged into its weights at the end; a model that comes
    with an adapter keeps it, trained on. The model is left in evaluation mode; Python's, NumPy's and PyTorch's random
    states are put back.

    Args:
        model: A causal language model of transformers, on the CPU or a GPU (`HfModel.network`).
        tokenizer: Its tokenizer (`HfModel.tokenizer`).
        folder: Where checkpoints are kept, so that the same call goes on where it was stopped. None writes nothing.
        on_step: Called after each step with (steps done, steps in all, loss). What it raises ends the training.
        validation: Examples whose loss is measured now and then.
        stop: Asked after each step; where it says yes, a checkpoint is written (with a folder) and training ends early.

    Raises:
        ValueError: There is nothing to learn, or a weight or probability is out of range.
        PromptTooLongError: An example is longer than the model can read.
    """
    rows = encode(model, tokenizer, examples)
    held_out = encode(model, tokenizer, validation) if validation else []
    with _random_states_kept(), _unpatched(model), hushed(), _garbage_left():
        torch.manual_seed(settings.seed)
        taught = model
        if settings.method == "lora" and not isinstance(model, Adapted):
            taught = new_adapter(model, settings.lora_rank)
        elif settings.method == "full":
            model.requires_grad_(True)
        points = _run(taught, tokenizer, rows, held_out, settings, folder, _Callback(on_step, stop))
        if taught is not model:
            taught.merge_and_unload()
    if not isinstance(model, Adapted):
        model.requires_grad_(True)
    model.eval()
    return points


def finetune(
    source: str | Path,
    out: Path,
    examples: Sequence[Example],
    settings: Settings,
    *,
    adapter: Path | None = None,
    validation: Sequence[Example] = (),
    work: Path | None = None,
    on_step: OnStep | None = None,
    stop: Callable[[], bool] = lambda: False,
) -> list[LossPoint]:
    """Teach the model in a folder; writes weights (or the adapter alone) and `curve.png` into `out`.

    Args:
        source: A folder in `save_pretrained` form, or a name on the hub.
        adapter: The folder of an adapter for that model; "lora" trains it on, "full" merges it first.
        work: Where checkpoints are kept; see `train`.

    Raises:
        ModelError: The model can't be loaded; see `HfModel`.
        ValueError, PromptTooLongError: see `train`.
    """
    student = Student.load(source, settings, adapter)
    points = student.learn(examples, settings, validation=validation, work=work, on_step=on_step, stop=stop)
    student.write(out, points)
    return points


@dataclass(frozen=True)
class Student:
    """A model from a folder that is to be taught and written into another."""

    source: str | Path
    model: Any  # with an adapter for "lora"
    tokenizer: Any

    @classmethod
    def load(cls, source: str | Path, settings: Settings, adapter: Path | None = None) -> "Student":
        """The model in a folder; see `finetune`."""
        trained_on = adapter if settings.method == "lora" else None
        loaded = HfModel(source, str(source), adapter=None if trained_on else adapter)
        model = loaded.network
        if settings.method == "full":
            return cls(source, model.float(), loaded.tokenizer)  # steps are lost in half-precision weights
        with _random_states_kept():
            torch.manual_seed(settings.seed)
            adapted = load_adapter(model, trained_on) if trained_on else new_adapter(model, settings.lora_rank)
        return cls(source, adapted, loaded.tokenizer)

    def learn(
        self,
        examples: Sequence[Example],
        settings: Settings,
        *,
        validation: Sequence[Example] = (),
        work: Path | None = None,
        on_step: OnStep | None = None,
        stop: Callable[[], bool] = lambda: False,
    ) -> list[LossPoint]:
        """Train; see `train`."""
        return train(self.model, self.tokenizer, examples, settings, work, on_step, validation=validation, stop=stop)

    def write(self, out: Path, points: Sequence[LossPoint]) -> None:
        """Write what was learnt and how it went; in one process of several, please."""
        out.mkdir(parents=True, exist_ok=True)
        if isinstance(self.model, Adapted):
            save_adapter(self.model, out)
        else:
            with hushed():
                self.model.save_pretrained(out)
                self.tokenizer.save_pretrained(out)
        if (Path(self.source) / WITHHELD).is_file():
            shutil.copy(Path(self.source) / WITHHELD, out / WITHHELD)
        curve = [(point.step, point.validation) for point in points if point.validation is not None]
        (out / "curve.png").write_bytes(draw_curve([(point.step, point.loss) for point in points], curve))


def encode(model: Any, tokenizer: Any, examples: Sequence[Example]) -> list[Row]:
    """Examples as rows for this model; see `rows.encode`."""
    limit = getattr(model.config.get_text_config(), "max_position_embeddings", None)
    return rows_.encode(Chat(tokenizer), examples, ends=eos_ids(tokenizer, model), max_length=limit)


def _run(
    model: Any,
    tokenizer: Any,
    rows: Sequence[Row],
    held_out: Sequence[Row],
    settings: Settings,
    folder: Path | None,
    callback: "_Callback",
) -> list[LossPoint]:
    """Train whatever of the model asks for gradients."""
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
    trainer.add_callback(callback)
    callback.trainer = trainer
    callback.held_out = held_out
    callback.tokens_per_batch = settings.tokens_per_batch
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

    trainer: Any
    held_out: Sequence[Row]
    tokens_per_batch: int

    def __init__(self, tell: OnStep | None, stop: Callable[[], bool]) -> None:
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


@contextmanager
def _unpatched(model: Any) -> Iterator[None]:
    """Takes away the `forward` that trl puts into a model: on a copy of the model it would be the original's."""
    base = model.get_base_model() if isinstance(model, Adapted) else model
    try:
        yield
    finally:
        base.__dict__.pop("forward", None)


@contextmanager
def _garbage_left() -> Iterator[None]:
    """The trainer collects garbage first, a second's work in a large program: what is there now is left out of it."""
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


@contextmanager
def _random_states_kept() -> Iterator[None]:
    python, numpy = random.getstate(), np.random.get_state()
    try:
        with torch.random.fork_rng():
            yield
    finally:
        random.setstate(python)
        np.random.set_state(numpy)
