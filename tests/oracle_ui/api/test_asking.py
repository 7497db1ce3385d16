from datetime import timedelta
from typing import Any
from unittest.mock import Mock

import pytest
from sqlalchemy import Engine
from sqlmodel import select
from starlette.testclient import TestClient

from argtree.errors import TooEntangledError
from argtree.propagate import propagate
from oracle_ui import sitting
from oracle_ui.view import QuestionView
from store.database import read_scope, session_scope
from store.raters import find_rater
from store.roles import pause
from store.tables import Answer, Lease
from tests.oracle_ui.api.conftest import ClientFn
from tests.oracle_ui.factories import LEAVES, NOW, fill
from tests.store.factories import jelly_graph


def _ask(client: TestClient) -> dict[str, Any]:
    response = client.post("/v1/question")
    assert response.status_code == 200
    question: dict[str, Any] = response.json()
    return question


def test_a_question_stays_its_raters_and_others_get_another(client: ClientFn) -> None:
    ada, again, ben = client("Ada"), client("Ada"), client("Ben")
    first = _ask(ada)
    assert (first["kind"], first["key"], first["unit"], first["draft"]) == ("claim", "p", None, None)
    assert _ask(again)["token"] == first["token"] and _ask(ben)["key"] != "p"


def test_an_answer_is_stored_once_and_ranks_the_queue_as_the_pages_does(client: ClientFn, engine: Engine) -> None:
    ada = client("Ada")
    body = {"token": _ask(ada)["token"], "kind": "probability", "prob": 0.9, "note": "I looked."}
    first, second = (ada.post("/v1/answers", json=one) for one in (body, body | {"prob": 0.1}))
    assert first.status_code == 200 and first.json() == second.json()
    assert (first.json()["prob"], first.json()["note"], first.json()["trouble"]) == (0.9, "I looked.", None)
    with read_scope(engine) as session:
        assert [one.prob for one in session.exec(select(Answer))] == [0.9]
    values = [_ask(ada)["value"]]
    sitting.look_again(str(engine.url), NOW, propagate)
    assert [_ask(ada)["value"]] == pytest.approx(values)


def test_the_page_and_programs_ask_from_one_queue(client: ClientFn, engine: Engine) -> None:
    question = _ask(client("Ada"))
    seen = sitting.ask(str(engine.url), "Ada", NOW, propagate)
    assert isinstance(seen, QuestionView) and seen.token == question["token"]


def test_a_skipped_question_is_not_asked_again_and_one_given_back_is(client: ClientFn) -> None:
    ada = client("Ada")
    token = _ask(ada)["token"]
    assert ada.post("/v1/release", json={"token": token}).status_code == 204
    second = _ask(ada)
    assert second["key"] == "p" and second["token"] != token
    assert ada.post("/v1/skip", json={"token": second["token"]}).json()["kind"] == "cannot_say"
    assert _ask(ada)["key"] != "p" and _ask(client("Ben"))["key"] == "p"


def test_where_nothing_is_left_there_is_no_content(client: ClientFn) -> None:
    ada = client("Ada")
    for _ in LEAVES:
        assert ada.post("/v1/answers", json={"token": _ask(ada)["token"], "kind": "no"}).status_code == 200
    response = ada.post("/v1/question")
    assert (response.status_code, response.content) == (204, b"")


def test_what_comes_too_late_is_a_conflict_and_kept_as_a_draft(client: ClientFn, engine: Engine) -> None:
    ada, ben = client("Ada"), client("Ben")
    lost = _ask(ada)
    with session_scope(engine) as session:
        lease = session.exec(select(Lease)).one()
        lease.expires_at -= timedelta(hours=1)
    assert ben.post("/v1/answers", json={"token": _ask(ben)["token"], "kind": "yes"}).status_code == 200
    late = ada.post("/v1/answers", json={"token": lost["token"], "kind": "no", "note": "As I said."})
    assert late.status_code == 409 and late.json()["type"] == "urn:argtree:problem:lease-lost"
    assert "kept as a draft" in late.json()["detail"]


