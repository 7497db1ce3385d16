"""The JSON form of argument graphs, `argtree-graph/1` and `/2`: docs/format.md. The only file here that touches files.

Version 2 has quantities; a graph without any is written as version 1.

Strict on purpose: what it does not understand it refuses, saying where, rather than drop it. Not here: the store.
"""

from __future__ import annotations

import errno
import json
import os
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn, TypeVar, cast, get_args

from argtree.distributions import Distribution, LogNormal, Normal, Quantiles, Uniform
from argtree.errors import FormatError
from argtree.graph import (
    Argument,
    ArgumentGraph,
    Claim,
    Comparison,
    Measurement,
    Premise,
    Quantity,
    Relation,
    Root,
    Threshold,
)

FORMAT = "argtree-graph/1"
FORMAT_WITH_QUANTITIES = "argtree-graph/2"
_KEYS = ("format", "claims", "arguments", "roots", "evidence")
_KEYS_WITH_QUANTITIES = (*_KEYS, "quantities", "measurements")

_Scalar = TypeVar("_Scalar", str, bool)


def read_graph(path: str | os.PathLike[str]) -> ArgumentGraph:
    """Returns the graph in a JSON file.

    Raises:
        FormatError: the file cannot be read, is not JSON, or is not a valid graph; the message says where.
    """
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except OSError as exc:
        raise FormatError(f"{path} cannot be read: {exc.strerror or exc}") from exc
    except UnicodeDecodeError as exc:
        raise FormatError(f"{path} is not UTF-8 text: byte {exc.start} cannot be decoded") from exc
    try:
        return graph_from_json(_parse(text))
    except FormatError as exc:
        raise FormatError(f"{path}: {exc}") from exc


def write_graph(graph: ArgumentGraph, path: str | os.PathLike[str]) -> None:
    """Writes the graph as a JSON file, whole or not at all; the same graph gives the same bytes.

    Raises:
        FormatError: an id or a text holds half of a surrogate pair, which no file can hold.
        OSError: the file cannot be written; what was there before is untouched.
    """
    try:
        content = (json.dumps(graph_to_json(graph), ensure_ascii=False, indent=1) + "\n").encode("utf-8")
    except UnicodeEncodeError as exc:
        raise FormatError("a text of the graph holds half of a surrogate pair and cannot be written as UTF-8") from exc
    write_whole(path, content)


def write_whole(path: str | os.PathLike[str], content: bytes) -> None:
    """Writes a file, whole or not at all.

    Raises:
        OSError: it cannot be written, or is there and no plain file; what was there before is untouched.
    """
    target = Path(path)
    if not target.name or (target.exists() and not target.is_file()):
        raise OSError(errno.EINVAL, "Not a file that can be written", str(path))
    target = target.resolve()  # what a link points to is replaced, not the link
    try:
        handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name[:100]}.")
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from None  # not the name of the temporary file
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, target.stat().st_mode & 0o777 if target.exists() else 0o666 & ~_umask())
        os.replace(temporary, target)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def graph_to_json(graph: ArgumentGraph) -> dict[str, object]:
    """Returns the graph as plain dicts and lists: in the form argtree-graph/2 if it has quantities, else in form 1.

    What direct beliefs add is written as evidence: whoever reads it finds the same posteriors.
    """
    quantities: dict[str, object] = {
        "quantities": [_quantity_to_json(quantity) for quantity in graph.quantities],
        "measurements": [
            {"quantity": one.quantity, "value": float(one.value), "sd": float(one.sd)} for one in graph.measurements
        ],
    }
    return {
        "format": FORMAT_WITH_QUANTITIES if graph.quantities else FORMAT,
        "claims": [_claim_to_json(claim) for claim in graph.claims],
        "arguments": [
            {
                "id": argument.id,
                "conclusion": argument.conclusion,
                "polarity": argument.polarity,
                "strength": float(argument.strength),
                "premises": [{"claim": premise.claim, "holds": premise.holds} for premise in argument.premises],
            }
            for argument in graph.arguments
        ],
        "roots": [{"claim": root.claim, "weight": float(root.weight)} for root in graph.roots],
        "evidence": [
            {"claim": claim, "likelihood": [float(likelihood) for likelihood in graph.likelihood(claim)]}
            for claim in dict.fromkeys([*graph.evidence, *graph.direct_beliefs])
        ],
        **(quantities if graph.quantities else {}),
    }


