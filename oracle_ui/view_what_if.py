"""What would become of the roots if claims were true or false. Pure."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from argtree.errors import ArgtreeError
from argtree.graph import ArgumentGraph
from argtree.propagate import Propagation
from argtree.what_if import suppose

_NOTICEABLE = 5e-4  # a root that would move less stays where it is


class SupposedTwiceError(ArgtreeError):
    """A claim is supposed both true and false: take it out of one of the two."""


@dataclass(frozen=True)
class Outcome:
    """A root as it is, and as it would be."""

    key: str
    before: float
    after: float


def see_outcomes(
    result: Propagation,
    true: Iterable[str],
    false: Iterable[str],
    propagate_fn: Callable[[ArgumentGraph], Propagation],
) -> list[Outcome]:
    """Returns what would become of every root that would move, the farthest first.

    Raises:
        SupposedTwiceError: a claim is in both.
        ImpossibleEvidenceError: it contradicts what is known, or itself.
    """
    supposed = dict.fromkeys(true, 1.0)
    if supposed.keys() & set(false):
        raise SupposedTwiceError
    supposed |= dict.fromkeys(false, 0.0)
    after = suppose(result, supposed, propagate_fn)
    rows: Mapping[str, int] = result.graph.index
    found = [
        Outcome(root.claim, float(result.prob[rows[root.claim]]), float(after.prob[rows[root.claim]]))
        for root in result.graph.roots
    ]
    moved = [one for one in found if abs(one.after - one.before) >= _NOTICEABLE]
    return sorted(moved, key=lambda one: -abs(one.after - one.before))
