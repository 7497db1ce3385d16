"""What a language model is to the rest of argtree: it completes prompts, and scores given replies.

Not here: prompts, chat templates and parsing. `tests/models/test_load.py` holds the contract that every backend keeps.
"""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]


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
    ) -> list[str]:
        """Raw text of one reply per prompt, in their order.

        Args:
            prompts: One user turn each.
            schema: JSON schema of the replies. A backend with a grammar holds the model to it; others leave it to the
                prompt. Whoever reads a reply validates it either way.
            max_tokens: Most tokens of a reply, at least 1; a longer one is cut off.
            temperature: 0 takes the likeliest token each time; above it replies are drawn at random.
            seed: Of those draws. Same prompts, temperature and seed, same replies.

        Raises:
            PromptTooLongError: A prompt leaves no room to reply.
        """
        ...

    def log_probs(self, prompts: Sequence[str], continuations: Sequence[str]) -> FloatArray:
        """Natural log-probability that the reply to a prompt begins with a continuation, [P, K].

        Raises:
            PromptTooLongError: A prompt with a continuation is longer than the model can read.
        """
        ...

    def check_question(self, question: str) -> None:
        """Pass a question that the model can speak of.

        Raises:
            UnknownWorldError: It is about something that the model knows nothing of. General models pass everything.
        """
        ...
