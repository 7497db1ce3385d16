"""How well do the embedding models find a paraphrase among many claims, and what do they cost?

The 80 paraphrases of `tests/argtree/hard_pairs.jsonl`; among the texts of all its pairs and 5,000 claims of the
everyday world. `guards` counts the pairs of that list that `argtree.contrast` decides wrongly.

    python -m benchmarks.likeness --out benchmarks/results/likeness.json
"""

import json
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from argtree.contrast import contrast
from models.embedding import HASHED, MINILM, load_embedding
from models.everyday.world import load_world

PAIRS = Path(__file__).parent.parent / "tests" / "argtree" / "hard_pairs.jsonl"
NUM_OTHERS = 5_000


@dataclass(frozen=True)
class Measured:
    """How one embedding model does."""

    embedding: str
    texts: int
    within_1: float  # share of the paraphrases that are the nearest
    within_5: float
    within_10: float
    above_floor: float  # share whose cosine is at least the model's floor
    milliseconds: float  # of processor time, for a text


def measured(spec: str, texts: list[str], pairs: list[tuple[str, str]]) -> Measured:
    """Looks at all texts, without an index."""
    embedding = load_embedding(spec)
    began = time.process_time()
    vectors = embedding(texts)
    took = time.process_time() - began
    place = {text: row for row, text in enumerate(texts)}
    ones, others = (np.array([place[pair[side]] for pair in pairs]) for side in (0, 1))
    cosines = vectors[ones] @ vectors.T
    cosines[np.arange(len(pairs)), ones] = -1
    wanted = cosines[np.arange(len(pairs)), others]
    nearer = (cosines > wanted[:, None]).sum(axis=1)
    within = [float((nearer < count).mean()) for count in (1, 5, 10)]
    above = float((wanted >= embedding.floor).mean())
    return Measured(spec, len(texts), *within, above, 1000 * took / len(texts))


def main(
    embedding: Annotated[list[str] | None, typer.Option(help="Embedding models; by default hashed and minilm.")] = None,
    out: Annotated[Path | None, typer.Option(help="Write the figures there as JSON.")] = None,
) -> None:
    """Compare embedding models, and count the guards' mistakes."""
    rows = [json.loads(line) for line in PAIRS.read_text(encoding="utf-8").splitlines()]
    world = load_world()
    claims = [world.text(one) for thing in world.things for one in world.single_thing_statements(thing)]
    others = [claims[i] for i in np.random.default_rng(0).permutation(len(claims))[:NUM_OTHERS]]
    texts = list(dict.fromkeys([text for row in rows for text in (row["a"], row["b"])] + others))
    same = [(row["a"], row["b"]) for row in rows if row["kind"] == "same"]
    guarded = [(row["a"], row["b"]) for row in rows if row["kind"] not in ("same", "other")]
    found = {
        "embeddings": [asdict(measured(spec, texts, same)) for spec in embedding or [HASHED, MINILM]],
        "guards": {
            "must_not_merge": len(guarded),
            "let_through": sum(contrast(*pair) is None for pair in guarded),
            "paraphrases": len(same),
            "held_back": sum(contrast(*pair) is not None for pair in same),
        },
    }
    print(json.dumps(found, indent=1))
    if out is not None:
        out.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    typer.run(main)
