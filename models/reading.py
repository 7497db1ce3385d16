"""What a network of `transformers` reads, and what it keeps of it: keys and values of the tokens read so far.

Not here: tokenizers, replies, which rows are read together (`models.batches`).
"""

import copy
import inspect
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from transformers.cache_utils import DynamicCache, DynamicLayer, DynamicSlidingWindowLayer

from models.chat import TokenIds

_cache: Any = DynamicCache  # transformers leaves it without types


@dataclass(frozen=True)
class Past:
    """What a network keeps of B rows."""

    cache: Any
    mask: torch.Tensor  # [B, columns of the cache] 1 where a row has a token
    lengths: torch.Tensor  # [B] tokens of each row

    def repeated(self, times: int) -> "Past":
        """The same beginning for so many rows, a copy; of a past of one row."""
        cache = copy.deepcopy(self.cache)
        cache.batch_repeat_interleave(times)
        return Past(cache, self.mask.expand(times, -1), self.lengths.expand(times))


class Reader:
    """A causal network that gives the log-probabilities of the tokens after what it read."""

    def __init__(self, network: Any, pad_id: int) -> None:
        self._network = network
        self._pad_id = pad_id
        layers = _cache(config=network.config).layers if network._supports_default_dynamic_cache() else []
        kinds = {type(layer) for layer in layers}
        self.goes_back = bool(kinds) and kinds <= {DynamicLayer, DynamicSlidingWindowLayer}
        # A network that slides a window over what it read, or sums it up, can't take up in the middle of padding.
        takes_positions = "position_ids" in inspect.signature(network.forward).parameters
        self.keeps_past = takes_positions and kinds == {DynamicLayer}

    @torch.inference_mode()
    def read(
        self, rows: Sequence[TokenIds], past: Past | None = None, *, last: int = 1, keep: bool = False
    ) -> tuple[torch.Tensor, Past | None]:
        """Log-probabilities of the token after each of the last tokens of each row, and what was kept.

        Args:
            rows: B rows of at least `last` tokens.
            past: What the rows go on from, if anything; it is changed.
            last: How many of a row's last tokens count.
            keep: Whether the past is wanted; only where the network `keeps_past`.

        Returns:
            Natural logarithms in float64, [B, last, V]; the past with these rows, None unless it is kept.
        """
        ids, mask = self.padded(rows, left=False)
        options: dict[str, Any] = {}
        lengths = mask.sum(dim=1)
        if past is not None:
            options["cache"] = past.cache
            options["position_ids"] = past.lengths[:, None] + torch.arange(ids.shape[1], device=ids.device)
            mask, lengths = torch.cat([past.mask, mask], dim=1), past.lengths + lengths
        # Padding on the right leaves positions as they are, and causal attention never looks at it.
        wanted = np.array([range(len(row) - last, len(row)) for row in rows])
        kept, where = np.unique(wanted, return_inverse=True)  # logits only there: all may not fit in memory
        output = self._network(
            input_ids=ids,
            attention_mask=mask,
            logits_to_keep=torch.from_numpy(kept).to(ids.device),
            use_cache=keep or past is not None,
            **options,
        )
        logits = output.logits[torch.arange(len(rows))[:, None], torch.from_numpy(where)]
        return torch.log_softmax(logits.double(), dim=-1), Past(output.cache, mask, lengths) if keep else None

    def beginning(self, row: TokenIds) -> Past | None:
        """What is kept of a beginning; None where it is empty or the network keeps nothing."""
        return self.read([row], keep=True)[1] if row and self.keeps_past else None

    def scores(self, rows: Sequence[TokenIds], tails: Sequence[TokenIds], past: Past | None = None) -> torch.Tensor:
        """Log-probability of each tail after each row, [B, K].

        Each row is read once, and once more for every set of tails that part from the others before their last token
        where the network keeps no past.

        Args:
            rows: At least one token each.
            tails: At least one token each.
            past: What the rows go on from, if anything: of one row.
        """
        starts = _longest({tuple(tail[:-1]) for tail in tails})
        past = None if past is None else past.repeated(len(rows))
        totals = torch.zeros(len(rows), len(tails), dtype=torch.float64)
        goes_on = self.keeps_past and starts != [()]
        after_row, past = self.read(rows, past, keep=goes_on)
        done: set[int] = set()
        for start in starts:
            log_probs = self._after(rows, start, after_row, past)
            for k, tail in enumerate(tails):
                if k not in done and tuple(tail[:-1]) == start[: len(tail) - 1]:
                    totals[:, k] = log_probs[:, range(len(tail)), tail].sum(dim=1)
                    done.add(k)
        return totals

    def _after(
        self, rows: Sequence[TokenIds], start: tuple[int, ...], after_row: torch.Tensor, past: Past | None
    ) -> torch.Tensor:
        """Log-probabilities of the token after each row, then after each token of the start, [B, len(start)+1, V]."""
        if not start:
            return after_row
        if past is None:
            return self.read([[*row, *start] for row in rows], last=len(start) + 1)[0]
        log_probs, _ = self.read([list(start)] * len(rows), past, last=len(start))
        past.cache.crop(-len(start))
        return torch.cat([after_row, log_probs], dim=1)

    def padded(self, rows: Sequence[TokenIds], *, left: bool) -> tuple[torch.Tensor, torch.Tensor]:
        """Ids and attention mask, [B, T], on the network's device."""
        ids = torch.full((len(rows), max(map(len, rows))), self._pad_id)
        mask = torch.zeros_like(ids)
        for b, row in enumerate(rows):
            where = slice(-len(row), None) if left else slice(None, len(row))
            ids[b, where] = torch.tensor(row)
            mask[b, where] = 1
        return ids.to(self._network.device), mask.to(self._network.device)


def _longest(starts: set[tuple[int, ...]]) -> list[tuple[int, ...]]:
    """Those that no other one begins with."""
    return sorted(one for one in starts if not any(other != one and other[: len(one)] == one for other in starts))
