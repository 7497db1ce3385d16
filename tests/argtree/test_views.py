"""What each root can see: the same figures for less."""

from __future__ import annotations

import numpy as np

from argtree import Argument, ArgumentGraph, Claim, ImpossibleEvidenceError, Premise, Root, propagate
from argtree.compiled import compile_graph, fold_certain
from argtree.views import by_root
from tests.argtree.random_graphs import random_graph


def test_askable_claims_get_the_figures_of_the_whole_graph() -> None:
    for seed in range(200):
        graph = random_graph(np.random.default_rng([seed, 11]), 11, seed % 3 == 0, sharp=0.1 * (seed % 2))
        try:
            entire = propagate(graph)
        except ImpossibleEvidenceError:
            continue
        seen = propagate(graph, only_askable=True)
        askable = [graph.index[claim.id] for claim in graph.claims if graph.is_askable(claim.id)]
        np.testing.assert_allclose(seen.prob, entire.prob, atol=1e-12)
        np.testing.assert_allclose(seen.difference[:, askable], entire.difference[:, askable], atol=1e-11)
        np.testing.assert_allclose(seen.value()[askable], entire.value()[askable], atol=1e-11)


def test_roots_that_share_a_premise_see_no_more_than_their_own_trees() -> None:
    claims = tuple(Claim(name, "", 0.4) for name in ("r", "s", "shared", "own"))
    arguments = (
        Argument("a", "r", "support", 0.7, (Premise("shared"),)),
        Argument("b", "s", "support", 0.7, (Premise("shared"), Premise("own"))),
    )
    graph = ArgumentGraph(claims, arguments, (Root("r"), Root("s")))
    folded, _ = fold_certain(compile_graph(graph))
    askable = np.array([False, False, True, True])
    views = by_root(folded, np.array([0, 1]), askable)
    assert views.claim.tolist() == [0, 2, 1, 2, 3] and views.roots.tolist() == [0, 2]
    askable[1] = True  # an answer about s would tell about what r rests on
    assert by_root(folded, np.array([0, 1]), askable).claim.tolist() == [0, 1, 2, 3, 1, 2, 3]
