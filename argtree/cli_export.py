"""`argtree export`: the store's answers, and what follows from them, as a dataset for trainers."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal, cast

import typer

from argtree.cli_common import StoreOption, counted, err, out
from argtree.propagate import Propagator
from models import prompts
from models.prompts import ProposedArgument
from store.database import DEFAULT_STORE, open_store, read_scope
from store.export import HELD_OUT, ExportSummary, Options, export_dataset
from store.export_rows import Prompts, Reason

Format = Literal["beliefs", "sft", "dpo", "reward", "kto", "prm", "all"]


def register(app: typer.Typer) -> None:
    """Adds the command to the program."""
    app.command(name="export")(_export)


def dataset_prompts() -> Prompts:
    """Returns the words of `models.prompts` in the form that the export takes."""
    return Prompts(
        is_true=prompts.is_true,
        is_false=prompts.is_false,
        propose=lambda claim, known, n: prompts.propose_arguments(claim, _proposed(known), n),
        arguments=lambda reasons: prompts.arguments_json(_proposed(reasons)),
        reason=prompts.reason,
        step=prompts.step,
        verdict=prompts.verdict,
    )


def _proposed(reasons: Sequence[Reason]) -> Sequence[ProposedArgument]:
    """Returns the reasons as they are: they have the fields of proposed arguments, and copies would take most time."""
    return cast(Sequence[ProposedArgument], reasons)


def _export(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The folder to write; an earlier export is replaced.")],
    store: StoreOption = DEFAULT_STORE,
    format: Annotated[
        Format, typer.Option(help="For which trainers; beliefs has what people said, what follows, and explored roots.")
    ] = "all",
    positions: Annotated[
        int, typer.Option(min=0, help="Claims of each root's tree in `values`: the root, then argued ones; 0: all.")
    ] = 1,
    held_out: Annotated[
        float,
        typer.Option(min=0, max=1, help="Share of root families that do not train: half validation, half test."),
    ] = HELD_OUT,
) -> None:
    """Write the answers, and what follows from them, as a dataset that trainers read as it is.

    Example: argtree export dataset

    Example: argtree export dataset --format dpo --held-out 0
    """
    options = Options(format, positions, held_out)
    with counted("Exporting claims") as on_batch, read_scope(open_store(store, create=False)) as session:
        summary = export_dataset(session, folder, dataset_prompts(), Propagator(only_askable=True), options, on_batch)
    _print(summary)


def _print(summary: ExportSummary) -> None:
    numbers = f"and {summary.quantities} answered quantities " if summary.quantities else ""
    if summary.comparisons:
        numbers += f"and {summary.comparisons} comparisons of two arguments "
    out.print(
        f"{summary.premises} answered premises ({summary.answers} answers) {numbers}are in {summary.folder}.",
        markup=False,
    )
    for name, splits in summary.rows.items():
        out.print(f"  {name}: {', '.join(f'{count} {split}' for split, count in splits.items())}", markup=False)
    if summary.shared:
        out.print(f"{summary.shared} rows bear on roots of several splits and were held out.")
    if summary.refused:
        out.print(f"{summary.refused} rows were left out: a claim in them is nearly one of a stricter split.")
    if summary.rows and not summary.in_train():
        err.print("Nothing is left to train on: all roots are held out. With --held-out 0 everything trains.")
