"""The explorer: joins the store, a language model and the method, one expansion at a time; and the daemon around it.

Each step is decided on what the store holds, asks the model with no transaction open, and is written as one
transaction: a kill at any point loses at most the replies of the step under way. Not here: what is asked of the model
(`models.elicitation`), what to expand (`argtree.search`), printing (`argtree.cli`).
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from threading import Event

from sqlalchemy import Engine
from sqlmodel import Session, col, func, select

from argtree.errors import ArgtreeError
from argtree.graph import Argument, ArgumentGraph
from argtree.propagate import Propagation, propagate
from argtree.search import choose_expansion
from models.elicitation import Belief, Elicitor
from models.prompts import ProposedArgument, ProposedPremise
from store import claims, queue
from store.database import read_scope, session_scope
from store.graphs import load_graph
from store.tables import Answer, Claim, Root

ARGUMENTS_PER_CALL = 4
STEPS_PER_RANKING = 10  # while the daemon explores; an answer brings a new ranking at once
POLL_SECONDS = 2.0

log = logging.getLogger("argtree.daemon")


@dataclass(frozen=True)
class Step:
    """One expansion as it was stored."""

    claim: str  # key
    text: str
    arguments: int  # new ones
    premises: int  # new claims
    root_probs: dict[str, float]  # posterior of each explored root, by key, before this step


def utc_now() -> datetime:
    """The time, aware, in UTC."""
    return datetime.now(UTC)


class Explorer:
    """Grows the store's argument graph with a model's arguments and beliefs."""

    def __init__(self, engine: Engine, elicitor: Elicitor, now_fn: Callable[[], datetime] = utc_now) -> None:
        self.engine = engine
        self.elicitor = elicitor
        self.now_fn = now_fn

    def add_question(self, question: str) -> str:
        """Turn a question into a root claim; the key of its claim. A question asked before is found again."""
        with read_scope(self.engine) as session:
            asked = [root for root in claims.list_roots(session) if root.question == " ".join(question.split())]
            if asked:
                key: str = claims.root_claim(session, asked[0]).key
                return key
        text = self.elicitor.state_claim(question)
        (belief,) = self.elicitor.believe([text])
        with session_scope(self.engine) as session:
            claim = self._add_claim(session, text, belief)
            claims.add_root(session, " ".join(question.split()), claim, self.now_fn())
            return claim.key

    def step(self, root_keys: Sequence[str] | None = None) -> Step | None:
        """Expand the claim whose expansion could move the roots most; None where nothing open can move them.

        Args:
            root_keys: the roots to work for; all of the store's by default.

        Raises:
            BudgetSpentError: the model calls allowed are used up; nothing of the step is stored.
            TooEntangledError: the graph cannot be propagated exactly.
        """
        with read_scope(self.engine) as session:
            graph, variances = self._frontier(session, root_keys)
        result = propagate(graph)
        chosen = choose_expansion(result, variances)
        if chosen is None:
            return None
        texts = {claim.id: claim.text for claim in graph.claims}
        known = [_in_words(argument, texts) for argument in graph.arguments_for(chosen)]
        proposal = self.elicitor.propose_arguments(texts[chosen], known, ARGUMENTS_PER_CALL)
        new = self._unknown_texts(proposal.arguments)
        beliefs = dict(zip(new, self.elicitor.believe(new), strict=True))
        reasons = [*known, *proposal.arguments]
        residual = self.elicitor.residual_prior(texts[chosen], reasons) if proposal.arguments else None
        added = self._store(chosen, proposal.arguments, beliefs, residual)
        root_probs = {root.claim: float(result.prob[graph.index[root.claim]]) for root in graph.roots}
        return Step(chosen, texts[chosen], added, len(new), root_probs)

    def rank(self) -> Propagation:
        """Rank the queue's questions anew by what the store holds."""
        with session_scope(self.engine) as session:
            return queue.rerank(session, propagate, self.now_fn())

    def _frontier(self, session: Session, root_keys: Sequence[str] | None) -> tuple[ArgumentGraph, dict[str, float]]:
        """The graph with the roots to work for, and Var(p) of every claim that can still be expanded."""
        graph = load_graph(session)
        if root_keys is not None:
            graph = replace(graph, roots=tuple(root for root in graph.roots if root.claim in root_keys))
        closed = claims.closed_claims(session) | graph.evidence.keys()  # what a person answered needs no arguments
        variances = {
            key: belief.mean * (1 - belief.mean) / (belief.pseudo_count + len(graph.arguments_for(key)) + 1)
            for key, belief in claims.latest_beliefs(session).items()
            if key not in closed
        }
        return graph, variances

    def _unknown_texts(self, arguments: Sequence[ProposedArgument]) -> list[str]:
        texts = dict.fromkeys(premise.text for argument in arguments for premise in argument.premises)
        with read_scope(self.engine) as session:
            return [text for text in texts if claims.find_claim(session, text) is None]

    def _store(
        self,
        conclusion_key: str,
        arguments: Sequence[ProposedArgument],
        beliefs: dict[str, Belief],
        residual: Belief | None,
    ) -> int:
        """Write a step; how many arguments were new."""
        now, generation = self.now_fn(), self.elicitor.model.name
        with session_scope(self.engine) as session:
            conclusion = claims.get_claim(session, conclusion_key)
            rows = {text: self._add_claim(session, text, belief) for text, belief in beliefs.items()}
            added = 0
            for argument in arguments:
                premises = [
                    (rows.get(p.text) or claims.add_claim(session, p.text, 0.5, now), p.holds)
                    for p in argument.premises
                ]
                stored = claims.add_argument(
                    session, conclusion, argument.polarity, argument.strength, premises, generation, now
                )
                added += stored is not None
            if residual is not None and added:
                claims.set_prior(session, conclusion, residual.mean)
                claims.record_belief(
                    session, conclusion, generation, "residual", residual.mean, residual.pseudo_count, now
                )
            if added < ARGUMENTS_PER_CALL:  # the model was asked for more and had no more to give
                claims.close_claim(session, conclusion, now)
        return added

    def _add_claim(self, session: Session, text: str, belief: Belief) -> Claim:
        now = self.now_fn()
        claim = claims.add_claim(session, text, belief.mean, now)
        claims.record_belief(session, claim, self.elicitor.model.name, "direct", belief.mean, belief.pseudo_count, now)
        return claim


