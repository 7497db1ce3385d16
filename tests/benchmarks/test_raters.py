"""What is claimed of raters, on one simulated crowd and on the real one that is small."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from argtree.crowd import fit_with_prior
from benchmarks.raters import crowd_kit, majority, read_crowd
from benchmarks.raters_simulated import Setting, simulate, watch


def test_a_fifth_who_collude_are_found_and_cost_no_accuracy() -> None:
    outcome = watch(simulate(Setting("wrong"), seed=0))
    assert outcome.found >= 0.95 and outcome.honest_paused == 0
    assert outcome.accuracy >= outcome.accuracy_honest - 0.01


def test_who_colludes_says_the_same_and_the_honest_do_not() -> None:
    crowd = simulate(Setting("mostly wrong"), seed=1)
    said: dict[str, set[float]] = {}
    for answers in crowd.by_rater[: crowd.setting.dishonest]:
        for one in answers:
            said.setdefault(one.claim, set()).add(one.prob)
    assert max(map(len, said.values())) == 1
    honest = [one for answers in crowd.by_rater[crowd.setting.dishonest :] for one in answers]
    right = np.mean([one.prob == crowd.truth[int(one.claim.split()[1])] for one in honest])
    assert 0.75 < right < 0.85


@pytest.mark.filterwarnings("ignore")  # crowd-kit's own, of pandas
def test_labels_of_real_answers_are_at_least_as_right_as_crowd_kits() -> None:
    folder = Path(os.environ.get("ARGTREE_DATA") or "absent") / "crowd"
    if not folder.is_dir():
        pytest.skip("ARGTREE_DATA has no crowd")
    answers, truth = read_crowd(folder, "bluebirds")
    ours, theirs, most = (
        float(np.mean((prob > 0.5) == truth))
        for prob in (fit_with_prior(answers).prob, crowd_kit(answers), majority(answers))
    )
    assert ours >= theirs and ours > most + 0.1
