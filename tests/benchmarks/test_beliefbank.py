"""Asking about real facts: the graphs, and that solving many sets of evidence at once is what propagation gives."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from argtree import propagate
from benchmarks.beliefbank import FIGURES, Job, believe, run_job
from benchmarks.beliefbank_graphs import Bank, Numbers, Solver, build_graph, estimate, read_bank

SMALL = Bank(
    {"wren": {"bird": True, "fish": False, "tree": False, "sings": True}, "cod": {"bird": False, "fish": True}},
    (("bird", "sings"),),
    (("bird", "fish"), ("bird", "tree"), ("fish", "tree")),
    (("bird", "fish", "tree"),),
)


@pytest.fixture(scope="module")
def bank() -> Bank:
    """The outside data."""
    folder = Path(os.environ.get("ARGTREE_DATA") or "absent") / "data" / "beliefbank"
    if not folder.is_dir():
        pytest.skip("ARGTREE_DATA has no data/beliefbank")
    return read_bank(folder)


def test_many_sets_of_evidence_at_once_give_what_propagation_gives() -> None:
    beliefs = believe(dict(SMALL.facts["wren"]), 0.3, np.random.default_rng(0))
    graph = build_graph(SMALL, "wren", Numbers(0.2, 0.1, 0.95, 0.9), beliefs, SMALL.facts["wren"])
    evidence = np.ones((len(graph.claims), 2))
    for claim, pair in beliefs.items():
        evidence[graph.index[claim]] = pair
    solver, wanted = Solver(graph), propagate(graph)
    assert solver.posteriors(evidence[np.newaxis])[0] == pytest.approx(wanted.prob, abs=1e-12)
    assert solver.differences(evidence, [0, 1, 2, 3])[:4] == pytest.approx(wanted.difference[:, :4], abs=1e-12)


def test_one_true_kind_attacks_every_other_of_its_group() -> None:
    certain = {"bird": (0.0, 1.0)}
    graph = build_graph(SMALL, "wren", Numbers(0.2, 0.1, 0.95, 0.9), certain, ["sings"])
    prob = propagate(graph).prob
    assert prob[graph.index["fish"]] == pytest.approx(0.1 * 0.1)
    assert prob[graph.index["tree"]] == pytest.approx(0.1 * 0.1)


@pytest.mark.parametrize("wrong", [0.1, 0.4])
def test_the_stated_share_of_beliefs_is_wrong_and_they_are_calibrated(wrong: float) -> None:
    facts = {str(n): n % 2 == 0 for n in range(20_000)}
    beliefs = believe(facts, wrong, np.random.default_rng(0))
    assert np.mean([(pair[1] > 0.5) != facts[claim] for claim, pair in beliefs.items()]) == pytest.approx(
        wrong, abs=0.01
    )
    likely = [facts[claim] for claim, pair in beliefs.items() if 0.6 < pair[1] < 0.7]
    assert np.mean(likely) == pytest.approx(0.65, abs=0.03)


def test_the_graphs_hold_the_constraints_and_the_constraints_the_facts(bank: Bank) -> None:
    assert sorted(bank.facts) == ["adder", "albatross", "ant", "ape", "cypress", "daffodil"]
    covered = {(a, b) for group in bank.groups for i, a in enumerate(group) for b in group[i + 1 :]}
    assert covered == set(bank.excludes)
    for entity, facts in bank.facts.items():
        build_graph(bank, entity, estimate(bank, entity), {}, facts)  # it runs in no circle
        assert all(facts.get(target, True) for source, target in bank.implies if facts.get(source))
        assert not any(facts.get(target) for source, target in bank.excludes if facts.get(source))


def test_every_arm_starts_from_the_same_beliefs(bank: Bank) -> None:
    figures = run_job(Job("ape", 0, 0.4, "half"), bank, 1)
    starts = [rows[0] for arm, rows in figures.items() if arm != "no graph"]
    assert all(start == starts[0] for start in starts)
    assert all(len(rows) == 2 and len(rows[1]) == len(FIGURES) for arm, rows in figures.items() if arm != "no graph")
