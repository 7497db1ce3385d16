import pytest

from store.texts import is_storable, normalised, storable, text_hash


@pytest.mark.parametrize("same", ["nails are hard", " Nails\n are  HARD?! ", "Ｎails are hard .", "NAILS ARE HARD..."])
def test_case_width_spacing_and_final_punctuation_do_not_matter(same: str) -> None:
    assert text_hash(same) == text_hash("Nails are hard.")


def test_other_words_and_inner_punctuation_do_matter() -> None:
    texts = ("Nails are hard.", "Nails are not hard.", "Nails. Are hard.", "?", "!")
    assert len({text_hash(text) for text in texts}) == len(texts)


def test_punctuation_alone_is_a_text() -> None:
    assert normalised(" ?! ") == "?!"


def test_half_a_surrogate_pair_and_nul_are_not_storable() -> None:
    assert is_storable("a😀") and not is_storable("a\ud83d") and not is_storable("a\0")
    assert storable("a😀") == "a😀" and storable("ü\0") == r"'\xfc\x00'"
