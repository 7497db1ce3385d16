"""One thing to learn, in the form that pretraining and fine-tuning share; no tokenizer or trainer is known here."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Example:
    """One turn: a prompt with its reply, or, for a yes/no question, with the probability of yes in [0, 1]."""

    prompt: str
    reply: str = ""
    yes_prob: float | None = None
    weight: float = 1.0  # of its loss, relative to the others
