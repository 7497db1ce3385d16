"""The explorer: joins the store, a language model and the method, a few expansions at a time.

Each step is decided on what the store holds, asks the model with no transaction open, and is written as one
transaction: a kill at any point loses at most the replies of the step under way. Not here: what is asked of the model
(`argtree.expanding`), what to expand (`argtree.search`), going on for ever (`argtree.daemon`), printing.
"""

import logging
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from threading import Event

from sqlalchemy import Engine
from sqlmodel import Session

from argtree.calibrating import calibration_of, follow, weigh
from argtree.coherence import Marginals, argued_prob, disagreement
from argtree.expanding import ARGUMENTS_PER_CALL, Found, arguments_about, replies
from argtree.graph import Argument, ArgumentGraph, Polarity
from argtree.merging import Merger, Same
from argtree.propagate import Propagation, Propagator
from argtree.quantity_value import quantity_worths
from argtree.search import Choose, Frontier, belief_variance, choose_expansions
from argtree.search_price import EXPANSION_TOKENS, least_gain, paying
from argtree.sharing import Share, as_seen, as_stale
from argtree.virtual_loss import choose_beside
from models.beliefs import Belief
from models.calibration import Calibration
from models.elicitation import Elicitor
from models.embedding import Embedding
from models.errors import BadQuestionError, BadReplyError, PromptTooLongError, UnknownWorldError
from models.prompts import ProposedArgument, ProposedPremise
from store import aliases, claims, queue, ranking
from store.database import read_scope, session_scope
from store.direct import direct_weight, freeze, frozen, set_direct_weight
from store.graphs import load_graph
from store.posed import Posed, next_posed, settle_posed, still_waiting
from store.settled import newest_word
from store.tables import Claim

EXPANSIONS_AT_ONCE = 16  # of claims that move no root in common: one look at the whole graph, one batch of prompts
CALLS_PER_EXPANSION = 12  # or about that: a prompt for arguments, two for each belief in some five claims
CALLS_PER_GENERAL_EXPANSION = 36  # of a general model: six for each belief, and two for each of some four arguments
RENEWED_AT_ONCE = 128  # beliefs asked anew in one batch of prompts and one transaction
_MORE_ANSWERS = 20  # and a tenth of those there were: then calibration and the direct beliefs' weight are learnt anew

_KINDS = ("direct", "residual")  # of beliefs
_REFUSALS = (BadQuestionError, UnknownWorldError, PromptTooLongError, BadReplyError)  # and would again

_Stored = tuple[Polarity, float, list[tuple[Claim, bool]]]  # an argument: polarity, strength, premises as taken

log = logging.getLogger("argtree.daemon")


@dataclass(frozen=True)
class Expansion:
    """One expansion as it was stored."""

    claim: str  # key
    text: str
    arguments: int  # new ones
    premises: int  # new claims


