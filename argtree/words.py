"""Figures in plain words: how they were got, how sure they are, and why a claim matters.

Returns text only; claims' texts in it are `printable`. Not here: colours, tables, where lines break.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from argtree.explain import MANY_PATHS, Explanation, Path, RootEffect, Step
from argtree.graph import ArgumentGraph, Premise
from argtree.text import shorten
from argtree.value import Measure

_MAX_CHARS = 100  # of a claim's text inside a sentence
_MAX_NAMED = 3  # claims in a list
_MAX_STEPS = 6  # arguments of one path; of a longer one the middle is left out
_SMALLEST_DECIMALS = 6  # an error below 1e-6 is written with an exponent
_ROUNDING = 1e-9  # of a value: an error this small is rounding, not worth its digits

_SOLVERS = {"elimination": "elimination", "diagram": "decision diagrams"}
_WORTH: dict[Measure, str] = {
    "variance_reduction": "it would take {value} off the expected squared error of {roots}",
    "expected_shift": "it would move {roots} by {value} on average",
    "mutual_information": "it would tell {value} nats about {roots}",
}


@dataclass(frozen=True)
class _Names:
    graph: ArgumentGraph

    def of(self, claim: str) -> str:
        """Returns the claim's text for use inside a sentence, or its id if it has none."""
        text = self.graph.claims[self.graph.index[claim]].text
        return shorten(text, _MAX_CHARS).rstrip(".") or shorten(claim, _MAX_CHARS)


def how_computed(layers: Collection[str], exact: bool, seconds: float, root_error: float, num_roots: int) -> str:
    """Returns one line: which layers gave the figures, how long it took, and how far off the roots may be.

    Args:
        layers: of "tree", "elimination", "diagram", "sampling".
        exact: whether the figures are exact up to rounding.
        seconds: what propagating took.
        root_error: the largest standard error of a root's probability.
        num_roots: how many roots there are.
    """
    solvers = [word for layer, word in _SOLVERS.items() if layer in layers]
    by = f"by {_listed(solvers)}" if solvers else ""
    if "tree" in layers:
        by = f"{by} on a tree of modules" if by else "by sweeps over a tree"
    took = "in less than 0.01 s" if seconds < 0.005 else f"in {seconds:.{2 if seconds < 1 else 1}f} s"
    if exact:
        return ", ".join(part for part in ("exact", by, took) if part)
    rest = f" (the rest {by})" if by else ""
    error = f"{root_error:.{_error_digits(root_error)}g}" if math.isfinite(root_error) else "∞"
    whose = {0: "a probability at most", 1: "the root"}.get(num_roots, "any root at most")
    return f"sampled {took}{rest}: standard error of {whose} {error}"


def with_error(value: float, error: float, plain: str) -> str:
    """Returns the value in the format `plain` or, where it has a standard error, as "0.0123 ± 0.0004".

    The error gets one digit, two if the first is a 1; the value as many decimals. One of rounding is left out.
    """
    if not error > _ROUNDING * abs(value):
        return format(value, plain)
    if not math.isfinite(error):
        return f"{value:{plain}} ± ∞"
    exponent = math.floor(math.log10(error))
    digits = _error_digits(error)
    decimals = digits - 1 - exponent
    if decimals <= _SMALLEST_DECIMALS:
        return f"{value:.{max(decimals, 0)}f} ± {error:.{max(decimals, 0)}f}"
    scale = max(exponent, math.floor(math.log10(abs(value))) if value else exponent)
    places = digits - 1 + scale - exponent
    return f"({value / 10.0**scale:.{places}f} ± {error / 10.0**scale:.{places}f})e{scale:03d}"


def how_sure(k: int, prob: float, *, is_whole_list: bool) -> str:
    """Returns how sure the head of a list is.

    Args:
        k: how many are at the head, at least 1.
        prob: P(they are the k best), in [0, 1].
        is_whole_list: False: claims are listed that are not worth asking about; those don't count.
    """
    if is_whole_list:
        which = "The first is the best" if k == 1 else f"The first {k} are the {k} best"
    else:
        which = f"Of the claims worth asking about, the first {'is' if k == 1 else f'{k} are'} the "
        which += "best" if k == 1 else f"{k} best"
    sure = "below 0.01" if prob < 0.005 else "above 0.99" if prob > 0.995 else f"{prob:.2f}"
    return f"{which} with probability {sure}."


