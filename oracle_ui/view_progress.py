"""How the raters' work goes, as figures and tables to draw. Pure."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from statistics import median

import numpy as np

from argtree.agreement import krippendorff_alpha
from argtree.graph import ArgumentGraph
from argtree.history import History
from oracle_ui.reading import Given
from oracle_ui.wording import BREAK_SECONDS


@dataclass(frozen=True)
class Day:
    """The answers of a day in UTC."""

    day: date
    answers: int
    passes: int  # "can't say"


@dataclass(frozen=True)
class Mark:
    """Where things stood after some answers."""

    answers: int
    at: datetime | None  # of the last of them; None before the first
    uncertainty: float  # sum over roots of weight times p (1 - p)
    predicted: float  # sum of the answers' values of information when they were asked
    gained: float  # by how much the uncertainty fell since before the first


@dataclass(frozen=True)
class Pace:
    """How long answers take, by the gaps between a rater's consecutive ones; breaks are left out."""

    minutes: float  # all gaps together
    seconds: tuple[float, ...]  # each gap

    @property
    def typical_seconds(self) -> float | None:
        """Median of the gaps, None where there are none."""
        return median(self.seconds) if self.seconds else None


def see_days(given: Sequence[Given]) -> list[Day]:
    """Returns every day from the first answer's to the last one's."""
    if not given:
        return []
    said = Counter((one.at.date(), one.kind == "cannot_say") for one in given)
    first, last = min(one.at.date() for one in given), max(one.at.date() for one in given)
    days = [first + timedelta(days=number) for number in range((last - first).days + 1)]
    return [Day(day, said[day, False], said[day, True]) for day in days]


def see_marks(given: Sequence[Given], course: History) -> list[Mark]:
    """Returns where things stood at each point of the history.

    The graph is the one of now, so what exploring changed meanwhile is in all points.
    """
    left = course.uncertainty()
    worth = np.cumsum([0.0, *(0.0 if one.kind == "cannot_say" else one.value for one in given)])
    return [
        Mark(
            count,
            given[count - 1].at if count else None,
            float(left[point]),
            float(worth[count]),
            float(left[0] - left[point]),
        )
        for point, count in enumerate(course.counts)
    ]


def see_pace(given: Sequence[Given]) -> Pace:
    """Returns how long answers took."""
    last: dict[str, datetime] = {}
    gaps = []
    for one in given:
        if one.rater in last and 0 < (gap := (one.at - last[one.rater]).total_seconds()) <= BREAK_SECONDS:
            gaps.append(gap)
        last[one.rater] = one.at
    return Pace(sum(gaps) / 60, tuple(gaps))


def see_agreement(given: Sequence[Given]) -> tuple[float | None, int]:
    """Returns Krippendorff's alpha of what raters said of claims, and how many claims two or more of them answered.

    Of a rater who answered a claim more than once, the last answer counts.
    """
    probs: dict[str, dict[str, float]] = defaultdict(dict)
    for one in given:
        if one.claim is not None and one.prob is not None:
            probs[one.claim][one.rater] = one.prob
    twice = [list(by_rater.values()) for by_rater in probs.values() if len(by_rater) > 1]
    return krippendorff_alpha(twice), len(twice)


def most_uncertainty(graph: ArgumentGraph) -> float:
    """Returns what the uncertainty would be if every root stood at one half."""
    return sum(root.weight for root in graph.roots) / 4
