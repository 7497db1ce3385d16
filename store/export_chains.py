"""Reasoning step by step, as rows: answers with the chain of settled premises that gives them (sft), and chains up to
their first wrong step (prm).

A step says of one claim that it holds or that it does not; the last one answers. Where a premise is settled by
inference, the steps that settle it come before it, a few levels deep.
"""

from collections.abc import Iterator

from store.export_batch import BatchArgument
from store.export_rows import NewRow, Prompts
from store.findings import Findings, Judged

MAX_DEPTH = 4
"""Levels of arguments in one chain; what is deeper is taken as given."""
MAX_STEPS = 24
"""A chain of more steps than this is not told."""

_Step = tuple[int, bool]  # place of a claim, and whether it is said to hold


def chain_rows(findings: Findings, prompts: Prompts) -> Iterator[NewRow]:
    """Gives a prm row for every argument that its premises decide, an sft row for every settled claim with a proof."""
    proofs = dict(_proofs(findings))
    for claim, judged in findings.judged.items():
        asked = prompts.reason(findings.batch.texts[claim])
        if claim in proofs:
            steps = _steps(findings, proofs[claim], proofs, MAX_DEPTH)
            if len(steps) <= MAX_STEPS:
                reply = "\n".join([*_said(findings, prompts, steps), prompts.verdict(findings.state[claim] > 0)])
                yield _row("sft", (asked, reply), findings, claim, proofs[claim], steps)
        for one in judged:
            if one.basis != "moved":
                yield from _stepwise_row(findings, prompts, asked, claim, one, proofs)


def _proofs(findings: Findings) -> Iterator[tuple[int, BatchArgument]]:
    """Gives, for every settled claim, its first argument whose premises all hold and that speaks for its side."""
    for claim, judged in findings.judged.items():
        side = findings.state[claim]
        for one in judged:
            if one.survived and one.basis != "moved" and side == _direction(one.argument):
                yield claim, one.argument
                break


def _steps(findings: Findings, argument: BatchArgument, proofs: dict[int, BatchArgument], depth: int) -> list[_Step]:
    """Returns the premises of an argument, as it takes them, each after what settles it."""
    steps: list[_Step] = []
    for place, holds in argument.premises:
        if place in proofs and depth > 1 and not findings.is_said[place]:
            if findings.state[place] == (1 if holds else -1):
                steps += _steps(findings, proofs[place], proofs, depth - 1)
        steps.append((place, holds))
    return list(dict.fromkeys(steps)) if len(steps) > 1 else steps


def _stepwise_row(
    findings: Findings, prompts: Prompts, asked: str, claim: int, judged: Judged, proofs: dict[int, BatchArgument]
) -> Iterator[NewRow]:
    """Gives the chain of an argument, cut after its first wrong step; none where a step before that is not settled.

    The answer is a step of its own where all before it are right and the conclusion is settled.
    """
    steps, labels = _steps(findings, judged.argument, proofs, MAX_DEPTH), []
    for place, holds in steps:
        state = findings.state[place]
        if state == 0:
            return
        labels.append((state > 0) == holds)
        if not labels[-1]:
            break
    steps = steps[: len(labels)]
    said = _said(findings, prompts, steps)
    direction = _direction(judged.argument)
    if labels[-1:] != [False] and findings.state[claim] != 0:
        said.append(prompts.verdict(direction > 0))
        labels.append(findings.state[claim] == direction)
    if len(said) <= MAX_STEPS:
        yield _row("prm", (asked, said, labels), findings, claim, judged.argument, steps)


def _said(findings: Findings, prompts: Prompts, steps: list[_Step]) -> list[str]:
    return [prompts.step(findings.batch.texts[place], holds) for place, holds in steps]


def _row(
    name: str, columns: tuple[object, ...], findings: Findings, claim: int, argument: BatchArgument, steps: list[_Step]
) -> NewRow:
    is_said, places = findings.is_said, [place for place, _ in steps]
    answered = [place for place in dict.fromkeys([*places, claim]) if is_said[place]]
    basis = "said" if all([is_said[place] for place in places]) else "inferred"
    mentions = [claim, *places]
    return NewRow(name, columns, mentions, claim, basis, answered, argument.key, None, argument.generation)


def _direction(argument: BatchArgument) -> int:
    return 1 if argument.polarity == "support" else -1
