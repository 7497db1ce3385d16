"""Which facts are put before a model that is asked about a claim: settled claims and passages of documents near it.

Not a claim that bears on it by arguments, or that it bears on: what people said of that one counts by the arguments
already, and would count twice. And none that is little more than the claim in other words, or its denial: that would
give the answer away. Not here: the prompts (`models.prompts`), what is kept of it (`store.shown`).
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from sqlalchemy import Engine
from sqlmodel import Session

from argtree.documents import Documents
from argtree.rewording import is_reworded
from models.elicitation import Elicitor, Shown
from models.embedding import Embedding
from models.neighbours import Neighbours
from models.prompts import Fact, QuotedFact, SettledFact
from store.claims import find_claim
from store.database import read_scope
from store.news import Mark, mark
from store.shown import SettledClaim, bound, misled, note_shown, settled_claims, touches_shown

SETTLED_SHOWN = 3  # at most
PASSAGES_SHOWN = 3  # at most: with the former some 2,000 characters
LOOKED_AT = 20  # settled claims by likeness


class Facts:
    """Keeps the settled claims by likeness, and finds what is near."""

    def __init__(self, engine: Engine, embedding: Embedding, documents: Documents | None = None) -> None:
        """Args:
        engine: of the store.
        embedding: by which likeness is seen.
        documents: of the user; None: there are none.
        """
        self._engine = engine
        self._documents = documents
        self._neighbours = Neighbours(embedding)
        self._taken_in: set[int] = set()  # ids that are among the neighbours; they stay there when settled no more
        self._settled: dict[int, SettledClaim] = {}
        self._said: tuple[int, ...] | None = None  # mark as of which they are settled
        self._looked: Mark | None = None  # as of which nobody is misled

    def find(self, elicitor: Elicitor, texts: Iterable[str], premise_of: Mapping[str, Sequence[str]]) -> Shown:
        """Returns the facts to put before the model with each claim, settled ones first, the nearest first of each.

        A model that isn't general is shown none: the bundled world's were not trained on such prompts.

        Args:
            elicitor: asks the model.
            texts: of the claims.
            premise_of: for claims that are not in the store yet, keys of those that they are to be premises of.

        Raises:
            DocumentError: the documents' index can't be used.
        """
        asked = list(dict.fromkeys(texts))
        if not elicitor.model.is_general or not asked:
            return {}
        with read_scope(self._engine) as session:
            self._catch_up(session)
            near = self._neighbours.nearest(asked, LOOKED_AT) if self._settled else [[] for _ in asked]
            settled = [
                self._settled_facts(session, text, ids, premise_of.get(text, ()))
                for text, ids in zip(asked, near, strict=True)
            ]
        passages: list[list[Fact]] = [[] for _ in asked]
        if self._documents is not None:
            for facts, found in zip(passages, self._documents.find(asked, PASSAGES_SHOWN), strict=True):
                facts += [QuotedFact(one.file, one.line, _under_heading(one.heading, one.text)) for one in found]
        both = {text: (*facts, *said) for text, facts, said in zip(asked, settled, passages, strict=True)}
        return {text: facts for text, facts in both.items() if facts}

    def misled(self) -> list[str]:
        """Returns keys of claims whose beliefs rest on settled claims that must not count there (`store.shown`)."""
        with read_scope(self._engine) as session:
            now = mark(session)
            found = misled(session) if self._may_mislead(session, now) else []
        if not found:
            self._looked = now
        return found

    def _may_mislead(self, session: Session, now: Mark) -> bool:
        """Says whether something has come since nobody was misled by which somebody may be."""
        before = self._looked
        if before is None or now.said != before.said:
            return True
        return now.argument > before.argument and touches_shown(session, before.argument)

    def _catch_up(self, session: Session) -> None:
        said = mark(session).said
        if said == self._said:
            return
        self._settled = {one.id: one for one in settled_claims(session)}
        new = [one for one in self._settled.values() if one.id not in self._taken_in]
        self._neighbours.add([one.id for one in new], [one.text for one in new])
        self._taken_in |= self._settled.keys()
        self._said = said

    def _settled_facts(self, session: Session, text: str, ids: Sequence[int], over: Sequence[str]) -> list[SettledFact]:
        near = [self._settled[one] for one in ids if one in self._settled]
        near = [one for one in near if not is_reworded(text, one.text)]
        kept_out = bound(session, find_claim(session, text), over) if near else set()
        return [SettledFact(one.text, one.is_true) for one in near if one.id not in kept_out][:SETTLED_SHOWN]


def note(
    session: Session, claim_id: int, belief_id: int | None, facts: Sequence[Fact], generation: str, now: datetime
) -> None:
    """Writes down with which facts a model was asked about a claim; see `store.shown.note_shown`."""
    settled = [(fact.text, fact.is_true) for fact in facts if isinstance(fact, SettledFact)]
    passages = [(fact.file, fact.line, fact.text) for fact in facts if isinstance(fact, QuotedFact)]
    note_shown(session, claim_id, belief_id, settled, passages, generation, now)


def _under_heading(heading: str, text: str) -> str:
    return f"{heading}: {text}" if heading else text
