"""What every call of a language model was and gave: recorded as it is made, and replayed without the model.

Not here: where records are kept (a function takes them), and which calls are made (`elicitation.py`).
"""

import json
import time
from collections import defaultdict, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import TypeAdapter

from models.base import LanguageModel, Reply, Scores
from models.errors import BadReplyError, ModelNotFoundError

Kind = Literal["complete", "log_probs"]
JsonValue = str | int | float | None
Parameters = dict[str, JsonValue | list[str]]


@dataclass(frozen=True)
class Call:
    """One prompt sent to a model, and what came back."""

    model: str  # its name
    is_general: bool  # whether that model is; see `LanguageModel`
    kind: Kind
    prompt: str
    parameters: Parameters  # `complete`: schema (a hash), max_tokens, temperature, seed; `log_probs`: continuations
    reply: str | list[float]  # raw text, or natural log-probabilities of the continuations
    prompt_tokens: int  # 0: the backend doesn't say
    reply_tokens: int  # 0: the backend doesn't say, or nothing was written
    draws: int | None  # replies drawn, of which the probabilities are frequencies; None: the model's own
    seconds: float  # its share of the time that its batch took

    def to_json(self) -> str:
        """One line of a file to replay. Infinite log-probabilities and such stand as Python's json writes them."""
        return json.dumps(asdict(self))


class RecordedModel:
    """A model whose calls are recorded: a call is given back only once its record is kept."""

    def __init__(
        self,
        model: LanguageModel,
        record_fn: Callable[[Sequence[Call]], None],
        seconds_fn: Callable[[], float] = time.perf_counter,
    ) -> None:
        """Args:
        model: whom to ask.
        record_fn: keeps the calls of one batch; what it raises ends the call.
        seconds_fn: the clock of the model's time, in seconds from any start.
        """
        self.model = model
        self.name = model.name
        self.is_general = model.is_general
        self._record = record_fn
        self._seconds = seconds_fn

    def complete(
        self,
        prompts: Sequence[str],
        schema: dict[str, object],
        *,
        max_tokens: int,
        temperature: float = 0.0,
        seed: int = 0,
    ) -> list[Reply]:
        """As the model does; see `LanguageModel.complete`."""
        began = self._seconds()
        replies = self.model.complete(prompts, schema, max_tokens=max_tokens, temperature=temperature, seed=seed)
        seconds = (self._seconds() - began) / max(1, len(prompts))
        parameters = _how(schema, max_tokens, temperature, seed)
        self._record(
            [
                Call(
                    self.name,
                    self.is_general,
                    "complete",
                    prompt,
                    parameters,
                    *_said(reply),
                    draws=None,
                    seconds=seconds,
                )
                for prompt, reply in zip(prompts, replies, strict=False)  # what is amiss with a batch is the asker's
            ]
        )
        return replies

    def log_probs(self, prompts: Sequence[str], continuations: Sequence[str]) -> Scores:
        """As the model does; see `LanguageModel.log_probs`."""
        began = self._seconds()
        scores = self.model.log_probs(prompts, continuations)
        seconds = (self._seconds() - began) / max(1, len(prompts))
        parameters: Parameters = {"continuations": list(continuations)}
        rows = zip(prompts, scores.log_probs.tolist(), scores.tokens, strict=False)
        self._record(
            [
                Call(self.name, self.is_general, "log_probs", prompt, parameters, row, tokens, 0, scores.draws, seconds)
                for prompt, row, tokens in rows
            ]
        )
        return scores

    def check_question(self, question: str) -> None:
        """As the model does; see `LanguageModel.check_question`."""
        self.model.check_question(question)


class ReplayedModel:
    """Says what a recorded model said to the same prompts, in the order in which it said it; the last is said again."""

    def __init__(self, path: Path, check_fn: Callable[[str], Callable[[str], None] | None]) -> None:
        """Read the calls.

        Args:
            path: JSON lines, as `Call.to_json` writes them.
            check_fn: gives what refuses questions of a model of that name; see `models.load.world_check`.

        Raises:
            ModelNotFoundError: The file can't be read, a line of it is no call, or it has calls of no model or several.
        """
        self._path = path
        self._calls: dict[tuple[Kind, str, str], deque[Call]] = defaultdict(deque)
        names: set[tuple[str, bool]] = set()
        for call in _read(path):
            self._calls[_key(call.kind, call.prompt, call.parameters)].append(call)
            names.add((call.model, call.is_general))
        if len(names) != 1:
            raise ModelNotFoundError(
                f"{path} has calls of {len(names)} models: to be replayed, leave the lines of one in it."
            )
        ((self.name, self.is_general),) = names
        self._check_question = check_fn(self.name)

    def complete(
        self,
        prompts: Sequence[str],
        schema: dict[str, object],
        *,
        max_tokens: int,
        temperature: float = 0.0,
        seed: int = 0,
    ) -> list[Reply]:
        """What was said; see `LanguageModel.complete`.

        Raises:
            BadReplyError: A prompt was not recorded with these parameters.
        """
        calls = self._find("complete", prompts, _how(schema, max_tokens, temperature, seed))
        return [Reply(str(call.reply), call.prompt_tokens, call.reply_tokens) for call in calls]

    def log_probs(self, prompts: Sequence[str], continuations: Sequence[str]) -> Scores:
        """What was said; see `LanguageModel.log_probs`.

        Raises:
            BadReplyError: A prompt was not recorded with these continuations.
        """
        calls = self._find("log_probs", prompts, {"continuations": list(continuations)})
        values = np.array([call.reply for call in calls], dtype=np.float64).reshape(len(calls), len(continuations))
        draws = {call.draws for call in calls if call.draws is not None}
        return Scores(values, tuple(call.prompt_tokens for call in calls), min(draws, default=None))

    def check_question(self, question: str) -> None:
        """As the recorded model did."""
        if self._check_question is not None:
            self._check_question(question)

    def _find(self, kind: Kind, prompts: Sequence[str], parameters: Parameters) -> list[Call]:
        return [self._next(_key(kind, prompt, parameters)) for prompt in prompts]

    def _next(self, key: tuple[Kind, str, str]) -> Call:
        calls = self._calls.get(key)
        if calls is None:
            raise BadReplyError(f"{self._path} has no such call, so it can't be replayed: {key[1][-200:]!r}")
        return calls.popleft() if len(calls) > 1 else calls[0]


def _read(path: Path) -> Iterator[Call]:
    reader = TypeAdapter(Call)
    try:
        with path.open(encoding="utf-8") as file:
            for number, line in enumerate(file, start=1):
                try:
                    yield reader.validate_json(line, strict=True)
                except ValueError as exc:
                    raise ModelNotFoundError(f"Line {number} of {path} is no recorded call.") from exc
    except OSError as exc:
        raise ModelNotFoundError(f"The calls in {path} can't be read: {exc.strerror}.") from exc
    except UnicodeDecodeError as exc:
        raise ModelNotFoundError(f"{path} holds no text, and so no recorded calls.") from exc


def _how(schema: Mapping[str, object], max_tokens: int, temperature: float, seed: int) -> Parameters:
    form = sha256(json.dumps(schema, sort_keys=True).encode()).hexdigest()[:16]
    return {"schema": form, "max_tokens": max_tokens, "temperature": temperature, "seed": seed}


def _said(reply: Reply) -> tuple[str, int, int]:
    return reply.text, reply.prompt_tokens, reply.reply_tokens


def _key(kind: Kind, prompt: str, parameters: Parameters) -> tuple[Kind, str, str]:
    return kind, prompt, json.dumps(parameters, sort_keys=True)
