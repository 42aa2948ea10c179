"""A subschema with the keywords of its references and ``allOf`` members under its own, to be shown to people."""

from __future__ import annotations

from typing import Any


def resolved(schema: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    """Return a subschema without ``$ref`` and ``allOf``; what it says itself wins over what it refers to.

    Args:
        schema: a subschema of the plugin schema.
        definitions: its ``$defs``.
    """
    found: dict[str, Any] = {}
    if "$ref" in schema:
        found |= resolved(definitions[schema["$ref"].rpartition("/")[2]], definitions)
    for member in schema.get("allOf", ()):
        inner = resolved(member, definitions)
        found = found | inner if "$ref" in member else {**inner, **found}
    return found | {key: value for key, value in schema.items() if key not in {"$ref", "allOf"}}
