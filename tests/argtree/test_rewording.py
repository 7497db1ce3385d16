"""What would give an answer away: held against the list of hard pairs that `test_contrast` has."""

import json
from collections import Counter
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from argtree.rewording import is_reworded

PAIRS = [json.loads(line) for line in (Path(__file__).parent / "hard_pairs.jsonl").read_text("utf-8").splitlines()]


def test_denials_and_most_paraphrases_are_seen() -> None:
    found = Counter(pair["kind"] for pair in PAIRS if is_reworded(pair["a"], pair["b"]))
    total = Counter(pair["kind"] for pair in PAIRS)
    assert all(found[kind] == total[kind] for kind in ("negation", "antonym", "roles"))
    assert found["same"] >= 53


def test_other_claims_about_the_same_thing_are_none() -> None:
    claim = "A nail is hard."
    for other in ("A nail is sharp and made of steel.", "Steel is a metal.", "Nails are made of steel."):
        assert not is_reworded(claim, other)
    assert not is_reworded("A nail is longer than 4 cm.", "A nail is longer than 15 cm.")


@given(st.text(max_size=60), st.text(max_size=60))
def test_same_either_way_round(one: str, other: str) -> None:
    assert is_reworded(one, other) == is_reworded(other, one)
