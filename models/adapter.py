"""LoRA adapters (Hu et al. 2021, arXiv 2106.09685) on a model: the one file that knows `peft`.

An adapter's folder holds `adapter_config.json` and `adapter_model.safetensors`. It does not say which model it lies on:
whoever keeps it does. Of the adapter's own config only what shapes it is read; nothing in it names a file or code.
"""

from pathlib import Path
from typing import Any

from peft import LoraConfig, PeftModel, get_peft_model, get_peft_model_state_dict, set_peft_model_state_dict
from safetensors.torch import load_file

from models.errors import ModelNotFoundError, NoWeightsError, PickledWeightsError, first_line
from models.hf import hushed
from models.weights import PICKLED, read_json

CONFIG, WEIGHTS = "adapter_config.json", "adapter_model.safetensors"
SHAPE = ("r", "lora_alpha", "target_modules", "rank_pattern", "alpha_pattern", "use_rslora")
# What would change the arithmetic, and is refused: bias and whole layers beside the adapter, DoRA, and the like.
UNKNOWN = (
    "modules_to_save", "use_dora", "fan_in_fan_out", "layers_to_transform", "trainable_token_indices", "lora_bias"
)  # fmt: skip

Adapted = PeftModel


def new_adapter(model: Any, rank: int) -> Adapted:
    """The model with an adapter on all its linear layers but the last; until it is trained it changes nothing."""
    return _adapted(model, {"r": rank, "lora_alpha": 2 * rank, "target_modules": "all-linear"})


def load_adapter(model: Any, folder: Path) -> Adapted:
    """The model with the adapter in a folder, ready to be trained further or merged.

    Raises:
        ModelNotFoundError: There is no adapter of LoRA's plain form, or it doesn't fit the model.
        NoWeightsError: The folder holds no weights.
        PickledWeightsError: The weights are pickled.
    """
    if not (folder / WEIGHTS).is_file():
        pickled = sorted(path.name for pattern in PICKLED for path in folder.glob(pattern))
        if pickled:
            raise PickledWeightsError(f"The adapter in {folder} is pickled ({pickled[0]}): save it as safetensors.")
        raise NoWeightsError(f"There is no adapter in {folder}: its folder holds a file {WEIGHTS}.")
    config = read_json(folder / CONFIG)
    unknown = [name for name in UNKNOWN if config.get(name)]
    if config.get("peft_type") != "LORA" or config.get("bias", "none") != "none" or unknown:
        raise ModelNotFoundError(f"The adapter in {folder} isn't a plain LoRA adapter: {', '.join(unknown) or 'bias'}.")
    try:
        tensors = load_file(folder / WEIGHTS)
        adapted = _adapted(model, {name: config[name] for name in SHAPE if config.get(name)})
        missing = get_peft_model_state_dict(adapted).keys() - tensors.keys()
        if not missing:
            with hushed():
                set_peft_model_state_dict(adapted, tensors)
    except Exception as exc:  # whatever the vendor raises on a broken folder, it means just this
        raise ModelNotFoundError(f"The adapter in {folder} can't be loaded: {first_line(exc)}") from exc
    if missing:
        raise NoWeightsError(f"The adapter in {folder} lacks {len(missing)} tensors, {sorted(missing)[0]} for one.")
    return adapted


def save_adapter(adapted: Adapted, folder: Path) -> None:
    """Write the adapter alone, without the path of the model that it was trained on."""
    for config in adapted.peft_config.values():
        config.base_model_name_or_path = ""  # None would be filled in
    with hushed():
        adapted.save_pretrained(str(folder), safe_serialization=True, save_embedding_layers=False)
    (folder / "README.md").unlink(missing_ok=True)  # a card that says nothing


def _adapted(model: Any, shape: dict[str, Any]) -> Adapted:
    with hushed():
        adapted = get_peft_model(model, LoraConfig(task_type="CAUSAL_LM", **shape))
    assert isinstance(adapted, PeftModel)
    return adapted
