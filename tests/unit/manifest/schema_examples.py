"""The examples in schema/examples, and what another validator says about a document."""

from __future__ import annotations

import functools
import json
import re
from pathlib import Path
from typing import Any

import jsonschema

SCHEMA = Path(__file__).parents[3] / "schema"
VALID = sorted((SCHEMA / "examples" / "valid").glob("*.json"))
INVALID = sorted((SCHEMA / "examples" / "invalid").glob("*.json"))
EVERYTHING = SCHEMA / "examples" / "valid" / "everything.json"


def name(path: Path) -> str:
    return path.stem


def expected(path: Path) -> list[str]:
    """Return the lines of the file with an example's findings: severity, code, place."""
    findings = path.with_suffix(".findings.txt")
    return findings.read_text(encoding="utf-8").splitlines() if findings.exists() else []


@functools.cache
def reference() -> jsonschema.Draft202012Validator:
    """Return the independent validator for the schema file."""
    text = (SCHEMA / "plugin" / "v1" / "plugin.schema.json").read_text(encoding="utf-8")
    return jsonschema.Draft202012Validator(json.loads(text))


def reference_places(document: Any) -> set[str]:
    """Return where jsonschema finds something wrong, in the terms of our pointers.

    It reports an unknown key at the object and a repeated item at the array; we report the key and the item.
    """
    places: set[str] = set()
    for error in reference().iter_errors(document):
        path = [str(part) for part in error.absolute_path]
        if error.validator == "additionalProperties":
            places |= {_pointer([*path, key]) for key in error.instance if _is_unknown(key, error.schema)}
        elif "propertyNames" in error.absolute_schema_path:
            places.add(_pointer([*path, error.instance]))
        elif error.validator == "uniqueItems":
            places |= {_pointer([*path, str(i)]) for i, item in enumerate(error.instance) if item in error.instance[:i]}
        else:
            places.add(_pointer(path))
    return places


def _is_unknown(key: str, schema: dict[str, Any]) -> bool:
    patterns = schema.get("patternProperties", {})
    return key not in schema["properties"] and not any(re.search(pattern, key) for pattern in patterns)


def _pointer(path: list[str]) -> str:
    return "".join("/" + part.replace("~", "~0").replace("/", "~1") for part in path)


def accepts(definition: str, value: Any) -> bool:
    """Tell whether jsonschema accepts a value under ``#/$defs/definition``."""
    schema = reference().schema
    return jsonschema.Draft202012Validator({"$ref": f"#/$defs/{definition}", "$defs": schema["$defs"]}).is_valid(value)
