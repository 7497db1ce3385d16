"""The everyday world: things, their facts, and the rules by which reasons bear on questions.

All of it lies in `data/` as plain files that a person can correct. Truth is worked out from the bottom: a derived
property or a question is true where its own argument table, given the truth of every premise, makes it more likely
than not. Nothing here knows a language model; what one is told of this world is in `corpus.py`.
"""

import csv
import difflib
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Any

from models.errors import UnknownWorldError
from models.prompts import Polarity

Fact = tuple[str, str]  # (thing, key of a base property or a quantity)
PREMISE = re.compile(r"(?P<holds>not )?(?P<a>[ab]) (?P<key>\w+)(>(?:(?P<bound>[\d.]+)|(?P<b>[ab])))?")


@dataclass(frozen=True)
class Statement:
    """A claim of the world: a property, a threshold (with its `bound`), a comparison or a question."""

    key: str
    things: tuple[str, ...]
    bound: float | None = None


@dataclass(frozen=True)
class Thing:
    name: str
    properties: frozenset[str]  # the base properties that are true of it
    quantities: Mapping[str, float]  # in the units of quantities.csv


@dataclass(frozen=True)
class Quantity:
    key: str
    name: str
    unit: str
    above: str  # template over {a}, {x}
    question: str
    more: str  # template over {a}, {b}


@dataclass(frozen=True)
class RulePremise:
    key: str
    slots: tuple[str, ...]  # of "a" and "b"
    bound: float | None
    holds: bool


@dataclass(frozen=True)
class RuleArgument:
    polarity: Polarity
    strength: float
    premises: tuple[RulePremise, ...]


@dataclass(frozen=True)
class Rule:
    """How the arguments for and against one kind of claim run; without arguments it is a base property."""

    key: str
    claim: str  # template
    questions: tuple[str, ...]  # templates
    prior: float = 0.0
    arguments: tuple[RuleArgument, ...] = ()

    @property
    def arity(self) -> int:
        return 2 if "{b}" in self.claim else 1


