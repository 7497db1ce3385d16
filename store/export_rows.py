"""What people said of claims, and what follows from it, as rows to train on: beliefs, inferred, values.

Each claim gives two rows, "is it true?" and "is it false?", with the probability turned round, so that a model's liking
for yes is not trained in. Not here: rows about arguments (`export_arguments`, `export_chains`).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped]

from argtree.graph import Polarity
from store.export_batch import Answers, BatchArgument, FloatArray
from store.export_tables import CONFIGURATIONS, MESSAGES, array, messages
from store.findings import Findings
from store.ragged import IntArray, Ragged

ANSWERS_NAMED = 100
"""A row's provenance names at most so many of the answers that it rests on."""


class StatedPremise(NamedTuple):
    """A premise in words."""

    text: str
    holds: bool


class Reason(NamedTuple):
    """An argument in words."""

    polarity: Polarity
    strength: float
    premises: tuple[StatedPremise, ...]


@dataclass(frozen=True)
class Prompts:
    """The words that a model is asked with, and the form of its replies; given by whoever knows models."""

    is_true: Callable[[str], str]  # claim -> the question whether it is true
    is_false: Callable[[str], str]
    propose: Callable[[str, Sequence[Reason], int], str]  # claim, arguments known already, how many are wanted
    arguments: Callable[[Sequence[Reason]], str]  # the reply to that
    reason: Callable[[str], str]  # claim -> the request to reason step by step
    step: Callable[[str, bool], str]  # a claim that holds or not, as a step of the reply to that
    verdict: Callable[[bool], str]  # yes or no, as its last step
    arguments_asked: int = 4  # how many an explorer asks for at once


class NewRow(NamedTuple):
    """A row of a configuration and where it is from; the card names what that becomes. Claims by their places."""

    configuration: str
    columns: tuple[Any, ...]  # in the order of its schema; a text for a conversation of one message
    mentions: Sequence[int]  # the claims that stand in it: they decide its split
    claim: int  # that it is about
    basis: str
    answers: Sequence[int]  # the claims whose answers it rests on
    argument: str | None = None
    rejected: str | None = None
    generation: str | None = None
    comparisons: Sequence[int] = ()  # that it rests on, by their places in the batch


@dataclass(frozen=True, eq=False)
class Portion:
    """Rows of one configuration, column by column; see `NewRow`. Axis: K rows."""

    columns: list[pa.Array]  # [K] each
    mentions: Ragged  # [K], none empty
    claim: IntArray  # [K]
    basis: Sequence[str]  # [K]
    answers: Ragged  # [K]
    argument: Sequence[str | None]  # [K]
    rejected: Sequence[str | None]  # [K]
    generation: Sequence[str | None]  # [K]
    comparisons: Ragged | None = None  # [K]; None: none


def belief_rows(findings: Findings, prompts: Prompts) -> Portion:
    """Returns two rows for every claim that people answered, unless their answers balance."""
    label = findings.batch.label
    places = np.flatnonzero(~np.isnan(label) & (label != 0.5))
    generations = _newest_generations(findings.batch.answers, places)
    answers = Ragged.single(places)
    return _soft(findings, prompts, places, label[places], np.ones(len(places)), "said", answers, generations)


def inferred_rows(findings: Findings, prompts: Prompts) -> Portion:
    """Returns two rows for every claim that nobody answered and that the answers settled all the same."""
    places = np.flatnonzero(findings.weight > 0)
    answers = Ragged.of([_answered_under(findings, place) for place in places.tolist()])
    return _soft(findings, prompts, places, findings.prob[places], findings.weight[places], "inferred", answers)


