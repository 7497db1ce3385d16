"""From a language model's replies to what the method needs: claims, arguments and beliefs.

Covered: which prompts are sent, what counts as a reply.
Not covered: the prompts' words (`prompts.py`), how readings become one belief (`beliefs.py`), the graph, which claim to
expand, retries.

A reply is somebody else's text. It's taken as it stands or dropped, counted and logged; never repaired into something
that the model didn't say.
"""

import json
import logging
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated, NoReturn, TypeVar

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from models import prompts
from models.base import LanguageModel
from models.beliefs import Belief, YesNo, beliefs, from_draws, from_log_probs
from models.errors import BadQuestionError, BadReplyError, PromptTooLongError
from models.prompts import Fact, Polarity, ProposedArgument, ProposedPremise

MAX_QUESTION_CHARS = 2_000
PROPOSE_MAX_TOKENS = 768  # some eight arguments of two premises in a general model's tokens; a cut reply is dropped
PROPOSE_TEMPERATURE = 0.7  # where arguments are drawn at random
STATE_MAX_TOKENS = 192
Shown = dict[str, tuple[Fact, ...]]  # by a claim's text, what is put before the model beside it
POSE_MAX_TOKENS = 768  # some sixteen questions in a general model's tokens
YES, NO = ("yes", "Yes"), ("no", "No")
LOGGED_CHARS = 200

log = logging.getLogger("argtree.models")
_Replied = TypeVar("_Replied")


@dataclass(frozen=True)
class Proposal:
    """The arguments of one reply that can be used, and what became of the rest."""

    arguments: tuple[ProposedArgument, ...]
    exhausted: bool  # the model said in the right form that there is nothing to add
    dropped: int  # the reply itself (1), or arguments of it, that can't be used


