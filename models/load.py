"""From the text that names a model to the model.

Not here: how a backend works. Backends are imported when one is asked for: importing `transformers` takes seconds.
"""

from collections.abc import Callable
from importlib import resources
from pathlib import Path
from threading import Event

from models import address
from models.base import LOOKUP, LanguageModel, Speculative
from models.errors import GenerationError, ModelNotFoundError, NoWeightsError, UnknownSpecError
from models.generations import PREFIX as GENERATION_PREFIX
from models.generations import Generation, Registry

BUNDLED = "bundled"
HF_PREFIX = "hf:"
FOUR_BIT_PREFIX = "hf-4bit:"
GGUF_PREFIX = "gguf:"
REPLAY_PREFIX = "replay:"


def load_model(
    spec: str, *, generations: Path | None = None, stop: Event | None = None, draft: str | None = None
) -> LanguageModel:
    """The model that `spec` names, ready to use.

    Args:
        spec: "bundled" for the model that comes with argtree; "hf:NAME_OR_FOLDER" for a causal language model in a
            local folder, or on the Hugging Face hub under NAME, "hf:NAME_OR_FOLDER+ADAPTER" with a LoRA adapter from
            another folder or name, and "hf-4bit:" in place of "hf:" for weights in four bits; "gguf:FILE" for one in a
            file of llama.cpp's form, if the extra `gguf` is installed; "openai:URL#MODEL" for one on a server that
            speaks OpenAI's HTTP API; "generation:current" or "generation:3" for one that was trained here;
            "replay:FILE" for what a model said in an earlier run (`argtree calls --out FILE`).
        generations: The folder of generations; by default that of the environment variable ARGTREE_GENERATIONS, else
            `generations`.
        stop: Ends every wait for a server once it is set.
        draft: What guesses its greedy replies (see `Speculative`): the spec of a smaller model of the same backend and
            the same tokens, or "lookup".

    Raises:
        UnknownSpecError: `spec` has none of these forms.
        KeyRefusedError: The environment holds what is no key for a server.
        GenerationError: There is no such generation.
        ModelNotFoundError: There is no such model, or it can't be loaded.
        NoWeightsError: Its folder holds no weights.
        PickledWeightsError: Its weights are pickled.
    """
    if draft is not None:
        return _with_draft(load_model(spec, generations=generations, stop=stop), spec, draft, generations)
    if spec.startswith(GENERATION_PREFIX):
        registry = Registry(generations)
        return _load_generation(registry, registry.find(spec))
    if spec.startswith(GGUF_PREFIX):
        return _load_gguf(spec)
    if spec.startswith(address.PREFIX):
        from models.server import load_server

        return load_server(spec, stop)
    if spec.startswith(REPLAY_PREFIX):
        from models.recording import ReplayedModel

        return ReplayedModel(Path(spec.removeprefix(REPLAY_PREFIX)), world_check)
    return _load(_source(spec), spec, first=spec) if spec == BUNDLED else _load_hf(spec)


def bundled_folder() -> Path:
    """Folder of the bundled model's weights, in the package data; absent until `models.everyday.pretrain` made them."""
    return Path(str(resources.files("models") / "everyday" / "weights"))


def world_check(spec: str) -> Callable[[str], None] | None:
    """What refuses a question that the model can't speak of, without loading it; None: it is asked anything."""
    is_local = spec.startswith((HF_PREFIX, FOUR_BIT_PREFIX))
    if spec != BUNDLED and not (is_local and everyday_folder(spec) is not None):
        return None
    from models.everyday.world import check_question

    return check_question


def everyday_folder(spec: str) -> Path | None:
    """The folder of a model that was told the everyday world's text, or part of it; None for every other model.

    Args:
        spec: Of no generation: see `Generation.base`.

    Raises:
        UnknownSpecError, NoWeightsError: see `load_model`.
    """
    from models.everyday.withheld import FILE

    if spec.startswith((GGUF_PREFIX, address.PREFIX)):
        return None
    folder = bundled_folder() if spec == BUNDLED else Path(_hf_parts(spec)[0]).expanduser()
    return folder if (folder / FILE).is_file() else None


def _with_draft(model: LanguageModel, spec: str, draft: str, generations: Path | None) -> LanguageModel:
    if not isinstance(model, Speculative):
        raise UnknownSpecError(f"{spec} takes no draft: what runs here does, by transformers or llama.cpp.")
    model.speculate(None if draft == LOOKUP else load_model(draft, generations=generations))
    return model


