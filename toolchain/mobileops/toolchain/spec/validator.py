r"""Generate the device's validator: plain Python specialised to the plugin schema.

Each subschema becomes a function ``(value, pointer, problems)``; the properties of an object become a table from key to
function. Literal patterns (``^network\.tcp:``) become string comparisons; the others are compiled on first use. The
schema may only use the keywords named here: another one stops the generator instead of being ignored.
"""

from __future__ import annotations

import dataclasses
import json
from typing import Any, Final

from mobileops.errors import HostFault
from mobileops.toolchain.spec import literal_patterns
from mobileops.toolchain.spec.permission_schema import NEVER
from mobileops.toolchain.spec.source_text import indented, literal, merged, negated

WRONG_CONST: Final = "MOP1104"
WRONG_TEXT: Final = "MOP1105"
TOO_SMALL: Final = "MOP1106"
TOO_LARGE: Final = "MOP1107"
OUT_OF_RANGE: Final = "MOP1108"

ANNOTATIONS: Final = frozenset(
    {"$schema", "$id", "$defs", "$comment", "title", "description", "markdownDescription", "default", "examples"}
    | {"enumDescriptions", "enumDetails", "defaultSnippets", "errorMessage", "patternErrorMessage"}
    | {"deprecationMessage", "format"}
)
_TYPES: Final = {
    "string": "isinstance(v, str)",
    "boolean": "isinstance(v, bool)",
    "array": "isinstance(v, list)",
    "object": "isinstance(v, dict)",
    "number": "isinstance(v, int | float) and not isinstance(v, bool)",
    "integer": "isinstance(v, int | float) and not isinstance(v, bool) and v == v // 1",
}
# Where a schema can prescribe no sentence, ours is that of the editors' engines (docs/adr/0006).
_BOUNDS: Final = (
    ("minimum", "<", OUT_OF_RANGE, "Value is below the minimum of {}."),
    ("maximum", ">", OUT_OF_RANGE, "Value is above the maximum of {}."),
)
_LENGTHS: Final = (
    ("minLength", "<", TOO_SMALL, "String is shorter than the minimum length of {}."),
    ("maxLength", ">", TOO_LARGE, "String is longer than the maximum length of {}."),
)
_SIZES: Final = (
    ("minItems", "<", TOO_SMALL, "Array has too few items. Expected {} or more."),
    ("maxItems", ">", TOO_LARGE, "Array has too many items. Expected {} or fewer."),
    ("minProperties", "<", TOO_SMALL, "Object has fewer properties than the required number of {}"),
    ("maxProperties", ">", TOO_LARGE, "Object has more properties than limit of {}."),
)
_CONDITIONS: Final = frozenset({"pattern", "required", "properties"})


