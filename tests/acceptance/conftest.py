"""The real command line in processes of its own."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., subprocess.CompletedProcess[str]]


def heed_interrupts() -> None:
    """Undo what a shell does to commands that it runs in the background: they inherit SIGINT as ignored."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.fixture
def argtree(tmp_path: Path) -> Run:
    """Runs `argtree ARGUMENTS` in an empty folder, with a store of its own unless told otherwise."""
    environment = os.environ | {"ARGTREE_STORE": f"sqlite:///{tmp_path / 'argtree.db'}", "COLUMNS": "100"}

    def run(*arguments: str, stdin: str = "", **extra: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "argtree.cli", *arguments]
        return subprocess.run(
            command, input=stdin, text=True, capture_output=True, cwd=tmp_path, env=environment | extra, timeout=300
        )

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
