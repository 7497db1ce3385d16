"""Which rows may train and which are held out: whole root families at a time, so that nothing of a test root trains.

A family is a root with all that lies under it. A root falls into a split by the hash of its claim's normalised text, so
it stays there whatever else comes into the store. A claim belongs to the strictest split of all roots that it bears on:
test before validation before train. Claims that bear on no root are families of their own, by the topmost claim over
them. Claims about one quantity, or about quantities that are compared, tell of each other and go together.

Everything is kept as flat arrays over the store's claims, of the smallest types that hold it: sixteen bytes a claim.
Axis: C claims in the order of ids.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import sqlalchemy
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components
from sqlmodel import Session

from store.answers import is_standing, overrides
from store.columns import column, columns, integers, portions
from store.ragged import IntArray, ranges, starts
from store.tables import About, Answer, Argument, Claim, Premise, Root

SPLITS = ("train", "validation", "test")  # from the least to the most strict
TRAIN, VALIDATION, TEST = range(3)
BATCH_CLAIMS = 10_000  # are looked at together, or as many as hang together

BoolArray = NDArray[np.bool_]
RowArray = NDArray[np.int32]
SplitArray = NDArray[np.int8]


@dataclass(frozen=True, eq=False)
class Families:
    """Where every claim of the store belongs."""

    ids: IntArray  # [C] ascending ids of claims in the store
    split: SplitArray  # [C] index into SPLITS: the strictest of its roots'
    is_shared: BoolArray  # [C] it bears on roots of different splits
    is_answered: BoolArray  # [C] it has an answer that says something, or an override
    is_linked: BoolArray  # [C] it has arguments, stands in one, or is about a quantity
    component: RowArray  # [C] equal for claims that hang together


def read_families(session: Session, held_out: float) -> Families:
    """Returns the split of every claim in the store.

    Args:
        held_out: share of root families that do not train, in [0, 1]; half of it validates, half of it tests.
    """
    ids, own = _claims(session, held_out)
    edges = _rows(session, ids, _edges(), 2)
    roots = _rows(session, ids, columns(Root, "claim_id", order=("id",)), 1)[:, 0]
    tied = _ties(session, ids)
    answered = np.zeros(len(ids), dtype=np.bool_)
    standing = columns(Answer, "claim_id").where(column(Answer, "prob").is_not(None), is_standing())
    for said in integers(session, standing, 1):
        answered[np.searchsorted(ids, said)] = True
    answered[np.searchsorted(ids, sorted(overrides(session))).astype(np.int64)] = True
    linked = np.zeros(len(ids), dtype=np.bool_)
    linked[edges.ravel()] = True
    linked[tied[:, 0]] = True
    split, shared = _splits(own, edges, roots)
    if len(tied):
        of_ties = _components(len(ids), edges[:0], tied)
        strictest = np.zeros(int(of_ties.max()) + 1, dtype=np.int8)
        np.maximum.at(strictest, of_ties, split)
        shared |= strictest[of_ties] > split
        split = strictest[of_ties]
    return Families(ids, split, shared, answered, linked, _components(len(ids), edges, tied))


def batches(families: Families, size: int = BATCH_CLAIMS) -> Iterator[tuple[RowArray, bool]]:
    """Gives (rows, whether they are linked) in a fixed order: first what hangs together, never cut, then lone answers.

    A batch has about `size` claims, more only where more hang together.
    """
    linked, borders = _hanging_together(families)
    start = 0
    while start < len(linked):
        stop = int(borders[min(int(np.searchsorted(borders, start + size)), len(borders) - 1)])
        yield np.sort(linked[start:stop]), True
        start = stop
    lone = np.flatnonzero(families.is_answered & ~families.is_linked).astype(np.int32)
    for start in range(0, len(lone), size):
        yield lone[start : start + size], False


def split_of(text_hash: str, held_out: float) -> int:
    """Returns the split of a root by the SHA-256 of its claim's normalised text: its first 32 bits as a share of all.

    The lower half of the held-out share tests, the upper half validates.
    """
    return int(_splits_of([text_hash[:8]], held_out)[0])


def below(start: RowArray, premise: RowArray, tops: RowArray) -> BoolArray:
    """Returns [C] which claims are tops or lie under one.

    Args:
        start: [C + 1] the premises of claim c's arguments are premise[start[c]:start[c + 1]].
        premise: rows of claims.
        tops: rows of claims.
    """
    seen = np.zeros(len(start) - 1, dtype=np.bool_)
    seen[tops] = True
    frontier = np.unique(tops)
    while len(frontier):
        counts = start[frontier + 1] - start[frontier]
        reached = np.unique(premise[ranges(start[frontier], counts)])
        frontier = reached[~seen[reached]]
        seen[frontier] = True
    return seen


def _hanging_together(families: Families) -> tuple[RowArray, RowArray]:
    """Returns the linked claims, those that hang together in a row, by the first of each, and where a batch may end."""
    linked = np.flatnonzero(families.is_linked).astype(np.int32)
    component = families.component[linked]
    first = np.full(int(component.max(initial=-1)) + 1, len(families.ids), dtype=np.int32)
    np.minimum.at(first, component, linked)
    leader = first[component]
    borders = np.flatnonzero(np.diff(np.sort(leader), prepend=-1, append=-1)) if len(linked) else np.zeros(1)
    return linked[np.argsort(leader, kind="stable")], borders.astype(np.int32)


def _splits(own: SplitArray, edges: RowArray, roots: RowArray) -> tuple[SplitArray, BoolArray]:
    """Returns the strictest split over each claim, and whether it lies under roots of several."""
    premise = edges[np.argsort(edges[:, 0], kind="stable"), 1]
    start = starts(np.bincount(edges[:, 0], minlength=len(own))).astype(np.int32)
    split, count = np.full(len(own), -1, dtype=np.int8), np.zeros(len(own), dtype=np.int8)
    rootless = ~below(start, premise, roots)
    tops = rootless.copy()
    tops[premise] = False
    for number in range(len(SPLITS)):
        under = below(start, premise, roots[own[roots] == number])
        own_tops = np.flatnonzero(tops & (own == number)).astype(np.int32)
        under |= rootless & below(start, premise, own_tops)
        split[under] = number
        count += under
    return split, count > 1


def _claims(session: Session, held_out: float) -> tuple[IntArray, SplitArray]:
    """Returns the ids of all claims, ascending, and the split that each would fall into as a root."""
    ids: list[IntArray] = []
    own: list[SplitArray] = []
    hashed = columns(Claim, "id", "text_hash", order=("id",))
    for part in portions(session, hashed):
        of_part, digests = zip(*part, strict=True)
        ids.append(np.array(of_part, np.int64))
        own.append(_splits_of([digest[:8] for digest in digests], held_out))
    return np.concatenate([np.empty(0, np.int64), *ids]), np.concatenate([np.empty(0, np.int8), *own])


def _splits_of(digits: Sequence[str], held_out: float) -> SplitArray:
    """Returns what `split_of` does, for the first eight digits of many hashes."""
    share = np.frombuffer(bytes.fromhex("".join(digits)), ">u4") / 2**32
    return np.where(share < held_out / 2, TEST, np.where(share < held_out, VALIDATION, TRAIN)).astype(np.int8)


def _edges() -> Any:
    both = sqlalchemy.select(column(Argument, "conclusion_id"), column(Premise, "claim_id"))
    return both.where(column(Premise, "argument_id") == column(Argument, "id"))


def _rows(session: Session, ids: IntArray, statement: Any, width: int) -> RowArray:
    """Returns [.., width] the rows of the claims whose ids a query gives."""
    parts = [np.searchsorted(ids, part).astype(np.int32) for part in integers(session, statement, width)]
    return np.concatenate([np.empty((0, width), np.int32), *parts])


def _ties(session: Session, ids: IntArray) -> IntArray:
    """Returns (row of the claim, id of the quantity), one for each quantity that a claim is about."""
    first = columns(About, "claim_id", "quantity_id")
    compared = columns(About, "claim_id", "other_id").where(column(About, "other_id").is_not(None))
    parts = [part for statement in (first, compared) for part in integers(session, statement, 2)]
    pairs = np.concatenate([np.empty((0, 2), np.int64), *parts])
    pairs[:, 0] = np.searchsorted(ids, pairs[:, 0])
    return pairs


def _components(size: int, edges: RowArray, tied: IntArray) -> RowArray:
    """Returns [size] a number for each set of claims that arguments or quantities tie together."""
    quantities, place = np.unique(tied[:, 1], return_inverse=True)
    rows, beyond = tied[:, 0].astype(np.int32), (size + place).astype(np.int32)
    start, end = np.concatenate([edges[:, 0], rows]), np.concatenate([edges[:, 1], beyond])
    nodes = size + len(quantities)
    links = csr_array((np.ones(len(start), dtype=np.int8), (start, end)), shape=(nodes, nodes))
    return np.asarray(connected_components(links, directed=False)[1][:size], dtype=np.int32)
