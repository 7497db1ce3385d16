"""Answering in the terminal: the same sitting as on the page. Reads lines, so a pipe will do."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TextIO

from rich.console import Console
from rich.text import Text

from argtree.distributions import check_number, check_positive
from argtree.draw import printable
from argtree.errors import ArgtreeError
from argtree.propagate import Propagator
from oracle_ui import sitting
from oracle_ui.sitting import Said
from oracle_ui.view import Effect, NothingView, NumberView, QuestionView, percents
from store.errors import ImpossibleNumberError, LeaseLostError, StoreError
from store.queue import AnswerKind

WAYS = "y yes, n no, 0 to 1 or 0% to 100% a probability, s skip, q quit"
NUMBER_WAYS = "a number, or a number and how far off it may be (as in 1.05 0.02), s skip, q quit"
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
    count = 0
    while not isinstance(question := sitting.ask(url, name, _now(), propagate), NothingView):
        said = None
        try:
            said = _ask(question, lines, out)
            if said is None:
                return count
            _show_effect(sitting.answer(url, name, question, said, _now(), propagate), out)
            count += said.kind != "cannot_say"
        except (LeaseLostError, ImpossibleNumberError) as error:
            out.print(Text(str(error)))
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


def parse_number(line: str, usual_error: float) -> Said:
    """What a rater typed in answer to a question about a quantity.

    Args:
        usual_error: how far off the number may be if they don't say.

    Raises:
        ValueError: none of the ways to answer; the sentence names them.
    """
    typed = line.strip().lower()
    if WORDS.get(typed) == "cannot_say":
        return Said("cannot_say")
    try:
        words = typed.split()
        value, error = map(float, words if len(words) == 2 else [*words, str(usual_error)])
        check_number("the number", value)
        check_positive("its error", error)
    except ValueError:
        raise ValueError(f"{typed[:40]!r} is no answer. Type one of: {NUMBER_WAYS}.") from None
    return Said("number", number=(value, error))


def _ask(question: QuestionView | NumberView, lines: TextIO, out: Console) -> Said | None:
    if isinstance(question, NumberView):
        usual_error = question.usual_error
        _show_number(question, out)
        return _read(lines, out, lambda line: parse_number(line, usual_error))
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
    unit = f" {printable(question.unit)}" if question.unit else ""
    out.print()
    out.print(
        Text("What is the number?  ") + Text(printable(question.text), style="bold") + Text(unit and f" in{unit}")
    )
    expected = f"The model expects {question.expected:.3g}{unit}, give or take {question.spread:.2g}."
    out.print(Text(expected, style="dim"))
    out.print(Text(NUMBER_WAYS, style="dim"))


def _show_effect(effect: Effect, out: Console) -> None:
    for move in effect.moves:
        before, after = percents(move.before, move.after)
        out.print(Text(f"  {before} -> {after}  {printable(move.question)}", style="green"))
    if effect.trouble:
        out.print(Text(f"The answer is saved, but its effect can't be worked out: {printable(effect.trouble)}"))


def _now() -> datetime:
    return datetime.now(UTC)
