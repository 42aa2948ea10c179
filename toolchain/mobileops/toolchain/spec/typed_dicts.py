"""Generate ``TypedDict`` classes from the plugin schema, for authors' editors and type checkers.

The functional syntax is used for objects with a key that is no Python name (``$schema``); ``x-`` keys have no type.
"""

from __future__ import annotations

from typing import Any, Final

from mobileops.toolchain.spec.resolve import resolved
from mobileops.toolchain.spec.source_text import document, literal

_SCALARS: Final = {"string": "str", "boolean": "bool", "integer": "int", "number": "float"}


def types_module(schema: dict[str, Any], digest: str, command: str) -> str:
    """Return the source of ``mobileops.manifest._types_generated``."""
    classes: dict[str, list[str]] = {}
    types = _Types(schema["$defs"], classes)
    types.object("PluginDocument", schema)
    header = (
        f'"""Types of a plugin.json document: made by `{command}`, do not edit."""\n\n'
        "from __future__ import annotations\n\n"
        "from typing import Any, Final, Literal, NotRequired, TypedDict\n\n"
        f'SCHEMA_SHA256: Final = "{digest}"'
    )
    return document(header, list(classes.values()))


class _Types:
    """Collects the classes, those that others need first."""

    def __init__(self, definitions: dict[str, Any], classes: dict[str, list[str]]) -> None:
        self._definitions = definitions
        self._classes = classes

    def object(self, name: str, schema: dict[str, Any]) -> str:
        """Add the class of a closed object and return its name."""
        schema = resolved(schema, self._definitions)
        required = set(schema.get("required", ()))
        fields: list[tuple[str, str]] = []
        for key, value in schema["properties"].items():
            kind = self._type(value, f"{name.removesuffix('Document')}{_camel(key)}")
            fields.append((key, kind if key in required else f"NotRequired[{kind}]"))
        if name not in self._classes:
            plain = all(key.isidentifier() for key, _ in fields)
            self._classes[name] = _class(name, fields) if plain else _functional(name, fields)
        return name

    def _type(self, schema: dict[str, Any], name: str) -> str:
        """Return the annotation for a value; ``name`` is for a class it may need."""
        if "allOf" in schema and "type" not in schema:
            return self._type(schema["allOf"][0], name)
        if "$ref" in schema:
            definition = schema["$ref"].rpartition("/")[2]
            return self._type(self._definitions[definition], _camel(definition))
        if "properties" in resolved(schema, self._definitions):
            return self.object(name, schema)
        return self._plain(schema, name)

    def _plain(self, schema: dict[str, Any], name: str) -> str:
        """Return the annotation for a value that needs no class of its own."""
        if "enum" in schema or "const" in schema:
            choices = schema.get("enum", [schema.get("const")])
            return f"Literal[{', '.join(literal(c) if isinstance(c, str) else repr(c) for c in choices)}]"
        kind = schema.get("type", "")
        if kind == "array":
            return f"list[{self._type(schema.get('items', {}), name)}]"
        if kind == "object":
            return f"dict[str, {self._type(schema.get('additionalProperties', {}), name)}]"
        return _SCALARS.get(kind, "Any")


def _class(name: str, fields: list[tuple[str, str]]) -> list[str]:
    """Return a TypedDict in class syntax."""
    return [
        f"class {name}(TypedDict):",
        f'    """The object {name} of the schema."""',
        "",
        *(f"    {key}: {kind}" for key, kind in fields),
    ]


def _functional(name: str, fields: list[tuple[str, str]]) -> list[str]:
    """Return a TypedDict in functional syntax."""
    entries = [f"        {literal(key)}: {kind}," for key, kind in fields]
    return [f"{name} = TypedDict(", f"    {literal(name)},", "    {", *entries, "    },", ")"]


def _camel(key: str) -> str:
    """Return a key as a part of a class name."""
    return "".join(part.capitalize() for part in key.strip("$").replace("-", "_").split("_"))
