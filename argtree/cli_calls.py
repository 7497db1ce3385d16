"""`argtree calls`: what exploring cost, question by question, and every call of a model in a file."""

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text
from sqlmodel import Session

from argtree.calls import read_call
from argtree.cli_common import JsonOption, StoreOption, err, out
from argtree.format import write_whole
from argtree.text import shorten
from store.calls import Spent, list_calls, spent_in_all, spent_on_roots
from store.database import DEFAULT_STORE, open_store, read_scope

SHOWN_CHARS = 80  # of a question


def register(app: typer.Typer) -> None:
    """Adds the command to the program."""
    app.command(name="calls")(_calls)


def print_cost(session: Session, root_key: str) -> None:
    """Prints what exploring a root cost so far, if anything did."""
    (root,) = spent_on_roots(session, [root_key])
    spent = root.spent
    if spent.calls:
        tokens = spent.prompt_tokens + spent.reply_tokens
        out.print(f"{spent.calls:,} model calls, {tokens:,} tokens, {spent.seconds:,.1f} s", style="dim")


def _calls(
    store: StoreOption = DEFAULT_STORE,
    file: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="Write every call there as JSON lines, to be replayed.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Say what exploring cost: calls of models, tokens and seconds, of each question and in all.

    Calls about a claim that several questions rest on are counted with each of them. A file of calls stands in for
    the model: `--model replay:FILE` says what it said.

    Example: argtree calls --store team.db

    Example: argtree calls --out calls.jsonl

    Example: argtree explore "Is jelly sticky?" --model replay:calls.jsonl --store sqlite:///again.db
    """
    with read_scope(open_store(store, create=False)) as session:
        if file is not None:
            lines = list(_lines(session))
            write_whole(file, "".join(lines).encode())
            err.print(f"{len(lines):,} calls are in {file}.", markup=False)
            return
        roots, total = spent_on_roots(session), spent_in_all(session)
    if as_json:
        print(json.dumps({"roots": [asdict(root) for root in roots], "total": asdict(total)}, indent=1))
        return
    table = Table("Question", "Calls", "Tokens read", "Tokens written", "Seconds", box=None, pad_edge=False)
    for column in table.columns[1:]:
        column.justify = "right"
    for root in roots:
        table.add_row(Text(shorten(root.question, SHOWN_CHARS)), *_figures(root.spent))
    table.add_row(Text("all calls together", style="bold"), *_figures(total))
    out.print(table)


def _lines(session: Session) -> Iterator[str]:
    for row in list_calls(session):
        yield read_call(row).to_json() + "\n"


def _figures(spent: Spent) -> tuple[str, ...]:
    return f"{spent.calls:,}", f"{spent.prompt_tokens:,}", f"{spent.reply_tokens:,}", f"{spent.seconds:,.1f}"