def graph_from_json(data: object) -> ArgumentGraph:
    """Returns the graph that plain dicts and lists in the form argtree-graph/1 or /2 describe.

    Raises:
        FormatError: another version, an unknown or missing key, a wrong type or number, an unknown or doubled id,
            or a cycle.
    """
    if not isinstance(data, dict):
        raise FormatError(f"the graph is {_kind(data)}; it must be an object")
    version = data.get("format", FORMAT)
    if version not in (FORMAT, FORMAT_WITH_QUANTITIES):  # before all else: another version may have other keys
        known = f"{FORMAT!r} and {FORMAT_WITH_QUANTITIES!r}"
        raise FormatError(f"format is {_shown(version)}; this program reads {known} only")
    has_quantities = version == FORMAT_WITH_QUANTITIES
    top = _object(data, "the graph", _KEYS_WITH_QUANTITIES if has_quantities else _KEYS)
    read_claim = _claim_of_either_kind if has_quantities else _claim
    claims = [read_claim(*item) for item in _items(top, "claims")]
    arguments = [_argument(*item) for item in _items(top, "arguments")]
    roots = [_root(*item) for item in _items(top, "roots")]
    evidence: dict[str, tuple[float, float]] = {}
    for item, where in _items(top, "evidence"):
        claim, pair = _evidence(item, where)
        if claim in evidence:
            raise FormatError(f"{where}.claim is {claim!r}, which has evidence already")
        evidence[claim] = pair
    quantities = [_quantity(*item) for item in _items(top, "quantities")] if has_quantities else []
    measurements = [_measurement(*item) for item in _items(top, "measurements")] if has_quantities else []
    try:
        return ArgumentGraph(
            tuple(claims), tuple(arguments), tuple(roots), evidence, tuple(quantities), tuple(measurements)
        )
    except ValueError as exc:
        raise FormatError(str(exc)) from exc


def _parse(text: str) -> object:
    try:
        return json.loads(text, object_pairs_hook=_unique, parse_constant=_refuse_constant)
    except json.JSONDecodeError as exc:
        raise FormatError(f"not JSON: {exc.msg} at line {exc.lineno}, column {exc.colno}") from exc
    except RecursionError as exc:
        raise FormatError("not a graph: its brackets are nested too deep") from exc
    except FormatError:
        raise
    except ValueError as exc:  # an integer of thousands of digits
        raise FormatError("it holds a number that is too long to read") from exc


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found: dict[str, object] = {}
    for key, value in pairs:
        if key in found:
            raise FormatError(f"an object has the key {_shown(key)} twice")
        found[key] = value
    return found


def _refuse_constant(name: str) -> NoReturn:
    raise FormatError(f"it holds {name}, which is not a JSON number")


def distribution_to_json(distribution: Distribution) -> dict[str, object]:
    """Returns a quantity's distribution as plain dicts and lists."""
    if isinstance(distribution, Normal):
        return {"kind": "normal", "mean": float(distribution.mean), "sd": float(distribution.sd)}
    if isinstance(distribution, LogNormal):
        return {"kind": "lognormal", "mu": float(distribution.mu), "sigma": float(distribution.sigma)}
    if isinstance(distribution, Uniform):
        return {"kind": "uniform", "low": float(distribution.low), "high": float(distribution.high)}
    return {"kind": "quantiles", "points": [[float(prob), float(value)] for prob, value in distribution.points]}


def distribution_from_json(item: object, where: str = "the distribution") -> Distribution:
    """Returns the distribution that plain dicts and lists describe.

    Args:
        where: the words for where it stands.

    Raises:
        FormatError: an unknown kind, an unknown or missing key, or numbers that make no distribution.
    """
    if not isinstance(item, dict):
        raise FormatError(f"{where} is {_kind(item)}; it must be an object")
    kind = item.get("kind")
    if not isinstance(kind, str) or kind not in _PARAMETERS:
        kinds = ", ".join(f'"{one}"' for one in _PARAMETERS)
        raise FormatError(f"{where}.kind is {_shown(kind)}; it must be one of {kinds}")
    make, names = _PARAMETERS[kind]
    found = _object(item, where, ("kind", *names))
    if kind == "quantiles":
        given: list[object] = [tuple(_point(*point) for point in _items(found, "points", f"{where}."))]
    else:
        given = [_number(found[name], f"{where}.{name}") for name in names]
    try:
        return make(*given)
    except ValueError as exc:
        raise FormatError(f"{where}: {exc}") from exc


