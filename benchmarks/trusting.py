"""Does the desk find out raters who mean harm, at its own queue? Simulated raters at a real store.

Every rater here is simulated. Nobody vouches for them, but for one owner who answers first and is right 97 times in
100. The queue gives out questions, gold ones among them, and asks more raters where those who answered could not settle
a question; the store fits the crowd and pauses as it does for people. Honest raters have a sensitivity and a
specificity drawn from Beta(16, 4). Of 25, five collude as in `raters_simulated`. Each answers 50 questions in a random
order, or until they are paused. Labels are held against the truth of the claims that have one, with the colluders and
without them in a store of its own, the others drawn from the same distribution.

    python -m benchmarks.trusting --seeds 5 --out benchmarks/results/trusting.json
"""

import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.console import Console
from rich.progress import track
from rich.table import Table
from scipy.stats import bootstrap
from sqlalchemy import Engine
from sqlmodel import select

from benchmarks.queueing import sqlite
from benchmarks.raters_simulated import OPEN_BASE, WAYS, BoolArray, agreed
from store import trust
from store.answers import labels
from store.database import session_scope
from store.queue import next_question, submit_answer
from store.raters import get_rater
from store.tables import Answer, Rater
from tests.store.crowds import fill_crowded

RATERS, COLLUDING, ANSWERS_EACH, OWNERS, QUESTIONS = 25, 5, 50, 60, 600
START, READING = datetime(2026, 3, 1, tzinfo=UTC), timedelta(seconds=9)


@dataclass(frozen=True)
class Outcome:
    """What became of one simulated desk."""

    found: float  # share of the colluding who were paused
    answers_before: float  # mean number of answers that these had given; NaN for none
    honest_paused: float  # share of the honest who were
    accuracy: float  # of labels
    accuracy_without: float  # in a store without the colluding
    settled_wrong: float  # share of the settled labels that are wrong


class Desk:
    """A store and the simulated raters who come to it."""

    def __init__(self, engine: Engine, way: str, seed: int) -> None:
        self.engine, self.rng = engine, np.random.default_rng(seed)
        self.truth: BoolArray = self.rng.random(QUESTIONS) < OPEN_BASE
        self.rates = self.rng.beta(16, 4, (RATERS, 2))
        self.says = agreed(way, self.truth, QUESTIONS, self.rng)
        self.now = START
        fill_crowded(engine, QUESTIONS, RATERS + 1, prob="(30 + i * 37 % 41) / 100.0", vouched=f"i > {RATERS}")

    def answer(self, number: int, colludes: bool, rates: tuple[float, float]) -> bool:
        """Lets a rater answer once; whether they could."""
        with session_scope(self.engine) as session:
            rater = get_rater(session, f"Rater {number}", self.now)
            trust.fit_if_due(session, self.now)
            if rater.paused_at is not None or (leased := next_question(session, rater, self.now)) is None:
                return False
            claim = leased.question_id - 1
            right = self.rng.random() < rates[0 if self.truth[claim] else 1]
            is_yes = self.says[claim] if colludes else self.truth[claim] == right
            self.now += READING
            submit_answer(session, leased.token, rater, "yes" if is_yes else "no", None, self.now, "Simulated.")
        return True

    def run(self, first: int) -> None:
        """Lets the owner answer, and then all raters from `first` on."""
        for _ in range(OWNERS):
            self.answer(RATERS + 1, False, (0.97, 0.97))
        left = {number: ANSWERS_EACH for number in range(first, RATERS + 1)}
        while left:
            number = int(self.rng.choice(sorted(left)))
            left[number] -= 1
            if not self.answer(number, number <= COLLUDING, tuple(self.rates[number - 1])) or not left[number]:
                del left[number]
        with session_scope(self.engine) as session:
            trust.fit(session, self.now)

    def label_figures(self) -> tuple[float, float]:
        """The share of labels that are right, and of the settled ones that are wrong."""
        with session_scope(self.engine) as session:
            found = labels(session)
        prob = np.array(list(found.values()))
        truth = self.truth[[int(key.removeprefix("c")) - 1 for key in found]]
        settled = (prob >= 0.95) | (prob <= 0.05)
        return float(((prob > 0.5) == truth).mean()), float(((prob > 0.5) != truth)[settled].mean())

    def outcome(self, accuracy_without: float) -> Outcome:
        with session_scope(self.engine) as session:
            paused = {one.id for one in session.exec(select(Rater).where(Rater.paused_at.is_not(None)))}  # type: ignore[union-attr]
            by = list(session.exec(select(Answer.rater_id)))
        bad = paused & set(range(1, COLLUDING + 1))
        accuracy, settled_wrong = self.label_figures()
        before = [by.count(one) for one in bad if one is not None]
        return Outcome(
            len(bad) / COLLUDING,
            float(np.mean(before)) if before else float("nan"),
            len(paused - bad) / (RATERS - COLLUDING),
            accuracy,
            accuracy_without,
            settled_wrong,
        )


def simulate(way: str, seed: int) -> Outcome:
    """One desk with colluding raters, beside one without them."""
    with sqlite() as engine:
        without = Desk(engine, way, seed)
        without.run(COLLUDING + 1)
        accuracy, _ = without.label_figures()
    with sqlite() as engine:
        desk = Desk(engine, way, seed)
        desk.run(1)
        return desk.outcome(accuracy)


def _interval(values: list[float]) -> str:
    found = np.array([one for one in values if not np.isnan(one)])
    if not len(found):
        return "-"
    if np.ptp(found) == 0:
        return f"{found[0]:.3f} (all)"
    low, high = bootstrap((found,), np.mean, rng=np.random.default_rng(0), method="percentile").confidence_interval
    return f"{found.mean():.3f} [{low:.3f}, {high:.3f}]"


def main(
    seeds: Annotated[int, typer.Option(help="Simulated desks of each kind.")] = 5,
    out: Annotated[Path | None, typer.Option(help="Where to write the figures as JSON.")] = None,
) -> None:
    """Simulate desks at which some raters collude."""
    table = Table("five of 25 raters (simulated)", "of them paused", "after answers", "honest paused", "accuracy")
    for name in ("accuracy lost", "settled labels wrong"):
        table.add_column(name)
    results = {}
    for way in ("wrong", "mostly wrong", "always yes", "same coin"):
        found = [simulate(way, seed) for seed in track(range(seeds), way)]
        results[way] = [asdict(one) for one in found]
        lost = [one.accuracy_without - one.accuracy for one in found]
        columns = ("found", "answers_before", "honest_paused", "accuracy")
        figures = [[getattr(one, name) for one in found] for name in columns]
        figures += [lost, [one.settled_wrong for one in found]]
        table.add_row(WAYS[way], *map(_interval, figures))
    Console().print(table)
    if out is not None:
        about = {"raters": RATERS, "colluding": COLLUDING, "answers_each": ANSWERS_EACH, "owner_answers": OWNERS}
        out.write_text(json.dumps(about | {"questions": QUESTIONS, "seeds": seeds, "runs": results}, indent=1) + "\n")


if __name__ == "__main__":
    typer.run(main)
