"""The generations of a model: one folder each, who came of whom, which one is in use, and why the others are not.

    generations/
      current.json          {"number": 2, "since": ...}: replaced atomically
      0000/generation.json  the model one started from: a spec, no weights
      0001/generation.json  facts and scores, beside full weights or a LoRA adapter alone
      0001/evaluation.json  what `models.evaluate` found, item by item; curve.png and more as the trainer likes

A generation is written beside the others and renamed, so that there is never half of one; the rename fails where the
number is taken, so that two processes never share one. Killed at any point, a command may be given again.

Not here: training (`models.finetune`), judging (`models.gate`), loading (`models.load`).
"""

import errno
import fcntl
import json
import os
import re
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, TypeVar

from pydantic import TypeAdapter, ValidationError

from argtree.format import write_whole
from models.errors import GenerationError

Status = Literal["candidate", "promoted", "rejected"]

DEFAULT_FOLDER = "generations"
FOLDER_VARIABLE = "ARGTREE_GENERATIONS"
FACTS, CURRENT, EVALUATION = "generation.json", "current.json", "evaluation.json"
ADAPTER_CONFIG = "adapter_config.json"  # what peft writes beside an adapter's weights
PREFIX = "generation:"
_NEW = ".new-"
_LEFT_OVER_SECONDS = 24 * 3600.0  # a folder under way that nobody wrote to for so long is of a process that was killed


@dataclass(frozen=True)
class Generation:
    """A model of the family: where it came from and what became of it."""

    number: int  # 0 is the model one started from
    parent: int | None  # None for generation 0
    base: str  # spec of the model that an adapter lies on, or that full weights came of in the end
    method: str  # "start", "lora", "full", "scratch"
    status: Status
    reason: str  # of the status, one sentence; may be empty
    created_at: str  # ISO 8601, UTC
    seed: int | None = None
    dataset: str | None = None  # hash of what it was trained on
    scores: Mapping[str, float] = field(default_factory=dict)  # summary figures, for the family tree
    details: Mapping[str, Any] = field(default_factory=dict)  # whatever else its maker wants to keep, as JSON
    folder: Path = Path()  # where it lies; not written

    @property
    def spec(self) -> str:
        """What `load_model` takes for it, and what its beliefs are filed under."""
        return f"{PREFIX}{self.number}"

    @property
    def is_adapter(self) -> bool:
        """Whether its folder holds a LoRA adapter and not a whole model."""
        return (self.folder / ADAPTER_CONFIG).is_file()

    @property
    def has_weights(self) -> bool:
        """Whether its folder holds weights of its own; generation 0 has none."""
        return any(self.folder.glob("*.safetensors"))


@dataclass(frozen=True)
class _Current:
    number: int
    since: str


_T = TypeVar("_T")
_GENERATION = TypeAdapter(Generation)
_CURRENT = TypeAdapter(_Current)


def default_folder() -> Path:
    """The folder of generations where none is named: that of the environment, else `generations`."""
    return Path(os.environ.get(FOLDER_VARIABLE) or DEFAULT_FOLDER)


