"""Find a plugin's class and its exported methods, through base classes in other files; describe their signatures."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from mobileops.toolchain.api.constants import UNKNOWN, literal
from mobileops.toolchain.api.modules import Defined, dotted
from mobileops.toolchain.api.schemas import docstring

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mobileops.toolchain.api.modules import Module, Sources
    from mobileops.toolchain.api.schemas import Schema, Schemas

SDK: Final = "mobileops.plugin"
_BASES: Final = frozenset({"ServicePlugin", "ProcessingPlugin", "IntegrationPlugin", "UIPlugin", "Plugin"})
_MARKED_BY_BASE: Final = {"ProcessingPlugin": frozenset({"process"}), "UIPlugin": frozenset({"render"})}
"""Methods that the SDK marks itself, so that an override needs no mark (`mobileops.plugin.kinds`; a test compares)."""
_MAX_CLASSES: Final = 32

Function = ast.FunctionDef | ast.AsyncFunctionDef


class PluginClass(NamedTuple):
    """The class that the platform makes an instance of.

    Attributes:
        name: of the class.
        base: the SDK class it derives from, such as ``ServicePlugin``.
        ancestry: (file, class), itself first, then its bases in the plugin's own files.
        complete: False when a base is neither the plugin's nor the SDK's, so that there may be more methods.
    """

    name: str
    base: str
    ancestry: tuple[tuple[Module, ast.ClassDef], ...]
    complete: bool

    @property
    def docstring(self) -> str | None:
        """Return the docstring of the class itself."""
        return docstring(self.ancestry[0][1])


def plugin_class(sources: Sources, entry_point: str) -> PluginClass | None:
    """Return the plugin class of the entry point; the last one that no other there derives from, or None."""
    module = sources.module(entry_point)
    if module is None:
        return None
    found = [
        described
        for node in module.names.values()
        if isinstance(node, ast.ClassDef) and (described := _described(sources, module, node)) is not None
    ]
    bases = {id(node) for one in found for _, node in one.ancestry[1:]}
    leaves = [one for one in found if id(one.ancestry[0][1]) not in bases]
    return leaves[-1] if leaves else None


def _described(sources: Sources, module: Module, node: ast.ClassDef) -> PluginClass | None:
    ancestry: list[tuple[Module, ast.ClassDef]] = []
    sdk, complete = "", True
    pending = [(module, node)]
    while pending and len(ancestry) < _MAX_CLASSES:
        here, cls = pending.pop(0)
        ancestry.append((here, cls))
        for base in cls.bases:
            found = sources.resolve(here, dotted(base.value if isinstance(base, ast.Subscript) else base))
            if isinstance(found, Defined) and isinstance(found.node, ast.ClassDef):
                pending.append((found.module, found.node))
            elif (name := _sdk_name(found)) in _BASES:
                sdk = sdk or name
            elif found not in {"typing.Generic", "abc.ABC", "builtins.object"}:
                complete = False
    return PluginClass(node.name, sdk, tuple(ancestry), complete) if sdk else None


def _sdk_name(found: Defined | str) -> str:
    """Return the name in the SDK of what an import leads to, or the empty string."""
    if isinstance(found, Defined):
        return ""
    package, _, name = found.rpartition(".")
    return name if package == SDK or package.startswith(f"{SDK}.") else ""


def exported_methods(sources: Sources, cls: PluginClass) -> dict[str, tuple[Module, Function]]:
    """Return name -> where it is defined, for the methods that others may call; sorted by name.

    As at run time, a method counts when it or one that it overrides is marked.
    """
    nearest: dict[str, tuple[Module, Function]] = {}
    marked = set(_MARKED_BY_BASE.get(cls.base, ()))
    for module, node in cls.ancestry:
        for statement in node.body:
            if isinstance(statement, Function):
                nearest.setdefault(statement.name, (module, statement))
                if any(
                    _sdk_name(sources.resolve(module, dotted(mark))) == "plugin_method" for mark in _marks(statement)
                ):
                    marked.add(statement.name)
    return {name: nearest[name] for name in sorted(marked & nearest.keys()) if not name.startswith("_")}


def _marks(function: Function) -> Iterator[ast.expr]:
    return (item for item in function.decorator_list if dotted(item))


def signature(schemas: Schemas, module: Module, function: Function) -> dict[str, Any]:
    """Describe one method.

    Returns:
        ``params``, the JSON Schema of the arguments as an object by name; ``positional``, the names that may be given
        by place, in order; ``returns``; when there is one, ``description`` and ``rest``, the schema of ``*args``.
    """
    arguments = function.args
    by_place = [*arguments.posonlyargs, *arguments.args]
    if not any(dotted(item) == "staticmethod" for item in function.decorator_list):
        by_place = by_place[1:]
    defaults: list[ast.expr | None] = [*[None] * len(by_place), *arguments.defaults][-len(by_place) or len(by_place) :]
    defaults = defaults if by_place else []
    named = [*zip(by_place, defaults, strict=True), *zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)]
    more: bool | Schema = schemas.of(arguments.kwarg.annotation, module) if arguments.kwarg else False
    described: dict[str, Any] = {
        "params": {
            "type": "object",
            "properties": {argument.arg: _property(schemas, module, argument, default) for argument, default in named},
            "required": [argument.arg for argument, default in named if default is None],
            "additionalProperties": more,
        },
        "positional": [argument.arg for argument in by_place],
        "returns": schemas.of(function.returns, module),
    }
    if arguments.vararg:
        described["rest"] = schemas.of(arguments.vararg.annotation, module)
    text = docstring(function)
    return {**described, "description": text} if text else described


def _property(schemas: Schemas, module: Module, argument: ast.arg, default: ast.expr | None) -> Schema:
    schema = schemas.of(argument.annotation, module)
    value = UNKNOWN if default is None else literal(default)
    return schema if value is UNKNOWN else {**schema, "default": value}


def topics(cls: PluginClass, verb: str) -> set[str]:
    """Return the topics that the class passes as a constant to ``self.<verb>(topic, …)``."""
    return {
        call.args[0].value
        for _, node in cls.ancestry
        for call in ast.walk(node)
        if isinstance(call, ast.Call)
        and dotted(call.func) == f"self.{verb}"
        and call.args
        and isinstance(call.args[0], ast.Constant)
        and isinstance(call.args[0].value, str)
        and call.args[0].value.isprintable()
    }
