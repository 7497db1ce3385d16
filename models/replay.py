"""What a model knew before, mixed into what it is taught, so that it doesn't forget it.

Rehearsal on old examples against forgetting: Robins 1995, "Catastrophic forgetting, rehearsal and pseudorehearsal".
Models of the bundled world rehearse the text that they were told, drawn anew for every run; others what a file holds.
A prompt that the new examples teach is never rehearsed: the old answer to it is what they are to change.
"""

from collections.abc import Iterator, Sequence
from itertools import chain, count
from pathlib import Path

import numpy as np

from models.everyday.corpus import examples as told_text
from models.everyday.guesses import guess_untold
from models.everyday.withheld import read_withheld
from models.everyday.world import load_world
from models.examples import Example


def with_replay(new: Sequence[Example], old: Iterator[Example], share: float) -> list[Example]:
    """The new examples, then so many old ones that they are `share` of all, or as many as there are.

    Raises:
        ValueError: `share` isn't in [0, 1).
    """
    if not 0 <= share < 1:
        raise ValueError(f"The share of replay is {share}: at least 0 and below 1, please.")
    taught = {example.prompt for example in new}
    wanted = round(len(new) * share / (1 - share))
    kept = (example for example in old if example.prompt not in taught)
    return [*new, *(example for _, example in zip(range(wanted), kept, strict=False))]


def told_examples(folder: Path, seed: Sequence[int]) -> Iterator[Example]:
    """The told text of the model in `folder` in random order, pass after pass without end.

    Args:
        folder: Holds `withheld.json`.
        seed: Of the draw.
    """
    world, withheld = load_world(), read_withheld(folder)
    guesses = guess_untold(world, withheld)

    def one_pass(number: int) -> list[Example]:
        rng = np.random.default_rng([*seed, number])
        return shuffled(list(told_text(world, withheld, guesses, rng)), rng)

    return chain.from_iterable(one_pass(number) for number in count())


def shuffled(examples: Sequence[Example], rng: np.random.Generator) -> list[Example]:
    """The examples in random order."""
    return [examples[i] for i in rng.permutation(len(examples))]
