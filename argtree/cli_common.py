"""What the commands share: options, the two consoles, and how to say that something takes a while."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from sqlmodel import Session

from argtree.errors import ArgtreeError
from models.generations import FOLDER_VARIABLE
from store.database import open_store, session_scope

if TYPE_CHECKING:
    from models.elicitation import Elicitor

out = Console(highlight=False)
err = Console(stderr=True, highlight=False, soft_wrap=True)

StoreOption = Annotated[
    str, typer.Option("--store", envvar="ARGTREE_STORE", help="SQLAlchemy URL or path of the store.")
]
ModelOption = Annotated[
    str,
    typer.Option(
        "--model",
        help="The language model: bundled, hf:NAME_OR_FOLDER, openai:URL#MODEL, generation:N or replay:FILE; "
        "`argtree models` lists what is there.",
    ),
]
DraftOption = Annotated[
    str | None,
    typer.Option(
        "--draft",
        help="What guesses the model's next words, which it then checks several at once; replies stay the same. A "
        "smaller model of the same family, named as for --model, or lookup, which repeats what stood before.",
    ),
]
FirstModelOption = Annotated[
    str | None,
    typer.Option("--model", help="Generation 0, where there is none yet: bundled (the default), or hf:NAME_OR_FOLDER."),
]
EmbeddingOption = Annotated[
    str,
    typer.Option(
        "--embedding",
        help="What sees that a premise may say what a claim says, before a general model decides, and which facts are "
        "near a claim: hashed, minilm or hf:FOLDER of a sentence encoder.",
    ),
]
DocumentsOption = Annotated[
    Path | None,
    typer.Option(
        "--documents",
        metavar="FOLDER",
        help="Your own texts (.txt, .md, .rst): passages near a claim are put before a general model. Raters can read "
        "on the claim's page which.",
    ),
]
SeedOption = Annotated[
    int | None, typer.Option("--seed", help="Draw arguments at random with this seed, not the likeliest ones.")
]
TokenPriceOption = Annotated[
    float,
    typer.Option(
        "--token-price",
        min=0,
        help="Seconds of a rater that 1,000 model tokens count as: what tells less for its tokens than the best open "
        "question for a rater's time is left until that is answered. 0: everything is explored.",
    ),
]
WorkersOption = Annotated[
    int,
    typer.Option(
        "--workers",
        min=1,
        help="Explorers at work at the same time, in one process, with one model. More processes on the same store "
        "share the work too.",
    ),
]
GenerationsOption = Annotated[
    Path | None,
    typer.Option("--generations", envvar=FOLDER_VARIABLE, help="The folder of generations; by default `generations`."),
]
MethodOption = Annotated[
    Literal["lora", "full"] | None,
    typer.Option(
        "--method", help="Train an adapter, or all weights; by default all weights of models of the bundled world."
    ),
]
EpochsOption = Annotated[
    float | None,
    typer.Option(
        "--epochs",
        min=0.001,
        help="Passes over dataset and replay; by default 3, and 1 for the bundled world's models.",
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for a program.")]
AddressOption = Annotated[
    str, typer.Option(help="The address to serve on; anything but 127.0.0.1 lets other machines reach it.")
]
PortOption = Annotated[int, typer.Option(min=1, max=65535, help="The port to serve on.")]


@contextmanager
def at_work(words: str) -> Iterator[None]:
    """Shows on a terminal what is being done and for how long, until it is done."""
    columns = (SpinnerColumn(), TextColumn("{task.description}", markup=False), TimeElapsedColumn())
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as progress:
        progress.add_task(words, total=None)
        yield


@contextmanager
def counted(words: str) -> Iterator[Callable[[int, int], None]]:
    """Shows a bar on a terminal; gives what moves it, to how much is done of how much."""
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as progress:
        task = progress.add_task(words, total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)


def picture_format(path: Path) -> Literal["png", "svg"]:
    """Returns the form of picture that a file's name asks for. Raises ArgtreeError where it is another."""
    ending = path.suffix.lower()
    if ending == ".png" or ending == ".svg":
        return "png" if ending == ".png" else "svg"
    raise ArgtreeError(f"{path} must end in .png or .svg, the pictures that can be drawn")


@contextmanager
def writing(store: str) -> Iterator[Session]:
    """Gives a session of a store that is there, which may write. Raises StoreError."""
    engine = open_store(store, create=False)
    try:
        with session_scope(engine) as session:
            yield session
    finally:
        engine.dispose()


def load_elicitor(
    model: str,
    seed: int | None,
    generations: Path | None = None,
    stop: Event | None = None,
    draft: str | None = None,
) -> "Elicitor":
    from models.elicitation import Elicitor
    from models.errors import ModelNotFoundError
    from models.load import load_model

    try:
        with err.status("Loading the model"):
            return Elicitor(load_model(model, generations=generations, stop=stop, draft=draft), seed=seed)
    except ModelNotFoundError as exc:
        raise ModelNotFoundError(f"{exc} `argtree models` lists what is there.") from exc
