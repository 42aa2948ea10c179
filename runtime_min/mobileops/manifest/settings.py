"""Judge values of settings by their definitions in ``configuration_schema``.

The same rules hold for defaults in a manifest and for what an operator sets. ``pattern`` is left out here: a pattern
from a manifest nobody has verified yet could run for ever on a text from the same manifest.
"""

from __future__ import annotations

import re
import warnings
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from mobileops.errors import ManifestError
from mobileops.manifest.json_text import loads

if TYPE_CHECKING:
    from collections.abc import Mapping

_KINDS: Final[Mapping[str, tuple[type, ...]]] = MappingProxyType(
    {
        "string": (str,),
        "integer": (int,),
        "number": (int, float),
        "boolean": (bool,),
        "array": (list,),
        "object": (dict,),
    }
)
_NAMES: Final = MappingProxyType(
    {
        "string": "a string",
        "integer": "a whole number",
        "number": "a number",
        "boolean": "true or false",
        "array": "an array",
        "object": "an object",
    }
)
_NUMERIC: Final = frozenset({"integer", "number"})


def violation(value: Any, setting: Mapping[str, Any]) -> str | None:  # noqa: ANN401 - a setting is any JSON value
    """Return which rule of its definition a value breaks, or None; the value itself is not in the text."""
    kind: str | None = setting.get("type")
    if kind is None:  # inferred from null
        return None
    if not _is(value, kind):
        return f"{_NAMES[kind]} is needed"
    if "enum" in setting and value not in setting["enum"]:
        return f"one of {', '.join(map(repr, setting['enum']))} is needed"
    if kind in _NUMERIC and "minimum" in setting and value < setting["minimum"]:
        return f"{setting['minimum']} or more is needed"
    if kind in _NUMERIC and "maximum" in setting and value > setting["maximum"]:
        return f"{setting['maximum']} or less is needed"
    return None


def definitions(document: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Return the definition of each setting of a manifest: as written, else with the type of its default value.

    A setting whose default is null, and that nobody defines, has no type and takes any value.
    """
    inferred = {name: _inferred(value) for name, value in document.get("configuration", {}).items()}
    return {**inferred, **document.get("configuration_schema", {})}


def parse(text: str, setting: Mapping[str, Any]) -> Any:  # noqa: ANN401 - a setting is any JSON value
    """Return the value that a person wrote: text for a string, JSON for everything else.

    Raises:
        ValueError: it is no value of this type; the text itself is not in the message.
    """
    kind = setting.get("type")
    if kind == "string":
        return text
    try:
        value = loads(text.encode("utf-8", "surrogateescape"), where="value")
    except ManifestError:
        if kind is None:
            return text
        message = f"{_NAMES[kind]} is needed"
        raise ValueError(message) from None
    return int(value) if kind == "integer" and isinstance(value, float) and value.is_integer() else value


def _inferred(value: object) -> dict[str, Any]:
    kind = next(
        (kind for kind in ("boolean", "string", "integer", "number", "array", "object") if _is(value, kind)), None
    )
    if isinstance(value, float):
        kind = "number"
    return {} if kind is None else {"type": kind}


def contradiction(setting: Mapping[str, Any]) -> tuple[str, str] | None:
    """Return the key of a definition that does not fit the others, and why, or None."""
    kind = setting["type"]
    for key in ("minimum", "maximum"):
        if key in setting and kind not in _NUMERIC:
            return key, f"{key!r} is for numbers, not for type {kind!r}"
    if "minimum" in setting and "maximum" in setting and setting["minimum"] > setting["maximum"]:
        return "maximum", "'maximum' is less than 'minimum'"
    if "pattern" in setting:
        if kind != "string":
            return "pattern", f"'pattern' is for strings, not for type {kind!r}"
        if (reason := _broken(setting["pattern"])) is not None:
            return "pattern", f"'pattern' is not a regular expression: {reason}"
    if not all(_is(value, kind) for value in setting.get("enum", ())):
        return "enum", f"every value of 'enum' must be {_NAMES[kind]}"
    return None


def _is(value: object, kind: str) -> bool:
    """Tell whether a value is of a JSON Schema type: 1.0 is an integer, true is no number."""
    if isinstance(value, bool):
        return kind == "boolean"
    if kind == "integer" and isinstance(value, float):
        return value.is_integer()
    return isinstance(value, _KINDS[kind])


def _broken(pattern: str) -> str | None:
    """Return why a pattern does not compile, or None."""
    try:
        with warnings.catch_warnings(action="ignore"):
            re.compile(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        return str(error)
    return None
