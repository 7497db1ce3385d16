"""Arguments that survived or failed, as rows for supervised and preference trainers: sft, dpo, reward, kto."""

from collections.abc import Iterator, Mapping, Sequence
from typing import get_args

from argtree.graph import Polarity
from store.export_rows import NewRow, Prompts, Reason, in_words
from store.findings import Findings, Judged

SAME_ROWS = {"dpo": ("dpo", "reward")}
"""Rows of one configuration that are those of others too."""


def argument_rows(findings: Findings, prompts: Prompts) -> Iterator[NewRow]:
    """Gives the rows of all arguments that can be judged, conclusion by conclusion; SAME_ROWS stand there once."""
    for claim, judged in findings.judged.items():
        asked = prompts.propose(findings.batch.texts[claim], (), 1)
        reasons = {one.argument.key: in_words(findings, one.argument) for one in judged}
        replies = {key: prompts.arguments((reason,)) for key, reason in reasons.items()}
        yield from _proposals(findings, prompts, claim, [one for one in judged if one.survived], reasons, replies)
        for chosen, rejected in _pairs(judged):
            columns = (asked, replies[chosen.argument.key], replies[rejected.argument.key])
            yield _row("dpo", columns, findings, claim, (chosen, rejected), rejected.argument.key)
        for one in judged:
            yield _row("kto", (asked, replies[one.argument.key], one.survived), findings, claim, (one,))


def _proposals(
    findings: Findings,
    prompts: Prompts,
    claim: int,
    survived: Sequence[Judged],
    reasons: Mapping[str, Reason],
    replies: Mapping[str, str],
) -> Iterator[NewRow]:
    """Gives the survivors as replies to the request for arguments, a handful at a time, those before listed as known.

    That is how an explorer asks for them.

    Args:
        reasons: by an argument's key: it in words.
        replies: by an argument's key: the reply that gives nothing else.
    """
    said = [reasons[one.argument.key] for one in survived]
    size = prompts.arguments_asked
    for start in range(0, len(survived), size):
        asked, some = prompts.propose(findings.batch.texts[claim], said[:start], size), survived[start : start + size]
        reply = replies[some[0].argument.key] if len(some) == 1 else prompts.arguments(said[start : start + size])
        row = _row("sft", (asked, reply), findings, claim, some)
        yield row._replace(mentions=_mentions(claim, survived[: start + size])) if start else row


def _pairs(judged: Sequence[Judged]) -> list[tuple[Judged, Judged]]:
    """Returns survivors against failures: each at least once, none more often than it must be.

    Of the same polarity, so that nothing but the premises tells them apart; of different ones only where no polarity
    has both.
    """
    if len({one.survived for one in judged}) == 1:
        return []
    of_polarity = [[one for one in judged if one.argument.polarity == polarity] for polarity in get_args(Polarity)]
    return [pair for group in of_polarity for pair in _matched(group)] or _matched(judged)


def _matched(judged: Sequence[Judged]) -> list[tuple[Judged, Judged]]:
    good, bad = [one for one in judged if one.survived], [one for one in judged if not one.survived]
    count = max(len(good), len(bad)) if good and bad else 0
    return [(good[number % len(good)], bad[number % len(bad)]) for number in range(count)]


def _mentions(claim: int, judged: Sequence[Judged]) -> list[int]:
    return list(dict.fromkeys([claim, *[place for one in judged for place, _ in one.argument.premises]]))


def _row(
    name: str,
    columns: tuple[object, ...],
    findings: Findings,
    claim: int,
    judged: Sequence[Judged],
    rejected: str | None = None,
) -> NewRow:
    """Returns a row about some arguments; its basis is the weakest of theirs."""
    bases = {one.basis for one in judged}
    basis = "moved" if "moved" in bases else "inferred" if "inferred" in bases else "said"
    mentions, argument = _mentions(claim, judged), judged[0].argument
    answered = [place for place in mentions if findings.is_said[place]]
    return NewRow(name, columns, mentions, claim, basis, answered, argument.key, rejected, argument.generation)
