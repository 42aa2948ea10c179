"""Damage the plugin schema in every way that one slip could, and see whether an example notices.

A mutant drops, widens, narrows or flips one constraint. It is killed when the verdict of jsonschema on some example
changes: so every constraint has an example that breaks it and one that just keeps it. Run by ``nox -s mutants``, or
``python -m tests.property.schema_mutants``.
"""

from __future__ import annotations

import collections
import dataclasses
import functools
import json
import sys
import time
from pathlib import Path
from typing import Any, Final

import jsonschema

SCHEMA: Final = Path(__file__).parents[2] / "schema"
FLOOR: Final = 0.95
LIMIT_S: Final = 180.0

END: Final = r"$(?!\n)"
NEVER: Final = "(?!)"
DATA: Final = frozenset({"default", "examples", "enum", "const", "required", "defaultSnippets", "enumDescriptions"})
NAMES: Final = frozenset({"properties", "patternProperties", "$defs"})
OTHER_TYPE: Final = {"string": "array"} | dict.fromkeys(("array", "object", "boolean", "number", "integer"), "string")
WIDER_TYPE: Final = {
    "string": ["string", "integer"],
    "array": ["array", "string"],
    "object": ["object", "array"],
    "boolean": ["boolean", "integer"],
    "number": ["number", "string"],
    "integer": "number",
}
STEPS: Final = {"minimum": -1, "minLength": -1, "minItems": -1, "minProperties": -1} | dict.fromkeys(
    ("maximum", "maxLength", "maxItems", "maxProperties"), 1
)


@dataclasses.dataclass(frozen=True, slots=True)
class Mutant:
    """One damaged schema.

    Attributes:
        kind: drop, widen, narrow or flip.
        place: pointer of the subschema and the constraint.
        schema: the whole schema with the damage.
    """

    kind: str
    place: str
    schema: dict[str, Any]


@dataclasses.dataclass(frozen=True, slots=True)
class Outcome:
    """What became of all mutants.

    Attributes:
        made: how many of each kind.
        survivors: those that no example noticed.
    """

    made: dict[str, int]
    survivors: tuple[Mutant, ...]

    @property
    def share(self) -> float:
        """How many of them were killed, from 0 to 1."""
        return 1 - len(self.survivors) / sum(self.made.values())


def subschemas(schema: dict[str, Any], path: tuple[Any, ...] = ()):
    """Yield (path, subschema) for every schema object that can fail."""
    yield path, schema
    for key, value in schema.items():
        if key in DATA or key in {"anyOf", "if"}:  # the anyOf only carries completions; see `_conditions`
            continue
        if key in NAMES:
            children = [((key, name), child) for name, child in value.items()]
        elif isinstance(value, list):
            children = [((key, index), child) for index, child in enumerate(value)]
        else:
            children = [((key,), value)]
        for step, child in children:
            if isinstance(child, dict):
                yield from subschemas(child, path + step)


def mutants(schema: dict[str, Any]):
    """Yield every mutant of a schema."""
    for path, sub in subschemas(schema):
        pointer = "#/" + "/".join(str(part).replace("/", "~1") for part in path)
        for kind, what, damaged in _damaged(sub):
            yield Mutant(kind, f"{pointer} {what}", _replaced(schema, path, damaged))


def _replaced(node: Any, path: tuple[Any, ...], damaged: dict[str, Any]) -> Any:
    """Return a copy of the schema with one subschema exchanged; what is not on the way is shared."""
    if not path:
        return damaged
    copy = list(node) if isinstance(node, list) else dict(node)
    copy[path[0]] = _replaced(node[path[0]], path[1:], damaged)
    return copy


def _damaged(sub: dict[str, Any]):
    """Yield (kind, what, damaged subschema) for each constraint of one subschema."""
    for make in (_types, _texts, _choices, _bounds, _arrays, _objects, _references, _conditions):
        yield from make(sub)


def _without(sub: dict[str, Any], *keys: str) -> dict[str, Any]:
    return {key: value for key, value in sub.items() if key not in keys}


def _types(sub):
    if "type" in sub:
        yield "drop", "type", _without(sub, "type")
        yield "widen", "type", sub | {"type": WIDER_TYPE[sub["type"]]}
        yield "flip", "type", sub | {"type": OTHER_TYPE[sub["type"]]}
        if sub["type"] == "number":
            yield "narrow", "type", sub | {"type": "integer"}


