"""The model's own questions: posed only where nothing else is left, few at once, good ones only, and people's first."""

import json
import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread
from typing import Any

import numpy as np
import pytest
from sqlalchemy import Engine
from typer.testing import CliRunner

from argtree import posing
from argtree.cli import app
from argtree.curiosity import LEAST_FINISHED
from argtree.daemon import run
from argtree.explorer import Explorer, utc_now
from argtree.outline import claims_below
from argtree.posing import PICKED_AT_ONCE, Curious
from models import prompts
from models.base import Reply, Scores
from models.elicitation import Elicitor
from models.embedding import HashedEmbedding
from models.everyday.world import load_world
from store.claims import closed_claims, find_claim, list_roots
from store.database import open_store, read_scope, session_scope
from store.graphs import load_graph
from store.own_questions import MOST_OWN, OWN_WEIGHT, own_roots
from store.posed import list_posed, pose
from store.tables import Root
from tests.argtree.test_daemon import QUESTION, wait_for
from tests.world_model import WorldModel


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    return open_store(f"sqlite:///{tmp_path / 'store.db'}")


def explored(engine: Engine, *questions: str) -> Explorer:
    explorer = Explorer(engine, Elicitor(WorldModel()), embedding=HashedEmbedding())
    explorer.add_questions(questions)
    while explorer.step(at_most=16):
        pass
    return explorer


def curious(explorer: Explorer, seed: int = 0) -> Curious:
    return Curious(explorer, HashedEmbedding(), seed)


def roots(engine: Engine) -> list[Root]:
    with read_scope(engine) as session:
        return list_roots(session)


@contextmanager
def running(explorer: Explorer, pose_fn: Callable[[Event], int] | None) -> Iterator[Thread]:
    stop = Event()
    thread = Thread(target=run, args=(explorer, stop, 0.01), kwargs={"pose_fn": pose_fn})
    thread.start()
    try:
        yield thread
    finally:
        stop.set()
        thread.join(timeout=30)
    assert not thread.is_alive()


def test_own_questions_are_new_ones_of_the_world_about_what_is_unsure_and_are_marked(engine: Engine) -> None:
    assert curious(explored(engine, QUESTION))(Event()) == PICKED_AT_ONCE
    people, *own = roots(engine)
    assert (people.posed_by, people.weight) == (None, 1.0)
    assert {(one.posed_by, one.weight) for one in own} == {("world", OWN_WEIGHT)}
    world = load_world()
    about = [world.parse_question(one.question) for one in own]
    assert all(one is not None and "a candle" in one.things for one in about) and len(set(about)) == PICKED_AT_ONCE


def test_show_says_of_which_roots_the_model_asked_itself(engine: Engine) -> None:
    curious(explored(engine, QUESTION))(Event())
    store = ["--store", str(engine.url)]
    assert "Asked by the model itself (world)." in CliRunner().invoke(app, ["show", "2", *store]).stdout
    assert "itself" not in CliRunner().invoke(app, ["show", "1", *store]).stdout


def test_same_store_and_seed_pose_the_same(tmp_path: Path) -> None:
    posed = []
    for name, seed in (("one", 0), ("other", 0), ("third", 1)):
        explorer = explored(open_store(f"sqlite:///{tmp_path / name}.db"), QUESTION)
        curious(explorer, seed)(Event())
        posed.append([root.question for root in roots(explorer.engine)])
    assert posed[0] == posed[1] != posed[2]


def test_few_roots_are_said_to_teach_nothing_and_enough_teach(
    engine: Engine, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.INFO, "argtree.daemon")
    explorer = explored(engine, QUESTION)
    curious(explorer)(Event())
    assert f"1 roots are explored, and it takes {LEAST_FINISHED}" in caplog.text
    caplog.clear()
    while explorer.step(at_most=16):
        pass
    monkeypatch.setattr(posing, "LEAST_FINISHED", 1 + PICKED_AT_ONCE)
    assert curious(explorer)(Event()) == PICKED_AT_ONCE
    assert "it takes" not in caplog.text and "Asks itself" in caplog.text


def test_daemon_asks_itself_when_nothing_is_left_to_explore_and_no_more_than_may_wait(engine: Engine) -> None:
    explorer = explored(engine, QUESTION)
    with running(explorer, curious(explorer)):
        wait_for(lambda: len(roots(engine)) == 1 + MOST_OWN and own_keys(engine) <= set(argued(engine)))
        Event().wait(0.3)
    assert len(roots(engine)) == 1 + MOST_OWN


def test_daemon_goes_on_after_expansions_that_bring_nothing(engine: Engine) -> None:
    """A handful of them in a row, which change nothing in the store, were once taken for having nothing to explore."""
    explorer = Explorer(engine, Elicitor(WorldModel()))
    explorer.add_question("Would honey be ruined by rain?")
    left: list[int] = []

    def pose_fn(stop: Event) -> int:
        left.append(len(explorer.step()))
        stop.set()
        return 0

    with running(explorer, pose_fn):
        wait_for(lambda: bool(left))
    assert left == [0]


def test_daemon_that_is_not_curious_asks_itself_nothing(engine: Engine) -> None:
    explorer = explored(engine, QUESTION)
    with running(explorer, None):
        Event().wait(0.3)
    assert len(roots(engine)) == 1


def test_daemon_that_has_something_to_explore_asks_itself_nothing(engine: Engine) -> None:
    explorer = Explorer(engine, Elicitor(WorldModel()))
    explorer.add_question(QUESTION)
    closed: list[bool] = []

    def pose_fn(stop: Event) -> int:
        with read_scope(engine) as session:
            claim = find_claim(session, "A candle would survive a drop from a roof.")
            closed.append(claim is not None and claim.key in closed_claims(session))
        return 0

    with running(explorer, pose_fn):
        wait_for(lambda: bool(closed))
    assert closed == [True]


