"""What is known of a number: distributions, integrals over them, and what measuring it does to them.

All of them are continuous, so that two numbers are equal, or one sits exactly on a threshold, with probability 0.
Not here: which claims rest on a number (`graph`), and what follows for them (`quantities`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from numbers import Real
from typing import cast

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtr, ndtri

FloatArray = NDArray[np.float64]

LARGEST = 1e100
"""No number here is larger in size, and no spread smaller than its inverse: so that squares stay finite."""
MAX_LOG_MEAN, MAX_LOG_SD = 300.0, 10.0  # of a log-normal: its 38 standard deviations stay finite
FINEST = 1e-9  # a measurement's error is at least this part of its value: finer ones drown in rounding

_REACH = 38.0  # standard deviations beyond which a normal density is zero in double precision
_STEP = 0.5  # of a panel, in standard deviations
_POINTS = 16  # of Gauss-Legendre quadrature in a panel: exact to rounding for a normal density half a deviation wide


@dataclass(frozen=True)
class Normal:
    """Normal with a mean and a standard deviation, both in the quantity's unit."""

    mean: float
    sd: float  # positive

    def __post_init__(self) -> None:
        check_number("mean", self.mean)
        check_positive("sd", self.sd)

    def cdf(self, x: ArrayLike) -> FloatArray:
        """Returns P(number < x)."""
        return cast(FloatArray, ndtr((np.asarray(x, float) - self.mean) / self.sd))

    def sf(self, x: ArrayLike) -> FloatArray:
        """Returns P(number > x), not as a difference from 1."""
        return cast(FloatArray, ndtr((self.mean - np.asarray(x, float)) / self.sd))

    def pdf(self, x: ArrayLike) -> FloatArray:
        """Returns the density at x, per unit."""
        return _normal_pdf(np.asarray(x, float), self.mean, self.sd)

    def ppf(self, prob: ArrayLike) -> FloatArray:
        """Returns the x with P(number < x) = prob."""
        return cast(FloatArray, self.mean + self.sd * ndtri(prob))

    @property
    def edges(self) -> FloatArray:
        """Panels between which the density is smooth and outside which it is 0, in increasing order."""
        return self.mean + self.sd * _grid(_REACH, _STEP)


@dataclass(frozen=True)
class LogNormal:
    """A number whose natural logarithm is normal with mean `mu` and standard deviation `sigma`; its median is e^mu."""

    mu: float  # in [-MAX_LOG_MEAN, MAX_LOG_MEAN]
    sigma: float  # in (0, MAX_LOG_SD]

    def __post_init__(self) -> None:
        check_number("mu", self.mu)
        check_positive("sigma", self.sigma)
        if abs(self.mu) > MAX_LOG_MEAN:
            raise ValueError(f"mu is {self.mu!r}; it must lie in [-{MAX_LOG_MEAN:g}, {MAX_LOG_MEAN:g}]")
        if self.sigma > MAX_LOG_SD:
            raise ValueError(f"sigma is {self.sigma!r}; it must be at most {MAX_LOG_SD:g}")

    @property
    def _log(self) -> Normal:
        return Normal(self.mu, self.sigma)

    def cdf(self, x: ArrayLike) -> FloatArray:
        """Returns P(number < x)."""
        return self._log.cdf(_log_or_less(x))

    def sf(self, x: ArrayLike) -> FloatArray:
        """Returns P(number > x), not as a difference from 1."""
        return self._log.sf(_log_or_less(x))

    def pdf(self, x: ArrayLike) -> FloatArray:
        """Returns the density at x, per unit."""
        x = np.asarray(x, float)
        return np.where(x > 0, self._log.pdf(_log_or_less(x)) / np.where(x > 0, x, 1.0), 0.0)

    def ppf(self, prob: ArrayLike) -> FloatArray:
        """Returns the x with P(number < x) = prob."""
        return np.exp(self._log.ppf(prob))

    @property
    def edges(self) -> FloatArray:
        """Panels between which the density is smooth and outside which it is 0, in increasing order."""
        return np.exp(self.mu + self.sigma * _grid(_REACH, min(_STEP, _STEP / self.sigma)))


