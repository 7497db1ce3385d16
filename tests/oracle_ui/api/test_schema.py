"""Requests drawn from the OpenAPI document, right and wrong ones: what comes back must be as the document says."""

from collections import Counter

import pytest
import schemathesis
from schemathesis.engine import events, from_schema
from sqlalchemy import Engine
from sqlmodel import func, select

from oracle_ui.api.app import build_app
from store.database import read_scope
from store.tables import Answer
from tests.oracle_ui.api.conftest import bearer
from tests.oracle_ui.factories import fill
from tests.store.factories import flat_graph, jelly_graph


@pytest.fixture
def store_url(empty_url: str) -> str:
    """A store with a few dozen questions, some about quantities."""
    for graph in (flat_graph(30), jelly_graph()):
        fill(empty_url, graph)
    return empty_url


@pytest.mark.slow
def test_responses_are_as_documented(engine: Engine) -> None:
    config = schemathesis.Config.from_dict(
        {
            "seed": 1,
            "headers": bearer(engine),
            "generation": {"max-examples": 25, "database": "none", "deterministic": True},
        }
    )
    app = build_app(engine, requests_per_minute=1_000_000)
    schema = schemathesis.openapi.from_asgi("/openapi.json", app, config=config)
    wrong, tried = [], Counter[str]()
    for event in from_schema(schema).execute():
        if isinstance(event, events.ScenarioFinished):
            tried[event.phase.value] += len(event.recorder.cases)
            failures = [node.failure_info for nodes in event.recorder.checks.values() for node in nodes]
            wrong += [f"{event.label}: {one.failure}\n{one.code_sample}" for one in failures if one is not None]
        elif isinstance(event, events.NonFatalError):
            wrong.append(f"{event.label}: {event.value!r}")
        assert not isinstance(event, events.FatalError | events.Interrupted), event
    assert wrong == [] and min(tried[phase] for phase in ("coverage", "fuzzing", "stateful")) > 100
    with read_scope(engine) as session:
        assert session.exec(select(func.count()).select_from(Answer)).one() > 10
