"""How a model on a server is named, and where its key comes from. Nothing is asked here, and no vendor is known."""

import os
import re
from urllib.parse import urlsplit

from models.errors import KeyRefusedError, UnknownSpecError

PREFIX = "openai:"
FORM = f"{PREFIX}URL#MODEL"
KEY_VARIABLE = "ARGTREE_API_KEY"


def spec_of(url: str, model: str) -> str:
    """The spec that `parse_spec` reads."""
    return f"{PREFIX}{url}#{model}"


def parse_spec(spec: str) -> tuple[str, str]:
    """The address and the model that a spec of the form "openai:URL#MODEL" names.

    Raises:
        UnknownSpecError: It has another form, or the address holds what must not be written down.
    """
    url, _, model = spec.removeprefix(PREFIX).strip().partition("#")
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:  # its message holds parts of what may be a password
        raise UnknownSpecError(f"What stands after {PREFIX} is no address: a server is named by {FORM}.") from None
    if "@" in url or parts.query:
        raise UnknownSpecError(
            f"The address after {PREFIX} holds a user, a password or a query: leave them out, and put the key into the "
            f"environment variable {KEY_VARIABLE}."
        )
    if parts.scheme not in ("http", "https") or not host or not url.isascii() or not url.isprintable() or " " in url:
        raise UnknownSpecError(f"A server is named by {FORM}, with http:// or https://: `argtree models` lists some.")
    if not model or not model.isprintable():
        raise UnknownSpecError(f"Which model of {url}? Say {FORM}: `argtree models` lists some.")
    return url.rstrip("/"), model


def key_of_environment() -> str | None:
    """The key for servers that want one; None where the environment variable ARGTREE_API_KEY is missing or empty.

    Raises:
        KeyRefusedError: It holds what no key is.
    """
    key = os.environ.get(KEY_VARIABLE, "").strip()
    if key and not re.fullmatch(r"[!-~]+", key):
        raise KeyRefusedError(f"What {KEY_VARIABLE} holds is no key: a key is made of ASCII letters, without blanks.")
    return key or None
