"""Text of claims made fit to be shown. It comes from models and strangers: nothing in it may steer what shows it.

Not here: escaping for one form of output (rich's markup, XML), which whoever writes that form does.
"""

from __future__ import annotations

import unicodedata

REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
_JOINERS = "\N{ZERO WIDTH NON-JOINER}\N{ZERO WIDTH JOINER}"  # Persian and emoji need them; they steer nothing
_MAX_MARKS = 4  # on one letter; writing systems need no more, and towers of them leave their line

# Advance widths in em, of the widest of the common sans-serif fonts (DejaVu Sans, Verdana), so that text laid out
# with them fits in the narrower ones too.
_WIDTHS = {
    **dict.fromkeys("ijl'|", 0.30),
    **dict.fromkeys(' .,:;!fIrt()[]-/\\"*', 0.42),
    **dict.fromkeys("mwMW@%+=<>~^#&_", 0.98),
}
_WIDTH_OTHER, _WIDTH_LOWER, _WIDTH_UPPER, _WIDTH_WIDE, _WIDTH_EMOJI = 0.78, 0.63, 0.74, 1.05, 1.35


def printable(text: str) -> str:
    """Returns the text on one line, with blanks collapsed and controls made visible.

    Escapes, other controls, directional overrides, invisible tags, lone surrogates and what XML forbids become
    U+FFFD; so the result can neither move a cursor, nor reorder what follows it, nor break a file's encoding.
    """
    shown: list[str] = []
    num_marks = 0
    for char in " ".join(text.split()):
        num_marks = num_marks + 1 if unicodedata.combining(char) else 0
        if num_marks <= _MAX_MARKS:
            shown.append(REPLACEMENT if _steers(char) else char)
    return "".join(shown)


def _steers(char: str) -> bool:
    if char in _JOINERS:
        return False
    is_noncharacter = ord(char) & 0xFFFE == 0xFFFE or 0xFDD0 <= ord(char) <= 0xFDEF
    return is_noncharacter or unicodedata.category(char) in ("Cc", "Cf", "Cs")


def shorten(text: str, max_chars: int) -> str:
    """Returns `printable(text)`, cut with an ellipsis to at most `max_chars` characters."""
    shown = printable(text)
    return shown if len(shown) <= max_chars else shown[: max_chars - 1].rstrip() + "…"


def text_width(text: str) -> float:
    """Returns about the width of the text in em, rather too wide than too narrow."""
    return sum(_char_width(char) for char in text)


def _char_width(char: str) -> float:
    if char in _WIDTHS:
        return _WIDTHS[char]
    if char.isascii():
        return _WIDTH_UPPER if char.isupper() else _WIDTH_LOWER
    if unicodedata.combining(char) or char in _JOINERS:
        return 0.0
    if ord(char) >= 0x1F000:
        return _WIDTH_EMOJI
    return _WIDTH_WIDE if unicodedata.east_asian_width(char) in "WFA" else _WIDTH_OTHER


def wrap(text: str, max_width: float, max_lines: int) -> list[str]:
    """Returns `printable(text)` in at most `max_lines` lines of at most `max_width` em; an ellipsis ends a cut text.

    Breaks at blanks, and inside words that are longer than a line.
    """
    lines = [""]
    for word in shorten(text, int(4 * max_width * max_lines)).split(" "):
        joined = f"{lines[-1]} {word}" if lines[-1] else word
        if text_width(joined) <= max_width:
            lines[-1] = joined
            continue
        pieces = _break_word(word, max_width)
        lines += pieces if lines[-1] else pieces[1:]
        lines[-len(pieces)] = pieces[0]
    if len(lines) <= max_lines:
        return lines
    return [*lines[: max_lines - 1], _with_ellipsis(lines[max_lines - 1], max_width)]


def _break_word(word: str, max_width: float) -> list[str]:
    pieces = [""]
    for char in word:
        if pieces[-1] and text_width(pieces[-1] + char) > max_width:
            pieces.append("")
        pieces[-1] += char
    return pieces


def _with_ellipsis(line: str, max_width: float) -> str:
    while line and text_width(line + "…") > max_width:
        line = line[:-1]
    return line.rstrip(" ,;:") + "…"
