"""From a turn's text to a model's tokens: what asking a model and teaching it must do alike. No model is known here.

Prompts hold text from users and other models. A special token spelled out in it would end the user's turn, so a blank
is put into it before the text is tokenised.
"""

from collections.abc import Callable, Sequence
from typing import Any

from models.errors import PromptTooLongError

TokenIds = list[int]


class Chat:
    """A tokenizer with its chat template, if it has one."""

    def __init__(self, tokenizer: Any) -> None:
        self.tokenizer = tokenizer
        added = {str(token) for token in tokenizer.added_tokens_decoder.values() if token.special}
        self._special = [text for text in added | set(tokenizer.all_special_tokens) if text]

    def prompt_ids(self, prompt: str) -> TokenIds:
        """The user's turn and the beginning of the reply; without a chat template, the prompt and a line break."""
        return self.prompts_ids([prompt])[0]

    def prompts_ids(self, prompts: Sequence[str]) -> list[TokenIds]:
        """`prompt_ids` of each of at least one prompt, in a third of the time that they take one by one."""
        texts = [self.harmless(prompt) for prompt in prompts]
        if not self.tokenizer.chat_template:
            return self._all_ids([text + "\n" for text in texts], add_special_tokens=True)
        turns = [[{"role": "user", "content": text}] for text in texts]
        return self._all_ids(self.tokenizer.apply_chat_template(turns, add_generation_prompt=True, tokenize=False))

    def ids(self, text: str) -> TokenIds:
        """The tokens of a text as it stands."""
        return self._all_ids([text])[0]

    def _all_ids(self, texts: list[str], add_special_tokens: bool = False) -> list[TokenIds]:
        return list(self.tokenizer(texts, add_special_tokens=add_special_tokens, verbose=False)["input_ids"])

    def harmless(self, text: str) -> str:
        """The text with a blank in each special token that is spelled out in it."""
        return harmless(text, self._special)

    def end_ids(self, ends: Sequence[int]) -> TokenIds:
        """What a reply is to end with: the first of the tokens `ends` that the template puts after a reply, if any."""
        if self.tokenizer.chat_template:
            turns = [{"role": "user", "content": "?"}, {"role": "assistant", "content": "!"}]
            after = self.tokenizer.apply_chat_template(turns, tokenize=False).rpartition("!")[2]
            found = [token for token in self.ids(after) if token in ends]
            if found:
                return found[:1]
        own = self.tokenizer.eos_token_id
        return [] if own is None else [int(own)]


def harmless(text: str, special: Sequence[str]) -> str:
    """The text with a blank in each of the special tokens that is spelled out in it."""
    for token in sorted(special, key=len, reverse=True):
        text = text.replace(token, f"{token[0]} {token[1:]}")
    return text


def continuation_ids(ids_fn: Callable[[str], TokenIds], continuations: Sequence[str]) -> list[TokenIds]:
    """The tokens of each continuation, at least one.

    Raises:
        ValueError: A continuation has no tokens.
    """
    tails = [ids_fn(text) for text in continuations]
    if not all(tails):
        raise ValueError(f"A continuation without tokens has no probability: {list(continuations)!r}")
    return tails


def room(num_tokens: int, max_tokens: int, max_length: int | None, name: str) -> int:
    """How many tokens may follow a prompt of so many: `max_tokens`, or less where the model's length ends before.

    Args:
        max_length: Most tokens that the model reads; None: no end is known.
        name: The model's, for whoever is told.

    Raises:
        PromptTooLongError: None may follow.
    """
    left = max_tokens if max_length is None else min(max_tokens, max_length - num_tokens)
    if left < 1:
        raise PromptTooLongError(f"A prompt of {num_tokens} tokens is too long: {name} reads {max_length}.")
    return left