class Elicitor:
    """Asks a language model; keeps count of prompts sent and of replies that could not be used."""

    def __init__(self, model: LanguageModel, *, seed: int | None = None) -> None:
        """Args:
        model: whom to ask.
        seed: of arguments drawn at random; None takes the likeliest reply each time.
        """
        self.model = model
        self.seed = seed
        self.calls = 0  # prompts sent
        self.tokens = 0  # of prompts and replies, as far as the backend says
        self.dropped = 0  # replies and arguments dropped

    def check_question(self, question: str) -> str:
        """The question on one line, if it is one that the model can speak of. No call is made.

        Raises:
            BadQuestionError: The question is empty, over 2,000 characters or no plain text.
            UnknownWorldError: It's about something that the model knows nothing of.
        """
        question = checked_question(question)
        self.model.check_question(question)
        return question

    def state_claim(self, question: str) -> str:
        """The claim that is true if the answer to a question is yes, in the model's words.

        Raises:
            BadQuestionError: The question is empty, over 2,000 characters or no plain text. No call is made.
            UnknownWorldError: It's about something that the model knows nothing of. No call is made.
            BadReplyError: The reply holds no usable claim.
        """
        (claim,) = self.state_claims([question])
        if claim is None:
            raise BadReplyError(f"The model didn't turn the question into a claim: {question[:LOGGED_CHARS]!r}")
        return claim

    def state_claims(self, questions: Sequence[str]) -> list[str | None]:
        """One `state_claim` per question, in one batch; None where the reply holds no usable claim.

        Raises:
            BadQuestionError, UnknownWorldError: as `state_claim`, for any of them. No call is made.
        """
        asked = [prompts.state_claim(self.check_question(question)) for question in questions]
        stated = [_read_claim(reply) for reply in self._complete(asked, prompts.CLAIM_SCHEMA, STATE_MAX_TOKENS)]
        self.dropped += stated.count(None)
        return stated

    def pose_questions(self, claims: Sequence[str], asked: Sequence[str], n: int) -> list[str]:
        """Up to `n` new questions near these claims, each once, as the model worded them; [] if its reply is no use.

        One call. Whether they are good questions is the caller's to judge.

        Args:
            claims: near which.
            asked: questions that are not to be posed again.
            n: how many, at least 1.

        Raises:
            ValueError: The model answers no such prompts (see `LanguageModel.is_general`). No call is made.
        """
        if not self.model.is_general:
            raise ValueError(f"The model {self.model.name} was not made to pose questions.")
        temperature = 0.0 if self.seed is None else PROPOSE_TEMPERATURE
        prompt = prompts.pose_questions(claims, asked, n)
        (reply,) = self._complete([prompt], prompts.QUESTIONS_SCHEMA, POSE_MAX_TOKENS, temperature)
        try:
            posed = _parse(_QuestionsReply, reply).questions
        except (ValueError, RecursionError):
            _log_drop("the reply isn't JSON of the schema", reply)
            self.dropped += 1
            return []
        return list(dict.fromkeys(posed))[:n]

    def propose_arguments(self, claim: str, context: Sequence[ProposedArgument], n: int) -> Proposal:
        """Up to `n` arguments about a claim beside those in `context`; see `propose_many`."""
        return self.propose_many([(claim, context)], n)[0]

    def propose_many(
        self, requests: Sequence[tuple[str, Sequence[ProposedArgument]]], n: int, shown: Shown | None = None
    ) -> list[Proposal]:
        """One proposal per (claim, arguments known already), in one batch.

        A reply that isn't JSON of the schema is dropped whole. Of a good one, an argument is dropped that rests on its
        own claim, names a premise twice, is known already, holds text that can't be shown on one line, or comes after
        `n` others were kept.

        Args:
            requests: each a claim, and the arguments about it that are known.
            n: at least 1.
            shown: facts about some of the claims. Where prompts leave no room with them, half of each claim's are taken
                out of it, again until they do: what is left was shown.

        Raises:
            ValueError: `n` is below 1.
        """
        if n < 1:
            raise ValueError(f"n is {n}: at least one argument must be allowed.")
        facts = self._usable(shown)
        temperature = 0.0 if self.seed is None else PROPOSE_TEMPERATURE

        def ask() -> list[str]:
            asked = [prompts.propose_arguments(claim, known, n, facts.get(claim, ())) for claim, known in requests]
            return self._complete(asked, prompts.ARGUMENTS_SCHEMA, PROPOSE_MAX_TOKENS, temperature)

        replies = _within_room(ask, facts, [claim for claim, _ in requests])
        proposals = [
            _read_proposal(reply, claim, known, n) for reply, (claim, known) in zip(replies, requests, strict=True)
        ]
        self.dropped += sum(proposal.dropped for proposal in proposals)
        return proposals

    def believe(self, claims: Sequence[str], shown: Shown | None = None) -> list[Belief]:
        """What the model holds each claim's probability to be.

        P(yes) against P(no) in several wordings of the question, each with its negation (`prompts.READINGS`), so many
        calls for a claim; see `models.beliefs.beliefs`. A model of the bundled world was trained on the first wording
        and its negation alone, and is asked these.

        Args:
            claims: texts.
            shown: facts about some of them; see `propose_many`.

        Raises:
            BadReplyError: The model gave no usable log-probabilities.
        """
        readings = prompts.READINGS if self.model.is_general else prompts.READINGS[:2]
        facts = self._usable(shown)

        def ask() -> list[Belief]:
            said = [f"{claim}{prompts.given(facts.get(claim, ()))}" for claim in claims]
            return self._elicit([(one.is_negated, [f"{one.text}{text}" for text in said]) for one in readings])

        return _within_room(ask, facts, claims)

    def residual_prior(self, claim: str, reasons: Sequence[ProposedArgument]) -> Belief:
        """How likely the claim is if none of these reasons holds: its prior once it's argued.

        Raises:
            BadReplyError: The model gave no usable log-probabilities.
        """
        return self.residual_priors([(claim, reasons)])[0]

    def residual_priors(self, requests: Sequence[tuple[str, Sequence[ProposedArgument]]]) -> list[Belief]:
        """One `residual_prior` per (claim, its reasons), in one batch."""
        asked = [prompts.is_true_without(claim, reasons) for claim, reasons in requests]
        asked_turned = [prompts.is_false_without(claim, reasons) for claim, reasons in requests]
        return self._elicit([(False, asked), (True, asked_turned)])

    def same_claims(self, pairs: Sequence[tuple[str, str]]) -> list[tuple[float, float]]:
        """For each pair of claims, how likely the second follows from the first, and the first from the second.

        Each is asked, and asked turned round, as in `believe`. Both near 1: they say the same.

        Raises:
            ValueError: The model answers no such prompts (see `LanguageModel.is_general`). No call is made.
            BadReplyError: The model gave no usable log-probabilities.
        """
        if not self.model.is_general:
            raise ValueError(f"The model {self.model.name} was not made to compare claims.")
        both_ways = [*pairs, *((other, one) for one, other in pairs)]
        asked = [prompts.implies(one, other) for one, other in both_ways]
        asked_turned = [prompts.can_differ(one, other) for one, other in both_ways]
        probs = [belief.mean for belief in self._elicit([(False, asked), (True, asked_turned)])]
        return list(zip(probs[: len(pairs)], probs[len(pairs) :], strict=True))

    def conditional(self, requests: Sequence[tuple[str, ProposedArgument]]) -> list[Belief]:
        """How likely each claim is if the argument's premises are as it takes them and nothing else is known.

        Two calls for each. No model of the bundled world was trained on the question.

        Raises:
            BadReplyError: The model gave no usable log-probabilities.
        """
        asked = [prompts.is_true_given(claim, argument) for claim, argument in requests]
        asked_turned = [prompts.is_false_given(claim, argument) for claim, argument in requests]
        return self._elicit([(False, asked), (True, asked_turned)])

    def _usable(self, shown: Shown | None) -> Shown:
        """The facts, if there are any.

        Raises:
            ValueError: There are, and the model answers no such prompts (see `LanguageModel.is_general`).
        """
        if shown and not self.model.is_general:
            raise ValueError(f"The model {self.model.name} was not made to be shown facts.")
        return {} if shown is None else shown

    def _elicit(self, readings: Sequence[tuple[bool, list[str]]]) -> list[Belief]:
        """Beliefs from K readings of C claims, each with whether yes to it says that the claim is false."""
        said = self._ask([prompt for _, asked in readings for prompt in asked])
        turned = np.array([-1.0 if is_negated else 1.0 for is_negated, _ in readings])[:, np.newaxis]
        shape = len(readings), -1 if len(said.log_odds) else 0
        drawn = np.broadcast_to(said.drawn_variance, said.log_odds.shape).reshape(shape)
        return beliefs(turned * said.log_odds.reshape(shape), drawn, said.draws)

    def _ask(self, asked: list[str]) -> YesNo:
        """Yes against no; each word in two spellings, whose probabilities add."""
        if not asked:
            return YesNo(np.empty(0))
        self.calls += len(asked)
        found = self.model.log_probs(asked, (*YES, *NO))
        self.tokens += sum(found.tokens)
        log_probs = np.asarray(found.log_probs, dtype=np.float64)
        drawn_never = (log_probs == -np.inf) & (found.draws is not None)
        if log_probs.shape != (len(asked), len(YES) + len(NO)) or not (np.isfinite(log_probs) | drawn_never).all():
            raise BadReplyError(f"The model {self.model.name} gave no usable log-probabilities for yes and no.")
        yes, no = log_probs[:, : len(YES)], log_probs[:, len(YES) :]
        if found.draws is None:
            return from_log_probs(yes, no)
        try:
            return from_draws(yes, no, found.draws)
        except ValueError as error:
            raise BadReplyError(f"The model {self.model.name} gave no belief: {error}.") from error

    def _complete(
        self, asked: list[str], schema: dict[str, object], max_tokens: int, temperature: float = 0.0
    ) -> list[str]:
        if not asked:
            return []
        self.calls += len(asked)
        replies = self.model.complete(
            asked, schema, max_tokens=max_tokens, temperature=temperature, seed=self.seed or 0
        )
        self.tokens += sum(reply.prompt_tokens + reply.reply_tokens for reply in replies)
        if len(replies) != len(asked):
            raise BadReplyError(f"The model {self.model.name} gave {len(replies)} replies to {len(asked)} prompts.")
        return [reply.text for reply in replies]


