"""`argtree models`: what can be given as --model, and what it lacks. Finding it is in `models.discovery`."""

import json
import shlex
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Column, Table
from rich.text import Text

from argtree.cli_common import GenerationsOption, JsonOption, StoreOption, at_work, out
from argtree.text import printable
from models import address, discovery, four_bit
from models.generations import Registry
from store.database import DEFAULT_STORE

_PLAIN = set("#:/._-+@")


def register(program: typer.Typer) -> None:
    """Adds the command to the program."""
    program.command()(models)


def models(
    generations: GenerationsOption = None,
    calibration: Annotated[
        bool, typer.Option("--calibration", help="Instead, how well models' beliefs fit what people said in the store.")
    ] = False,
    store: StoreOption = DEFAULT_STORE,
    plot: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="With --calibration: draw the reliability diagrams into this .png or .svg."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """List the models that can be used, those of servers on this machine included, and what each lacks.

    Example: argtree models

    Example: argtree models --json

    Example: argtree models --calibration --store sqlite:///my.db --plot diagram.svg
    """
    if plot is not None and not calibration:
        raise typer.BadParameter("it goes with --calibration only", param_hint="--plot")
    if calibration:
        from argtree.cli_calibration import calibration_report  # models.calibration and what it needs take a second

        calibration_report(store, plot, as_json)
        return
    with at_work("Looking around"):
        servers = discovery.find_servers()
        choices = discovery.choices(Registry(generations), servers)
        gpu = _gpu()
    forms = _forms()
    if as_json:
        print(json.dumps({"models": [asdict(one) for one in choices], "forms": forms, "gpu": gpu}, indent=1))
        return
    whole = Column("--model", no_wrap=True, overflow="fold")  # on one line, to be copied, as long as there is room
    table = Table(whole, "What it is", "Lacks", box=None, pad_edge=False)
    for one in choices:
        table.add_row(Text(_as_typed(one.spec)), Text(printable(one.about)), Text(one.lacks, overflow="fold"))
    for form in forms:
        table.add_row(Text(form["form"], style="dim"), Text(form["about"], overflow="fold"), Text(form["lacks"]))
    out.print(table)
    out.print()
    if not servers:
        asked = ", ".join(f"{program} {port}" for program, port in discovery.USUAL_PORTS)
        out.print(f"No server answers on the usual ports of this machine: {asked}.")
    out.print(f"GPU: {printable(gpu)}" if gpu else "There is no GPU that PyTorch could use.", markup=False)


def _forms() -> list[dict[str, str]]:
    """How models are named that can't be listed."""
    lacks = "" if discovery.has_gguf() else "llama-cpp-python: `pip install 'argtree[gguf]'` brings it"
    adapted = "with a LoRA adapter, of a folder or the hub; goes with hf-4bit: too"
    about = f"a server that speaks OpenAI's HTTP API; its key, if any, in {address.KEY_VARIABLE}"
    return [
        {"form": "hf:NAME_OR_FOLDER", "about": "a causal language model of the Hugging Face hub or here", "lacks": ""},
        {"form": "hf:NAME_OR_FOLDER+ADAPTER", "about": adapted, "lacks": ""},
        {"form": "hf-4bit:NAME_OR_FOLDER", "about": "its weights in four bits", "lacks": four_bit.lacks()},
        {"form": "gguf:FILE", "about": "a model in llama.cpp's form", "lacks": lacks},
        {"form": address.FORM, "about": about, "lacks": ""},
    ]


def _as_typed(spec: str) -> str:
    """The spec as it can be copied into a shell: a server may give its models any name."""
    shown = printable(spec)
    return shown if all(char.isascii() and char.isalnum() or char in _PLAIN for char in shown) else shlex.quote(shown)


def _gpu() -> str | None:
    """The name of the GPU that models run on, if there is one."""
    import torch  # takes seconds

    cuda: Any = torch.cuda
    return str(cuda.get_device_name()) if cuda.is_available() else None
