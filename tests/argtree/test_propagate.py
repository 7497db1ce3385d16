"""`propagate` against the whole joint by enumeration, outside software, and sizes that break naive code."""

from __future__ import annotations

import json
import math
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from argtree import (
    MEASURES,
    Argument,
    ArgumentGraph,
    Budget,
    Claim,
    ImpossibleEvidenceError,
    Measure,
    Premise,
    Propagation,
    Root,
    propagate,
    read_graph,
)
from argtree import circuit as circuit_module
from tests.argtree.random_graphs import joint, random_graph

TOLERANCE = 1e-10


def _entropy(p: float) -> float:
    return -sum(q * math.log(q) for q in (p, 1 - p) if q > 0)


def _enumerated_value(measure: Measure, p: float, r1: float, r0: float) -> float:
    """DESIGN.md's formulas, letter for letter."""
    if measure == "variance_reduction":
        return p * (1 - p) * (r1 - r0) ** 2
    if measure == "expected_shift":
        return 2 * p * (1 - p) * abs(r1 - r0)
    return _entropy(p * r1 + (1 - p) * r0) - p * _entropy(r1) - (1 - p) * _entropy(r0)


def _assert_equals_enumeration(graph: ArgumentGraph) -> None:
    states, weight = joint(graph)
    if weight.sum() == 0:
        with pytest.raises(ImpossibleEvidenceError):
            propagate(graph)
        return
    result = propagate(graph)
    weight /= weight.sum()
    prob = weight @ states
    assert result.exact
    np.testing.assert_allclose(result.prob, prob, atol=TOLERANCE, rtol=0)
    expected = {measure: np.zeros(len(prob)) for measure in MEASURES}
    shift = np.zeros(len(prob))
    for r, root in enumerate(graph.roots):
        is_root = states[:, graph.index[root.claim]] == 1
        for c in range(len(prob)):
            r1, r0 = (_conditional(weight, is_root, states[:, c] == state) for state in (1, 0))
            np.testing.assert_allclose(result.root_if_true[r, c], r1, atol=TOLERANCE, rtol=0)
            np.testing.assert_allclose(result.root_if_false[r, c], r0, atol=TOLERANCE, rtol=0)
            if not math.isnan(r1 + r0):
                shift[c] += root.weight * (r1 - r0) ** 2
                for measure in MEASURES:
                    expected[measure][c] += root.weight * _enumerated_value(measure, prob[c], r1, r0)
    np.testing.assert_allclose(result.shift(), shift, atol=TOLERANCE, rtol=0)
    for measure in MEASURES:
        np.testing.assert_allclose(result.value(measure), expected[measure], atol=TOLERANCE, rtol=0)


def _conditional(weight: np.ndarray, event: np.ndarray, given: np.ndarray) -> float:
    total = weight[given].sum()
    return float(weight[given & event].sum() / total) if total > 0 else math.nan


@pytest.mark.parametrize("tree", [True, False])
@pytest.mark.parametrize("batch", range(8))
def test_equals_enumeration_on_random_graphs(batch: int, tree: bool) -> None:
    for seed in range(20 * batch, 20 * batch + 20):
        _assert_equals_enumeration(random_graph(np.random.default_rng([seed, tree]), 9, tree))


def test_equals_enumeration_on_ten_claims() -> None:
    for seed in range(6):
        _assert_equals_enumeration(random_graph(np.random.default_rng([seed, 10]), 10, sharp=0.05))


def test_equals_enumeration_with_mostly_zeros_and_ones() -> None:
    for seed in range(60):
        _assert_equals_enumeration(random_graph(np.random.default_rng([seed, 7]), 7, sharp=0.7))


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.integers(0, 2**32), st.integers(1, 7), st.booleans(), st.floats(0, 1))
def test_equals_enumeration_on_any_graph(seed: int, size: int, tree: bool, sharp: float) -> None:
    _assert_equals_enumeration(random_graph(np.random.default_rng(seed), size, tree, sharp))


def test_convolving_in_parts_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(circuit_module, "_MAX_PRODUCTS_AT_ONCE", 1)
    for seed in range(40):
        _assert_equals_enumeration(random_graph(np.random.default_rng([seed, 0]), 9))