def _within_room(ask_fn: Callable[[], _Replied], shown: Shown, claims: Iterable[str]) -> _Replied:
    """What the model says, with as many facts as its prompts have room for."""
    while True:
        try:
            return ask_fn()
        except PromptTooLongError:
            crowded = [claim for claim in claims if shown.get(claim)]
            if not crowded:
                raise
            shown |= {claim: shown[claim][: len(shown[claim]) // 2] for claim in crowded}


class _Reply(BaseModel):
    """A reply of exactly the schema: no conversions, no further fields. Mirrors the schemas in `prompts.py`."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


_Text = Annotated[str, Field(min_length=1, max_length=500)]


class _ClaimReply(_Reply):
    claim: _Text


class _QuestionsReply(_Reply):
    questions: list[_Text]


class _StatedPremise(_Reply):
    claim: _Text
    holds: bool


class _StatedArgument(_Reply):
    polarity: Polarity
    strength: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
    premises: Annotated[list[_StatedPremise], Field(min_length=1, max_length=8)]


class _ArgumentsReply(_Reply):
    arguments: list[_StatedArgument]


_R = TypeVar("_R", bound=_Reply)


def _parse(form: type[_R], reply: str) -> _R:
    """The reply as a value; ValueError or RecursionError where it isn't JSON of that form."""
    return form.model_validate(json.loads(reply, object_pairs_hook=_without_twins, parse_constant=_no_constant))


def _without_twins(pairs: list[tuple[str, object]]) -> dict[str, object]:
    if len(dict(pairs)) < len(pairs):
        raise ValueError("a key stands twice in an object: it's unclear which of the two was meant")
    return dict(pairs)


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} isn't JSON")


def _read_claim(reply: str) -> str | None:
    try:
        claim = _parse(_ClaimReply, reply).claim
    except (ValueError, RecursionError):
        claim = ""
    if _is_plain(claim):
        return claim
    _log_drop("the reply is no claim", reply)
    return None


def _read_proposal(reply: str, claim: str, known: Sequence[ProposedArgument], n: int) -> Proposal:
    try:
        stated = _parse(_ArgumentsReply, reply).arguments
    except (ValueError, RecursionError):
        _log_drop("the reply isn't JSON of the schema", reply)
        return Proposal((), exhausted=False, dropped=1)
    seen = {_identity(argument) for argument in known}
    kept: list[ProposedArgument] = []
    for argument in map(_as_argument, stated):
        fault = _fault(argument, claim, seen) if len(kept) < n else "there are more arguments than asked for"
        if fault is None:
            kept.append(argument)
            seen.add(_identity(argument))
        else:
            _log_drop(fault, repr(argument))
    return Proposal(tuple(kept), exhausted=not stated, dropped=len(stated) - len(kept))


def _as_argument(stated: _StatedArgument) -> ProposedArgument:
    premises = tuple(ProposedPremise(premise.claim, premise.holds) for premise in stated.premises)
    return ProposedArgument(stated.polarity, stated.strength, premises)


_Identity = tuple[Polarity, frozenset[tuple[str, bool]]]


def _fault(argument: ProposedArgument, claim: str, seen: set[_Identity]) -> str | None:
    """Why an argument can't be used, if so."""
    texts = [_folded(premise.text) for premise in argument.premises]
    if not all(_is_plain(premise.text) for premise in argument.premises):
        return "a premise isn't plain text on one line"
    if _folded(claim) in texts:
        return "the argument rests on its own claim"
    if len(set(texts)) < len(texts):
        return "a premise stands twice in the argument"
    return "the argument is known already" if _identity(argument) in seen else None


def _identity(argument: ProposedArgument) -> _Identity:
    """What makes two arguments the same: polarity and premises, in any order; not the strength."""
    return argument.polarity, frozenset((_folded(premise.text), premise.holds) for premise in argument.premises)


def _folded(text: str) -> str:
    """The text without regard to case, spacing and final punctuation: for comparison only."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split()).rstrip(" .?!")


def _is_plain(text: str) -> bool:
    """Whether text has something to read and nothing that breaks a line, a terminal, UTF-8 or the reading direction."""
    joiners = "\u200c\u200d"  # in ordinary use in Persian, Indic scripts and emoji
    unfit = any(unicodedata.category(c) in {"Cc", "Cf", "Cs", "Zl", "Zp"} for c in text if c not in joiners)
    return bool(text.strip()) and not unfit


def checked_question(question: str) -> str:
    """The question on one line.

    Raises:
        BadQuestionError: It is empty, over 2,000 characters or no plain text.
    """
    if len(question) > MAX_QUESTION_CHARS:
        raise BadQuestionError(
            f"The question is {len(question):,} characters long; at most {MAX_QUESTION_CHARS:,} are read."
        )
    one_line = " ".join(question.split())
    if not one_line:
        raise BadQuestionError("The question is empty.")
    if not _is_plain(one_line):
        raise BadQuestionError("The question holds characters that aren't plain text.")
    return one_line


def _log_drop(why: str, text: str) -> None:
    """Log what is dropped; the text is a stranger's, so it's cut, then escaped."""
    log.warning("Dropped: %s: %r", why, text[:LOGGED_CHARS])
