"""The real command line in processes of its own."""

import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.forks import Fork, Forks

Run = Callable[..., subprocess.CompletedProcess[str]]
Start = Callable[..., "Started"]


@pytest.fixture(scope="session")
def forks() -> Iterator[Forks]:
    """A command's imports take longer than the command: they are done once, those of the bundled model too."""
    forks = Forks("tests.acceptance.preload", COLUMNS="100", OMP_NUM_THREADS="1")
    yield forks
    forks.close()


@dataclass(frozen=True)
class Started:
    """A command that runs, and the files that it writes to."""

    process: Fork
    out: Path
    err: Path

    def ended(self, seconds: float = 300) -> subprocess.CompletedProcess[str]:
        code = self.process.wait(seconds)
        return subprocess.CompletedProcess((), code, self.out.read_text(), self.err.read_text())


@pytest.fixture
def start(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, forks: Forks) -> Iterator[Start]:
    """Starts `argtree ARGUMENTS` in an empty folder, with a store of its own unless told otherwise."""
    environment = os.environ | {"ARGTREE_STORE": f"sqlite:///{tmp_path / 'argtree.db'}", "COLUMNS": "100"}
    started: list[Started] = []

    def start(*arguments: str, stdin: str = "", **extra: str) -> Started:
        folder = tmp_path_factory.mktemp("streams")
        streams = _, out, err = folder / "in", folder / "out", folder / "err"
        for stream, text in zip(streams, (stdin, "", ""), strict=True):
            stream.write_text(text, encoding="utf-8")
        process = forks.start(
            "argtree.cli", *arguments, folder=tmp_path, environment=environment | extra, streams=streams
        )
        started.append(Started(process, out, err))
        return started[-1]

    yield start
    for one in started:
        one.process.send_signal(signal.SIGKILL)


@pytest.fixture
def argtree(start: Start) -> Run:
    """Runs a command as `start` does, to its end."""
    return lambda *arguments, **more: start(*arguments, **more).ended()


@pytest.fixture
def graph_file(tmp_path: Path) -> Path:
    """A plan with one root and three unknowns."""
    file = tmp_path / "plan.json"
    file.write_text(
        """{"format": "argtree-graph/1",
        "claims": [{"id": "launch", "text": "We can launch in May.", "prior": 0.1},
                   {"id": "tests", "text": "The tests pass on the new chip.", "prior": 0.5},
                   {"id": "parts", "text": "The parts arrive in April.", "prior": 0.8},
                   {"id": "strike", "text": "The port is on strike.", "prior": 0.1}],
        "arguments": [{"id": "ready", "conclusion": "launch", "polarity": "support", "strength": 0.9,
                       "premises": [{"claim": "tests", "holds": true}, {"claim": "parts", "holds": true}]},
                      {"id": "late", "conclusion": "parts", "polarity": "attack", "strength": 0.7,
                       "premises": [{"claim": "strike", "holds": true}]}],
        "roots": [{"claim": "launch", "weight": 1.0}], "evidence": []}""",
        encoding="utf-8",
    )
    return file
