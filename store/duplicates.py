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
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import compress, count

import numpy as np
from numpy.typing import NDArray
from sqlmodel import Session

from store.columns import columns, portions
from store.ragged import IntArray, ranges, starts
from store.splits import TEST, Families, SplitArray
from store.tables import Claim
from store.texts import folded

LIKE = 0.8
"""A Jaccard index of at least this makes two claims near-duplicates."""

_EMPTY = frozenset("a an the is are was were be been being very really quite indeed truly that".split())
_NEGATIONS = frozenset("not no never without cannot neither nor none nobody nothing".split())
_WORD = re.compile(r"\w+(?:['\u2019]\w+)*|\n")  # or the mark before each text
_NOTHING = 2**32  # above all hashes

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
        found.extend(_look_up(index, rows, _signatures(texts, index.guards), families.split))
    return found


class _Index:
    """The held-out claims by the pairs of words that they hold."""

    def __init__(self, rows: IntArray, signatures: _Signatures) -> None:
        self.rows, self.signatures = rows, signatures
        self.guards = np.unique(signatures.guard)
        order = np.argsort(signatures.pairs, kind="stable")
        self.pairs = signatures.pairs[order]  # ascending, one for each claim that holds it
        self.owner = signatures.owner.astype(np.int32)[order]

    def look_up(self, pairs: HashArray) -> tuple[IntArray, IntArray]:
        """Returns for each pair where it begins among the index's pairs, and in how many claims it stands (0: none)."""
        begins = np.searchsorted(self.pairs, pairs)
        known = self.pairs[np.minimum(begins, len(self.pairs) - 1)] == pairs
        count = np.zeros(len(pairs), dtype=np.int64)
        count[known] = np.searchsorted(self.pairs, pairs[known], side="right") - begins[known]
        return begins, count


def _look_up(index: _Index, rows: IntArray, new: _Signatures, split: SplitArray) -> Iterator[Pair]:
    begins, count = index.look_up(new.pairs)
    order = np.lexsort((new.pairs, count, new.owner))
    size = np.diff(new.start)
    rank = np.arange(len(order)) - np.repeat(new.start[:-1], size)
    looked = order[(rank < np.repeat(size - np.ceil(LIKE * size) + 1, size)) & (count[order] > 0)]
    hits = count[looked]
    theirs = index.owner[ranges(begins[looked], hits)]
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
    start = starts(np.concatenate([np.diff(part.start) for part in parts]))
    return _Signatures(start, np.concatenate([p.pairs for p in parts]), np.concatenate([p.guard for p in parts]))


def _texts(
    session: Session, families: Families, below_split: int = TEST + 1, above_split: int = -1
) -> Iterator[tuple[IntArray, list[str]]]:
    """Gives rows and texts of the claims in some splits, portion by portion, in the order of rows."""
    end = 0
    for part in portions(session, columns(Claim, "text", order=("id",))):
        start, end = end, end + len(part)
        split = families.split[start:end]
        wanted = (split < below_split) & (split > above_split)
        if wanted.any():
            yield start + np.flatnonzero(wanted), [text for (text,) in compress(part, wanted.tolist())]


def _signatures(texts: Sequence[str], guards: HashArray | None = None) -> _Signatures:
    """Returns what these texts are compared by; their words are found in all of them at once.

    Args:
        texts: at least one.
        guards: ascending; texts with others get no pairs; None for all.
    """
    word, guard = _words(texts)
    begins = np.flatnonzero(word == 0)
    owner = np.repeat(np.arange(len(texts)), np.diff(begins, append=len(word)))
    guard = np.add.reduceat(guard, begins)
    if guards is not None:
        known = (guards[np.minimum(np.searchsorted(guards, guard), len(guards) - 1)] == guard)[owner]
        word, owner = word[known], owner[known]
    following = np.append(word[1:], np.uint64(0))  # the next text begins with 0, which ends this one
    pairs = (word << np.uint64(32)) | following
    order = np.lexsort((pairs, owner))
    pairs, owner = pairs[order], owner[order]
    keep = np.ones(len(pairs), dtype=np.bool_)
    keep[1:] = (pairs[1:] != pairs[:-1]) | (owner[1:] != owner[:-1])
    start = np.searchsorted(owner[keep], np.arange(len(texts) + 1))
    return _Signatures(start, pairs[keep], guard)


def _words(texts: Sequence[str]) -> tuple[HashArray, HashArray]:
    """Returns for every word that counts its hash, with a 0 before each text's first, and what it adds to the guard.

    A text without such words counts as a word of its own.
    """
    found = _WORD.findall(folded("".join(["\n" + text.replace("\n", " ") for text in texts])))
    place: defaultdict[str, int] = defaultdict(count().__next__)  # a new word gets the next number
    of_words = np.fromiter(map(place.__getitem__, found), np.int64, len(found))
    hashes, guards = np.array(list(map(_counted, place)), dtype=np.uint64).T
    hashes[place["\n"]] = 0
    of_words = of_words[hashes[of_words] != _NOTHING]
    begins = np.append(np.flatnonzero(hashes[of_words] == 0), len(of_words))
    empty = np.flatnonzero(np.diff(begins) == 1)
    own = [_hash(texts[number]) for number in empty.tolist()]
    at = begins[empty] + 1
    word, guard = hashes[of_words], guards[of_words]
    return np.insert(word, at, np.array(own, dtype=np.uint64)), np.insert(guard, at, np.uint64(0))


def _counted(word: str) -> tuple[int, int]:
    """Returns a word's hash, _NOTHING if it does not count, and 1 for a negation, for a number what tells it apart.

    The sum of the latter over a text is equal where its numbers and negations are.
    """
    if word in _EMPTY:
        return _NOTHING, 0
    if len(word) > 3 and word[-1] == "s" and word[-2] != "s":
        word = word[:-1]
    hashed = _hash(word)
    if word.isalpha():
        return hashed, int(word in _NEGATIONS)
    if word.endswith(("n't", "n\u2019t")):
        return hashed, 1
    return hashed, hashed << 16 if word.isdigit() or any(map(str.isdigit, word)) else 0


def _hash(word: str) -> int:
    return zlib.crc32(word.encode("utf-8", "surrogatepass")) or 1  # 0 marks the beginning of a text
