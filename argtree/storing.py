"""Writes what a step of the explorer found, all of it together.

Not here: what was asked (`argtree.expanding`), the statements (`store.growing`).
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from argtree.coherence import Marginals, argued_prob
from argtree.expanding import ARGUMENTS_PER_CALL, Found
from argtree.facts import note
from argtree.merging import Same
from models.beliefs import Belief
from models.prompts import Fact, ProposedArgument
from store import growing
from store.aliases import add_alias, note_wordings
from store.claims import find_claim
from store.direct import freeze
from store.growing import Held, Named, Said
from store.shown import last_recorded, told_below

UNBELIEVED_PROB = 0.5  # prior of a premise that nobody was asked about


@dataclass(frozen=True)
class Expansion:
    """One expansion as it was stored."""

    claim: str  # key
    text: str
    arguments: int  # new ones
    premises: int  # new claims


@dataclass(frozen=True)
class _Added:
    """A new argument about a claim."""

    argument: ProposedArgument
    premises: tuple[tuple[Named, bool], ...]  # each with whether it is taken as holding


class Storing:
    """Writes the expansions of one step."""

    def __init__(
        self,
        session: Session,
        generation: str,
        prior_fn: Callable[[Belief], float],
        unanswered: Marginals,
        now: datetime,
    ) -> None:
        """Args:
        session: of the store; the caller's scope commits.
        generation: that the model is.
        prior_fn: gives the prior that a claim gets by a direct belief in it.
        unanswered: P(claim) without any answer, by the graph before the step.
        now: the time.
        """
        self.session, self.generation, self.now = session, generation, now
        self.prior_fn = prior_fn
        self.unanswered = unanswered

    def __call__(
        self, found: Mapping[str, Found], texts: Mapping[str, str], same: Mapping[str, Same]
    ) -> list[Expansion]:
        """Writes expansions, in their order.

        Args:
            found: by the claim's key.
            texts: of those claims, by key.
            same: which claim a premise's text says again.
        """
        claims = growing.named_claims(self.session, list(found))
        counts, new = self._add_claims(found)
        added = self._add_arguments(claims, found, new, same)
        for key, one in found.items():
            if added[key]:
                note(self.session, claims[key].id, None, one.shown.get(texts[key], ()), self.generation, self.now)
        self._settle_priors(claims, found, added)
        return [Expansion(key, texts[key], len(added[key]), counts[key]) for key in found]

    def _add_claims(self, found: Mapping[str, Found]) -> tuple[Counter[str], dict[str, Named]]:
        """Adds premises that are new, with the beliefs in them.

        Returns:
            How many each expansion was the first to bring, and the claims by text.
        """
        brought_by: dict[str, str] = {}
        for key, one in found.items():
            for text in one.beliefs:
                brought_by.setdefault(text, key)
        beliefs = {text: found[key].beliefs[text] for text, key in brought_by.items()}
        rows = growing.add_claims(self.session, {text: self.prior_fn(of) for text, of in beliefs.items()}, self.now)
        self._record("direct", [(rows[text].id, belief) for text, belief in beliefs.items()])
        self._note_facts({rows[text].id: found[key].shown.get(text, ()) for text, key in brought_by.items()})
        return Counter(brought_by.values()), rows

    def _add_arguments(
        self, claims: Mapping[str, Named], found: Mapping[str, Found], new: dict[str, Named], same: Mapping[str, Same]
    ) -> dict[str, list[_Added]]:
        """Adds arguments, on new premises or others; those that are new, by the claim's key."""
        proposed = [(key, one) for key, of in found.items() for one in of.proposal.arguments if self._merge(one, same)]
        texts = dict.fromkeys(
            premise.text for _, one in proposed for premise in one.premises if premise.text not in new
        )
        rows = new | growing.add_claims(self.session, dict.fromkeys(texts, UNBELIEVED_PROB), self.now)
        told = [_Added(one, tuple((rows[p.text], p.holds) for p in one.premises)) for _, one in proposed]
        said = [
            Said(claims[key].id, one.polarity, one.strength, tuple((row.id, holds) for row, holds in of.premises))
            for (key, one), of in zip(proposed, told, strict=True)
        ]
        ids = growing.add_arguments(self.session, said, self.generation, self.now)
        added: dict[str, list[_Added]] = {key: [] for key in found}
        for (key, one), of, argument_id in zip(proposed, told, ids, strict=True):
            if argument_id is not None:
                added[key].append(of)
                if any(row.by_alias for row, _ in of.premises):
                    note_wordings(self.session, argument_id, [premise.text for premise in one.premises])
        return added

    def _merge(self, argument: ProposedArgument, same: Mapping[str, Same]) -> bool:
        """Makes premises other wordings of the claims that they say; False if such a claim failed to be stored."""
        merged = [premise.text for premise in argument.premises if premise.text in same]
        return all([self._note_alias(text, same[text]) for text in merged])

    def _note_alias(self, text: str, same: Same) -> bool:
        claim = find_claim(self.session, same.claim_text)
        if claim is not None:
            probs = same.implies_prob, same.implied_prob
            add_alias(self.session, claim, text, self.generation, *probs, self.now)
        return claim is not None

    def _settle_priors(
        self, claims: Mapping[str, Named], found: Mapping[str, Found], added: Mapping[str, Sequence[_Added]]
    ) -> None:
        """Gives argued claims their priors without the arguments, and closes those that nothing more comes of."""
        residuals = {key: one.residual for key, one in found.items() if one.residual is not None and added[key]}
        self._record("residual", [(claims[key].id, belief) for key, belief in residuals.items()])
        priors = {claims[key].id: belief.mean for key, belief in residuals.items()}
        proposals = {key: one.proposal for key, one in found.items()}
        closed = [
            claims[key].id  # the model has no more to give
            for key, proposal in proposals.items()
            if not proposal.dropped and len(proposal.arguments) < ARGUMENTS_PER_CALL
        ]
        growing.revise(self.session, priors, closed, self.now)
        first = {key: belief for key, belief in residuals.items() if not self.unanswered.graph.arguments_for(key)}
        self._freeze({claims[key].id: (belief.mean, added[key]) for key, belief in first.items()})

    def _freeze(self, first: Mapping[int, tuple[float, Sequence[_Added]]]) -> None:
        """Writes down what claims' first arguments say of them beside the direct beliefs in them.

        A premise that is argued but lies under none of the roots worked for has no marginal at hand, and one of which
        a belief was formed with settled claims shown, or that rests on such a one, has none without any answer: then
        nothing is.

        Args:
            first: the prior without the arguments, and these, by the claim's id.
        """
        there = self.unanswered.graph.index
        premises = {p for _, of in first.values() for one in of for p, _ in one.premises}
        unknown = growing.argued_among(self.session, {p.id for p in premises if p.key not in there})
        unknown |= told_below(self.session, {p.id for p in premises})
        marginals = {}
        for claim_id, (prior, arguments) in first.items():
            if not any(premise.id in unknown for one in arguments for premise, _ in one.premises):
                reasons = [
                    (
                        of.argument.polarity,
                        of.argument.strength,
                        [(self._marginal(p), holds) for p, holds in of.premises],
                    )
                    for of in arguments
                ]
                marginals[claim_id] = argued_prob(prior, reasons)
        freeze(self.session, marginals, self.now)

    def _marginal(self, claim: Named) -> float:
        return self.unanswered(claim.key) if claim.key in self.unanswered.graph.index else claim.prior

    def _note_facts(self, shown: Mapping[int, Sequence[Fact]]) -> None:
        """Writes down with which facts the beliefs just recorded were formed, by the claim's id."""
        told = {claim_id: facts for claim_id, facts in shown.items() if facts}
        beliefs = last_recorded(self.session, list(told))
        for claim_id, facts in told.items():
            note(self.session, claim_id, beliefs[claim_id], facts, self.generation, self.now)

    def _record(self, kind: str, beliefs: Iterable[tuple[int, Belief]]) -> None:
        held = [Held(claim_id, kind, one.mean, one.pseudo_count, one.draws) for claim_id, one in beliefs]
        growing.record_beliefs(self.session, held, self.generation, self.now)
