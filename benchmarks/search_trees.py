"""Many small argument trees grown side by side in memory, as the explorer grows one in a store, with tokens counted.

What a model said once is kept (`RememberingModel`), in a file too: every way of searching hears the same reply to the
same prompt, and pays for it, so that ways differ in what they ask and in nothing else. That a tree grown here is the
one that the explorer grows in a store is tested.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from argtree import Argument, ArgumentGraph, Claim, Premise, Propagation, Propagator, Root
from argtree.coherence import START_WEIGHT, Marginals, argued_prob, disagreement, likelihood
from argtree.expanding import ARGUMENTS_PER_CALL, Found, Request, arguments_about
from argtree.search import Choose, Frontier, belief_variance
from models.base import LanguageModel, Reply, Scores
from models.beliefs import Belief
from models.elicitation import Elicitor
from models.prompts import ProposedArgument, ProposedPremise
from store.texts import normalised


class RememberingModel:
    """A language model that is asked every prompt once; `tokens` counts every time."""

    def __init__(self, model: LanguageModel, file: Path) -> None:
        """Args:
        model: whom to ask.
        file: JSON lines of what it has said so far; made if it is not there.
        """
        self.name = model.name
        self.is_general = model.is_general
        self.tokens = 0  # read and written for all prompts so far
        self._model = model
        self._file = file
        self._replies: dict[tuple[float, int, str], Reply] = {}
        self._scores: dict[str, tuple[list[float], int]] = {}
        whole = file.read_bytes().rpartition(b"\n")[0] if file.exists() else b""  # the last line may be cut off
        file.write_bytes(whole + b"\n" if whole else b"")
        for line in whole.split(b"\n") if whole else ():
            prompt, *said = json.loads(line)
            self._keep(prompt, said)

    def check_question(self, question: str) -> None:
        """As the model."""
        self._model.check_question(question)

    def complete(
        self,
        prompts: Sequence[str],
        schema: dict[str, object],
        *,
        max_tokens: int,
        temperature: float = 0.0,
        seed: int = 0,
    ) -> list[Reply]:
        """One reply per prompt: the first that the model gave to it at this temperature and seed."""
        new = [one for one in dict.fromkeys(prompts) if (temperature, seed, one) not in self._replies]
        if new:
            replies = self._model.complete(new, schema, max_tokens=max_tokens, temperature=temperature, seed=seed)
            said = [[temperature, seed, one.text, one.prompt_tokens, one.reply_tokens] for one in replies]
            self._write(new, said)
        found = [self._replies[temperature, seed, one] for one in prompts]
        self.tokens += sum(one.prompt_tokens + one.reply_tokens for one in found)
        return found

    def log_probs(self, prompts: Sequence[str], continuations: Sequence[str]) -> Scores:
        """Of the same continuations each time."""
        new = [one for one in dict.fromkeys(prompts) if one not in self._scores]
        if new:
            scores = self._model.log_probs(new, continuations)
            self._write(new, [[row.tolist(), of] for row, of in zip(scores.log_probs, scores.tokens, strict=True)])
        found = [self._scores[one] for one in prompts]
        self.tokens += sum(tokens for _, tokens in found)
        return Scores(np.array([row for row, _ in found]), tuple(tokens for _, tokens in found))

    def _write(self, prompts: Sequence[str], said: Sequence[list[object]]) -> None:
        with self._file.open("a", encoding="utf-8") as file:
            for prompt, of in zip(prompts, said, strict=True):
                file.write(json.dumps([prompt, *of]) + "\n")
                self._keep(prompt, of)

    def _keep(self, prompt: str, said: Sequence[object]) -> None:
        if len(said) == 2:
            self._scores[prompt] = said[0], said[1]  # type: ignore[assignment]
        else:
            temperature, seed, text, prompt_tokens, reply_tokens = said
            reply = Reply(str(text), int(prompt_tokens), int(reply_tokens))  # type: ignore[call-overload]
            self._replies[float(temperature), int(seed), prompt] = reply  # type: ignore[arg-type, call-overload]


@dataclass
class Tree:
    """An argument tree under one root, and what it has cost so far."""

    root: str  # claim id: its text, normalised
    texts: dict[str, str]  # by claim id, in the order in which they came
    beliefs: dict[str, Belief]  # by claim id
    tokens: int
    arguments: list[Argument] = field(default_factory=list)
    priors: dict[str, float] = field(default_factory=dict)  # of argued claims
    visits: dict[str, int] = field(default_factory=dict)
    closed: set[str] = field(default_factory=set)  # no more to give, or its expansion failed
    direct_weight: float = START_WEIGHT  # how far direct beliefs count beside arguments
    marginals: dict[str, float] = field(default_factory=dict)  # of argued claims, by their first arguments
    result: Propagation | None = None
    propagate: Propagator = field(default_factory=lambda: Propagator(only_askable=True), compare=False)

    def graph(self) -> ArgumentGraph:
        """The tree as the method knows it."""
        priors = {claim: belief.mean for claim, belief in self.beliefs.items()} | self.priors
        claims = [Claim(key, text, priors[key]) for key, text in self.texts.items()]
        direct = {
            key: likelihood(self.beliefs[key].mean, marginal, self.direct_weight)
            for key, marginal in self.marginals.items()
        }
        return ArgumentGraph(tuple(claims), tuple(self.arguments), (Root(self.root),), direct_beliefs=direct)

    def frontier(self) -> Frontier:
        """What a choice of what to expand looks at."""
        if self.result is None:
            self.result = self.propagate(self.graph())
        graph = self.result.graph
        variances = {
            key: belief_variance(belief.mean, belief.pseudo_count, len(graph.arguments_for(key)))
            + self.direct_weight * disagreement(belief.mean, self.marginals.get(key, belief.mean))
            for key, belief in self.beliefs.items()
            if key not in self.closed
        }
        return Frontier(self.result, variances, self.visits)

    def request(self, claim: str) -> Request:
        """What is asked when a claim is expanded."""
        known = [one for one in self.arguments if one.conclusion == claim]
        return self.texts[claim], [self._in_words(one) for one in known]

    def unknown(self, texts: Iterable[str]) -> list[str]:
        """The texts that no claim says, each once."""
        return [text for text in dict.fromkeys(texts) if normalised(text) not in self.texts]

    def take(self, claim: str, found: Found | None) -> None:
        """Takes in what an expansion brought; None: it failed."""
        if found is None:
            self.closed.add(claim)
            return
        for text, belief in found.beliefs.items():
            self.texts.setdefault(normalised(text), text)
            self.beliefs.setdefault(normalised(text), belief)
        before, unanswered = len(self.arguments), Marginals(self.graph())
        for one in found.proposal.arguments:
            self._argue(claim, one)
        added = len(self.arguments) - before
        if added:
            self.visits[claim] = self.visits.get(claim, 0) + 1
            if found.residual is not None:
                self.priors[claim] = found.residual.mean
                if claim not in self.marginals:
                    reasons = [
                        (one.polarity, one.strength, [(unanswered(p.claim), p.holds) for p in one.premises])
                        for one in self.arguments[before:]
                    ]
                    self.marginals[claim] = argued_prob(found.residual.mean, reasons)
        if not added or (not found.proposal.dropped and len(found.proposal.arguments) < ARGUMENTS_PER_CALL):
            self.closed.add(claim)
        self.result = None

    def _argue(self, claim: str, one: ProposedArgument) -> None:
        """Adds an argument, unless it says nothing new, contradicts itself or closes a circle."""
        premises = tuple(dict.fromkeys(Premise(normalised(p.text), p.holds) for p in one.premises))
        keys = {premise.claim for premise in premises}
        said = (one.polarity, frozenset(premises))
        there = {(a.polarity, frozenset(a.premises)) for a in self.arguments if a.conclusion == claim}
        if said in there or len(keys) < len(premises) or claim in self._below(keys):
            return
        self.arguments.append(Argument(f"a{len(self.arguments)}", claim, one.polarity, one.strength, premises))

    def _below(self, keys: Collection[str]) -> set[str]:
        found, waiting = set(keys), list(keys)
        for key in waiting:  # grows meanwhile
            fresh = {p.claim for a in self.arguments if a.conclusion == key for p in a.premises} - found
            found |= fresh
            waiting += fresh
        return found

    def _in_words(self, argument: Argument) -> ProposedArgument:
        premises = tuple(ProposedPremise(self.texts[one.claim], one.holds) for one in argument.premises)
        return ProposedArgument(argument.polarity, argument.strength, premises)


@dataclass(frozen=True)
class Grown:
    """A tree when the next expansion would have been, or was, past the budget."""

    result: Propagation
    tokens: int
    expansions: int


def planted(
    elicitor: Elicitor, model: RememberingModel, questions: Sequence[str], direct_weight: float = START_WEIGHT
) -> list[Tree]:
    """Trees of a root each, with what it cost to word and to believe it."""
    elicitor.believe([claim for claim in elicitor.state_claims(questions) if claim is not None])  # all in one batch
    trees = []
    for question in questions:
        before = model.tokens
        claim = elicitor.state_claim(question)
        (belief,) = elicitor.believe([claim])
        key = normalised(claim)
        trees.append(Tree(key, {key: claim}, {key: belief}, model.tokens - before, direct_weight=direct_weight))
    return trees


def grow(
    elicitor: Elicitor,
    model: RememberingModel,
    trees: Sequence[Tree],
    choose: Choose,
    budgets: Sequence[int],
    on_step: Callable[[int], None] = lambda done: None,
) -> list[list[Grown]]:
    """Returns each tree as it was within each budget of tokens, [trees][budgets]; an expansion that goes past is left.

    Args:
        budgets: of each tree, ascending.
        on_step: told after one expansion of every tree that is still growing how many are grown.
    """
    grown: list[list[Grown]] = [[] for _ in trees]
    expansions = [0] * len(trees)
    growing = list(range(len(trees)))
    while growing:
        chosen = {i: claims[0] for i in growing if (claims := choose(trees[i].frontier(), 1))}
        requests = {(i, claim): trees[i].request(claim) for i, claim in chosen.items()}
        arguments_about(elicitor, requests, lambda texts: list(dict.fromkeys(texts)))  # type: ignore[type-var]
        for i in growing:
            now = Grown(trees[i].frontier().result, trees[i].tokens, expansions[i])
            if i in chosen:
                before = model.tokens
                found = arguments_about(elicitor, {chosen[i]: requests[i, chosen[i]]}, trees[i].unknown)
                trees[i].tokens += model.tokens - before
                expansions[i] += 1
                trees[i].take(chosen[i], found.get(chosen[i]))
            past = [budget for budget in budgets if i not in chosen or trees[i].tokens > budget]
            grown[i] += [now] * (len(past) - len(grown[i]))
        growing = [i for i in growing if len(grown[i]) < len(budgets)]
        on_step(len(trees) - len(growing))
    return grown
