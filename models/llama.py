"""Backend for GGUF files, by way of llama.cpp: the one file that knows `llama_cpp`.

Covered: chat templates, replies that keep to a JSON schema by a grammar, exact scores, GPU layers where llama.cpp was
built for them, drafts by a smaller model. What prompts begin with alike is read once: llama.cpp keeps the keys and
values of the tokens that it read last, and prompts are taken in the order of their tokens, so that each shares with the
one before what it can.
Not covered: batches (prompts are read one after another), adapters (`python -m models.gguf` merges them), a file split
into several.
"""

import ctypes
import json
import os
import re
from collections.abc import Callable, Sequence
from itertools import takewhile
from pathlib import Path
from typing import Any

import llama_cpp
import numpy as np
from llama_cpp.llama_chat_format import Jinja2ChatFormatter
from llama_cpp.llama_speculative import LlamaPromptLookupDecoding

from models.base import FloatArray, LanguageModel, Reply, Scores, check_draft, check_sampling
from models.batches import alike
from models.chat import TokenIds, continuation_ids, harmless, room
from models.errors import ModelNotFoundError, first_line
from models.everyday.world import check_question
from models.grammar import Grammar, rules

CONTEXT = 8192  # most tokens of prompt and reply: keys and values of all that a large model could read may not fit
GUESSES = 8  # tokens that a draft says before they are checked
MAGIC = b"GGUF"
IS_GENERAL = "argtree.is_general"  # what `python -m models.gguf` writes of the model; see `LanguageModel`

_vendor: Any = llama_cpp  # its types are loose
_silent = _vendor.llama_log_callback(lambda level, text, user_data: None)


