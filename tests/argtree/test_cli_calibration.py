"""`argtree models --calibration` as it is typed."""

from pathlib import Path

from typer.testing import CliRunner

from argtree.cli import app
from store.database import open_store


def test_calibration_is_reported_of_a_store_and_a_picture_goes_with_it_only(tmp_path: Path) -> None:
    store = f"sqlite:///{tmp_path / 'store.db'}"
    open_store(store).dispose()
    said = CliRunner().invoke(app, ["models", "--calibration", "--store", store])
    assert said.exit_code == 0 and "No claim of which a model held a belief" in said.output
    refused = CliRunner().invoke(app, ["models", "--plot", "diagram.png"])
    assert refused.exit_code == 2 and "--calibration only" in refused.output