def _texts(sub):
    pattern = sub.get("pattern")
    if pattern is None:
        return
    yield "drop", "pattern", _without(sub, "pattern")
    yield "flip", "pattern", _without(sub, "pattern") | {"not": {"pattern": pattern}}
    if pattern == NEVER:
        return
    if pattern.startswith("^"):
        yield "widen", "pattern start", sub | {"pattern": pattern[1:]}
    if pattern.endswith(END):
        yield "widen", "pattern end", sub | {"pattern": pattern.removesuffix(END)}
    if "a-z" in pattern:
        yield "narrow", "pattern without letters", sub | {"not": {"pattern": "[a-z]"}}
    if "0-9" in pattern:
        yield "narrow", "pattern without digits", sub | {"not": {"pattern": "[0-9]"}}


def _choices(sub):
    if "const" in sub:
        yield "drop", "const", _without(sub, "const")
        yield "flip", "const", _without(sub, "const") | {"not": {"const": sub["const"]}}
        yield "widen", "const", _without(sub, "const") | {"enum": [sub["const"], sub["const"] + 1]}
    if "enum" in sub:
        values = sub["enum"]
        yield "drop", "enum", _without(sub, "enum")
        yield "flip", "enum", _without(sub, "enum") | {"not": {"enum": values}}
        for value in values:
            yield "narrow", f"enum {value}", sub | {"enum": [other for other in values if other != value]}


def _bounds(sub):
    for key, step in STEPS.items():
        if key not in sub:
            continue
        bound = sub[key]
        fine = step * (bound / 2 if bound < 1 else 1) if key == "minimum" else step
        yield "drop", key, _without(sub, key)
        if bound or key == "minimum":
            yield "widen", key, sub | {key: bound + (fine or step)}
        yield "narrow", key, sub | {key: bound - (fine or step)}


def _arrays(sub):
    if sub.get("uniqueItems"):
        yield "drop", "uniqueItems", _without(sub, "uniqueItems")
    if "items" in sub:
        yield "drop", "items", _without(sub, "items")
        yield "flip", "items", sub | {"items": False}


def _objects(sub):
    for key in sub.get("required", ()):
        rest = [other for other in sub["required"] if other != key]
        yield "drop", f"required {key}", sub | {"required": rest}
    if "properties" in sub:
        for key in sub["properties"]:
            yield "narrow", f"property {key}", sub | {"properties": _without(sub["properties"], key)}
            yield "widen", f"property {key}", sub | {"properties": sub["properties"] | {key: {}}}
            if key not in sub.get("required", ()):
                yield "narrow", f"required {key}", sub | {"required": [*sub.get("required", ()), key]}
    if "additionalProperties" in sub:
        yield "drop", "additionalProperties", _without(sub, "additionalProperties")
        if isinstance(sub["additionalProperties"], dict):
            yield "flip", "additionalProperties", sub | {"additionalProperties": False}
    if "patternProperties" in sub:
        yield "drop", "patternProperties", _without(sub, "patternProperties")
        for pattern, rule in sub["patternProperties"].items():
            yield "widen", "patternProperties", sub | {"patternProperties": {pattern.removeprefix("^"): rule}}
    if "propertyNames" in sub:
        yield "drop", "propertyNames", _without(sub, "propertyNames")


def _references(sub):
    if "$ref" in sub:
        yield "drop", "$ref", _without(sub, "$ref")
    for index in range(len(sub.get("allOf", ()))):
        members = sub["allOf"][:index] + sub["allOf"][index + 1 :]
        if "anyOf" not in sub["allOf"][index]:
            yield "drop", f"allOf {index}", sub | {"allOf": members}


def _conditions(sub):
    if "if" not in sub:
        return
    yield "drop", "if", _without(sub, "if", "then", "else")
    yield "flip", "if", sub | {"if": {"not": sub["if"]}}
    yield "widen", "then", _without(sub, "then")
    if "else" in sub:
        yield "widen", "else", _without(sub, "else")


