"""Compare two descriptions of an API: what do callers of the old one notice?

An argument may become wider, a result narrower. Everything else that an existing call could notice is breaking.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mobileops.runtime.comparison.change import Change, Level
from mobileops.runtime.comparison.subschema import Subschemas

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from mobileops.bundle.description import Api, Method


def api_changes(old: Api, new: Api) -> Iterator[Change]:
    """Yield the changes, sorted by what changed."""
    for name in sorted(old.methods.keys() | new.methods.keys()):
        if name not in new.methods:
            yield Change("removed", f"{name}()", before=signature(old.methods[name]), level=Level.MAJOR)
        elif name not in old.methods:
            yield Change("added", f"{name}()", after=signature(new.methods[name]), level=Level.MINOR)
        else:
            yield from _Methods(old, new, name).changes()
    for topic in sorted(set(old.events.publishes) - set(new.events.publishes)):
        yield Change("removed", f"event {topic}", before="published", level=Level.MAJOR)
    for topic in sorted(set(new.events.publishes) - set(old.events.publishes)):
        yield Change("added", f"event {topic}", after="published", level=Level.MINOR)
    yield from _sets("subscription to", old.events.subscribes, new.events.subscribes)
    yield from _sets("hook", old.hooks, new.hooks)
    if old.base_class != new.base_class:
        yield Change("changed", "base class", old.base_class, new.base_class, Level.MAJOR)


def _sets(label: str, old: Iterable[str], new: Iterable[str]) -> Iterator[Change]:
    before, after = set(old), set(new)
    yield from (Change("removed", f"{label} {name}") for name in sorted(before - after))
    yield from (Change("added", f"{label} {name}") for name in sorted(after - before))


def signature(method: Method) -> str:
    """Return a method's arguments as Python writes them, with JSON types."""
    properties, required = _properties(method), _required(method)
    names = [*method.positional, *sorted(properties.keys() - set(method.positional))]
    shown = [f"{name}: {spelled(properties.get(name, {}))}{'' if name in required else ' = …'}" for name in names]
    return f"({', '.join(shown)}) -> {spelled(method.returns)}"


def spelled(schema: object) -> str:
    """Return a schema in few words: ``string | null``, ``array of integer``, ``Point``."""
    if not isinstance(schema, dict) or not schema:
        return "any"
    if isinstance(schema.get("anyOf"), list):
        return " | ".join(spelled(one) for one in schema["anyOf"])
    if isinstance(schema.get("enum"), list):
        return " | ".join(repr(value) for value in schema["enum"])
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    kind = str(schema.get("type", schema.get("$comment", "any")))
    return f"array of {spelled(schema['items'])}" if kind == "array" and schema.get("items") else kind


class _Methods:
    """One method in both versions."""

    def __init__(self, old: Api, new: Api, name: str) -> None:
        self._name = name
        self._old, self._new = old.methods[name], new.methods[name]
        self._arguments = Subschemas(new.definitions, old.definitions)
        self._reverse = Subschemas(old.definitions, new.definitions)
        self._results = Subschemas(old.definitions, new.definitions)

    def changes(self) -> Iterator[Change]:
        """Yield what changed, arguments first."""
        before, after = _properties(self._old), _properties(self._new)
        for name in [name for name in before if name not in after]:
            yield self._change("removed", name, spelled(before[name]), None, Level.MAJOR)
        for name in [name for name in after if name not in before]:
            level = Level.MAJOR if name in _required(self._new) else Level.MINOR
            yield self._change("added", name, None, spelled(after[name]), level)
        for name in [name for name in before if name in after]:
            yield from self._argument(name, before[name], after[name])
        yield from self._by_place()
        yield from self._variadic("*", self._old.rest, self._new.rest)
        more = (self._old.params.get("additionalProperties"), self._new.params.get("additionalProperties"))
        yield from self._variadic("**", *(None if value is False else value for value in more))
        if self._old.returns != self._new.returns or not self._results.accepts(self._old.returns, self._new.returns):
            fits = self._results.accepts(self._old.returns, self._new.returns)
            shown = (spelled(self._old.returns), spelled(self._new.returns))
            yield self._change("changed", "return", *shown, Level.MINOR if fits else Level.MAJOR)

    def _argument(self, name: str, before: object, after: object) -> Iterator[Change]:
        was, now = name in _required(self._old), name in _required(self._new)
        if was != now:
            words = ("required", "optional") if was else ("optional", "required")
            yield self._change("changed", name, *words, Level.MINOR if was else Level.MAJOR)
        if not self._arguments.accepts(after, before):
            yield self._change("changed", name, spelled(before), spelled(after), Level.MAJOR)
        elif not self._reverse.accepts(before, after):
            yield self._change("changed", name, spelled(before), spelled(after), Level.MINOR)
        old_default, new_default = _default(before), _default(after)
        if old_default != new_default and not was and not now:
            yield self._change("changed", f"default of {name}", repr(old_default), repr(new_default), Level.MINOR)

    def _by_place(self) -> Iterator[Change]:
        before, after = self._old.positional, self._new.positional
        kept = tuple(name for name in before if name in _properties(self._new))
        if after[: len(kept)] != kept:
            yield self._change("changed", "order", ", ".join(before), ", ".join(after), Level.MAJOR)

    def _variadic(self, stars: str, before: object, after: object) -> Iterator[Change]:
        if before is not None and after is None:
            yield self._change("removed", stars, "any number", None, Level.MAJOR)
        elif before is None and after is not None:
            yield self._change("added", stars, None, "any number", Level.MINOR)
        elif before != after:
            level = Level.MINOR if self._arguments.accepts(after, before) else Level.MAJOR
            yield self._change("changed", stars, spelled(before), spelled(after), level)

    def _change(self, kind: str, part: str, before: str | None, after: str | None, level: Level) -> Change:
        return Change(
            kind, f"{self._name}({part})" if part != "return" else f"{self._name}() result", before, after, level
        )


def _properties(method: Method) -> dict[str, Any]:
    found = method.params.get("properties")
    return found if isinstance(found, dict) else {}


def _required(method: Method) -> set[str]:
    found = method.params.get("required")
    return {name for name in found if isinstance(name, str)} if isinstance(found, list) else set()


def _default(schema: object) -> object:
    return schema.get("default") if isinstance(schema, dict) else None
