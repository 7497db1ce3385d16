"""The model asks itself: new roots near what it was found unsure about, where nothing else is left to explore.

A general model is asked for questions; for models of the bundled world, which were taught no such prompt, the world's
own forms of question are put together anew. What is ill-formed, asked already or said by a claim is dropped and logged.
Of the rest those are taken that are expected to stay unsure (`argtree.curiosity`). Not here: how many of them there may
be (`store.own_questions`), exploring them.
"""

import logging
from collections.abc import Sequence
from threading import Event
from typing import NamedTuple

import numpy as np

from argtree.contrast import contrast
from argtree.curiosity import LEAST_FINISHED, Candidate, drawn_by_doubt, fault, learn, pick
from argtree.expanding import replies
from argtree.explorer import Explorer
from argtree.propagate import Propagator
from models.beliefs import Belief
from models.embedding import Embedding
from models.errors import ModelError
from models.everyday.posing import recombined
from store import claims
from store.database import read_scope
from store.graphs import load_graph
from store.own_questions import ANSWERS_WAITED, room_for_own
from store.posed import next_posed

PICKED_AT_ONCE = 4
CANDIDATES = 16  # that are posed for these
PLACES = 4  # claims near which they are posed
MOST_ASKED = 20  # questions asked already that a model is told of: those most like the places
SAME_COSINE = 0.95  # from which on two questions that no guard sets apart are the same
_LOGGED_CHARS = 200

log = logging.getLogger("argtree.daemon")


class _Seen(NamedTuple):
    """What the store holds that matters here."""

    claims: dict[str, float]  # text -> posterior of what nobody answered and a model believes something about
    finished: list[Candidate]  # roots that were argued, oldest first
    texts: list[str]  # of their claims
    residuals: list[float]  # their p (1 - p) without anybody's answers
    asked: list[str]  # the questions of all roots


class _Worded(NamedTuple):
    """A question that passed, in the model's words, and its belief in it."""

    question: str
    text: str
    belief: Belief


