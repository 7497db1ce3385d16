"""Where the files of a model are, and that loading them runs no code: weights are read from safetensors alone."""

import json
from pathlib import Path
from typing import Any

from huggingface_hub import snapshot_download

from models.errors import ModelNotFoundError, NoWeightsError, PickledWeightsError, first_line

PICKLED = ("*.bin", "*.pt", "*.pth", "*.ckpt", "*.pkl")
DOWNLOADED = ["*.safetensors", "*.json", "*.model", "*.txt", "*.jinja"]  # of a hub repository, its top folder only


def find_folder(source: str | Path) -> Path:
    """The folder of a model, fetched from the hub (or its cache) where `source` is no folder here."""
    folder = Path(source).expanduser()
    if folder.is_dir():
        return folder
    if isinstance(source, Path) or folder.is_absolute() or str(source).startswith(".") or len(folder.parts) > 2:
        raise ModelNotFoundError(f"There is no model folder {folder}.")
    try:
        # Top folder and safe files only: pickled weights aren't even downloaded.
        return Path(snapshot_download(source, allow_patterns=DOWNLOADED, ignore_patterns=["*/*", "consolidated*"]))
    except Exception as exc:  # no network, no such name, no right to it: the hub has a dozen classes for these
        raise ModelNotFoundError(
            f"There is no model folder {folder}, and the hub gives none of that name ({first_line(exc)})."
        ) from exc


def refuse_unsafe(folder: Path) -> None:
    """Make sure that loading the folder reads weights from safetensors files only."""
    if not any(folder.glob("*.safetensors")):
        pickled = sorted(path.name for pattern in PICKLED for path in folder.glob(pattern))
        if pickled:
            raise PickledWeightsError(f"The weights in {folder} are pickled ({pickled[0]}): save them as safetensors.")
        raise NoWeightsError(f"There are no weights in {folder}: a model folder holds a file model.safetensors.")
    # Two ways round use_safetensors=True: the config may name the weights' file, and an index the shards.
    files = [read_json(path).get("transformers_weights") for path in folder.glob("config.json")]
    for path in folder.glob("*.index.json"):
        shards = read_json(path).get("weight_map")
        files += shards.values() if isinstance(shards, dict) else []
    for file in files:
        if file is not None and not str(file).endswith((".safetensors", ".safetensors.index.json")):
            raise PickledWeightsError(f"The model in {folder} asks for {str(file)[:200]!r}, which isn't safetensors.")


def read_json(path: Path) -> dict[str, Any]:
    """The JSON object in a file. Raises ModelNotFoundError where there is none."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as exc:
        raise ModelNotFoundError(f"{path} can't be read as JSON: {first_line(exc)}") from exc
    if not isinstance(value, dict):
        raise ModelNotFoundError(f"{path} holds no JSON object.")
    return value
