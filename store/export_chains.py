"""Reasoning step by step, as rows: answers with the chain of settled premises that gives them (sft), and chains up to
their first wrong step (prm).

A step says of one claim that it holds or that it does not; the last one answers. Where a premise is settled by
inference, the steps that settle it come before it, a few levels deep.
"""

from collections.abc import Iterator

from argtree.graph import Argument
from store.export_rows import NewRow, Prompts, Source, messages
from store.findings import Findings, Judged

MAX_DEPTH = 4
"""Levels of arguments in one chain; what is deeper is taken as given."""
MAX_STEPS = 24
"""A chain of more steps than this is not told."""

_Step = tuple[int, bool]  # place of a claim, and whether it is said to hold


def chain_rows(findings: Findings, prompts: Prompts) -> Iterator[NewRow]:
    """Gives a prm row for every argument that its premises decide, an sft row for every settled claim with a proof."""
    proofs = {place: argument for place, argument in _proofs(findings)}
    for claim, judged in findings.judged.items():
        place = findings.place[claim]
        if place in proofs:
            steps = _steps(findings, proofs[place], proofs, MAX_DEPTH)
            if len(steps) <= MAX_STEPS:
                yield _answer_row(findings, prompts, place, proofs[place], steps)
        for one in judged:
            if one.basis != "moved":
                yield from _stepwise_row(findings, prompts, place, one, proofs)


def _proofs(findings: Findings) -> Iterator[tuple[int, Argument]]:
    """Gives, for every settled claim, its first argument whose premises all hold and that speaks for its side."""
    for claim, judged in findings.judged.items():
        side = findings.state[findings.place[claim]]
        for one in judged:
            if one.survived and one.basis != "moved" and side == _direction(one.argument):
                yield findings.place[claim], one.argument
                break


def _steps(findings: Findings, argument: Argument, proofs: dict[int, Argument], depth: int) -> list[_Step]:
    """Returns the premises of an argument, as it takes them, each after what settles it."""
    steps: list[_Step] = []
    for premise in argument.premises:
        place = findings.place[premise.claim]
        agrees = findings.state[place] == (1 if premise.holds else -1)
        if agrees and depth > 1 and not findings.is_said(place) and place in proofs:
            steps += _steps(findings, proofs[place], proofs, depth - 1)
        steps.append((place, premise.holds))
    return list(dict.fromkeys(steps))


def _answer_row(findings: Findings, prompts: Prompts, place: int, argument: Argument, steps: list[_Step]) -> NewRow:
    said = [prompts.step(findings.batch.claims[one].text, holds) for one, holds in steps]
    reply = "\n".join([*said, prompts.verdict(findings.state[place] > 0)])
    asked = prompts.reason(findings.batch.claims[place].text)
    columns = (messages("user", asked), messages("assistant", reply))
    return NewRow("sft", columns, [place, *(one for one, _ in steps)], _source(findings, place, argument, steps))


def _stepwise_row(
    findings: Findings, prompts: Prompts, place: int, judged: Judged, proofs: dict[int, Argument]
) -> Iterator[NewRow]:
    """Gives the chain of an argument, cut after its first wrong step; none where a step before that is not settled.

    The answer is a step of its own where all before it are right and the conclusion is settled.
    """
    steps, labels = _steps(findings, judged.argument, proofs, MAX_DEPTH), []
    for one, holds in steps:
        if findings.state[one] == 0:
            return
        labels.append((findings.state[one] > 0) == holds)
        if not labels[-1]:
            break
    steps = steps[: len(labels)]
    said = [prompts.step(findings.batch.claims[one].text, holds) for one, holds in steps]
    direction = _direction(judged.argument)
    if all(labels) and findings.state[place] != 0:
        said.append(prompts.verdict(direction > 0))
        labels.append(findings.state[place] == direction)
    if len(said) <= MAX_STEPS:
        columns = (prompts.reason(findings.batch.claims[place].text), said, labels)
        mentions = [place, *(one for one, _ in steps)]
        yield NewRow("prm", columns, mentions, _source(findings, place, judged.argument, steps))


def _source(findings: Findings, place: int, argument: Argument, steps: list[_Step]) -> Source:
    used = list(dict.fromkeys([*(one for one, _ in steps), place]))
    answered = [one for one in used if findings.is_said(one)]
    by_people = all(findings.is_said(one) for one, _ in steps)
    generation = findings.batch.generations[argument.id]
    return Source(place, "said" if by_people else "inferred", answered, argument.id, generation=generation)


def _direction(argument: Argument) -> int:
    return 1 if argument.polarity == "support" else -1