class Curious:
    """Poses new questions for an explorer; see `__call__`."""

    def __init__(self, explorer: Explorer, embedding: Embedding, seed: int = 0) -> None:
        """Args:
        explorer: takes the questions on.
        embedding: by which questions are alike.
        seed: of what is drawn; the same store and seed draw the same.
        """
        self._explorer = explorer
        self._embedding = embedding
        self._seed = seed
        self._propagate = Propagator()

    def __call__(self, stop: Event) -> int:
        """Pose new roots, PICKED_AT_ONCE at most; how many there are now. None once people ask something, or on `stop`.

        Raises:
            ModelUnavailableError, KeyRefusedError, ModelNotFoundError: the model can't be used.
            TooEntangledError, ImpossibleEvidenceError: the graph cannot be propagated.
        """
        with read_scope(self._explorer.engine) as session:
            if not room_for_own(session):
                log.info(
                    "Asks itself no more until people have given more answers (%d for the next few).", ANSWERS_WAITED
                )
                return 0
        seen = self._look()
        rng = np.random.default_rng([self._seed, len(seen.asked)])
        texts = list(seen.claims)
        places = [texts[row] for row in drawn_by_doubt(list(seen.claims.values()), PLACES, rng)]
        if not places:
            return 0
        posed = self._fresh(self._posed(places, seen.asked, rng), seen.asked)
        if not posed or self._is_interrupted(stop):
            return 0
        worded = self._worded(posed)
        if not worded or self._is_interrupted(stop):
            return 0
        return self._explorer.add_own(self._picked(worded, seen, rng))

    def _look(self) -> _Seen:
        with read_scope(self._explorer.engine) as session:
            graph, bare = load_graph(session), load_graph(session, with_answers=False)
            beliefs, pairs = claims.latest_beliefs(session), claims.root_keys(session)
            closed = claims.closed_claims(session)
        prob, thought = self._propagate(graph).prob, self._propagate(bare).prob
        unsure = {
            one.text: float(np.clip(prob[row], 0.0, 1.0))
            for row, one in enumerate(graph.claims)
            if one.id in beliefs and one.id not in graph.evidence
        }
        done = [
            (question, key) for question, key in pairs if key in beliefs and (key in closed or bare.arguments_for(key))
        ]
        rows = [bare.index[key] for _, key in done]
        ends = np.clip(thought[rows], 0.0, 1.0)
        finished = [Candidate(one, beliefs[key].mean, beliefs[key].pseudo_count) for one, key in done]
        texts = [bare.claims[row].text for row in rows]
        return _Seen(unsure, finished, texts, (ends * (1 - ends)).tolist(), [question for question, _ in pairs])

    def _posed(self, places: Sequence[str], asked: Sequence[str], rng: np.random.Generator) -> list[str]:
        elicitor = self._explorer.elicitor
        if not elicitor.model.is_general:
            return recombined(places, CANDIDATES, rng)
        near = (self._embedding(asked) @ self._embedding(places).T).max(axis=1)
        told = [asked[row] for row in np.argsort(-near, kind="stable")[:MOST_ASKED]]
        said = replies(
            lambda some: [elicitor.pose_questions(one, told, CANDIDATES) for one in some],
            [tuple(places)],
            "Posed no question",
        )
        return [question for posed in said.values() for question in posed]

    def _fresh(self, posed: Sequence[str], asked: Sequence[str]) -> list[str]:
        """The questions that are well-formed, and neither asked already nor nearly one that is, or one before them."""
        kept: list[str] = []
        vectors = self._embedding([*asked, *posed])
        there = list(range(len(asked)))
        texts = [*asked, *posed]
        for row, question in enumerate(posed, start=len(asked)):
            alike = [texts[other] for other in there if vectors[other] @ vectors[row] >= SAME_COSINE]
            why = self._fault(question) or (
                "it is asked already" if any(contrast(question, one) is None for one in alike) else None
            )
            if why is None:
                kept.append(question)
                there.append(row)
            else:
                _log_drop(question, why)
        return kept

    def _fault(self, question: str) -> str | None:
        try:
            self._explorer.elicitor.check_question(question)
        except ModelError as error:
            return str(error)
        return fault(question)

    def _worded(self, posed: Sequence[str]) -> list[_Worded]:
        """The questions as claims that nothing says yet, with what the model believes of them."""
        elicitor = self._explorer.elicitor
        stated = replies(elicitor.state_claims, list(posed), "Posed a question that could not be worded")
        texts = {question: text for question, text in stated.items() if text is not None}
        unsaid = dict.fromkeys(self._explorer.unsaid(texts.values()), "")
        for question, text in texts.items():
            if unsaid.get(text) == "":
                unsaid[text] = question
            else:
                _log_drop(question, "a claim, or a question before it, says the same")
        beliefs = replies(elicitor.believe, list(unsaid), "Posed a question about which nothing is believed")
        return [_Worded(question, text, beliefs[text]) for text, question in unsaid.items() if text in beliefs]

    def _picked(self, worded: Sequence[_Worded], seen: _Seen, rng: np.random.Generator) -> list[_Worded]:
        """Those to explore, as many as are picked at once, best first."""
        candidates = [Candidate(one.question, one.belief.mean, one.belief.pseudo_count) for one in worded]
        predictor = learn(self._embedding(seen.texts), seen.finished, seen.residuals, LEAST_FINISHED)
        if predictor is None:
            log.info(
                "Picked by the model's own doubt: %d roots are explored, and it takes %d to learn what stays unsure.",
                len(seen.finished),
                LEAST_FINISHED,
            )
            values = [one.doubt for one in candidates]
        else:
            values = predictor(self._embedding([one.text for one in worded]), candidates).mean.tolist()
        picks = pick(values, PICKED_AT_ONCE, rng)
        for row, is_random in picks:
            how = "at random" if is_random else f"expected to stay unsure by {max(values[row], 0.0):.2f}"
            log.info("Asks itself (%s): %r", how, worded[row].question[:_LOGGED_CHARS])
        return [worded[one.row] for one in picks]

    def _is_interrupted(self, stop: Event) -> bool:
        with read_scope(self._explorer.engine) as session:
            return stop.is_set() or next_posed(session) is not None


def _log_drop(question: str, why: str) -> None:
    """Log what is dropped; the text is a model's, so it is cut, then escaped."""
    log.info("Dropped a question of its own: %s: %r", why[:_LOGGED_CHARS], question[:_LOGGED_CHARS])
