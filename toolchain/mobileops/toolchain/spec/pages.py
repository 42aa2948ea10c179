"""Generate the reference pages: the keys of plugin.json, and the permissions."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from mobileops.toolchain.spec.resolve import resolved

if TYPE_CHECKING:
    from mobileops.toolchain.spec.load import Family, PermissionEntry

RULES: Final = (
    ("minLength", "at least {} characters"),
    ("maxLength", "at most {} characters"),
    ("minimum", "at least {}"),
    ("maximum", "at most {}"),
    ("minItems", "at least {} items"),
    ("maxItems", "at most {} items"),
    ("minProperties", "at least {} keys"),
    ("maxProperties", "at most {} keys"),
)
_TYPE_NAMES: Final = {"number": "number", "integer": "whole number", "boolean": "true or false", "array": "list"}


def manifest_page(schema: dict[str, Any], command: str) -> str:
    """Return docs/reference/manifest.md."""
    definitions: dict[str, Any] = schema["$defs"]
    required = [f"`{key}`" for key in schema["required"]]
    lines = [
        "# plugin.json",
        "",
        f"<!-- Made by `{command}` from schema/plugin/v1/plugin.schema.json; do not edit. -->",
        "",
        "Strict JSON in UTF-8: no comments, no trailing commas, every key once. Keys that start with `x-` are free at",
        "the top level; any other key that is not listed here is an error.",
        "",
        f"Required: {', '.join(required)}.",
        "",
        *_table(schema, definitions),
    ]
    for key, value in schema["properties"].items():
        lines += _section(key, resolved(value, definitions), definitions)
    return "\n".join(lines) + "\n"


def permissions_page(families: tuple[Family, ...], command: str) -> str:
    """Return docs/reference/permissions.md."""
    lines = [
        "# Permissions",
        "",
        f"<!-- Made by `{command}` from schema/permissions/v1; do not edit. -->",
        "",
        "A plugin gets what its manifest lists under `permissions`, and nothing else. A permission is `NAME` or",
        "`NAME:ARGUMENT`. One permission *covers* another if it allows everything the other allows; what a plugin does",
        "is allowed if a single permission covers it.",
        "",
    ]
    for family in families:
        lines += [f"## {family.title}", "", " ".join(family.about.split()), ""]
        for entry in family.permissions:
            lines += _permission(entry)
    return "\n".join(lines[:-1]) + "\n"


def _permission(entry: PermissionEntry) -> list[str]:
    """Return the part of the page about one permission."""
    facts = [("Write", ", ".join(f"`{form}`" for form in entry.forms))]
    if entry.argument:
        facts.append(("Value", entry.argument.expects.replace("*", r"\*")))
    facts += [
        ("Examples", ", ".join(f"`{example}`" for example in entry.examples)),
        ("Risk", entry.risk),
        ("Enforced by", entry.enforced_by),
        ("Covers", entry.covers.replace("*", r"\*")),
    ]
    if entry.broad:
        facts.append(("Warning", f"the bare form is broad: {entry.broad}"))
    return [
        f"### `{entry.name}`",
        "",
        f"{entry.summary}.",
        "",
        "| | |",
        "|---|---|",
        *(f"| {name} | {text} |" for name, text in facts),
        "",
    ]


def _section(path: str, schema: dict[str, Any], definitions: dict[str, Any]) -> list[str]:
    """Return the section of an object or list that has keys or choices of its own, and those inside it."""
    lines: list[str] = []
    inner = [(path, schema)] if "properties" in schema else []
    if isinstance(values := schema.get("additionalProperties"), dict):
        inner.append((f"{path}.NAME", resolved(values, definitions)))
    if "items" in schema:
        inner.append((f"{path}[]", resolved(schema["items"], definitions)))
    for name, value in inner:
        if "properties" not in value:
            continue
        lines += ["", f"## `{name}`", "", *_table(value, definitions)]
        for key, child in value["properties"].items():
            lines += _section(f"{name}.{key}", resolved(child, definitions), definitions)
    if "enumDescriptions" in schema:
        lines += ["", f"## Values of `{path}`", "", "| value | meaning |", "|---|---|"]
        lines += [f"| `{v}` | {d} |" for v, d in zip(schema["enum"], schema["enumDescriptions"], strict=True)]
    return lines


def _table(schema: dict[str, Any], definitions: dict[str, Any]) -> list[str]:
    """Return the table of an object's keys."""
    lines = ["| key | type | default | what |", "|---|---|---|---|"]
    for key, value in schema["properties"].items():
        rule = resolved(value, definitions)
        default = f"`{json.dumps(rule['default'])}`" if "default" in rule else ""
        if key in schema.get("required", ()):
            default = "required"
        lines.append(f"| `{key}` | {type_in_words(rule, definitions)} | {default} | {_what(rule)} |")
    return lines


def type_in_words(schema: dict[str, Any], definitions: dict[str, Any]) -> str:
    """Return the type in words."""
    if "enum" in schema:
        return ", ".join(f"`{value}`" for value in schema["enum"])
    kind: str = schema.get("type", "any value")
    if kind == "array" and "items" in schema:
        return f"list of {type_in_words(resolved(schema['items'], definitions), definitions)}s".replace("]s", "]")
    return _TYPE_NAMES.get(kind, kind)


def _what(schema: dict[str, Any]) -> str:
    """Return the description, the rules and an example."""
    parts = [schema.get("description", "")]
    if rules := [text.format(schema[key]) for key, text in RULES if key in schema and schema[key] != 1]:
        parts.append(f"{'; '.join(rules).capitalize()}.")
    if sentence := schema.get("patternErrorMessage"):
        parts.append(sentence)
    if examples := schema.get("examples"):
        parts.append(f"Example: `{json.dumps(examples[0])}`.")
    return " ".join(part for part in parts if part).replace("|", r"\|").replace("*", r"\*")