@dataclasses.dataclass(slots=True)
class ValidatorSource:
    """The pieces of the generated module.

    Attributes:
        functions: name to lines.
        tables: lines of the property tables.
        sentences: ``(code, sentence)`` in order of use.
        choices: ``(sentence, values)`` of each enumeration.
        patterns: regular expressions in order of use.
    """

    schema: dict[str, Any]
    functions: dict[str, list[str]] = dataclasses.field(default_factory=dict)
    tables: list[str] = dataclasses.field(default_factory=list)
    sentences: list[tuple[str, str]] = dataclasses.field(default_factory=list)
    choices: list[tuple[str, tuple[str, ...]]] = dataclasses.field(default_factory=list)
    patterns: list[str] = dataclasses.field(default_factory=list)

    def generate(self) -> None:
        """Fill in the functions for every definition and for the document."""
        for name, schema in self.schema["$defs"].items():
            self._function(f"_def_{name}", schema, f"#/$defs/{name}")
        self._function("_document", self.schema, "#")

    def _function(self, name: str, schema: dict[str, Any], pointer: str) -> str:
        """Add the function for one subschema and return its name."""
        head = [f"def {name}(v: Any, at: str, out: list[Problem]) -> None:", f'    """Check {pointer}."""']
        self.functions[name] = head
        body = self._type(schema) + self._body(schema, name, pointer, known=schema.get("type"))
        head.extend(f"    {line}" for line in body)
        return name

    def _callable(self, schema: dict[str, Any], name: str, pointer: str) -> str | None:
        """Return the name of a function for ``schema``, or None if it accepts everything."""
        rules = {key: value for key, value in schema.items() if key not in ANNOTATIONS}
        if not rules:
            return None
        if rules.keys() == {"$ref"}:
            return _target(rules["$ref"])
        if rules.keys() == {"allOf"} and len(rules["allOf"]) == 1:
            return self._callable(rules["allOf"][0], name, f"{pointer}/allOf/0")
        return self._function(name, schema, pointer)

    def _type(self, schema: dict[str, Any]) -> list[str]:
        """Return the check of ``type``, after which the rest may rely on it."""
        if "type" not in schema:
            return []
        test = _TYPES[schema["type"]]
        sentence = schema.get("errorMessage", f'Incorrect type. Expected "{schema["type"]}"').removesuffix(".")
        return [f"if {negated(test)}:", f"    out.append(mistyped(v, at, {literal(sentence)}))", "    return"]

    def _body(self, schema: dict[str, Any], name: str, pointer: str, *, known: str | None) -> list[str]:
        """Return the checks of every other keyword, for a value of type ``known``."""
        keys = schema.keys() - ANNOTATIONS - {"type", "then", "else"}
        lines = self._string(schema) + self._choice(schema) + self._range(schema)
        lines += self._array(schema, name, pointer)
        if known == "object":
            lines += self._object(schema, name, pointer)
        keys -= {"minLength", "maxLength", "pattern", "enum", "const", "minimum", "maximum"}
        keys -= {"minItems", "maxItems", "uniqueItems", "items", "minProperties", "maxProperties"}
        keys -= {"properties", "patternProperties", "additionalProperties", "propertyNames", "required"}
        if "$ref" in schema:
            lines.append(f"{_target(schema['$ref'])}(v, at, out)")
        for index, member in enumerate(schema.get("allOf", ())):
            lines += self._member(member, name, f"{pointer}/allOf/{index}", known=known)
        if "if" in schema:
            lines += self._conditional(schema, name, pointer, known=known)
        if unknown := keys - {"$ref", "allOf", "anyOf", "if"}:
            raise _unsupported(pointer, f"keyword {min(unknown)!r}")
        if "anyOf" in schema and all(branch.keys() - ANNOTATIONS for branch in schema["anyOf"]):
            raise _unsupported(pointer, "an anyOf that can fail")
        return lines

    def _member(self, schema: dict[str, Any], name: str, pointer: str, *, known: str | None) -> list[str]:
        """Return the checks of one ``allOf`` member; string rules guard themselves where the type is not known."""
        if known is None and "pattern" in schema:
            return merged(["if isinstance(v, str):", *indented(self._body(schema, name, pointer, known="string"))])
        return self._body(schema, name, pointer, known=known)

    def _string(self, schema: dict[str, Any]) -> list[str]:
        """Return the checks of a string, at most one of which reports."""
        tests = [
            (f"len(v) {operator} {schema[key]}", code, sentence.format(schema[key]))
            for key, operator, code, sentence in _LENGTHS
            if key in schema
        ]
        if "pattern" in schema:
            sentence = schema.get("patternErrorMessage", f"This does not match {schema['pattern']}")
            tests.append((negated(self._matches(schema["pattern"])), schema.get("$comment", WRONG_TEXT), sentence))
        if schema.get("pattern") == NEVER:
            return [self._report(*tests[-1][1:])]
        lines = []
        for index, (test, code, sentence) in enumerate(tests):
            lines += [f"{'el' if index else ''}if {test}:", f"    {self._report(code, sentence)}"]
        return lines

    def _matches(self, pattern: str, subject: str = "v") -> str:
        """Return the expression that tells whether a pattern is found."""
        if comparison := literal_patterns.comparison(pattern, subject):
            return comparison
        if pattern not in self.patterns:
            self.patterns.append(pattern)
        return f"_found({self.patterns.index(pattern)}, {subject})"

    def _choice(self, schema: dict[str, Any]) -> list[str]:
        """Return the check of ``enum`` or ``const``."""
        if "const" in schema:
            code, sentence = schema.get("$comment", WRONG_CONST), schema["errorMessage"]
            return [f"if v != {json.dumps(schema['const'])}:", f"    {self._report(code, sentence)}"]
        if "enum" not in schema:
            return []
        choice = (schema["errorMessage"].removesuffix("."), tuple(schema["enum"]))
        if choice not in self.choices:
            self.choices.append(choice)
        index = self.choices.index(choice)
        return [f"if v not in _CHOICES[{index}][1]:", f"    out.append(wrong_choice(v, at, *_CHOICES[{index}]))"]

    def _range(self, schema: dict[str, Any]) -> list[str]:
        """Return the checks of ``minimum`` and ``maximum``."""
        lines = []
        for key, operator, code, sentence in _BOUNDS:
            if key in schema:
                bound = json.dumps(schema[key])
                lines += [f"if v {operator} {bound}:", f"    {self._report(code, sentence.format(bound))}"]
        return lines

    def _array(self, schema: dict[str, Any], name: str, pointer: str) -> list[str]:
        """Return the checks of an array and its items."""
        lines = self._size(schema, "Items")
        if schema.get("uniqueItems"):
            lines.append("out.extend(repeated(v, at))")
        rule = self._callable(schema.get("items", {}), f"{name}_item", f"{pointer}/items")
        if rule:
            lines += ["for index, item in enumerate(v):", f'    {rule}(item, f"{{at}}/{{index}}", out)']
        return lines

    def _size(self, schema: dict[str, Any], suffix: str) -> list[str]:
        """Return the checks of how many members there are."""
        lines = []
        for key, operator, code, sentence in _SIZES:
            if key.endswith(suffix) and key in schema:
                report = self._report(code, sentence.format(schema[key]))
                lines += [f"if len(v) {operator} {schema[key]}:", f"    {report}"]
        return lines

    def _object(self, schema: dict[str, Any], name: str, pointer: str) -> list[str]:
        """Return the checks of an object's keys and their values."""
        lines = self._size(schema, "Properties")
        for key in schema.get("required", ()):
            lines += _required(key)
        if schema.get("additionalProperties") is False:
            return lines + self._closed(schema, name, pointer)
        loop: list[str] = []
        if names := self._callable(schema.get("propertyNames", {}), f"{name}_key", f"{pointer}/propertyNames"):
            loop.append(f'    {names}(key, f"{{at}}/{{escape(key)}}", out)')
        pointer = f"{pointer}/additionalProperties"
        if values := self._callable(schema.get("additionalProperties", {}), f"{name}_value", pointer):
            loop.append(f'    {values}(item, f"{{at}}/{{escape(key)}}", out)')
        if not loop:
            return lines
        return [*lines, "for key, item in v.items():" if values else "for key in v:", *loop]

    def _closed(self, schema: dict[str, Any], name: str, pointer: str) -> list[str]:
        """Return the checks of an object that has only the keys named."""
        rules = {
            key: self._callable(value, f"{name}_{_identifier(key)}", f"{pointer}/properties/{key}")
            for key, value in schema["properties"].items()
        }
        table = f"{name.upper()}_KEYS"
        entries = [f"{literal(key)}: {rule or '_anything'}" for key, rule in rules.items()]
        self.tables += ["", f"{table}: Final[dict[str, Rule]] = {{", *(f"    {entry}," for entry in entries), "}"]
        unknown = "else:"
        if patterns := list(schema.get("patternProperties", ())):
            unknown = f"elif {' and '.join(negated(self._matches(pattern, 'str(key)')) for pattern in patterns)}:"
        return [
            "for key, item in v.items():",
            f"    rule = {table}.get(key)",
            "    if rule is not None:",
            '        rule(item, f"{at}/{key}", out)',
            f"    {unknown}",
            f"        out.append(unknown_key(key, at, {table}, earlier=len(out)))",
        ]

    def _conditional(self, schema: dict[str, Any], name: str, pointer: str, *, known: str | None) -> list[str]:
        """Return ``if``/``then``/``else``."""
        then = self._branch(schema["then"], name, f"{pointer}/then", known=known)
        lines = [f"if {self._condition(schema['if'], f'{pointer}/if')}:", *indented(then)]
        if "else" in schema:
            lines += ["else:", *indented(self._branch(schema["else"], name, f"{pointer}/else", known=known))]
        return merged(lines)

    def _branch(self, schema: dict[str, Any], name: str, pointer: str, *, known: str | None) -> list[str]:
        """Return the checks of a ``then`` or ``else``: string rules, or required keys."""
        if known != "object":
            return self._body(schema, name, pointer, known=known)
        # ajv in strict mode wants the keys declared beside ``required``; what they are is said elsewhere.
        declared_only = all(rule is True for rule in schema.get("properties", {}).values())
        if not declared_only or schema.keys() - ANNOTATIONS - {"properties"} != {"required"}:
            raise _unsupported(pointer, "more than required keys under a condition")
        return [line for key in schema["required"] for line in _required(key)]

    def _condition(self, schema: dict[str, Any], pointer: str) -> str:
        """Return the expression for an ``if``."""
        if unknown := schema.keys() - _CONDITIONS:
            raise _unsupported(pointer, f"condition {min(unknown)!r}")
        tests = [self._matches(schema["pattern"])] if "pattern" in schema else []
        for key, rule in schema.get("properties", {}).items():
            if key not in schema["required"]:
                raise _unsupported(pointer, "a condition on an optional key")
            values = [rule["const"]] if "const" in rule else rule["enum"]
            tests.append(f"v.get({literal(key)}) == {literal(values[0])}" if len(values) == 1 else _one_of(key, values))
        return " and ".join(tests)

    def _report(self, code: str, sentence: str) -> str:
        """Return the statement that reports a fixed sentence."""
        problem = (code, sentence.removesuffix("."))
        if problem not in self.sentences:
            self.sentences.append(problem)
        return f"out.append(_problem({self.sentences.index(problem)}, at, v))"


def _required(key: str) -> list[str]:
    """Return the check that an object has a key."""
    return [f"if {literal(key)} not in v:", f"    out.append(missing({literal(key)}, at))"]


def _target(reference: str) -> str:
    """Return the function of a ``#/$defs/name`` reference."""
    return f"_def_{reference.removeprefix('#/$defs/')}"


def _identifier(key: str) -> str:
    """Return a key as a part of a Python name."""
    return key.strip("$").replace("-", "_")


def _one_of(key: str, values: list[str]) -> str:
    """Return the expression for a key that has one of several values, whatever its type."""
    return f"v.get({literal(key)}) in ({', '.join(map(literal, values))})"


def _unsupported(pointer: str, what: str) -> HostFault:
    """Return the error for a schema the generator does not understand."""
    return HostFault(f"the validator generator does not know {what}", code="MOP8013", where=pointer)
