"""A process of its own that explores a store: `python -m tests.argtree._explore_all STORE SECONDS_OF_A_CALL`."""

import sys
import time
from typing import Any

from argtree.calls import recorded
from argtree.explorer import Explorer, utc_now
from argtree.workers import Expedition
from models.base import Reply
from models.elicitation import Elicitor
from store.claims import root_keys
from store.database import open_store, read_scope
from tests.world_model import WorldModel


class Slow(WorldModel):
    """Takes its time over arguments."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self.seconds = seconds

    def complete(self, *args: Any, **options: Any) -> list[Reply]:
        time.sleep(self.seconds)
        return super().complete(*args, **options)


def main(store: str, seconds: float) -> None:
    """Explore all roots to the end, and print how many expansions it were."""
    engine = open_store(store)
    with read_scope(engine) as session:
        keys = [key for _, key in root_keys(session)]
    explorer = Explorer(engine, recorded(engine, Elicitor(Slow(seconds)), utc_now))
    steps: list[Explorer] = []
    Expedition([explorer], keys, 100_000).run(steps.append)
    print(len(steps))


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]))
