"""What the loop has done so far, as a file that is replaced whole after everything that it would be bad to do twice.

`state.json` holds a record for every finished step of every round, and of the step under way what it needs to go on
after a kill. Not here: the steps themselves (`argtree.loop`).
"""

import fcntl
import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from pydantic import TypeAdapter, ValidationError

from argtree.errors import ArgtreeError
from argtree.format import write_whole

Step = Literal["explore", "ask", "export", "finetune", "evaluate", "promote"]
STEPS: tuple[Step, ...] = ("explore", "ask", "export", "finetune", "evaluate", "promote")
FORMAT = "argtree-loop/1"
STATE = "state.json"
Record = dict[str, Any]  # what a step leaves behind, as JSON


class LoopError(ArgtreeError):
    """The loop cannot go on."""


@dataclass
class RoundState:
    """One round: what its finished steps left behind, and the notes of the one under way."""

    number: int  # from 1
    done: dict[Step, Record] = field(default_factory=dict)
    notes: Record = field(default_factory=dict)

    @property
    def step(self) -> Step | None:
        """The step that is to be done, None where all are."""
        return next((step for step in STEPS if step not in self.done), None)


@dataclass
class LoopState:
    """All rounds so far."""

    format: str
    run: str  # tells the generations that this loop made from those of others
    settings: Record  # what may not change from one call to the next
    rounds: list[RoundState] = field(default_factory=list)

    def to_json(self) -> Record:
        """Returns it as it stands in the file."""
        return asdict(self)


_STATE = TypeAdapter(LoopState)


class StateFile:
    """The state of the loop in a folder, held by one process at a time."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.path = folder / STATE

    @contextmanager
    def held(self) -> Iterator[None]:
        """Keeps other processes out of the folder; a killed one lets go of it.

        Raises:
            LoopError: another process is at work in it, or it cannot be made.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            lock = (self.folder / ".lock").open("w")
        except OSError as exc:
            raise LoopError(f"The loop's folder {self.folder} cannot be used: {exc.strerror or exc}.") from exc
        with lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as exc:
                raise LoopError(f"Another loop is at work in {self.folder}: wait for it, or name another one.") from exc
            yield

    def load(self, settings: Record) -> LoopState:
        """Returns the state as it was left, or a new one.

        Raises:
            LoopError: it was begun with other settings, or the file is damaged.
        """
        if not self.path.exists():
            return LoopState(FORMAT, secrets.token_hex(6), settings)
        state = self.read()
        changed = [name for name, value in settings.items() if state.settings.get(name) != value]
        if changed:
            name, begun = changed[0], state.settings.get(changed[0])
            raise LoopError(
                f"The loop in {self.folder} was begun with {name} {begun!r}, not {settings[name]!r}: "
                "go on as it was begun, or name another --folder."
            )
        return state

    def read(self) -> LoopState:
        """Returns the state in the file. Raises LoopError where there is none that can be read."""
        try:
            state = _STATE.validate_json(self.path.read_bytes())
        except OSError as exc:
            raise LoopError(f"There is no loop in {self.folder}: {exc.strerror or exc}.") from exc
        except ValidationError as exc:
            raise LoopError(f"{self.path} is damaged: {exc.errors()[0]['msg']}.") from exc
        if state.format != FORMAT:
            raise LoopError(f"{self.path} is in the form {state.format!r}, not {FORMAT!r}.")
        return state

    def save(self, state: LoopState) -> None:
        """Replaces the file, whole or not at all."""
        write_whole(self.path, (json.dumps(state.to_json(), ensure_ascii=False) + "\n").encode())
