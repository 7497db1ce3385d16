"""The user-facing errors of the method; every other package's errors hang under the same base.

ArgtreeError
├── DocumentError
├── FormatError            (also a ValueError)
├── TooEntangledError
├── UnknownClaimError      (also a ValueError)
└── ImpossibleEvidenceError (also a ValueError)

Not here: what a caller did wrong in Python (a plain ValueError that names the value).
"""

from __future__ import annotations


class ArgtreeError(Exception):
    """Something went wrong that can be said to a person in one sentence."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or (type(self).__doc__ or "").splitlines()[0])


class DocumentError(ArgtreeError):
    """The user's documents, or the index of them, can't be read."""


class FormatError(ArgtreeError, ValueError):
    """The file is not an argument graph in the form argtree-graph/1 or argtree-graph/2."""


class TooEntangledError(ArgtreeError):
    """The graph's shared premises are too entangled for exact propagation."""


class UnknownClaimError(ArgtreeError, ValueError):
    """No claim of the graph goes by that name."""


class ImpossibleEvidenceError(ArgtreeError, ValueError):
    """The evidence has probability zero under the graph."""
