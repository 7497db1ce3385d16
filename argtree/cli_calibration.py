"""`argtree models --calibration`: how well calibrated beliefs are on the claims that were settled."""

import json
from pathlib import Path

from rich.table import Table
from rich.text import Text

from argtree.calibrating import Report, calibration_reports
from argtree.cli_common import at_work, err, out, picture_format
from argtree.format import write_whole
from argtree.text import printable
from models.calibration import LEAST_OF_EACH
from models.statistics import reliability_bins
from store.database import open_store, read_scope

_BAR = 30  # characters


def calibration_report(store: str, plot: Path | None, as_json: bool) -> None:
    """Prints, for each generation of which beliefs were settled, its calibration before and after; draws it too.

    Args:
        store: URL or path.
        plot: .png or .svg file for the diagrams.
        as_json: print JSON for a program.

    Raises:
        ArgtreeError: there is no such store, or the file's name ends otherwise.
    """
    form = None if plot is None else picture_format(plot)  # before any work
    with at_work("Holding beliefs against labels"), read_scope(open_store(store, create=False)) as session:
        reports = calibration_reports(session)
    if as_json:
        print(json.dumps({"least_of_each_sign": LEAST_OF_EACH, "generations": [one.to_json() for one in reports]}))
    elif not reports:
        out.print("No claim of which a model held a belief before it was answered is settled yet.")
    else:
        for report in reports:
            _print(report)
    if plot is not None and form is not None and reports:
        from argtree.calibration_plot import draw_calibration

        write_whole(plot, draw_calibration(reports, form))
        err.print(f"Drawn into {plot}.", markup=False)
    elif plot is not None:
        err.print(f"Nothing to draw: {plot} was not written.", markup=False)


def _print(report: Report) -> None:
    made = report.calibration
    simulated = f", {report.num_simulated:,} by the simulated rater alone" if report.num_simulated else ""
    counts = f"{len(report.truth):,} settled claims ({made.num_true:,} true, {made.num_false:,} false{simulated})"
    out.print(f"{printable(report.generation)}: {counts}", markup=False)
    out.print(_diagram(report))
    out.print(_figures(report))
    out.print(_verdict(report))
    out.print()


def _diagram(report: Report) -> Table:
    table = Table("believed", "true", "claims", "", box=None, pad_edge=False)
    for one in reliability_bins(report.before, report.truth):
        believed, true = (round(_BAR * prob) for prob in (one.prob, one.share_true))
        cells = ["█" if place < true else "·" for place in range(_BAR + 1)]
        cells[believed] = "|"
        table.add_row(f"{one.prob:.2f}", f"{one.share_true:.2f}", f"{one.num_claims:,}", Text("".join(cells)))
    return table


def _figures(report: Report) -> Table:
    table = Table("", "calibration error", "Brier score", "log loss", box=None, pad_edge=False)
    for name, scores in zip(("as believed", "calibrated on the other claims"), report.figures, strict=True):
        table.add_row(name, *(f"{value:.3f}" for value in scores))
    return table


def _verdict(report: Report) -> str:
    made = report.calibration
    if min(made.num_true, made.num_false) < LEAST_OF_EACH:
        return (
            f"Not enough is settled to calibrate on: it takes {LEAST_OF_EACH} true and {LEAST_OF_EACH} false claims, "
            "so beliefs are used as they are."
        )
    if made.method == "none":
        return "No calibration is proved better on claims that it was not fitted to: beliefs are used as they are."
    name = {"platt": "Platt's line", "isotonic": "isotonic steps"}[made.method]
    return f"The explorer calibrates this model's beliefs by {name}."
