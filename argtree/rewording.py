"""Whether a claim is little more than another in other words, or its denial. English only, and by words alone. Pure.

What people have settled of such a claim must not be shown to a model that is asked about the other: it would be told
the answer. Of the hard pairs of `tests/argtree/test_rewording.py` it finds every denial and 53 of 80 paraphrases; what
the model itself finds to say the same is one claim anyway (`argtree.merging`).
"""

from argtree.contrast import bare, contrast, stem
from argtree.contrast_words import COMPLEMENTS, MODALS, NEGATIONS, OPPOSITES, QUANTIFIERS, TENSES
from argtree.passages import telling_words

SAME_SHARE = 0.5  # more than that of the words of both are of each

_GRAMMAR = frozenset((*MODALS, *NEGATIONS, *QUANTIFIERS, *TENSES))


def is_reworded(one: str, other: str) -> bool:
    """Returns whether two claims are made of the same words, up to grammar, negations and opposites.

    That is of a rewording, a denial, and the same with two sides changed. Numbers or units that differ make two of it.
    """
    if contrast(one, other) in ("number", "unit"):
        return False
    ones, others = _matter(one), _matter(other)
    ones, others = _unnegated(ones, others), _unnegated(others, ones)
    return len(ones & others) > SAME_SHARE * len(ones | others) or ones == others


def _matter(text: str) -> frozenset[str]:
    return frozenset(of for of, word in telling_words(text).items() if word not in _GRAMMAR)


def _unnegated(words: frozenset[str], others: frozenset[str]) -> frozenset[str]:
    """Returns the words, those that deny one of the others as that one, and opposites alike."""
    plain = (next(iter(sorted(bare(word) & others)), word) for word in words)
    return frozenset(_OPPOSITE.get(word, word) for word in plain)


def _opposites() -> dict[str, str]:
    """Returns one word for each word that has opposites, the same one for all that hang together."""
    found: dict[str, str] = {}
    for one, other in (map(stem, pair.split()) for pair in (*OPPOSITES, *COMPLEMENTS)):
        kept, gone = found.get(one, one), found.get(other, other)
        found |= {word: kept for word, of in found.items() if of == gone} | {one: kept, other: kept}
    return found


_OPPOSITE = _opposites()
