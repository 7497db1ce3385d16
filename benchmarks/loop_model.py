"""The small model in memory: beliefs in many claims at once, and learning from examples, as the experiment needs them.

Beliefs are those of `models.elicitation.Elicitor.believe`, and learning has the objective of `models.finetune`; tests
hold them to both. Here claims about one thing share the work of their common beginning, as in pretraining (`Bundle` in
`models.everyday.pretrain`), which makes some hundred generations affordable on two cores.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import torch
from scipy.special import expit
from transformers import LlamaForCausalLM, PreTrainedTokenizerFast
from transformers.utils import logging as transformers_logging

from models import prompts
from models.base import FloatArray
from models.beliefs import MIN_PROB
from models.elicitation import NO, YES
from models.everyday.pretrain import ASSISTANT, BRANCH_TOKENS, USER, Bundle, batches, encode, lay_out, loss_of
from models.examples import Example

LEARNING_RATE = 1.5e-4  # of 3e-4, 1.5e-4 and 8e-5 the best on validation after five rounds by value, seed 0
TOKENS_PER_STEP = 512
WARMUP_SHARE = 0.1
WEIGHT_DECAY = 0.01


class SmallModel:
    """A model of the bundled kind, its tokenizer, and what it is asked, tokenised once."""

    def __init__(self, folder: Path) -> None:
        transformers_logging.disable_progress_bar()  # of loading, which takes no time here
        self.model = LlamaForCausalLM.from_pretrained(folder, dtype=torch.float32, local_files_only=True)
        self.tokenizer = PreTrainedTokenizerFast.from_pretrained(folder, local_files_only=True)
        vocabulary = self.tokenizer.get_vocab()
        self._yes, self._no = [vocabulary[word] for word in YES], [vocabulary[word] for word in NO]
        self._ids: dict[str, tuple[tuple[int, ...], list[int]]] = {}  # prompt -> (trunk, branch)

    def believe(self, claims: Sequence[str]) -> FloatArray:
        """P(claim) in [1e-4, 1 - 1e-4], [C]: the mean of `Elicitor.believe`."""
        asked = [*map(prompts.is_true, claims), *map(prompts.is_false, claims)]
        log_odds = self._log_odds(asked)
        half = len(claims)
        prob: FloatArray = np.clip(expit((log_odds[:half] - log_odds[half:]) / 2), MIN_PROB, 1 - MIN_PROB)
        return prob

    def learn(self, examples: Iterable[Example], rng: np.random.Generator, peak: float = LEARNING_RATE) -> int:
        """Go once through the examples, in random order; the number of tokens read.

        AdamW, anew each time, with a linear warm-up and a linear way down.
        """
        torch.manual_seed(int(rng.integers(2**31)))
        of_pass = batches(encode(self.tokenizer, examples), rng, TOKENS_PER_STEP)
        optimizer = torch.optim.AdamW(self.model.parameters(), lr=peak, betas=(0.9, 0.98), weight_decay=WEIGHT_DECAY)
        warmup = max(1, round(WARMUP_SHARE * len(of_pass)))
        self.model.train()
        for step, batch in enumerate(of_pass):
            share = min((step + 1) / warmup, (len(of_pass) - step) / max(1, len(of_pass) - warmup))
            for group in optimizer.param_groups:
                group["lr"] = peak * share
            loss = loss_of(self.model, lay_out(batch), (self._yes[0], self._no[0]))
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
            optimizer.step()
        self.model.eval()
        return sum(map(len, (bundle for batch in of_pass for bundle in batch)))

    @torch.inference_mode()
    def _log_odds(self, asked: Sequence[str]) -> FloatArray:
        """Log-odds of yes against no, [P]."""
        bundles: dict[tuple[int, ...], Bundle] = {}
        places: dict[tuple[int, ...], list[int]] = {}
        for place, prompt in enumerate(asked):
            trunk, branch = self._tokens(prompt)
            bundle = bundles.setdefault(trunk, Bundle(list(trunk), [], [], []))
            bundle.branches.append(branch)
            bundle.replies.append(0)
            bundle.yes_probs.append(0.5)
            places.setdefault(trunk, []).append(place)
        log_odds = np.empty(len(asked))
        for batch in batches(list(bundles.values()), np.random.default_rng(0)):
            laid = lay_out(batch)
            seen = self.model.model(
                input_ids=laid.tokens,
                attention_mask=torch.where(laid.visible, 0.0, torch.finfo(torch.float32).min),
                position_ids=laid.positions,
                use_cache=False,
            ).last_hidden_state[laid.asked[:, 0], laid.asked[:, 1]]
            logits = self.model.lm_head(seen).double()
            found = torch.logsumexp(logits[:, self._yes], 1) - torch.logsumexp(logits[:, self._no], 1)
            log_odds[[place for bundle in batch for place in places[tuple(bundle.trunk)]]] = found.numpy()
        return log_odds

    def _tokens(self, prompt: str) -> tuple[tuple[int, ...], list[int]]:
        if prompt not in self._ids:
            ids = self.tokenizer(f"{USER}{prompt}{ASSISTANT}")["input_ids"]
            self._ids[prompt] = tuple(ids[:-BRANCH_TOKENS]), ids[-BRANCH_TOKENS:]
        return self._ids[prompt]
