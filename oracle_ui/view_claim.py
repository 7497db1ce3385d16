"""Everything that is known of one claim, as a frozen value. Pure."""

from dataclasses import dataclass

from argtree.graph import Argument, ArgumentGraph, Polarity
from argtree.history import History
from argtree.outline import sorted_arguments
from argtree.propagate import Propagation
from oracle_ui.reading import Given, Record, Snapshot
from oracle_ui.view_trees import ClaimRow, Points, see_claims, see_course
from store.paths import Step, paths_to_root

MAX_PATHS = 12  # roots that a claim is shown to bear on


@dataclass(frozen=True)
class Taken:
    """A premise, as an argument takes it."""

    claim: ClaimRow
    holds: bool


@dataclass(frozen=True)
class Reason:
    """An argument about the claim."""

    polarity: Polarity
    strength: float
    premises: tuple[Taken, ...]
    generation: str  # "" if no model proposed it


@dataclass(frozen=True)
class Way:
    """The shortest way from the claim up to a root."""

    difference: float  # P(root | claim) - P(root | not claim); 0 too where it was not worked out, see `propagate`
    steps: tuple[tuple[bool, Polarity, ClaimRow], ...]  # (premise holds, of the argument, what it concludes), upwards


@dataclass(frozen=True)
class ClaimView:
    """A claim's page."""

    row: ClaimRow
    text: str  # as a claim; of a root `row.text` is the question
    prior: float
    is_argued: bool
    is_askable: bool
    queue_value: float | None  # where it stands in the queue
    course: Points
    own: tuple[int, ...]  # which answers were about it, counted from 1 over all of the store's
    record: Record
    reasons: tuple[Reason, ...]  # supports first, the strongest first of each
    ways: tuple[Way, ...]  # the root that it moves most first
    num_ways: int
    answers: tuple[Given, ...]  # about it, newest first
    quantities: tuple[str, ...]  # texts of those that decide it


def see_claim(key: str, there: Snapshot, result: Propagation, course: History | None, record: Record) -> ClaimView:
    """Returns what is known of a claim. Raises KeyError where the snapshot has none of that key."""
    graph = there.graph
    claim = graph.claims[graph.index[key]]
    (row,) = see_claims(there, result, [key])
    ways = _ways(key, there, result)
    about = {quantity.id: quantity.text for quantity in graph.quantities}
    return ClaimView(
        row=row,
        text=claim.text,
        prior=claim.prior,
        is_argued=bool(graph.arguments_for(key)),
        is_askable=graph.is_askable(key),
        queue_value=there.open.get(key),
        course=see_course(course, key),
        own=tuple(number for number, one in enumerate(there.given, 1) if one.claim == key),
        record=record,
        reasons=tuple(_reason(one, there, result, record) for one in sorted_arguments(graph, key)),
        ways=tuple(ways[:MAX_PATHS]),
        num_ways=len(ways),
        answers=tuple(one for one in reversed(there.given) if one.claim == key),
        quantities=tuple(about[one] for one in claim.quantities),
    )


def _reason(argument: Argument, there: Snapshot, result: Propagation, record: Record) -> Reason:
    rows = see_claims(there, result, [premise.claim for premise in argument.premises])
    taken = tuple(Taken(row, premise.holds) for row, premise in zip(rows, argument.premises, strict=True))
    return Reason(argument.polarity, argument.strength, taken, record.proposed_by.get(argument.id, ""))


def _ways(key: str, there: Snapshot, result: Propagation) -> list[Way]:
    """Returns the way to each root above the claim, but steps only for those that are shown."""
    above = _claims_above(key, there.graph)
    difference = result.influence.of_claim(result.graph.index[key])
    moved = [(float(difference[number]), root.claim) for number, root in enumerate(there.graph.roots)]
    moved = sorted((pair for pair in moved if pair[1] in above), key=lambda pair: -abs(pair[0]))
    return [
        Way(by, _steps(paths_to_root(there.graph, root)[key], there, result) if number < MAX_PATHS else ())
        for number, (by, root) in enumerate(moved)
    ]


def _claims_above(key: str, graph: ArgumentGraph) -> set[str]:
    """Returns the claims that rest on this one."""
    conclusions: dict[str, list[str]] = {}
    for argument in graph.arguments:
        for premise in argument.premises:
            conclusions.setdefault(premise.claim, []).append(argument.conclusion)
    found: set[str] = set()
    waiting = [key]
    while waiting:
        new = set(conclusions.get(waiting.pop(), ())) - found
        found |= new
        waiting.extend(new)
    return found


def _steps(
    steps: tuple[Step, ...], there: Snapshot, result: Propagation
) -> tuple[tuple[bool, Polarity, ClaimRow], ...]:
    rows = see_claims(there, result, [step.argument.conclusion for step in steps])
    return tuple((step.holds, step.argument.polarity, row) for step, row in zip(steps, rows, strict=True))
