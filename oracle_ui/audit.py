"""What somebody did, in words and as a table for a spreadsheet. Pure."""

import csv
import io
from collections.abc import Iterable

from oracle_ui.view import percents
from oracle_ui.wording import FLAGS, answer_words
from store.history import Event

NOBODY = "the checks, or the command line"
"""Who did it where no rater did."""

COLUMNS = tuple("at who did rater claim text answer prob number error unit note source gold".split())
_FORMULAS = tuple("=+-@＝＋－＠")  # spreadsheets take the wide forms too
_NOT_IN_CELLS = ("\t", "\r", "\n")


def who(event: Event) -> str:
    """Returns who did it; of a pause who is paused, since the store does not keep who began it."""
    return event.whom or "" if event.deed == "paused" else event.rater or NOBODY


def deed_words(event: Event) -> str:
    """Returns what was done, without who and to what; names in it are as their raters spelled them."""
    said = answer_words(event.kind or "", event.prob, event.number, event.unit, event.reason)
    match event.deed:
        case "answered" if event.flag is not None:
            return f"flagged: {FLAGS[event.flag]}"
        case "answered":
            return f"answered a gold question: {said}" if event.is_gold else f"answered: {said}"
        case "took_back":
            return f"took back: {said}"
        case "overrode":
            return f"set the label to {label_words(event.prob)}"
        case "lifted":
            return "left the label to the answers"
        case "queued_again":
            return "put the flagged question back in the queue"
        case "set_aside":
            return "set the flagged question aside for good"
        case "dismissed":
            return f"dismissed the answers of {event.whom}"
        case "reinstated":
            return f"let the answers of {event.whom} count again"
        case "paused":
            return "is paused"


def label_words(prob: float | None) -> str:
    """Returns what a label was set to: true, false or a percentage; None is what the answers say."""
    if prob is None:
        return "what the answers say"
    return "true" if prob == 1 else "false" if prob == 0 else percents(prob)[0]


def table(events: Iterable[Event]) -> str:
    """Returns the events as CSV (RFC 4180), with a head; no cell of it is a formula (see `cell`)."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    writer.writerows(map(_row, events))
    return out.getvalue()


def cell(text: str) -> str:
    """Returns a text that no spreadsheet takes for a formula, behind an apostrophe if need be.

    So OWASP, "CSV Injection": a cell is one that begins with =, +, -, @, a tab or a line's end, blanks aside.
    """
    return f"'{text}" if text.lstrip().startswith(_FORMULAS) or text.startswith(_NOT_IN_CELLS) else text


def _row(event: Event) -> list[str | float]:
    number, error = event.number or ("", "")
    texts = (event.unit, event.note, event.source)
    return [
        event.at.isoformat(),
        cell(who(event)),
        cell(deed_words(event)),
        cell(event.whom or ""),
        cell(event.claim or ""),
        cell(event.text),
        event.kind or "",
        "" if event.prob is None else event.prob,
        number,
        error,
        *map(cell, texts),
        "yes" if event.is_gold else "",
    ]
