"""`argtree merges`: wordings that a model found to say what a claim says; and to undo that."""

import json
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from argtree.cli_common import JsonOption, StoreOption, at_work, out
from argtree.propagate import Propagator
from argtree.quantity_value import quantity_worths
from argtree.text import printable
from store import aliases, ranking
from store.aliases import Merge
from store.database import DEFAULT_STORE, open_store, read_scope, session_scope


def register(program: typer.Typer) -> None:
    """Adds the command to the program."""
    program.command()(merges)


def merges(
    undo: Annotated[
        int | None, typer.Option(metavar="NUMBER", help="Make this merge's wording a claim of its own again.")
    ] = None,
    store: StoreOption = DEFAULT_STORE,
    as_json: JsonOption = False,
) -> None:
    """List the wordings that were merged into claims because a model found that they say the same.

    Undone, a wording is a claim of its own: premises that came by it point to it, answers stay where they were given,
    and it is never merged again.

    Example: argtree merges

    Example: argtree merges --undo 3
    """
    engine = open_store(store, create=False)
    if undo is not None:
        now = datetime.now(UTC)
        with session_scope(engine) as session:
            text = aliases.undo_merge(session, undo, now).text
        with at_work("Ranking the questions"), session_scope(engine) as session:
            ranking.rerank(session, Propagator(only_askable=True), now, quantity_worths)
        out.print(Text(f"A claim of its own again: {printable(text)}"))
        return
    with read_scope(engine) as session:
        there = aliases.list_merges(session)
    if as_json:
        print(json.dumps([_to_json(one) for one in there], indent=1))
    elif there:
        out.print(_table(there))
    else:
        out.print("No wordings were merged.")


def _to_json(merge: Merge) -> dict[str, object]:
    undone = None if merge.undone_at is None else merge.undone_at.isoformat()
    return asdict(merge) | {"made_at": merge.made_at.isoformat(), "undone_at": undone}


def _table(there: list[Merge]) -> Table:
    table = Table("Number", "Wording", "Claim", "P(both ways)", "Premises", "", box=None, pad_edge=False)
    for one in there:
        probs = f"{one.implies_prob:.2f}, {one.implied_prob:.2f}"
        state = "" if one.undone_at is None else "undone"
        wording, claim = Text(printable(one.text)), Text(printable(one.claim_text))
        table.add_row(str(one.number), wording, claim, probs, str(one.premises), state)
    return table
