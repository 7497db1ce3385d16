"""Two arguments side by side as a rater sees them, as frozen values made of what the store gives. Pure.

Not here: HTML (`theme_compare`), the database (`comparing`), widgets (`desk/compare.py`).
"""

from dataclasses import dataclass

from argtree.graph import Polarity
from store.comparisons import ComparisonKind, ShownPair
from store.tournaments import ShownArgument

_SAID: dict[ComparisonKind, str] = {
    "first": "the first is better",
    "second": "the second is better",
    "equal": "about equal",
    "cannot_say": "can't say",
}


@dataclass(frozen=True)
class Reason:
    """A premise as it is read: with what it is taken to be, where that is false."""

    text: str
    holds: bool


@dataclass(frozen=True)
class Card:
    """One of the two arguments."""

    number: int  # 1 or 2, also the key that prefers it
    polarity: Polarity
    reasons: tuple[Reason, ...]

    @property
    def side(self) -> str:
        """What the argument does, in a word or two."""
        return "for it" if self.polarity == "support" else "against it"


@dataclass(frozen=True)
class PairView:
    """A pair as it is put to a rater."""

    shown: ShownPair
    cards: tuple[Card, Card]

    @property
    def token(self) -> str:
        """Of the showing: no two showings have the same."""
        return self.shown.token

    @property
    def claim(self) -> str:
        """Text of what both argue about."""
        return self.shown.claim


@dataclass(frozen=True)
class Compared:
    """What a comparison did."""

    said: str
    claim: str
    better: Card | None  # the one of which it is told how sure it now is; None where nothing was said
    before: float  # P(it is better than the other), by what all raters said
    after: float


def see_pair(shown: ShownPair) -> PairView:
    """Returns the pair as it is put to a rater."""
    return PairView(shown, (_card(1, shown.first), _card(2, shown.second)))


def see_compared(view: PairView, kind: ComparisonKind, before: float, after: float) -> Compared:
    """Returns what a comparison did.

    Args:
        before: P(the first argument is better) before it.
        after: and after it.
    """
    if kind == "cannot_say":
        return Compared(_SAID[kind], view.claim, None, before, after)
    first, second = view.cards
    if kind == "second":
        return Compared(_SAID[kind], view.claim, second, 1 - before, 1 - after)
    return Compared(_SAID[kind], view.claim, first, before, after)


def _card(number: int, argument: ShownArgument) -> Card:
    return Card(number, argument.polarity, tuple(Reason(text, holds) for text, holds in argument.premises))
