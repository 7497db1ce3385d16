"""The explorer: joins the store, a language model and the method, a few expansions at a time.

Each step is decided on what the store holds, asks the model with no transaction open, and is written as one
transaction: a kill at any point loses at most the replies of the step under way. Not here: what is asked of the model
(`argtree.expanding`), what to expand (`argtree.search`), going on for ever (`argtree.daemon`), printing.
"""

import logging
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from threading import Event

from sqlalchemy import Engine
from sqlmodel import Session

from argtree.calibrating import calibration_of, follow, weigh
from argtree.coherence import Marginals
from argtree.documents import Documents
from argtree.expanding import arguments_about, replies
from argtree.facts import Facts, note
from argtree.graph import Argument, ArgumentGraph
from argtree.growing_graph import GrowingGraph
from argtree.merging import Merger, Same
from argtree.picture import Picture
from argtree.propagate import Propagation, Propagator
from argtree.quantity_value import quantity_worths
from argtree.search import Choose, choose_expansions
from argtree.search_price import EXPANSION_TOKENS, least_gain, paying
from argtree.sharing import Fits, Share, as_seen, as_stale
from argtree.storing import Expansion, Storing
from argtree.virtual_loss import choose_beside
from models.beliefs import Belief
from models.calibration import Calibration
from models.elicitation import Elicitor, Shown
from models.embedding import Embedding
from models.errors import BadQuestionError, BadReplyError, PromptTooLongError, UnknownWorldError
from models.prompts import Fact, ProposedArgument, ProposedPremise
from store import aliases, claims, queue, ranking
from store.database import read_scope, session_scope
from store.direct import set_direct_weight
from store.graphs import load_graph
from store.growing import find_claims
from store.own_questions import add_own_root, own_roots, take_room
from store.posed import Posed, next_posed, settle_posed, still_waiting
from store.settled import newest_word
from store.shown import misled
from store.tables import Claim

EXPANSIONS_AT_ONCE = 16  # of claims that move no root in common: one look at the whole graph, one batch of prompts
CALLS_PER_EXPANSION = 12  # or about that: a prompt for arguments, two for each belief in some five claims
CALLS_PER_GENERAL_EXPANSION = 36  # of a general model: six for each belief, and two for each of some four arguments
RENEWED_AT_ONCE = 128  # beliefs asked anew in one batch of prompts and one transaction
_MORE_ANSWERS = 20  # and a tenth of those there were: then calibration and the direct beliefs' weight are learnt anew

_KINDS = ("direct", "residual")  # of beliefs
_REFUSALS = (BadQuestionError, UnknownWorldError, PromptTooLongError, BadReplyError)  # and would again

