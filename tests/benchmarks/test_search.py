"""The comparison of ways to search: its trees against the explorer's own, and its figures."""

from pathlib import Path

import numpy as np
import pytest

from argtree import ArgumentGraph, propagate
from argtree.explorer import Explorer
from argtree.search import breadth_first, choose_expansions
from benchmarks.search import Point, figures_of, interval, means_of_four
from benchmarks.search_trees import RememberingModel, grow, planted
from models.elicitation import Elicitor
from models.everyday.benchmark import read_benchmark
from store.database import read_scope
from store.graphs import load_graph
from tests.stores import new_store
from tests.world_model import WorldModel

QUESTIONS = [one.question for one in read_benchmark() if one.part == "explore"][:4]


def said(graph: ArgumentGraph) -> tuple[dict[str, float], set[tuple[object, ...]]]:
    """Priors by text, and arguments in words."""
    texts = {claim.id: claim.text for claim in graph.claims}
    arguments = {
        (texts[a.conclusion], a.polarity, a.strength, frozenset((texts[p.claim], p.holds) for p in a.premises))
        for a in graph.arguments
    }
    return {claim.text: claim.prior for claim in graph.claims}, arguments


@pytest.mark.parametrize("choose", [choose_expansions, breadth_first])
def test_a_tree_grown_here_is_the_one_that_the_explorer_grows_in_a_store(choose, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    model = RememberingModel(WorldModel(), tmp_path / "replies.jsonl")
    elicitor = Elicitor(model)
    grown = grow(elicitor, model, planted(elicitor, model, QUESTIONS), choose, [10**9])
    for question, (here,) in zip(QUESTIONS, grown, strict=True):
        engine = new_store(tmp_path / f"{question[:20]}.db")
        explorer = Explorer(engine, Elicitor(WorldModel()), choose_fn=choose)
        explorer.add_question(question)
        steps = 0
        while explorer.step():
            steps += 1
        with read_scope(engine) as session:
            graph = load_graph(session)
        engine.dispose()
        assert said(graph) == said(here.result.graph)
        assert here.result.root_prob == pytest.approx(propagate(graph).root_prob)


def test_within_a_budget_is_what_was_there_before_the_expansion_that_went_past(tmp_path: Path) -> None:
    model = RememberingModel(WorldModel(), tmp_path / "replies.jsonl")
    elicitor = Elicitor(model)
    (whole,) = grow(elicitor, model, planted(elicitor, model, QUESTIONS[:1]), choose_expansions, [10**9])
    budgets = [0, whole[0].tokens - 1, whole[0].tokens]
    (parts,) = grow(elicitor, model, planted(elicitor, model, QUESTIONS[:1]), choose_expansions, budgets)
    assert [one.expansions for one in parts] == [0, parts[1].expansions, whole[0].expansions]
    assert parts[1].tokens < parts[2].tokens == whole[0].tokens


def test_what_was_said_once_is_said_again_and_paid_again_after_a_kill_too(tmp_path: Path) -> None:
    file, world = tmp_path / "replies.jsonl", WorldModel()
    model = RememberingModel(world, file)
    (first,) = planted(Elicitor(model), model, QUESTIONS[:1])
    asked = len(world.prompts_seen)
    (second,) = planted(Elicitor(model), model, QUESTIONS[:1])
    assert second.tokens == first.tokens and len(world.prompts_seen) == asked
    file.write_text(file.read_text()[:-20])
    again = RememberingModel(WorldModel(), file)
    assert planted(Elicitor(again), again, QUESTIONS[:1])[0] == first


def test_interval_is_that_of_a_mean_over_questions_and_seeds() -> None:
    rng = np.random.default_rng(1)
    question, seed = rng.normal(size=400), rng.normal(size=50)
    of = interval(np.add.outer(seed, question))
    width = 1.96 * np.sqrt(question.var() / 400 + seed.var() / 50)  # of a sum of two independent means
    assert of["value"] == pytest.approx(question.mean() + seed.mean(), abs=1e-5)
    assert (of["high"] - of["low"]) / 2 == pytest.approx(width, rel=0.1)


def test_mean_of_four_takes_the_four_other_seeds_at_a_quarter_of_the_budget() -> None:
    best = [[[Point(seed / 10 + budget / 100, 5) for budget in range(3)]] for seed in range(5)]
    rows = means_of_four(best, [1, 2, 4])
    assert [row[0][2].prob for row in rows] == pytest.approx([(10 - seed) / 40 for seed in range(5)])
    assert rows[0][0][2].tokens == 20 and np.isnan(rows[0][0][1].prob)


def test_figures_by_hand() -> None:
    points = [[Point(0.8, 10, 1, 0.9)], [Point(0.4, 20, 2, 0.1)]]
    rows = {"best first": [points], "asked once": [[[Point(0.5, 3)], [Point(0.5, 3)]]]}
    found = figures_of(rows, np.array([1.0, 1.0]), 1)
    value = {figure: [one["value"] for one in of["best first"]] for figure, of in found.items() if "best first" in of}
    assert value["brier"] == pytest.approx([(0.04 + 0.36) / 2])
    assert value["accuracy"] == [0.5] and value["moved"] == pytest.approx([0.2])
    assert value["answered_brier"] == pytest.approx([(0.01 + 0.81) / 2])
    assert found["brier_difference"]["asked once"][0]["value"] == pytest.approx(0.05)
    assert "asked once" not in found["moved"]
