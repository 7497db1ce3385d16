"""The argument trees of the learning experiment: grown once for each model, then kept.

The model is asked for arguments until it has no more to give, about every claim that it names, for many claims in one
batch. Arguments are rules and hold no facts, so that all arms can share them; beliefs are read anew for every
generation (`loop_model.py`).
"""

import gzip
import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
from rich.progress import Progress
from scipy.special import expit, logit

from argtree import Argument, ArgumentGraph, Claim, Premise, Root
from argtree.format import write_whole
from models.elicitation import Elicitor
from models.everyday.corpus import argument_in_words
from models.everyday.world import World
from models.prompts import ProposedArgument, ProposedPremise

ARGUMENTS_PER_CALL = 4
MAX_CALLS = 4  # about one claim
CLAIMS_AT_ONCE = 256
WEAK = 0.12  # arguments up to this strength hardly matter


@dataclass(frozen=True)
class Trees:
    """Every claim with its arguments, and how likely each is if none of them applies."""

    arguments: Mapping[str, tuple[ProposedArgument, ...]]  # claim's text -> its arguments; () for a plain one
    residual: Mapping[str, float]  # argued claim's text -> its prior
    calls: int  # of the model

    def is_plain(self, claim: str) -> bool:
        """Whether nothing is argued about the claim: a fact that a person can just tell."""
        return not self.arguments[claim]

    def graph(self, claims: Sequence[str], prior: Mapping[str, float], roots: Sequence[str] = ()) -> ArgumentGraph:
        """The graph of these claims, which hold all their premises, in this order. A claim's id is its text."""
        arguments = [
            Argument(f"{c}#{i}", c, a.polarity, a.strength, tuple(Premise(p.text, p.holds) for p in a.premises))
            for c in claims
            for i, a in enumerate(self.arguments[c])
        ]
        return ArgumentGraph(tuple(Claim(c, c, prior[c]) for c in claims), tuple(arguments), tuple(map(Root, roots)))

    def without_weak(self) -> "Trees":
        """The same without the arguments that hardly matter."""
        kept = {c: tuple(a for a in of if a.strength > WEAK) for c, of in self.arguments.items()}
        return replace(self, arguments=kept)

    def with_weak(self, each: int, rng: np.random.Generator) -> "Trees":
        """The same with `each` further arguments about every argued claim that hardly matter, on plain claims drawn."""
        plain = [claim for claim in self.arguments if self.is_plain(claim)]
        more = {}
        for claim, of in self.arguments.items():
            drawn = rng.choice(len(plain), each, replace=False) if of else []
            weak = [ProposedArgument("support", WEAK / 2, (ProposedPremise(plain[i], True),)) for i in drawn]
            more[claim] = (*of, *weak)
        return replace(self, arguments=more)

    def with_noise(self, sd: float, rng: np.random.Generator, world: World) -> "Trees":
        """The same with normal noise of `sd` on the log-odds of every strength, the same noise for the same rule."""
        noise: dict[tuple[str, int], float] = defaultdict(lambda: rng.normal(0, sd))
        kinds = {claim: statement.key for claim in self.arguments if (statement := world.parse(claim)) is not None}
        noisy = {
            claim: tuple(_moved(a, noise[kinds[claim], i]) for i, a in enumerate(of)) if claim in kinds else of
            for claim, of in self.arguments.items()
        }
        return replace(self, arguments=noisy)


def _moved(argument: ProposedArgument, log_odds: float) -> ProposedArgument:
    strength = min(max(argument.strength, 0.01), 0.99)
    return replace(argument, strength=float(expit(logit(strength) + log_odds)))


def own_trees(world: World, roots: Sequence[str]) -> Trees:
    """The world's own arguments under these claims, as a model that makes no slips would give them."""
    arguments: dict[str, tuple[ProposedArgument, ...]] = {}
    residual: dict[str, float] = {}
    frontier = list(roots)
    while frontier:
        claim = frontier.pop()
        if claim in arguments:
            continue
        statement = world.parse(claim)
        assert statement is not None, claim
        arguments[claim] = tuple(argument_in_words(world, *argument) for argument in world.arguments(statement))
        if arguments[claim]:
            residual[claim] = world.prior(statement)
        frontier += [premise.text for a in arguments[claim] for premise in a.premises]
    return Trees(arguments, residual, 0)


