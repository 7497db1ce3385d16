"""Links to where a rater found an answer: what is kept of them is a link that can be shown. Pure."""

from urllib.parse import urlsplit

from store.errors import SourceError

LONGEST = 2000
"""Characters of a link."""


def checked_source(typed: str) -> str:
    """Returns a link as it is kept, without spaces around it; "" for none.

    Only http and https, so that following one runs nothing; nothing unprintable or blank and no name before an @, so
    that it is what it looks like.

    Raises:
        SourceError: it is no such link.
    """
    link = typed.strip()
    if not link:
        return ""
    try:
        parts = urlsplit(link)
        is_link = parts.scheme in ("http", "https") and bool(parts.hostname) and "@" not in parts.netloc
    except ValueError:  # brackets that are no address
        is_link = False
    if not is_link or not link.isprintable() or any(map(str.isspace, link)):
        raise SourceError(
            "A source is a link that begins with http:// or https://, without a name and @ before the host: mend it, "
            "or leave the field empty."
        )
    if len(link) > LONGEST:
        raise SourceError(f"A source has at most {LONGEST} characters, and this one has {len(link)}: shorten it.")
    return parts.scheme + link[len(parts.scheme) :]
