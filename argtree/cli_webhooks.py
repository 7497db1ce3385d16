"""`argtree webhooks`: addresses that are told when labels settle. `argtree api` does the telling."""

import json
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from argtree.cli_common import JsonOption, StoreOption, err, out, writing
from argtree.text import printable
from store import webhooks
from store.database import DEFAULT_STORE, open_store, read_scope

app = typer.Typer(no_args_is_help=True, help="Addresses that are told when labels settle.", rich_markup_mode="rich")


def register(program: typer.Typer) -> None:
    """Adds the commands to the program."""
    program.add_typer(app, name="webhooks")


@app.command()
def add(
    url: Annotated[str, typer.Argument(metavar="URL", help="https://HOST/PATH, or http://.")],
    store: StoreOption = DEFAULT_STORE,
) -> None:
    """Tell an address of labels that settle from now on; print the secret that it verifies them by, only now.

    Example: argtree webhooks add https://example.org/argtree
    """
    with writing(store) as session:
        number, secret = webhooks.add_webhook(session, url, datetime.now(UTC))
    err.print(f"Webhook {number} is told of labels as long as `argtree api` runs. Its secret:")
    print(secret)


@app.command(name="list")
def list_command(store: StoreOption = DEFAULT_STORE, as_json: JsonOption = False) -> None:
    """List webhooks, with how many deliveries wait, arrived, and were given up, and what went wrong last.

    Example: argtree webhooks list --json
    """
    with read_scope(open_store(store, create=False)) as session:
        there = webhooks.list_webhooks(session)
    if as_json:
        print(json.dumps([asdict(one) | {"made_at": one.made_at.isoformat()} for one in there], indent=1))
    elif there:
        table = Table("Number", "Address", "Waiting", "Delivered", "Failed", "Trouble", box=None, pad_edge=False)
        for one in there:
            counts = (str(one.waiting), str(one.delivered), str(one.failed))
            table.add_row(str(one.id), Text(printable(one.url)), *counts, Text(printable(one.trouble)))
        out.print(table)
    else:
        out.print("There are no webhooks: `argtree webhooks add URL` makes one.")


@app.command()
def remove(
    number: Annotated[int, typer.Argument(metavar="NUMBER", help="As `list` lists it.")],
    store: StoreOption = DEFAULT_STORE,
) -> None:
    """Tell an address nothing more, also not what waits for it.

    Example: argtree webhooks remove 1
    """
    with writing(store) as session:
        webhooks.remove_webhook(session, number, datetime.now(UTC))
    out.print(f"Webhook {number} is told nothing more.")
