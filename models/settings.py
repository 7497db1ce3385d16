"""How to fine-tune, and the points of a learning curve: plain values, without the libraries that train."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, NamedTuple

Method = Literal["lora", "full"]
OnStep = Callable[[int, int, float], None]  # (steps done, steps in all, loss)
SMALL = 20_000_000  # parameters: a model below it takes larger steps
LEARNING_RATES: dict[Method, tuple[float, float]] = {"lora": (2e-3, 2e-4), "full": (1.5e-4, 1e-5)}  # small, others


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
