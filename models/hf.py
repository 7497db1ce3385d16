"""Backend for causal language models of Hugging Face `transformers`: the one file that runs inference with it.

Covered: chat templates, batches, greedy and sampled replies, exact scores, folders and names on the hub, safetensors,
LoRA adapters, drafts by a smaller model.
Not covered: grammars (a reply is whatever the model says; `elicitation.py` validates it), tools, images, code that
comes with a model (never run), models spread over several GPUs. How a prompt becomes tokens is in `chat.py`.
"""

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from itertools import takewhile
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, GenerationConfig
from transformers.utils import logging as transformers_logging

from models.base import LanguageModel, Reply, Scores, check_draft, check_sampling
from models.batches import groups
from models.chat import Chat, TokenIds, continuation_ids, room
from models.errors import ModelNotFoundError, NoWeightsError, first_line
from models.reading import Past, Reader
from models.weights import find_folder, refuse_unsafe

LOOKED_UP = 10  # tokens guessed at once from what stood before

# transformers leaves these without types
_generation_config: Any = GenerationConfig
_vendor_log: Any = transformers_logging
_causal_lm: Any = AutoModelForCausalLM


class HfModel:
    """A causal language model and its tokenizer, in float32 on the CPU, in the weights' own type on a GPU."""

    def __init__(
        self,
        source: str | Path,
        name: str,
        *,
        check_question: Callable[[str], None] | None = None,
        adapter: Path | None = None,
        is_general: bool = True,
    ) -> None:
        """Load the model.

        Args:
            source: A folder in `save_pretrained` form, else a name on the Hugging Face hub.
            name: What beliefs are filed under.
            check_question: Refuses what the model can't speak of (see `LanguageModel`); by default nothing is refused.
            adapter: A folder with a LoRA adapter for that model, which is merged into its weights.
            is_general: See `LanguageModel`.

        Raises:
            ModelNotFoundError: There is no such model, or it can't be loaded.
            NoWeightsError: A folder holds no weights, or not all of them.
            PickledWeightsError: The weights are pickled, all or in part.
        """
        self.name = name
        self.is_general = is_general
        self._check_question = check_question
        folder = find_folder(source)
        refuse_unsafe(folder)
        self._device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        try:
            with quiet():
                self._tokenizer, self._model, missing = _load(folder, self._device)
                self._chat = Chat(self._tokenizer)
                self._prompt_ids("?")  # a chat template that can't be rendered shows now
        except Exception as exc:  # whatever the vendor raises on a broken folder, it means just this
            raise ModelNotFoundError(f"The model in {folder} can't be loaded: {first_line(exc)}") from exc
        if missing:
            # transformers would fill them in at random and speak as if nothing were wrong
            raise NoWeightsError(f"The weights in {folder} lack {len(missing)} tensors, {sorted(missing)[0]} for one.")
        if adapter is not None:
            from models.adapter import load_adapter  # peft takes seconds to import

            self._model = load_adapter(self._model, adapter).merge_and_unload().eval()
        self._eos_ids = eos_ids(self._tokenizer, self._model)
        self._model.generation_config = (
            _generation_config()
        )  # the model's own penalties and samplers would bend replies
        self._reader = Reader(self._model, pad_id(self._tokenizer, self._eos_ids))
        self._speculation: dict[str, Any] = {}  # for `generate`; empty: nothing is guessed
        self._max_length: int | None = getattr(self._model.config.get_text_config(), "max_position_embeddings", None)

    @property
    def network(self) -> Any:
        """The network itself, a `PreTrainedModel`: to be trained in place, say; it speaks as it then is."""
        return self._model

    @property
    def tokenizer(self) -> Any:
        """The model's tokenizer, with its chat template."""
        return self._tokenizer

    def check_question(self, question: str) -> None:
        """Pass what the model can speak of; see `LanguageModel.check_question`."""
        if self._check_question is not None:
            self._check_question(question)

    def speculate(self, draft: LanguageModel | None) -> None:
        """Have greedy replies guessed from now on; see `Speculative`.

        Only for a prompt that is asked alone: replies to several are said together, which is sooner.
        """
        if not self._reader.goes_back:
            raise ModelNotFoundError(f"{self.name} can't take back what it read, so nothing can be drafted for it.")
        if draft is None:
            self._speculation = {"prompt_lookup_num_tokens": LOOKED_UP}
            return
        vocabulary = self._tokenizer.get_vocab()
        is_alike = isinstance(draft, HfModel) and draft.tokenizer.get_vocab() == vocabulary
        check_draft(self, draft, is_alike)
        assert isinstance(draft, HfModel)
        self._speculation = {"assistant_model": draft.network}
        sizes = {model.network.config.get_text_config().vocab_size for model in (self, draft)}
        if len(sizes) > 1:  # networks of one family may be padded to other sizes, which transformers takes for others
            self._speculation |= {"tokenizer": self._tokenizer, "assistant_tokenizer": draft.tokenizer}

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

        `schema` is NOT enforced: this backend has no grammar, the prompt alone asks for the form. A reply ends before
        the first end-of-text token, or where `max_tokens` or the model's length cuts it off. Special tokens in it stay
        in the text. Sampled replies depend on the batch, greedy ones don't (but for ties within rounding). PyTorch's
        random state is put back afterwards.

        Raises:
            PromptTooLongError: A prompt leaves no room to reply.
            ValueError: `max_tokens` below 1, or `temperature` below 0.
        """
        check_sampling(max_tokens, temperature)
        rows = [self._prompt_ids(prompt) for prompt in prompts]
        rooms = [self._room(row, max_tokens) for row in rows]
        replies = [Reply("", 0, 0)] * len(rows)
        with _seeded(seed, self._device) if temperature > 0 else nullcontext():
            for shared, batches in groups(rows, rooms):
                past = self._reader.beginning(rows[batches[0][0]][:shared])
                for batch in batches:
                    said = self._generate([rows[i] for i in batch], past, rooms[batch[0]], temperature)
                    for i, tokens in zip(batch, said, strict=True):
                        replies[i] = Reply(self._text(tokens), len(rows[i]), len(tokens))
        return replies

    def log_probs(self, prompts: Sequence[str], continuations: Sequence[str]) -> Scores:
        """Natural log-probability that the reply begins with each continuation, [P, K]; see `LanguageModel.log_probs`.

        The exact sum of the log-probabilities of a continuation's tokens, each given the prompt and the tokens before
        it. Prompt and continuation are tokenised apart and their ids joined, so this is the score of one spelling in
        tokens; the end-of-text token is not part of it. Continuations that share all tokens but their last share a
        forward pass: with one-token continuations, one pass a prompt. On the CPU (float32) results depend on the rest
        of the batch by less than 1e-5; half-precision weights on a GPU give only about 1e-2.

        Raises:
            PromptTooLongError: A prompt with a continuation is longer than the model can read.
            ValueError: A continuation has no tokens.
        """
        rows = [self._prompt_ids(prompt) for prompt in prompts]
        tails = continuation_ids(self._ids, continuations)
        starts = {tuple(tail[:-1]) for tail in tails}
        for row in rows:
            self._room(row + [0] * max(map(len, starts)), 1)
        scores = np.empty((len(rows), len(tails)))
        for shared, batches in groups(rows, [0] * len(rows)):
            past = self._reader.beginning(rows[batches[0][0]][:shared])
            for batch in batches:
                after = 0 if past is None else shared
                scores[batch] = self._reader.scores([rows[i][after:] for i in batch], tails, past).numpy()
        return Scores(scores, tuple(sum(len(row) + len(start) for start in starts) for row in rows))

    @torch.inference_mode()
    def _generate(self, rows: list[TokenIds], past: Past | None, max_tokens: int, temperature: float) -> list[TokenIds]:
        """What is said after each row, without the end-of-text token; `past` is of the beginning of all of them."""
        sampling = {"do_sample": True, "temperature": temperature, "top_k": 0, "top_p": 1.0} if temperature > 0 else {}
        config = _generation_config(
            max_new_tokens=max_tokens,
            eos_token_id=self._eos_ids or None,
            pad_token_id=pad_id(self._tokenizer, self._eos_ids),
            **(sampling or {"do_sample": False}),
        )
        read = 0 if past is None else past.mask.shape[1]
        ids, mask = self._reader.padded([row[read:] for row in rows], left=True)
        options: dict[str, Any] = {}
        if past is not None:
            begun = torch.tensor(rows[0][:read], device=ids.device).expand(len(rows), -1)
            past = past.repeated(len(rows))
            ids, mask = torch.cat([begun, ids], dim=1), torch.cat([past.mask, mask], dim=1)
            options["cache"] = past.cache
        elif len(rows) == 1 and temperature == 0:
            options = self._speculation  # transformers drafts for one row; several are said sooner together
        with quiet():
            output = self._model.generate(input_ids=ids, attention_mask=mask, generation_config=config, **options)
        return [self._ended(tokens) for tokens in output[:, ids.shape[1] :].tolist()]

    def _ended(self, tokens: TokenIds) -> TokenIds:
        return list(takewhile(lambda token: token not in self._eos_ids, tokens))

    def _text(self, tokens: TokenIds) -> str:
        # Special tokens are kept: to leave them out could turn a broken reply into one that the model never gave.
        text: str = self._tokenizer.decode(tokens, skip_special_tokens=False, clean_up_tokenization_spaces=False)
        return text

    def _prompt_ids(self, prompt: str) -> TokenIds:
        return self._chat.prompt_ids(prompt)

    def _ids(self, text: str) -> TokenIds:
        return self._chat.ids(text)

    def _room(self, row: TokenIds, max_tokens: int) -> int:
        """How many tokens may follow a row: `max_tokens`, or less where the model's length ends before."""
        return room(len(row), max_tokens, self._max_length, self.name)


