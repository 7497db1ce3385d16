"""A loop of two rounds with a small fake school, in a process that kills itself at the n-th trace on the disk.

Run by `test_loop.py`. The school's generations are files; its models are `WorldModel`s, a little surer each time.
"""

import json
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, event
from sqlmodel import Session, select

from argtree import loop_state
from argtree.format import write_whole
from argtree.loop import Loop, OnStep, Settings
from argtree.loop_state import Record, RoundState, StateFile, Step
from models.elicitation import Elicitor
from store.database import open_store
from store.tables import Answer
from tests.world_model import WorldModel

SETTINGS = Settings(rounds=2, oracle="simulated", answers=3, budget=60, new_roots=2, sensitivity=1.0, specificity=1.0)


class Quiet:
    """A watcher that keeps the words of finished rounds to itself."""

    def step(self, number: int, step: Step, total: int | None) -> None: ...
    def progress(self, done: int, total: int | None, words: str = "") -> None: ...
    def round_done(self, state: RoundState) -> None: ...


class SmallSchool:
    """Generations as files n.json; odd ones are promoted."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        if not self.numbers():
            self._write(0, {"status": "promoted"})

    def numbers(self) -> list[int]:
        return sorted(int(path.stem) for path in self.folder.glob("*.json"))

    def get(self, number: int) -> Record:
        found: Record = json.loads((self.folder / f"{number}.json").read_text())
        return found

    def current(self) -> int:
        return max(number for number in self.numbers() if self.get(number)["status"] == "promoted")

    def elicitor(self, number: int) -> Elicitor:
        model = WorldModel(sure=min(0.6 + 0.05 * number, 0.9))
        model.name = f"generation:{number}"
        return Elicitor(model)

    def export(self, engine: Engine, folder: Path, on_step: OnStep) -> Record:
        with Session(engine) as session:
            rows = [(answer.claim_id, answer.kind) for answer in session.exec(select(Answer))]
        folder.mkdir(parents=True, exist_ok=True)
        write_whole(folder / "rows.json", json.dumps(rows).encode())
        return {"rows": len(rows)}

    def train(self, dataset: Path, scratch: Path, parent: int, tag: Record, seed: int, on_step: OnStep) -> Record:
        made = [number for number in self.numbers() if self.get(number).get("tag") == tag]
        number = made[0] if made else max(self.numbers()) + 1
        if not made:
            rows = json.loads((dataset / "rows.json").read_text())
            self._write(number, {"status": "candidate", "tag": tag, "parent": parent, "rows": rows, "seed": seed})
        return {"number": number}

    def evaluate(self, candidate: int, in_use: int, dataset: Path, on_step: OnStep) -> Record:
        return {"old": _scores(in_use), "new": _scores(candidate)}

    def judge(self, candidate: int, in_use: int) -> Record:
        promoted = candidate % 2 == 1
        self._write(candidate, self.get(candidate) | {"status": "promoted" if promoted else "rejected"})
        return {"promoted": promoted, "reason": "It is odd." if promoted else "It is even."}

    def _write(self, number: int, facts: Record) -> None:
        write_whole(self.folder / f"{number}.json", json.dumps(facts).encode())


def _scores(number: int) -> Record:
    brier = 0.3 - 0.05 * number
    return {"fast": {"brier": {"value": brier, "low": brier - 0.02, "high": brier + 0.02, "count": 50}}}


def run(folder: Path, settings: Settings = SETTINGS, store: str = "argtree.db", **more: Any) -> loop_state.LoopState:
    """The whole loop in a folder; goes on where it was."""
    file = StateFile(folder / "loop")
    loop = Loop(open_store(str(folder / store)), SmallSchool(folder / "generations"), settings, file, Quiet(), **more)
    with file.held():
        return loop.run()


def run_until(folder: Path, kill_at: int) -> None:
    """The same, killed (SIGKILL) right after the n-th commit or file, or right before that file."""
    left = [kill_at]

    def happened(*_: Any) -> None:
        left[0] -= 1
        if left[0] == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def watched(write: Callable[[Any, bytes], None]) -> Callable[[Any, bytes], None]:
        def both_sides(path: Any, content: bytes) -> None:
            happened()
            write(path, content)
            happened()

        return both_sides

    event.listen(Session, "after_commit", happened)
    loop_state.write_whole = watched(loop_state.write_whole)
    globals()["write_whole"] = watched(write_whole)
    run(folder)
