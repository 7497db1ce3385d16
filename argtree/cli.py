"""The command line. Bad input gets one sentence on standard error and exit code 1.

Each command opens what it needs and prints; what it does lies elsewhere. Models and Streamlit are imported by the
commands that use them, since they take seconds.
"""

import getpass
import io
import json
import logging
import math
import signal
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import RenderableType
from rich.highlighter import NullHighlighter
from rich.logging import RichHandler
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
)
from sqlalchemy import Engine
from sqlmodel import Session

from argtree import (
    cli_api,
    cli_calls,
    cli_export,
    cli_finetune,
    cli_judge,
    cli_loop,
    cli_merges,
    cli_models,
    cli_raters,
    cli_webhooks,
    draw,
)
from argtree.cli_common import (
    AddressOption,
    DocumentsOption,
    DraftOption,
    EmbeddingOption,
    JsonOption,
    ModelOption,
    PortOption,
    SeedOption,
    StoreOption,
    TokenPriceOption,
    WorkersOption,
    at_work,
    err,
    load_elicitor,
    out,
    picture_format,
)
from argtree.errors import ArgtreeError
from argtree.explain import explain as explain_claim
from argtree.format import graph_to_json, read_graph, write_whole
from argtree.graph import ArgumentGraph
from argtree.names import find_claim, parse_given
from argtree.propagate import Propagation, Propagator, propagate
from argtree.quantity_value import quantity_worths
from argtree.rank import Ranked, rank
from argtree.report import Report, value_table
from argtree.search_price import TOKEN_PRICE
from argtree.value import Measure
from argtree.what_if import suppose
from store import claims, queue, ranking
from store.accounts import has_account
from store.answers import labels
from store.database import DEFAULT_STORE, open_store, read_scope, session_scope
from store.graphs import load_graph, save_graph
from store.own_questions import own_roots

if TYPE_CHECKING:
    from argtree.explorer import Explorer
    from argtree.workers import Assistant
    from models.elicitation import Elicitor
    from models.embedding import Embedding

DEFAULT_BUDGET = 400
SHOWN_QUESTIONS = 10

app = typer.Typer(no_args_is_help=True, rich_markup_mode="rich", pretty_exceptions_enable=False, add_completion=False)
cli_finetune.register(app)
cli_judge.register(app)
RootArgument = Annotated[str, typer.Argument(metavar="ROOT", help="Number, id, question or claim of a root.")]


cli_calls.register(app)
cli_export.register(app)
cli_loop.register(app)
cli_merges.register(app)
cli_models.register(app)
cli_raters.register(app)
cli_api.register(app)
cli_webhooks.register(app)


@app.callback()
def _main() -> None:
    """Finds out what a language model would pay most to know, and asks a person just that."""


