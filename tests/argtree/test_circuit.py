"""The compiled polynomial against the whole joint by enumeration, whatever the kind of number."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
import pytest

from argtree.circuit import Circuit, compile_circuit
from argtree.compiled import compile_graph, fold_certain
from argtree.factors import FactorGraph, build_factors
from argtree.graph import ArgumentGraph
from tests.argtree.random_graphs import joint, random_graph

DTYPES = [np.float64, np.longdouble, np.complex128]


def _graph(seed: int) -> ArgumentGraph:
    return replace(random_graph(np.random.default_rng([seed, 77]), 8, sharp=0.0), evidence={})


def _enumerated(graph: ArgumentGraph, indicators: dict[int, np.ndarray]) -> tuple[Any, dict[int, np.ndarray]]:
    """The polynomial and its derivatives [2] by each indicator [2], straight from the definition."""
    states, weight = joint(graph)
    for row, claim in enumerate(graph.claims):
        if not graph.arguments_for(claim.id):  # its prior is part of its indicator
            weight /= np.where(states[:, row] == 1, claim.prior, 1 - claim.prior)
    terms = {row: indicators[row][states[:, row]] for row in indicators}
    total = np.prod([weight.astype(complex), *terms.values()], axis=0).sum()
    derivatives = {}
    for row in indicators:
        rest = np.prod([weight.astype(complex), *(t for other, t in terms.items() if other != row)], axis=0)
        derivatives[row] = np.array([rest[states[:, row] == state].sum() for state in (0, 1)])
    return total, derivatives


def _random_indicators(graph: FactorGraph, seed: int, num_variants: int, dtype: Any) -> dict[int, np.ndarray]:
    rng = np.random.default_rng(seed)
    found = {row: rng.random((int(rng.choice([1, num_variants])), 2)).astype(dtype) for row in range(graph.num_claims)}
    if dtype is np.complex128:
        return {row: indicator + 1e-3j * rng.normal(size=indicator.shape) for row, indicator in found.items()}
    return found


def _variant(indicators: dict[int, np.ndarray], variant: int) -> dict[int, np.ndarray]:
    return {
        row: np.broadcast_to(pair, (variant + 1, 2))[-1] if len(pair) == 1 else pair[variant]
        for row, pair in indicators.items()
    }


@pytest.mark.parametrize("dtype", DTYPES)
def test_value_and_derivatives_equal_enumeration(dtype: Any) -> None:
    for seed in range(20):
        graph, factors = _graph(seed), build_factors(fold_certain(compile_graph(_graph(seed)))[0])
        indicators = _random_indicators(factors, seed, 3, dtype)
        circuit = compile_circuit(factors)
        evaluation = circuit.evaluate(indicators)
        assert evaluation is not None and evaluation.total.dtype == dtype
        totals = np.broadcast_to(evaluation.total * np.exp(evaluation.log_scale), 3)
        found = {row: np.broadcast_to(table, (3, 2)) for row, table in circuit.differentiate(evaluation).items()}
        expected = [_enumerated(graph, _variant(indicators, variant)) for variant in range(3)]
        np.testing.assert_allclose(totals, [total for total, _ in expected], rtol=1e-12)
        for row, table in found.items():
            wanted = np.array([derivatives[row] for _, derivatives in expected])
            scale = table.sum() / wanted.sum()
            np.testing.assert_allclose(table, scale * wanted, rtol=1e-11, atol=1e-14)


def _conditioned(factors: FactorGraph) -> tuple[list[int], np.ndarray]:
    """The rows of up to three claims, and all their states [B, K]."""
    rows = list(range(factors.num_claims))[:3]
    return rows, np.array(list(product((0, 1), repeat=len(rows))))


def _summed_over_slices(circuit: Circuit, indicators: dict[int, np.ndarray], states: np.ndarray) -> Any:
    evaluation = circuit.evaluate(indicators, states)
    assert evaluation is not None
    total = np.broadcast_to(evaluation.total, len(states)) * np.exp(evaluation.log_scale)
    derivatives = circuit.differentiate(evaluation)
    return total, {row: np.broadcast_to(table, (len(states), 2)).sum(axis=0) for row, table in derivatives.items()}


def test_conditioned_variants_sum_to_the_whole() -> None:
    for seed in range(30):
        graph, factors = _graph(seed), build_factors(fold_certain(compile_graph(_graph(seed)))[0])
        indicators = _random_indicators(factors, seed, 1, np.float64)
        rows, states = _conditioned(factors)
        circuit = compile_circuit(factors, rows)
        totals, derivatives = _summed_over_slices(circuit, indicators, states)
        total, expected = _enumerated(graph, _variant(indicators, 0))
        np.testing.assert_allclose(totals.sum(), total.real, rtol=1e-12)
        for row, table in derivatives.items():
            np.testing.assert_allclose(table / table.sum(), expected[row].real / expected[row].real.sum(), rtol=1e-11)


def test_a_step_along_the_imaginary_axis_gives_a_derivative() -> None:
    for seed in range(10):
        graph, factors = _graph(seed), build_factors(fold_certain(compile_graph(_graph(seed)))[0])
        indicators = _random_indicators(factors, seed, 1, np.float64)
        row = next(iter(indicators))
        _, expected = _enumerated(graph, _variant(indicators, 0))
        step = {other: pair + 1e-100j * (other == row) * np.array([[0.0, 1.0]]) for other, pair in indicators.items()}
        evaluation = compile_circuit(factors).evaluate(step)
        assert evaluation is not None
        found = evaluation.total.imag[0] * np.exp(evaluation.log_scale) / 1e-100
        assert found == pytest.approx(expected[row][1].real, rel=1e-12)


def test_variants_of_very_different_size_keep_their_ratio() -> None:
    factors = build_factors(fold_certain(compile_graph(_graph(3)))[0])
    rows = list(range(factors.num_claims))
    indicators = {row: np.array([[1.0, 1.0], [1e-30, 1e-30]]) for row in rows}
    evaluation = compile_circuit(factors).evaluate(indicators)
    assert evaluation is not None
    assert evaluation.total[1] / evaluation.total[0] == pytest.approx(1e-30 ** len(rows), rel=1e-12)


def test_only_claims_can_be_conditioned() -> None:
    factors = FactorGraph(1, [2, 2], [])
    with pytest.raises(ValueError, match="variable 1 is a maximum"):
        compile_circuit(factors, [1])
