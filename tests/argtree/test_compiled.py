"""Flat arrays, and what certain claims decide beforehand, against enumeration."""

from __future__ import annotations

import numpy as np
import pytest

from argtree import Argument, ArgumentGraph, Claim, ImpossibleEvidenceError, Premise
from argtree.compiled import UNKNOWN, compile_graph, fold_certain
from tests.argtree.random_graphs import joint, random_graph


def test_what_is_folded_as_certain_is_certain_and_no_longer_read() -> None:
    num_certain = 0
    for seed in range(200):
        graph = random_graph(np.random.default_rng([seed, 5]), 8, seed % 2 == 0, sharp=0.6)
        states, weight = joint(graph)
        if weight.sum() == 0:
            continue
        folded, known = fold_certain(compile_graph(graph))
        certain = known != UNKNOWN
        num_certain += int(certain.sum())
        np.testing.assert_allclose((weight @ states / weight.sum())[certain], known[certain], atol=1e-12)
        assert not certain[folded.premise].any()
    assert num_certain > 300


def test_every_claim_lies_above_its_premises() -> None:
    for seed in range(50):
        graph = compile_graph(random_graph(np.random.default_rng(seed), 9))
        assert (graph.level[graph.conclusion[graph.argument]] > graph.level[graph.premise]).all()
        assert (graph.level[~graph.is_argued] == 0).all()


def test_a_premise_named_twice_counts_once_and_a_contradiction_never_fires() -> None:
    claims = [Claim("root", "", 0.1), Claim("p", "", 0.4)]
    twice = Argument("twice", "root", "support", 0.5, (Premise("p"), Premise("p")))
    never = Argument("never", "root", "support", 0.9, (Premise("p"), Premise("p", False)))
    folded, _ = fold_certain(compile_graph(ArgumentGraph(tuple(claims), (twice, never))))
    assert folded.strength.tolist() == [0.5] and folded.premise.tolist() == [1]


def test_evidence_against_everything_is_impossible() -> None:
    with pytest.raises(ImpossibleEvidenceError, match="'c'"):
        compile_graph(ArgumentGraph((Claim("c", "", 0.5),), evidence={"c": (0.0, 0.0)}))