log = logging.getLogger("argtree.daemon")


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
        documents: Documents | None = None,
    ) -> None:
        """Args:
        engine: of the store.
        elicitor: asks the model.
        now_fn: gives the time, aware.
        choose_fn: which claims are expanded next, see `argtree.search`.
        token_price: rater-seconds that 1,000 tokens count as, at least 0. Above 0, what tells less for its tokens than
            the queue's best question for a rater's time is left until that is answered.
        embedding: by which premises are found that say in other words what a claim says, and settled claims near one
            that the model is asked about; None: the former only by their text, and none of the latter.
        documents: of the user, of which passages near a claim are put before a general model; they want an embedding.
        """
        self._merger = None if embedding is None else Merger(embedding, self._claims_after)
        self._facts = None if embedding is None else Facts(engine, embedding, documents)
        self.engine = engine
        self.elicitor = elicitor
        self.now_fn = now_fn
        self.choose_fn = choose_fn
        self.token_price = token_price
        self.share = Share(engine, now_fn)
        self._measured = (0, 0)  # tokens that expansions took, and how many they were
        self._propagate = Propagator(only_askable=True)
        self._pictures: dict[frozenset[str] | None, Picture] = {}  # by the roots worked for; the last two
        self.set_aside: set[str] = set()  # keys of claims whose expansion failed; tried again by the next run
        self._in_vain: set[str] = set()  # keys of claims that the model could not be asked about in this run
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
            keys, own = dict(claims.root_keys(session)), own_roots(session)
        if question in keys:
            if keys[question] in own:
                with session_scope(self.engine) as session:
                    claims.add_root(session, question, claims.get_claim(session, keys[question]), self.now_fn())
            return keys[question]
        text = self.elicitor.state_claim(question)
        shown = self._facts_about([text])
        (belief,) = self.elicitor.believe([text], shown)
        with session_scope(self.engine) as session:
            claim = self._add_claim(session, text, belief, shown.get(text, ()))
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
            own = own_roots(session)
            there = {question: key for question, key in claims.root_keys(session) if key not in own}
        fresh = [question for question, checked in asked.items() if checked not in there]
        stated = replies(self.elicitor.state_claims, fresh, "Refused")
        texts = {question: text for question, text in stated.items() if text is not None}
        shown, believed = self._facts_about(texts.values()), list(dict.fromkeys(texts.values()))
        beliefs = replies(lambda some: self.elicitor.believe(some, shown), believed, "Could not add a question")
        with session_scope(self.engine) as session:
            rows = {
                text: self._add_claim(session, text, belief, shown.get(text, ())) for text, belief in beliefs.items()
            }
            for question, text in texts.items():
                if text in rows:
                    claims.add_root(session, asked[question], rows[text], self.now_fn())
        added = {question for question, text in texts.items() if text in rows}
        return [one for one in questions if one not in added and asked.get(one) not in there]

    def unsaid(self, texts: Iterable[str]) -> list[str]:
        """Those of the texts that no claim in the store says, nor one before them; in other words neither.

        That other words say the same is found as it is for premises.
        """
        return self._sifted(texts)[0]

    def add_own(self, worded: Sequence[tuple[str, str, Belief]]) -> int:
        """Make roots of questions that the model poses itself, as far as there is room for them; how many.

        Args:
            worded: the questions with their claims, which are new, and what the model believes of these; best first.
        """
        with session_scope(self.engine) as session:
            taken = worded[: take_room(session)]
            for question, text, belief in taken:
                claim = self._add_claim(session, text, belief)
                add_own_root(session, question, claim, self.elicitor.model.name, self.now_fn())
        return len(taken)

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
        calibration = Calibration()
        if newest:
            with read_scope(self.engine) as session:
                calibration, (weight, count) = calibration_of(session, generation), weigh(session)
            with session_scope(self.engine) as session:
                moved = follow(session, generation, calibration)
                is_new = set_direct_weight(session, weight, count, self.now_fn())
            if moved:
                log.info("Calibrated (%s) on answers: %d priors moved.", calibration.method, moved)
            if is_new:
                log.info("Direct beliefs in argued claims count with the weight %.2f.", weight)
        self.calibration = calibration
        self._learnt = generation, newest

    @property
    def has_learnt(self) -> bool:
        """Whether the calibration is that of the model in use."""
        return self._learnt is not None and self._learnt[0] == self.elicitor.model.name

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
        self._believe_again()
        while True:
            with self.share.turn:
                with read_scope(self.engine) as session:
                    picture = self._look(session, root_keys)
                    asked = queue.best_value(session) if self.token_price > 0 else 0.0
                    held = self.share.others(session)
                frontier = picture.frontier(tuple(self.set_aside), self._visits)
                if self.token_price > 0:
                    frontier = paying(frontier, least_gain(asked, self._expansion_tokens, self.token_price))
                chosen = choose_beside(self.choose_fn, frontier, held, at_most)
                self.share.is_held_up = not chosen and not held.isdisjoint(picture.graph.index)
                if not chosen:
                    return []
                arguments = {key: len(picture.graph.arguments_for(key)) for key in chosen}
                mine = self.share.take("expand", chosen, as_seen(arguments))
            with self.share.keeping("expand", mine):
                before = self.elicitor.tokens
                expanded = self._expand(picture.graph, mine) if mine else []
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
        self._in_vain.clear()

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

    def _believe_again(self) -> None:
        """Ask what the model believes of wordings that undoing a merge made claims, and of claims that were misled."""
        wrong = [] if self._facts is None else self._facts.misled()
        with read_scope(self.engine) as session:
            keys = [key for key in aliases.unbelieved(session) if key not in self._in_vain]
            wrong = [key for key in wrong if key not in self._in_vain]
            graph = load_graph(session) if keys or wrong else None
        if graph is not None:
            self._renew(graph, keys, "direct")
            self._renew(graph, wrong, "direct", lambda session, some: some & set(misled(session)))

    @property
    def _expansion_tokens(self) -> float:
        """What an expansion costs: as measured in this run, once the backend has said."""
        tokens, count = self._measured
        return tokens / count if tokens else EXPANSION_TOKENS

    def _renew(self, graph: ArgumentGraph, keys: list[str], kind: str, fits_fn: Fits | None = None) -> int:
        """Renew some beliefs in one transaction; one that the model can't give stays as it is. How many.

        What others are at is left to them, and, but for what `fits_fn` picks, what this model holds already.
        """
        texts = {claim.id: claim.text for claim in graph.claims}
        mine = self.share.take("renew", keys, fits_fn or as_stale(self.elicitor.model.name, kind))
        with self.share.keeping("renew", mine):
            shown = self._facts_about(texts[key] for key in mine) if kind == "direct" else {}
            beliefs = replies(
                lambda some: self._believed(graph, texts, some, kind, shown), mine, "An older belief stays"
            )
            self._in_vain.update(key for key in mine if key not in beliefs)
            now = self.now_fn()
            with session_scope(self.engine) as session:
                renewed = [key for key in self.share.finish(session, "renew", mine) if key in beliefs]
                for key in sorted(renewed, key=mine.index):
                    claim, belief = claims.get_claim(session, key), beliefs[key]
                    self._record(session, claim, kind, belief, now, shown.get(texts[key], ()))
                    if claims.is_argued(session, claim) == (kind == "residual"):
                        claims.set_prior(session, claim, self._prior(kind, belief))
        return len(renewed)

    def _believed(
        self, graph: ArgumentGraph, texts: Mapping[str, str], keys: Sequence[str], kind: str, shown: Shown
    ) -> list[Belief]:
        if kind == "direct":
            return self.elicitor.believe([texts[key] for key in keys], shown)
        reasons = [[_in_words(argument, texts.__getitem__) for argument in graph.arguments_for(key)] for key in keys]
        return self.elicitor.residual_priors([(texts[key], of) for key, of in zip(keys, reasons, strict=True)])

    def _look(self, session: Session, root_keys: Collection[str] | None) -> Picture:
        """The picture of the store as the session sees it."""
        wanted = None if root_keys is None else frozenset(root_keys)
        picture = self._pictures.pop(wanted, None)  # of no use where something fails half way
        if picture is None or not picture.catch_up(session):
            picture = Picture(session, wanted)
        self._pictures = dict([*self._pictures.items()][-1:]) | {wanted: picture}
        return picture

    def _visits(self) -> dict[str, int]:
        with read_scope(self.engine) as session:
            return claims.expansion_counts(session)

    def _expand(self, graph: GrowingGraph, keys: Sequence[str]) -> list[Expansion]:
        """Ask for arguments about claims, beliefs in their premises, and the claims' priors without them; store all."""
        texts = {key: graph.text(key) for key in keys}
        known = {key: [_in_words(argument, graph.text) for argument in graph.arguments_for(key)] for key in keys}
        requests = {key: (texts[key], reasons) for key, reasons in known.items()}
        same: dict[str, Same] = {}

        def unknown(of: Iterable[str]) -> list[str]:
            new, said = self._sifted(of)
            same.update(said)
            return new

        found = arguments_about(self.elicitor, requests, unknown, self._facts_about)
        self.set_aside.update(known.keys() - found.keys())
        with session_scope(self.engine) as session:
            mine = self.share.finish(session, "expand", keys)
            store = Storing(
                session,
                self.elicitor.model.name,
                lambda belief: self._prior("direct", belief),
                Marginals(graph),
                self.now_fn(),
            )
            expanded = store({key: found[key] for key in keys if key in found and key in mine}, texts, same)
        # Also where a reply was of no use: nothing is asked twice in one run.
        self.set_aside.update(one.claim for one in expanded if not one.arguments)
        return expanded

    def _claims_after(self, claim_id: int) -> list[tuple[int, str]]:
        with read_scope(self.engine) as session:
            return aliases.claims_after(session, claim_id)

    def _sifted(self, texts: Iterable[str]) -> tuple[list[str], dict[str, Same]]:
        """Those of the texts that no claim in the store says, each once, and what says in other words what one says."""
        sought = list(dict.fromkeys(texts))
        with read_scope(self.engine) as session:
            there = find_claims(session, sought)
        new = [text for text in sought if text not in there]
        same = self._merger.find(self.elicitor, new) if self._merger is not None else {}
        return [text for text in new if text not in same], same

    def _facts_about(self, texts: Iterable[str], premise_of: Mapping[str, Sequence[str]] | None = None) -> Shown:
        """What is put before the model with each claim; see `argtree.facts`."""
        return {} if self._facts is None else self._facts.find(self.elicitor, texts, premise_of or {})

    def _add_claim(self, session: Session, text: str, belief: Belief, facts: Sequence[Fact] = ()) -> Claim:
        now = self.now_fn()
        claim = claims.add_claim(session, text, self._prior("direct", belief), now)
        self._record(session, claim, "direct", belief, now, facts)
        return claim

    def _prior(self, kind: str, belief: Belief) -> float:
        """A claim's prior by a belief in it: only direct ones are held against labels, and so calibrated."""
        return self.calibration.of(belief.mean) if kind == "direct" else belief.mean

    def _record(
        self, session: Session, claim: Claim, kind: str, belief: Belief, now: datetime, facts: Sequence[Fact] = ()
    ) -> None:
        name = self.elicitor.model.name
        row = claims.record_belief(session, claim, name, kind, belief.mean, belief.pseudo_count, now, belief.draws)
        note(session, claims.known(claim.id), row.id, facts, name, now)


def _in_words(argument: Argument, text_fn: Callable[[str], str]) -> ProposedArgument:
    premises = tuple(ProposedPremise(text_fn(premise.claim), premise.holds) for premise in argument.premises)
    return ProposedArgument(argument.polarity, argument.strength, premises)
