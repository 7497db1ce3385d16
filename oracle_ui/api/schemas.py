"""What goes in and out, field by field."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from argtree.distributions import LARGEST
from oracle_ui.wording import NOTE_LENGTH
from store.sources import LONGEST

Token = Annotated[str, Field(pattern="^[0-9]{1,9}-[0-9a-f]{32}$", description="that came with the question")]
Note = Annotated[str, Field(max_length=NOTE_LENGTH, description="to be kept with the answer")]
Source = Annotated[
    str,
    Field(max_length=LONGEST, pattern="^(https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?(/[!-~]*)?)?$", description="a link"),
]
Reason = Annotated[Literal["unknown", "unclear", "too_long"] | None, Field(description="why they can't say")]
Prob = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Number = Annotated[float, Field(ge=-LARGEST, le=LARGEST, allow_inf_nan=False)]


class _In(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    token: Token


class YesNo(_In):
    """Whether the claim is true."""

    kind: Literal["yes", "no"]
    note: Note = ""
    source: Source = ""


class Likely(_In):
    """How likely the claim is."""

    kind: Literal["probability"]
    prob: Prob = Field(description="of the claim")
    note: Note = ""
    source: Source = ""


class Measured(_In):
    """What the quantity is."""

    kind: Literal["number"]
    number: Number = Field(description="in the quantity's unit")
    error: float = Field(ge=1 / LARGEST, le=LARGEST, description="standard deviation of the number's error")
    is_sure: bool = Field(False, description="it is meant, however far it is from what is expected")
    note: Note = ""
    source: Source = ""


class CannotSay(_In):
    """That the rater can't say: they are not asked again, others are."""

    kind: Literal["cannot_say"]
    reason: Reason = None
    note: Note = ""


AnswerIn = Annotated[YesNo | Likely | Measured | CannotSay, Field(discriminator="kind")]


class SkipIn(_In):
    """A question that the rater can't say anything about."""

    reason: Reason = None
    note: Note = ""


class ReleaseIn(_In):
    """A question to give back."""


class Draft(BaseModel):
    """What was said about the question before, and came too late to be stored."""

    kind: str | None
    prob: float | None
    number: float | None
    error: float | None
    note: str
    source: str


class Question(BaseModel):
    """A question that the rater now holds."""

    token: str = Field(description="to answer, skip or give it back with")
    kind: Literal["claim", "quantity"] = Field(description="a claim is true or false, a quantity a number")
    key: str = Field(description="of the claim or quantity")
    text: str
    unit: str | None = Field(description="of the quantity's number; it may be empty")
    prob: float | None = Field(description="posterior of the claim when the queue was last ranked")
    expires_at: datetime = Field(description="until then nobody else is given this place in the question")
    draft: Draft | None


class Answered(BaseModel):
    """The answer as it is stored."""

    kind: Literal["yes", "no", "probability", "number", "cannot_say"]
    prob: float | None
    number: float | None
    error: float | None
    note: str
    source: str
    reason: Literal["unknown", "unclear", "too_long"] | None
    answered_at: datetime
    trouble: str | None = Field(description="why the queue could not be ranked anew; the answer is stored all the same")


class Claim(BaseModel):
    """A claim, as far as it is known."""

    key: str
    text: str
    posterior: float | None = Field(description="probability by all that is known; see `trouble` where there is none")
    label: float | None = Field(description="what all answers together are taken to mean; null without any")
    settled: bool = Field(description="the label is at least 0.95 or at most 0.05")
    answers: int = Field(description="that say something and count")
    trouble: str | None = Field(description="why the posterior can't be worked out")


class Root(BaseModel):
    """A question that somebody asked."""

    key: str = Field(description="of its claim")
    question: str
    weight: float
    posterior: float | None


class Roots(BaseModel):
    """All roots, oldest first."""

    roots: list[Root]
    trouble: str | None = Field(description="why posteriors can't be worked out")


class Stats(BaseModel):
    """How many there are."""

    at: datetime = Field(description="when they were counted")
    open_questions: int = Field(description="counted up to 10,000")
    leased_questions: int = Field(description="that somebody holds")
    answers: int = Field(description="all that were given, with those taken back")
    claims: int
    arguments: int
    roots: int
    raters: int
    paused_raters: int
