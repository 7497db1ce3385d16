"""A simulated rater who answers from the bundled world's truth, with stated error rates. Never a person.

The same question always gets the same answer, right or wrong: whether it is a wrong one is drawn from the seed and the
claim alone, as a person who is mistaken about something is mistaken each time. Not here: the queue (`argtree.loop`).
"""

import hashlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Literal

import numpy as np

from models.everyday.world import Statement, World, load_world

SimulatedAnswer = Literal["yes", "no", "cannot_say"]
RATER = "simulated"  # the name that its answers stand under


@dataclass(frozen=True)
class Tally:
    """What an oracle was asked, and what it said."""

    asked: int
    yes: int
    no: int
    cannot_say: int  # not of its world
    wrong: int  # of the yes and no, against the world's truth

    def to_json(self) -> dict[str, int]:
        """Returns the counts by name."""
        return asdict(self)


@dataclass
class SimulatedOracle:
    """Answers claims of the everyday world, and counts what it was asked.

    Attributes:
        sensitivity: P(says yes | claim true), in [0, 1].
        specificity: P(says no | claim false), in [0, 1].
        seed: of its errors.
    """

    sensitivity: float = 1.0
    specificity: float = 1.0
    seed: int = 0
    world: World = field(default_factory=load_world, repr=False)
    asked: Counter[SimulatedAnswer] = field(default_factory=Counter, init=False)

    def __post_init__(self) -> None:
        for name in ("sensitivity", "specificity"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} is {getattr(self, name)}; it must lie in [0, 1]")

    def answer(self, claim: str) -> SimulatedAnswer:
        """Returns what the oracle says of a claim, by its text; "cannot_say" where its world doesn't hold it."""
        said = self.says(claim)
        self.asked[said] += 1
        return said

    def says(self, claim: str) -> SimulatedAnswer:
        """Returns what `answer` does, without counting it."""
        statement = self.world.parse(claim)
        if statement is None:
            return "cannot_say"
        truth = self.world.truth(statement)
        return "yes" if truth != self._errs(statement, truth) else "no"

    def truth(self, claim: str) -> bool | None:
        """Returns whether the claim is true of the world; None where the world doesn't hold it."""
        statement = self.world.parse(claim)
        return None if statement is None else self.world.truth(statement)

    def tally(self, answers: Iterable[tuple[str, str]]) -> Tally:
        """Returns the counts of answers that were given, each as (claim's text, kind): also those before a restart."""
        given = list(answers)
        kinds = Counter(kind for _, kind in given)
        wrong = sum(kind != "cannot_say" and (kind == "yes") != self.truth(claim) for claim, kind in given)
        return Tally(len(given), kinds["yes"], kinds["no"], kinds["cannot_say"], wrong)

    def _errs(self, statement: Statement, truth: bool) -> bool:
        digest = hashlib.sha256(self.world.text(statement).encode()).digest()  # of one spelling, whatever the asker's
        rng = np.random.default_rng([self.seed, int.from_bytes(digest[:8], "little")])
        return bool(rng.random() >= (self.sensitivity if truth else self.specificity))
