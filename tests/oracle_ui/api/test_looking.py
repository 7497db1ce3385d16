from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, update
from starlette.testclient import TestClient

from argtree.graph import Argument, ArgumentGraph, Claim, Premise, Root
from argtree.propagate import propagate
from oracle_ui.api import figures
from oracle_ui.api.figures import Figures
from store.claims import add_root, get_claim
from store.database import session_scope
from store.graphs import save_graph
from store.tables import Lease, Question
from tests.oracle_ui.api.conftest import ClientFn
from tests.oracle_ui.factories import NOW, QUESTIONS, small_graph


def test_roots_have_their_posteriors_and_follow_answers(client: ClientFn) -> None:
    ada, graph = client("Ada"), small_graph()
    roots = ada.get("/v1/roots").json()["roots"]
    assert [(one["key"], one["question"], one["weight"]) for one in roots] == [
        ("r", QUESTIONS["r"], 1.0),
        ("g", QUESTIONS["g"], 0.1),
    ]
    expected = propagate(graph).prob[[graph.index["r"], graph.index["g"]]].tolist()
    assert [one["posterior"] for one in roots] == pytest.approx(expected)
    ada.post("/v1/answers", json={"token": ada.post("/v1/question").json()["token"], "kind": "yes"})
    assert ada.get("/v1/roots").json()["roots"][1]["posterior"] > roots[1]["posterior"]


def test_a_claim_says_what_people_made_of_it(client: ClientFn) -> None:
    ada = client("Ada")
    assert ada.get("/v1/claims/p").json()["label"] is None
    ada.post("/v1/answers", json={"token": ada.post("/v1/question").json()["token"], "kind": "yes"})
    claim = ada.get("/v1/claims/p").json()
    assert (claim["text"], claim["label"], claim["settled"], claim["answers"]) == (
        "Nails are sharp.",
        pytest.approx(0.97),
        True,
        1,
    )
    assert claim["posterior"] == pytest.approx(0.97) and claim["trouble"] is None


def _asked_after_ada(client: ClientFn, engine: Engine) -> tuple[TestClient, dict[str, Any]]:
    """Ben, with the question about p, which Ada has answered."""
    with session_scope(engine) as session:
        session.exec(update(Question).values(wanted=2))
    ada, ben = client("Ada"), client("Ben")
    ada.post("/v1/answers", json={"token": ada.post("/v1/question").json()["token"], "kind": "yes"})
    while (question := ben.post("/v1/question").json())["key"] != "p":
        ben.post("/v1/skip", json={"token": question["token"]})
    return ben, question


def test_who_is_being_asked_sees_nothing_of_others_answers(client: ClientFn, engine: Engine) -> None:
    ben, question = _asked_after_ada(client, engine)
    claim = ben.get("/v1/claims/p").json()
    assert (claim["label"], claim["answers"], claim["posterior"]) == (None, 0, question["prob"])
    ben.post("/v1/skip", json={"token": question["token"]})
    assert ben.get("/v1/claims/p").json()["answers"] == 1


def test_a_question_whose_time_is_over_is_still_ones_own(client: ClientFn, engine: Engine) -> None:
    """A gold question could be told by waiting: its label was shown when the lease had ended, and then answered."""
    ben, question = _asked_after_ada(client, engine)
    with session_scope(engine) as session:
        session.exec(update(Lease).values(expires_at=NOW - timedelta(days=1)))
    claim = ben.get("/v1/claims/p").json()
    assert (claim["label"], claim["answers"], claim["posterior"]) == (None, 0, question["prob"])
    assert ben.post("/v1/answers", json={"token": question["token"], "kind": "no"}).status_code == 200


@pytest.mark.parametrize("key", ["none", "a%2Fb", "%00", "%ED%A0%80", "..%2f..%2fetc", "x" * 3000])
def test_a_claim_that_is_not_there_is_not_found(client: ClientFn, key: str) -> None:
    response = client("Ada").get(f"/v1/claims/{key}")
    assert response.status_code == 404 and response.json()["title"] == "Not Found"


def test_any_key_of_a_graph_will_do(client: ClientFn, engine: Engine) -> None:
    with session_scope(engine) as session:
        save_graph(session, ArgumentGraph((Claim("a/b ü", "Odd.", 0.5),), (), (Root("a/b ü"),)), NOW)
    assert client("Ada").get("/v1/claims/a%2Fb%20%C3%BC").json()["text"] == "Odd."


def test_figures_are_worked_out_once_and_again_when_something_comes_in(engine: Engine) -> None:
    figures = Figures(engine)
    first = figures.known()
    assert figures.known() is first and first.result is not None
    with session_scope(engine) as session:
        add_root(session, "Are nails hard?", get_claim(session, "h"), NOW)
    second = figures.known()
    assert second.result is not None and len(second.result.graph.roots) == len(first.result.graph.roots) + 1


def test_answers_that_exclude_one_another_are_said_where_posteriors_stand(client: ClientFn, engine: Engine) -> None:
    graph = ArgumentGraph(
        (Claim("top", "Top.", 0.0), Claim("low", "Low.", 0.5)),
        (Argument("up", "top", "support", 1.0, (Premise("low"),)),),
        (Root("top"),),
        {"top": (1.0, 0.0), "low": (0.0, 1.0)},
    )
    with session_scope(engine) as session:
        save_graph(session, graph, NOW)
    roots = client("Ada").get("/v1/roots").json()
    assert roots["trouble"] and {one["posterior"] for one in roots["roots"]} == {None}


def test_counts_are_taken_now_and_then(client: ClientFn, monkeypatch: pytest.MonkeyPatch) -> None:
    ada = client("Ada")
    first = ada.get("/v1/stats").json()
    assert (first["open_questions"], first["answers"], first["claims"], first["roots"]) == (3, 0, 6, 2)
    ada.post("/v1/answers", json={"token": ada.post("/v1/question").json()["token"], "kind": "yes"})
    assert ada.get("/v1/stats").json() == first
    monkeypatch.setattr(figures, "STATS_SECONDS", 0.0)
    assert (ada.get("/v1/stats").json()["answers"], ada.get("/v1/stats").json()["raters"]) == (1, 1)
