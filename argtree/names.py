"""From what somebody types to what is meant: a claim by its id or its exact text, and what is supposed of claims."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from heapq import nsmallest

from argtree.errors import ArgtreeError, UnknownClaimError
from argtree.graph import ArgumentGraph
from argtree.text import shorten

_MAX_CHARS = 120  # of a name in an error
_MAX_COMPARED = 20_000  # names that the nearest is looked for among: about a second
_ALIKE = 0.4  # difflib's ratio from which a name is worth suggesting


def find_claim(graph: ArgumentGraph, name: str) -> str:
    """Returns the id of the claim that has this id or, failing that, exactly this text.

    Raises:
        UnknownClaimError: none or several have; the sentence names the nearest, or the several.
    """
    name = name.strip() if name not in graph.index else name
    if name in graph.index:
        return name
    found = [claim.id for claim in graph.claims if claim.text == name]
    if len(found) == 1:
        return found[0]
    shown = shorten(name, _MAX_CHARS)
    if found:
        listed = ", ".join(repr(shorten(one, _MAX_CHARS)) for one in found[:5])
        raise UnknownClaimError(f"{len(found)} claims have the text {shown!r}: name one by its id, such as {listed}")
    _refuse_quantity(graph, name)
    nearest = _nearest(graph, name)
    hint = f"; the nearest is {shorten(nearest, _MAX_CHARS)!r}" if nearest else ""
    raise UnknownClaimError(f"no claim has the id or the text {shown!r}{hint}")


def parse_given(graph: ArgumentGraph, texts: Iterable[str]) -> dict[str, float]:
    """Returns claim id -> probability supposed, from texts such as "rain=yes", "rain=no" and "rain=0.3".

    Raises:
        UnknownClaimError: see `find_claim`.
        ArgtreeError: a text is not of that form, or a claim is given two probabilities.
    """
    given: dict[str, float] = {}
    for text in texts:
        name, _, said = text.rpartition("=")  # the last "=", since ids and texts may contain more
        prob = _parse_prob(said.strip())
        if prob is None:
            _refuse_quantity(graph, name.strip())
        if not name.strip() or prob is None:
            raise ArgtreeError(
                f"what is given as {shorten(text, _MAX_CHARS)!r} must read CLAIM=yes, CLAIM=no or "
                "CLAIM=PROB with a probability from 0 to 1"
            )
        claim = find_claim(graph, name)
        if given.setdefault(claim, prob) != prob:
            raise ArgtreeError(f"{shorten(claim, _MAX_CHARS)!r} is given two probabilities: {given[claim]:g}, {prob:g}")
    return given


def _refuse_quantity(graph: ArgumentGraph, name: str) -> None:
    """Raises UnknownClaimError if this is the id or the text of a quantity; the sentence names a claim about it."""
    named = {one.id for one in graph.quantities if name in (one.id, one.text)}
    claims = [claim.id for claim in graph.claims if named.intersection(claim.quantities)]
    if named:
        hint = f": name a claim about it, such as {shorten(claims[0], _MAX_CHARS)!r}" if claims else ""
        raise UnknownClaimError(f"{shorten(name, _MAX_CHARS)!r} is a quantity, not a claim{hint}")


def _parse_prob(said: str) -> float | None:
    if said.casefold() in ("yes", "no"):
        return 1.0 if said.casefold() == "yes" else 0.0
    try:
        prob = float(said)
    except ValueError:
        return None
    return prob if 0 <= prob <= 1 else None


def _nearest(graph: ArgumentGraph, name: str) -> str | None:
    names = {alike for claim in graph.claims for alike in (claim.id, claim.text)}
    if len(names) > _MAX_COMPARED:
        names = set(nsmallest(_MAX_COMPARED, names, key=lambda one: (abs(len(one) - len(name)), one)))
    folded = {one.casefold(): one for one in sorted(names)}
    found = get_close_matches(name.casefold(), list(folded), n=1, cutoff=_ALIKE)
    return folded[found[0]] if found else None