@dataclass(frozen=True)
class World:
    things: Mapping[str, Thing]
    quantities: Mapping[str, Quantity]
    base: Mapping[str, Rule]
    derived: Mapping[str, Rule]
    families: Mapping[str, Rule]
    _truths: dict[Statement, bool] = field(default_factory=dict, compare=False, repr=False)

    @cached_property
    def rules(self) -> dict[str, Rule]:
        return {**self.base, **self.derived, **self.families}

    @cached_property
    def bounds(self) -> list[tuple[str, float]]:
        """Every threshold that some rule asks about: (quantity, bound), sorted."""
        premises = (p for rule in self.rules.values() for argument in rule.arguments for p in argument.premises)
        return sorted({(p.key, p.bound) for p in premises if p.bound is not None})

    def facts(self, thing: str) -> list[Fact]:
        """All base facts of a thing: its properties and its quantities."""
        return [(thing, key) for key in (*self.base, *self.quantities)]

    def text(self, statement: Statement) -> str:
        """The claim as a sentence."""
        sentence = self._fill(self._template(statement), statement)
        return sentence[0].upper() + sentence[1:] + "."

    def questions(self, statement: Statement) -> list[str]:
        """The phrasings of a claim as a question; none for a comparison, which nobody asks by itself."""
        if statement.key in self.quantities:
            templates = [self.quantities[statement.key].question] if statement.bound is not None else []
        else:
            templates = list(self.rules[statement.key].questions)
        return [self._fill(template, statement) for template in templates]

    def arguments(self, statement: Statement) -> list[tuple[RuleArgument, list[tuple[Statement, bool]]]]:
        """The world's own reasons for and against a claim, with their premises as statements; [] for a plain fact."""
        if statement.key in self.quantities:
            return []
        names = dict(zip("ab", statement.things, strict=False))
        return [
            (a, [(Statement(p.key, tuple(names[s] for s in p.slots), p.bound), p.holds) for p in a.premises])
            for a in self.rules[statement.key].arguments
        ]

    def prior(self, statement: Statement) -> float:
        """How likely a derived claim or question is when none of its arguments applies."""
        return self.rules[statement.key].prior

    def truth(self, statement: Statement) -> bool:
        """Whether the claim is true of this world."""
        if statement not in self._truths:
            self._truths[statement] = self._work_out(statement)
        return self._truths[statement]

    def depends_on(self, statement: Statement) -> frozenset[Fact]:
        """Every base fact that the claim's truth could depend on by the rules, whatever the facts are."""
        if statement.key in self.rules:
            names = dict(zip("ab", statement.things, strict=False))
            return frozenset((names[slot], key) for slot, key in self._dependencies[statement.key])
        return frozenset((thing, statement.key) for thing in statement.things)

    def single_thing_statements(self, thing: str) -> list[Statement]:
        """All that can be said of a thing alone: base properties, thresholds, derived properties, questions."""
        keys = (*self.base, *self.derived, *(k for k, rule in self.families.items() if rule.arity == 1))
        thresholds = [Statement(key, (thing,), bound) for key, bound in self.bounds]
        return [Statement(key, (thing,)) for key in keys] + thresholds

    def parse(self, text: str) -> Statement | None:
        """The statement that a claim's text words, or None where it is no claim of this world."""
        return self._match(text, self._claim_patterns)

    def parse_question(self, question: str) -> Statement | None:
        """The statement that a question asks about, or None where it is no question of this world."""
        return self._match(question, self._question_patterns)

    def nearest_questions(self, question: str, n: int = 3) -> list[str]:
        """Questions of this world that look most like `question`, about the things that it names if any."""
        words = set(re.findall(r"[a-z-]+", question.lower()))
        named = [t for t in self.things if words & {w for w in t.split() if len(w) > 2}] or ["a brick"]
        pair = (*named, *(other for other in ("a pebble", "honey") if other not in named))[:2]
        every = [q for rule in self.families.values() for q in self.questions(Statement(rule.key, pair[: rule.arity]))]
        return difflib.get_close_matches(question, every, n=n, cutoff=0.0)

    def _template(self, statement: Statement) -> str:
        quantity = self.quantities.get(statement.key)
        if quantity is None:
            return self.rules[statement.key].claim
        return quantity.more if statement.bound is None else quantity.above

    def _fill(self, template: str, statement: Statement) -> str:
        bound = "" if statement.bound is None else f"{statement.bound:g}"
        return template.format(a=statement.things[0], b=statement.things[-1], x=bound)

    def _work_out(self, statement: Statement) -> bool:
        things = [self.things[name] for name in statement.things]
        if statement.key in self.quantities:
            value = things[0].quantities[statement.key]
            return value > (things[1].quantities[statement.key] if statement.bound is None else statement.bound)
        if statement.key in self.base:
            return statement.key in things[0].properties
        return self._probability(statement) > 0.5

    def _probability(self, statement: Statement) -> float:
        """P(claim | all its premises' truths): docs/design.md, "Conditional probability"."""
        no_support, no_attack = 1.0 - self.prior(statement), 1.0
        for argument, premises in self.arguments(statement):
            if all(self.truth(premise) == holds for premise, holds in premises):
                if argument.polarity == "support":
                    no_support *= 1 - argument.strength
                else:
                    no_attack *= 1 - argument.strength
        return (1 - no_support) * no_attack

    @cached_property
    def _dependencies(self) -> dict[str, frozenset[tuple[str, str]]]:
        """For every rule, the base facts that it rests on in the end, as (slot, key)."""
        return {key: self._rests_on(rule) for key, rule in self.rules.items()}

    def _rests_on(self, rule: Rule) -> frozenset[tuple[str, str]]:
        if not rule.arguments:
            return frozenset({("a", rule.key)})
        found: set[tuple[str, str]] = set()
        for premise in (p for argument in rule.arguments for p in argument.premises):
            if premise.key in self.quantities:
                found.update((slot, premise.key) for slot in premise.slots)
            else:  # a property of one thing
                found.update((premise.slots[0], key) for _, key in self._rests_on(self.rules[premise.key]))
        return frozenset(found)

    @cached_property
    def _claim_patterns(self) -> list[tuple[re.Pattern[str], str]]:
        quantities = [(q.above, q.key) for q in self.quantities.values()]
        comparisons = [(q.more, q.key) for q in self.quantities.values()]
        rules = [(rule.claim, rule.key) for rule in self.rules.values()]
        return _patterns([*quantities, *rules, *comparisons])

    @cached_property
    def _question_patterns(self) -> list[tuple[re.Pattern[str], str]]:
        quantities = [(q.question, q.key) for q in self.quantities.values()]
        return _patterns(quantities + [(q, rule.key) for rule in self.rules.values() for q in rule.questions])

    def _match(self, text: str, patterns: Iterable[tuple[re.Pattern[str], str]]) -> Statement | None:
        plain = " ".join(text.lower().split()).rstrip(".?! ")
        for pattern, key in patterns:
            if match := pattern.fullmatch(plain):
                parts = match.groupdict()
                things = tuple(parts[slot] for slot in "ab" if parts.get(slot) is not None)
                bound = float(parts["x"]) if parts.get("x") else None
                is_known = all(thing in self.things for thing in things) and len(set(things)) == len(things)
                if is_known and (bound is None or (key, bound) in self.bounds):
                    return Statement(key, things, bound)
        return None


