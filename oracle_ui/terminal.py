"""Answering in the terminal: the same sitting as on the page. Reads lines, so a pipe will do."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import TextIO

from rich.console import Console
from rich.text import Text

from argtree.distributions import check_number, check_positive
from argtree.draw import printable
from argtree.errors import ArgtreeError
from argtree.propagate import Propagator
from oracle_ui import sitting
from oracle_ui.sitting import DoubtfulNumberError, Said
from oracle_ui.view import Effect, NothingView, NumberView, QuestionView, percents, with_unit
from oracle_ui.wording import settled_words
from store.errors import ImpossibleNumberError, LeaseLostError, StoreError
from store.queue import AnswerKind

WAYS = "y yes, n no, 0 to 1 or 0% to 100% a probability, s skip, q quit"
NUMBER_WAYS = "a number, or a number and how far off it may be (as in 1.05 0.02), s skip, q quit"
_MOST_NAMED = 5  # claims, or roots, that a number decides
WORDS: dict[str, AnswerKind] = {"y": "yes", "yes": "yes", "n": "no", "no": "no", "s": "cannot_say"}


def answer_questions(url: str, name: str, lines: TextIO, out: Console) -> int:
    """Ask the queue's questions one by one until it is empty, or `lines` ends or says q; how many were answered.

    Raises:
        StoreError: the name is no rater's name, or the store failed. Answers given before are kept.
    """
    name = sitting.enter(url, name, _now())
    propagate = Propagator(only_askable=True)
    try:
        sitting.look_again(url, _now(), propagate)
    except StoreError:
        raise
    except ArgtreeError as error:  # the queue stands as it was last ranked
        out.print(Text(printable(str(error))))
    count, doubted = 0, None
    while not isinstance(question := sitting.ask(url, name, _now(), propagate), NothingView):
        said = None
        try:
            said = _ask(question, lines, out)
            if said is None:
                return count
            if said.number is not None and (question.token, said.number) == doubted:
                said = replace(said, is_sure=True)
            _show_effect(sitting.answer(url, name, question, said, _now(), propagate), out)
            count += said.kind != "cannot_say"
        except (LeaseLostError, ImpossibleNumberError) as error:
            out.print(Text(str(error)))
        except DoubtfulNumberError as error:
            doubted = (question.token, said and said.number)
            out.print(Text(printable(str(error))))
        finally:
            if said is None:
                sitting.leave(url, question.token)
    out.print("There is nothing left to ask you.")
    return count


def parse_answer(line: str) -> Said:
    """What a rater typed.

    Raises:
        ValueError: none of the ways to answer; the sentence names them.
    """
    typed = line.strip().lower()
    if typed in WORDS:
        return Said(WORDS[typed])
    try:
        prob = float(typed.removesuffix("%")) / (100 if typed.endswith("%") else 1)
    except ValueError:
        prob = -1.0
    if not 0 <= prob <= 1:  # NaN too
        raise ValueError(f"{typed[:40]!r} is no answer. Type one of: {WAYS}.")
    return Said("probability", prob)


def parse_number(line: str, usual_error: float, unit: str = "") -> Said:
    """What a rater typed in answer to a question about a quantity.

    Args:
        usual_error: how far off the number may be if they don't say.
        unit: what may stand behind the number.

    Raises:
        ValueError: none of the ways to answer; the sentence names them.
    """
    typed = line.strip().lower()
    if WORDS.get(typed) == "cannot_say":
        return Said("cannot_say")
    try:
        words = line.replace(f" {unit}" if unit else "±", " ").replace("±", " ").split()
        value, error = map(float, words if len(words) == 2 else [*words, str(usual_error)])
        check_number("the number", value)
        check_positive("its error", error)
    except ValueError:
        raise ValueError(f"{typed[:40]!r} is no answer. Type one of: {NUMBER_WAYS}.") from None
    return Said("number", number=(value, error))


def _ask(question: QuestionView | NumberView, lines: TextIO, out: Console) -> Said | None:
    if isinstance(question, NumberView):
        usual_error, unit = question.usual_error, question.unit
        _show_number(question, out)
        return _read(lines, out, lambda line: parse_number(line, usual_error, unit))
    _show(question, out)
    return _read(lines, out, parse_answer)


def _read(lines: TextIO, out: Console, parse_fn: Callable[[str], Said]) -> Said | None:
    """The next line that is an answer; None for q or at the end."""
    while True:
        out.print("> ", end="")
        line = lines.readline()
        if not line or line.strip().lower() in ("q", "quit"):
            out.print()
            return None
        try:
            return parse_fn(line)
        except ValueError as error:
            out.print(Text(printable(str(error))))


def _show(question: QuestionView, out: Console) -> None:
    out.print()
    out.print(Text("Is this true?  ") + Text(printable(question.claim), style="bold"))
    out.print(Text(f"The model holds it {percents(question.prob)[0]} likely.", style="dim"))
    if (stake := question.stake) is not None:
        now, if_yes, if_no = percents(stake.prob, stake.if_yes, stake.if_no)
        out.print(
            Text(f"{printable(stake.question)}  now {now}, after a yes {if_yes}, after a no {if_no}", style="dim")
        )
    out.print(Text(WAYS, style="dim"))


def _show_number(question: NumberView, out: Console) -> None:
    unit = with_unit("", printable(question.unit))
    out.print()
    out.print(
        Text("What is the number?  ") + Text(printable(question.text), style="bold") + Text(unit and f" in{unit}")
    )
    expected = f"The model expects {question.expected:.3g}{unit}, give or take {question.spread:.2g}."
    out.print(Text(expected, style="dim"))
    claims = "  ".join(printable(claim) for claim in question.claims[:_MOST_NAMED])
    left = len(question.claims) - _MOST_NAMED
    out.print(Text(f"It decides: {claims}{f'  and {left} more' if left > 0 else ''}", style="dim"))
    for text, prob in question.roots[:_MOST_NAMED]:
        out.print(Text(f"{printable(text)}  now {percents(prob)[0]}", style="dim"))
    out.print(Text(f"Without another error, yours is taken to be {question.usual_error:g}.", style="dim"))
    out.print(Text(NUMBER_WAYS, style="dim"))


def _show_effect(effect: Effect, out: Console) -> None:
    for move in effect.moves:
        before, after = percents(move.before, move.after)
        out.print(Text(f"  {before} -> {after}  {printable(move.question)}", style="green"))
    if not effect.moves and not effect.trouble and not effect.left:
        out.print(Text("  It is saved; no question moved by it.", style="dim"))
    if effect.settled:
        out.print(Text(f"  {settled_words(effect.settled)}", style="dim"))
    if effect.trouble:
        out.print(Text(f"The answer is saved, but its effect can't be worked out: {printable(effect.trouble)}"))


def _now() -> datetime:
    return datetime.now(UTC)
