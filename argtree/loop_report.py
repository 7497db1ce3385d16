"""The report of a loop as one HTML file that needs nothing else: error by round, what was asked, what each answer did.

Texts of claims, questions, raters and reasons are strangers': they reach the page only through a template that escapes
everything, pictures hold none of them, and the page runs no script.
"""

import base64
from dataclasses import dataclass
from importlib import resources
from itertools import accumulate
from typing import Any

from jinja2 import BaseLoader, Environment, StrictUndefined

from argtree.loop_plot import Curve, Point, error_by_round, roots_moved
from argtree.loop_state import LoopState, Record, RoundState
from argtree.text import printable

_TEMPLATE = "loop_report.html.jinja"
_WAYS = ("fast", "slow")


@dataclass(frozen=True)
class Headline:
    """The first and the last score of a way of answering."""

    way: str
    first: Point
    last: Point


def report(state: LoopState) -> bytes:
    """Returns the page for the rounds so far, UTF-8; the same state gives the same bytes."""
    judged = [one for one in state.rounds if "promote" in one.done]
    curves = [curve for way in _WAYS if (curve := _curve(way, judged))]
    asked = [one for one in state.rounds if "ask" in one.done]
    said = [effect for one in asked for effect in one.done["ask"]["effects"]]
    environment = Environment(loader=BaseLoader(), autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    environment.filters |= {"percent": _percent, "plain": printable, "duration": _duration, "said": _said}
    template = environment.from_string(resources.files("argtree").joinpath(_TEMPLATE).read_text(encoding="utf-8"))
    page = template.render(
        state=state,
        rounds=state.rounds,
        simulated=state.settings.get("oracle") == "simulated",
        headlines=[Headline(curve.name, curve.in_use[0], curve.in_use[-1]) for curve in curves],
        labels=max((one.done["ask"]["labels"] for one in asked), default=0),
        answers=len(said),
        widest=max((effect["moved"] or 0 for effect in said), default=0),
        tens=sum((effect["moved"] or 0) >= 10 for effect in said),
        promoted=sum(one.done["promote"]["promoted"] for one in judged),
        judged=len(judged),
        tally=_tally(asked),
        error_picture=_picture(error_by_round(curves, _labels(judged))) if curves else None,
        moved_picture=_moved_picture(asked) if any(effect["moved"] for effect in said) else None,
    )
    return page.encode("utf-8", errors="replace")


def in_use(one: RoundState) -> Record:
    """Returns the scores of the generation that is in use after a judged round."""
    scores: Record = one.done["evaluate"]["new" if one.done["promote"]["promoted"] else "old"]
    return scores


def _curve(way: str, judged: list[RoundState]) -> Curve | None:
    """Returns the Brier score by round; None where nothing was asked that way."""
    if not judged or way not in judged[0].done["evaluate"]["old"]:
        return None
    points = [_point(0, judged[0].done["evaluate"]["old"][way])]
    points += [_point(one.number, in_use(one)[way]) for one in judged if way in in_use(one)]
    lost = [one for one in judged if not one.done["promote"]["promoted"] and way in one.done["evaluate"]["new"]]
    return Curve(way, tuple(points), tuple(_point(one.number, one.done["evaluate"]["new"][way]) for one in lost))


def _point(number: int, figures: Record) -> Point:
    brier = figures["brier"]
    return Point(number, brier["value"], brier["low"], brier["high"])


def _labels(judged: list[RoundState]) -> list[int]:
    """Returns how many claims had a label at the start, and by the end of each round."""
    return [judged[0].done["ask"]["labels_before"], *(one.done["ask"]["labels"] for one in judged)]


def _moved_picture(asked: list[RoundState]) -> str:
    said = [effect for one in asked for effect in one.done["ask"]["effects"]]
    ends = list(accumulate(len(one.done["ask"]["effects"]) for one in asked))
    kinds = [_leaning(effect) for effect in said]
    return _picture(roots_moved(kinds, [effect["moved"] or 0 for effect in said], ends))


def _leaning(effect: Record) -> str:
    if effect["kind"] == "probability":
        return "yes" if effect["prob"] >= 0.5 else "no"
    kind: str = effect["kind"]
    return kind


def _tally(asked: list[RoundState]) -> dict[str, int] | None:
    tallies = [one.done["ask"]["tally"] for one in asked if one.done["ask"]["tally"]]
    return {name: sum(of[name] for of in tallies) for name in tallies[0]} if tallies else None


def _picture(svg: bytes) -> str:
    """Returns a picture as the address of an image, so that nothing in it can act on the page."""
    return f"data:image/svg+xml;base64,{base64.b64encode(svg).decode()}"


def _percent(prob: float | None) -> str:
    if prob is None:
        return "?"
    return "<1 %" if 0 < prob < 0.01 else ">99 %" if 0.99 < prob < 1 else f"{prob:.0%}".replace("%", " %")


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def _said(effect: dict[str, Any]) -> str:
    if effect["kind"] == "number":
        return "{:.4g} ± {:.2g}".format(*effect["number"])
    if effect["kind"] == "probability":
        return _percent(effect["prob"])
    kind: str = effect["kind"]
    return kind.replace("cannot_say", "can't say")