@dataclass(frozen=True)
class Quantiles:
    """Empirical quantiles with straight lines between: the density is constant between two neighbours."""

    points: tuple[tuple[float, float], ...]  # (P(number < value), value), both rising; probabilities from 0 to 1

    def __post_init__(self) -> None:
        object.__setattr__(self, "points", tuple((prob, value) for prob, value in self.points))
        if len(self.points) < 2:
            raise ValueError(f"there are {len(self.points)} quantiles; there must be at least two")
        for prob, value in self.points:
            check_number("a quantile's probability", prob)
            check_number("a quantile's value", value)
        if self.points[0][0] != 0 or self.points[-1][0] != 1:
            raise ValueError("the first quantile's probability must be 0 and the last one's 1")
        if any(not (a[0] < b[0] and a[1] < b[1]) for a, b in zip(self.points, self.points[1:], strict=False)):
            raise ValueError("the quantiles' probabilities and values must both rise from each to the next")

    @cached_property
    def _probs(self) -> FloatArray:
        return np.array([prob for prob, _ in self.points], dtype=np.float64)

    @cached_property
    def edges(self) -> FloatArray:
        """Panels between which the density is smooth and outside which it is 0, in increasing order."""
        return np.array([value for _, value in self.points], dtype=np.float64)

    def cdf(self, x: ArrayLike) -> FloatArray:
        """Returns P(number < x)."""
        return np.asarray(np.interp(np.asarray(x, float), self.edges, self._probs))

    def sf(self, x: ArrayLike) -> FloatArray:
        """Returns P(number > x)."""
        return np.asarray(np.interp(np.asarray(x, float), self.edges, 1 - self._probs))

    def pdf(self, x: ArrayLike) -> FloatArray:
        """Returns the density at x, per unit; at a quantile that of the panel above it."""
        density = np.concatenate([[0.0], np.diff(self._probs) / np.diff(self.edges), [0.0]])
        return np.asarray(density[np.searchsorted(self.edges, x, side="right")])

    def ppf(self, prob: ArrayLike) -> FloatArray:
        """Returns the x with P(number < x) = prob."""
        return np.asarray(np.interp(np.asarray(prob, float), self._probs, self.edges))


@dataclass(frozen=True)
class Uniform:
    """Equally likely anywhere between two bounds."""

    low: float
    high: float  # above low

    def __post_init__(self) -> None:
        check_number("low", self.low)
        check_number("high", self.high)
        if not self.low < self.high:
            raise ValueError(f"low is {self.low!r} and high {self.high!r}; low must be less than high")

    @property
    def quantiles(self) -> Quantiles:
        """The same distribution by its two quantiles."""
        return Quantiles(((0.0, self.low), (1.0, self.high)))


Distribution = Normal | LogNormal | Uniform | Quantiles
"""What a quantity may be given as."""


@dataclass(frozen=True)
class Measured:
    """A distribution times the likelihood of a normal error: Bayes' rule by quadrature."""

    before: LogNormal | Quantiles
    value: float  # what was measured
    sd: float  # standard deviation of the error

    @cached_property
    def _panels(self) -> Panels:
        outer = self.before.edges
        near = self.value + self.sd * _grid(_REACH, _STEP)
        return Panels.between(outer, near[(near > outer[0]) & (near < outer[-1])])

    @cached_property
    def _masses(self) -> FloatArray:
        return self._panels.integrals(self._weight(self._panels.nodes))

    @property
    def total(self) -> float:
        """The probability density of the measurement, per unit; 0 where it is too small to compute with."""
        return float(self._masses.sum())

    @property
    def edges(self) -> FloatArray:
        """Panels between which the density is smooth and outside which it is 0, in increasing order."""
        return self._panels.edges

    def cdf(self, x: ArrayLike) -> FloatArray:
        """Returns P(number < x)."""
        x, panel = self._locate(x)
        below = np.concatenate([[0.0], np.cumsum(self._masses)])[panel]
        return np.minimum((below + self._integral(self.edges[panel], x)) / self.total, 1.0)

    def sf(self, x: ArrayLike) -> FloatArray:
        """Returns P(number > x), not as a difference from 1."""
        x, panel = self._locate(x)
        above = np.concatenate([np.cumsum(self._masses[::-1])[::-1], [0.0]])[panel + 1]
        return np.minimum((above + self._integral(x, self.edges[panel + 1])) / self.total, 1.0)

    def pdf(self, x: ArrayLike) -> FloatArray:
        """Returns the density at x, per unit."""
        return self._weight(np.asarray(x, float)) / self.total

    def ppf(self, prob: ArrayLike) -> FloatArray:
        """Returns the x with P(number < x) = prob: by interpolation between nodes, then two steps of Newton's."""
        prob = np.asarray(prob, float)
        nodes = self._panels.nodes.ravel()
        at_nodes = self._panels.cumulate(self._weight(self._panels.nodes))[0].ravel() / self.total
        after = np.clip(np.searchsorted(at_nodes, prob), 1, len(nodes) - 1)
        x = np.interp(prob, at_nodes, nodes)
        for _ in range(2):
            density = self.pdf(x)
            step = np.where(density > 0, (self.cdf(x) - prob) / np.where(density > 0, density, 1.0), 0.0)
            x = np.clip(x - step, nodes[after - 1], nodes[after])
        return np.asarray(x)

    def _weight(self, x: FloatArray) -> FloatArray:
        return self.before.pdf(x) * _normal_pdf(x, self.value, self.sd)

    def _locate(self, x: ArrayLike) -> tuple[FloatArray, NDArray[np.intp]]:
        inside = np.clip(np.asarray(x, float), self.edges[0], self.edges[-1])
        panel = np.searchsorted(self.edges, inside, side="right") - 1
        return inside, np.minimum(panel, len(self.edges) - 2)

    def _integral(self, start: FloatArray, end: FloatArray) -> FloatArray:
        half = (end - start)[..., np.newaxis] / 2
        values = self._weight(start[..., np.newaxis] + half * (1 + _NODES))
        return np.asarray((values * half) @ _WEIGHTS)


