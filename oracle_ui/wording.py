"""What was answered, or not, and what came of it, in words of ours. Pure."""

from collections.abc import Mapping, Sequence
from statistics import median

from oracle_ui.view import Left, percents, with_unit
from store.flags import FlagKind
from store.queue import Reason

NOTE_LENGTH = 2000
"""Characters of a note, at most."""

BREAK_SECONDS = 600.0
"""Who took longer over a question, or between two answers, had a break."""
CANNOT_SAY = "can't say"
REASONS: Mapping[Reason, str] = {
    "unknown": "I don't know",
    "unclear": "The question is unclear",
    "too_long": "It would take me too long",
}
"""Why a rater skips a question, in words."""
FLAGS: Mapping[FlagKind, str] = {
    "ambiguous": "It is ambiguous",
    "harmful": "It is harmful",
    "needs_expert": "It needs an expert",
}
"""What a rater finds wrong with a question, in words."""
LEFT_WORDS: Mapping[Left, str] = {
    "skipped": "It stays open for others.",
    "flagged": "A reviewer will see your flag; until another rater flags it too, it stays open for others.",
    "held": "Nobody is asked any more until a reviewer has looked at it.",
}


def answer_words(
    kind: str, prob: float | None, number: tuple[float, float] | None, unit: str = "", why: str | None = None
) -> str:
    """Returns an answer in words: a number with its error and unit, a percentage, or what was chosen.

    Args:
        why: of "cannot_say", a key of REASONS or FLAGS; None where it was not said.
    """
    if number is not None:
        return f"{with_unit(f'{number[0]:.6g}', unit)}, give or take {number[1]:.3g}"
    if kind == "probability" and prob is not None:
        return percents(prob)[0]
    if kind == "cannot_say":
        said = {str(key): words for key, words in (*REASONS.items(), *FLAGS.items())}.get(why or "")
        return f"{CANNOT_SAY}: {said}" if said else CANNOT_SAY
    return kind


def settled_words(count: int) -> str:
    """Returns that an answer settled so many other claims."""
    claims = "one other claim" if count == 1 else f"{count} other claims"
    return f"It also settled {claims} that nobody was asked about."


def pace_words(seconds: Sequence[float]) -> str:
    """Returns how many answers a sitting has, and how long one took: the median, breaks left out.

    Args:
        seconds: from when the question was shown to its answer, of each answer.
    """
    if not seconds:
        return "no answers in this sitting yet"
    counted = "1 answer" if len(seconds) == 1 else f"{len(seconds)} answers"
    at_work = [one for one in seconds if one <= BREAK_SECONDS]
    if len(at_work) < 2:
        return f"{counted} in this sitting"
    typical = median(at_work)
    each = f"{typical:.0f} s" if typical < 90 else f"{typical / 60:.1f} min"
    return f"{counted} in this sitting, {each} each".replace(" s ", "\u00a0s ").replace(" min ", "\u00a0min ")
