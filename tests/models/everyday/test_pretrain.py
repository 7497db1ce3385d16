"""Pretraining on a few lines of the told text."""

from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from models.everyday import pretrain
from models.everyday.corpus import examples as all_examples
from models.everyday.evaluate import expected_calibration_error


class Killed(Exception):
    pass


@pytest.fixture
def small_text(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pretrain, "examples", lambda *args: islice(all_examples(*args), 5, 4000, 50))
    monkeypatch.setattr(pretrain, "TOKENS_PER_STEP", 256)
    monkeypatch.setattr(pretrain, "CHECKPOINT_SECONDS", 0.0)


@pytest.mark.usefixtures("small_text")
def test_a_killed_run_goes_on_as_if_nothing_had_happened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pretrain.pretrain(seed=3, out=tmp_path / "whole", passes=3)
    train_pass = pretrain.Run.train_pass

    def killed_in_the_third(run: pretrain.Run, *args: object) -> object:
        if run.passes_done == 2:
            raise Killed
        return train_pass(run, *args)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(pretrain.Run, "train_pass", killed_in_the_third)
        with pytest.raises(Killed):
            pretrain.pretrain(seed=3, out=tmp_path / "killed", passes=3)
    pretrain.pretrain(seed=3, out=tmp_path / "killed", passes=3)
    weights = [(tmp_path / name / "model.safetensors").read_bytes() for name in ("whole", "killed")]
    assert weights[0] == weights[1]
    assert not (tmp_path / "killed" / "checkpoint.pt").exists()


def test_calibration_error_is_the_mean_gap_of_the_bins() -> None:
    prob = np.array([0.05, 0.05, 0.95, 0.95])
    assert expected_calibration_error(prob, np.array([0.0, 1.0, 1.0, 1.0])) == pytest.approx(0.5 * 0.45 + 0.5 * 0.05)
    assert expected_calibration_error(prob, np.array([0.05, 0.05, 0.95, 0.95])) == pytest.approx(0.0)
