"""What people said of claims, and what follows from it, as rows to train on: beliefs, inferred, values.

Each claim gives two rows, "is it true?" and "is it false?", with the probability turned round, so that a model's liking
for yes is not trained in. Not here: rows about arguments (`export_arguments`, `export_chains`).
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, NamedTuple

from argtree.graph import Argument, Polarity
from store.findings import Findings

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


class Source(NamedTuple):
    """Where a row is from; the card names what it becomes."""

    claim: int  # place in the batch
    basis: str
    answers: Sequence[int]  # places of the claims whose answers it rests on
    argument: str | None = None
    rejected: str | None = None
    generation: str | None = None


class NewRow(NamedTuple):
    """A row of a configuration."""

    configuration: str
    columns: tuple[Any, ...]  # in the order of its schema
    mentions: Sequence[int]  # places of the claims that stand in it: they decide its split
    source: Source


def belief_rows(findings: Findings, prompts: Prompts) -> Iterator[NewRow]:
    """Gives two rows for every claim that people answered, unless their answers balance."""
    for place, label in enumerate(findings.batch.labels):
        if label is not None and label != 0.5:
            said = findings.batch.answers[place]
            generation = next((one.generation for one in reversed(said) if one.generation), None)
            source = Source(place, "said", (place,), generation=generation)
            yield from _soft("beliefs", findings, prompts, label, 1.0, source)


def inferred_rows(findings: Findings, prompts: Prompts) -> Iterator[NewRow]:
    """Gives two rows for every claim that nobody answered and that the answers settled all the same."""
    for place, weight in enumerate(findings.weight):
        if weight > 0:
            source = Source(place, "inferred", _answered_under(findings, findings.batch.claims[place].key))
            yield from _soft("inferred", findings, prompts, findings.prob[place], weight, source)


def value_rows(findings: Findings, prompts: Prompts, positions: int) -> Iterator[NewRow]:
    """Gives two rows for each position of each explored root: the root, then argued claims under it, nearest first.

    Args:
        positions: of a tree; 0 means all. A claim is a position once, however many roots it lies under.
    """
    graph = findings.batch.graph
    if graph is None:
        return
    done: set[str] = set()
    for root, paths in findings.paths.items():
        if graph.arguments_for(root):
            argued = (claim for claim in paths if graph.arguments_for(claim))
            for claim in islice(argued, positions or None):
                if claim not in done:
                    place = findings.place[claim]
                    source = Source(place, "posterior", _answered_under(findings, claim))
                    yield from _soft("values", findings, prompts, findings.prob[place], 1.0, source)
                done.add(claim)


def messages(role: str, content: str) -> tuple[tuple[str, str]]:
    """Returns a conversation of one message."""
    return ((role, content),)


def in_words(findings: Findings, argument: Argument) -> Reason:
    """Returns an argument with the texts of its premises."""
    texts = findings.batch.claims
    premises = (StatedPremise(texts[findings.place[p.claim]].text, p.holds) for p in argument.premises)
    return Reason(argument.polarity, argument.strength, tuple(premises))


def _soft(
    name: str, findings: Findings, prompts: Prompts, prob: float, weight: float, source: Source
) -> Iterator[NewRow]:
    text = findings.batch.claims[source.claim].text
    for asked, of_yes in ((prompts.is_true(text), prob), (prompts.is_false(text), 1 - prob)):
        likelier = messages("assistant", "yes" if of_yes >= 0.5 else "no")
        yield NewRow(name, (messages("user", asked), likelier, of_yes, weight), (source.claim,), source)


def _answered_under(findings: Findings, claim: str) -> list[int]:
    """Returns the places of answered claims at or under a claim, nearest first, as many as are named."""
    graph, found = findings.batch.graph, [findings.place[claim]]
    assert graph is not None
    seen, answered = {claim}, []
    for place in found:  # it grows while it is walked
        if findings.is_said(place):
            answered.append(place)
            if len(answered) == ANSWERS_NAMED:
                break
        for argument in graph.arguments_for(findings.batch.claims[place].key):
            fresh = [premise.claim for premise in argument.premises if premise.claim not in seen]
            seen.update(fresh)
            found.extend(findings.place[one] for one in dict.fromkeys(fresh))
    return answered