@cache
def load_world() -> World:
    """The bundled world, read from `data/`."""
    data = resources.files("models.everyday") / "data"
    quantities = {row["key"]: Quantity(**row) for row in _rows(data / "quantities.csv")}
    base = {r["key"]: Rule(r["key"], r["claim"], (r["question"],)) for r in _rows(data / "properties.csv")}
    tables = tomllib.loads((data / "rules.toml").read_text(encoding="utf-8"))
    things = {
        row["name"]: Thing(row["name"], frozenset(row["is"].split()), {key: float(row[key]) for key in quantities})
        for row in _rows(data / "things.csv")
    }
    derived = {key: _rule(key, table) for key, table in tables["derived"].items()}
    return World(things, quantities, base, derived, {key: _rule(key, table) for key, table in tables["family"].items()})


def check_question(question: str) -> None:
    """Pass over a question that the bundled model's world holds.

    Raises:
        UnknownWorldError: the world does not hold it; the sentence names questions that it does hold.
    """
    world = load_world()
    if world.parse_question(question) is None:
        examples = " ".join(f"'{q}'" for q in world.nearest_questions(question[:200]))
        raise UnknownWorldError(
            f"The bundled model knows only its small world of {len(world.things)} everyday things, and "
            f"{question[:80]!r} is not a question of it. Use another model with --model (`argtree models` lists some), "
            f"or ask one like: {examples}"
        )


def _rows(file: Traversable) -> Iterator[dict[str, str]]:
    return csv.DictReader(file.read_text(encoding="utf-8").splitlines())


def _rule(key: str, table: Mapping[str, Any]) -> Rule:
    questions = tuple(table.get("questions") or [table["question"]])
    return Rule(key, table["claim"], questions, table["prior"], tuple(_argument(line) for line in table["arguments"]))


def _argument(line: str) -> RuleArgument:
    head, _, tail = line.partition(":")
    polarity, strength = head.split()
    assert polarity in ("support", "attack"), line
    premises = tuple(_premise(part.strip()) for part in tail.split(","))
    return RuleArgument("support" if polarity == "support" else "attack", float(strength), premises)


def _premise(text: str) -> RulePremise:
    match = PREMISE.fullmatch(text)
    assert match is not None, text
    slots = (match["a"],) if match["b"] is None else (match["a"], match["b"])
    bound = None if match["bound"] is None else float(match["bound"])
    return RulePremise(match["key"], slots, bound, match["holds"] is None)


def _patterns(templates: Iterable[tuple[str, str]]) -> list[tuple[re.Pattern[str], str]]:
    return [(_pattern(template), key) for template, key in templates]


def _pattern(template: str) -> re.Pattern[str]:
    """A template as a regular expression with groups a, b and x; a slot that comes again must read the same."""
    text = re.escape(" ".join(template.lower().split()).rstrip(".?! "))
    for slot, form in (("a", ".+"), ("b", ".+"), ("x", r"[0-9]+(?:\.[0-9]+)?")):
        marker = re.escape("{" + slot + "}")
        text = text.replace(marker, f"(?P<{slot}>{form})", 1).replace(marker, f"(?P={slot})")
    return re.compile(text)
