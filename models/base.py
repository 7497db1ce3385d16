"""What a language model is to the rest of argtree: it completes prompts, and scores given replies.

Not here: prompts, chat templates and parsing. `tests/models/test_contract.py` holds the contract that every backend
keeps.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from models.errors import ModelNotFoundError

LOOKUP = "lookup"  # the draft that needs no model: what follows the last words where they stood before

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Reply:
    """What a model said to one prompt, and what it cost."""

    text: str  # raw
    prompt_tokens: int  # of the prompt, those that a cache held included; 0: the backend doesn't say
    reply_tokens: int  # 0: the backend doesn't say


@dataclass(frozen=True)
class Scores:
    """How likely a model holds given replies to be, and what it cost to learn that."""

    log_probs: FloatArray  # natural logarithms, [P, K]
    tokens: tuple[int, ...]  # read for each prompt with its continuations, [P]; 0: the backend doesn't say
    draws: int | None = None  # replies drawn for each prompt, of which these are shares; None: the model's own


class LanguageModel(Protocol):
    """A language model; each prompt is one user turn, each reply the turn after it."""

    name: str  # the generation that holds the beliefs: "bundled", "hf:some/name"
    is_general: bool  # answers prompts beyond those that the bundled world's models were trained on

    def complete(
        self,
        prompts: Sequence[str],
        schema: dict[str, object],
        *,
        max_tokens: int,
        temperature: float = 0.0,
        seed: int = 0,
    ) -> list[Reply]:
        """One reply per prompt, in their order.

        Args:
            prompts: One user turn each.
            schema: JSON schema of the replies. A backend with a grammar holds the model to it; others leave it to the
                prompt. Whoever reads a reply validates it either way.
            max_tokens: Most tokens of a reply, at least 1; a longer one is cut off.
            temperature: 0 takes the likeliest token each time; above it replies are drawn at random.
            seed: Of those draws. Same prompts, temperature and seed, same replies.

        Raises:
            PromptTooLongError: A prompt leaves no room to reply.
            ModelUnavailableError: A server can't be reached, or goes on failing.
        """
        ...

    def log_probs(self, prompts: Sequence[str], continuations: Sequence[str]) -> Scores:
        """Natural log-probability that the reply to a prompt begins with a continuation, [P, K].

        Raises:
            PromptTooLongError: A prompt with a continuation is longer than the model can read.
            BadReplyError: A backend that sees only the likeliest replies sees none with any of the continuations.
            ModelUnavailableError: A server can't be reached, or goes on failing.
        """
        ...

    def check_question(self, question: str) -> None:
        """Pass a question that the model can speak of.

        Raises:
            UnknownWorldError: It is about something that the model knows nothing of. General models pass everything.
        """
        ...


@runtime_checkable
class Speculative(Protocol):
    """A model that can check several tokens in one pass, so that another one may guess them (Leviathan et al. 2023)."""

    def speculate(self, draft: LanguageModel | None) -> None:
        """Have greedy replies guessed by a smaller model from now on; they stay the same, but for ties within rounding.

        Args:
            draft: Of the same backend and the same tokens; None: what followed the last words where they stood before
                (`LOOKUP`).

        Raises:
            ModelNotFoundError: The draft is of another backend, or cuts texts into other tokens; or this model can't
                take back what it read.
        """
        ...


def check_draft(model: LanguageModel, draft: LanguageModel, is_alike: bool) -> None:
    """Refuse a draft of other tokens or another backend. Raises ModelNotFoundError."""
    if not is_alike:
        raise ModelNotFoundError(
            f"{draft.name} can't draft for {model.name}: it must be of the same backend and cut texts into the same "
            "tokens, as a smaller model of the same family does."
        )


def check_sampling(max_tokens: int, temperature: float) -> None:
    """Refuse what no backend can do.

    Raises:
        ValueError: `max_tokens` below 1, or `temperature` below 0.
    """
    if max_tokens < 1 or temperature < 0:
        raise ValueError(f"max_tokens is {max_tokens} and temperature {temperature}: at least 1 and 0, please.")
