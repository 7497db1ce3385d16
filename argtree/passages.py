"""Plain text and Markdown in passages of a few sentences, and how rankings of them are made one. Pure.

Not here: reading files (`argtree.document_files`), keeping and finding passages (`argtree.documents`).
"""

import re
import unicodedata
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from textwrap import wrap

from argtree.contrast import stem
from argtree.contrast_words import FUNCTION_WORDS

MAX_SENTENCES = 3  # of a passage
MAX_CHARS = 500  # of a passage; a sentence that is longer is cut between words
MAX_HEADING_CHARS = 120
FUSION_CONSTANT = 60  # Cormack, Clarke and Buettcher 2009, "Reciprocal rank fusion outperforms ..." (SIGIR), k

_JOINERS = "\u200c\u200d"  # in ordinary use in Persian, Indic scripts and emoji
_HEADING = re.compile(r"\s{0,3}#{1,6}\s+(.*?)[\s#]*")
_ITEM = re.compile(r"\s*(?:[-*+]|\d{1,3}[.)])\s")
_LINE_END = re.compile(r"\r\n|\r|\n")  # as an editor counts lines
_SENTENCE_END = re.compile(r"(?<=[.!?])[\"')\]]*\s+")


@dataclass(frozen=True)
class Passage:
    """A few sentences of a document that stand together."""

    line: int  # where it begins, from 1
    heading: str  # of the part that it stands in, "" for none
    text: str  # on one line, at most MAX_CHARS characters


def plain(text: str) -> str:
    """Returns a text on one line, without what steers a terminal, turns the reading direction or can't be stored."""
    fit = "".join(" " if _is_unfit(character) else character for character in text)
    return " ".join(fit.split())


def passages(text: str) -> Iterator[Passage]:
    """Gives the passages of a document in their order; none goes on over an empty line or a heading."""
    heading = ""
    paragraph: list[tuple[int, str]] = []
    for number, line in enumerate(_LINE_END.split(text), 1):
        title = _HEADING.fullmatch(line)
        if title is None and any(map(str.isalnum, line)):
            paragraph.append((number, line))
            continue
        yield from _of_paragraph(paragraph, heading)
        paragraph = []
        if title is not None:
            heading = plain(title[1])[:MAX_HEADING_CHARS]
    yield from _of_paragraph(paragraph, heading)


def telling_words(text: str) -> dict[str, str]:
    """Returns the words of a text that are more than its grammar, without accents, by their stems."""
    spelt = unicodedata.normalize("NFKD", text).casefold()
    words = re.findall(r"\w+", "".join(letter for letter in spelt if not unicodedata.combining(letter)))
    return {stem(word): word for word in words if word not in FUNCTION_WORDS}


def fuse(*rankings: Sequence[int]) -> list[int]:
    """Returns the items of several rankings by reciprocal rank fusion; of equals those that stand in the first one.

    An item's score is the sum of 1 / (60 + rank) over the rankings that it is in, ranks from 1.
    """
    scores: dict[int, float] = defaultdict(float)
    for ranking in rankings:
        for rank, item in enumerate(ranking, 1):
            scores[item] += 1 / (FUSION_CONSTANT + rank)
    return sorted(scores, key=lambda item: -scores[item])


def _is_unfit(character: str) -> bool:
    return unicodedata.category(character) in ("Cc", "Cf", "Cs") and character not in _JOINERS


def _of_paragraph(lines: Sequence[tuple[int, str]], heading: str) -> Iterator[Passage]:
    group: list[tuple[int, str]] = []
    for number, sentence in _sentences(lines):
        length = sum(len(text) + 1 for _, text in group) + len(sentence)
        if group and (len(group) == MAX_SENTENCES or length > MAX_CHARS):
            yield _passage(group, heading)
            group = []
        group.append((number, sentence))
    if group:
        yield _passage(group, heading)


def _passage(sentences: Sequence[tuple[int, str]], heading: str) -> Passage:
    return Passage(sentences[0][0], heading, " ".join(text for _, text in sentences))


def _sentences(lines: Sequence[tuple[int, str]]) -> Iterator[tuple[int, str]]:
    """Gives the sentences of a paragraph with the lines where they begin; an item of a list begins one."""
    runs: list[list[tuple[int, str]]] = []
    for number, line in lines:
        if not runs or _ITEM.match(line):
            runs.append([])
        runs[-1].append((number, plain(line)))
    for run in runs:
        starts = [0]
        for _, line in run:
            starts.append(starts[-1] + len(line) + 1)
        at = 0
        joined = " ".join(line for _, line in run)
        for sentence in _SENTENCE_END.split(joined):
            at = joined.index(sentence, at)
            for piece in wrap(sentence, MAX_CHARS):
                yield run[bisect_right(starts, at) - 1][0], piece
