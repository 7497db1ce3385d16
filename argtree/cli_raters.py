"""`argtree raters`: who answers, for whoever has the store itself; nobody is asked who they are."""

import json
import sys
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from argtree.cli_common import JsonOption, StoreOption, out, writing
from argtree.errors import ArgtreeError
from argtree.text import printable
from store import accounts, invitations, roles, tokens
from store.database import DEFAULT_STORE, open_store, read_scope
from store.raters import find_rater
from store.roles import Role, Standing

app = typer.Typer(help="List raters, make accounts and tokens, pause and invite.", rich_markup_mode="rich")
NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="The rater's name.")]
RoleOption = Annotated[Role, typer.Option(help="What they may do: a reviewer sets labels right, an administrator all.")]
PasswordOption = Annotated[
    bool, typer.Option("--password/--no-password", help="Ask for a password, or let only a provider vouch for them.")
]


def register(program: typer.Typer) -> None:
    """Adds the commands to the program."""
    program.add_typer(app, name="raters")


@app.callback(invoke_without_command=True)
def _main(context: typer.Context, store: StoreOption = DEFAULT_STORE, as_json: JsonOption = False) -> None:
    """List raters; commands make accounts and tokens, pause and invite.

    Example: argtree raters

    Example: argtree raters add ada --role administrator
    """
    if context.invoked_subcommand is None:
        _list(store, as_json)


@app.command(name="list")
def _list(store: StoreOption = DEFAULT_STORE, as_json: JsonOption = False) -> None:
    """List everybody, with their role, how many answers they gave, when they were last seen, and pauses.

    Example: argtree raters list --json
    """
    with read_scope(open_store(store, create=False)) as session:
        standings = roles.list_raters(session, None)
    if as_json:
        print(json.dumps([_plain(one) for one in standings], indent=1))
    elif standings:
        out.print(_table(standings))
    else:
        out.print("There is nobody yet: the first one to open `argtree ui` becomes the administrator.")


@app.command()
def add(
    name: NameArgument,
    store: StoreOption = DEFAULT_STORE,
    role: RoleOption = "rater",
    password: PasswordOption = True,
) -> None:
    """Make an account; its password is asked for twice, or read from a pipe.

    Example: argtree raters add ada --role administrator

    Example: argtree raters add ada@example.org --no-password
    """
    with writing(store) as session:
        accounts.add_rater(session, name, role, _ask_password() if password else None, _now())
    out.print(f"{printable(name)} is in the store as {role}.", markup=False)


@app.command()
def password(name: NameArgument, store: StoreOption = DEFAULT_STORE) -> None:
    """Set a rater's password anew, and sign them out everywhere.

    Example: argtree raters password ada
    """
    with writing(store) as session:
        rater = find_rater(session, name)
        session.commit()  # let others write while it is typed
        accounts.set_password(session, rater, _ask_password())
    out.print(f"{printable(name)} has a new password.", markup=False)


@app.command()
def role(
    name: NameArgument,
    new_role: Annotated[Role, typer.Argument(metavar="ROLE", help="rater, reviewer or administrator.")],
    store: StoreOption = DEFAULT_STORE,
) -> None:
    """Change what a rater may do.

    Example: argtree raters role ada reviewer
    """
    with writing(store) as session:
        roles.set_role(session, find_rater(session, name), new_role, None)
    out.print(f"{printable(name)} is {new_role} now.", markup=False)


@app.command()
def pause(
    name: NameArgument,
    reason: Annotated[str, typer.Option(help="Why; the rater is told.")],
    store: StoreOption = DEFAULT_STORE,
) -> None:
    """Let a rater get no more questions, until `resume`.

    Example: argtree raters pause ben --reason "Answers came within a second."
    """
    if not reason.strip():
        raise typer.BadParameter("a pause needs a reason: the rater is told it", param_hint="--reason")
    with writing(store) as session:
        roles.pause(session, find_rater(session, name), reason, None, _now())
    out.print(f"{printable(name)} is paused.", markup=False)


@app.command()
def resume(name: NameArgument, store: StoreOption = DEFAULT_STORE) -> None:
    """End a rater's pause.

    Example: argtree raters resume ben
    """
    with writing(store) as session:
        roles.resume(session, find_rater(session, name), None)
    out.print(f"{printable(name)} gets questions.", markup=False)


@app.command()
def invite(
    store: StoreOption = DEFAULT_STORE,
    role: RoleOption = "rater",
    rater: Annotated[str | None, typer.Option(help="Somebody who is there, to set a new password.")] = None,
    address: Annotated[str, typer.Option(help="Where the desk is served.")] = "http://127.0.0.1:8501",
) -> None:
    """Print a link that is good once, for a week.

    Example: argtree raters invite --role reviewer --address https://desk.example.org
    """
    with writing(store) as session:
        whom = None if rater is None else find_rater(session, rater)
        token = invitations.invite(session, role, None, _now(), whom)
    print(f"{address.rstrip('/')}/?invite={token}")


@app.command()
def token(
    name: NameArgument,
    store: StoreOption = DEFAULT_STORE,
    note: Annotated[str, typer.Option(help="Which program it is for; shown by `tokens`.")] = "",
) -> None:
    """Print a token by which a program answers for a rater at `argtree api`. It is shown only now.

    Example: argtree raters token ada --note "labelling notebook"
    """
    with writing(store) as session:
        made = tokens.make_token(session, find_rater(session, name), None, _now(), note)
    print(made)


@app.command(name="tokens")
def list_tokens(store: StoreOption = DEFAULT_STORE, as_json: JsonOption = False) -> None:
    """List the tokens that are good: whose, what for, and since when.

    Example: argtree raters tokens
    """
    with read_scope(open_store(store, create=False)) as session:
        given = tokens.list_tokens(session, None)
    if as_json:
        print(json.dumps([_plain(one) for one in given], indent=1))
    elif given:
        table = Table("Number", "Rater", "For", "Made", box=None, pad_edge=False)
        for one in given:
            made = f"{one.made_at:%Y-%m-%d %H:%M}"
            table.add_row(str(one.id), Text(printable(one.rater)), Text(printable(one.note)), made)
        out.print(table)
    else:
        out.print("There are no tokens: `argtree raters token NAME` makes one.")


@app.command()
def withdraw(
    number: Annotated[int, typer.Argument(metavar="NUMBER", help="As `tokens` lists it.")],
    store: StoreOption = DEFAULT_STORE,
) -> None:
    """Make a token worthless, from its program's next request on.

    Example: argtree raters withdraw 3
    """
    with writing(store) as session:
        tokens.withdraw_token(session, number, None)
    out.print(f"Token {number} is worthless now.")


def _ask_password() -> str:
    """Returns what is typed twice on a terminal, unseen, or else the next line of the input."""
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\n")
    first = typer.prompt("Password", hide_input=True, err=True)
    if typer.prompt("Once more", hide_input=True, err=True) != first:
        raise ArgtreeError("The two passwords are not the same: nothing was changed.")
    return str(first)


def _table(standings: list[Standing]) -> Table:
    table = Table("Name", "Role", "Answers", "Last seen", "Paused", box=None, pad_edge=False)
    for one in standings:
        seen = "" if one.seen_at is None else f"{one.seen_at:%Y-%m-%d %H:%M}"
        table.add_row(
            Text(printable(one.name)), one.role, str(one.answers), seen, Text(printable(one.paused_reason or ""))
        )
    return table


def _plain(one: Standing | tokens.Given) -> dict[str, object]:
    return {key: value.isoformat() if isinstance(value, datetime) else value for key, value in asdict(one).items()}


def _now() -> datetime:
    return datetime.now(UTC)