def run(explorer: Explorer, stop: Event, poll_seconds: float = POLL_SECONDS) -> None:
    """Explore all roots and keep the queue ranked, until `stop` is set; asleep while there is nothing worth doing.

    A step that fails is logged and tried again only after something changed.
    """
    seen: tuple[int, int] | None = None
    while not stop.is_set():
        before, seen = seen, _watermark(explorer.engine)
        if seen == before:
            stop.wait(poll_seconds)
            continue
        _rank(explorer)
        _explore(explorer, stop, seen)
        _rank(explorer)
        log.info("Nothing more to explore: waiting for answers or new questions.")


def _explore(explorer: Explorer, stop: Event, seen: tuple[int, int]) -> None:
    """Steps until nothing is worth expanding, or somebody answered or asked since `seen`, or it is time to stop."""
    steps = 0
    while not stop.is_set() and _watermark(explorer.engine) == seen:
        try:
            step = explorer.step()
        except ArgtreeError as error:
            log.warning("Could not explore: %s", error)
            return
        if step is None:
            return
        steps += 1
        log.info("Expanded %r: %d arguments, %d new claims", step.text[:200], step.arguments, step.premises)
        if steps % STEPS_PER_RANKING == 0:
            _rank(explorer)


def _rank(explorer: Explorer) -> None:
    try:
        explorer.rank()
    except ArgtreeError as error:
        log.warning("Could not rank the questions: %s", error)


def _watermark(engine: Engine) -> tuple[int, int]:
    """The newest answer and root: what others write while the daemon runs."""
    with read_scope(engine) as session:
        answer = session.exec(select(func.max(col(Answer.id)))).one()
        root = session.exec(select(func.max(col(Root.id)))).one()
    return answer or 0, root or 0


def _in_words(argument: Argument, texts: dict[str, str]) -> ProposedArgument:
    premises = tuple(ProposedPremise(texts[premise.claim], premise.holds) for premise in argument.premises)
    return ProposedArgument(argument.polarity, argument.strength, premises)