def _load_generation(registry: Registry, generation: Generation) -> LanguageModel:
    first = registry.get(0).base  # what may be asked is what the first model could speak of
    source, adapter = sources(registry, generation)
    return _load(source, generation.spec, first=first, adapter=adapter)


def sources(registry: Registry, generation: Generation) -> tuple[str | Path, Path | None]:
    """The folder, or name on the hub, of the whole model that a generation is or lies on; its adapter's folder, if any.

    Raises:
        GenerationError: It is an adapter on what is no whole model.
        NoWeightsError: The bundled model's weights are missing.
    """
    if generation.is_adapter:
        return _base_source(registry, generation), generation.folder
    return (generation.folder if generation.number else _source(generation.base)), None


def _base_source(registry: Registry, generation: Generation) -> str | Path:
    """The whole model that a generation's adapter lies on."""
    if not generation.base.startswith(GENERATION_PREFIX):
        return _source(generation.base)
    base = registry.find(generation.base)
    if base.is_adapter or not base.has_weights:
        raise GenerationError(
            f"{generation.spec} is an adapter on {base.spec}, which is no whole model: it can't be loaded."
        )
    return base.folder


def _source(spec: str) -> str | Path:
    """The folder or name on the hub of a spec that is no generation."""
    if spec == BUNDLED:
        folder = bundled_folder()
        if not folder.is_dir():
            raise NoWeightsError(
                f"There are no weights in {folder}: train the bundled model with `python -m models.everyday.pretrain`."
            )
        return folder
    if spec.startswith(GGUF_PREFIX):
        raise UnknownSpecError(f"{spec} can be asked but not trained: name its folder, {HF_PREFIX}NAME_OR_FOLDER.")
    if spec.startswith(address.PREFIX):
        raise UnknownSpecError(f"{spec} is on a server: it can be asked, but it has no weights here to train.")
    source, adapter = _hf_parts(spec)
    if adapter or spec.startswith(FOUR_BIT_PREFIX):
        raise UnknownSpecError(
            f"{spec} can be asked but not trained: train {HF_PREFIX}{source}, which makes an adapter of its own."
        )
    return source


def _load(
    source: str | Path, name: str, *, first: str, adapter: Path | None = None, in_four_bits: bool = False
) -> LanguageModel:
    """A model that came of the one with the spec `first`."""
    from models.hf import HfModel

    check = world_check(first)
    is_general = check is None and everyday_folder(first) is None
    return HfModel(
        source, name, check_question=check, adapter=adapter, is_general=is_general, in_four_bits=in_four_bits
    )


def _load_hf(spec: str) -> LanguageModel:
    from models.weights import find_folder

    source, adapter = _hf_parts(spec)
    folder = find_folder(adapter) if adapter else None
    return _load(source, spec, first=spec, adapter=folder, in_four_bits=spec.startswith(FOUR_BIT_PREFIX))


def _hf_parts(spec: str) -> tuple[str, str]:
    """The model's folder or name, and its adapter's, empty where there is none; a folder's own name may hold a plus.

    Raises:
        UnknownSpecError: The spec has another form.
    """
    source = spec.partition(":")[2].strip()
    if not spec.startswith((HF_PREFIX, FOUR_BIT_PREFIX)) or not source:
        raise UnknownSpecError(
            f'{spec!r} names no model: say "{BUNDLED}", "{HF_PREFIX}NAME_OR_FOLDER", '
            f'"{HF_PREFIX}NAME_OR_FOLDER+ADAPTER", "{FOUR_BIT_PREFIX}NAME_OR_FOLDER", "{GGUF_PREFIX}FILE", '
            f'"{address.FORM}", "{GENERATION_PREFIX}NUMBER" or "{REPLAY_PREFIX}FILE" (a draft also "{LOOKUP}"); '
            "`argtree models` lists what is there."
        )
    base, _, adapter = source.rpartition("+")
    return (base, adapter) if base and adapter and not Path(source).expanduser().is_dir() else (source, "")


def _load_gguf(spec: str) -> LanguageModel:
    file = spec.removeprefix(GGUF_PREFIX).strip()
    if not file:
        raise UnknownSpecError(f'{spec!r} names no model: say "{GGUF_PREFIX}FILE".')
    try:
        from models.llama import LlamaModel
    except (ImportError, OSError, RuntimeError) as exc:  # not installed, or not built for this machine
        raise ModelNotFoundError(
            f"{spec} needs llama-cpp-python, which can't be loaded: pip install 'argtree[gguf]'."
        ) from exc
    return LlamaModel(Path(file).expanduser(), spec)
