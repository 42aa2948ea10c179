"""Does one JSON Schema accept everything that another accepts?

Law: ``accepts(wide, narrow)`` implies that every value valid by `narrow` is valid by `wide`. The other direction does
not hold: of schemas outside the form that packaging writes, only equal ones are known to accept the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_DEPTH: Final = 32
MAX_STEPS: Final = 20_000
"""Both schemas come from bundles that nobody has to trust."""
_NOTES: Final = frozenset({"title", "description", "default", "examples", "$comment", "deprecated"})
_UNDERSTOOD: Final = frozenset(
    {"type", "enum", "anyOf", "items", "prefixItems", "minItems", "maxItems", "uniqueItems", "properties", "required"}
    | {"additionalProperties", "contentEncoding"}
)
_REF: Final = "#/$defs/"

Schema = Any


class Subschemas:
    """Compares schemas of two documents.

    Args:
        wide_definitions: ``$defs`` of the document that the first schema of `accepts` is from.
        narrow_definitions: those of the second.
    """

    def __init__(self, wide_definitions: Mapping[str, Any], narrow_definitions: Mapping[str, Any]) -> None:
        self._wide = wide_definitions
        self._narrow = narrow_definitions
        self._steps_left = MAX_STEPS
        self._assumed: set[tuple[str, str]] = set()

    def accepts(self, wide: Schema, narrow: Schema, *, depth: int = 0) -> bool:
        """Tell whether `wide` is known to accept everything that `narrow` accepts."""
        self._steps_left -= 1
        if depth > MAX_DEPTH or self._steps_left < 0:
            return False
        pair = (_reference(wide), _reference(narrow))
        if all(pair):
            # Records may contain themselves: what is being shown may be assumed below.
            if pair in self._assumed:
                return True
            self._assumed.add(pair)
        wide, narrow = _bare(wide, self._wide), _bare(narrow, self._narrow)
        if wide == {} or narrow is False:
            return True
        return isinstance(wide, dict) and isinstance(narrow, dict) and self._objects(wide, narrow, depth)

    def _objects(self, wide: dict[str, Any], narrow: dict[str, Any], depth: int) -> bool:
        if "anyOf" in narrow:
            return len(narrow) == 1 and all(self.accepts(wide, one, depth=depth + 1) for one in _list(narrow["anyOf"]))
        if "anyOf" in wide:
            return len(wide) == 1 and any(self.accepts(one, narrow, depth=depth + 1) for one in _list(wide["anyOf"]))
        if not {*wide, *narrow} <= _UNDERSTOOD or not {"type", "enum"} & wide.keys():
            return bool(wide == narrow)
        return self._plain(wide, narrow, depth + 1)

    def _plain(self, wide: dict[str, Any], narrow: dict[str, Any], depth: int) -> bool:
        if "enum" in narrow:
            values = _list(narrow["enum"])
            if "enum" in wide:
                return wide.keys() == {"enum"} and all(_among(value, _list(wide["enum"])) for value in values)
            return wide.keys() == {"type"} and all(_has_type(value, wide["type"]) for value in values)
        if "enum" in wide or not _type_accepts(wide.get("type"), narrow.get("type")):
            return False
        if wide.get("contentEncoding") != narrow.get("contentEncoding"):
            return False
        if wide.get("type") == "array":
            return self._array(wide, narrow, depth)
        return wide.get("type") != "object" or self._object(wide, narrow, depth)

    def _array(self, wide: dict[str, Any], narrow: dict[str, Any], depth: int) -> bool:
        if wide.get("uniqueItems") and not narrow.get("uniqueItems"):
            return False
        if "prefixItems" in wide:
            same = _is_fixed(wide) and _is_fixed(narrow) and len(wide["prefixItems"]) == len(narrow["prefixItems"])
            pairs = zip(wide["prefixItems"], narrow["prefixItems"], strict=True) if same else ()
            return same and all(self.accepts(one, other, depth=depth) for one, other in pairs)
        if any(wide.get(bound) not in {None, narrow.get(bound)} for bound in ("minItems", "maxItems")):
            return False
        if "prefixItems" in narrow:
            items = wide.get("items", {})
            return _is_fixed(narrow) and all(self.accepts(items, one, depth=depth) for one in narrow["prefixItems"])
        return self.accepts(wide.get("items", {}), narrow.get("items", {}), depth=depth)

    def _object(self, wide: dict[str, Any], narrow: dict[str, Any], depth: int) -> bool:
        if not set(_list(wide.get("required", ()))) <= set(_list(narrow.get("required", ()))):
            return False
        ours, theirs = _dict(wide.get("properties")), _dict(narrow.get("properties"))
        rest, more = wide.get("additionalProperties", {}), narrow.get("additionalProperties", {})
        if not self.accepts(rest, more, depth=depth):
            return False
        named = all(self.accepts(ours.get(name, rest), schema, depth=depth) for name, schema in theirs.items())
        # A name that only `wide` knows may come with any value that `narrow` allows for names it does not know.
        return named and all(
            self.accepts(schema, more, depth=depth) for name, schema in ours.items() if name not in theirs
        )


def _reference(schema: Schema) -> str:
    text = schema.get("$ref") if isinstance(schema, dict) else None
    return text if isinstance(text, str) else ""


def _bare(schema: Schema, definitions: Mapping[str, Any]) -> Schema:
    """Return what a reference means, without what only people read."""
    for _ in range(MAX_DEPTH):
        reference = _reference(schema)
        if not reference.startswith(_REF) or reference[len(_REF) :] not in definitions:
            break
        schema = definitions[reference[len(_REF) :]]
    if not isinstance(schema, dict):
        return {} if schema is True else schema
    comment = schema.get("$comment")
    bare = {key: value for key, value in schema.items() if key not in _NOTES}
    # A type from elsewhere: nothing is known about it but its name.
    return {"$comment": comment} if comment and not bare else bare


def _is_fixed(schema: dict[str, Any]) -> bool:
    """Tell whether an array has as many items as its schema lists."""
    items = schema.get("prefixItems")
    return isinstance(items, list) and schema.get("minItems") == schema.get("maxItems") == len(items)


def _list(value: object) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else []


def _dict(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _among(value: object, values: list[Any]) -> bool:
    return any(type(value) is type(other) and value == other for other in values)


_TYPES: Final[dict[str, tuple[type, ...]]] = {
    "null": (type(None),),
    "boolean": (bool,),
    "integer": (int,),
    "number": (int, float),
    "string": (str,),
}


def _has_type(value: object, name: object) -> bool:
    if isinstance(value, bool):
        return name == "boolean"
    return isinstance(name, str) and isinstance(value, _TYPES.get(name, ()))


def _type_accepts(wide: object, narrow: object) -> bool:
    return wide == narrow or (wide == "number" and narrow == "integer")