def _claim_to_json(claim: Claim) -> dict[str, object]:
    found: dict[str, object] = {"id": claim.id, "text": claim.text}
    found |= {"prior": float(claim.prior)} if claim.about is None else {"about": _about_to_json(claim.about)}
    return found if claim.askable is None else {**found, "askable": claim.askable}


def _about_to_json(about: Threshold | Comparison) -> dict[str, object]:
    said: dict[str, object] = {"quantity": about.quantity, "relation": about.relation}
    return said | ({"value": float(about.value)} if isinstance(about, Threshold) else {"other": about.other})


def _quantity_to_json(quantity: Quantity) -> dict[str, object]:
    distribution = distribution_to_json(quantity.distribution)
    return {"id": quantity.id, "text": quantity.text, "unit": quantity.unit, "distribution": distribution}


def _claim(item: object, where: str) -> Claim:
    found = _object(item, where, ("id", "text", "prior"), ("askable",))
    askable = _scalar(found, where, "askable", bool) if "askable" in found else None
    text = _scalar(found, where, "text", str)
    return Claim(_id(found, where, "id"), text, _prob(found["prior"], f"{where}.prior"), askable)


def _claim_of_either_kind(item: object, where: str) -> Claim:
    """Reads a claim of version 2, which has a prior or is about a quantity."""
    if not isinstance(item, dict) or "about" not in item:
        return _claim(item, where)
    found = _object(item, where, ("id", "text", "about"), ("askable",))
    claim = _claim({**{key: value for key, value in found.items() if key != "about"}, "prior": 0}, where)
    return replace(claim, about=_about(found["about"], f"{where}.about"))


def _about(item: object, where: str) -> Threshold | Comparison:
    is_comparison = isinstance(item, dict) and "other" in item
    found = _object(item, where, ("quantity", "relation", "other" if is_comparison else "value"))
    if found["relation"] not in get_args(Relation):
        raise FormatError(f'{where}.relation is {_shown(found["relation"])}; it must be "<" or ">"')
    quantity, relation = _id(found, where, "quantity"), cast(Relation, found["relation"])
    if is_comparison:
        return Comparison(quantity, relation, _id(found, where, "other"))
    return Threshold(quantity, relation, _number(found["value"], f"{where}.value"))


def _quantity(item: object, where: str) -> Quantity:
    found = _object(item, where, ("id", "text", "unit", "distribution"))
    text, unit = _scalar(found, where, "text", str), _scalar(found, where, "unit", str)
    return Quantity(
        _id(found, where, "id"), text, unit, distribution_from_json(found["distribution"], f"{where}.distribution")
    )


_PARAMETERS: Mapping[str, tuple[Callable[..., Distribution], tuple[str, ...]]] = {
    "normal": (Normal, ("mean", "sd")),
    "lognormal": (LogNormal, ("mu", "sigma")),
    "uniform": (Uniform, ("low", "high")),
    "quantiles": (Quantiles, ("points",)),
}


def _point(item: object, where: str) -> tuple[float, float]:
    if not isinstance(item, list) or len(item) != 2:
        raise FormatError(f"{where} is {_shown(item)}; it must be a list of a probability and a value")
    return _prob(item[0], f"{where}[0]"), _number(item[1], f"{where}[1]")


def _measurement(item: object, where: str) -> Measurement:
    found = _object(item, where, ("quantity", "value", "sd"))
    value, sd = (_number(found[name], f"{where}.{name}") for name in ("value", "sd"))
    return Measurement(_id(found, where, "quantity"), value, sd)