class Registry:
    """The generations in a folder. Every call reads the files anew: another process may have changed them."""

    def __init__(self, folder: Path | None = None, now_fn: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self.folder = default_folder() if folder is None else folder
        self._now_fn = now_fn

    @property
    def is_started(self) -> bool:
        """Whether there is a generation 0."""
        return (self._path(0) / FACTS).is_file()

    def start(self, spec: str) -> Generation:
        """Generation 0, which is the model that `spec` names; made where there is none yet.

        Raises:
            GenerationError: The folder was started from another model.
        """
        if not self.is_started:
            self.folder.mkdir(parents=True, exist_ok=True)
            first = Generation(0, None, spec, "start", "promoted", "The model one started from.", self._now())
            self._place(first, lambda folder: None, is_first=True)
        found = self.get(0)
        if found.base != spec:
            raise GenerationError(
                f"The generations in {self.folder} started from {found.base}, not from {spec}: take another folder."
            )
        return found

    def current(self) -> Generation:
        """The generation in use; 0 until another one is promoted.

        Raises:
            GenerationError: There is no generation, or the folder is damaged.
        """
        path = self.folder / CURRENT
        return self.get(_read(_CURRENT, path).number if path.exists() else 0)

    def get(self, number: int) -> Generation:
        """One generation by its number.

        Raises:
            GenerationError: There is none of that number, or its facts can't be read.
        """
        folder = self._path(number)
        if not (folder / FACTS).is_file():
            raise GenerationError(self._lacks(number))
        found = replace(_read(_GENERATION, folder / FACTS), folder=folder)
        if found.number != number:
            raise GenerationError(f"{folder / FACTS} says that it is generation {found.number}, not {number}.")
        return found

    def find(self, name: str) -> Generation:
        """The generation that "current", "3" or "generation:3" names.

        Raises:
            GenerationError: It names none, or there is none of that number.
        """
        plain = name.removeprefix(PREFIX).strip()
        if plain == "current":
            return self.current()
        if not re.fullmatch(r"[0-9]{1,9}", plain):
            raise GenerationError(f"{name[:80]!r} names no generation: say current or a number.")
        return self.get(int(plain))

    def all(self) -> list[Generation]:
        """Every generation, by number; [] where there is none."""
        return [self.get(number) for number in self._numbers()]

    def add(
        self,
        parent: int,
        write_fn: Callable[[Path], None],
        *,
        method: str,
        base: str | None = None,
        seed: int | None = None,
        dataset: str | None = None,
        reason: str = "",
        details: Mapping[str, Any] | None = None,
    ) -> Generation:
        """A new candidate under the next free number. What fails in `write_fn` leaves nothing behind.

        Args:
            parent: The generation whose weights it was trained from.
            write_fn: Writes weights, or an adapter, and what goes with them into an empty folder that it is given.
            method: "lora", "full" or "scratch".
            base: See `Generation`. By default what the parent's is; the parent itself, where that is a whole model of
                its own and an adapter is added.
            seed: Of the training.
            dataset: Hash of what it was trained on.
            reason: Why it was made, one sentence.
            details: Whatever else is to be kept, as JSON.

        Raises:
            GenerationError: There is no such parent.
        """
        of_parent = self.get(parent)

        def write(folder: Path) -> None:
            write_fn(folder)
            if (folder / FACTS).exists():
                raise ValueError(f"write_fn wrote {FACTS}, which the registry writes")

        made = Generation(
            -1, parent, base or "", method, "candidate", reason, self._now(), seed, dataset, {}, dict(details or {})
        )
        return self._place(made, write, of_parent=of_parent)

    def promote(self, number: int, reason: str = "") -> Generation:
        """Put a generation to use in place of the current one. Asked again after a kill, it is finished.

        Raises:
            GenerationError: There is none of that number.
        """
        with self._locked():
            promoted = replace(self.get(number), status="promoted", reason=reason)
            self._write_facts(promoted)
            self._point_to(number)
        return promoted

    def reject(self, number: int, reason: str) -> Generation:
        """Keep a generation, but out of use, and say why.

        Raises:
            GenerationError: There is none of that number, or it is in use.
        """
        with self._locked():
            rejected = replace(self.get(number), status="rejected", reason=reason)
            if self.current().number == number:
                raise GenerationError(f"Generation {number} is in use: roll back to another one before rejecting it.")
            self._write_facts(rejected)
        return rejected

    def roll_back(self, number: int) -> Generation:
        """Put a generation to use again that was in use before.

        Raises:
            GenerationError: There is none of that number, or it was never promoted.
        """
        with self._locked():
            wanted, left = self.get(number), self.current()
            if wanted.status != "promoted":
                raise GenerationError(
                    f"Generation {number} was never in use ({wanted.status}): `argtree promote {number}` judges it."
                )
            if left.number != number:
                self._write_facts(replace(left, reason=f"Rolled back to generation {number}."))
                self._point_to(number)
        return wanted

    def record(self, number: int, scores: Mapping[str, float]) -> Generation:
        """Keep summary figures with a generation, beside those that it has.

        Raises:
            GenerationError: There is none of that number.
        """
        with self._locked():
            found = self.get(number)
            scored = replace(found, scores={**found.scores, **scores})
            self._write_facts(scored)
        return scored

    def _place(
        self,
        generation: Generation,
        write_fn: Callable[[Path], None],
        *,
        of_parent: Generation | None = None,
        is_first: bool = False,
    ) -> Generation:
        """Write a generation beside the others, then give it the next free number by renaming its folder."""
        self._sweep()
        beside = Path(tempfile.mkdtemp(dir=self.folder, prefix=_NEW))
        try:
            write_fn(beside)
            beside.chmod(0o777 & ~_umask())  # mkdtemp's folder is for its owner alone
            if of_parent is not None and not generation.base:
                generation = replace(generation, base=_base(of_parent, replace(generation, folder=beside)))
            while True:
                number = 0 if is_first else self._next_number()
                placed = replace(generation, number=number, folder=self._path(number))
                write_whole(beside / FACTS, _facts(placed))
                try:
                    beside.rename(placed.folder)
                    return placed
                except OSError as exc:
                    if exc.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                        raise
                    if is_first:  # another process made it meanwhile
                        return self.get(0)
        finally:
            shutil.rmtree(beside, ignore_errors=True)

    def _sweep(self) -> None:
        """Remove what processes that were killed had begun."""
        for folder in self.folder.glob(f"{_NEW}*"):
            try:
                written_at = max(path.stat().st_mtime for path in (folder, *folder.rglob("*")))
            except OSError:  # its process is at work on it
                continue
            if time.time() - written_at > _LEFT_OVER_SECONDS:
                shutil.rmtree(folder, ignore_errors=True)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Hold off other processes that change facts; the lock of a process that is killed ends with it."""
        if not self.is_started:
            raise GenerationError(self._lacks(0))
        with (self.folder / ".lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def _point_to(self, number: int) -> None:
        content = asdict(_Current(number, self._now()))
        write_whole(self.folder / CURRENT, (json.dumps(content) + "\n").encode())

    def _write_facts(self, generation: Generation) -> None:
        write_whole(generation.folder / FACTS, _facts(generation))

    def _path(self, number: int) -> Path:
        return self.folder / f"{number:04d}"

    def _numbers(self) -> list[int]:
        if not self.folder.is_dir():
            return []
        names = (path.parent.name for path in self.folder.glob(f"*/{FACTS}"))
        return sorted(int(name) for name in names if re.fullmatch(r"[0-9]{4,9}", name))

    def _next_number(self) -> int:
        """One above every number that is taken, be it by a folder that has lost its facts or by a file."""
        taken = (int(path.name) for path in self.folder.iterdir() if re.fullmatch(r"[0-9]{4,9}", path.name))
        return max(taken, default=0) + 1

    def _lacks(self, number: int) -> str:
        numbers = self._numbers()
        if not numbers:
            return f"There are no generations in {self.folder} yet: `argtree finetune` makes the first one."
        return f"There is no generation {number} in {self.folder}: the last one is {numbers[-1]}."

    def _now(self) -> str:
        return self._now_fn().astimezone(UTC).isoformat(timespec="seconds")


def _base(parent: Generation, child: Generation) -> str:
    """What a child's weights lie on or came of, where its maker doesn't say."""
    adds_to_parent = child.is_adapter and parent.has_weights and not parent.is_adapter
    return parent.spec if adds_to_parent else parent.base


def _facts(generation: Generation) -> bytes:
    content = asdict(generation)
    del content["folder"]
    return (json.dumps(content, indent=1, ensure_ascii=False) + "\n").encode()


def _read(form: TypeAdapter[_T], path: Path) -> _T:
    try:
        return form.validate_json(path.read_bytes())
    except OSError as exc:
        raise GenerationError(f"{path} can't be read: {exc.strerror or exc}.") from exc
    except ValidationError as exc:
        first = exc.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the whole"
        raise GenerationError(f"{path} is damaged, at {where}: {first['msg']}.") from exc


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
