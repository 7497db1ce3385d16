"""Labels stand at the ends of steps, and nowhere else."""

from typing import Any

import pytest

from models.stepwise import IGNORED, encode_steps
from tests.models.conftest import tiny_tokenizer


@pytest.fixture(scope="module")
def tokenizer() -> Any:
    return tiny_tokenizer()


def test_a_label_stands_at_the_last_token_of_each_step(tokenizer: Any) -> None:
    row = {"prompt": "Is jelly wet?", "completions": ["True: Jelly is wet.", "Answer: no"], "labels": [True, False]}
    found = encode_steps(row, tokenizer)
    ends = [place for place, label in enumerate(found["labels"]) if label != IGNORED]
    assert [found["labels"][place] for place in ends] == [1, 0]
    read = [tokenizer.decode(found["input_ids"][: place + 1]) for place in ends]
    assert read[0].endswith("<|assistant|>True: Jelly is wet.\n") and read[1] == read[0] + "Answer: no\n"
    assert len(found["input_ids"]) == len(found["labels"]) == len(found["attention_mask"])


def test_what_is_too_long_is_cut(tokenizer: Any) -> None:
    row = {"prompt": "p", "completions": ["a", "b " * 99], "labels": [True, True]}
    found = encode_steps(row, tokenizer, max_length=20)
    assert len(found["input_ids"]) == len(found["labels"]) == 20 and found["labels"].count(1) == 1


def test_steps_and_labels_must_agree_in_number(tokenizer: Any) -> None:
    with pytest.raises(ValueError, match="2 steps and 1 labels"):
        encode_steps({"prompt": "p", "completions": ["a", "b"], "labels": [True]}, tokenizer)