Belief = Normal | LogNormal | Quantiles | Measured
"""What is known of a number once its measurements are taken in; all have cdf, sf, pdf, ppf and edges."""


def measure(distribution: Distribution, measurements: Sequence[tuple[float, float]]) -> Belief:
    """Returns the distribution after measurements (value, standard deviation of its normal error).

    Likelihoods of independent measurements multiply; those of normal errors make one normal likelihood around the
    mean weighted by precision. With a normal distribution the result is normal (Gelman et al. 2013, *Bayesian Data
    Analysis*, section 2.5); with the others it is integrated numerically.
    """
    if isinstance(distribution, Uniform):
        distribution = distribution.quantiles
    if not measurements:
        return distribution
    if isinstance(distribution, Normal):
        value, sd = _pooled([*measurements, (distribution.mean, distribution.sd)])
        return Normal(value, sd)
    return Measured(distribution, *_pooled(measurements))


def typical(belief: Belief) -> tuple[float, float]:
    """Returns the median and half the width of the central 68 %: a normal's mean and standard deviation."""
    low, middle, high = belief.ppf(ndtr(np.array([-1.0, 0.0, 1.0]))).tolist()
    return middle, (high - low) / 2


@dataclass(frozen=True)
class Panels:
    """A line cut into P panels with Gauss-Legendre points in each: integrals of what is smooth within panels."""

    edges: FloatArray  # [P + 1], rising

    @classmethod
    def between(cls, *edges: Iterable[float] | FloatArray) -> Panels:
        """Returns the panels between all these edges."""
        return cls(np.unique(np.concatenate([np.asarray(some, dtype=np.float64) for some in edges])))

    @cached_property
    def half_widths(self) -> FloatArray:
        """[P] half of each panel's width."""
        return np.diff(self.edges) / 2

    @cached_property
    def nodes(self) -> FloatArray:
        """[P, n] where a function is to be evaluated."""
        return self.edges[:-1, np.newaxis] + self.half_widths[:, np.newaxis] * (1 + _NODES)

    def integrals(self, values: FloatArray) -> FloatArray:
        """Returns [P] the integral over each panel of a function given at the nodes."""
        return np.asarray(self.half_widths * (values @ _WEIGHTS))

    def cumulate(self, values: FloatArray) -> tuple[FloatArray, float]:
        """Returns the integrals from the first edge to every node [P, n], and the integral over all."""
        whole = self.integrals(values)
        before = np.concatenate([[0.0], np.cumsum(whole)])
        within = self.half_widths[:, np.newaxis] * (values @ _TO_NODES.T)
        return before[:-1, np.newaxis] + within, float(before[-1])


def _spectral_integration() -> FloatArray:
    """Returns [n, n]: times a polynomial's values at the nodes, its integrals from -1 to each node."""
    series = np.linalg.inv(np.polynomial.legendre.legvander(_NODES, _POINTS - 1))  # values -> Legendre coefficients
    integrated = np.polynomial.legendre.legint(series, lbnd=-1, axis=0)
    return np.asarray(np.polynomial.legendre.legvander(_NODES, _POINTS) @ integrated)


_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(_POINTS)
_TO_NODES = _spectral_integration()


def _pooled(measurements: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """Returns the mean weighted by precision, and its standard deviation."""
    smallest = min(sd for _, sd in measurements)
    weights = [(smallest / sd) ** 2 for _, sd in measurements]  # in units of the best, so that nothing overflows
    mean = sum(weight * value for weight, (value, _) in zip(weights, measurements, strict=True)) / sum(weights)
    return float(mean), float(smallest / np.sqrt(sum(weights)))


def _normal_pdf(x: FloatArray, mean: float, sd: float) -> FloatArray:
    with np.errstate(over="ignore", under="ignore"):
        return np.asarray(np.exp(-0.5 * ((x - mean) / sd) ** 2) / (sd * np.sqrt(2 * np.pi)))


def _log_or_less(x: ArrayLike) -> FloatArray:
    x = np.asarray(x, float)
    return np.where(x > 0, np.log(np.where(x > 0, x, 1.0)), -np.inf)


def _grid(reach: float, step: float) -> FloatArray:
    return np.linspace(-reach, reach, 1 + 2 * int(np.ceil(reach / step)))


def check_number(name: str, value: float) -> None:
    """Raises ValueError, naming the number, if it is none or too large."""
    if isinstance(value, bool) or not isinstance(value, Real) or not -LARGEST <= value <= LARGEST:  # NaN too
        raise ValueError(f"{name} is {value!r}; it must be a number in [-{LARGEST:g}, {LARGEST:g}]")


def check_positive(name: str, value: float) -> None:
    """Raises ValueError, naming the number, if it is none, too large, or not above zero."""
    check_number(name, value)
    if not value >= 1 / LARGEST:
        raise ValueError(f"{name} is {value!r}; it must be at least {1 / LARGEST:g}")
