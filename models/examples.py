"""One thing to learn, in the form that pretraining and fine-tuning share; no tokenizer or trainer is known here."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from models.prompts import READINGS


@dataclass(frozen=True)
class Example:
    """One turn: a prompt with its reply, or, for a yes/no question, with the probability of yes in [0, 1]."""

    prompt: str
    reply: str = ""
    yes_prob: float | None = None
    weight: float = 1.0  # of its loss, relative to the others


def in_all_wordings(examples: Sequence[Example]) -> list[Example]:
    """The examples, each question whether a claim is true or false in all wordings that general models are asked in.

    The wordings of one question share its weight.
    """
    found = []
    for example in examples:
        asked = [example.prompt] if example.yes_prob is None else _wordings(example.prompt)
        found += [replace(example, prompt=prompt, weight=example.weight / len(asked)) for prompt in asked]
    return found


def _wordings(prompt: str) -> list[str]:
    for plain in READINGS[:2]:
        if prompt.startswith(plain.text):
            claim = prompt.removeprefix(plain.text)
            return [one.text + claim for one in READINGS if one.is_negated == plain.is_negated]
    return [prompt]
