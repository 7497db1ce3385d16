"""Which new premises say in other words what a claim says that is there: found by likeness, judged by the model.

Candidates are a claim's nearest neighbours; the guards of `argtree.contrast` strike out what differs in a way that
words alone show; the model decides on the rest, both ways. Not here: the store (`store.aliases`), the prompts.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from argtree.contrast import contrast
from argtree.expanding import OUT_OF_USE
from models.elicitation import Elicitor
from models.embedding import Embedding
from models.errors import ModelError
from models.neighbours import Neighbours

LOOKED_AT = 10  # neighbours of a text
ASKED_ABOUT = 2  # of those that pass the guards, the nearest: four prompts each
SAME_PROB = 0.9  # both ways; not calibrated: no answers tell of it

log = logging.getLogger("argtree.daemon")


@dataclass(frozen=True)
class Same:
    """That a text says what a claim says."""

    claim_text: str
    implies_prob: float  # P(the claim follows from the text), as the model holds
    implied_prob: float  # P(the text follows from the claim)


class Merger:
    """Keeps the texts of the store's claims by likeness, and finds what new ones say again."""

    def __init__(self, embedding: Embedding, claims_after_fn: Callable[[int], Sequence[tuple[int, str]]]) -> None:
        """Args:
        embedding: by which likeness is seen.
        claims_after_fn: gives number and text of the claims that came after one of a number, in their order.
        """
        self._claims_after = claims_after_fn
        self._neighbours = Neighbours(embedding)
        self._texts: dict[int, str] = {}
        self._last = 0  # the newest claim that was taken in

    def find(self, elicitor: Elicitor, texts: Sequence[str]) -> dict[str, Same]:
        """Returns what some of these new texts say again: of a claim that is there, or of a text before them.

        A text before is one that says nothing again itself. A model that isn't general finds nothing, and neither does
        one whose replies can't be used: then claims stay apart.

        Args:
            elicitor: asks the model.
            texts: that no claim has; each once.

        Raises:
            ModelUnavailableError, KeyRefusedError, ModelNotFoundError: the model can't be used, whatever it is asked.
        """
        if not elicitor.model.is_general or not texts:
            return {}
        self._catch_up()
        candidates = self._candidates(texts)
        pairs = [(text, other) for text, others in candidates.items() for other in others]
        try:
            probs = dict(zip(pairs, elicitor.same_claims(pairs), strict=True)) if pairs else {}
        except OUT_OF_USE:
            raise
        except ModelError as error:
            log.warning("Claims that may say the same stay apart: %s", error)
            return {}
        found: dict[str, Same] = {}
        for text, others in candidates.items():
            best = max(
                (other for other in others if other not in found), key=lambda o: min(probs[text, o]), default=None
            )
            if best is not None and min(probs[text, best]) >= SAME_PROB:
                found[text] = Same(best, *probs[text, best])
        return found

    def _catch_up(self) -> None:
        new = self._claims_after(self._last)
        if new:
            self._neighbours.add([number for number, _ in new], [text for _, text in new])
            self._texts.update(new)
            self._last = new[-1][0]

    def _candidates(self, texts: Sequence[str]) -> Mapping[str, list[str]]:
        """For each text the nearest of the claims, and of the texts before it, that the guards let pass."""
        of_claims = self._neighbours.nearest(texts, LOOKED_AT)
        own = Neighbours(self._neighbours.embedding)
        found = {}
        for at, text in enumerate(texts):
            before = [texts[number] for number in own.nearest([text], LOOKED_AT)[0]]  # models repeat themselves
            near = [*(self._texts[number] for number in of_claims[at]), *before]
            passed = [other for other in near if contrast(text, other) is None]
            found[text] = passed[:ASKED_ABOUT]
            own.add([at], [text])
        return found
