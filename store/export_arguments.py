"""Arguments that survived or failed, as rows for supervised and preference trainers: sft, dpo, reward, kto."""

from collections.abc import Iterator, Sequence
from typing import get_args

from argtree.graph import Polarity
from store.export_rows import NewRow, Prompts, Source, in_words, messages
from store.findings import Findings, Judged


def argument_rows(findings: Findings, prompts: Prompts) -> Iterator[NewRow]:
    """Gives the rows of all arguments that can be judged, conclusion by conclusion."""
    for claim, judged in findings.judged.items():
        survived = [one for one in judged if one.survived]
        yield from _proposals(findings, prompts, claim, survived)
        yield from _pairs(findings, prompts, claim, judged)
        yield from _singles(findings, prompts, claim, judged)


def _proposals(findings: Findings, prompts: Prompts, claim: str, survived: Sequence[Judged]) -> Iterator[NewRow]:
    """Gives the survivors as replies to the request for arguments, a handful at a time, those before listed as known.

    That is how an explorer asks for them.
    """
    place = findings.place[claim]
    reasons = [in_words(findings, one.argument) for one in survived]
    size = prompts.arguments_asked
    for start in range(0, len(survived), size):
        asked = prompts.propose(findings.batch.claims[place].text, reasons[:start], size)
        reply = prompts.arguments(reasons[start : start + size])
        here = survived[start : start + size]
        yield NewRow(
            "sft",
            (messages("user", asked), messages("assistant", reply)),
            _mentions(findings, place, survived[: start + size]),
            _source(findings, place, here),
        )


def _pairs(findings: Findings, prompts: Prompts, claim: str, judged: Sequence[Judged]) -> Iterator[NewRow]:
    """Gives survivors against failures: each at least once, none more often than it must be.

    Of the same polarity, so that nothing but the premises tells them apart; of different ones only where no polarity
    has both.
    """
    place = findings.place[claim]
    asked = messages("user", prompts.propose(findings.batch.claims[place].text, (), 1))
    of_polarity = [[one for one in judged if one.argument.polarity == polarity] for polarity in get_args(Polarity)]
    pairs = [pair for group in of_polarity for pair in _matched(group)] or _matched(judged)
    for chosen, rejected in pairs:
        columns = (asked, _reply(findings, prompts, chosen), _reply(findings, prompts, rejected))
        mentions = _mentions(findings, place, (chosen, rejected))
        source = _source(findings, place, (chosen, rejected))
        source = source._replace(argument=chosen.argument.id, rejected=rejected.argument.id)
        yield NewRow("dpo", columns, mentions, source)
        yield NewRow("reward", columns, mentions, source)


def _matched(judged: Sequence[Judged]) -> list[tuple[Judged, Judged]]:
    good, bad = [one for one in judged if one.survived], [one for one in judged if not one.survived]
    count = max(len(good), len(bad)) if good and bad else 0
    return [(good[number % len(good)], bad[number % len(bad)]) for number in range(count)]


def _singles(findings: Findings, prompts: Prompts, claim: str, judged: Sequence[Judged]) -> Iterator[NewRow]:
    place = findings.place[claim]
    asked = messages("user", prompts.propose(findings.batch.claims[place].text, (), 1))
    for one in judged:
        columns = (asked, _reply(findings, prompts, one), one.survived)
        yield NewRow("kto", columns, _mentions(findings, place, (one,)), _source(findings, place, (one,)))


def _reply(findings: Findings, prompts: Prompts, judged: Judged) -> tuple[tuple[str, str]]:
    return messages("assistant", prompts.arguments((in_words(findings, judged.argument),)))


def _mentions(findings: Findings, place: int, judged: Sequence[Judged]) -> list[int]:
    premises = (findings.place[p.claim] for one in judged for p in one.argument.premises)
    return list(dict.fromkeys((place, *premises)))


def _source(findings: Findings, place: int, judged: Sequence[Judged]) -> Source:
    """Returns where a row about some arguments is from; its basis is the weakest of theirs."""
    basis = next(basis for basis in ("moved", "inferred", "said") if basis in {one.basis for one in judged})
    answered = [one for one in _mentions(findings, place, judged) if findings.is_said(one)]
    argument = judged[0].argument.id
    return Source(place, basis, answered, argument, generation=findings.batch.generations[argument])
