"""Shared by the tests of the method."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture
def outside_graphs() -> Path:
    """The folder graphs/ of the outside data."""
    data = os.environ.get("ARGTREE_DATA")
    if not data:
        pytest.skip("ARGTREE_DATA is not set: no outside graphs to compare with")
    folder = Path(data) / "graphs"
    if not folder.is_dir():
        pytest.skip(f"{folder} is not there: no outside graphs to compare with")
    return folder
