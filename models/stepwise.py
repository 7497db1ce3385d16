"""Stepwise supervision as token classification: from a chain of steps with labels to tokens with labels.

TRL has no trainer for process rewards at present, so this turns a row of the `prm` configuration into what
`AutoModelForTokenClassification` and `DataCollatorForTokenClassification` of transformers take. The label of a step
stands at its last token, where the model has read all of it (Lightman et al. 2023, "Let's verify step by step", arXiv
2305.20050); all other tokens are left out of the loss.
"""

from collections.abc import Mapping, Sequence
from typing import Any

IGNORED = -100
"""The label of tokens that don't count: what transformers' losses leave out."""


def encode_steps(row: Mapping[str, Any], tokenizer: Any, max_length: int = 1024) -> dict[str, list[int]]:
    """The tokens of a row's prompt and steps, and a label for each: 1 or 0 at the end of a step, else IGNORED.

    Args:
        row: `prompt`, a text; `completions`, its steps; `labels`, whether each is right.
        tokenizer: the model's, with a chat template. Each step ends a line of the assistant's reply.
        max_length: what comes after so many tokens is cut.

    Raises:
        ValueError: the row has not as many labels as steps.
    """
    steps, labels = list(row["completions"]), list(row["labels"])
    if len(steps) != len(labels):
        raise ValueError(f"There are {len(steps)} steps and {len(labels)} labels.")
    ids = _prompt_ids(row["prompt"], tokenizer)
    wanted = [IGNORED] * len(ids)
    for step, label in zip(steps, labels, strict=True):
        of_step: Sequence[int] = tokenizer(f"{step}\n", add_special_tokens=False)["input_ids"]
        ids += of_step
        wanted += [IGNORED] * (len(of_step) - 1) + [int(label)]
    ids, wanted = ids[:max_length], wanted[:max_length]
    return {"input_ids": ids, "attention_mask": [1] * len(ids), "labels": wanted}


def _prompt_ids(prompt: str, tokenizer: Any) -> list[int]:
    message = [{"role": "user", "content": prompt}]
    text = tokenizer.apply_chat_template(message, tokenize=False, add_generation_prompt=True)
    ids: list[int] = tokenizer(text, add_special_tokens=False)["input_ids"]
    return list(ids)
