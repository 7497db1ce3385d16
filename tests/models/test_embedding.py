"""Embedding models keep one contract; the index agrees with looking at everything."""

from pathlib import Path

import numpy as np
import pytest
from transformers import BertConfig, BertModel, BertTokenizerFast

from models.embedding import Embedding, HashedEmbedding, load_embedding
from models.errors import ModelNotFoundError, NoWeightsError, UnknownSpecError
from models.neighbours import Neighbours

TEXTS = [f"{thing} {does}." for thing in ("Honey", "A brick", "The wax") for does in ("sinks", "melts fast", "is hot")]


@pytest.fixture(scope="module")
def encoder_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random one-layer BERT: its vectors mean nothing, its arithmetic is real."""
    folder = tmp_path_factory.mktemp("encoder")
    words = sorted({word for text in TEXTS for word in text.lower().replace(".", " .").split()})
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *words]
    (folder / "vocab.txt").write_text("\n".join(vocabulary))
    BertTokenizerFast(vocab={word: n for n, word in enumerate(vocabulary)}).save_pretrained(folder)
    sizes = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 1, "num_attention_heads": 2}
    BertModel(BertConfig(vocab_size=len(vocabulary), **sizes)).save_pretrained(folder)
    return folder


@pytest.fixture(params=["hashed", "encoder"])
def embedding(request: pytest.FixtureRequest) -> Embedding:
    if request.param == "hashed":
        return load_embedding("hashed")
    return load_embedding(f"hf:{request.getfixturevalue('encoder_folder')}")


def test_contract_unit_vectors_the_same_in_any_company(embedding: Embedding) -> None:
    vectors = embedding(TEXTS)
    assert vectors.shape == (len(TEXTS), embedding.size) and vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(embedding(TEXTS[3:4])[0], vectors[3], atol=1e-5)
    assert embedding([]).shape == (0, embedding.size)


def test_text_without_words_has_no_neighbours() -> None:
    index = Neighbours(HashedEmbedding())
    index.add([1, 2], ["", "Honey sinks."])
    assert index.nearest(["", "Honey sinks!"], 2) == [[], [2]]


def test_index_finds_what_looking_at_everything_finds() -> None:
    rng = np.random.default_rng(0)
    words = ["".join(rng.choice(list("abcdefgh"), 5)) for _ in range(300)]
    texts = [" ".join(rng.choice(words, 6)) for _ in range(3000)]
    index = Neighbours(HashedEmbedding())
    index.add(range(2000), texts[:2000])
    index.add(range(2000, 3000), texts[2000:])
    vectors = index.embedding(texts)
    nearest = np.argsort(-(vectors[:200] @ vectors.T), axis=1)[:, 1]
    found = [second == keys[1] for keys, second in zip(index.nearest(texts[:200], 2), nearest, strict=True) if keys[1:]]
    assert len(found) > 100 and np.mean(found) > 0.9


@pytest.mark.parametrize("spec", ["", "hf:", "word2vec"])
def test_unknown_spec_names_the_forms(spec: str) -> None:
    with pytest.raises(UnknownSpecError, match='say "hashed", "minilm" or "hf:FOLDER"'):
        load_embedding(spec)


def test_folder_that_holds_no_encoder_is_refused(tmp_path: Path, encoder_folder: Path) -> None:
    with pytest.raises(ModelNotFoundError, match="no model folder"):
        load_embedding(f"hf:{tmp_path / 'none'}")
    with pytest.raises(NoWeightsError):
        load_embedding(f"hf:{tmp_path}")
    (tmp_path / "model.safetensors").write_bytes((encoder_folder / "model.safetensors").read_bytes())
    with pytest.raises(ModelNotFoundError, match="can't be loaded"):
        load_embedding(f"hf:{tmp_path}")