@pytest.mark.parametrize(
    "name",
    [
        "asia",
        "asia_smoker",
        "win95pts",
        "aralia_chinese",
        "aralia_das9201",
        "aralia_edf9206",
        "aralia_edfpa15r",
        "aralia_isp9602",
    ],
)
def test_agrees_with_outside_software(outside_graphs: Path, name: str) -> None:
    graph = read_graph(outside_graphs / f"{name}.json")
    expected = json.loads((outside_graphs / f"{name}.expected.json").read_text())
    result = propagate(graph)
    assert result.prob[graph.index[graph.roots[0].claim]] == pytest.approx(expected["root_prob"], abs=1e-9)
    for claim, prob in expected.get("posterior", {}).items():
        assert result.prob[graph.index[claim]] == pytest.approx(prob, abs=1e-9)
    for measure in MEASURES:
        value = result.value(measure)
        for row in expected["values"]:
            assert value[graph.index[row["claim"]]] == pytest.approx(row[measure], abs=1e-9)


def _support(conclusion: str, strength: float, *premises: str) -> Argument:
    return Argument(f"{premises[0]}->{conclusion}", conclusion, "support", strength, [Premise(p) for p in premises])


def _seconds_and_result(graph: ArgumentGraph) -> tuple[float, Propagation]:
    start = time.process_time()
    result = propagate(graph)
    return time.process_time() - start, result


def test_a_chain_of_ten_thousand_claims() -> None:
    size = 10_000
    claims = [Claim(f"c{i}", "", 0.1 if i < size - 1 else 0.5) for i in range(size)]
    arguments = [_support(f"c{i}", 0.999, f"c{i + 1}") for i in range(size - 1)]
    seconds, result = _seconds_and_result(ArgumentGraph(claims, arguments, [Root("c0")]))
    prob = 0.5
    for _ in range(size - 1):
        prob = 0.1 + 0.9 * 0.999 * prob
    assert result.prob[0] == pytest.approx(prob, abs=1e-12)
    assert result.shift()[1] == pytest.approx((0.9 * 0.999) ** 2)
    assert result.shift()[100] == pytest.approx((0.9 * 0.999) ** 200)
    assert seconds < 15  # some 2 s on a free core


def test_evidence_whose_probability_underflows() -> None:
    # 0.5^1100 is zero in double precision.
    size = 1100
    claims = [Claim("root", "", 0.25), *(Claim(f"c{i}", "", 0.5) for i in range(size))]
    graph = ArgumentGraph(
        claims,
        [_support(f"c{i}", 0.001, "root") for i in range(size)],
        [Root("root")],
        {f"c{i}": (0.0, 0.5) for i in range(size)},
    )
    odds = math.exp(math.log(0.25 / 0.75) + size * math.log((1 - 0.5 * 0.999) / 0.5))
    assert propagate(graph).prob[0] == pytest.approx(odds / (1 + odds), rel=1e-11)


def test_independent_likelihoods_of_one_half_change_nothing() -> None:
    claims = [Claim(f"c{i}", "", 0.3) for i in range(1100)]
    graph = ArgumentGraph(claims, (), [Root("c0")], {claim.id: (0.5, 0.5) for claim in claims})
    np.testing.assert_allclose(propagate(graph).prob, 0.3, rtol=1e-14)


def test_a_claim_with_a_thousand_arguments() -> None:
    strengths = np.random.default_rng(0).uniform(0, 0.003, 1000)
    claims = [Claim("root", "", 0.2), *(Claim(f"c{i}", "", 0.3) for i in range(1000))]
    arguments = [_support("root", float(w), f"c{i}") for i, w in enumerate(strengths)]
    result = propagate(ArgumentGraph(claims, arguments, [Root("root")]))
    off = 0.8 * np.prod(1 - 0.3 * strengths)
    assert result.prob[0] == pytest.approx(1 - off, abs=1e-12)
    np.testing.assert_allclose(result.root_if_false[0, 1:], 1 - off / (1 - 0.3 * strengths), atol=1e-12)


def test_an_argument_with_a_hundred_premises() -> None:
    claims = [Claim("root", "", 0.2), *(Claim(f"c{i}", "", 0.99) for i in range(100))]
    result = propagate(ArgumentGraph(claims, [_support("root", 0.5, *(c.id for c in claims[1:]))], [Root("root")]))
    assert result.prob[0] == pytest.approx(1 - 0.8 * (1 - 0.5 * 0.99**100), abs=1e-12)
    np.testing.assert_allclose(result.root_if_true[0, 1:], 1 - 0.8 * (1 - 0.5 * 0.99**99), atol=1e-12)
    np.testing.assert_allclose(result.root_if_false[0, 1:], 0.2, atol=1e-12)