def test_what_people_pose_meanwhile_or_a_stop_ends_the_posing(engine: Engine) -> None:
    explorer = explored(engine, QUESTION)
    stop = Event()
    stop.set()
    assert curious(explorer)(stop) == 0
    with session_scope(engine) as session:
        pose(session, "Would honey be ruined by rain?", "Ada", utc_now())
    assert curious(explorer)(Event()) == 0 and len(roots(engine)) == 1


def test_peoples_questions_are_explored_before_the_models_own(engine: Engine) -> None:
    explorer = explored(engine, QUESTION)
    curious(explorer)(Event())
    with session_scope(engine) as session:
        pose(session, "Would honey be ruined by rain?", "Ada", utc_now())
    with running(explorer, None):
        wait_for(lambda: own_keys(engine) <= set(argued(engine)))
    with read_scope(engine) as session:
        (theirs,) = list_posed(session)
    order = argued(engine)
    last = max(order.index(key) for key in under(engine, theirs.root) if key in order)
    assert last < min(order.index(key) for key in own_keys(engine))


def own_keys(engine: Engine) -> set[str]:
    with read_scope(engine) as session:
        return set(own_roots(session))


def argued(engine: Engine) -> list[str]:
    """The keys of argued claims in the order in which their first arguments came."""
    with read_scope(engine) as session:
        return list(dict.fromkeys(one.conclusion for one in load_graph(session).arguments))


def under(engine: Engine, key: str | None) -> list[str]:
    assert key is not None
    with read_scope(engine) as session:
        return claims_below(load_graph(session, [key]), key)


def test_own_question_that_people_ask_too_becomes_theirs(engine: Engine) -> None:
    explorer = explored(engine, QUESTION)
    curious(explorer)(Event())
    first, second = (root.question for root in roots(engine)[1:3])
    explorer.add_question(first)
    assert explorer.add_questions([second]) == []
    assert [root.posed_by for root in roots(engine)[:3]] == [None] * 3
    assert [root.weight for root in roots(engine)[:3]] == [1.0] * 3 and roots(engine)[3].posed_by == "world"


class Questioner:
    """A general model that poses what it is given, words a question as the claim that it asks, and is always unsure."""

    name = "questioner"
    is_general = True

    def __init__(self, *questions: str) -> None:
        self.reply = json.dumps({"questions": questions})
        self.prompts: list[str] = []

    def check_question(self, question: str) -> None:
        pass

    def complete(self, asked: Sequence[str], schema: dict[str, object], **options: Any) -> list[Reply]:
        self.prompts += asked
        return [Reply(self._said(one), 1, 1) for one in asked]

    def _said(self, prompt: str) -> str:
        if prompt.startswith(prompts.POSE):
            return self.reply
        if prompt.startswith(prompts.STATE):
            claim = prompt.removeprefix(prompts.STATE).replace("?", ".")
            return "I'd rather not." if "volcano" in claim else json.dumps({"claim": claim})
        return json.dumps({"arguments": []})

    def log_probs(self, asked: Sequence[str], continuations: Sequence[str]) -> Scores:
        """Even odds; two claims follow from each other if both are of jam."""
        even = np.full((len(asked), len(continuations)), np.log(0.25))
        for row, one in enumerate(asked):
            if one.startswith((prompts.IMPLIES, prompts.CAN_DIFFER)):
                is_yes = (one.count("jam") == 2) == one.startswith(prompts.IMPLIES)
                even[row] = [np.log(0.495 if (word.lower() == "yes") == is_yes else 0.005) for word in continuations]
        return Scores(even, (1,) * len(asked))


def test_ill_formed_known_and_nearly_known_questions_of_a_general_model_are_dropped_with_a_line(
    engine: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "argtree.daemon")
    model = Questioner(
        "Is jam sweeter than honey?",  # good
        "Is honey stickier than jam?",  # asked already
        "Is the honey stickier than a jam?",  # nearly
        "Is jam more sweet than honey?",  # says what the first says, as the model finds
        "What is jam?",
        "Is a volcano hot?",  # not worded as a claim
        "\u202eIs wax edible?",
        "Is wax edible?",  # good
    )
    explorer = Explorer(engine, Elicitor(model), embedding=HashedEmbedding())
    explorer.add_question("Is honey stickier than jam?")
    while explorer.step():
        pass
    assert curious(explorer)(Event()) == 2
    assert {root.question for root in roots(engine)[1:]} == {"Is jam sweeter than honey?", "Is wax edible?"}
    (asked,) = [one for one in model.prompts if one.startswith(prompts.POSE)]
    assert "\n- Is honey stickier than jam." in asked and "\nAsked already:\n- Is honey stickier than jam?" in asked
    dropped = [record.getMessage() for record in caplog.records if "Dropped a question" in record.getMessage()]
    assert len(dropped) == 5 and "\u202e" not in caplog.text


def test_model_whose_reply_is_no_use_asks_itself_nothing(engine: Engine) -> None:
    model = Questioner()
    explorer = Explorer(engine, Elicitor(model))
    explorer.add_question("Is honey stickier than jam?")
    model.reply = "Nothing comes to my mind."
    assert curious(explorer)(Event()) == 0 and explorer.elicitor.dropped == 1


def test_nothing_is_posed_where_nothing_is_believed(engine: Engine) -> None:
    assert curious(Explorer(engine, Elicitor(WorldModel())))(Event()) == 0
