"""Distributions of numbers against scipy.stats and adaptive quadrature."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from scipy.integrate import quad

from argtree.distributions import (
    Belief,
    LogNormal,
    Measured,
    Normal,
    Panels,
    Quantiles,
    Uniform,
    measure,
    typical,
)

POINTS = Quantiles(((0.0, -1.0), (0.25, 0.0), (0.75, 0.5), (1.0, 4.0)))


@pytest.mark.parametrize(
    "belief, reference",
    [
        (Normal(1.5, 0.25), stats.norm(1.5, 0.25)),
        (LogNormal(0.5, 0.75), stats.lognorm(0.75, scale=np.exp(0.5))),
        (Uniform(-2.0, 3.0).quantiles, stats.uniform(-2.0, 5.0)),
        (measure(Uniform(-2.0, 3.0), [(2.5, 1.5)]), stats.truncnorm(-3, 1 / 3, 2.5, 1.5)),
        (measure(Normal(1.0, 2.0), [(3.0, 2.0)]), stats.norm(2.0, np.sqrt(2.0))),
    ],
)
def test_agrees_with_scipy(belief: Belief, reference: stats.rv_continuous) -> None:
    x = np.array([-3.0, -1.7, 0.3, 1.0, 1.6, 2.9, 8.0])
    np.testing.assert_allclose(belief.cdf(x), reference.cdf(x), rtol=1e-11, atol=1e-15)
    np.testing.assert_allclose(belief.sf(x), reference.sf(x), rtol=1e-11, atol=1e-15)
    np.testing.assert_allclose(belief.pdf(x), reference.pdf(x), rtol=1e-11, atol=1e-15)
    u = np.array([0.02, 0.3, 0.9])
    np.testing.assert_allclose(belief.ppf(u), reference.ppf(u), rtol=1e-6)


@pytest.mark.parametrize("before", [LogNormal(0.0, 0.8), LogNormal(0.0, 5.0), POINTS])
@pytest.mark.parametrize("value, sd", [(1.3, 0.4), (0.1, 0.01), (3.0, 20.0)])
def test_a_measurement_is_bayes_rule(before: LogNormal | Quantiles, value: float, sd: float) -> None:
    belief = measure(before, [(value, sd)])

    def weight(x: float) -> float:
        return float(before.pdf(x) * stats.norm.pdf(value, x, sd))

    low, high, middle = before.edges[0], before.edges[-1], value + sd / 2
    cuts = sorted({*(x for x in (-1, 0, 0.5, 4, value - 9 * sd, value + 9 * sd, *before.ppf([0.01, 0.5])) if x > 0)})

    def integral(start: float, end: float) -> float:
        between = [start, *(cut for cut in cuts if start < cut < end), min(end, 1e4)]
        return sum(quad(weight, a, b, epsabs=0, epsrel=1e-11, limit=500)[0] for a, b in zip(between, between[1:]))  # noqa: B905

    below, above = integral(max(low, -1.0), middle), integral(middle, high)
    assert belief.cdf(middle) == pytest.approx(below / (below + above), rel=1e-7)
    assert belief.sf(middle) == pytest.approx(above / (below + above), rel=1e-7)


def test_several_measurements_are_as_good_as_one_after_the_other() -> None:
    both = measure(Normal(0.0, 1.0), [(1.0, 0.5), (2.0, 0.25)])
    first = measure(Normal(0.0, 1.0), [(1.0, 0.5)])
    assert isinstance(first, Normal) and isinstance(both, Normal)
    again = measure(first, [(2.0, 0.25)])
    assert isinstance(again, Normal)
    assert (both.mean, both.sd) == (pytest.approx(again.mean), pytest.approx(again.sd))
    pooled = measure(LogNormal(0.0, 1.0), [(1.0, 1e-50), (1.0, 1e50)])
    assert isinstance(pooled, Measured) and (pooled.value, pooled.sd) == (1.0, 1e-50)


def test_typical_is_median_and_spread() -> None:
    assert typical(Normal(3.0, 0.5)) == (pytest.approx(3.0), pytest.approx(0.5))
    assert typical(Uniform(0.0, 1.0).quantiles) == (pytest.approx(0.5), pytest.approx(0.3413447))


def test_panels_integrate_to_every_point() -> None:
    panels = Panels.between(np.linspace(0.0, 3.0, 7))
    at_nodes, total = panels.cumulate(np.exp(panels.nodes))
    np.testing.assert_allclose(at_nodes, np.exp(panels.nodes) - 1, rtol=1e-13, atol=1e-15)
    assert total == pytest.approx(np.exp(3.0) - 1, rel=1e-14)


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda: Normal(0.0, 0.0), "sd is 0.0"),
        (lambda: Normal(float("nan"), 1.0), "mean is nan"),
        (lambda: Normal(1e200, 1.0), "mean is 1e\\+200"),
        (lambda: LogNormal(0.0, -1.0), "sigma is -1.0"),
        (lambda: LogNormal(0.0, 11.0), "sigma is 11.0; it must be at most 10"),
        (lambda: LogNormal(400.0, 1.0), "mu is 400.0"),
        (lambda: Uniform(1.0, 1.0), "low must be less than high"),
        (lambda: Quantiles(((0.0, 1.0),)), "there are 1 quantiles"),
        (lambda: Quantiles(((0.1, 1.0), (1.0, 2.0))), "first quantile"),
        (lambda: Quantiles(((0.0, 1.0), (1.0, 1.0))), "must both rise"),
    ],
)
def test_what_is_no_distribution_is_refused(make: type, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()