def test_tiny_probabilities_keep_their_digits() -> None:
    # A transform with negative entries would leave 1e-20 as the difference of two ones.
    claims = [Claim("root", "", 0.0), *(Claim(f"c{i}", "", 1e-20) for i in range(6))]
    arguments = [_support("root", 1.0, f"c{i}") for i in range(6)]
    result = propagate(ArgumentGraph(claims, arguments, [Root("root")], {"root": (0.0, 1.0)}))
    np.testing.assert_allclose(result.prob[1:], 1 / 6, rtol=1e-12)


def test_an_attack_of_strength_one_has_the_last_word() -> None:
    claims = [Claim("root", "", 1.0), Claim("exception", "", 0.25)]
    attack = Argument("a", "root", "attack", 1.0, [Premise("exception")])
    result = propagate(ArgumentGraph(claims, [attack], [Root("root", 2.0)]))
    assert result.prob.tolist() == [0.75, 0.25]
    assert result.value("variance_reduction")[1] == pytest.approx(2 * 0.25 * 0.75)
    assert result.value("mutual_information")[1] == pytest.approx(2 * _entropy(0.25))


def test_certain_claims_teach_nothing() -> None:
    claims = [Claim("root", "", 0.1), Claim("sure", "", 1.0), Claim("seen", "", 0.4)]
    arguments = [_support("root", 0.5, "sure"), _support("root", 0.5, "seen")]
    result = propagate(ArgumentGraph(claims, arguments, [Root("root")], {"seen": (0.0, 0.3)}))
    assert result.prob.tolist() == [pytest.approx(1 - 0.9 * 0.25), 1.0, 1.0]
    assert result.value()[1:].tolist() == [0.0, 0.0]
    assert np.isnan(result.root_if_false[0, 1:]).all()


def test_no_roots_make_all_values_zero() -> None:
    result = propagate(ArgumentGraph([Claim("c", "", 0.5)]))
    assert result.root_if_true.shape == (0, 1)
    assert result.value().tolist() == result.shift().tolist() == [0.0]


def test_a_graph_without_claims() -> None:
    assert propagate(ArgumentGraph(())).prob.shape == (0,)


def test_impossible_evidence_is_named() -> None:
    claims = [Claim(name, "", 0.5 if name == "cause" else 0.0) for name in ("cause", "effect", "other")]
    evidence = {"other": (0.9, 0.1), "cause": (1.0, 0.0), "effect": (0.0, 1.0)}
    with pytest.raises(ImpossibleEvidenceError, match="'effect' is true.*given the evidence on 'cause'"):
        propagate(ArgumentGraph(claims, [_support("effect", 0.7, "cause")], (), evidence))


def test_evidence_impossible_either_way_is_named() -> None:
    with pytest.raises(ImpossibleEvidenceError, match="'c'"):
        propagate(ArgumentGraph([Claim("c", "", 0.5)], evidence={"c": (0.0, 0.0)}))


def test_what_is_too_entangled_is_sampled_with_its_errors_within_the_budget() -> None:
    rng = np.random.default_rng(0)
    claims = tuple(Claim(f"c{i}", "", 0.3) for i in range(200))
    arguments = tuple(
        Argument(f"a{i}.{k}", f"c{i}", "support", 0.2, tuple(Premise(f"c{j}") for j in rng.choice(i, 3, replace=False)))
        for i in range(20, 200)
        for k in range(4)
    )
    result = propagate(ArgumentGraph(claims, arguments, (Root("c199"),)), Budget(seconds=6))
    assert result.layers == ("tree", "sampling") and not result.exact
    assert 0 < result.prob_error[199] < 0.1
    best = int(np.argmax(result.value()[:20]))
    assert 0 < result.value_error()[best] < np.inf


def test_an_unknown_measure_is_refused() -> None:
    with pytest.raises(ValueError, match="'entropy'"):
        propagate(ArgumentGraph([Claim("c", "", 0.5)])).value("entropy")  # type: ignore[arg-type]
