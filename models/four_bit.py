"""Weights in four bits: what they need, and how transformers is told to read them so by bitsandbytes.

NF4 with double quantisation (Dettmers et al. 2023, arXiv 2305.14314). Nothing is imported until it is asked for.
"""

from importlib.util import find_spec
from typing import Any

EXTRA = "argtree[4bit]"


def lacks() -> str:
    """What is missing here for weights in four bits; empty: nothing."""
    import torch  # takes seconds

    missing = [] if find_spec("bitsandbytes") else [f"bitsandbytes: `pip install '{EXTRA}'` brings it"]
    return "; ".join(missing if torch.cuda.is_available() else [*missing, "a GPU that PyTorch can use"])


def config() -> Any:
    """For `from_pretrained`."""
    import torch
    from transformers import BitsAndBytesConfig

    vendor: Any = BitsAndBytesConfig
    return vendor(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=torch.bfloat16,
    )
