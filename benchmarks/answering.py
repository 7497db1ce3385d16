"""How long from pressing a key to the next question, with and without working ahead while the rater reads?

A store of made-up claims, once as a tree and once with shared premises; a simulated rater, who says yes and no in turn,
answers the most valuable questions through the functions and the cache of the page for answers. What is worked ahead is
done when the rater presses a key. Printed: the processor time of an answer and of the question after it, without the
browser's and Streamlit's own, the median over answers, side by side on the same store.

    python benchmarks/answering.py --claims 2000 --answers 12 --out benchmarks/results/answering.json
"""

import json
import tempfile
import time
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from argtree.propagate import Propagator
from argtree.quantity_value import quantity_worths
from benchmarks.random_dags import random_dag
from oracle_ui import sitting
from oracle_ui.foresight import Foresight
from oracle_ui.shared import propagated
from oracle_ui.sitting import Said
from oracle_ui.view import QuestionView
from store.database import open_store, session_scope
from store.graphs import save_graph
from store.ranking import rerank

RATER = "Simulated"
_PATIENCE_SECONDS = 120.0


@dataclass(frozen=True)
class Measured:
    """The answers of one sitting."""

    claims: int
    share: float  # of premises that are used more than once, about
    answers: int
    is_ahead: bool  # what follows was worked out while the rater read
    answer_seconds: float  # processor time, median: from pressing a key to the next question
    ahead_seconds: float  # processor time, median: while the rater read


def measured(path: Path, claims: int, share: float, answers: int, is_ahead: bool) -> Measured:
    """Returns what a sitting on a new store took."""
    url = f"sqlite:///{path}"
    _fill(url, claims, share)
    propagated.clear()
    foresight, ahead, took = Foresight(propagated), [], []
    view = sitting.ask(url, RATER, _now(), propagated)
    for number in range(answers):
        assert isinstance(view, QuestionView)
        began = time.process_time()
        if is_ahead:
            foresight.look_ahead(url, RATER, view.token)
            assert foresight.wait(_PATIENCE_SECONDS)
        ahead.append(time.process_time() - began)
        began = time.process_time()
        sitting.answer(url, RATER, view, Said("no" if number % 2 else "yes"), _now(), propagated)
        view = sitting.ask(url, RATER, _now(), propagated)
        took.append(time.process_time() - began)
    return Measured(claims, share, answers, is_ahead, median(took), median(ahead))


def _fill(url: str, claims: int, share: float) -> None:
    engine = open_store(url)
    with session_scope(engine) as session:
        save_graph(session, random_dag(claims, share, seed=1), _now())
        rerank(session, Propagator(only_askable=True), _now(), quantity_worths)
    engine.dispose()


def _now() -> datetime:
    return datetime.now(UTC)


def main(
    claims: Annotated[int, typer.Option(min=10)] = 2000,
    answers: Annotated[int, typer.Option(min=1)] = 12,
    shares: Annotated[str, typer.Option(help="Shares of shared premises, separated by commas.")] = "0,0.1",
    out: Annotated[Path | None, typer.Option(help="Where the figures go, as JSON.")] = None,
) -> None:
    """Answer, and print and write the figures."""
    rows: list[Measured] = []
    with tempfile.TemporaryDirectory() as name:
        for share in map(float, shares.split(",")):
            for is_ahead in (False, True):
                rows.append(measured(Path(name) / f"{share}-{is_ahead}.db", claims, share, answers, is_ahead))
    Console(width=110).print(_table(rows))
    if out:
        out.write_text(json.dumps([asdict(row) for row in rows], indent=1) + "\n")


def _table(rows: list[Measured]) -> Table:
    table = Table(title="Processor time from an answer to the next question (simulated rater)")
    for column in ("claims", "shared premises", "answers", "working ahead", "ms an answer", "of without", "ms ahead"):
        table.add_column(column, justify="right")
    for row in rows:
        without = next(one.answer_seconds for one in rows if one.share == row.share and not one.is_ahead)
        table.add_row(
            f"{row.claims:,}",
            f"{row.share:.0%}",
            str(row.answers),
            "yes" if row.is_ahead else "no",
            f"{1000 * row.answer_seconds:.0f}",
            f"{row.answer_seconds / without:.2f}",
            f"{1000 * row.ahead_seconds:.0f}",
        )
    return table


if __name__ == "__main__":
    typer.run(main)
