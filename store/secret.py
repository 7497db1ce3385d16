"""Secrets that the store can recognise and not give away: tokens and passwords.

A token is drawn at random with 256 bits, so a plain SHA-256 of it is enough to look it up by and can't be turned back.
A password is not, so it is kept as an Argon2id hash with a salt (RFC 9106), by argon2-cffi and its defaults.
"""

import hashlib
import secrets
import unicodedata
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from store.errors import PasswordError

SHORTEST, LONGEST = 8, 1000  # characters of a password
_hasher = PasswordHasher()


def new_token() -> str:
    """Returns a new secret that fits into an address and a cookie."""
    return secrets.token_urlsafe(32)


def hashed(token: str) -> str:
    """Returns what the store keeps of a token."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def hash_password(password: str) -> str:
    """Returns what the store keeps of a password. Takes a good part of a tenth of a second: hold no lock meanwhile.

    Raises:
        PasswordError: not 8 to 1000 characters.
    """
    if not SHORTEST <= len(password) <= LONGEST:
        raise PasswordError(f"A password must have {SHORTEST} to {LONGEST} characters, yours has {len(password)}.")
    return _hasher.hash(_bytes(password))


def fits(password: str, password_hash: str | None) -> bool:
    """Says whether it is the password; takes as long where there is no hash to compare it with."""
    try:
        _hasher.verify(password_hash or _nobodys(), _bytes(password[: LONGEST + 1]))
    except (VerificationError, InvalidHashError):
        return False
    return password_hash is not None


def is_outdated(password_hash: str) -> bool:
    """Says whether today's parameters are others than those of the hash."""
    return _hasher.check_needs_rehash(password_hash)


@cache
def _nobodys() -> str:
    return _hasher.hash(secrets.token_bytes(16))


def _bytes(password: str) -> bytes:
    """Returns a password's bytes, the same whichever way a keyboard composes its letters (NIST SP 800-63B, 3.1.1.2)."""
    return unicodedata.normalize("NFKC", password).encode("utf-8", "surrogatepass")
