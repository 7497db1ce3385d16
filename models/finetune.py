"""Fine-tuning on examples, with `trl`'s trainer: in memory, or from a model's folder into another.

Covered: full fine-tuning and LoRA adapters, soft targets for yes/no questions, checkpoints, several processes under
`accelerate launch` (`trainer.py`). Not covered: what to learn (`dataset.py`, `replay.py`), which generation is current
(`generations.py`), training from random weights (`everyday/pretrain.py`), preferences and rewards, quantised weights.
"""

import gc
import random
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from models import rows as rows_
from models.adapter import Adapted, load_adapter, new_adapter, save_adapter
from models.chat import Chat
from models.curves import draw_curve
from models.everyday.withheld import FILE as WITHHELD
from models.examples import Example
from models.hf import HfModel, eos_ids, hushed
from models.rows import Row
from models.settings import LossPoint, OnStep, Settings
from models.trainer import run


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
        points = run(taught, tokenizer, rows, held_out, settings, folder, on_step, stop)
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