class LlamaModel:
    """A language model in a GGUF file."""

    def __init__(self, file: Path, name: str) -> None:
        """Load the model.

        Args:
            file: In GGUF form.
            name: What beliefs are filed under.

        Raises:
            ModelNotFoundError: There is no such file, or llama.cpp can't load it.
        """
        self.name = name
        _refuse_other_files(file)
        _vendor.llama_log_set(_silent, ctypes.c_void_p(0))  # it would write to stderr; what fails raises
        threads = int(os.environ.get("OMP_NUM_THREADS") or 0) or os.cpu_count()  # PyTorch's rule
        try:
            self._llama: Any = _vendor.Llama(
                str(file), n_ctx=CONTEXT, n_gpu_layers=-1, n_threads=threads, n_threads_batch=threads, verbose=False
            )
            self._vocab = _vendor.llama_model_get_vocab(self._llama.model)
            self._template = self._chat_template()
            self._special, self._added = self._named_tokens()
            self.is_general = self._llama.metadata.get(IS_GENERAL) != "false"
            self._prompt_ids("?")  # a chat template that can't be rendered shows now
        except Exception as exc:  # whatever the vendor raises on a broken file, it means just this
            raise ModelNotFoundError(f"The model in {file} can't be loaded: {first_line(exc)}") from exc
        self._draft: Callable[[Any], Any] | None = None  # a row to its guesses, arrays
        self._max_length = min(CONTEXT, _vendor.llama_model_n_ctx_train(self._llama.model))

    def check_question(self, question: str) -> None:
        """Pass what the model can speak of; see `LanguageModel.check_question`."""
        if not self.is_general:
            check_question(question)

    def speculate(self, draft: LanguageModel | None) -> None:
        """Have greedy replies guessed from now on; see `Speculative`."""
        if draft is None:
            self._draft = LlamaPromptLookupDecoding(num_pred_tokens=GUESSES)
            return
        is_alike = isinstance(draft, LlamaModel) and draft._texts() == self._texts()
        check_draft(self, draft, is_alike)
        assert isinstance(draft, LlamaModel)
        self._draft = draft._would_say

    def complete(
        self,
        prompts: Sequence[str],
        schema: dict[str, object],
        *,
        max_tokens: int,
        temperature: float = 0.0,
        seed: int = 0,
    ) -> list[Reply]:
        """One reply per prompt; see `LanguageModel.complete`.

        A grammar holds the model to `schema`, so that a reply parses unless `max_tokens` or the model's length cut it
        off; an empty schema leaves it free. Bounds of numbers but 0 to 1 aren't held. What was read before bears on the
        rounding: a choice on the very edge may differ with it.

        Raises:
            PromptTooLongError: A prompt leaves no room to reply.
            ValueError: `max_tokens` below 1, or `temperature` below 0.
        """
        check_sampling(max_tokens, temperature)
        rows = [self._prompt_ids(prompt) for prompt in prompts]
        rooms = [self._room(row, max_tokens) for row in rows]
        form = rules(json.dumps(schema)) if schema else None
        replies = [Reply("", 0, 0)] * len(rows)
        for i in sorted(range(len(rows)), key=lambda i: rows[i]):
            grammar = Grammar(self._vocab, form) if form is not None else None
            said = self._say(rows[i], rooms[i], grammar, temperature, np.random.default_rng([seed, i]))
            replies[i] = Reply(self._text(said), len(rows[i]), len(said))
        return replies

    def log_probs(self, prompts: Sequence[str], continuations: Sequence[str]) -> Scores:
        """Natural log-probability that the reply begins with each continuation, [P, K]; see `LanguageModel.log_probs`.

        The sum of the log-probabilities of a continuation's tokens, each given the prompt and the tokens before it;
        prompt and continuation are tokenised apart. Rounding depends on what was read before: with weights in f16 by
        some 1e-3.

        Raises:
            PromptTooLongError: A prompt with a continuation is longer than the model can read.
            ValueError: A continuation has no tokens.
        """
        rows = [self._prompt_ids(prompt) for prompt in prompts]
        tails = continuation_ids(self._ids, continuations)
        scores = np.zeros((len(rows), len(tails)))
        starts = sorted({tuple(tail[:n]) for tail in tails for n in range(len(tail))})
        for i in sorted(range(len(rows)), key=lambda i: rows[i]):
            self._room(rows[i] + [0] * max(map(len, starts)), 1)
            for start in starts:  # in this order each takes up where one before it left off
                token_log_probs = self._next_log_probs(rows[i] + list(start))[0]
                for k, tail in enumerate(tails):
                    if len(tail) > len(start) and tuple(tail[: len(start)]) == start:
                        scores[i, k] += token_log_probs[tail[len(start)]]
        read = {tuple(tail[:-1]) for tail in tails}
        return Scores(scores, tuple(sum(len(row) + len(start) for start in read) for row in rows))

    def _next_log_probs(self, row: TokenIds, guesses: Sequence[int] = ()) -> FloatArray:
        """Log-probabilities of the token after a row, then after each of the guesses, [1 + guesses, V].

        What was just read isn't read again.
        """
        llama, whole = self._llama, [*row, *guesses]
        kept = alike(llama.input_ids[: llama.n_tokens].tolist(), row[:-1])
        if kept < llama.n_tokens and not _vendor.llama_memory_seq_rm(
            _vendor.llama_get_memory(llama.ctx), 0, kept, -1
        ):  # a model with a running state can't go back
            llama.reset()
            kept = 0
        llama.n_tokens = kept
        if guesses:
            llama.eval(whole[kept : len(row) - 1])
            self._read_all(whole[len(row) - 1 :])
        else:
            llama.eval(row[kept:])
        logits = np.stack([self._logits(place) for place in range(-1 - len(guesses), 0)])
        highest = logits.max(axis=1, keepdims=True)
        result: FloatArray = logits - highest - np.log(np.exp(logits - highest).sum(axis=1, keepdims=True))
        return result

    def _read_all(self, tokens: TokenIds) -> None:
        """Go on reading, and keep what follows each of the tokens: the vendor's `eval` keeps it of the last one."""
        llama = self._llama
        batch = _vendor.llama_batch_init(len(tokens), 0, 1)
        try:
            batch.n_tokens = len(tokens)
            for i, token in enumerate(tokens):
                batch.token[i], batch.pos[i], batch.logits[i] = token, llama.n_tokens + i, True
                batch.n_seq_id[i], batch.seq_id[i][0] = 1, 0
            if _vendor.llama_decode(llama.ctx, batch) != 0:
                raise RuntimeError(f"llama.cpp can't read {len(tokens)} tokens after {llama.n_tokens}")
        finally:
            _vendor.llama_batch_free(batch)
        llama.input_ids[llama.n_tokens : llama.n_tokens + len(tokens)] = tokens
        llama.n_tokens += len(tokens)

    def _logits(self, place: int) -> FloatArray:
        pointer = _vendor.llama_get_logits_ith(self._llama.ctx, place)
        return np.ctypeslib.as_array(pointer, shape=(self._llama.n_vocab(),)).astype(np.float64)

    def _say(
        self, row: TokenIds, room: int, grammar: Grammar | None, temperature: float, rng: np.random.Generator
    ) -> TokenIds:
        """The tokens of the reply to a row, at most `room`, without the one that ends it."""
        said: TokenIds = []
        while len(said) < room:
            guesses = self._guesses(row + said, room - len(said) - 1) if temperature == 0 else []
            for token_log_probs, guess in zip(self._next_log_probs(row + said, guesses), [*guesses, None], strict=True):
                token = _drawn(token_log_probs, temperature, rng)
                if grammar is not None and not grammar.allows(token):
                    # Drawing once more from what is allowed gives the same distribution as allowing nothing else at
                    # first, and most tokens are allowed: to go through all each time would take longer than the model.
                    token = _drawn(grammar.allowed(token_log_probs), temperature, rng)
                if _vendor.llama_vocab_is_eog(self._vocab, token):
                    return said
                if grammar is not None:
                    grammar.accept(token)
                said.append(token)
                if token != guess:
                    break
        return said

    def _guesses(self, row: TokenIds, most: int) -> TokenIds:
        """What may follow a row, by the draft: tokens that cost less to check at once than to say one by one."""
        if self._draft is None or most < 1:
            return []
        guessed = self._draft(np.array(row, dtype=np.intc))[: min(most, GUESSES)].tolist()
        return list(takewhile(lambda token: token < self._llama.n_vocab(), guessed))

    def _would_say(self, row: Any) -> Any:
        """The guesses of this model where it is the draft, fewer where it can read no more."""
        room = min(GUESSES, self._max_length - len(row))
        return np.array(self._say(row.tolist(), room, None, 0.0, np.random.default_rng()), dtype=np.intc)

    def _text(self, tokens: TokenIds) -> str:
        return b"".join(map(self._piece, tokens)).decode("utf-8", errors="replace")

    def _piece(self, token: int) -> bytes:
        """A token's bytes. The vendor's `detokenize` drops tokens of more than 32."""
        size = -_vendor.llama_token_to_piece(self._vocab, token, b"", 0, 0, True)
        buffer = (ctypes.c_char * max(size, 1))()
        return bytes(buffer[: max(_vendor.llama_token_to_piece(self._vocab, token, buffer, size, 0, True), 0)])

    def _prompt_ids(self, prompt: str) -> TokenIds:
        """As `Chat.prompt_ids`: the user's turn, in which no special token can be spelled out."""
        text = harmless(prompt, self._special)
        if self._template is None:
            first: TokenIds = self._llama.tokenize(b"", add_bos=True)
            return first + self._ids(text + "\n")
        return self._ids(self._template(messages=[{"role": "user", "content": text}]).prompt)

    def _ids(self, text: str) -> TokenIds:
        """The tokens of a text as it stands.

        llama.cpp looks for the longest added token first, wherever it is; `transformers` reads from left to right and
        takes the longest that begins there, and that is what a byte-level model was trained on.
        """
        ids: TokenIds = []
        for part in self._added[0].split(text) if self._added[1] else [text]:
            known = self._added[1].get(part)
            ids += [known] if known is not None else self._plain_ids(part)
        return ids

    def _plain_ids(self, text: str) -> TokenIds:
        ids: TokenIds = self._llama.tokenize(text.encode("utf-8", errors="replace"), add_bos=False, special=True)
        return ids

    def _named_tokens(self) -> tuple[list[str], tuple[re.Pattern[str], dict[str, int]]]:
        """The special tokens' texts; what finds a byte-level model's added tokens in a text, with their ids."""
        special, added = [], {}
        for token in range(self._llama.n_vocab()):
            kind = _vendor.llama_vocab_get_attr(self._vocab, token)
            text = _vendor.llama_vocab_get_text(self._vocab, token).decode("utf-8", errors="replace")
            if kind & _vendor.LLAMA_TOKEN_ATTR_CONTROL and text:
                special.append(text)
            if kind & (_vendor.LLAMA_TOKEN_ATTR_CONTROL | _vendor.LLAMA_TOKEN_ATTR_USER_DEFINED) and text:
                added[text] = token
        if _vendor.llama_vocab_type(self._vocab) != _vendor.LLAMA_VOCAB_TYPE_BPE:
            added = {}  # other tokenizers put a blank before a part, which llama.cpp knows when to do
        longest_first = sorted(added, key=len, reverse=True)
        return special, (re.compile(f"({'|'.join(map(re.escape, longest_first))})"), added)

    def _texts(self) -> dict[int, bytes]:
        """How each token is spelled, but for those that only pad the network."""
        unused = _vendor.LLAMA_TOKEN_ATTR_UNUSED
        used = (i for i in range(self._llama.n_vocab()) if not _vendor.llama_vocab_get_attr(self._vocab, i) & unused)
        return {i: _vendor.llama_vocab_get_text(self._vocab, i) for i in used}

    def _chat_template(self) -> Any:
        """What puts a turn into the file's chat template, in a sandbox; None: the file has none."""
        template = self._llama.metadata.get("tokenizer.chat_template")
        if template is None:
            return None
        ends = [self._llama.token_bos(), self._llama.token_eos()]
        first, last = (
            _vendor.llama_vocab_get_text(self._vocab, token).decode() if token >= 0 else "" for token in ends
        )
        return Jinja2ChatFormatter(template, eos_token=last, bos_token=first)

    def _room(self, row: TokenIds, max_tokens: int) -> int:
        """How many tokens may follow a row: `max_tokens`, or less where the model's length ends before."""
        return room(len(row), max_tokens, self._max_length, self.name)


def _refuse_other_files(file: Path) -> None:
    """Make sure that a file says it is GGUF, since llama.cpp only says that it failed."""
    try:
        with file.open("rb") as opened:
            begins = opened.read(len(MAGIC))
    except OSError as exc:
        raise ModelNotFoundError(f"The model file {file} can't be read: {exc.strerror}.") from exc
    if begins != MAGIC:
        raise ModelNotFoundError(f"{file} is no GGUF file: `python -m models.gguf` makes one of a model's folder.")


def _drawn(token_log_probs: FloatArray, temperature: float, rng: np.random.Generator) -> int:
    """The likeliest token at temperature 0; above it one at random (Gumbel-max, Maddison et al. 2014)."""
    if temperature > 0:
        token_log_probs = token_log_probs / temperature + rng.gumbel(size=len(token_log_probs))
    return int(np.argmax(token_log_probs))
