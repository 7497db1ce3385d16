"""Who comes in, and that nothing but sentences goes out."""

import logging
import re
from collections.abc import Iterator
from unittest.mock import Mock

import pytest
from sqlalchemy import Engine
from starlette.testclient import TestClient

from oracle_ui.api.app import build_app
from oracle_ui.api.problems import BROKEN
from store.database import session_scope
from store.errors import StoreLockedError
from store.tokens import list_tokens, withdraw_token
from tests.oracle_ui.api.conftest import ClientFn, bearer


@pytest.mark.parametrize(
    "headers", [{}, {"Authorization": "Bearer none"}, {"Authorization": "Basic YTpi"}, {"Authorization": "Bearer "}]
)
def test_without_a_good_token_nobody_comes_in(engine: Engine, headers: dict[str, str]) -> None:
    response = TestClient(build_app(engine)).get("/v1/stats", headers=headers)
    assert response.status_code == 401 and response.headers["www-authenticate"] == "Bearer"
    assert "`argtree raters token NAME`" in response.json()["detail"]


def test_a_withdrawn_token_is_worthless_at_once(client: ClientFn, engine: Engine) -> None:
    ada = client("Ada")
    assert ada.get("/v1/stats").status_code == 200
    with session_scope(engine) as session:
        withdraw_token(session, list_tokens(session, None)[0].id, None)
    assert ada.get("/v1/stats").status_code == 401


def test_too_many_requests_with_one_token_wait_and_others_do_not(engine: Engine) -> None:
    app = build_app(engine, requests_per_minute=2)
    ada, ben = (TestClient(app, headers=bearer(engine, name)) for name in ("Ada", "Ben"))
    assert [ada.get("/v1/stats").status_code for _ in range(3)] == [200, 200, 429]
    refused = ada.get("/v1/stats")
    assert 1 <= int(refused.headers["retry-after"]) <= 60 and "Too many requests" in refused.json()["detail"]
    assert ben.get("/v1/stats").status_code == 200


def _pieces(size: int) -> Iterator[bytes]:
    for _ in range(size // 1024):
        yield b"x" * 1024


def test_a_body_that_is_too_large_is_refused_whether_it_says_so_or_not(client: ClientFn) -> None:
    ada = client("Ada")
    for content in (b"x" * 65_537, _pieces(66 * 1024)):
        response = ada.post("/v1/answers", content=content)
        assert response.status_code == 413 and response.headers["content-type"] == "application/problem+json"
    assert ada.post("/v1/answers", content=_pieces(64 * 1024)).status_code == 422


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b"[" * 60_000, b"null", b'{"kind": NaN}'])
def test_what_is_no_json_is_said(client: ClientFn, content: bytes) -> None:
    response = client("Ada").post("/v1/answers", content=content, headers={"content-type": "application/json"})
    assert response.status_code in (400, 422) and response.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(("method", "path", "status"), [("GET", "/v1/none", 404), ("DELETE", "/v1/stats", 405)])
def test_a_way_that_leads_nowhere_is_said(client: ClientFn, method: str, path: str, status: int) -> None:
    response = client("Ada").request(method, path)
    assert response.status_code == status and response.json()["status"] == status


def test_a_store_that_fails_is_a_sentence_and_its_words_stay_in_the_log(
    client: ClientFn, engine: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    ada = client("Ada")
    with engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE delivery")
        connection.exec_driver_sql("DROP TABLE label_event")
    token = ada.post("/v1/question").json()["token"]
    response = ada.post("/v1/answers", json={"token": token, "kind": "yes"})
    assert response.status_code == 500 and response.json()["detail"] == BROKEN
    assert "label_event" in caplog.text


def test_a_mistake_of_the_program_is_a_sentence_too(client: ClientFn, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("oracle_ui.api.acts.list_roots", Mock(side_effect=ZeroDivisionError))
    response = client("Ada").get("/v1/roots")
    assert response.status_code == 500 and "Zero" not in response.text and "Traceback" not in response.text


def test_a_locked_store_is_worth_another_try(client: ClientFn, monkeypatch: pytest.MonkeyPatch) -> None:
    locked = Mock(side_effect=StoreLockedError("/var/secret.db is locked."))
    monkeypatch.setattr("oracle_ui.api.acts.list_roots", locked)
    response = client("Ada").get("/v1/roots")
    assert response.status_code == 503 and response.headers["retry-after"] == "1" and "secret" not in response.text


def test_tokens_are_not_logged(client: ClientFn, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    ada = client("Ada")
    ada.get("/v1/stats")
    ada.get("/v1/claims/none")
    assert ada.headers["authorization"].removeprefix("Bearer ") not in caplog.text


def test_pages_of_other_sites_are_not_let_in(client: ClientFn) -> None:
    response = client("Ada").get("/v1/stats", headers={"Origin": "https://example.org"})
    assert not [name for name in response.headers if name.startswith("access-control")]


def test_the_documentation_needs_no_other_server(engine: Engine) -> None:
    page = TestClient(build_app(engine)).get("/docs")
    assert page.status_code == 200 and "//" not in re.sub(r"<!--.*?-->|// .*", "", page.text).replace("</", "")
    for path in re.findall(r'(?:src|href)="([^"]+)"', page.text):
        assert TestClient(build_app(engine)).get(path).status_code == 200


def test_every_operation_documents_its_errors_as_problems(engine: Engine) -> None:
    paths = build_app(engine).openapi()["paths"]
    operations = [operation for path in paths.values() for operation in path.values()]
    assert len(operations) == 7
    for operation in operations:
        errors = {status: one for status, one in operation["responses"].items() if int(status) >= 400}
        assert {"401", "403", "429", "500", "503"} <= errors.keys()
        for one in errors.values():
            (schema,) = one["content"].items()
            assert schema == ("application/problem+json", {"schema": {"$ref": "#/components/schemas/Problem"}})
