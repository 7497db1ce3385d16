"""Examples as tokens, as batches and as a loss: what a trainer needs of them, whichever trainer it is.

The loss is that of `models/everyday/pretrain.py`: replies are learnt token by token, a yes/no question as a
probability. Prompts are never learnt.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from models.chat import Chat, TokenIds
from models.elicitation import NO, YES
from models.errors import PromptTooLongError
from models.examples import Example


@dataclass(frozen=True)
class Row:
    """One example: its tokens, and at which of them what is to be learnt next. Axis: N targets."""

    ids: TokenIds
    places: list[int]  # [N] each target's place in `ids`: what is to come after it
    targets: list[int]  # [N] the token to come
    weights: list[float]  # [N] of its -log P, above or at 0
    num_learnt: int  # replies' tokens, or 1 for a probability: what a mean loss is a mean over

    def __len__(self) -> int:
        return len(self.ids)


def encode(chat: Chat, examples: Sequence[Example], *, ends: Sequence[int], max_length: int | None) -> list[Row]:
    """The examples in their order, weights divided by their mean; what has weight 0 is left out.

    Args:
        ends: The tokens that end a reply, as inference takes them.
        max_length: How many tokens the model can read, if there is a limit.

    Raises:
        ValueError: Nothing has a weight, or a weight or a probability is out of range.
        PromptTooLongError: An example is longer than `max_length`.
    """
    for example in examples:
        if not 0 <= example.weight < math.inf or not 0 <= (example.yes_prob or 0) <= 1:
            raise ValueError(f"Not to be learnt, a weight is at least 0 and a probability in [0, 1]: {example}")
    total = sum(example.weight for example in examples)
    if total == 0:
        raise ValueError("There is nothing to learn: no examples, or none that has a weight.")
    scale = len(examples) / total
    yes, no, end = chat.ids(YES[0]), chat.ids(NO[0]), chat.end_ids(ends)
    taught = [example for example in examples if example.weight > 0]
    rows: list[Row] = []
    for example, prompt in zip(taught, chat.prompts_ids([example.prompt for example in taught]), strict=True):
        weight = example.weight * scale
        if example.yes_prob is None:
            rows.append(_row(prompt, chat.ids(chat.harmless(example.reply)) + end, weight))
        elif len(yes) == len(no) == 1:
            weights = [weight * example.yes_prob, weight * (1 - example.yes_prob)]
            rows.append(Row(prompt, [len(prompt) - 1] * 2, yes + no, weights, 1))
        else:  # the same loss, -(p log P(yes) + (1-p) log P(no)), where a word takes several tokens
            rows.append(_row(prompt, yes, weight * example.yes_prob))
            rows.append(_row(prompt, no, weight * (1 - example.yes_prob)))
    longest = max(map(len, rows))
    if max_length is not None and longest > max_length:
        raise PromptTooLongError(f"An example of {longest} tokens is too long: the model reads {max_length}.")
    return rows


def _row(prompt: TokenIds, reply: TokenIds, weight: float) -> Row:
    """A row that learns every token of a reply."""
    places = list(range(len(prompt) - 1, len(prompt) + len(reply) - 1))
    return Row((prompt + reply)[:-1], places, reply, [weight] * len(reply), len(reply))


def batches(rows: Sequence[Row], tokens_per_batch: int, rng: np.random.Generator) -> list[list[int]]:
    """Indices of all rows in batches of like length, each of so many tokens at most with padding, in random order."""
    lengths = np.array([len(row) for row in rows])
    shuffled = rng.permutation(len(rows))
    order = shuffled[np.argsort(lengths[shuffled], kind="stable")]
    found: list[list[int]] = [[]]
    for i in order.tolist():
        if found[-1] and (len(found[-1]) + 1) * lengths[i] > tokens_per_batch:
            found.append([])
        found[-1].append(i)
    return [found[i] for i in rng.permutation(len(found))]


def endless(rows: Sequence[Row], tokens_per_batch: int, seed: int) -> Iterator[list[int]]:
    """The batches of one pass after another, each pass batched anew."""
    passes = 0
    while True:
        yield from batches(rows, tokens_per_batch, np.random.default_rng([seed, passes]))
        passes += 1


def collate(rows: Sequence[Row]) -> dict[str, torch.Tensor]:
    """Rows as tensors. Axes: B rows, T tokens, K places, P places of rows, N targets.

    Returns:
        `input_ids` [B, T], padded on the right, which causal attention never looks at, so it needs no mask;
        `kept` [K], the places at which logits are needed in some row; `row` and `column` [P], which row and which of
        `kept`; `target`, `weight` and `at` [N], each target's token, weight and index in P; `num_learnt` [1].
    """
    width = max(map(len, rows))
    ids = np.zeros((len(rows), width), dtype=np.int64)
    for b, row in enumerate(rows):
        ids[b, : len(row)] = row.ids
    counts = [len(row.places) for row in rows]
    key = np.repeat(np.arange(len(rows)), counts) * width + np.concatenate([row.places for row in rows])
    unique, at = np.unique(key, return_inverse=True)
    kept, column = np.unique(unique % width, return_inverse=True)
    return {
        "input_ids": torch.from_numpy(ids),
        "kept": torch.from_numpy(kept),
        "row": torch.from_numpy(unique // width),
        "column": torch.from_numpy(column),
        "target": torch.tensor([token for row in rows for token in row.targets]),
        "weight": torch.tensor([weight for row in rows for weight in row.weights]),
        "at": torch.from_numpy(at),
        "num_learnt": torch.tensor([sum(row.num_learnt for row in rows)]),
    }


def loss_of(model: Any, batch: dict[str, torch.Tensor]) -> torch.Tensor:
    """Weighted mean cross-entropy in nats, over replies' tokens and yes/no questions.

    Of a question with label p: -(p log P(yes) + (1-p) log P(no)), in log-probabilities over the whole vocabulary.
    """
    logits = model(input_ids=batch["input_ids"], logits_to_keep=batch["kept"], use_cache=False).logits
    wanted = logits[batch["row"], batch["column"]].float()  # [P, V]
    token_loss = wanted.logsumexp(dim=-1)[batch["at"]] - wanted[batch["at"], batch["target"]]
    loss: torch.Tensor = (batch["weight"] * token_loss).sum() / batch["num_learnt"]
    return loss.squeeze()
