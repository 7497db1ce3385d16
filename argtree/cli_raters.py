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
from store.records import Estimate, Record, list_records
from store.roles import Role

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
    """List everybody, with their role, how many answers they gave, what these have shown of them, and pauses.

    Sensitivity is how often they say yes where a claim is true, specificity how often no where it is false, each with
    the interval that it lies in with 90 %; gold, how many questions put to try them they got right.

    Example: argtree raters list --json
    """
    with read_scope(open_store(store, create=False)) as session:
        records = list_records(session, None)
    if as_json:
        print(json.dumps([_plain(one) for one in records], indent=1))
    elif records:
        out.print(_table(records))
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
    dismiss: Annotated[bool, typer.Option("--dismiss", help="Their answers so far no longer count.")] = False,
) -> None:
    """Let a rater get no more questions, until `resume`.

    Example: argtree raters pause ben --reason "Answers came within a second." --dismiss
    """
    if not reason.strip():
        raise typer.BadParameter("a pause needs a reason: the rater is told it", param_hint="--reason")
    with writing(store) as session:
        roles.pause(session, find_rater(session, name), reason, None, _now(), dismiss_answers=dismiss)
    more = ", and their answers so far no longer count" if dismiss else ""
    out.print(f"{printable(name)} is paused{more}.", markup=False)


@app.command()
def resume(name: NameArgument, store: StoreOption = DEFAULT_STORE) -> None:
    """End a rater's pause. Answers that no longer count go on not counting: see `count-again`.

    Example: argtree raters resume ben
    """
    with writing(store) as session:
        roles.resume(session, find_rater(session, name), None)
    out.print(f"{printable(name)} gets questions.", markup=False)


@app.command(name="count-again")
def count_again(
    name: NameArgument,
    store: StoreOption = DEFAULT_STORE,
    reason: Annotated[str, typer.Option(help="Why; it is written down.")] = "",
) -> None:
    """Let a rater's answers count again that a pause dismissed.

    Example: argtree raters count-again ben --reason "A slip of ours."
    """
    with writing(store) as session:
        roles.count_again(session, find_rater(session, name), reason, None, _now())
    out.print(f"All answers of {printable(name)} count.", markup=False)


@app.command()
def vouch(
    name: NameArgument,
    store: StoreOption = DEFAULT_STORE,
    no: Annotated[bool, typer.Option("--no", help="Vouch for them no longer.")] = False,
) -> None:
    """Vouch for a rater: they are believed from the first, and neither tried with gold questions nor paused by checks.

    Example: argtree raters vouch ben

    Example: argtree raters vouch ben --no
    """
    with writing(store) as session:
        roles.vouch(session, find_rater(session, name), not no, None)
    said = "is vouched for no longer" if no else "is vouched for"
    out.print(f"{printable(name)} {said}.", markup=False)


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


def _table(records: list[Record]) -> Table:
    columns = ("Name", "Role", "Answers", "Sensitivity", "Specificity", "Gold", "Believed", "Last seen", "Paused")
    table = Table(*columns, box=None, pad_edge=False)
    for record in records:
        one = record.standing
        paused = one.paused_reason or ""
        said = f"answers dismissed: {paused}" if record.is_dismissed and paused else paused
        table.add_row(
            Text(printable(one.name)),
            one.role,
            str(one.answers),
            _interval(record.sensitivity),
            _interval(record.specificity),
            f"{record.gold_right} of {record.gold_answered}" if record.gold_answered else "",
            "yes" if record.is_believed else "no",
            "" if one.seen_at is None else f"{one.seen_at:%Y-%m-%d %H:%M}",
            Text(printable(said or ("answers dismissed" if record.is_dismissed else ""))),
        )
    return table


def _interval(estimate: Estimate | None) -> str:
    if estimate is None:
        return ""
    return f"{estimate.mean:.0%} ({100 * estimate.low:.0f}-{100 * estimate.high:.0f})"


def _plain(one: Record | tokens.Given) -> dict[str, object]:
    plain = asdict(one)
    flat = {**plain.pop("standing", {}), **plain}
    return {key: value.isoformat() if isinstance(value, datetime) else value for key, value in flat.items()}


def _now() -> datetime:
    return datetime.now(UTC)
