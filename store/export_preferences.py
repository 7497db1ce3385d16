"""Which of two arguments raters find better, as rows for preference trainers: dpo, reward, kto.

They stand beside the rows from settled premises (`export_arguments`), which win: of two arguments of which one
survived and the other failed nothing is said here, one that failed is never preferred, and one that was judged keeps
its kto row.
Raters' comparisons count by the posterior of their tournament, so a pair that nobody compared may be in it, and one
that raters contradict each other about is not.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from sqlalchemy import inspect
from sqlmodel import Session

from argtree.bradley_terry import FloatArray, Outcome, Tally, standings
from store.columns import column, columns, portions
from store.export_batch import BatchArgument, BatchComparison, iso
from store.export_rows import NewRow, Prompts, in_words
from store.findings import Findings
from store.tables import Argument, Claim, Comparison, Rater
from store.tournaments import comparison_stands, tournaments

PREFERRED = 0.75
"""From this P(better) on one argument is preferred to another: one rater's word will do, if nothing contradicts it."""


def preference_rows(findings: Findings, prompts: Prompts) -> Iterator[NewRow]:
    """Gives the rows of all tournaments in which something was compared, claim by claim."""
    compared: dict[int, list[int]] = {}  # conclusion -> its comparisons, by their places in the batch
    for place, one in enumerate(findings.batch.comparisons):
        compared.setdefault(findings.batch.arguments[one.first].conclusion, []).append(place)
    if not compared:
        return
    arguments: dict[int, list[int]] = {claim: [] for claim in compared}
    for place, argument in enumerate(findings.batch.arguments):
        if argument.conclusion in compared:
            arguments[argument.conclusion].append(place)
    for claim in sorted(compared):
        for part in tournaments(arguments[claim]):
            here = [one for one in compared[claim] if findings.batch.comparisons[one].first in part]
            if here:
                yield from _tournament_rows(findings, prompts, claim, part, here)


def comparison_rows(session: Session) -> Iterator[tuple[Any, ...]]:
    """Gives a row for every comparison that was not taken back, oldest first; the card names its fields."""
    names = "id", "kind", "note", "shown_at", "answered_at"
    first, second = (inspect(Argument).local_table.alias(name) for name in ("first", "second"))
    said = (
        columns(Comparison, *names, order=("id",))
        .add_columns(column(Claim, "key"), column(Claim, "text"), first.c.key, second.c.key, column(Rater, "name"))
        .where(column(Claim, "id") == column(Comparison, "claim_id"))
        .where(first.c.id == column(Comparison, "first_id"), second.c.id == column(Comparison, "second_id"))
        .where(column(Rater, "id") == column(Comparison, "rater_id"))
        .where(comparison_stands())
    )
    for part in portions(session, said):
        for one, kind, note, shown_at, answered_at, claim, text, key, other, rater in part:
            yield one, claim, text, key, other, kind, rater, note, iso(shown_at), iso(answered_at)


def _tournament_rows(
    findings: Findings, prompts: Prompts, claim: int, part: Sequence[int], compared: Sequence[int]
) -> Iterator[NewRow]:
    """Gives the rows of one tournament.

    Args:
        part: its arguments, by their places in the batch.
        compared: its comparisons, likewise.
    """
    some = [findings.batch.arguments[place] for place in part]
    asked = prompts.propose(findings.batch.texts[claim], (), 1)
    replies = [prompts.arguments((in_words(findings, argument),)) for argument in some]
    better = _better_prob(part, [findings.batch.comparisons[one] for one in compared])
    survived = {one.argument.key: one.survived for one in findings.judged.get(claim, ())}
    fate = [survived.get(argument.key) for argument in some]
    pairs = [
        (chosen, rejected)
        for chosen, rejected in np.argwhere(better >= PREFERRED).tolist()
        if fate[chosen] is not False and {fate[chosen], fate[rejected]} != {True, False}
    ]
    for chosen, rejected in pairs:
        columns = (asked, replies[chosen], replies[rejected])
        yield _row("dpo", columns, claim, [some[chosen], some[rejected]], compared)
    chosen_once, rejected_once = ({pair[side] for pair in pairs} for side in (0, 1))
    for number in sorted(chosen_once ^ rejected_once):
        if fate[number] is None:
            yield _row("kto", (asked, replies[number], number in chosen_once), claim, [some[number]], compared)


def _better_prob(part: Sequence[int], compared: Sequence[BatchComparison]) -> FloatArray:
    """Returns [K, K] P(the first argument is better than the second)."""
    number = {place: row for row, place in enumerate(part)}
    said: list[tuple[int, int, Outcome]] = [
        (number[one.first], number[one.second], one.outcome) for one in compared if one.second in number
    ]
    return standings(Tally.of(len(part), said)).better_prob


def _row(
    name: str, columns: tuple[object, ...], claim: int, some: Sequence[BatchArgument], compared: Sequence[int]
) -> NewRow:
    mentions = list(dict.fromkeys([claim, *[place for argument in some for place, _ in argument.premises]]))
    argument, rejected = some[0], some[1].key if len(some) > 1 else None
    return NewRow(
        name, columns, mentions, claim, "preference", (), argument.key, rejected, argument.generation, compared
    )
