"""What a team asks of its raters, shown beside the questions: a file of their own, or a text that suits most."""

from pathlib import Path

from argtree.errors import ArgtreeError

GUIDELINES_VARIABLE = "ARGTREE_GUIDELINES"
"""Names the file to the server's process; empty for none."""

LARGEST = 65_536
"""Bytes of a file: some thirty pages, more than anybody reads beside a question."""

USUAL = """
**What is asked.** Whether one plain claim is true, as the world is, whatever you think of the questions that it bears
on. Below the answers stands what rests on it.

**How to answer.** Say yes or no if you are sure. If you are not, say how likely it is: 70 % means that of ten such
claims seven are true. Look things up where that takes a minute, and give the link as source. Don't ask other raters:
your answer counts beside theirs because it is your own.

**Numbers.** Give your best number in the unit that stands beside it, and how far off it may be: twice in three times
the truth should lie within that.

**Skip** what you don't know, what can be read in two ways without either being meant, or what would take you too long:
a guess does more harm than a gap.

**Flag** what should not be asked at all: *ambiguous*, if no answer could be right; *harmful*, if it is about a private
person, or asks for what would hurt somebody; *needs an expert*, if only one could tell. A reviewer looks at it.

**Keys.** `1` yes, `2` no, `3` the probability of the slider, `S` skip, `F` flag, `B` back, `U` undo the last answer;
`1` to `3` choose among reasons. `P` leads to the slider or the number, `N` to the note, `L` to the link, `Esc` out of
them; `Enter` hands in a number.
"""


class GuidelinesError(ArgtreeError):
    """The guidelines' file cannot be shown."""


def read_guidelines(path: Path | None) -> str:
    """Returns the Markdown to show: the file's, or USUAL where there is none.

    Raises:
        GuidelinesError: the file is missing, unreadable, larger than LARGEST, empty or no text in UTF-8.
    """
    if path is None:
        return USUAL
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST + 1)
    except OSError as exc:
        raise GuidelinesError(f"The guidelines {path} cannot be read: {exc.strerror}.") from exc
    if len(content) > LARGEST:
        raise GuidelinesError(f"The guidelines {path} are larger than {LARGEST // 1024} KiB: shorten them.")
    try:
        text = content.decode("utf-8-sig").strip()
    except UnicodeDecodeError as exc:
        raise GuidelinesError(f"The guidelines {path} are no text in UTF-8: save them as that.") from exc
    if not text or "\0" in text:
        raise GuidelinesError(f"The guidelines {path} are {'no text' if text else 'empty'}: name another file.")
    return text
