"""Turn the annotations of Python into JSON Schema (draft 2020-12), without evaluating them.

==============================================  ========================================================
annotation                                      schema
==============================================  ========================================================
``None`` ``bool`` ``int`` ``float`` ``str``     ``null`` ``boolean`` ``integer`` ``number`` ``string``
``bytes``                                       a string with ``contentEncoding``
``X | Y`` ``Union`` ``Optional``                ``anyOf``
``list[X]`` ``Sequence`` ``set`` …              an array of X
``tuple[X, Y]`` ``NamedTuple``                  an array with ``prefixItems``
``dict[str, X]`` ``Mapping`` …                  an object with X as ``additionalProperties``
``Literal[…]``, an ``Enum`` of the plugin       ``enum``
``TypedDict``, a dataclass of the plugin        an object in ``$defs``, with ``required``
``Annotated[X, …]`` ``NewType`` an alias        X
==============================================  ========================================================

What a schema cannot say (``Any``, a type from elsewhere) is the schema that accepts everything; a type from elsewhere
is named in a ``$comment``.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any, Final

from mobileops.toolchain.api.constants import UNKNOWN, enum_values, literal
from mobileops.toolchain.api.modules import Defined, dotted

if TYPE_CHECKING:
    from mobileops.toolchain.api.modules import Module, Sources

Schema = dict[str, Any]

MAX_DEPTH: Final = 32
MAX_STEPS: Final = 100_000
"""How many annotations of one plugin are looked at: aliases of aliases can stand for more than anybody can write."""
_TYPING: Final = ("typing.", "typing_extensions.", "builtins.", "collections.abc.", "collections.", "types.")
_PLAIN: Final[dict[str, Schema]] = {
    "None": {"type": "null"},
    "NoneType": {"type": "null"},
    "bool": {"type": "boolean"},
    "int": {"type": "integer"},
    "float": {"type": "number"},
    "str": {"type": "string"},
    "LiteralString": {"type": "string"},
    "bytes": {"type": "string", "contentEncoding": "base64"},
    "bytearray": {"type": "string", "contentEncoding": "base64"},
    "Any": {},
    "object": {},
}
_ARRAYS: Final = frozenset(
    {"list", "List", "Sequence", "MutableSequence", "Iterable", "Collection", "Iterator", "Generator", "deque"}
)
_SETS: Final = frozenset({"set", "Set", "frozenset", "FrozenSet", "AbstractSet", "MutableSet"})
_TUPLES: Final = frozenset({"tuple", "Tuple"})
_OBJECTS: Final = frozenset({"dict", "Dict", "Mapping", "MutableMapping", "OrderedDict", "defaultdict", "DefaultDict"})
_WRAPPERS: Final = frozenset({"Annotated", "Required", "NotRequired", "ReadOnly", "Final", "Awaitable", "Coroutine"})
_ENUMS: Final = frozenset({"enum.Enum", "enum.IntEnum", "enum.StrEnum"})
_TYPED_DICTS: Final = frozenset({"typing.TypedDict", "typing_extensions.TypedDict"})
_NAMED_TUPLES: Final = frozenset({"typing.NamedTuple"})
_DATACLASSES: Final = frozenset({"dataclasses.dataclass", "attrs.define", "attrs.frozen"})
_STRUCTS: Final = frozenset({"msgspec.Struct"})


class Schemas:
    """Makes the schemas of one document; named ones are collected in `definitions`.

    Attributes:
        definitions: name -> schema, for ``$defs``.
    """

    def __init__(self, sources: Sources) -> None:
        self.definitions: dict[str, Schema] = {}
        self._sources = sources
        self._names: dict[tuple[str, str], str] = {}
        self._steps_left = MAX_STEPS

    def of(self, annotation: ast.expr | None, module: Module, *, depth: int = 0) -> Schema:
        """Return the schema of an annotation that stands in `module`; no annotation accepts everything."""
        self._steps_left -= 1
        if annotation is None or depth > MAX_DEPTH or self._steps_left < 0:
            return {}
        if isinstance(annotation, ast.Constant):
            return self._of_constant(annotation, module, depth)
        if isinstance(annotation, ast.BinOp):
            return self._union(_alternatives(annotation), module, depth)
        if isinstance(annotation, ast.Subscript):
            return self._of_subscript(annotation, module, depth)
        name = dotted(annotation)
        return self._of_name(name, module, depth) if name else {}

    def _of_constant(self, node: ast.Constant, module: Module, depth: int) -> Schema:
        if node.value is None:
            return {"type": "null"}
        if not isinstance(node.value, str):
            return {}
        try:
            inner = ast.parse(node.value.strip(), mode="eval").body
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return {}
        return self.of(inner, module, depth=depth + 1)

    def _of_name(self, name: str, module: Module, depth: int) -> Schema:
        found = self._sources.resolve(module, name)
        if isinstance(found, Defined):
            return self._of_definition(found, depth)
        short = _short(found)
        if short in _PLAIN:
            return dict(_PLAIN[short])
        if short in _ARRAYS | _TUPLES:
            return {"type": "array"}
        if short in _SETS:
            return {"type": "array", "uniqueItems": True}
        if short in _OBJECTS:
            return {"type": "object"}
        return {"$comment": found}

    def _of_subscript(self, node: ast.Subscript, module: Module, depth: int) -> Schema:
        found = self._sources.resolve(module, dotted(node.value))
        short = "" if isinstance(found, Defined) else _short(found)
        arguments = list(node.slice.elts) if isinstance(node.slice, ast.Tuple) else [node.slice]
        if short == "Literal":
            return self._literal(arguments, module)
        if short in {"Union", "Optional"}:
            none = [ast.Constant(value=None)] if short == "Optional" else []
            return self._union([*arguments, *none], module, depth)
        if short in _WRAPPERS:
            # Of Coroutine[Any, Any, X] the last counts, of the others the first.
            return self.of(arguments[-1 if short == "Coroutine" else 0], module, depth=depth + 1)
        if short in _TUPLES:
            return self._tuple(arguments, module, depth)
        schema = self.of(node.value, module, depth=depth + 1)
        if short in _ARRAYS | _SETS:
            schema["items"] = self.of(arguments[0], module, depth=depth + 1)
        elif short in _OBJECTS and len(arguments) > 1:
            schema["additionalProperties"] = self.of(arguments[1], module, depth=depth + 1)
        return schema

    def _union(self, members: list[ast.expr], module: Module, depth: int) -> Schema:
        options: list[Schema] = []
        for member in members:
            schema = self.of(member, module, depth=depth + 1)
            options += [
                one for one in (schema["anyOf"] if set(schema) == {"anyOf"} else [schema]) if one not in options
            ]
        if {} in options or not options:
            return {}
        return options[0] if len(options) == 1 else {"anyOf": options}

    def _tuple(self, arguments: list[ast.expr], module: Module, depth: int) -> Schema:
        last = arguments[-1]
        if isinstance(last, ast.Constant) and last.value is ...:
            return {"type": "array", "items": self.of(arguments[0], module, depth=depth + 1)}
        return _fixed_array([self.of(argument, module, depth=depth + 1) for argument in arguments])

    def _literal(self, arguments: list[ast.expr], module: Module) -> Schema:
        values: list[Any] = []
        for argument in arguments:
            if isinstance(argument, ast.Attribute):
                # Literal[Colour.RED] means the member's value.
                owner = self._sources.resolve(module, dotted(argument.value))
                members = enum_values(owner.node) if isinstance(owner, Defined) else {}
                values += [members[argument.attr]] if argument.attr in members else []
            else:
                values += [value for value in [literal(argument)] if value is not UNKNOWN]
        return {"enum": values} if values else {}

    def _of_definition(self, found: Defined, depth: int) -> Schema:
        if isinstance(found.node, ast.ClassDef):
            return self._of_class(found, found.node, depth)
        value = found.node
        if isinstance(value, ast.Call):
            called = self._sources.resolve(found.module, dotted(value.func))
            is_new_type = called in {"typing.NewType", "typing_extensions.NewType"} and len(value.args) > 1
            return self.of(value.args[1], found.module, depth=depth + 1) if is_new_type else {}
        return self.of(value, found.module, depth=depth + 1)

    def _of_class(self, found: Defined, node: ast.ClassDef, depth: int) -> Schema:
        kind = self._kind(found.module, node)
        if kind == "enum":
            values = list(enum_values(node).values())
            return {"enum": values} if values else {}
        if kind is None:
            return {"$comment": f"{found.module.name}:{found.name}"}
        key = (found.module.name, found.name)
        name = self._names.get(key)
        if name is None:
            # Entered before its fields are looked at, so that a type may contain itself.
            name = self._names[key] = _free_name(found.name, self.definitions)
            self.definitions[name] = {}
            self.definitions[name] = self._record(found.module, node, kind, depth + 1)
        return {"$ref": f"#/$defs/{name}"}

    def _kind(self, module: Module, node: ast.ClassDef, *, depth: int = 0) -> str | None:
        """Return what a class is for the wire: ``enum``, ``typed dict``, ``tuple``, ``object``; None is no data."""
        self._steps_left -= 1
        decorators = [item.func if isinstance(item, ast.Call) else item for item in node.decorator_list]
        if any(self._sources.resolve(module, dotted(item)) in _DATACLASSES for item in decorators):
            return "object"
        for base in node.bases:
            found = self._sources.resolve(module, dotted(base))
            if isinstance(found, Defined) and isinstance(found.node, ast.ClassDef) and self._may(depth):
                kind = self._kind(found.module, found.node, depth=depth + 1)
                if kind in {"typed dict", "enum"}:
                    return kind
            for kind, names in _BASES.items():
                if found in names:
                    return kind
        return None

    def _record(self, module: Module, node: ast.ClassDef, kind: str, depth: int) -> Schema:
        fields = dict(self._fields(module, node, kind=kind, depth=depth))
        if kind == "tuple":
            return _fixed_array([schema for schema, _ in fields.values()])
        schema: Schema = {
            "type": "object",
            "properties": {name: schema for name, (schema, _) in fields.items()},
            "required": [name for name, (_, required) in fields.items() if required],
            "additionalProperties": False,
        }
        text = docstring(node)
        return {**schema, "description": text} if text else schema

    def _may(self, depth: int) -> bool:
        return depth <= MAX_DEPTH and self._steps_left > 0

    def _fields(self, module: Module, node: ast.ClassDef, *, kind: str, depth: int) -> dict[str, tuple[Schema, bool]]:
        """Return field -> (schema, whether it must be there), those of base classes first."""
        self._steps_left -= 1
        fields: dict[str, tuple[Schema, bool]] = {}
        for base in node.bases if self._may(depth) else []:
            found = self._sources.resolve(module, dotted(base))
            if isinstance(found, Defined) and isinstance(found.node, ast.ClassDef):
                fields.update(self._fields(found.module, found.node, kind=kind, depth=depth + 1))
        total = not any(keyword.arg == "total" and literal(keyword.value) is False for keyword in node.keywords)
        for statement in node.body:
            if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
                mark = self._mark(module, statement.annotation)
                if mark in {"ClassVar", "InitVar"}:
                    continue
                required = mark == "Required" or (total and mark != "NotRequired")
                if kind != "typed dict":
                    required = statement.value is None or not _has_default(statement.value)
                fields[statement.target.id] = (self.of(statement.annotation, module, depth=depth + 1), required)
        return fields

    def _mark(self, module: Module, annotation: ast.expr) -> str:
        """Return ``Required`` for ``Required[X]``, and so on; the empty string when there is no subscript."""
        head = annotation.value if isinstance(annotation, ast.Subscript) else annotation
        found = self._sources.resolve(module, dotted(head))
        return "" if isinstance(found, Defined) else found.rpartition(".")[2]


_BASES: Final = {"enum": _ENUMS, "typed dict": _TYPED_DICTS, "tuple": _NAMED_TUPLES, "object": _STRUCTS}


def docstring(node: ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) -> str | None:
    """Return a docstring that can be written as UTF-8, or None."""
    text = ast.get_docstring(node)
    return text.encode("utf-8", "replace").decode() if text else None


def _alternatives(node: ast.expr) -> list[ast.expr]:
    """Return the members of ``A | B | C``, however many there are."""
    members: list[ast.expr] = []
    while isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
        members.append(node.right)
        node = node.left
    return [node, *reversed(members)] if members else []


def _short(name: str) -> str:
    for prefix in _TYPING:
        if name.startswith(prefix) and "." not in name[len(prefix) :]:
            return name[len(prefix) :]
    return ""


def _fixed_array(items: list[Schema]) -> Schema:
    return {"type": "array", "prefixItems": items, "minItems": len(items), "maxItems": len(items)}


def _has_default(value: ast.expr) -> bool:
    """Tell whether a field's value is a default: ``field(kw_only=True)`` is none, ``field(default=…)`` is one."""
    if isinstance(value, ast.Call) and dotted(value.func).rpartition(".")[2] == "field":
        return any(keyword.arg in {"default", "default_factory"} for keyword in value.keywords)
    return True


def _free_name(name: str, taken: dict[str, Schema]) -> str:
    number = 2
    free = name
    while free in taken:
        free = f"{name}_{number}"
        number += 1
    return free