def _argument(item: object, where: str) -> Argument:
    found = _object(item, where, ("id", "conclusion", "polarity", "strength", "premises"))
    polarity = found["polarity"]
    if polarity != "support" and polarity != "attack":
        raise FormatError(f'{where}.polarity is {_shown(polarity)}; it must be "support" or "attack"')
    premises = tuple(_premise(*part) for part in _items(found, "premises", f"{where}."))
    strength = _prob(found["strength"], f"{where}.strength")
    return Argument(
        _id(found, where, "id"),
        _id(found, where, "conclusion"),
        "support" if polarity == "support" else "attack",
        strength,
        premises,
    )


def _premise(item: object, where: str) -> Premise:
    found = _object(item, where, ("claim", "holds"))
    return Premise(_id(found, where, "claim"), _scalar(found, where, "holds", bool))


def _root(item: object, where: str) -> Root:
    found = _object(item, where, ("claim", "weight"))
    weight = _number(found["weight"], f"{where}.weight")
    if not 0 <= weight < float("inf"):
        raise FormatError(f"{where}.weight is {_shown(found['weight'])}; it must be finite and at least 0")
    return Root(_id(found, where, "claim"), weight)


def _evidence(item: object, where: str) -> tuple[str, tuple[float, float]]:
    found = _object(item, where, ("claim", "likelihood"))
    pair = found["likelihood"]
    if not isinstance(pair, list) or len(pair) != 2:
        raise FormatError(f"{where}.likelihood is {_shown(pair)}; it must be a list of two numbers")
    if_false, if_true = (_prob(value, f"{where}.likelihood[{i}]") for i, value in enumerate(pair))
    return _id(found, where, "claim"), (if_false, if_true)


def _object(item: object, where: str, required: tuple[str, ...], optional: tuple[str, ...] = ()) -> Mapping[str, Any]:
    if not isinstance(item, dict):
        raise FormatError(f"{where} is {_kind(item)}; it must be an object")
    for key in required:
        if key not in item:
            raise FormatError(f"{where} lacks the key {key!r}")
    for key in item:
        if key not in required and key not in optional:
            raise FormatError(f"{where} has the unknown key {_shown(key)}")
    return item


def _items(found: Mapping[str, Any], key: str, prefix: str = "") -> list[tuple[object, str]]:
    """Returns each item of a list with the words for where it stands."""
    items = found[key]
    if not isinstance(items, list):
        raise FormatError(f"{prefix}{key} is {_kind(items)}; it must be a list")
    return [(item, f"{prefix}{key}[{i}]") for i, item in enumerate(items)]


def _scalar(found: Mapping[str, Any], where: str, key: str, kind: type[_Scalar]) -> _Scalar:
    value = found[key]
    if not isinstance(value, kind):
        wanted = "a text" if kind is str else "true or false"
        raise FormatError(f"{where}.{key} is {_shown(value)}; it must be {wanted}")
    if isinstance(value, str) and not _is_writable(value):
        raise FormatError(f"{where}.{key} holds half of a surrogate pair, which is no character")
    return value


def _id(found: Mapping[str, Any], where: str, key: str) -> str:
    value = _scalar(found, where, key, str)
    if not value:
        raise FormatError(f"{where}.{key} is empty; it must have at least one character")
    return value


def _prob(value: object, where: str) -> float:
    if not 0 <= _number(value, where) <= 1:
        raise FormatError(f"{where} is {_shown(value)}; it must lie in [0, 1]")
    return _number(value, where)


def _number(value: object, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise FormatError(f"{where} is {_shown(value)}; it must be a number")
    try:
        return float(value)
    except OverflowError as exc:
        raise FormatError(f"{where} is too large a number") from exc


def _is_writable(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _kind(value: object) -> str:
    names = {dict: "an object", list: "a list", str: "a text", bool: "true or false", type(None): "null"}
    return names.get(type(value), "a number" if isinstance(value, (int, float)) else type(value).__name__)


def _shown(value: object) -> str:
    """Returns a value as JSON writes it, in ASCII and cut short: it comes from outside."""
    if isinstance(value, (dict, list)):
        return _kind(value)
    try:
        text = json.dumps(value)
    except (TypeError, ValueError):
        text = type(value).__name__
    return text if len(text) <= 60 else f"{text[:57]}..."


def _umask() -> int:
    """Returns the process's umask, which can only be read by setting it."""
    current = os.umask(0o022)
    os.umask(current)
    return current
