"""From the text that names a model to the model.

Not here: how a backend works. Backends are imported when one is asked for: importing `transformers` takes seconds.
"""

from importlib import resources
from pathlib import Path

from models.base import LanguageModel
from models.errors import NoWeightsError, UnknownSpecError

BUNDLED = "bundled"
HF_PREFIX = "hf:"


def load_model(spec: str) -> LanguageModel:
    """The model that `spec` names, ready to use.

    Args:
        spec: "bundled" for the model that comes with argtree, or "hf:NAME_OR_FOLDER" for a causal language model in a
            local folder, or on the Hugging Face hub under NAME.

    Raises:
        UnknownSpecError: `spec` has neither form.
        ModelNotFoundError: There is no such model, or it can't be loaded.
        NoWeightsError: Its folder holds no weights.
        PickledWeightsError: Its weights are pickled.
    """
    if spec == BUNDLED:
        return _load_bundled()
    source = spec.removeprefix(HF_PREFIX).strip()
    if not spec.startswith(HF_PREFIX) or not source:
        raise UnknownSpecError(f'{spec!r} names no model: say "{BUNDLED}" or "{HF_PREFIX}NAME_OR_FOLDER".')
    from models.hf import HfModel

    return HfModel(source, spec)


def bundled_folder() -> Path:
    """Folder of the bundled model's weights, in the package data; absent until `models.everyday.pretrain` made them."""
    return Path(str(resources.files("models") / "everyday" / "weights"))


def _load_bundled() -> LanguageModel:
    folder = bundled_folder()
    if not folder.is_dir():
        raise NoWeightsError(
            f"There are no weights in {folder}: train the bundled model with `python -m models.everyday.pretrain`."
        )
    from models.everyday.world import check_question
    from models.hf import HfModel

    return HfModel(folder, BUNDLED, check_question=check_question)
