"""Of the passages that are found for a claim, how many are of use? By words, by likeness, and by both.

The plain facts of the everyday world as documents: a file for each of four in five things, its name the heading, each
fact a passage of its own that doesn't name the thing ("It bends easily."; what fails is left out, numbers stand as
numbers). Claims about one thing are looked for: a plain claim is answered by the passage of its fact; to an argued one
each passage is of use of a fact that its truth rests on. Of things without a document nothing should be found.

    python -m benchmarks.facts --out benchmarks/results/facts.json
"""

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import numpy as np
import typer

from argtree.documents import Documents, PlacedPassage
from models.embedding import HASHED, MINILM, load_embedding
from models.everyday.world import Statement, World, load_world

NUM_CLAIMS = 400  # of each sort
SHOWN = 3
UNWRITTEN = 5  # every fifth thing has no document


@dataclass(frozen=True)
class Found:
    """How one way to find passages does."""

    embedding: str
    by: str
    answered: float  # plain claims whose fact is among the passages found
    of_use: float  # share of the passages found for argued claims that are of use
    per_claim: float  # passages found for an argued claim
    of_unwritten: float  # share of claims about things without document for which something is found
    milliseconds: float  # of processor time, for a claim


def written(world: World, thing: str) -> dict[str, str]:
    """Returns the sentence of each plain fact of a thing that a document states, by the fact's key."""
    it = world.things[thing]
    found = {key: f"It {_rest(rule.claim)}." for key, rule in world.base.items() if key in it.properties}
    return found | {
        key: f"Its {one.name} is {it.quantities[key]:g} {one.unit}." for key, one in world.quantities.items()
    }


def _rest(template: str) -> str:
    return template.removeprefix("{a} ")


def document(world: World, thing: str) -> str:
    """Returns a thing's document, in Markdown."""
    return "\n\n".join([f"# {thing.capitalize()}", *written(world, thing).values()])


def claims_of(world: World, things: Sequence[str], argued: bool, rng: np.random.Generator) -> list[Statement]:
    """Returns claims about one of these things; of the plain ones, those whose fact is written down."""
    every = [one for thing in things for one in world.single_thing_statements(thing)]
    if argued:
        fit = [one for one in every if world.arguments(one)]
    else:
        fit = [one for one in every if not world.arguments(one) and one.key in written(world, one.things[0])]
    return [fit[number] for number in rng.permutation(len(fit))[:NUM_CLAIMS]]


def measured(
    world: World, documents: Documents, by: str, find: Callable[[list[str]], list[list[PlacedPassage]]]
) -> Found:
    """Looks for the same claims whatever the way."""
    rng = np.random.default_rng(0)
    things = list(world.things)
    there = [thing for number, thing in enumerate(things) if number % UNWRITTEN]
    plain, argued = (claims_of(world, there, is_argued, rng) for is_argued in (False, True))
    unwritten = claims_of(world, things[::UNWRITTEN], True, rng)
    began = time.process_time()
    answers, uses, others = (find([world.text(one) for one in some]) for some in (plain, argued, unwritten))
    took = time.process_time() - began
    hits = [
        written(world, one.things[0])[one.key] in _texts_about(one.things[0], passages)
        for one, passages in zip(plain, answers, strict=True)
    ]
    used = [_used(world, one, passages) for one, passages in zip(argued, uses, strict=True)]
    num_found = sum(map(len, uses))
    return Found(
        embedding=documents.embedding.name,
        by=by,
        answered=float(np.mean(hits)),
        of_use=sum(used) / max(num_found, 1),
        per_claim=num_found / len(argued),
        of_unwritten=float(np.mean([bool(passages) for passages in others])),
        milliseconds=1000 * took / (len(plain) + len(argued) + len(unwritten)),
    )


def _texts_about(thing: str, passages: Sequence[PlacedPassage]) -> set[str]:
    return {passage.text for passage in passages if passage.heading == thing.capitalize()}


def _used(world: World, claim: Statement, passages: Sequence[PlacedPassage]) -> int:
    said = written(world, claim.things[0])
    wanted = {said[key] for _, key in world.depends_on(claim) if key in said}
    return len(wanted & _texts_about(claim.things[0], passages))


def compare(world: World, spec: str, folder: Path) -> list[Found]:
    """Measures each way with one embedding model."""
    documents = Documents(folder, str(folder.parent / "store.db"), load_embedding(spec))

    def words(texts: list[str]) -> list[list[PlacedPassage]]:
        return [documents.passages(ids[:SHOWN]) for ids in documents.by_words(texts)]

    def likeness(texts: list[str]) -> list[list[PlacedPassage]]:
        return [documents.passages(ids[:SHOWN]) for ids in documents.by_likeness(texts)]

    ways = {"words": words, "likeness": likeness, "both": lambda texts: documents.find(texts, SHOWN)}
    return [measured(world, documents, by, find) for by, find in ways.items()]


def main(
    embedding: Annotated[list[str] | None, typer.Option(help="Embedding models; by default hashed and minilm.")] = None,
    out: Annotated[Path | None, typer.Option(help="Write the figures there as JSON.")] = None,
) -> None:
    """Compare ways to find passages."""
    world = load_world()
    with TemporaryDirectory() as place:
        folder = Path(place) / "documents"
        folder.mkdir()
        for number, thing in enumerate(world.things):
            if number % UNWRITTEN:
                (folder / f"{thing}.md").write_text(document(world, thing), encoding="utf-8")
        found = [one for spec in embedding or [HASHED, MINILM] for one in compare(world, spec, folder)]
    rows = [asdict(one) for one in found]
    print(json.dumps(rows, indent=1))
    if out is not None:
        out.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    typer.run(main)
