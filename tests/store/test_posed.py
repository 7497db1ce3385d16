from datetime import UTC, datetime

import pytest
from sqlalchemy import Engine
from sqlalchemy.exc import IntegrityError

from argtree.graph import ArgumentGraph, Claim, Root
from store.database import read_scope, session_scope
from store.errors import StoreError
from store.graphs import save_graph
from store.posed import MAX_LENGTH, MAX_WAITING, PosedQuestion, list_posed, next_posed, pose, settle_posed

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def test_a_posed_question_waits_until_it_is_a_root(engine: Engine) -> None:
    with session_scope(engine) as session:
        save_graph(session, ArgumentGraph((Claim("r", "It floats.", 0.5),), (), (Root("r"),)), NOW)
        first = pose(session, "  Does it\n float? ", "Ada", NOW)
        pose(session, "Does it sink?", "Ben", NOW)
        assert next_posed(session) == first and first.text == "Does it float?" and first.stage == "waiting"
        settle_posed(session, first.id, NOW, root="r")
    with read_scope(engine) as session:
        sinks, floats = list_posed(session)
        assert next_posed(session) == sinks and (floats.root, floats.stage) == ("r", "explored")


def test_a_refusal_keeps_its_sentence(engine: Engine) -> None:
    with session_scope(engine) as session:
        posed = pose(session, "Why?", "Ada", NOW)
        settle_posed(session, posed.id, NOW, refusal="It must be a question about yes or no.")
        (there,) = list_posed(session)
    assert there.stage == "refused" and there.refusal == "It must be a question about yes or no."


def test_the_same_words_wait_once(engine: Engine) -> None:
    with session_scope(engine) as session:
        assert pose(session, "Does it float?", "Ada", NOW) == pose(session, "Does it  float?", "Ben", NOW)


@pytest.mark.parametrize(
    ("text", "said"), [(" \n", "is empty"), ("x" * (MAX_LENGTH + 1), "2,001 characters"), ("\ud800", "half a char")]
)
def test_what_cannot_be_posed_is_a_sentence(engine: Engine, text: str, said: str) -> None:
    with session_scope(engine) as session, pytest.raises(StoreError, match=said):
        pose(session, text, "Ada", NOW)


def test_only_so_many_wait(engine: Engine) -> None:
    with session_scope(engine) as session:
        session.add_all(PosedQuestion(text=str(n), asked_by="Ada", posed_at=NOW) for n in range(MAX_WAITING))
        session.flush()
        with pytest.raises(StoreError, match="argtree daemon"):
            pose(session, "One more?", "Ada", NOW)


def test_it_is_settled_in_one_way_and_only_with_a_root_that_is_there(engine: Engine) -> None:
    with session_scope(engine) as session:
        posed = pose(session, "Does it float?", "Ada", NOW)
        with pytest.raises(ValueError, match="either"):
            settle_posed(session, posed.id, NOW)
        with pytest.raises(StoreError, match="not a root"):
            settle_posed(session, posed.id, NOW, root="none")
        session.add(PosedQuestion(text="x", asked_by="Ada", posed_at=NOW, refusal="No."))
        with pytest.raises(IntegrityError, match="is_waiting_or_settled"):
            session.flush()
        session.rollback()
