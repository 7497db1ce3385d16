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
    """Says whether every database keeps the text as it is.

    Half of a surrogate pair, which JSON can smuggle in, has no UTF-8 form; the character NUL is refused by PostgreSQL.
    """
    return not any(character == "\0" or "\ud800" <= character <= "\udfff" for character in text)


def storable(text: str) -> str:
    """Returns the text, or one that is storable and shows a reader what it was: escapes for what is not ASCII."""
    return text if is_storable(text) else ascii(text)
