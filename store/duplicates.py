"""Claims that say nearly the same in different splits, so that what is tested was not trained in other words.

Two claims are near-duplicates if they name the same numbers and negate as often, and the pairs of neighbouring words
that they hold have a Jaccard index of at least 0.8. Articles, forms of *to be* and words like *very* don't count, nor
does a plural s. So one word replaced in a short claim makes another claim (it is about another thing); in one of
seventeen words or more it does not.

All pairs over the threshold are found: a claim of n pairs that shares at least t n of them with another must share one
of its n - ceil(t n) + 1 rarest, which alone are looked up (Chaudhuri, Ganti and Kaushik 2006, "A primitive operator for
similarity joins in data cleaning").
"""

import re
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sqlmodel import Session, col, select

from store.splits import TEST, Families, IntArray
from store.tables import Claim
from store.texts import normalised

LIKE = 0.8
"""A Jaccard index of at least this makes two claims near-duplicates."""

_CHUNK = 20_000
_EMPTY = frozenset("a an the is are was were be been being very really quite indeed truly that".split())
_NEGATIONS = frozenset("not no never without cannot neither nor none nobody nothing".split())
_WORD = re.compile(r"\w+(?:['\u2019]\w+)*")

HashArray = NDArray[np.uint64]


@dataclass(frozen=True)
class Pair:
    """A claim that is kept out of its split, and why."""

    row: int  # of the claim in `Families`
    like: int  # row of a claim in a stricter split
    likeness: float  # Jaccard index, in [LIKE, 1]


@dataclass(frozen=True, eq=False)
class _Signatures:
    """What texts are compared by. Axes: T texts, H pairs of words in all of them."""

    start: IntArray  # [T + 1] the pairs of text t are start[t]:start[t + 1]
    pairs: HashArray  # [H] ascending and each once within a text
    guard: HashArray  # [T] of the numbers and negations in it

    @property
    def owner(self) -> IntArray:
        """[H] the text of each pair."""
        return np.repeat(np.arange(len(self.guard)), np.diff(self.start))


def near_duplicates(session: Session, families: Families) -> list[Pair]:
    """Returns, for each claim that is nearly one in a stricter split, the likest of the strictest, by row."""
    held = np.flatnonzero(families.split > 0)
    if not len(held):
        return []
    index = _Index(held, _all_signatures(session, families))
    found: list[Pair] = []
    for rows, texts in _texts(session, families, below_split=TEST):
        found.extend(_look_up(index, rows, _signatures(texts), families.split))
    return found


class _Index:
    """The held-out claims by the pairs of words that they hold."""

    def __init__(self, rows: IntArray, signatures: _Signatures) -> None:
        self.rows, self.signatures = rows, signatures
        order = np.argsort(signatures.pairs, kind="stable")
        self.owner = signatures.owner[order]
        self.pairs, self.begins, self.count = np.unique(signatures.pairs[order], return_index=True, return_counts=True)

    def look_up(self, pairs: HashArray) -> tuple[IntArray, IntArray]:
        """Returns for each pair its place among the index's pairs, and in how many claims it stands (0: none)."""
        place = np.minimum(np.searchsorted(self.pairs, pairs), len(self.pairs) - 1)
        return place, np.where(self.pairs[place] == pairs, self.count[place], 0)


