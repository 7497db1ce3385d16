"""One text is one claim: what counts as the same text. Pure."""

import hashlib
import unicodedata


def normalised(text: str) -> str:
    """Returns the text without differences of case, width, spacing and final punctuation."""
    spaced = " ".join(folded(text).split())
    return spaced.rstrip(" .?!") or spaced  # a text of nothing but punctuation still is one


def folded(text: str) -> str:
    """Returns the text without differences of case and width."""
    return unicodedata.normalize("NFKC", text).casefold()


def text_hash(text: str) -> str:
    """Returns the SHA-256 of the normalised text, in hexadecimal."""
    return hashlib.sha256(normalised(text).encode("utf-8", "surrogatepass")).hexdigest()


def is_storable(text: str) -> bool:
    """Says whether the text is whole: half of a surrogate pair, which JSON can smuggle in, has no UTF-8 form."""
    return not any("\ud800" <= character <= "\udfff" for character in text)