def _load(folder: Path, device: torch.device) -> tuple[Any, Any, set[str]]:
    """Tokenizer, model, and the names of the tensors that the weights lack."""
    safe: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}
    tokenizer = AutoTokenizer.from_pretrained(folder, **safe)
    model, info = _causal_lm.from_pretrained(
        folder,
        use_safetensors=True,
        dtype=torch.float32 if device.type == "cpu" else "auto",
        output_loading_info=True,
        **safe,
    )
    return tokenizer, model.to(device).eval(), set(info["missing_keys"])


def eos_ids(tokenizer: Any, model: Any) -> list[int]:
    """Every token that ends a reply: the tokenizer's, and those that the model's folder declares."""
    declared = model.generation_config.eos_token_id if model.generation_config is not None else None
    ids = declared if isinstance(declared, list) else [declared]
    return sorted({int(i) for i in [*ids, tokenizer.eos_token_id] if i is not None})


def pad_id(tokenizer: Any, ends: list[int]) -> int:
    """The token that fills up what is shorter than others; which one it is bears on nothing."""
    own = tokenizer.pad_token_id
    return int(own) if own is not None else (ends or [0])[0]


@contextmanager
def _seeded(seed: int, device: torch.device) -> Iterator[None]:
    """PyTorch's random state seeded, and put back afterwards."""
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.default_generator.manual_seed(seed)
        if device.type == "cuda":
            torch.cuda.manual_seed(seed)
        yield


@contextmanager
def quiet() -> Iterator[None]:
    """No progress bars or advice from transformers meanwhile; its settings are put back."""
    verbosity, bars = _vendor_log.get_verbosity(), _vendor_log.is_progress_bar_enabled()
    _vendor_log.set_verbosity_error()
    _vendor_log.disable_progress_bar()
    try:
        yield
    finally:
        _vendor_log.set_verbosity(verbosity)
        if bars:
            _vendor_log.enable_progress_bar()


@contextmanager
def hushed() -> Iterator[None]:
    """`quiet`, and no word of the names that trl and peft still know parts of transformers by."""
    with quiet(), warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        yield
