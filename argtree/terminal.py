"""The argument tree of a root for the terminal, as a `rich` tree."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import islice

from rich.text import Text
from rich.tree import Tree

from argtree.evidence import is_settled
from argtree.graph import Argument, ArgumentGraph, Premise
from argtree.outline import claims_below, sorted_arguments, worth_asking
from argtree.propagate import Propagation
from argtree.text import shorten

MAX_DEPTH = 10  # claims below one another; a terminal has no room for more indentation
MAX_LINES = 300
MAX_CHARS = 240  # of one claim's text
MARKED = 5  # claims whose value of information is shown


def tree(graph: ArgumentGraph, root: str, result: Propagation, labels: Mapping[str, float]) -> Tree:
    """Returns the tree of arguments and premises under a claim, at most `MAX_DEPTH` deep and about `MAX_LINES` long.

    A premise of several arguments is shown in full once. Claims' texts are never read as markup.

    Args:
        graph: with the root in it.
        root: a claim's id.
        result: `propagate(graph)`.
        labels: claim id -> P(claim) by the label; those that are settled are ticked or crossed.

    Raises:
        KeyError: no such claim.
    """
    valuable = dict(islice(worth_asking(graph, root, result, labels).items(), MARKED))
    chosen = _choose_arguments(graph, root)
    figures = _Figures(graph, result, labels, valuable)
    seen, in_full = {root}, {root}
    shown = _shown_arguments(graph, root, chosen, 1)
    title = figures.claim_line(Premise(root), len(shown))
    title.stylize("bold")
    top = Tree(title, guide_style="dim")
    # In the order of the lines, so that "above" means above on the screen.
    waiting: list[tuple[Tree, Argument | Premise, int]] = [(top, one, 1) for one in reversed(shown)]
    while waiting:
        parent, one, depth = waiting.pop()
        if isinstance(one, Argument):
            joint = parent.add(_argument_line(one))
            waiting += [(joint, premise, depth + 1) for premise in reversed(one.premises)]
        elif one.claim in in_full:
            parent.add(figures.repeat_line(one))
        else:
            shown = _shown_arguments(graph, one.claim, chosen, depth)
            seen.add(one.claim)
            if depth < MAX_DEPTH or not graph.arguments_for(one.claim):
                in_full.add(one.claim)  # cut for its depth here, it may still find room further up the tree
            node = parent.add(figures.claim_line(one, len(shown)))
            waiting += [(node, argument, depth) for argument in reversed(shown)]
    if left_out := len(claims_below(graph, root)) - len(seen):
        top.add(Text(f"… {left_out:,} more claim{'s are' if left_out > 1 else ' is'} not shown", style="dim"))
    return top


def _choose_arguments(graph: ArgumentGraph, root: str) -> set[str]:
    """Returns ids of the arguments for which there are lines enough, the nearest to the root first."""
    chosen: set[str] = set()
    num_lines = 1
    for claim in claims_below(graph, root):
        for argument in sorted_arguments(graph, claim):
            if num_lines + 1 + len(argument.premises) <= MAX_LINES:
                num_lines += 1 + len(argument.premises)
                chosen.add(argument.id)
    return chosen


def _shown_arguments(graph: ArgumentGraph, claim: str, chosen: set[str], depth: int) -> list[Argument]:
    return [one for one in sorted_arguments(graph, claim) if one.id in chosen and depth < MAX_DEPTH]


def _argument_line(argument: Argument) -> Text:
    style, word = ("green", "for") if argument.polarity == "support" else ("red", "against")
    line = Text(word, style=f"bold {style}")
    line.append(f"  strength {argument.strength:.2f}", style=f"not bold {style}")
    return line if argument.premises else line.append("  (always holds)", style="not bold dim")


@dataclass(frozen=True)
class _Figures:
    """What is said of each claim."""

    graph: ArgumentGraph
    result: Propagation
    labels: Mapping[str, float]
    valuable: Mapping[str, float] = field(default_factory=dict)  # claim id -> value of information, where it is marked

    def claim_line(self, premise: Premise, num_shown: int) -> Text:
        """Returns probability, text, label, value and how many arguments for the claim are not shown."""
        line = self._start(premise)
        label = self.labels.get(premise.claim)
        if label is not None and is_settled(label):
            mark, style = ("✓", "green") if label > 0.5 else ("✗", "red")
            line.append(f"  {mark} label {label:.2f}", style=f"bold {style}")
        if premise.claim in self.valuable:
            line.append(f"  ? {self.valuable[premise.claim]:.3g}", style="bold yellow")
        if hidden := len(self.graph.arguments_for(premise.claim)) - num_shown:
            line.append(f"  … {hidden} argument{'s' if hidden > 1 else ''} not shown", style="dim")
        return line

    def repeat_line(self, premise: Premise) -> Text:
        """Returns the line of a claim that has been shown in full."""
        return self._start(premise).append("  (see above)", style="dim")

    def _start(self, premise: Premise) -> Text:
        row = self.graph.index[premise.claim]
        line = Text(f"{self.result.prob[row]:.2f}  ", style="")
        line.stylize("cyan")
        if not premise.holds:
            line.append("not  ", style="bold magenta")
        return line.append(shorten(self.graph.claims[row].text, MAX_CHARS), style="")
