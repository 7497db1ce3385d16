"""Passages: what is kept together, where it stands, and how rankings are made one."""

from hypothesis import given
from hypothesis import strategies as st

from argtree.passages import MAX_CHARS, Passage, fuse, passages, plain, telling_words
from tests.hostile import ALL

TEXT = """# Tools

Nails are sharp. They are made
of steel! Can they rust? Yes, they can.

## Kitchen ##
- Jelly is soft
- Honey sinks in water.
---
"""


def test_few_sentences_stand_together_under_their_heading() -> None:
    assert list(passages(TEXT)) == [
        Passage(3, "Tools", "Nails are sharp. They are made of steel! Can they rust?"),
        Passage(4, "Tools", "Yes, they can."),
        Passage(7, "Kitchen", "- Jelly is soft - Honey sinks in water."),
    ]


def test_sentence_without_end_is_cut() -> None:
    found = list(passages("word " * 400))
    assert len(found) == 4 and all(len(one.text) <= MAX_CHARS and one.line == 1 for one in found)


@given(st.text(max_size=300))
def test_any_text_gives_plain_passages(text: str) -> None:
    lines = 1 + text.count("\n") + text.count("\r")
    for one in passages(text):
        assert 0 < len(one.text) <= MAX_CHARS and 1 <= one.line <= lines
        assert one.text == plain(one.text) and one.heading == plain(one.heading)


def test_what_steers_is_taken_out() -> None:
    for text in ALL:
        assert plain(text).isprintable() or any(joiner in text for joiner in "\u200c\u200d")


def test_rankings_are_fused_by_reciprocal_ranks() -> None:
    assert fuse([1, 2, 3], [3, 4]) == [3, 1, 2, 4]  # 1/63 + 1/61 > 1/61 > 1/62 = 1/62
    assert fuse([], [7]) == [7] and fuse() == []


def test_words_of_a_claim_that_tell() -> None:
    assert telling_words("The nails are sharper than a Stone.") == {
        "nail": "nails",
        "sharp": "sharper",
        "ston": "stone",
    }
