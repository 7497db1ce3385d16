"""What a model is asked when claims are expanded, in batches that shrink where something in them fails.

Joins nothing to the store: what is there already is asked for through a function. Not here: which claims are expanded
(`argtree.search`), writing what was found (`argtree.explorer`), the prompts (`models.prompts`).
"""

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from models.beliefs import Belief, strength
from models.elicitation import Elicitor, Proposal, Shown
from models.errors import KeyRefusedError, ModelError, ModelNotFoundError, ModelUnavailableError
from models.prompts import Fact, ProposedArgument

# One reply at a time, which sees what came before: several drawn at once and thinned by likeness found no more of the
# true reasons with the bundled model, and cost more (benchmarks/diversity.py).
ARGUMENTS_PER_CALL = 4
OUT_OF_USE = (ModelUnavailableError, KeyRefusedError, ModelNotFoundError)  # the model, whatever it is asked

Request = tuple[str, Sequence[ProposedArgument]]  # a claim's text, and the arguments about it that are known
_Item = TypeVar("_Item")
_Reply = TypeVar("_Reply")

log = logging.getLogger("argtree.daemon")


@dataclass(frozen=True)
class Found:
    """What a model said about one claim."""

    proposal: Proposal
    beliefs: Mapping[str, Belief]  # in premises that are new, by text
    residual: Belief | None  # in the claim if none of its reasons holds; None: nothing was proposed
    shown: Mapping[str, tuple[Fact, ...]]  # facts with which it was asked, by text of the claim or premise


def arguments_about(
    elicitor: Elicitor,
    requests: Mapping[str, Request],
    unknown_fn: Callable[[Iterable[str]], list[str]],
    facts_fn: Callable[[Iterable[str], Mapping[str, Sequence[str]]], Shown] = lambda texts, premise_of: {},
) -> dict[str, Found]:
    """Returns arguments about claims, beliefs in their premises, and in the claims if none of the reasons holds.

    Three batches of prompts, whatever the number of claims; four where the model is general, which is then asked how
    strong each argument is: see `_weighed`. A claim is left out if some reply about it fails.

    Args:
        elicitor: asks the model, and counts the calls.
        requests: by any key.
        unknown_fn: picks from the premises' texts those that are new, each once.
        facts_fn: gives the facts to be shown with each text of a claim, and, for new ones, with the keys of the claims
            that they are to be premises of. Beliefs without reasons, or with them alone, are asked for without facts:
            those might be the reasons again.
    """
    shown = facts_fn((text for text, _ in requests.values()), {})
    proposals = replies(
        lambda keys: elicitor.propose_many([requests[key] for key in keys], ARGUMENTS_PER_CALL, shown),
        list(requests),
        "Could not expand a claim",
    )
    premises = {key: _premises(proposal) for key, proposal in proposals.items()}
    new = unknown_fn(text for texts in premises.values() for text in texts)
    premise_of = {text: [key for key, texts in premises.items() if text in texts] for text in new}
    shown_new = facts_fn(new, premise_of)
    beliefs = replies(lambda some: elicitor.believe(some, shown_new), new, "Could not expand a claim on a premise")
    unheld = set(new) - beliefs.keys()
    argued = [key for key, texts in premises.items() if texts and unheld.isdisjoint(texts)]
    residuals = replies(
        lambda keys: elicitor.residual_priors(
            [(requests[key][0], [*requests[key][1], *proposals[key].arguments]) for key in keys]
        ),
        argued,
        "Could not expand a claim",
    )
    found = {
        key: Found(
            proposals[key],
            {text: beliefs[text] for text in texts if text in beliefs},
            residuals.get(key),
            {text: facts for text, facts in (shown | shown_new).items() if text in (requests[key][0], *texts)},
        )
        for key, texts in premises.items()
        if key in residuals or not texts
    }
    return _weighed(elicitor, requests, found) if elicitor.model.is_general else found


def replies(ask_fn: Callable[[list[_Item]], Sequence[_Reply]], items: list[_Item], failure: str) -> dict[_Item, _Reply]:
    """Returns what the model says of each item, asked in one batch; where that fails, in ever smaller ones.

    A model that can't be used at all fails alike with fewer items: that is passed on at once.

    Args:
        ask_fn: asks about some of the items; gives a reply to each, or raises a ModelError.
        items: different ones.
        failure: the words to log before the reason where an item fails alone; it is left out then.

    Raises:
        ModelUnavailableError, KeyRefusedError, ModelNotFoundError: as `ask_fn`; see `OUT_OF_USE`.
    """
    if not items:
        return {}
    try:
        return dict(zip(items, ask_fn(items), strict=True))
    except OUT_OF_USE:
        raise
    except ModelError as error:
        if len(items) == 1:
            log.warning("%s (%s): %s", failure, repr(items[0])[:200], error)
            return {}
    middle = len(items) // 2  # one of them is to blame, not all
    return replies(ask_fn, items[:middle], failure) | replies(ask_fn, items[middle:], failure)


def _weighed(elicitor: Elicitor, requests: Mapping[str, Request], found: Mapping[str, Found]) -> dict[str, Found]:
    """Returns the same with each argument as strong as the model's beliefs make it, not as its free text says.

    Asked is how likely the claim is if the argument's premises are as it takes them and nothing else is known: two
    calls for an argument. With the prior from the residual question that gives the strength. An argument that does the
    contrary of what it says, or nothing, is dropped and counted: see `models.beliefs.strength`. A premise that no
    argument is left for goes with it.
    """
    asked = [(key, argument) for key, one in found.items() if one.residual for argument in one.proposal.arguments]
    given = replies(
        lambda some: elicitor.conditional([(requests[key][0], argument) for key, argument in some]),
        asked,
        "Could not expand a claim on an argument's strength",
    )
    weighed = {}
    for key, one in found.items():
        if one.residual is None:
            weighed[key] = one
        elif all((key, argument) in given for argument in one.proposal.arguments):
            probs = {argument: given[key, argument].mean for argument in one.proposal.arguments}
            weighed[key] = _with_strengths(one, one.residual.mean, probs)
            elicitor.dropped += len(one.proposal.arguments) - len(weighed[key].proposal.arguments)
    return weighed


def _with_strengths(found: Found, prior: float, given: Mapping[ProposedArgument, float]) -> Found:
    strengths = {argument: strength(argument.polarity, prior, prob) for argument, prob in given.items()}
    kept = tuple(replace(argument, strength=of) for argument, of in strengths.items() if of is not None)
    for argument in (argument for argument, of in strengths.items() if of is None):
        log.info("Dropped: the model's beliefs contradict what it says: %s", repr(argument)[:200])
    proposal = replace(found.proposal, arguments=kept, dropped=found.proposal.dropped + len(strengths) - len(kept))
    left = _premises(proposal)
    return replace(found, proposal=proposal, beliefs={text: of for text, of in found.beliefs.items() if text in left})


def _premises(proposal: Proposal) -> list[str]:
    """The texts of all premises, each once."""
    return list(dict.fromkeys(premise.text for argument in proposal.arguments for premise in argument.premises))