def grow(elicitor: Elicitor, roots: Sequence[str], bar: Progress, known: Trees | None = None) -> Trees:
    """The trees under these claims, as far as the model has arguments; those that close a circle are left out.

    Args:
        known: trees of the same model, which need not be asked for again.
    """
    arguments = dict(known.arguments) if known else {}
    residual = dict(known.residual) if known else {}
    names = {claim.lower(): claim for claim in arguments}  # folded text -> the text that it was first met with
    frontier = [names.setdefault(root.lower(), root) for root in dict.fromkeys(roots)]
    frontier = [root for root in frontier if root not in arguments]
    task = bar.add_task("arguments", total=len(frontier))
    while frontier:
        found: dict[str, list[ProposedArgument]] = {}
        for start in range(0, len(frontier), CLAIMS_AT_ONCE):
            portion = frontier[start : start + CLAIMS_AT_ONCE]
            found |= _proposed(elicitor, portion)
            bar.advance(task, len(portion))
        fresh: list[str] = []
        for claim, proposed in found.items():
            arguments[claim] = ()
            for argument in (_named(a, names, fresh) for a in proposed):
                if not any(_rests_on(premise.text, claim, arguments) for premise in argument.premises):
                    arguments[claim] = (*arguments[claim], argument)
        frontier = list(dict.fromkeys(fresh))
        bar.update(task, total=len(arguments) + len(frontier))
    argued = [claim for claim, of in arguments.items() if of and claim not in residual]
    calls = known.calls if known else 0
    return Trees(arguments, residual | _residuals(elicitor, argued, arguments), calls + elicitor.calls)


def _proposed(elicitor: Elicitor, claims: Sequence[str]) -> dict[str, list[ProposedArgument]]:
    found: dict[str, list[ProposedArgument]] = {claim: [] for claim in claims}
    open_ = list(claims)
    for _ in range(MAX_CALLS):
        proposals = elicitor.propose_many([(claim, found[claim]) for claim in open_], ARGUMENTS_PER_CALL)
        for claim, proposal in zip(open_, proposals, strict=True):
            found[claim] += proposal.arguments
        more = [bool(p.arguments) and len(p.arguments) + p.dropped >= ARGUMENTS_PER_CALL for p in proposals]
        open_ = [claim for claim, is_open in zip(open_, more, strict=True) if is_open]
        if not open_:
            break
    return found


def _named(argument: ProposedArgument, names: dict[str, str], fresh: list[str]) -> ProposedArgument:
    """The argument with every premise by the text that it was first met with; new ones are added to `fresh`."""
    premises = []
    for premise in argument.premises:
        key = premise.text.lower()
        if key not in names:
            names[key] = premise.text
            fresh.append(premise.text)
        premises.append(ProposedPremise(names[key], premise.holds))
    return replace(argument, premises=tuple(premises))


def _rests_on(claim: str, other: str, arguments: Mapping[str, tuple[ProposedArgument, ...]]) -> bool:
    waiting, seen = [claim], set()
    while waiting:
        one = waiting.pop()
        if one == other:
            return True
        if one not in seen:
            seen.add(one)
            waiting += [premise.text for a in arguments.get(one, ()) for premise in a.premises]
    return False


def _residuals(
    elicitor: Elicitor, argued: Sequence[str], arguments: Mapping[str, tuple[ProposedArgument, ...]]
) -> dict[str, float]:
    return {claim: elicitor.residual_prior(claim, arguments[claim]).mean for claim in argued}


def save_trees(trees: Trees, path: Path) -> None:
    """Write the trees as packed JSON."""
    arguments = {claim: [asdict(a) for a in of] for claim, of in trees.arguments.items()}
    content = {"arguments": arguments, "residual": dict(trees.residual), "calls": trees.calls}
    write_whole(path, gzip.compress(json.dumps(content).encode(), mtime=0))


def read_trees(path: Path) -> Trees:
    """The trees that `save_trees` wrote."""
    content = json.loads(gzip.decompress(path.read_bytes()))
    return Trees(
        {c: tuple(map(_argument, of)) for c, of in content["arguments"].items()}, content["residual"], content["calls"]
    )


def _argument(row: dict) -> ProposedArgument:
    return ProposedArgument(row["polarity"], row["strength"], tuple(ProposedPremise(**p) for p in row["premises"]))
