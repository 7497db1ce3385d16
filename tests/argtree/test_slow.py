"""Answers after exploring: closed book, open book, and questions that can't be worded."""

from pathlib import Path

import pytest

from argtree.errors import ImpossibleEvidenceError, TooEntangledError
from argtree.evidence import TRUSTED_RATER, answer_likelihood, product_likelihood
from argtree.explorer import Explorer, utc_now
from argtree.propagate import Propagator
from argtree.slow import labels_of, slow_answers
from models.elicitation import Elicitor
from models.everyday.world import load_world
from store import claims
from store.database import open_store, session_scope
from store.queue import next_question, submit_answer
from store.ranking import rerank
from store.raters import get_rater
from tests.world_model import WorldModel

QUESTION = "Would a candle survive a drop from a roof?"


def test_exploring_costs_calls_and_starts_from_nothing_each_time() -> None:
    elicitor, steps = Elicitor(WorldModel()), list[int]()
    first = slow_answers(elicitor, [QUESTION, QUESTION], 20, on_step=steps.append)
    assert steps == [1, 2] and first[0] == first[1]
    used = elicitor.calls
    slow_answers(elicitor, [QUESTION], 1)
    assert 40 <= used and elicitor.calls - used < 10


def test_labels_are_evidence_open_book() -> None:
    elicitor, world = Elicitor(WorldModel(sure=0.6)), load_world()
    statement = world.parse_question(QUESTION)
    assert statement is not None
    for wanted in (True, False):
        said = product_likelihood([(float(wanted), TRUSTED_RATER)] * 3)
        (prob,) = slow_answers(elicitor, [QUESTION], 5, {world.text(statement): said})
        assert (prob > 0.9) == wanted and (prob < 0.1) != wanted


def test_labels_come_from_the_answers_in_a_store(tmp_path: Path) -> None:
    engine = open_store(str(tmp_path / "store.db"))
    explorer = Explorer(engine, Elicitor(WorldModel(sure=0.6)))
    root = explorer.add_question(QUESTION)
    explorer.step([root])
    with session_scope(engine) as session:
        rerank(session, Propagator(only_askable=True), utc_now())
        ada = get_rater(session, "ada", utc_now())
        asked = next_question(session, ada, utc_now())
        assert asked is not None and asked.text
        submit_answer(session, asked.token, ada, "yes", None, utc_now())
        assert labels_of(session) == {asked.text: answer_likelihood(1.0)}
        assert claims.find_claim(session, asked.text) is not None


def test_question_of_no_world_is_a_toss_up() -> None:
    class Stranger(WorldModel):
        def check_question(self, question: str) -> None:
            from models.everyday.world import check_question

            check_question(question)

    assert slow_answers(Elicitor(Stranger()), ["Is it so?"], 5) == [0.5]


@pytest.mark.parametrize("questions", [[]])
def test_nothing_asked_nothing_said(questions: list[str]) -> None:
    assert slow_answers(Elicitor(WorldModel()), questions, 5) == []


@pytest.mark.parametrize("error", [ImpossibleEvidenceError, TooEntangledError])
def test_tree_without_a_posterior_says_nothing(error: type[Exception], monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> None:
        raise error

    monkeypatch.setattr(Explorer, "root_probs", fails)
    assert slow_answers(Elicitor(WorldModel()), [QUESTION], 1) == [0.5]
