"""Texts as unit vectors: near each other where the texts may say the same. The default needs no weights.

Of 80 hard paraphrases among 5,396 claims the default has 95 % within the nearest five; all-MiniLM-L6-v2 has all, at
a hundred times the processor time (`benchmarks/likeness.py`). Not here: an index of vectors (`neighbours.py`), a
transformer that embeds (`encoder.py`), whether two texts do say the same (`argtree.contrast`, `Elicitor.same_claims`).
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

from models.errors import UnknownSpecError

HASHED = "hashed"
HF_PREFIX = "hf:"
MINILM = "minilm"
Vectors = npt.NDArray[np.float32]


class Embedding(Protocol):
    """Gives texts' vectors: the same text the same vector, up to rounding, at any time."""

    name: str
    size: int  # D, of a vector
    floor: float  # cosine below which texts are no candidates; nineteen of twenty hard paraphrases lie above

    def __call__(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors of texts, [N, D]; of a text in which there is nothing to see, zeros."""
        ...


class HashedEmbedding:
    """Counts of a text's groups of three to five letters within words, hashed into 512 places with signs.

    Weinberger et al. 2009, "Feature hashing for large scale multitask learning". Weights by rarity (IDF) would change
    the vectors of the texts that are there as others come in, and are left out.
    """

    name = HASHED
    size = 512
    floor = 0.35

    def __init__(self) -> None:
        from sklearn.feature_extraction.text import HashingVectorizer  # takes a second to import

        self._vectorizer = HashingVectorizer(analyzer="char_wb", ngram_range=(3, 5), n_features=self.size, norm="l2")

    def __call__(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors; see `Embedding`."""
        if not texts:
            return np.empty((0, self.size), dtype=np.float32)
        vectors: Vectors = self._vectorizer.transform(texts).toarray().astype(np.float32)
        return vectors


def load_embedding(spec: str) -> Embedding:
    """The embedding model that `spec` names.

    Args:
        spec: "hashed" for the default; "hf:FOLDER" for a sentence encoder in a local folder, whose last layer is
            averaged over a text's tokens; "minilm" for all-MiniLM-L6-v2 as the extra `minilm` installs it.

    Raises:
        UnknownSpecError: `spec` has none of these forms.
        ModelNotFoundError, NoWeightsError, PickledWeightsError: There is no such encoder, or it can't be loaded.
    """
    if spec == HASHED:
        return HashedEmbedding()
    folder = spec.removeprefix(HF_PREFIX).strip()
    if spec != MINILM and (not spec.startswith(HF_PREFIX) or not folder):
        raise UnknownSpecError(f'{spec!r} names no embedding model: say "{HASHED}", "{MINILM}" or "{HF_PREFIX}FOLDER".')
    from models.encoder import Encoder, minilm_folder

    return Encoder(minilm_folder() if spec == MINILM else Path(folder).expanduser(), spec)
