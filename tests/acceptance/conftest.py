"""The real command line in processes of its own."""

import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.forks import Forks

Run = Callable[..., subprocess.CompletedProcess[str]]


def heed_interrupts() -> None:
    """Undo what a shell does to commands that it runs in the background: they inherit SIGINT as ignored."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.fixture(scope="session")
def forks() -> Iterator[Forks]:
    """A command's imports take longer than the command: they are done once, those of the bundled model too."""
    forks = Forks("argtree.cli", "argtree.explorer", "models.hf", "matplotlib.figure", COLUMNS="100")
    yield forks
    forks.close()


@pytest.fixture
def argtree(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, forks: Forks) -> Run:
    """Runs `argtree ARGUMENTS` in an empty folder, with a store of its own unless told otherwise."""
    environment = os.environ | {"ARGTREE_STORE": f"sqlite:///{tmp_path / 'argtree.db'}", "COLUMNS": "100"}
    folder = tmp_path_factory.mktemp("streams")
    streams = given, out, err = folder / "in", folder / "out", folder / "err"

    def run(*arguments: str, stdin: str = "", **extra: str) -> subprocess.CompletedProcess[str]:
        given.write_text(stdin, encoding="utf-8")
        command = forks.start(
            "argtree.cli", *arguments, folder=tmp_path, environment=environment | extra, streams=streams
        )
        code = command.wait(300)
        return subprocess.CompletedProcess(["argtree", *arguments], code, out.read_text(), err.read_text())

    return run


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