def _error_digits(error: float) -> int:
    return 2 if f"{error:e}".startswith("1") else 1


def why(graph: ArgumentGraph, explanation: Explanation) -> list[tuple[str, list[str]]]:
    """Returns why a claim matters, as paragraphs: a sentence and the points of a list under it, if any."""
    names = _Names(graph)
    paragraphs = [(_worth(explanation), list[str]())]
    for effect in explanation.roots if not explanation.is_certain else ():
        paragraphs.append((_difference(effect, names), []))
        paragraphs.append((_link(effect, names), [_path(path, names) for path in effect.paths if path.effect]))
    paragraphs.append((_related(explanation, names), []))
    paragraphs.append((_other_roots(explanation), []))
    return [one for one in paragraphs if one[0]]


def _related(explanation: Explanation, names: _Names) -> str:
    if explanation.is_certain or not explanation.matters or not explanation.related:
        return ""
    them = "it" if len(explanation.related) == 1 else "them"
    return (
        f"It is about the same number as {_named(explanation.related, names)}, so an answer tells about {them} too. "
        "The probabilities count that; the paths of arguments do not."
    )


def _other_roots(explanation: Explanation) -> str:
    if explanation.is_certain or not explanation.matters:
        return ""
    more, same = explanation.num_moved - len(explanation.roots), explanation.num_roots - explanation.num_moved
    said = f"It tells less about {more:,} more root{'s' if more > 1 else ''}" if more else ""
    if same:
        same_roots = f"the other {same:,} roots" if same > 1 else "the other root"
        said += f"{', and makes' if said else 'It makes'} no difference to {same_roots}"
    return f"{said}." if said else ""


def _worth(explanation: Explanation) -> str:
    prob = explanation.prob
    if explanation.is_certain:
        state = "true" if prob > 0.5 else "false"
        return f"It is certain already that this is {state}, so an answer would teach nothing."
    now = f"It is {_percent(prob)} likely now."
    if not explanation.num_roots:
        return f"{now} The graph has no roots, so no answer is worth anything."
    roots = "the root" if explanation.num_roots == 1 else "the roots"
    value = with_error(explanation.value, explanation.value_error, ".3g")
    if not explanation.matters:
        return f"{now} An answer is worth nothing: it would not change {roots}."
    worth = _WORTH[explanation.measure].format(value=value, roots=roots)
    place = ""
    if explanation.place == 1:
        place = f" Of {explanation.num_askable:,} claims worth asking about it comes first."
    elif explanation.place is not None:
        place = f" Of {explanation.num_askable:,} claims worth asking about it is number {explanation.place:,}."
    return f"{now} An answer is worth asking for because {worth}.{place}"


def _difference(effect: RootEffect, names: _Names) -> str:
    if effect.link == "itself":
        return "It is a root itself: an answer would settle it."
    root = f"the root {_quoted(effect.root, names)}"
    if not effect.moves:
        return f"It makes no difference to {root}, which is {_percent(effect.prob)} likely either way."
    if_true, if_false = _percents(effect.if_true, effect.if_false)
    return (
        f"If it holds, {root} is {if_true} likely; if it does not, {if_false}. "
        f"Now the root is {_percent(effect.prob)} likely."
    )


