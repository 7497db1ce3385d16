"""Calls of a language model, kept in the store as they are made, and taken out of it to be replayed.

Not here: making and replaying them (`models.recording`), what they cost (`store.calls`).
"""

import json
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Engine

from models import prompts
from models.batching import BatchingModel
from models.elicitation import Elicitor
from models.recording import Call, RecordedModel
from store.calls import ModelCall, record_calls
from store.database import session_scope
from store.texts import text_hash


def recorded(engine: Engine, elicitor: Elicitor, now_fn: Callable[[], datetime]) -> Elicitor:
    """Returns what asks the same model, and keeps every call in the store before its reply is used."""

    def record(calls: Sequence[Call]) -> None:
        with session_scope(engine) as session:
            record_calls(session, [_row(call, now_fn()) for call in calls])

    model = elicitor.model  # of one that threads share, waiting for a turn is not its time
    seconds_fn = model.own_seconds if isinstance(model, BatchingModel) else time.perf_counter
    return Elicitor(RecordedModel(model, record, seconds_fn), seed=elicitor.seed)


def read_call(row: ModelCall) -> Call:
    """Returns a call as it was made."""
    read: Any = json.loads
    return Call(
        model=row.model,
        is_general=row.is_general,
        kind="complete" if row.kind == "complete" else "log_probs",
        prompt=read(row.prompt),
        parameters=read(row.parameters),
        reply=read(row.reply),
        prompt_tokens=row.prompt_tokens,
        reply_tokens=row.reply_tokens,
        draws=row.draws,
        seconds=row.seconds,
    )


def _row(call: Call, now: datetime) -> ModelCall:
    subject = prompts.subject(call.prompt)
    return ModelCall(
        model=call.model,
        is_general=call.is_general,
        kind=call.kind,
        prompt=json.dumps(call.prompt),
        parameters=json.dumps(call.parameters),
        reply=json.dumps(call.reply),
        prompt_tokens=call.prompt_tokens,
        reply_tokens=call.reply_tokens,
        draws=call.draws,
        seconds=call.seconds,
        subject_hash=None if subject is None else text_hash(subject),
        called_at=now,
    )
