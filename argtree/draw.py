"""Pictures of an argument tree: `tree` for the terminal, `svg` for a page; `printable` for any untrusted text."""

from argtree.svg import svg
from argtree.terminal import tree
from argtree.text import printable

__all__ = ["printable", "svg", "tree"]