def value_rows(findings: Findings, prompts: Prompts, positions: int) -> Portion:
    """Returns two rows for each position of each explored root: the root, then argued claims under it, nearest first.

    What is learnt of it is its posterior, into which the model's first direct belief in it enters (`store.direct`).

    Args:
        positions: of a tree; 0 means all. A claim is a position once, however many roots it lies under.
    """
    argued, found = findings.arguments_for, dict[int, None]()
    for root, paths in findings.paths.items():
        if root in argued:
            found.update(dict.fromkeys(islice((claim for claim in paths if claim in argued), positions or None)))
    places = np.array(list(found), np.int64)
    answers = Ragged.of([_answered_under(findings, place) for place in found])
    return _soft(findings, prompts, places, findings.prob[places], np.ones(len(places)), "posterior", answers)


def portion(name: str, rows: Sequence[NewRow]) -> Portion:
    """Returns rows of a configuration, of which there is at least one, column by column."""
    _, columns, mentions, claims, basis, answers, argument, rejected, generation, compared = zip(*rows, strict=True)
    arrays = [
        messages("user" if field.name == "prompt" else "assistant", values)
        if field.type == MESSAGES
        else array(values, field.type)
        for field, values in zip(CONFIGURATIONS[name], zip(*columns, strict=True), strict=True)
    ]
    about = np.array(claims, np.int64)
    comparisons = Ragged.of(compared) if any(compared) else None
    return Portion(
        arrays,
        Ragged.of(mentions),
        about,
        basis,
        Ragged.of(answers),
        argument,
        rejected,
        generation,
        comparisons,
    )


def in_words(findings: Findings, argument: BatchArgument) -> Reason:
    """Returns an argument with the texts of its premises."""
    texts = findings.batch.texts
    premises = [StatedPremise(texts[place], holds) for place, holds in argument.premises]
    return Reason(argument.polarity, argument.strength, tuple(premises))


def _soft(
    findings: Findings,
    prompts: Prompts,
    places: IntArray,
    prob: FloatArray,
    weight: FloatArray,
    basis: str,
    answers: Ragged,
    generations: list[str | None] | None = None,
) -> Portion:
    """Returns two rows for each of these claims, one after the other."""
    texts, count = findings.batch.texts, 2 * len(places)
    ways = prompts.is_true, prompts.is_false
    asked = [way(text) for text in [texts[place] for place in places.tolist()] for way in ways]
    of_yes = np.stack([prob, 1 - prob], axis=1).ravel()
    likelier = pa.array(["no", "yes"]).take(pa.array(of_yes >= 0.5).cast(pa.int8()))
    columns = [
        messages("user", asked),
        messages("assistant", likelier),
        pa.array(of_yes),
        pa.array(np.repeat(weight, 2)),
    ]
    twice = np.repeat(np.arange(len(places)), 2)
    claims, nothing = places[twice], [None] * count
    newest = nothing if generations is None else [one for one in generations for _ in ways]
    return Portion(
        columns, Ragged.single(claims), claims, [basis] * count, answers.take(twice), nothing, nothing, newest
    )


def _newest_generations(answers: Answers, places: IntArray) -> list[str | None]:
    """Returns for each of these claims the generation of the newest one that names one."""
    named = np.fromiter(map(bool, answers.generation), np.bool_, len(answers.generation))
    newest = np.maximum.accumulate(np.where(named, np.arange(len(named)), -1))
    newest = np.append(newest, -1)[answers.start[places + 1] - 1]  # the end is met by claims before all answers
    return [
        answers.generation[one] if one >= first else None
        for one, first in zip(newest.tolist(), answers.start[places].tolist(), strict=True)
    ]


def _answered_under(findings: Findings, claim: int) -> list[int]:
    """Returns the answered claims at or under a claim, nearest first, as many as are named."""
    found, seen, answered = [claim], {claim}, []
    for place in found:  # it grows while it is walked
        if findings.is_said[place]:
            answered.append(place)
            if len(answered) == ANSWERS_NAMED:
                break
        for argument in findings.arguments_for.get(place, ()):
            for premise, _ in argument.premises:
                if premise not in seen:
                    seen.add(premise)
                    found.append(premise)
    return answered
