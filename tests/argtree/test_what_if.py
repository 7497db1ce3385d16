"""What the figures would be, against the joint by enumeration."""

from __future__ import annotations

import numpy as np
import pytest

from argtree import Argument, ArgumentGraph, Claim, ImpossibleEvidenceError, Premise, Root, propagate
from argtree.what_if import suppose
from tests.argtree.random_graphs import joint, random_graph


def _chain(evidence: dict[str, tuple[float, float]] | None = None) -> ArgumentGraph:
    claims = [Claim("root", "", 0.1), Claim("a", "", 0.5), Claim("b", "", 0.3)]
    arguments = [
        Argument("1", "root", "support", 0.9, [Premise("a")]),
        Argument("2", "a", "attack", 0.8, [Premise("b")]),
    ]
    return ArgumentGraph(claims, arguments, [Root("root")], evidence or {})


def _fitted(states: np.ndarray, weight: np.ndarray, wanted: dict[int, float]) -> np.ndarray:
    """Iterative proportional fitting on the whole joint: returns P(claim)."""
    prob = weight / weight.sum()
    for _ in range(2000):
        for column, target in wanted.items():
            true = states[:, column] == 1
            prob = np.where(true, prob * target / prob[true].sum(), prob * (1 - target) / prob[~true].sum())
    return np.asarray(prob @ states)


def test_certain_answer_is_conditioning() -> None:
    result = propagate(_chain())
    row = result.graph.index["b"]
    assert suppose(result, {"b": 1.0}).prob[0] == pytest.approx(result.root_if_true[0, row])
    assert suppose(result, {"b": 0.0}).prob[0] == pytest.approx(result.root_if_false[0, row])


def test_probability_mixes_the_two_certain_answers() -> None:
    """Jeffrey's rule: P'(root) = P(root | b) P'(b) + P(root | not b) P'(not b)."""
    result = propagate(_chain({"b": (0.2, 0.7)}))
    after = suppose(result, {"b": 0.25})
    assert after.prob[2] == pytest.approx(0.25)
    assert after.prob[0] == pytest.approx(0.25 * result.root_if_true[0, 2] + 0.75 * result.root_if_false[0, 2])


def test_several_probabilities_all_hold_as_on_the_whole_joint() -> None:
    rng = np.random.default_rng(5)
    for _ in range(8):
        graph = random_graph(rng, max_claims=6, sharp=0.0)
        chosen = rng.choice(len(graph.claims), min(3, len(graph.claims)), replace=False)
        wanted = {int(row): float(rng.uniform(0.3, 0.7)) for row in chosen}
        after = suppose(propagate(graph), {graph.claims[row].id: prob for row, prob in wanted.items()})
        assert after.prob == pytest.approx(_fitted(*joint(graph), wanted), abs=1e-6)


def test_nothing_given_changes_nothing() -> None:
    result = propagate(_chain())
    assert suppose(result, {}) is result
    assert suppose(result, {"b": 0.3}) is result


def test_contradictions_are_said() -> None:
    result = propagate(_chain({"b": (1.0, 0.0)}))
    with pytest.raises(ImpossibleEvidenceError, match="'b' is false; it cannot be supposed to be true"):
        suppose(result, {"b": 1.0})
    with pytest.raises(ImpossibleEvidenceError, match="'b' is certainly false"):
        suppose(result, {"b": 0.5})
    same = ArgumentGraph(
        [Claim("x", "", 0.5), Claim("y", "", 0.0)], [Argument("1", "y", "support", 1.0, [Premise("x")])]
    )
    with pytest.raises(ImpossibleEvidenceError, match="cannot hold together: 'x' = 0.2, 'y' = 0.7"):
        suppose(propagate(same), {"x": 0.2, "y": 0.7})
    with pytest.raises(ValueError, match="must lie in"):
        suppose(result, {"a": 1.5})