def examples() -> list[Any]:
    """Return the documents of all examples that are JSON, short ones first; the others never reach a schema."""
    found = []
    for path in sorted((SCHEMA / "examples").glob("*valid/*.json")):
        try:
            document = json.loads(path.read_bytes())
        except (ValueError, RecursionError):
            continue
        found.append(document)
    return sorted(found, key=lambda document: len(json.dumps(document)))


def hunt(schema: dict[str, Any], documents: list[Any], *, limit_s: float = LIMIT_S) -> Outcome:
    """Return which mutants of a schema the documents do not notice.

    Whichever document killed the last mutant is tried first: neighbours often die by the same one.

    Raises:
        TimeoutError: it takes longer than ``limit_s``.
    """
    reference = jsonschema.Draft202012Validator(schema)
    cases = collections.deque((document, verdict(reference, document)) for document in documents)
    deadline = time.monotonic() + limit_s
    made: collections.Counter[str] = collections.Counter()
    survivors = []
    for mutant in mutants(schema):
        made[mutant.kind] += 1
        if not _killed(jsonschema.Draft202012Validator(mutant.schema), cases, _readers(schema, mutant.place)):
            survivors.append(mutant)
        if time.monotonic() > deadline:
            message = f"{sum(made.values())} mutants took more than {limit_s} s"
            raise TimeoutError(message)
    return Outcome(dict(made), tuple(survivors))


def verdict(validator: jsonschema.Draft202012Validator, document: Any) -> frozenset[tuple[Any, ...]]:
    """Return what is wrong with a document, as far as the file with its findings says it: where, and which keys."""
    return frozenset(
        (*error.absolute_path, error.message if error.validator in {"required", "additionalProperties"} else "")
        for error in validator.iter_errors(document)
    )


def _killed(
    validator: jsonschema.Draft202012Validator,
    cases: collections.deque[tuple[Any, frozenset[tuple[Any, ...]]]],
    readers: frozenset[str] | None,
) -> bool:
    for index, (document, expected) in enumerate(cases):
        if readers is not None and (not isinstance(document, dict) or readers.isdisjoint(document)):
            continue
        if _differs(validator, document, expected):
            del cases[index]
            cases.appendleft((document, expected))
            return True
    return False


def _differs(validator: jsonschema.Draft202012Validator, document: Any, expected: frozenset[tuple[Any, ...]]) -> bool:
    return verdict(validator, document) != expected if expected else not validator.is_valid(document)


def _readers(schema: dict[str, Any], place: str) -> frozenset[str] | None:
    """Return the top-level keys whose values a subschema judges, or None if it judges whole documents."""
    section, _, rest = place.removeprefix("#/").partition(" ")[0].partition("/")
    name = rest.partition("/")[0]
    if section == "properties":
        return frozenset({name})
    return _users(json.dumps(schema), name) if section == "$defs" else None


@functools.cache
def _users(text: str, name: str) -> frozenset[str]:
    """Return the top-level keys that refer to a definition, directly or through others."""
    schema = json.loads(text)
    wanted, reference = {name}, '"#/$defs/{}"'
    for _ in schema["$defs"]:
        wanted |= {
            other
            for other, rule in schema["$defs"].items()
            if any(reference.format(w) in json.dumps(rule) for w in wanted)
        }
    return frozenset(
        key
        for key, rule in schema["properties"].items()
        if any(reference.format(w) in json.dumps(rule) for w in wanted)
    )


def main() -> int:
    """Print what survived and the share that was killed; return 1 below the floor."""
    begin = time.monotonic()
    schema = json.loads((SCHEMA / "plugin" / "v1" / "plugin.schema.json").read_bytes())
    outcome = hunt(schema, examples())
    for mutant in outcome.survivors:
        sys.stdout.write(f"survived: {mutant.kind} {mutant.place}\n")
    total = sum(outcome.made.values())
    kinds = ", ".join(f"{number} {kind}" for kind, number in sorted(outcome.made.items()))
    sys.stdout.write(
        f"{total - len(outcome.survivors)} of {total} schema mutants killed ({kinds}): {outcome.share:.1%}, "
        f"floor {FLOOR:.0%}, {time.monotonic() - begin:.0f} s\n"
    )
    return 0 if outcome.share >= FLOOR else 1


if __name__ == "__main__":
    sys.exit(main())
