"""Ranking the queue: which claims and quantities are asked about, and what each question is worth."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, NamedTuple, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import bindparam, insert, update
from sqlmodel import Session, col, select

from argtree.graph import ArgumentGraph
from store.answers import overrides
from store.columns import column
from store.graphs import load_graph
from store.locks import Turn, take_turn
from store.news import mark
from store.places import CLOSED
from store.tables import Claim, Lease, Quantity, Question
from store.trust import fit_if_due

_RANKINGS = 3  # what comes in while this propagates is taken in, but not without end
_WORTHLESS = 1e-12  # a value of information up to this is rounding


class Propagated(Protocol):
    """What the queue needs of a propagation; rows are in the order of the graph's claims."""

    @property
    def prob(self) -> NDArray[np.float64]: ...

    def value(self) -> NDArray[np.float64]: ...


PropagatedT = TypeVar("PropagatedT", bound=Propagated)
QuantityWorthsFn = Callable[[ArgumentGraph], Mapping[str, float]]
"""Gives what learning each quantity would be worth, by id, in the measure of `Propagated.value`."""


class _Standing(NamedTuple):
    """A question as a ranking finds it."""

    id: int
    status: str
    value: float
    prob: float | None


class _Worth(NamedTuple):
    """What a ranking makes of a claim or quantity."""

    value: float
    prob: float | None
    is_wanted: bool


def rerank(
    session: Session,
    propagate_fn: Callable[[ArgumentGraph], PropagatedT],
    now: datetime,
    worths_fn: QuantityWorthsFn | None = None,
    *,
    wanted: int = 1,
) -> PropagatedT:
    """Returns the propagation of the whole store, by which the queue now stands. Commits, also before propagating.

    First it learns how far raters are believed, if that is due (`store.trust`).

    Open are then the questions about askable, uncertain claims, and about quantities, that are of some value and not
    answered yet. Others are withdrawn, unless somebody is looking at them.

    Args:
        worths_fn: gives the values of quantities; without it questions about them stay as they stand.
        wanted: how many raters a new question asks for, at least 1; more are asked where they disagree.
    """
    fit_if_due(session, now)
    for _ in range(_RANKINGS):
        take_turn(session, Turn.GROW)  # so that what is loaded hangs together
        graph, before = load_graph(session), watermark(session)
        session.commit()  # nobody need wait while this propagates
        result = propagate_fn(graph)
        worths = worths_fn(graph) if worths_fn is not None and graph.quantities else {}
        if watermark(session) == before:
            break
    session.commit()
    take_turn(session, Turn.RANK)
    prob, value = np.clip(result.prob, 0.0, 1.0), result.value()  # rounding may leave [0, 1]
    asked = _worth_asking(graph, prob, value)
    kept = frozenset(asked)
    found = {key: _Worth(float(value[row]), float(prob[row]), key in kept) for key, row in graph.index.items()}
    best_first = {key: found[key] for key in asked} | found
    overridden = frozenset(overrides(session))
    _rank(session, Claim, "claim_id", best_first, now, wanted, overridden)
    if worths_fn is not None:
        session.commit()  # questions are locked in the order of their ids, and these may be older
        take_turn(session, Turn.RANK)
        keys = session.exec(select(Quantity.key).order_by(col(Quantity.id)))
        of_quantities = {key: worths.get(key, 0.0) for key in keys}
        found = {key: _Worth(worth, None, worth > _WORTHLESS) for key, worth in of_quantities.items()}
        _rank(session, Quantity, "quantity_id", found, now, wanted)
    session.commit()
    return result


def watermark(session: Session) -> tuple[int, ...]:
    """Returns another tuple whenever something that a ranking rests on has come in, has changed or was taken back."""
    *grown, said, rest = mark(session)
    return (*grown, *said, *rest)


def _worth_asking(graph: ArgumentGraph, prob: NDArray[np.float64], value: NDArray[np.float64]) -> list[str]:
    """Returns the ids of the claims to ask about, most valuable first; of equals the first in the graph."""
    rows = [
        row
        for row, claim in enumerate(graph.claims)
        if graph.is_askable(claim.id) and 0 < prob[row] < 1 and value[row] > _WORTHLESS
    ]
    return [graph.claims[row].id for row in sorted(rows, key=lambda row: (-value[row], row))]


def _rank(
    session: Session,
    table: type[Claim] | type[Quantity],
    field: str,
    worths: Mapping[str, _Worth],
    now: datetime,
    wanted: int,
    settled: frozenset[int] = frozenset(),
) -> None:
    """Changes what stands otherwise than it is worth, and adds the questions that are missing.

    Args:
        worths: by key, in the order in which new questions are added.
        settled: ids of claims that get no question.
    """
    there = _standing(session, table, field)
    held = frozenset(session.exec(select(Lease.question_id).where(Lease.expires_at > now)))
    changed = []
    for key, worth in worths.items():
        question = there.get(key)
        if question is None or question.status in CLOSED:
            continue
        stays = worth.is_wanted or (question.status == "open" and question.id in held)
        status = "open" if stays else "withdrawn"
        if (status, worth.value, worth.prob) != question[1:]:
            changed.append({"of": question.id, "worth": worth.value, "chance": worth.prob, "stands": status})
    _change(session, changed, now)
    missing = [key for key, worth in worths.items() if worth.is_wanted and key not in there]
    if missing:
        ids = dict(session.execute(select(column(table, "key"), column(table, "id"))).all())
        new = [(ids[key], worths[key]) for key in missing if ids[key] not in settled]
        _add(session, field, new, now, wanted)


def _standing(session: Session, table: type[Claim] | type[Quantity], field: str) -> dict[str, _Standing]:
    """Returns the questions by the key of what they are about; in the order of their ids, in which they are locked."""
    fields = [column(Question, name) for name in _Standing._fields]
    query = select(column(table, "key"), *fields).where(column(Question, field) == column(table, "id"))
    rows = session.execute(query.order_by(column(Question, "id")))
    return {key: _Standing(*standing) for key, *standing in rows}


def _change(session: Session, changed: list[dict[str, Any]], now: datetime) -> None:
    """Writes what questions are worth; one that was answered or held since it was looked at keeps as it is."""
    if not changed:
        return
    questions = Question.__table__  # type: ignore[attr-defined]
    changed.sort(key=lambda change: change["of"])
    is_changeable = [questions.c.status != status for status in CLOSED]  # NOT IN does not go with many rows at once
    statement = update(questions).where(questions.c.id == bindparam("of"), *is_changeable)
    values: dict[str, Any] = {"value": bindparam("worth"), "prob": bindparam("chance"), "status": bindparam("stands")}
    session.connection().execute(statement.values(**values, ranked_at=now), changed)


def _add(session: Session, field: str, new: Iterable[tuple[int, _Worth]], now: datetime, wanted: int) -> None:
    rows = [
        {field: one, "value": worth.value, "prob": worth.prob, "status": "open", "wanted": wanted}
        | {"opened_at": now, "ranked_at": now}
        for one, worth in new
    ]
    if rows:
        session.connection().execute(insert(Question.__table__), rows)  # type: ignore[attr-defined]