@app.command(name="rank")
def rank_command(
    file: Annotated[
        Path | None,
        typer.Argument(metavar="FILE.json", help="A graph in the form argtree-graph/1 or /2; without it, the store's."),
    ] = None,
    store: StoreOption = DEFAULT_STORE,
    measure: Annotated[Measure, typer.Option(help="The value of information to rank by.")] = "variance_reduction",
    top: Annotated[int | None, typer.Option(min=1, help="How many claims to list at most.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="List every claim, not only what is worth asking.")] = False,
    explain: Annotated[
        str | None, typer.Option(metavar="CLAIM", help="Say why this claim matters instead of listing all.")
    ] = None,
    given: Annotated[
        list[str] | None,
        typer.Option(
            metavar="CLAIM=yes|no|PROB", help="What if it were so? Nothing is stored. May be given several times."
        ),
    ] = None,
    plot: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Draw value against probability into this .png or .svg file.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """List the claims of a graph, or of the store, by what it would be worth to know them.

    A CLAIM is named by its id or its exact text. Several --given hold together.

    Example: argtree rank asia.json --top 5

    Example: argtree rank asia.json --explain smoke

    Example: argtree rank asia.json --given smoke=yes --given tub=0.2

    Example: argtree rank --store sqlite:///my.db --plot value.png
    """
    if plot is not None:
        picture_format(plot)  # before any work
    with at_work("Reading the graph"):
        graph = _graph(file, store)
    claim = None if explain is None else find_claim(graph, explain)
    supposed = parse_given(graph, given or [])
    with at_work("Working out what it would be worth to know each claim"):
        began = time.perf_counter()
        propagator = Propagator(only_askable=not everything and (claim is None or graph.is_askable(claim)))
        before = propagator(graph)
        result = suppose(before, supposed, propagator)
        report = Report(result, before, supposed, measure, time.perf_counter() - began)
        if claim is not None:
            reasons = explain_claim(result, claim, measure)
            found = report.explanation_to_json(reasons)
            lines: Sequence[RenderableType] = report.reasons(reasons)
        else:
            ranked, numbers = rank(result, measure, everything=everything)[:top], report.numbers()[:top]
            found, lines = report.list_to_json(ranked, numbers), report.list_of(ranked, numbers)
    if as_json:
        print(json.dumps(report.to_json() | found))
    else:
        for line in [*report.heading(), *lines]:
            out.print(line)
    if plot is not None:
        _write_plot(plot, result, measure)


@app.command()
def explore(
    questions: Annotated[list[str], typer.Argument(metavar="QUESTION...", help="What you would like to know.")],
    store: StoreOption = DEFAULT_STORE,
    model: ModelOption = "bundled",
    draft: DraftOption = None,
    budget: Annotated[
        int, typer.Option(min=1, help="Model calls of this run; an expansion once begun is finished.")
    ] = DEFAULT_BUDGET,
    seed: SeedOption = None,
    embedding: EmbeddingOption = "hashed",
    documents: DocumentsOption = None,
    token_price: TokenPriceOption = TOKEN_PRICE,
    workers: WorkersOption = 1,
) -> None:
    """Grow argument trees under questions and say what would be worth asking a person.

    Interrupted, nothing is lost: the same command goes on.

    Example: argtree explore "Would a candle survive a drop from a roof?" --budget 200

    Example: argtree explore "Would honey be ruined by rain?" "Would a candle be ruined by rain?" --workers 4
    """
    from models.embedding import load_embedding

    stop = Event()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # as Ctrl-C
    elicitor = load_elicitor(model, seed, stop=stop, draft=draft)
    for question in questions:
        elicitor.check_question(question)  # all of them, before anything is stored
    likeness = load_embedding(embedding)  # a mistake in its name shows before anything is stored
    explorer, *assistants = _explorers(store, elicitor, token_price, (likeness, documents), workers, stop)
    try:
        keys = list(dict.fromkeys(explorer.add_question(question) for question in questions))
        _explore([explorer, *assistants], keys, budget, stop)
    except KeyboardInterrupt:
        err.print("Stopped. Everything so far is in the store; the same command goes on.")
        raise typer.Exit(130) from None
    with at_work("Ranking the questions"):
        explorer.rank()
    with read_scope(explorer.engine) as session:
        for key in keys:
            out.print()
            _print_tree(session, key)
            cli_calls.print_cost(session, key)
    out.print()
    _print_queue(explorer.engine)
    dropped = sum(one.elicitor.dropped for one in (explorer, *assistants))
    if dropped:
        err.print(f"{dropped} replies or arguments of the model could not be used and were dropped.")


@app.command()
def daemon(
    store: StoreOption = DEFAULT_STORE,
    model: ModelOption = "bundled",
    draft: DraftOption = None,
    seed: SeedOption = None,
    embedding: EmbeddingOption = "hashed",
    documents: DocumentsOption = None,
    token_price: TokenPriceOption = TOKEN_PRICE,
    workers: WorkersOption = 1,
    curious: Annotated[
        bool,
        typer.Option(
            "--curious", help="When nothing is left to explore, let the model ask itself about what it is unsure of."
        ),
    ] = False,
) -> None:
    """Explore all open roots for ever and keep the raters' queue ranked; SIGTERM or Ctrl-C stops it cleanly.

    With --model generation:current it goes on with each generation that is promoted.

    Example: argtree daemon --store sqlite:///team.db

    Example: argtree daemon --workers 8

    Example: argtree daemon --curious
    """
    from argtree.calls import recorded
    from argtree.daemon import Follower, run
    from argtree.explorer import utc_now
    from argtree.posing import Curious
    from argtree.workers import shared
    from models.embedding import load_embedding
    from models.generations import Registry

    logging.getLogger("argtree").setLevel(logging.INFO)
    stop = Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: stop.set())

    def load(spec: str) -> "Elicitor":
        return load_elicitor(spec, seed, stop=stop, draft=draft)

    likeness = load_embedding(embedding)
    explorer, *assistants = _explorers(store, load(model), token_price, (likeness, documents), workers, stop)
    engine = explorer.engine
    err.print("The daemon is running; Ctrl-C stops it.")
    follows = model == "generation:current"
    follower = Follower(Registry(), lambda spec: recorded(engine, shared(load(spec), workers, stop), utc_now))
    pose = Curious(explorer, likeness, seed or 0) if curious else None
    run(explorer, stop, follow_fn=follower if follows else None, assistants=assistants, pose_fn=pose)
    err.print("The daemon has stopped.")


@app.command()
def show(
    root: RootArgument,
    store: StoreOption = DEFAULT_STORE,
    svg: Annotated[Path | None, typer.Option(help="Draw the tree into this SVG file.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Draw the argument tree of a root.

    Example: argtree show 1 --svg tree.svg
    """
    engine = open_store(store, create=False)
    with read_scope(engine) as session:
        key = claims.root_claim(session, claims.find_root(session, root)).key
        graph = load_graph(session, [key])
        if as_json:
            print(json.dumps(graph_to_json(graph), indent=1))
        elif svg is None:
            _print_tree(session, key)
            if (posed_by := own_roots(session).get(key)) is not None:
                out.print(f"Asked by the model itself ({draw.printable(posed_by)}).", style="dim", markup=False)
            cli_calls.print_cost(session, key)
        if svg is not None:
            picture = draw.svg(graph, key, propagate(graph), labels(session))
            write_whole(svg, picture.encode("utf-8"))
            err.print(f"Drawn into {svg}.", markup=False)


@app.command(name="import")
def import_command(
    file: Annotated[Path, typer.Argument(metavar="FILE.json", help="A graph in the form argtree-graph/1 or /2.")],
    store: StoreOption = DEFAULT_STORE,
) -> None:
    """Bring a graph made elsewhere into the store, so that its unknowns stand in the queue. No model is needed.

    Example: argtree import plan.json
    """
    graph = read_graph(file)
    engine = open_store(store)
    with at_work("Working out what to ask"), session_scope(engine) as session:
        save_graph(session, graph, datetime.now(UTC))
        propagate(load_graph(session))  # what can't be propagated must not get in: it would block everything else
        session.commit()
        ranking.rerank(session, Propagator(only_askable=True), datetime.now(UTC), quantity_worths)
    num_claims, num_arguments, num_quantities = len(graph.claims), len(graph.arguments), len(graph.quantities)
    counts = f"{num_claims} claims and {num_arguments} arguments"
    if num_quantities:
        counts = f"{num_claims} claims, {num_arguments} arguments and {num_quantities} quantities"
    out.print(f"{counts} are in the store.")
    _print_queue(engine)


@app.command()
def ui(
    store: StoreOption = DEFAULT_STORE,
    port: PortOption = 8501,
    address: AddressOption = "127.0.0.1",
    guidelines: Annotated[
        Path | None, typer.Option(help="A text or Markdown file for raters, shown beside the questions.")
    ] = None,
) -> None:
    """Serve the desk, where raters answer. The first one to sign up becomes its administrator.

    Example: argtree ui --port 8501

    Example: argtree ui --guidelines how-to-answer.md

    Example: argtree ui --address 0.0.0.0 (behind a proxy that speaks HTTPS)
    """
    from oracle_ui.guidelines import GuidelinesError, read_guidelines
    from oracle_ui.serve import is_loopback, serve

    try:
        read_guidelines(guidelines)
    except GuidelinesError as exc:
        raise typer.BadParameter(draw.printable(str(exc)), param_hint="--guidelines") from exc
    engine = open_store(store, create=False)
    with read_scope(engine) as session:
        is_claimed = has_account(session)
    engine.dispose()
    if not is_claimed and not is_loopback(address):
        raise ArgtreeError(
            f"Whoever came first to {address} would be the administrator: make one before, with "
            "`argtree raters add NAME --role administrator`."
        )
    raise typer.Exit(serve(store, port, address, guidelines))


@app.command()
def answer(
    store: StoreOption = DEFAULT_STORE,
    rater: Annotated[str | None, typer.Option(help="Your name; by default your login.")] = None,
) -> None:
    """Answer the most valuable questions in the terminal: y, n, a probability, s to skip, q to quit.

    Example: printf 'y\\n0.3\\nq\\n' | argtree answer --rater ada
    """
    from oracle_ui.terminal import answer_questions

    count = answer_questions(store, rater or _login(), sys.stdin, out)
    out.print(f"{count} answered. Thank you." if count else "Nothing was answered.")


def main() -> None:
    """Entry point: errors that a user can mend are one sentence on standard error."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal that is not UTF-8 gets question marks, not a traceback
    handler = RichHandler(console=err, show_path=False, show_level=False, markup=False, highlighter=NullHighlighter())
    logging.basicConfig(level=logging.WARNING, format="%(message)s", handlers=[handler])
    try:
        app()
    except ArgtreeError as error:
        err.print(f"Error: {draw.printable(str(error))}", markup=False)
        sys.exit(1)
    except BrokenPipeError:
        sys.exit(1)
    except OSError as error:
        err.print(f"Error: {error.strerror or error}: {error.filename or ''}".rstrip(": "), markup=False)
        sys.exit(1)


def _explorers(
    store: str,
    elicitor: "Elicitor",
    token_price: float,
    likeness: "tuple[Embedding, Path | None]",
    workers: int,
    stop: Event,
) -> "tuple[Explorer, *tuple[Assistant, ...]]":
    """The one that adds questions and ranks, then those that expand beside it.

    `likeness` is the embedding model and the folder of documents, if there is one.
    """
    from argtree.calls import recorded
    from argtree.documents import open_documents
    from argtree.explorer import Explorer, utc_now
    from argtree.workers import Assistant, shared

    if not math.isfinite(token_price):
        raise typer.BadParameter("it must be a number of seconds", param_hint="--token-price")
    embedding, folder = likeness
    documents = None
    if folder is not None:
        with at_work("Reading the documents"):
            documents = open_documents(folder, store, embedding, elicitor.model)
    engine = open_store(store)
    asks = recorded(engine, shared(elicitor, workers, stop), utc_now)
    leader = Explorer(engine, asks, token_price=token_price, embedding=embedding, documents=documents)
    return leader, *(Assistant(leader, embedding, documents) for _ in range(workers - 1))


def _login() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # in a container, say, where the user has no name
        raise typer.BadParameter("you have no login name here: say who you are", param_hint="--rater") from None


def _explore(explorers: "Sequence[Explorer]", keys: list[str], budget: int, stop: Event) -> None:
    """Step until the budget is used or nothing open can move a root, with a progress bar."""
    from argtree.workers import Expedition

    expedition = Expedition(explorers, keys, budget, stop)
    columns = (TextColumn("model calls"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, TextColumn("{task.description}", markup=False), console=err) as bar:
        task = bar.add_task("", total=budget, completed=expedition.calls)

        def show(explorer: "Explorer") -> None:
            probs = "  ".join(f"{prob:.2f}" for prob in explorer.root_probs(keys).values())
            bar.update(task, completed=expedition.calls, description=f"P(root) {probs}")

        expedition.run(show)
        bar.update(task, total=expedition.calls)


def _print_tree(session: Session, key: str) -> None:
    graph = load_graph(session, [key])
    out.print(draw.tree(graph, key, propagate(graph), labels(session)))


def _print_queue(engine: Engine) -> None:
    """The most valuable open questions, and what to do with them."""
    with read_scope(engine) as session:
        asked = queue.open_questions(session, datetime.now(UTC), limit=SHOWN_QUESTIONS)
    if not asked:
        out.print("There is nothing worth asking a person.")
        return
    ranked = [
        Ranked(one.claim or "", one.text, math.nan if one.prob is None else one.prob, one.value, 0.0) for one in asked
    ]
    out.print(value_table(ranked, "variance_reduction"))
    out.print("Answer them with `argtree ui` or `argtree answer`.")


def _graph(file: Path | None, store: str) -> ArgumentGraph:
    if file is not None:
        return read_graph(file)
    with read_scope(open_store(store, create=False)) as session:
        return load_graph(session)


def _write_plot(path: Path, result: Propagation, measure: Measure) -> None:
    from argtree.plot import plot

    write_whole(path, plot(result, measure, picture_format(path)))
    err.print(f"Drawn into {path}.", markup=False)


if __name__ == "__main__":
    main()
