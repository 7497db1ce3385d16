"""How far raters agree beyond chance: Krippendorff's alpha."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def krippendorff_alpha(units: Iterable[Sequence[float]]) -> float | None:
    """Returns alpha for values whose difference counts by its square: 1 if all agree, about 0 at chance, else below.

    For answers that are 0 or 1 it is the nominal alpha too. Krippendorff, "Computing Krippendorff's Alpha-Reliability"
    (2011), section D: one minus observed over expected disagreement, each a mean of squared differences over pairs.

    Args:
        units: for each thing that was rated, the values that it got; those with fewer than two don't count.

    Returns:
        None where nothing was rated twice, or where every value is the same, so that there was nothing to agree on.
    """
    pairable = [unit for unit in units if len(unit) > 1]
    values = [value for unit in pairable for value in unit]
    expected = _squared_differences(values)
    if expected == 0:
        return None
    observed = sum(_squared_differences(unit) / (len(unit) - 1) for unit in pairable)
    return 1 - (len(values) - 1) * observed / expected


def _squared_differences(values: Sequence[float]) -> float:
    """Returns the sum over pairs of values of their squared difference; 0 for fewer than two."""
    mean = sum(values) / max(len(values), 1)
    return len(values) * sum((value - mean) ** 2 for value in values)
