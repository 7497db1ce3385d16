"""Layers joined: what is kept between runs, what is sampled, and long chains of labels."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import count

import numpy as np
import pytest

from argtree import (
    Argument,
    ArgumentGraph,
    Budget,
    Claim,
    ImpossibleEvidenceError,
    Premise,
    Propagator,
    Root,
    propagate,
    sampling,
)
from argtree import plan as plan_module
from argtree.core import Core
from argtree.explain import explain
from argtree.layers import Allowance
from argtree.report import Report
from argtree.sampling import SamplingSolver
from tests.argtree.random_graphs import random_graph


def test_a_new_likelihood_needs_no_new_plan_and_a_new_argument_does() -> None:
    graph = random_graph(np.random.default_rng(4), 12)
    labelled = replace(graph, evidence={claim: (0.2, 0.7) for claim in graph.evidence})
    propagator = Propagator()
    propagator(labelled)
    before = propagator._plan
    other = replace(graph, evidence={claim: (0.9, 0.3) for claim in graph.evidence})
    np.testing.assert_allclose(propagator(other).difference, propagate(other).difference, atol=1e-12)
    assert propagator._plan is before
    arguments = tuple(replace(one, strength=one.strength / 2) for one in graph.arguments)
    changed = replace(other, arguments=arguments)
    np.testing.assert_allclose(propagator(changed).prob, propagate(changed).prob, atol=1e-12)
    assert propagator._plan is not before


def _sampled(core: Core, allowance: Allowance) -> SamplingSolver:
    """Samples any core, six rounds by its own clock."""
    ticks, rng, budget = count(), np.random.default_rng(1), Budget(precision=1e-12)
    return SamplingSolver(core, rng=rng, budget=budget, clock_fn=lambda: float(next(ticks)), seconds=6)


def test_sampled_cores_meet_with_errors_that_cover_the_truth(monkeypatch: pytest.MonkeyPatch) -> None:
    covered: list[bool] = []
    for seed in range(12):
        graph = random_graph(np.random.default_rng([seed, 8]), 14)
        graph = replace(graph, evidence={}, roots=(Root(graph.claims[0].id),))
        exact = propagate(graph)
        with monkeypatch.context() as context:
            context.setattr(plan_module, "prepare", _sampled)
            sampled = propagate(graph)
        assert exact.exact
        covered += (np.abs(sampled.prob - exact.prob) <= 3 * sampled.prob_error + 1e-9).tolist()
        covered += (np.abs(sampled.value() - exact.value()) <= 4 * sampled.value_error() + 1e-6).tolist()
    assert np.mean(covered) > 0.97


def test_a_state_that_no_sample_had_has_an_error_without_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    claims = [Claim("a", "", 0.5), Claim("b", "", 0.5), *(Claim(name, "", 0.0) for name in "cdef")]
    arguments = []
    for place, name in enumerate("cdef", start=2):
        premises = [Premise(claim.id) for claim in claims[:place]]
        arguments += [Argument(f"{name}{one.claim}", name, "support", 1e-9, [one]) for one in premises]
    graph = ArgumentGraph(claims, arguments, [Root("f")])
    monkeypatch.setattr(sampling, "MAX_ENTRIES", 4)
    monkeypatch.setattr(plan_module, "prepare", _sampled)
    result = propagate(graph)
    never = (result.prob == 0) | (result.prob == 1)
    assert never.any() and np.isinf(result.prob_error[never]).all() and np.isfinite(result.prob_error[~never]).all()
    reported = Report(result, result, {}, "variance_reduction", 0.0)
    for claim in claims:
        shown = reported.to_json() | reported.explanation_to_json(explain(result, claim.id))
        json.dumps(shown, allow_nan=False)  # infinity is no JSON


def test_a_chain_of_ten_thousand_labels_does_not_underflow() -> None:
    # Each label has probability about 1/2: together 2^-10000, and the least double is 2^-1074.
    size = 10_000
    claims = tuple(Claim(f"c{i}", "", 0.2 if i < size - 1 else 0.5) for i in range(size))
    arguments = tuple(Argument(f"a{i}", f"c{i}", "support", 0.6, (Premise(f"c{i + 1}"),)) for i in range(size - 1))
    evidence = {claim.id: (0.5, 0.6) for claim in claims}
    result = propagate(ArgumentGraph(claims, arguments, (Root("c0"),), evidence))
    below = 0.5
    for i in range(size - 1, -1, -1):
        if i < size - 1:
            below = 0.2 + 0.8 * 0.6 * below
        below = 0.6 * below / (0.6 * below + 0.5 * (1 - below))
    assert result.prob[0] == pytest.approx(below, rel=1e-12)
    assert np.isfinite(result.prob).all() and result.value()[0] > 0


def test_tiny_differences_on_a_tree_keep_their_digits() -> None:
    claims = tuple(Claim(f"c{i}", "", 0.3) for i in range(13))
    arguments = tuple(Argument(f"a{i}", f"c{i}", "support", 0.1, (Premise(f"c{i + 1}"),)) for i in range(12))
    result = propagate(ArgumentGraph(claims, arguments, (Root("c0"),)))
    np.testing.assert_allclose(result.difference[0], 0.07 ** np.arange(13), rtol=1e-12)


def test_evidence_against_what_always_holds_is_impossible() -> None:
    claims = (Claim("c", "", 0.0), Claim("p", "", 1.0))
    argument = Argument("a", "c", "support", 1.0, (Premise("p"),))
    with pytest.raises(ImpossibleEvidenceError, match="'c' is false"):
        propagate(ArgumentGraph(claims, (argument,), (Root("c"),), {"c": (1.0, 0.0)}))
