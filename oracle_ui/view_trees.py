"""What the page of trees shows, as frozen values made of a snapshot and a propagation. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from argtree.evidence import is_settled
from argtree.history import History
from argtree.outline import claims_below
from argtree.propagate import Propagation
from argtree.text import shorten
from oracle_ui.reading import Snapshot

_LABEL_LENGTH = 110  # characters of a claim in a list to choose from

Points = tuple[tuple[int, float], ...]  # (answers so far, probability), ascending


@dataclass(frozen=True)
class RootRow:
    """A root in the overview."""

    key: str
    question: str
    prob: float
    course: Points  # its probability as answers came in; empty where that is not known
    num_claims: int  # that it rests on, itself not counted
    num_answered: int  # of those and itself, by people
    num_open: int  # ... in the queue
    posed_by: str | None = None  # the generation that asked it of itself; None: people did

    @property
    def variance(self) -> float:
        """p (1 - p)."""
        return self.prob * (1 - self.prob)


@dataclass(frozen=True)
class ClaimRow:
    """A claim in a list."""

    key: str
    text: str
    prob: float
    value: float = 0.0  # of information, of an answer about it
    label: float | None = None  # P(claim) by the answers, where somebody answered
    is_root: bool = False


def see_roots(there: Snapshot, result: Propagation, course: History | None) -> list[RootRow]:
    """Returns a row for each root, the least certain first."""
    rows = []
    for root in there.graph.roots:
        under = claims_below(there.graph, root.claim)
        rows.append(
            RootRow(
                root.claim,
                there.texts[root.claim],
                _prob(result, root.claim),
                see_course(course, root.claim),
                len(under) - 1,
                sum(key in there.labels for key in under),
                sum(key in there.open for key in under),
                there.own.get(root.claim),
            )
        )
    return sorted(rows, key=lambda row: -row.variance)


def see_course(course: History | None, claim: str) -> Points:
    """Returns the claim's probability as answers came in."""
    if course is None or claim not in course.graph.index:
        return ()
    return tuple(zip(course.counts, course.of_claim(claim).tolist(), strict=True))


def see_claims(there: Snapshot, result: Propagation, keys: Iterable[str]) -> list[ClaimRow]:
    """Returns rows of these claims, in their order."""
    values = result.value()
    return [
        ClaimRow(
            key,
            there.texts[key],
            _prob(result, key),
            float(values[result.graph.index[key]]) if there.graph.is_askable(key) else 0.0,
            there.labels.get(key),
            key in there.questions,
        )
        for key in keys
    ]


def most_telling(rows: Sequence[ClaimRow], count: int) -> list[ClaimRow]:
    """Returns the claims that are worth asking about most and not settled yet, best first.

    What is worth less than a two-hundredth of the best is left out.
    """
    asked = [row for row in rows if row.value > 0 and (row.label is None or not is_settled(row.label))]
    least = max((row.value for row in asked), default=0.0) / 200
    return sorted((row for row in asked if row.value >= least), key=lambda row: -row.value)[:count]


def choices(texts: Mapping[str, str]) -> dict[str, str]:
    """Returns what stands for each key in a list to choose from: short, on one line, and no two alike."""
    found: dict[str, str] = {}
    seen: dict[str, int] = {}
    for key, text in texts.items():
        label = shorten(text, _LABEL_LENGTH)
        seen[label] = seen.get(label, 0) + 1
        found[key] = label if seen[label] == 1 else f"{label} ({seen[label]})"
    return found


def _prob(result: Propagation, key: str) -> float:
    return float(np.clip(result.prob[result.graph.index[key]], 0.0, 1.0))