def expansions_within(calls: int, is_general: bool) -> int:
    """How many expansions to begin at once with so many model calls left to spend, in [1, EXPANSIONS_AT_ONCE].

    Args:
        is_general: whether the model is; see `LanguageModel`.
    """
    return max(1, min(EXPANSIONS_AT_ONCE, calls // calls_of(is_general)))


def calls_of(is_general: bool) -> int:
    """About how many calls of a model an expansion takes."""
    return CALLS_PER_GENERAL_EXPANSION if is_general else CALLS_PER_EXPANSION


def utc_now() -> datetime:
    """The time, aware, in UTC."""
    return datetime.now(UTC)


class Explorer:
    """Grows the store's argument graph with a model's arguments and beliefs."""

    def __init__(
        self,
        engine: Engine,
        elicitor: Elicitor,
        now_fn: Callable[[], datetime] = utc_now,
        choose_fn: Choose = choose_expansions,
        token_price: float = 0.0,
        embedding: Embedding | None = None,
    ) -> None:
        """Args:
        engine: of the store.
        elicitor: asks the model.
        now_fn: gives the time, aware.
        choose_fn: which claims are expanded next, see `argtree.search`.
        token_price: rater-seconds that 1,000 tokens count as, at least 0. Above 0, what tells less for its tokens than
            the queue's best question for a rater's time is left until that is answered.
        embedding: by which premises are found that say in other words what a claim says; None: only by their text.
        """
        self._merger = None if embedding is None else Merger(embedding, self._claims_after)
        self.engine = engine
        self.elicitor = elicitor
        self.now_fn = now_fn
        self.choose_fn = choose_fn
        self.token_price = token_price
        self.share = Share(engine, now_fn)
        self._measured = (0, 0)  # tokens that expansions took, and how many they were
        self._propagate = Propagator(only_askable=True)
        self.set_aside: set[str] = set()  # keys of claims whose expansion failed; tried again by the next run
        self.calibration = Calibration()  # of this model's beliefs
        self._learnt: tuple[str, int] | None = None  # the model and the newest answer that it was learnt from

    def add_question(self, question: str) -> str:
        """Turn a question into a root claim; the key of its claim. A question asked before is found again.

        Raises:
            ModelError: it is no question, or the model cannot word it as a claim.
        """
        question = self.elicitor.check_question(question)
        self.learn_from_answers()
        with read_scope(self.engine) as session:
            keys = dict(claims.root_keys(session))
        if question in keys:
            return keys[question]
        text = self.elicitor.state_claim(question)
        (belief,) = self.elicitor.believe([text])
        with session_scope(self.engine) as session:
            claim = self._add_claim(session, text, belief)
            claims.add_root(session, question, claim, self.now_fn())
            return claim.key

    def take_posed(self) -> int:
        """Make roots of the questions that people posed, or refuse them with a sentence; how many there were.

        Killed in between, the next call takes the same question again and finds the root that was made of it.

        Raises:
            ModelError: the model can't be used; the questions that are left go on waiting.
        """
        count = 0
        while True:
            with read_scope(self.engine) as session:
                posed = next_posed(session, self.share.others(session, "pose"))
            if posed is None:
                return count
            mine = self.share.take("pose", [str(posed.id)], still_waiting)
            with self.share.keeping("pose", mine):
                count += bool(mine) and self._take_on(posed)

    def _take_on(self, posed: Posed) -> bool:
        """Settle a posed question that is held; whether it was this explorer's to settle to the end."""
        try:
            root, refusal = self.add_question(posed.text), None
        except _REFUSALS as error:
            root, refusal = None, str(error)
        with session_scope(self.engine) as session:
            if not self.share.finish(session, "pose", [str(posed.id)]):
                return False
            settle_posed(session, posed.id, self.now_fn(), root=root, refusal=refusal)
        log.info("Posed: %r: %s", posed.text[:200], refusal or "will be explored")
        return True

    def add_questions(self, questions: Sequence[str]) -> list[str]:
        """Turn questions into root claims, in one batch and one transaction; those that could not be, in their order.

        Questions asked before are passed over.
        """
        self.learn_from_answers()
        asked = replies(lambda some: [self.elicitor.check_question(one) for one in some], list(questions), "Refused")
        with read_scope(self.engine) as session:
            there = dict(claims.root_keys(session))
        fresh = [question for question, checked in asked.items() if checked not in there]
        stated = replies(self.elicitor.state_claims, fresh, "Refused")
        texts = {question: text for question, text in stated.items() if text is not None}
        beliefs = replies(self.elicitor.believe, list(dict.fromkeys(texts.values())), "Could not add a question")
        with session_scope(self.engine) as session:
            rows = {text: self._add_claim(session, text, belief) for text, belief in beliefs.items()}
            for question, text in texts.items():
                if text in rows:
                    claims.add_root(session, asked[question], rows[text], self.now_fn())
        added = {question for question, text in texts.items() if text in rows}
        return [one for one in questions if one not in added and asked.get(one) not in there]

    def learn_from_answers(self) -> None:
        """Calibrate the model's beliefs on the answers so far, if enough of them are new; priors follow.

        Once for each model, and when a tenth more answers, and 20, have come. It learns too how far direct beliefs in
        argued claims count. With too few settled claims nothing is changed: see `models.calibration`.

        Raises:
            TooEntangledError, ImpossibleEvidenceError: the graph cannot be propagated.
        """
        generation = self.elicitor.model.name
        with read_scope(self.engine) as session:
            newest = newest_word(session)
        last = self._learnt[1] if self._learnt is not None and self._learnt[0] == generation else None
        if last is not None and newest < last + last // 10 + _MORE_ANSWERS:
            return
        self.calibration = Calibration()
        if newest:
            with read_scope(self.engine) as session:
                self.calibration, (weight, count) = calibration_of(session, generation), weigh(session)
            with session_scope(self.engine) as session:
                moved = follow(session, generation, self.calibration)
                set_direct_weight(session, weight, count, self.now_fn())
            if moved:
                log.info("Calibrated (%s) on answers: %d priors moved.", self.calibration.method, moved)
            if weight:
                log.info("Direct beliefs in argued claims count with the weight %.2f.", weight)
        self._learnt = generation, newest

    def step(self, root_keys: Collection[str] | None = None, at_most: int = 1) -> list[Expansion]:
        """Expand the claims whose expansions could move the roots most; [] where none is worth it.

        Expanded together are claims that move no root in common (see `Choose`), so for a single root one.
        A claim whose expansion fails is set aside for this run; where all fail, the next best are taken.

        Args:
            root_keys: the roots to work for; all of the store's by default.
            at_most: how many claims to expand at once.

        Raises:
            TooEntangledError: the graph cannot be propagated exactly.
            ModelError: the model can't be used, whatever it is asked; no claim is set aside for it.
        """
        self.learn_from_answers()
        self._believe_undone()
        while True:
            with self.share.turn:
                with read_scope(self.engine) as session:
                    graph, variances = self._frontier(session, root_keys)
                    visits = claims.expansion_counts(session)
                    asked = queue.best_value(session) if self.token_price > 0 else 0.0
                    held = self.share.others(session)
                frontier = Frontier(self._propagate(graph), variances, visits)
                if self.token_price > 0:
                    frontier = paying(frontier, least_gain(asked, self._expansion_tokens, self.token_price))
                chosen = choose_beside(self.choose_fn, frontier, held, at_most)
                self.share.is_held_up = not chosen and not held.isdisjoint(graph.index)
                if not chosen:
                    return []
                mine = self.share.take("expand", chosen, as_seen(graph))
            with self.share.keeping("expand", mine):
                before = self.elicitor.tokens
                expanded = self._expand(graph, mine) if mine else []
                tokens, count = self._measured
                self._measured = tokens + self.elicitor.tokens - before, count + len(mine)
            if expanded:
                return expanded

    def renew_beliefs(self, stop: Event | None = None, on_batch: Callable[[int, int], None] | None = None) -> int:
        """Ask the model anew what it believes of unanswered claims of which another generation's belief is the newest.

        The belief in a claim without arguments becomes its prior, the residual one that of an argued claim. Stopped or
        killed, the next call goes on with what is left. How many beliefs were renewed.

        Args:
            stop: looked at before every batch.
            on_batch: told after each batch how many are done, of how many.
        """
        self.learn_from_answers()
        with read_scope(self.engine) as session:
            graph = load_graph(session)
            stale = {kind: list(claims.stale_beliefs(session, self.elicitor.model.name, kind)) for kind in _KINDS}
        total, done, renewed = sum(map(len, stale.values())), 0, 0
        for kind, keys in stale.items():
            for start in range(0, len(keys), RENEWED_AT_ONCE):
                if stop is not None and stop.is_set():
                    return renewed
                batch = keys[start : start + RENEWED_AT_ONCE]
                renewed += self._renew(graph, batch, kind)
                done += len(batch)
                if on_batch is not None:
                    on_batch(done, total)
        return renewed

    def follow(self, elicitor: Elicitor) -> None:
        """Go on with another model; what failed with the one before may succeed with it."""
        self.elicitor = elicitor
        self.set_aside.clear()

    def root_probs(self, root_keys: Collection[str]) -> dict[str, float]:
        """Posterior of each of these roots, by key."""
        with read_scope(self.engine) as session:
            graph = load_graph(session, root_keys)
        result = self._propagate(graph)
        return {root.claim: float(result.prob[graph.index[root.claim]]) for root in graph.roots}

    def rank(self) -> Propagation:
        """Rank the queue's questions anew by what the store holds."""
        self.learn_from_answers()
        with session_scope(self.engine) as session:
            return ranking.rerank(session, self._propagate, self.now_fn(), quantity_worths)

    def _believe_undone(self) -> None:
        """Ask what the model believes of the wordings that were made claims of their own by undoing a merge."""
        with read_scope(self.engine) as session:
            keys = aliases.unbelieved(session)
            graph = load_graph(session) if keys else None
        if graph is not None:
            self._renew(graph, keys, "direct")

    @property
    def _expansion_tokens(self) -> float:
        """What an expansion costs: as measured in this run, once the backend has said."""
        tokens, count = self._measured
        return tokens / count if tokens else EXPANSION_TOKENS

    def _renew(self, graph: ArgumentGraph, keys: list[str], kind: str) -> int:
        """Renew some beliefs in one transaction; one that the model can't give stays as it is. How many.

        What others are at is left to them.
        """
        mine = self.share.take("renew", keys, as_stale(self.elicitor.model.name, kind))
        with self.share.keeping("renew", mine):
            beliefs = replies(lambda some: self._believed(graph, some, kind), mine, "An older belief stays")
            now = self.now_fn()
            with session_scope(self.engine) as session:
                renewed = [key for key in self.share.finish(session, "renew", mine) if key in beliefs]
                for key in sorted(renewed, key=mine.index):
                    claim, belief = claims.get_claim(session, key), beliefs[key]
                    self._record(session, claim, kind, belief, now)
                    if claims.is_argued(session, claim) == (kind == "residual"):
                        claims.set_prior(session, claim, self._prior(kind, belief))
        return len(renewed)

    def _believed(self, graph: ArgumentGraph, keys: Sequence[str], kind: str) -> list[Belief]:
        texts = {claim.id: claim.text for claim in graph.claims}
        if kind == "direct":
            return self.elicitor.believe([texts[key] for key in keys])
        reasons = [[_in_words(argument, texts) for argument in graph.arguments_for(key)] for key in keys]
        return self.elicitor.residual_priors([(texts[key], of) for key, of in zip(keys, reasons, strict=True)])

    def _frontier(self, session: Session, root_keys: Collection[str] | None) -> tuple[ArgumentGraph, dict[str, float]]:
        """What lies under the roots to work for, and Var(p) of every claim there that can still be expanded.

        Claims that no model holds a belief about came with an imported graph and are left as they are.
        """
        if root_keys is None:
            root_keys = [key for _, key in claims.root_keys(session)]
        graph = load_graph(session, root_keys)
        closed = claims.closed_claims(session) | graph.evidence.keys()  # what a person answered needs no arguments
        weight = direct_weight(session)
        gaps = {key: disagreement(one.belief, one.marginal) for key, one in frozen(session).items()} if weight else {}
        variances = {
            key: belief_variance(belief.mean, belief.pseudo_count, len(graph.arguments_for(key)))
            + weight * gaps.get(key, 0.0)  # where a claim and its arguments disagree, one of them leaves something out
            for key, belief in claims.latest_beliefs(session).items()
            if key in graph.index and key not in closed and key not in self.set_aside
        }
        return graph, variances

    def _expand(self, graph: ArgumentGraph, keys: Sequence[str]) -> list[Expansion]:
        """Ask for arguments about claims, beliefs in their premises, and the claims' priors without them; store all."""
        texts = {claim.id: claim.text for claim in graph.claims}
        known = {key: [_in_words(argument, texts) for argument in graph.arguments_for(key)] for key in keys}
        requests = {key: (texts[key], reasons) for key, reasons in known.items()}
        same: dict[str, Same] = {}

        def unknown(of: Iterable[str]) -> list[str]:
            new = self._unknown(of)
            same.update(self._merger.find(self.elicitor, new) if self._merger is not None else {})
            return [text for text in new if text not in same]

        found = arguments_about(self.elicitor, requests, unknown)
        self.set_aside.update(known.keys() - found.keys())
        unanswered = Marginals(graph)
        with session_scope(self.engine) as session:
            mine = self.share.finish(session, "expand", keys)
            rows: dict[str, Claim] = {}
            return [
                self._store(session, key, texts[key], found[key], rows, same, unanswered)
                for key in keys
                if key in found and key in mine
            ]

    def _claims_after(self, claim_id: int) -> list[tuple[int, str]]:
        with read_scope(self.engine) as session:
            return aliases.claims_after(session, claim_id)

    def _unknown(self, texts: Iterable[str]) -> list[str]:
        """Those of the texts that no claim in the store says, each once."""
        with read_scope(self.engine) as session:
            return [text for text in dict.fromkeys(texts) if claims.find_claim(session, text) is None]

    def _store(
        self,
        session: Session,
        key: str,
        text: str,
        found: Found,
        rows: dict[str, Claim],
        same: Mapping[str, Same],
        unanswered: Marginals,
    ) -> Expansion:
        """Write an expansion; `rows` holds the claims that the step has added, by text, `same` what says one again."""
        now, generation = self.now_fn(), self.elicitor.model.name
        conclusion, proposal = claims.get_claim(session, key), found.proposal
        new = {one: self._add_claim(session, one, belief) for one, belief in found.beliefs.items() if one not in rows}
        rows |= new
        added: list[_Stored] = []
        for argument in proposal.arguments:
            merged = [p.text for p in argument.premises if p.text in same]
            if not all([self._note_alias(session, one, same[one]) for one in merged]):
                continue
            premises = [
                (rows.get(p.text) or claims.add_claim(session, p.text, 0.5, now), p.holds) for p in argument.premises
            ]
            stored = claims.add_argument(
                session, conclusion, argument.polarity, argument.strength, premises, generation, now
            )
            if stored is not None:
                added.append((argument.polarity, argument.strength, premises))
                aliases.note_wordings(session, stored, [p.text for p in argument.premises])
        if found.residual is not None and added:
            claims.set_prior(session, conclusion, found.residual.mean)
            self._record(session, conclusion, "residual", found.residual, now)
            if not unanswered.graph.arguments_for(key):
                _freeze(session, conclusion, added, unanswered, now)
        if not proposal.dropped and len(proposal.arguments) < ARGUMENTS_PER_CALL:  # it has no more to give
            claims.close_claim(session, conclusion, now)
        if not added:
            self.set_aside.add(key)  # also where the reply was of no use: nothing is asked twice in one run
        return Expansion(key, text, len(added), len(new))

    def _note_alias(self, session: Session, text: str, same: Same) -> bool:
        """Make a text another wording of the claim that it says; False if that claim failed to be stored."""
        claim = claims.find_claim(session, same.claim_text)
        if claim is not None:
            name, now = self.elicitor.model.name, self.now_fn()
            aliases.add_alias(session, claim, text, name, same.implies_prob, same.implied_prob, now)
        return claim is not None

    def _add_claim(self, session: Session, text: str, belief: Belief) -> Claim:
        now = self.now_fn()
        claim = claims.add_claim(session, text, self._prior("direct", belief), now)
        self._record(session, claim, "direct", belief, now)
        return claim

    def _prior(self, kind: str, belief: Belief) -> float:
        """A claim's prior by a belief in it: only direct ones are held against labels, and so calibrated."""
        return self.calibration.of(belief.mean) if kind == "direct" else belief.mean

    def _record(self, session: Session, claim: Claim, kind: str, belief: Belief, now: datetime) -> None:
        generation = self.elicitor.model.name
        claims.record_belief(session, claim, generation, kind, belief.mean, belief.pseudo_count, now, belief.draws)


def _freeze(session: Session, claim: Claim, added: Sequence[_Stored], unanswered: Marginals, now: datetime) -> None:
    """Write down what a claim's first arguments say of it beside the direct belief in it.

    A premise that is argued but lies under none of the roots worked for has no marginal at hand: then nothing is.
    """
    there, probs = unanswered.graph.index, {}
    for premise in (premise for _, _, premises in added for premise, _ in premises):
        if premise.key not in there and claims.is_argued(session, premise):
            return
        probs[premise.key] = unanswered(premise.key) if premise.key in there else premise.prior
    reasons = [(polarity, strength, [(probs[p.key], holds) for p, holds in ps]) for polarity, strength, ps in added]
    freeze(session, claim, argued_prob(claim.prior, reasons), now)


def _in_words(argument: Argument, texts: dict[str, str]) -> ProposedArgument:
    premises = tuple(ProposedPremise(texts[premise.claim], premise.holds) for premise in argument.premises)
    return ProposedArgument(argument.polarity, argument.strength, premises)
