"""What of an OpenAI-compatible server's replies is read, and in which form it must be.

Servers differ in what they add and what they leave out: further fields are passed over, usage may be missing.
"""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field


class _Form(BaseModel):
    """Further fields are passed over; nothing is converted."""

    model_config = ConfigDict(extra="ignore", strict=True, frozen=True)


class Alternative(_Form):
    """A token that the reply might have begun with."""

    token: str
    logprob: Annotated[float, Field(le=1e-3)]  # natural; -inf too; above 0 by rounding at most


class _Position(_Form):
    top_logprobs: list[Alternative] | None = None


class _LogProbs(_Form):
    content: list[_Position] | None = None


class _Message(_Form):
    content: str | None = None


class _Choice(_Form):
    message: _Message
    logprobs: _LogProbs | None = None


class Usage(_Form):
    """What a request cost."""

    prompt_tokens: Annotated[int, Field(ge=0)] = 0
    completion_tokens: Annotated[int, Field(ge=0)] = 0


class Completion(_Form):
    """A chat completion."""

    choices: Annotated[list[_Choice], Field(min_length=1)]
    usage: Usage | None = None

    @property
    def text(self) -> str:
        """The reply; empty where the model said nothing that is text."""
        return self.choices[0].message.content or ""

    @property
    def cost(self) -> Usage:
        """The tokens; zeros where the server doesn't say."""
        return self.usage or Usage()

    @property
    def first_tokens(self) -> list[Alternative] | None:
        """What the reply might have begun with, likeliest first; None where the server gives no log-probabilities."""
        given = self.choices[0].logprobs
        if given is None or not given.content or not given.content[0].top_logprobs:
            return None
        return given.content[0].top_logprobs


class _Model(_Form):
    id: Annotated[str, Field(min_length=1)]


class Models(_Form):
    """The list of a server's models."""

    data: list[_Model]

    @property
    def names(self) -> list[str]:
        """In the server's order."""
        return [model.id for model in self.data]
