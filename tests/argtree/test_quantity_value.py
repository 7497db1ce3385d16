"""The worth of a number against the worth of its claims, closed forms and quadrature."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import norm

from argtree import MEASURES, Argument, ArgumentGraph, Claim, Measure, Premise, Root, propagate
from argtree.distributions import LogNormal, Normal, Quantiles, Uniform
from argtree.graph import Measurement
from argtree.quantity_value import quantity_values
from tests.argtree.test_quantities import below, less, quantity

X, Y = quantity("x", Normal(1.0, 0.5)), quantity("y", Normal(1.3, 0.8))


def resting_on(*claims: Claim, strength: float = 0.8) -> ArgumentGraph:
    """A root with a support from each claim and one more that rests on nothing."""
    arguments = [Argument(claim.id, "r", "support", strength, (Premise(claim.id),)) for claim in claims]
    arguments.append(Argument("other", "r", "attack", 0.5, (Premise("p"),)))
    every = (Claim("r", "Root.", 0.1), Claim("p", "Plain.", 0.4), *claims)
    names = {
        name for claim in claims if claim.about for name in (claim.about.quantity, getattr(claim.about, "other", "x"))
    }
    return ArgumentGraph(every, tuple(arguments), (Root("r", 2.0),), {}, tuple(q for q in (X, Y) if q.id in names))


def worth(
    graph: ArgumentGraph, measure: Measure = "variance_reduction", seed: int = 0
) -> dict[str, tuple[float, float]]:
    found = quantity_values(graph, measure, np.random.default_rng(seed))
    return {one.quantity: (one.value, one.standard_error) for one in found}


@pytest.mark.parametrize("measure", MEASURES)
def test_a_number_with_one_threshold_is_worth_that_claim(measure: Measure) -> None:
    graph = replace(resting_on(below("x", 1.2, ">")), evidence={"r": (0.3, 0.6), "x>1.2": (0.2, 0.7)})
    value = propagate(graph).value(measure)[2]
    assert worth(graph, measure) == {"x": (pytest.approx(value, rel=1e-9), 0.0)}


def test_a_number_with_two_thresholds_is_worth_what_its_three_cells_tell() -> None:
    low, high = below("x", 0.8), below("x", 1.5, ">")
    graph = resting_on(low, high)
    prob = np.diff(norm.cdf([-np.inf, 0.8, 1.5, np.inf], 1.0, 0.5))
    root = np.array([1 - 0.9 * 0.2, 0.1, 1 - 0.9 * 0.2]) * (1 - 0.4 * 0.5)
    expected = 2 * (prob @ root**2 - (prob @ root) ** 2)
    value, error = worth(graph)["x"]
    assert value == pytest.approx(expected, rel=1e-12) and error == 0
    assert value > propagate(graph).value()[2:].max()  # more than either claim alone


def test_evidence_and_measurements_count() -> None:
    graph = resting_on(below("x", 0.8), below("x", 1.5))
    answered = replace(graph, evidence={"x<0.8": (1.0, 0.0), "x<1.5": (0.0, 1.0)})
    assert worth(answered)["x"] == (0.0, 0.0)
    measured = replace(graph, measurements=(Measurement("x", 1.2, 0.01),))
    assert worth(measured)["x"][0] < 1e-12 < worth(graph)["x"][0]


def given_x(x: float) -> float:
    """P(root | x) in the comparison below: normal y exceeds x, by the closed form."""
    return float((0.1 + 0.9 * 0.8 * norm.sf(x, 1.3, 0.8)) * (1 - 0.4 * 0.5))


H = {
    "variance_reduction": lambda g, m: (g - m) ** 2,
    "expected_shift": lambda g, m: abs(g - m),
    "mutual_information": lambda g, m: g * np.log(g / m) + (1 - g) * np.log((1 - g) / (1 - m)),
}


def by_quadrature(measure: Measure) -> float:
    def expect(f: object) -> float:
        return float(quad(lambda x: f(x) * norm.pdf(x, 1.0, 0.5), -3.5, 5.5, points=[0.0, 1.1, 1.3, 2.0], limit=300)[0])  # type: ignore[operator]

    mean = expect(given_x)
    return 2 * expect(lambda x: H[measure](given_x(x), mean))


@pytest.mark.parametrize("measure", MEASURES)
def test_compared_normals_agree_with_quadrature(measure: Measure) -> None:
    value, error = worth(resting_on(less("x", "y")), measure)["x"]
    assert abs(value - by_quadrature(measure)) < 4 * error
    assert error < 0.03 * value


def test_the_standard_error_is_honest() -> None:
    graph, truth = resting_on(less("x", "y")), by_quadrature("variance_reduction")
    scores = [(value - truth) / error for value, error in (worth(graph, seed=seed)["x"] for seed in range(40))]
    assert 0.7 < np.sqrt(np.mean(np.square(scores))) < 1.4  # 40 draws of a standard normal: 0.78 to 1.22 at 95 %
    assert abs(np.mean(scores)) < 0.6


def test_thresholds_under_a_comparison_and_evidence_agree_with_quadrature() -> None:
    graph = replace(resting_on(less("x", "y"), below("x", 1.1)), evidence={"x<y": (0.3, 0.9)})

    def weights(x: float) -> tuple[float, float]:
        """P(x < y or not, evidence | x)."""
        return float(0.9 * norm.sf(x, 1.3, 0.8)), float(0.3 * norm.cdf(x, 1.3, 0.8))

    def root(is_less: bool, x: float) -> float:
        return (1 - 0.9 * 0.2 ** (is_less + (x < 1.1))) * (1 - 0.4 * 0.5)

    def expect(f: object) -> float:
        parts = [(-3.0, 1.1), (1.1, 5.0)]
        return sum(float(quad(lambda x: f(x) * norm.pdf(x, 1.0, 0.5), *part)[0]) for part in parts)  # type: ignore[operator]

    def joint_root(x: float) -> float:
        return weights(x)[0] * root(True, x) + weights(x)[1] * root(False, x)

    total, mean = expect(lambda x: sum(weights(x))), expect(joint_root)
    truth = 2 * (expect(lambda x: joint_root(x) ** 2 / sum(weights(x))) / total - (mean / total) ** 2)
    value, error = worth(graph)["x"]
    assert abs(value - truth) < 4 * error and error < 0.03 * value


@pytest.mark.parametrize("measure", MEASURES)
def test_a_number_is_never_worth_less_than_one_of_its_thresholds(measure: Measure) -> None:
    graph = resting_on(below("x", -0.1), less("x", "y"), strength=0.05)
    rare = replace(graph, arguments=(*graph.arguments, Argument("z", "r", "support", 0.9, (Premise("x<-0.1"),))))
    value, error = worth(rare, measure)["x"]
    assert value >= propagate(rare).value(measure)[2] > 30 * error


@pytest.mark.parametrize("measure", MEASURES)
def test_a_root_that_a_threshold_rules_out_agrees_with_quadrature(measure: Measure) -> None:
    claims = (Claim("r", "Root.", 0.0), less("x", "y"), below("x", 1.1))
    arguments = (Argument("a", "r", "support", 0.9, (Premise("x<y"), Premise("x<1.1"))),)
    graph = ArgumentGraph(claims, arguments, (Root("r"),), {}, (X, Y))

    def expect(f: object) -> float:
        return float(quad(lambda x: f(0.9 * norm.sf(x, 1.3, 0.8)) * norm.pdf(x, 1.0, 0.5), -4.0, 1.1)[0])  # type: ignore[operator]

    mean = expect(lambda g: g)
    at_zero = {"variance_reduction": mean**2, "expected_shift": mean, "mutual_information": -np.log(1 - mean)}[measure]
    truth = expect(lambda g: H[measure](g, mean)) + norm.sf(1.1, 1.0, 0.5) * at_zero
    value, error = worth(graph, measure)["x"]
    assert abs(value - truth) < 4 * error + 1e-9 and error < 0.01 * value


def test_the_same_seed_gives_the_same_values_and_numbers_are_never_worth_less_than_nothing() -> None:
    quantities = tuple(
        map(quantity, "xyzv", (Normal(0, 1), LogNormal(0, 1), Uniform(0, 2), Quantiles(((0, 0), (1, 3)))))
    )
    claims = (less("x", "y"), less("y", "z"), below("z", 1.0), below("v", 1.0), Claim("r", "Root.", 0.2))
    arguments = (Argument("a", "r", "support", 0.9, (Premise("x<y"), Premise("y<z"), Premise("z<1.0", False))),)
    graph = ArgumentGraph(claims, arguments, (Root("r"),), {}, quantities)
    assert worth(graph, seed=3) == worth(graph, seed=3)
    assert list(worth(graph)) == ["x", "y", "z", "v"] and worth(graph)["v"] == (0.0, 0.0)
    assert all(value > 10 * error > 0 for value, error in list(worth(graph).values())[:3])


def test_without_quantities_there_is_nothing_to_learn() -> None:
    assert worth(ArgumentGraph((Claim("r", "Root.", 0.2),), (), (Root("r"),))) == {}
    with pytest.raises(ValueError, match="must be one of"):
        worth(resting_on(below("x", 1.0)), "luck")  # type: ignore[arg-type]