def test_nobody_answers_by_anothers_token(client: ClientFn) -> None:
    token = _ask(client("Ada"))["token"]
    assert client("Ben").post("/v1/answers", json={"token": token, "kind": "yes"}).status_code == 409


def test_a_number_far_off_is_asked_for_twice(client: ClientFn, empty_url: str, engine: Engine) -> None:
    fill(empty_url, jelly_graph())
    ada = client("Ada")
    while (question := _ask(ada))["kind"] != "quantity":
        ada.post("/v1/skip", json={"token": question["token"]})
    assert question["unit"] == "g/cm³" and question["prob"] is None
    body: dict[str, Any] = {"token": question["token"], "kind": "number", "number": 3.0, "error": 0.1}
    doubted = ada.post("/v1/answers", json=body)
    assert doubted.status_code == 409 and doubted.json()["type"].endswith("doubtful-number")
    unfit = ada.post("/v1/answers", json={"token": question["token"], "kind": "yes"})
    assert unfit.status_code == 409 and unfit.json()["type"].endswith("unfit-answer")
    sure = ada.post("/v1/answers", json=body | {"is_sure": True})
    assert (sure.status_code, sure.json()["number"], sure.json()["error"]) == (200, 3.0, 0.1)


@pytest.mark.parametrize(
    "body",
    [
        {"kind": None},
        {"kind": "yes", "token": None},
        {"kind": "yes", "token": "1-x"},
        {"kind": "probability", "prob": 1.5},
        {"kind": "probability", "prob": "0.5"},
        {"kind": "probability"},
        {"kind": "number", "number": 1, "error": 0},
        {"kind": "yes", "note": "x" * 2001},
        {"kind": "yes", "surprise\x1b": 1},
    ],
)
def test_what_makes_no_sense_is_said_in_one_sentence(client: ClientFn, body: dict[str, Any]) -> None:
    response = client("Ada").post("/v1/answers", json={"token": f"1-{'0' * 32}"} | body)
    assert response.status_code == 422 and response.headers["content-type"] == "application/problem+json"
    assert "The request will not do: body" in response.json()["detail"] and "\x1b" not in response.json()["detail"]


def test_a_source_and_a_reason_go_with_what_is_said(client: ClientFn) -> None:
    ada, link = client("Ada"), "https://example.org/a?b=c"
    skipped = ada.post("/v1/skip", json={"token": _ask(ada)["token"], "reason": "unclear"}).json()
    assert (skipped["kind"], skipped["reason"]) == ("cannot_say", "unclear")
    body = {"token": _ask(ada)["token"], "kind": "yes", "source": link}
    assert ada.post("/v1/answers", json=body | {"source": "javascript:alert(1)"}).status_code == 422
    assert ada.post("/v1/answers", json=body).json()["source"] == link


def test_a_note_that_no_database_keeps_is_kept_as_what_it_was(client: ClientFn) -> None:
    ada = client("Ada")
    said = ada.post("/v1/answers", json={"token": _ask(ada)["token"], "kind": "yes", "note": "a\0b"}).json()
    assert said["note"] == "'a\\x00b'"


def test_who_is_paused_is_told_why(client: ClientFn, engine: Engine) -> None:
    ada = client("Ada")
    with session_scope(engine) as session:
        pause(session, find_rater(session, "Ada"), "Too quick.", None, NOW)
    for response in (ada.post("/v1/question"), ada.get("/v1/roots")):
        assert response.status_code == 403 and response.json()["detail"].endswith("The reason given: Too quick.")


def test_an_answer_that_cannot_be_propagated_is_stored(
    client: ClientFn, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = client("Ada")
    monkeypatch.setattr("store.ranking.load_graph", Mock(side_effect=TooEntangledError("It is too entangled.")))
    said = ada.post("/v1/answers", json={"token": _ask(ada)["token"], "kind": "yes"})
    assert said.status_code == 200 and said.json()["trouble"] == "It is too entangled."
    with read_scope(engine) as session:
        assert len(session.exec(select(Answer)).all()) == 1
