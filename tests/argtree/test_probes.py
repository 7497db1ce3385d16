"""Random-sign probes against the sum over all roots."""

from __future__ import annotations

import numpy as np
import pytest

from argtree import (
    Argument,
    ArgumentGraph,
    Claim,
    ImpossibleEvidenceError,
    Normal,
    Premise,
    Quantity,
    Root,
    Threshold,
    propagate,
)
from argtree.probes import probe_values
from tests.argtree.random_graphs import joint, random_graph


def _with_many_roots(seed: int) -> ArgumentGraph:
    rng = np.random.default_rng([seed, 21])
    graph = random_graph(rng, 12)
    roots = tuple(Root(claim.id, float(rng.uniform(0, 2))) for claim in graph.claims)
    return ArgumentGraph(graph.claims, graph.arguments, roots, dict(graph.evidence))


@pytest.mark.parametrize("seed", range(8))
def test_probes_lie_about_the_sum_over_roots_within_their_errors(seed: int) -> None:
    graph = _with_many_roots(seed)
    exact = propagate(graph).value()
    probed = probe_values(graph, np.random.default_rng(seed), num_probes=400, num_exact=0)
    assert (np.abs(probed.value - exact) <= 5 * probed.standard_error + 1e-12).all()
    assert (probed.standard_error <= 0.2 * exact + 1e-12).all()


def test_the_best_are_exact() -> None:
    graph = _with_many_roots(3)
    exact = propagate(graph).value()
    probed = probe_values(graph, np.random.default_rng(0), num_probes=8, num_exact=3)
    settled = probed.standard_error == 0
    assert settled.sum() >= 3
    np.testing.assert_allclose(probed.value[settled], exact[settled], atol=1e-12)
    asked = [row for row, claim in enumerate(graph.claims) if graph.is_askable(claim.id)]
    assert settled[max(asked, key=lambda row: exact[row])]


@pytest.mark.parametrize("seed", range(40))
def test_impossible_evidence_is_refused(seed: int) -> None:
    graph = random_graph(np.random.default_rng([seed, 1]), 8, sharp=0.6)
    if joint(graph)[1].sum() == 0:
        with pytest.raises(ImpossibleEvidenceError):
            probe_values(graph, np.random.default_rng(0))


def test_one_probe_has_no_error_to_tell() -> None:
    with pytest.raises(ValueError, match="at least 2"):
        probe_values(_with_many_roots(0), np.random.default_rng(0), num_probes=1)


def test_claims_about_quantities_count() -> None:
    claims = [Claim("root", "", 0.1), Claim("short", "", 0.0, about=Threshold("x", "<", 1.0))]
    arguments = [Argument("a", "root", "support", 0.9, [Premise("short")])]
    graph = ArgumentGraph(claims, arguments, [Root("root")], quantities=[Quantity("x", "", "m", Normal(0.0, 1.0))])
    probed = probe_values(graph, np.random.default_rng(0))
    np.testing.assert_allclose(probed.value, propagate(graph).value(), atol=1e-12)
