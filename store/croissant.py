"""Croissant metadata of a dataset: every file with its SHA-256 sum, every table with its columns.

By the Croissant format specification 1.0 (docs.mlcommons.org/croissant/docs/croissant-spec-1.0.html). Nested columns
are described as repeated fields with their parts.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa  # type: ignore[import-untyped]

from store.export_tables import CONFIGURATIONS, SIDE_TABLES

_CONTEXT = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "cr": "http://mlcommons.org/croissant/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "equivalentProperty": "cr:equivalentProperty",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract",
    "field": "cr:field",
    "fileObject": "cr:fileObject",
    "fileProperty": "cr:fileProperty",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "parentField": "cr:parentField",
    "path": "cr:path",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "samplingRate": "cr:samplingRate",
    "sc": "https://schema.org/",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
}
_TYPES = {pa.string(): "sc:Text", pa.float64(): "sc:Float", pa.int64(): "sc:Integer", pa.bool_(): "sc:Boolean"}


def croissant(folder: Path, counts: Mapping[str, int]) -> str:
    """Returns the metadata, in JSON, of a dataset whose files (their rows by path) lie in the folder."""
    described = {
        "@context": _CONTEXT,
        "@type": "sc:Dataset",
        "name": "argtree-dataset",
        "description": "Premises that a language model argued from and that people judged, and what follows from them.",
        "conformsTo": "http://mlcommons.org/croissant/1.0",
        "distribution": [_file(folder, path) for path in counts],
        "recordSet": [_record_set(path, rows) for path, rows in counts.items()],
    }
    return json.dumps(described, indent=1) + "\n"


def sha256(path: Path) -> str:
    """Returns the SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _file(folder: Path, path: str) -> dict[str, Any]:
    return {
        "@type": "cr:FileObject",
        "@id": path,
        "name": path,
        "contentUrl": path,
        "contentSize": f"{(folder / path).stat().st_size} B",
        "encodingFormat": "application/x-parquet",
        "sha256": sha256(folder / path),
    }


def _record_set(path: str, rows: int) -> dict[str, Any]:
    name = path.removesuffix(".parquet")
    schema = (CONFIGURATIONS | SIDE_TABLES)[name.split("/")[0]]
    return {
        "@type": "cr:RecordSet",
        "@id": name,
        "name": name,
        "description": f"{rows} rows.",
        "field": [_field(f"{name}/{column.name}", column.name, column.type, path) for column in schema],
    }


def _field(name: str, column: str, kind: pa.DataType, path: str) -> dict[str, Any]:
    field: dict[str, Any] = {"@type": "cr:Field", "@id": name, "name": name}
    if pa.types.is_list(kind):
        field["repeated"] = True
        kind = kind.value_type
    if pa.types.is_struct(kind):
        parts = [part for part in kind if not pa.types.is_nested(part.type)]
        field["subField"] = [_field(f"{name}/{part.name}", column, part.type, path) for part in parts]
        for part in field["subField"]:
            part["source"]["transform"] = {"jsonPath": part["@id"].rsplit("/", 1)[1]}
    else:
        field["dataType"] = _TYPES[kind]
        field["source"] = {"fileObject": {"@id": path}, "extract": {"column": column}}
    return field
