"""Explain keys of plugin.json and permissions from the schema and the catalogue, for ``mobileops explain KEY``.

A key inside a list or under a free name is called by the keys above it alone: ``ui.panels.kind``, ``assets.digest``.
"""

from __future__ import annotations

import dataclasses
import difflib
import json
from typing import TYPE_CHECKING, Any

from mobileops.errors import NotFoundError
from mobileops.toolchain.diagnostics.catalogue import CODE_UNKNOWN
from mobileops.toolchain.spec import load
from mobileops.toolchain.spec.pages import RULES, type_in_words
from mobileops.toolchain.spec.resolve import resolved

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


@dataclasses.dataclass(frozen=True, slots=True)
class Topic:
    """The explanation of one key or permission.

    Attributes:
        name: dotted.
        kind: what it is, such as ``key, string, required`` or ``permission, risk low``.
        summary: one or two sentences.
        facts: (label, text) in the order to show them.
        members: (name, meaning) of the keys, values or permissions it has.
    """

    name: str
    kind: str
    summary: str
    facts: tuple[tuple[str, str], ...] = ()
    members: tuple[tuple[str, str], ...] = ()


def topics() -> Mapping[str, Topic]:
    """Return name -> topic for every key of plugin.json, then every permission and family that is not named alike."""
    schema = load.plugin_schema()
    found = {topic.name: topic for topic in _keys(schema, schema["$defs"], prefix="")}
    families = load.catalogue()
    entries = load.entries(families)
    every = tuple((entry.name, f"{entry.summary}.") for entry in entries)
    found["permissions"] = dataclasses.replace(found["permissions"], members=every)
    for entry in entries:
        found.setdefault(entry.name, _permission(entry))
    for family in families:
        members = tuple((entry.name, f"{entry.summary}.") for entry in family.permissions)
        about = " ".join(family.about.split())
        found.setdefault(family.family, Topic(family.family, "permissions", about, members=members))
    return found


def explain(word: str) -> Topic:
    """Return the explanation of a key or a permission; the value of a permission may follow its name.

    Raises:
        NotFoundError: there is none of that name (``MOP7020``).
    """
    known = topics()
    wanted = word.strip().strip("\"'")
    topic = known.get(wanted) or known.get(wanted.partition(":")[0])
    if topic is None:
        near = difflib.get_close_matches(wanted.lower(), list(known), n=3, cutoff=0.7)
        raise NotFoundError(
            f"no key or permission {word[:60]!r}",
            code=CODE_UNKNOWN,
            why="explain knows codes like MOP1009, keys of plugin.json like hooks.pre_start, and permissions",
            fix=f"did you mean {' or '.join(map(repr, near))}?" if near else "mobileops explain lists all of them",
        )
    return topic


def _keys(schema: dict[str, Any], definitions: dict[str, Any], *, prefix: str) -> Iterator[Topic]:
    """Yield the keys of an object, each before those inside it."""
    for key, value in schema["properties"].items():
        rule = resolved(value, definitions)
        inner = _inside(rule, definitions)
        yield _key(f"{prefix}{key}", rule, inner, definitions, required=key in schema.get("required", ()))
        if inner:
            yield from _keys(inner, definitions, prefix=f"{prefix}{key}.")


def _inside(rule: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any] | None:
    """Return the object whose keys are those of a value: itself, its items, or what its free names have."""
    for inner in (rule, rule.get("items"), rule.get("additionalProperties")):
        if isinstance(inner, dict) and "properties" in (found := resolved(inner, definitions)):
            return found
    return None


def _key(
    name: str, rule: dict[str, Any], inner: dict[str, Any] | None, definitions: dict[str, Any], *, required: bool
) -> Topic:
    """Return the topic of one key."""
    facts = [("default", json.dumps(rule["default"]))] if "default" in rule else []
    facts += [("rule", text.format(rule[key])) for key, text in RULES if key in rule]
    facts += [("form", rule["patternErrorMessage"])] if "patternErrorMessage" in rule else []
    facts += [("example", json.dumps(example)) for example in rule.get("examples", ())]
    if "enumDescriptions" in rule:
        members = list(zip(rule["enum"], rule["enumDescriptions"], strict=True))
    else:
        members = [(f"{name}.{key}", value.get("description", "")) for key, value in _properties(inner)]
    values = f"{'one of ' if 'enum' in rule else ''}{type_in_words(rule, definitions)}".replace("`", "")
    kind = f"key of plugin.json, {'required, ' if required else ''}{values}"
    return Topic(name, kind, rule.get("description", ""), tuple(facts), tuple(members))


def _properties(inner: dict[str, Any] | None) -> list[tuple[str, dict[str, Any]]]:
    return list(inner["properties"].items()) if inner else []


def _permission(entry: load.PermissionEntry) -> Topic:
    """Return the topic of one permission."""
    facts = [("write", ", ".join(entry.forms))]
    if entry.argument:
        facts.append(("value", entry.argument.expects))
    facts += [("example", example) for example in entry.examples]
    facts += [("enforced by", entry.enforced_by), ("covers", entry.covers)]
    if entry.broad:
        facts.append(("warning", f"the bare form is broad: {entry.broad}"))
    return Topic(entry.name, f"permission, risk {entry.risk}", f"{entry.summary}.", tuple(facts))