def _look_up(index: _Index, rows: IntArray, new: _Signatures, split: IntArray) -> Iterator[Pair]:
    place, count = index.look_up(new.pairs)
    order = np.lexsort((new.pairs, count, new.owner))
    size = np.diff(new.start)
    rank = np.arange(len(order)) - np.repeat(new.start[:-1], size)
    looked = order[(rank < np.repeat(size - np.ceil(LIKE * size) + 1, size)) & (count[order] > 0)]
    hits = count[looked]
    offset = np.arange(hits.sum()) - np.repeat(np.cumsum(hits) - hits, hits)
    theirs = index.owner[np.repeat(index.begins[place[looked]], hits) + offset]
    mine = np.repeat(new.owner[looked], hits)
    held = index.signatures
    their_size = np.diff(held.start)
    fits = (
        (new.guard[mine] == held.guard[theirs])
        & (split[index.rows[theirs]] > split[rows[mine]])
        & (np.minimum(size[mine], their_size[theirs]) >= LIKE * np.maximum(size[mine], their_size[theirs]))
    )
    candidates = np.unique(np.stack([mine[fits], theirs[fits]], axis=1), axis=0)
    best: dict[int, tuple[int, float, int]] = {}
    for one, other in candidates.tolist():
        words = set(new.pairs[new.start[one] : new.start[one + 1]].tolist())
        common = len(words.intersection(held.pairs[held.start[other] : held.start[other + 1]].tolist()))
        likeness = common / (len(words) + int(their_size[other]) - common)
        row = int(index.rows[other])
        if likeness >= LIKE:
            best[one] = max(best.get(one, (-1, 0.0, 0)), (int(split[row]), likeness, -row))
    for one, (_, likeness, row) in sorted(best.items()):
        yield Pair(int(rows[one]), -row, likeness)


def _all_signatures(session: Session, families: Families) -> _Signatures:
    """Returns the signatures of all held-out claims, in the order of their rows."""
    parts = [_signatures(texts) for _, texts in _texts(session, families, above_split=0)]
    sizes = np.concatenate([np.diff(part.start) for part in parts])
    start = np.concatenate([[0], np.cumsum(sizes)])
    return _Signatures(start, np.concatenate([p.pairs for p in parts]), np.concatenate([p.guard for p in parts]))


def _texts(
    session: Session, families: Families, below_split: int = TEST + 1, above_split: int = -1
) -> Iterator[tuple[IntArray, list[str]]]:
    """Gives rows and texts of the claims in some splits, portion by portion, in the order of rows."""
    statement = select(Claim.id, Claim.text).order_by(col(Claim.id)).execution_options(yield_per=_CHUNK)
    for part in session.execute(statement).partitions():
        rows = families.rows([one for one, _ in part])
        wanted = (families.split[rows] < below_split) & (families.split[rows] > above_split)
        if wanted.any():
            yield rows[wanted], [text for (_, text), is_wanted in zip(part, wanted, strict=True) if is_wanted]


def words(text: str) -> list[str]:
    """Returns the words of a text that count in a comparison, in order, without a plural s."""
    found = [word for word in _WORD.findall(normalised(text)) if word not in _EMPTY]
    return [word[:-1] if len(word) > 3 and word[-1] == "s" and word[-2] != "s" else word for word in found] or [text]


def _signatures(texts: Sequence[str]) -> _Signatures:
    flat: list[int] = []
    lengths: list[int] = []
    guards: list[int] = []
    for text in texts:
        found = words(text)
        flat.append(0)
        flat.extend([zlib.crc32(word.encode("utf-8", "surrogatepass")) for word in found])
        lengths.append(len(found) + 1)
        guards.append(_guard(found))
    word = np.array(flat, dtype=np.uint64)
    owner = np.repeat(np.arange(len(texts)), lengths)
    following = np.append(word[1:], np.uint64(0))  # the next text begins with 0, which ends this one
    pairs = (word << np.uint64(32)) | following
    order = np.lexsort((pairs, owner))
    pairs, owner = pairs[order], owner[order]
    keep = np.ones(len(pairs), dtype=np.bool_)
    keep[1:] = (pairs[1:] != pairs[:-1]) | (owner[1:] != owner[:-1])
    start = np.searchsorted(owner[keep], np.arange(len(texts) + 1))
    return _Signatures(start, pairs[keep], np.array(guards, dtype=np.uint64))


def _guard(found: Sequence[str]) -> int:
    """Returns a sum over the numbers and negations among words: equal where both are."""
    total = 0
    for word in found:
        if word in _NEGATIONS or word.endswith(("n't", "n\u2019t")):
            total += 1
        elif not word.isalpha() and any(character.isdigit() for character in word):
            total += zlib.crc32(word.encode("utf-8", "surrogatepass")) << 16
    return total & (2**64 - 1)
