"""Products of all factors but one, down the first axis, with their complements: never a division, never 1 - x."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt


def before(x: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Returns [L, n] for each factor of x [L, n] the product of those before it; 1 for the first."""
    out = np.ones_like(x)
    np.multiply.accumulate(x[:-1], axis=0, out=out[1:])
    return out


def others(x: npt.NDArray[Any], complement: npt.NDArray[Any]) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """Returns [L, n] for each factor the product of all others, and one minus it, as prefix times suffix.

    Args:
        x: [L, n] factors in [0, 1]; L may be 0.
        complement: [L, n] one minus each, with its own digits.
    """
    if len(x) == 0:
        return x, complement
    ahead, after = before(x), before(x[::-1])[::-1]
    not_ahead = _sum_before(ahead * complement)
    not_after = _sum_before((after * complement)[::-1])[::-1]
    return ahead * after, not_ahead + ahead * not_after


def _sum_before(x: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Returns [L, n] for each term the sum of those before it."""
    out = np.zeros_like(x)
    np.add.accumulate(x[:-1], axis=0, out=out[1:])
    return out
