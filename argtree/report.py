"""What `argtree rank` says, for a terminal and for a program. Not here: the words themselves (`words`), files."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from rich.console import RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from argtree.explain import Explanation, Path, RootEffect
from argtree.propagate import Propagation
from argtree.quantity_value import QuantityValue, quantity_values
from argtree.rank import Ranked, open_rows, rank_confidence
from argtree.text import printable
from argtree.value import Measure
from argtree.words import how_computed, how_sure, why, with_error

_MAX_ROOTS = 20  # listed above the table
_MAX_SURE = 5  # claims at the head of the list of which it is said how surely they belong there


@dataclass(frozen=True)
class Report:
    """One propagation and what there is to say of it."""

    result: Propagation
    before: Propagation  # `result` itself unless something is supposed
    given: Mapping[str, float]  # claim id -> the probability supposed; may be empty
    measure: Measure
    seconds: float  # what propagating took

    def heading(self) -> list[Text]:
        """Returns the lines above the list: the roots, what is supposed, and how the figures were got."""
        roots = [root.claim for root in self.result.graph.roots]
        lines = [Text(f"{self._name(root)}  P = {self._change(root)}", style="bold") for root in roots[:_MAX_ROOTS]]
        if more := len(roots) - _MAX_ROOTS:
            lines += [Text(f"… and {more:,} more roots", style="bold")] if more > 0 else []
        lines += [Text(f"given {self._name(claim)}  P = {self._change(claim)}") for claim in self.given]
        return [*lines, Text(self._how(), style="dim")]

    def numbers(self) -> list[QuantityValue]:
        """Returns the quantities that would be worth learning, most valuable first."""
        found = quantity_values(self.result.graph, self.measure, np.random.default_rng(0))
        return sorted((one for one in found if one.value > 0), key=lambda one: -one.value)

    def list_of(self, ranked: Sequence[Ranked], numbers: Sequence[QuantityValue]) -> list[RenderableType]:
        """Returns claims and numbers with their values, and how sure the order is where it is not exact."""
        if not ranked and not numbers:
            return ["There is nothing worth asking a person."]
        found: list[RenderableType] = []
        if ranked:
            found.append(value_table(ranked, self.measure, [self._prob_error(one.claim) for one in ranked]))
        if sure := self._confidence(ranked):
            found.append(Text(how_sure(*sure, is_whole_list=len(self._open(ranked)) == len(ranked)), style="dim"))
        if numbers:
            texts = {one.id: f"{one.text} ({one.unit})" for one in self.result.graph.quantities}
            table = Table("number", self.measure, box=None, pad_edge=False)
            table.columns[1].justify = "right"
            for one in numbers:
                table.add_row(Text(printable(texts[one.quantity])), with_error(one.value, one.standard_error, ".3g"))
            found.append(table)
        return found

    def _confidence(self, ranked: Sequence[Ranked]) -> tuple[int, float] | None:
        """Returns k and P(the k worth asking about that are listed first are the k best); None where exact."""
        k = min(len(self._open(ranked)), _MAX_SURE)
        if self.result.exact or not k:
            return None
        return k, rank_confidence(self.result, k, self.measure).together

    def _open(self, ranked: Sequence[Ranked]) -> list[Ranked]:
        """Returns those that could be asked."""
        asked = {self.result.graph.claims[row].id for row in open_rows(self.result).tolist()}
        return [one for one in ranked if one.claim in asked]

    def reasons(self, explanation: Explanation) -> list[Text | Padding]:
        """Returns why a claim matters: its text, sentences, and the paths as indented lines."""
        lines: list[Text | Padding] = [Text(""), Text(self._name(explanation.claim), style="bold")]
        for sentence, points in why(self.result.graph, explanation):
            lines.append(Text(sentence))
            lines += [Padding(_hanging(point), (0, 0, 0, 2)) for point in points]
        return lines

    def to_json(self) -> dict[str, object]:
        """Returns what holds of the whole as plain values."""
        return {
            "roots": [self._root_to_json(root.claim) for root in self.result.graph.roots],
            "exact": self.result.exact,
            "layers": list(self.result.layers),
            "seconds": self.seconds,
            "measure": self.measure,
            "given": [{"claim": claim, "prob": prob} for claim, prob in self.given.items()],
        }

    def list_to_json(self, ranked: Sequence[Ranked], numbers: Sequence[QuantityValue]) -> dict[str, object]:
        """Returns the list as plain values; null for an error without bound."""
        claims = [_finite(vars(one) | {"prob_error": self._prob_error(one.claim)}) for one in ranked]
        sure = self._confidence(ranked)
        confidence = {"first": sure[0], "prob": sure[1]} if sure else None
        return {"claims": claims, "quantities": [vars(one) for one in numbers], "confidence": confidence}

    def explanation_to_json(self, explanation: Explanation) -> dict[str, object]:
        """Returns why a claim matters as plain values, null for what is impossible or has no bound, and in words."""
        words = [[sentence, *points] for sentence, points in why(self.result.graph, explanation)]
        return {"explanation": _explanation_to_json(explanation) | {"words": words}}

    def _root_to_json(self, root: str) -> dict[str, object]:
        found: dict[str, object] = {
            "claim": root,
            "prob": _prob(self.result, root),
            "prob_error": self._prob_error(root),
        }
        return _finite(found | {"prob_before": _prob(self.before, root)} if self.given else found)

    def _name(self, claim: str) -> str:
        return printable(self.result.graph.claims[self.result.graph.index[claim]].text) or printable(claim)

    def _change(self, claim: str) -> str:
        now = with_error(_prob(self.result, claim), self._prob_error(claim), ".4f")
        if not self.given:
            return now
        error = float(self.before.prob_error[self.before.graph.index[claim]])
        return f"{with_error(_prob(self.before, claim), error, '.4f')} → {now}"

    def _prob_error(self, claim: str) -> float:
        return float(self.result.prob_error[self.result.graph.index[claim]])

    def _how(self) -> str:
        graph = self.result.graph
        errors = [self._prob_error(root.claim) for root in graph.roots] or self.result.prob_error.tolist()
        return how_computed(
            self.result.layers, self.result.exact, self.seconds, max(errors, default=0.0), len(graph.roots)
        )


def value_table(ranked: Sequence[Ranked], measure: Measure, prob_errors: Sequence[float] = ()) -> Table:
    """Returns a table of claims, their probabilities and values.

    Args:
        ranked: the claims, in the order to list them.
        measure: what the values are.
        prob_errors: the standard error of each claim's probability; none given: 0.
    """
    table = Table("claim", "P", measure, box=None, pad_edge=False, title_justify="left")
    for column in table.columns[1:]:
        column.justify, column.no_wrap = "right", True
    for one, error in zip(ranked, prob_errors or [0.0] * len(ranked), strict=True):
        prob = "number" if math.isnan(one.prob) else with_error(one.prob, error, ".3f")
        value = with_error(one.value, one.standard_error, ".3g")
        table.add_row(Text(printable(one.text) or printable(one.claim)), prob, value)
    return table


def _finite(figures: dict[str, object]) -> dict[str, object]:
    """Returns the figures with null for what JSON lacks."""
    return {k: None if isinstance(v, float) and not math.isfinite(v) else v for k, v in figures.items()}


def _prob(result: Propagation, claim: str) -> float:
    return float(result.prob[result.graph.index[claim]])


def _hanging(point: str) -> Table:
    """Returns a point of a list, its figure at the left of its words."""
    figure, _, words = point.partition("  ")
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(min_width=7, justify="right")
    grid.add_column()
    grid.add_row(Text(figure), Text(words))
    return grid


def _explanation_to_json(explanation: Explanation) -> dict[str, object]:
    return _finite(vars(explanation)) | {"roots": [_effect_to_json(effect) for effect in explanation.roots]}


def _effect_to_json(effect: RootEffect) -> dict[str, object]:
    paths = [_path_to_json(path) for path in effect.paths]
    return _finite(vars(effect)) | {"via": list(effect.via), "paths": paths}


def _path_to_json(path: Path) -> dict[str, object]:
    steps = [
        {
            "premise": step.premise.claim,
            "holds": step.premise.holds,
            "argument": step.argument.id,
            "polarity": step.argument.polarity,
            "strength": step.argument.strength,
            "conclusion": step.argument.conclusion,
        }
        for step in path.steps
    ]
    return {"effect": path.effect, "steps": steps}
