"""What holds a model of llama.cpp to a JSON schema: its grammars, mended where they let through what is no JSON."""

import ctypes
import re
from functools import lru_cache
from typing import Any

import llama_cpp
import numpy as np
from llama_cpp.llama_grammar import json_schema_to_gbnf

from models.base import FloatArray

# The vendor's conversion of schemas lets raw line breaks into texts, and passes over a number's bounds.
CHAR = re.compile(r"^char ::= .*$", re.MULTILINE)
BMP = "[0-9abcefABCEF] [0-9a-fA-F] | [dD] [0-7]"  # the first half of a \u escape that is no half of a pair
JSON_CHAR = rf'char ::= [^"\\\x00-\x1F\x7F] | "\\" (["\\/bfnrt] | "u" ({BMP}) [0-9a-fA-F] [0-9a-fA-F])'
NUMBER = re.compile(r"^number ::= .*$", re.MULTILINE)
SHARE = r'number ::= ("0" ("." [0-9]{1,6})? | "1" ("." "0"{1,6})?) space'
A_NUMBER, A_SHARE = '{"type": "number"', '{"type": "number", "minimum": 0, "maximum": 1}'
CANDIDATES = np.dtype([("id", np.intc), ("logit", np.single), ("p", np.single)], align=True)

_vendor: Any = llama_cpp  # its types are loose


class Grammar:
    """What may follow a reply so far."""

    def __init__(self, vocab: Any, rules: str) -> None:
        self._sampler = _vendor.llama_sampler_init_grammar(vocab, rules.encode(), b"root")
        if self._sampler is None:
            raise ValueError(f"llama.cpp can't read the grammar {rules!r}")

    def __del__(self) -> None:
        if self._sampler is not None:
            _vendor.llama_sampler_free(self._sampler)

    def allows(self, token: int) -> bool:
        """Whether it may come next."""
        return bool(np.isfinite(self._filtered(np.array([token]), np.zeros(1)))[0])

    def allowed(self, token_log_probs: FloatArray) -> FloatArray:
        """Log-probabilities of all tokens, -inf for those that may not come next; no longer adding up to one."""
        return self._filtered(np.arange(len(token_log_probs)), token_log_probs)

    def accept(self, token: int) -> None:
        """It came, and was allowed."""
        _vendor.llama_sampler_accept(self._sampler, token)

    def _filtered(self, tokens: Any, logits: FloatArray) -> FloatArray:
        rows = np.zeros(len(tokens), CANDIDATES)
        rows["id"], rows["logit"] = tokens, logits
        data = rows.ctypes.data_as(_vendor.llama_token_data_p)
        _vendor.llama_sampler_apply(
            self._sampler, ctypes.byref(_vendor.llama_token_data_array(data=data, size=len(rows), selected=-1))
        )
        return np.where(np.isneginf(rows["logit"]), -np.inf, logits)


@lru_cache(maxsize=8)
def rules(schema: str) -> str:
    """The grammar of a JSON schema's texts, in llama.cpp's form."""
    rules: str = CHAR.sub(lambda _: JSON_CHAR, json_schema_to_gbnf(schema))
    are_shares = schema.count(A_NUMBER) == schema.count(A_SHARE)
    return NUMBER.sub(lambda _: SHARE, rules) if are_shares else rules
