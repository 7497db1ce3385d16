"""Premises in other words: one claim where the model says so both ways, and only where no guard forbids it."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import Engine
from typer.testing import CliRunner

from argtree.cli import app
from argtree.explorer import Explorer
from argtree.merging import Merger
from models import prompts
from models.base import Reply, Scores
from models.elicitation import Elicitor
from models.embedding import HashedEmbedding
from store.aliases import list_merges
from store.claims import add_claim, add_root, find_claim, latest_beliefs, record_belief
from store.database import read_scope, session_scope
from store.graphs import load_graph
from tests.store.factories import NOW
from tests.stores import new_store

STORED = "Honey is heavier than water."
AGAIN = "Water is lighter than honey."
TURNED = "Water is heavier than honey."


class Comparer:
    """Proposes what it is given, believes all but what has no reason, and holds any two claims to say the same."""

    name = "comparer"
    is_general = True

    def __init__(self, *premises: str) -> None:
        stated = [{"claim": text, "holds": True} for text in premises]
        self.proposal = [{"polarity": "support", "strength": 0.8, "premises": [one]} for one in stated]
        self.compared: list[str] = []

    def check_question(self, question: str) -> None:
        pass

    def complete(self, prompts: Sequence[str], schema: dict[str, object], **options: Any) -> list[Reply]:
        return [Reply(json.dumps({"arguments": self.proposal}), 1, 1) for _ in prompts]

    def log_probs(self, asked: Sequence[str], continuations: Sequence[str]) -> Scores:
        self.compared += [one for one in asked if one.startswith(prompts.IMPLIES)]
        turned = (prompts.CAN_DIFFER, prompts.IS_TRUE_WITHOUT, prompts.IS_FALSE_GIVEN)
        turned += tuple(reading.text for reading in prompts.READINGS if reading.is_negated)
        yes = np.array([0.01 if one.startswith(turned) else 0.99 for one in asked])
        columns = [np.log((yes if word.lower() == "yes" else 1 - yes) / 2) for word in continuations]
        return Scores(np.stack(columns, axis=1), (1,) * len(asked))


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    engine = new_store(tmp_path / "store.db")
    with session_scope(engine) as session:
        root = add_claim(session, "Honey sinks.", 0.5, NOW)
        add_root(session, "Does honey sink?", root, NOW)
        record_belief(session, root, "comparer", "direct", 0.5, 1.0, NOW)
        add_claim(session, STORED, 0.7, NOW)
    return engine


def explorer_with(engine: Engine, *premises: str) -> Explorer:
    return Explorer(engine, Elicitor(Comparer(*premises)), embedding=HashedEmbedding())


def claim_texts(engine: Engine) -> list[str]:
    with read_scope(engine) as session:
        return [claim.text for claim in load_graph(session).claims]


def test_premise_that_says_a_claim_again_points_to_it(engine: Engine) -> None:
    explorer_with(engine, AGAIN).step()
    assert claim_texts(engine) == ["Honey sinks.", STORED]
    with read_scope(engine) as session:
        (merge,) = list_merges(session)
        graph = load_graph(session)
    assert (merge.text, merge.claim_text, merge.premises, merge.generation) == (AGAIN, STORED, 1, "comparer")
    assert [premise.claim for premise in graph.arguments[0].premises] == [merge.claim]


def test_guards_come_before_the_model(engine: Engine) -> None:
    explorer = explorer_with(engine, TURNED, "Honey is not heavier than water.")
    explorer.step()
    assert claim_texts(engine)[2:] == [TURNED, "Honey is not heavier than water."]
    assert isinstance(explorer.elicitor.model, Comparer) and explorer.elicitor.model.compared == []


def test_model_that_is_not_general_is_not_asked(engine: Engine) -> None:
    explorer = explorer_with(engine, AGAIN)
    assert isinstance(explorer.elicitor.model, Comparer)
    explorer.elicitor.model.is_general = False
    explorer.step()
    assert claim_texts(engine)[2:] == [AGAIN] and explorer.elicitor.model.compared == []


def test_reply_that_repeats_itself_brings_one_claim(engine: Engine) -> None:
    explorer_with(engine, "The two jars are large.", "The 2 jars are large.").step()
    assert claim_texts(engine)[2:] == ["The two jars are large."]


def test_claims_that_come_in_later_are_seen(engine: Engine) -> None:
    there = [(1, "Cats purr.")]
    merger = Merger(HashedEmbedding(), lambda last: [one for one in there if one[0] > last])
    elicitor = Elicitor(Comparer())
    assert merger.find(elicitor, ["In the sun, tar melts."]) == {}
    there.append((2, "Tar melts in the sun."))
    assert merger.find(elicitor, ["In the sun, tar melts."])["In the sun, tar melts."].claim_text == there[1][1]


def test_undone_at_the_command_line_it_is_believed_and_explored_anew(engine: Engine, tmp_path: Path) -> None:
    explorer = explorer_with(engine, AGAIN)
    explorer.step()
    store = ["--store", str(engine.url)]
    listed = json.loads(CliRunner().invoke(app, ["merges", "--json", *store]).stdout)
    assert [one["text"] for one in listed] == [AGAIN]
    assert AGAIN in CliRunner().invoke(app, ["merges", "--undo", str(listed[0]["number"]), *store]).stdout
    assert "undone" in CliRunner().invoke(app, ["merges", *store]).stdout
    explorer.step()
    with read_scope(engine) as session:
        own = find_claim(session, AGAIN)
        assert own is not None and own.text == AGAIN and own.key in latest_beliefs(session)
    assert AGAIN in claim_texts(engine)