def _link(effect: RootEffect, names: _Names) -> str:
    via = _named(effect.via, names)
    if effect.link == "paths":
        many = f"more than {MANY_PATHS:,}" if effect.num_paths >= MANY_PATHS else f"{effect.num_paths:,}"
        carrying = [path for path in effect.paths if path.effect]
        if not carrying:
            number = "One path" if effect.num_paths == 1 else f"{many} paths"
            return f"{number} of arguments would lead from it to the root, but nothing comes through as things stand."
        if effect.num_paths == 1:
            return "It bears on the root through one path of arguments (with about how far it moves the root):"
        most = "the one that carries most" if len(carrying) == 1 else f"the {len(carrying)} that carry most"
        shown = "" if effect.num_paths == len(carrying) else f"; {most}"
        return f"It bears on the root through {many} paths of arguments{shown} (about how far each moves the root):"
    return {
        "blocked": f"Every path of arguments from it to the root runs through a claim that is certain: {via}.",
        "rests on root": "It rests on the root itself, so it is a sign of it.",
        "common premise": f"No argument leads from it to the root, but both rest on {via}.",
        "evidence": f"No argument leads from it to the root, but both bear on what is known: {via}.",
        "indirect": "No argument leads from it to the root; they hang together through other claims and evidence.",
    }.get(effect.link, "")


def _path(path: Path, names: _Names) -> str:
    """Returns one path as a sentence that begins with about how much it moves the root."""
    steps = list(_shown_steps(path.steps))
    parts = [f"… {step:,} more arguments …" if isinstance(step, int) else _step(step, names) for step in steps]
    first, *rest = parts
    subject = "its failing" if _is_bare_failing(path.steps[0]) else "it"
    words = "; ".join([f"{subject} {first}", *(_then(part, step) for part, step in zip(rest, steps[1:], strict=True))])
    effect = f"{path.effect:+.2f}" if abs(path.effect) >= 0.005 else f"{path.effect:+.1g}"
    return f"{effect}  {words[0].upper()}{words[1:]}."


def _then(part: str, step: Step | int) -> str:
    if isinstance(step, int):
        return part
    return f"{'whose failing' if _is_bare_failing(step) else 'that'} {part}"


def _shown_steps(steps: Sequence[Step]) -> Iterator[Step | int]:
    if len(steps) <= _MAX_STEPS:
        yield from steps
        return
    yield from steps[: _MAX_STEPS // 2]
    yield len(steps) - _MAX_STEPS + 1
    yield from steps[-(_MAX_STEPS // 2 - 1) :]


def _is_bare_failing(step: Step) -> bool:
    return not step.premise.holds and len(step.argument.premises) == 1


def _step(step: Step, names: _Names) -> str:
    """Returns what the premise does in one argument; a premise taken as failing among others is an undercut."""
    argument = step.argument
    others = [one for one in dict.fromkeys(argument.premises) if one != step.premise]
    conclusion = _quoted(argument.conclusion, names)
    strength = f"(strength {argument.strength:.2f})"
    if step.premise.holds or not others:
        verb = "supports" if argument.polarity == "support" else "attacks"
        together = f" together with {_premises(others, names)}" if others else ""
        return f"{verb} {conclusion} {strength}{together}"
    side = "for" if argument.polarity == "support" else "against"
    return f"undercuts the argument {side} {conclusion} {strength} from {_premises(others, names)}"


def _premises(premises: Sequence[Premise], names: _Names) -> str:
    shown = [("" if one.holds else "not ") + _quoted(one.claim, names) for one in premises[:_MAX_NAMED]]
    more = len(premises) - len(shown)
    return _listed([*shown, f"{more} more"] if more else shown)


def _named(claims: Sequence[str], names: _Names) -> str:
    more = len(claims) - _MAX_NAMED
    shown = [_quoted(one, names) for one in claims[:_MAX_NAMED]]
    return _listed([*shown, f"{more:,} more"] if more > 0 else shown)


def _listed(words: Sequence[str]) -> str:
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def _quoted(claim: str, names: _Names) -> str:
    return f"“{names.of(claim)}”"


def _percent(prob: float) -> str:
    """Returns a probability in per cent, never 0 % or 100 % unless it is."""
    return _percents(prob)[0]


def _percents(*probs: float) -> list[str]:
    """Returns probabilities in per cent with enough digits to tell them from one another and from 0 and 1."""
    for decimals in range(13):
        shown = [f"{100 * prob:.{decimals}f} %" for prob in probs]
        whole = [prob in (0, 1) or 0 < round(100 * prob, decimals) < 100 for prob in probs]
        if all(whole) and len(set(shown)) == len(set(probs)):
            return shown
    return [f"{100 * prob:.6g} %" for prob in probs]
