"""What sets two wordings apart that look alike: guards that need no model.

English only, and by words alone: what is found here is a reason to keep two claims apart, and that nothing is found
is none to make them one. Each guard would rather keep a paraphrase apart than let another claim through. How often
they err on a list of hard pairs is measured in `tests/argtree/test_contrast.py`. Not here: who decides in the end
(`models.elicitation.Elicitor.same_claims`), how candidates are found (`models.embedding`).
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from argtree.contrast_words import (
    BE,
    CALENDAR,
    COMPLEMENTS,
    FUNCTION_WORDS,
    HAVE,
    MODALS,
    NEGATING_PREFIXES,
    NEGATIONS,
    NUMBERS,
    OPPOSITES,
    ORDINALS,
    PARTICIPLES_ONLY,
    PASTS,
    PHRASES,
    PREPOSITIONS,
    QUANTIFIERS,
    SUBORDINATORS,
    SYMMETRIC,
    TENSES,
    UNITS,
)

Contrast = Literal["negation", "antonym", "number", "unit", "quantifier", "modality", "time", "roles"]

_CONTRACTIONS = (
    (r"\bcan't\b|\bcannot\b", "can not"),
    (r"\bwon't\b", "will not"),
    (r"\bshan't\b", "shall not"),
    (r"n't\b", " not"),
    (r"'ll\b", " will"),
    (r"'re\b", " are"),
    (r"'ve\b", " have"),
    (r"\b(it|that|there|he|she|what|who)'s\b", r"\1 is"),
    (r"'s\b|(?<=s)'(?=\s|$)", ""),  # of a possessive: "France's capital" is read like "France capital"
)
_TOKEN = re.compile(r"\d+:\d+|[-−]?\d[\d,]*(?:\.\d+)*|[^\W\d_]+(?:[-'][^\W\d_]+)*|[%°$€£≥≤<>,]")
_BOUNDS = frozenset("≥≤<>")
_CURRENCIES = frozenset("$€£")
_MIN_STEM = 3  # letters that must be left of a word


@dataclass(frozen=True)
class _Reading:
    """What is compared of one wording."""

    stems: frozenset[str]  # of every word
    negations: int
    lesses: int  # "less" and "fewer" that compare
    numbers: Counter[tuple[str, float | str]]  # bound and value, without units
    measures: Counter[tuple[str, float | str, str]]  # bound, value in the dimension's own unit, dimension
    quantifiers: frozenset[str]
    modals: frozenset[str]
    tenses: frozenset[str]
    dates: frozenset[str]
    order: tuple[str, ...]  # stems of the words that have a meaning of their own, each role in a fixed place


def contrast(one: str, other: str) -> Contrast | None:
    """Returns the first difference in meaning that can be told by words alone; None where there is none to be seen.

    Where the one names a thing and the other its opposite, and the two sides have changed places as well ("A is heavier
    than B", "B is lighter than A"), nothing is found: the one change undoes the other.
    """
    a, b = _read(one), _read(other)
    if _units_differ(a, b):
        return "unit"
    if a.measures != b.measures:
        return "number"
    if a.quantifiers != b.quantifiers:
        return "quantifier"
    if a.modals != b.modals:
        return "modality"
    if a.tenses != b.tenses or a.dates != b.dates:
        return "time"
    if _negated(a, b) != _negated(b, a):
        return "negation"
    is_opposite, is_turned = _are_opposite(a, b), _is_turned(a, b)
    if is_opposite != is_turned:
        return "antonym" if is_opposite else "roles"
    return None


def stem(word: str) -> str:
    """Returns a folded word without its ending, roughly: the same for a word's forms, and seldom for two words."""
    word = PASTS.get(word, word)
    word = {"children": "child", "men": "man", "women": "woman", "feet": "foot", "teeth": "tooth", "mice": "mouse"}.get(
        word, word
    )
    for endings in (("s",), ("iest", "ier", "ied", "ily", "est", "ing", "ed", "er", "ly", "ie", "e", "y")):
        ending = next((one for one in endings if word.endswith(one) and len(word) - len(one) >= _MIN_STEM), "")
        if ending and not word.endswith("ss"):
            word = word.removesuffix(ending)
    is_doubled = len(word) > _MIN_STEM and word[-1] == word[-2] and word[-1] not in "ls"
    return word[:-1] if is_doubled else word


def bare(word: str) -> set[str]:
    """Returns the stems of which a stem is the negation: of "unsaf" "saf", of "harmless" "harm"."""
    found = {word.removeprefix(prefix) for prefix in NEGATING_PREFIXES if word.startswith(prefix)}
    if word.endswith("less") and len(word) > len("less") + 1:
        found |= {word.removesuffix("less"), stem(word.removesuffix("less") + "ful")}
    return {one for one in found if len(one) >= _MIN_STEM}


def _units_differ(a: _Reading, b: _Reading) -> bool:
    return a.measures != b.measures and a.numbers == b.numbers and sum(a.measures.values()) == sum(b.measures.values())


def _negated(a: _Reading, b: _Reading) -> int:
    """How often `a` says no where `b` does not: by a word, or by what is put before or behind a word that b has."""
    fresh, theirs = a.stems - b.stems, b.stems - a.stems
    count = a.negations + sum(bare(one) & theirs != set() for one in fresh)
    return count + sum(x in fresh and y in theirs for x, y in _COMPLEMENTS)


def _are_opposite(a: _Reading, b: _Reading) -> bool:
    fresh, theirs = a.stems - b.stems, b.stems - a.stems
    pairs = {(x, y) for x in fresh for y in theirs if (x, y) in _OPPOSITES or (y, x) in _OPPOSITES}
    return (min(len({x for x, _ in pairs}), len({y for _, y in pairs})) + a.lesses + b.lesses) % 2 == 1


def _is_turned(a: _Reading, b: _Reading) -> bool:
    """Says whether words that both have stand in another order."""
    symmetric = {"marri", *map(stem, SYMMETRIC)}
    if a.stems & b.stems & symmetric and "than" not in a.stems | b.stems:
        return False
    ones, others = _numbered(a.order), _numbered(b.order)
    common = set(ones) & set(others)
    return [word for word in ones if word in common] != [word for word in others if word in common]


def _numbered(words: Iterable[str]) -> list[tuple[str, int]]:
    """Each word with how often it stood before, so that none is there twice."""
    seen: Counter[str] = Counter()
    found = []
    for word in words:
        found.append((word, seen[word]))
        seen[word] += 1
    return found


def _read(text: str) -> _Reading:
    words = _words(text)
    plain = [word for word in words if word != ","]
    numbers, measures = _measures(plain)
    negations = sum(word in NEGATIONS for word in plain) + ("nor" in plain and "neither" not in plain)
    quantifiers = {QUANTIFIERS[word] for word in plain if word in QUANTIFIERS}
    if "any" in plain and not negations:
        quantifiers.add("all")
    return _Reading(
        stems=frozenset(map(stem, plain)),
        negations=negations,
        lesses=sum(word in ("less", "fewer") for word in plain),
        numbers=numbers,
        measures=measures,
        quantifiers=frozenset(quantifiers),
        modals=frozenset(MODALS[word] for word in plain if word in MODALS),
        tenses=_tenses(plain),
        dates=frozenset(plain) & CALENDAR,
        order=_order(words),
    )


def _words(text: str) -> list[str]:
    """Words, numbers and commas of a text; phrases that stand for one word are that word."""
    folded = unicodedata.normalize("NFKC", text).casefold().replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")
    for pattern, replacement in (*_CONTRACTIONS, *PHRASES):
        folded = re.sub(pattern, replacement, folded)
    words: list[str] = []
    for word in _TOKEN.findall(folded):
        parts = word.split("-") if "-" in word[1:] and not word.startswith("non-") else [word]
        words += parts
    return words


def _measures(
    words: Sequence[str],
) -> tuple[Counter[tuple[str, float | str]], Counter[tuple[str, float | str, str]]]:
    """Every number with its bound, and the same with its unit; a unit after an article counts as one of it."""
    numbers: Counter[tuple[str, float | str]] = Counter()
    measures: Counter[tuple[str, float | str, str]] = Counter()
    bound = ""
    for at, word in enumerate(words):
        previous, following = words[at - 1] if at else "", words[at + 1] if at + 1 < len(words) else ""
        value = _value(word, previous)
        is_one = value is None and word in ("a", "an", "one", "per") and following in UNITS
        if value is None and not is_one:
            bound = word if word in _BOUNDS else bound if word in _CURRENCIES else ""
            continue
        unit = following if following in UNITS else previous if previous in _CURRENCIES else ""
        factor, dimension = UNITS.get(unit, (1.0, ""))
        if is_one and not word == "one" and len(following) == 1:
            continue  # "a m": no unit but a letter
        amount: float | str = 1.0 if value is None else value
        if value is not None:
            numbers[bound, amount] += 1
        measures[bound, round(amount * factor, 9) if isinstance(amount, float) else amount, dimension] += 1
        bound = ""
    return numbers, measures


def _value(word: str, previous: str) -> float | str | None:
    """The number that a word is: its value, for ordinals and clock times its form; None for other words."""
    if word in NUMBERS:
        return NUMBERS[word]
    if word in ORDINALS and previous not in ("a", "per", "every", "each") and _value(previous, "") is None:
        return f"{ORDINALS[word]}th"
    if not any(map(str.isdigit, word)):
        return None
    plain = word.replace(",", "").replace("−", "-")
    return float(plain) if re.fullmatch(r"-?\d+(\.\d+)?", plain) else plain


def _tenses(words: Sequence[str]) -> frozenset[str]:
    """Times that the verbs speak of; the present is not named."""
    found = {TENSES[word] for word in words if word in TENSES}
    if any(_is_past(words, at) for at in range(len(words))):
        found.add("past")
    return frozenset(found)


def _is_past(words: Sequence[str], at: int) -> bool:
    """Says whether the word is a verb in the past, and no participle that describes ("is closed", "made of wool")."""
    word = words[at]
    if not _is_participle(word):
        return False
    before = words[max(0, at - 3) : at]
    if not HAVE.isdisjoint(before[-2:]) or word in _PURE_PASTS:
        return True  # "has closed", "rose"
    describes = at == 0 or bool(BE & set(before)) or before[-1] in ("a", "an", "the", "of", "with", "and", "not")
    following = words[at + 1] if at + 1 < len(words) else ""
    return not (describes or word in PARTICIPLES_ONLY or following in ("of", "by", "from"))


def _is_participle(word: str) -> bool:
    return word in PASTS or (len(word) > 4 and word.endswith("ed") and not word.endswith("eed"))


def _order(words: Sequence[str]) -> tuple[str, ...]:
    """Stems of the words with a meaning of their own, in the order of an active sentence, the main clause first."""
    placed = _with_agent_first(_with_main_clause_first(words))
    placed = _with_matter_first(placed)
    stems = [stem(word) for word in placed if _has_meaning(word)]
    for at, word in enumerate(placed[1:-1], 1):  # of "salt and water" the order says nothing
        ends = (placed[at - 1], placed[at + 1])
        if word in ("and", "or") and all(map(_has_meaning, ends)):
            _swap_if_needed(stems, *map(stem, ends))
    return tuple(stems)


def _swap_if_needed(stems: list[str], first: str, second: str) -> None:
    for at in range(len(stems) - 1):
        if (stems[at], stems[at + 1]) == (first, second) and first > second:
            stems[at], stems[at + 1] = second, first
            return


def _has_meaning(word: str) -> bool:
    closed = (FUNCTION_WORDS, NEGATIONS, QUANTIFIERS, MODALS, TENSES, CALENDAR, _BOUNDS, NUMBERS)
    is_closed = any(word in of for of in closed) or word in ("anybody", "anyone", "anything")
    is_symbol = len(word) <= 2 and word in UNITS
    return not (is_closed or is_symbol or word.endswith("ly")) and word[0].isalpha()


def _with_main_clause_first(words: Sequence[str]) -> list[str]:
    """ "If a, b" as "b if a", "in winter, c" as "c in winter"."""
    found = list(words)
    if "," in found and (found[0] in SUBORDINATORS or found[0] in PREPOSITIONS or found[0] in QUANTIFIERS):
        comma = found.index(",")
        found = [*found[comma + 1 :], *found[:comma]]
    return [word for word in found if word != ","]


def _with_agent_first(words: list[str]) -> list[str]:
    """ "The man was bitten by the dog" as "the dog bitten the man"."""
    for at, word in enumerate(words[:-1]):
        if word not in BE:
            continue
        verb = at + 1
        while verb < len(words) and (words[verb] in ("not", "also", "being", "been") or words[verb].endswith("ly")):
            verb += 1
        if verb >= len(words) or not _is_participle(words[verb]) or "by" not in words[verb:]:
            continue
        by = words.index("by", verb)
        end = next((i for i in range(by + 1, len(words)) if words[i] in PREPOSITIONS | SUBORDINATORS), len(words))
        return [*words[by + 1 : end], *words[at:verb], words[verb], *words[:at], *words[verb + 1 : by], *words[end:]]
    return words


def _with_matter_first(words: list[str]) -> list[str]:
    """ "A coat made of wool", "a coat of wool" as "a wool coat"."""
    found: list[str] = []
    waiting = list(words)
    while waiting:
        word = waiting.pop(0)
        if word == "of" and found and waiting:
            while len(found) > 1 and found[-1] in ("made", *BE):
                found.pop()
            rest = [waiting.pop(0)]
            while waiting and rest[-1] in FUNCTION_WORDS:
                rest.append(waiting.pop(0))
            found[-1:] = [*rest, found[-1]]
        else:
            found.append(word)
    return found


_PURE_PASTS = {word for word, base in PASTS.items() if base in {PASTS[one] for one in PARTICIPLES_ONLY}}
_PURE_PASTS -= PARTICIPLES_ONLY
_OPPOSITES = frozenset((stem(x), stem(y)) for x, y in map(str.split, OPPOSITES))
_COMPLEMENTS = frozenset((stem(x), stem(y)) for x, y in map(str.split, COMPLEMENTS))
