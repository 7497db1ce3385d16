"""What the bundled model is not told: drawn once by a seed and kept as a file.

Of a third of the things a random half of the base facts is withheld; some of those things are set *apart*: no
benchmark question but those of the part of that name mentions them.
"""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from models.everyday.world import Fact, Statement, World

FILE = "withheld.json"  # beside the weights; a model's descendants keep the list
WEIGHTS = Path(__file__).parent / "weights"  # the bundled model, with the list of what it was not told
THINGS_SHARE = 1 / 3
FACTS_SHARE = 1 / 2
NUM_APART = 24


@dataclass(frozen=True)
class Withheld:
    """The facts that no training text may hold or give away, and the things set apart."""

    seed: int
    facts: frozenset[Fact]
    apart: frozenset[str]

    def is_told(self, world: World, statement: Statement) -> bool:
        """Whether the truth of `statement` may be told: nothing that it could depend on is withheld."""
        return self.facts.isdisjoint(world.depends_on(statement))

    @property
    def things(self) -> list[str]:
        """The things of which something is withheld, in alphabetical order."""
        return sorted({thing for thing, _ in self.facts})


def draw_withheld(world: World, seed: int) -> Withheld:
    """A new choice of withheld facts: of names and keys alone, whatever the facts are."""
    rng = np.random.default_rng([seed, 1])
    names = sorted(world.things)
    chosen = [names[i] for i in rng.permutation(len(names))[: round(THINGS_SHARE * len(names))]]
    facts = []
    for name in chosen:
        of_thing = world.facts(name)
        kept_back = rng.permutation(len(of_thing))[: round(FACTS_SHARE * len(of_thing))]
        facts += [of_thing[i] for i in kept_back]
    return Withheld(seed, frozenset(facts), frozenset(chosen[:NUM_APART]))


def write_withheld(withheld: Withheld, path: Path) -> None:
    """Write the list as JSON, sorted, so that the same choice is the same file."""
    content = {"seed": withheld.seed, "apart": sorted(withheld.apart), "facts": sorted(withheld.facts)}
    path.write_text(json.dumps(content, indent=0) + "\n", encoding="utf-8")


def read_withheld(folder: Path = WEIGHTS) -> Withheld:
    """The choice under which the model in `folder` was trained, by default the bundled one."""
    content = json.loads((folder / FILE).read_text(encoding="utf-8"))
    facts = frozenset((thing, key) for thing, key in content["facts"])
    return Withheld(content["seed"], facts, frozenset(content["apart"]))
