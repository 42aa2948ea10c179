"""Parse a Python file of a plugin without importing it."""

from __future__ import annotations

import ast
import warnings
from typing import NamedTuple

from mobileops.toolchain.checks import sdk
from mobileops.toolchain.checks.spot import BYTE_ORDER_MARK, Spot, spot_of


class Unparsable(NamedTuple):
    """A text that is not Python.

    Attributes:
        reason: what the parser says.
        line: where, or None for the text as a whole.
        column: where on the line, counted from 1 in characters, or None for all of it.
    """

    reason: str
    line: int | None
    column: int | None = None

    def where(self, name: str) -> str:
        """Return ``name:line:column`` as far as it is known."""
        return ":".join([name, *(str(number) for number in (self.line, self.column) if number)])


class PluginClass(NamedTuple):
    """A class at the top level of a file that derives from a class of the SDK.

    Attributes:
        name: of the class.
        spot: where it is defined.
        base: the SDK class it derives from, directly or through other classes of the file, such as ``ServicePlugin``.
        node: its syntax tree.
    """

    name: str
    spot: Spot
    base: str
    node: ast.ClassDef


def parse(text: str) -> ast.Module | Unparsable:
    """Return the syntax tree of a text, or why there is none: not Python, or nested too deeply for the parser."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the author's "\d" is the author's business
            return ast.parse(text.removeprefix(BYTE_ORDER_MARK))  # which Python takes in files, not in texts
    except SyntaxError as error:
        return Unparsable(error.msg, line=error.lineno, column=_column(error))
    except (ValueError, RecursionError, MemoryError) as error:
        return Unparsable(str(error) or "nested too deeply", line=None)


def _column(error: SyntaxError) -> int | None:
    """Return where on its line an error is; the parser says 0 where it does not know."""
    return error.offset if error.lineno and error.offset and error.offset > 0 else None


def plugin_classes(tree: ast.Module) -> tuple[PluginClass, ...]:
    """Return the plugin classes of a file, in order.

    A base is recognised by the name under which the file imports it (``from mobileops.plugin import ServicePlugin
    as Base``, ``import mobileops.plugin``, ``from mobileops import plugin``), or as a class above it in the same
    file.
    """
    known = _imported_names(tree)
    found: list[PluginClass] = []
    for node in _top_level(tree):
        if not isinstance(node, ast.ClassDef):
            continue
        bases = [known[dotted] for dotted in map(_dotted, node.bases) if dotted in known]
        if bases:
            known[node.name] = bases[0]
            found.append(PluginClass(name=node.name, spot=spot_of(node), base=bases[0], node=node))
    return tuple(found)


def has_foreign_bases(tree: ast.Module) -> bool:
    """Whether some class derives from an import from elsewhere, so that its kind cannot be known without running it."""
    imported = {
        alias.asname or alias.name.partition(".")[0]
        for node in _top_level(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    }
    bases = (base for node in _top_level(tree) if isinstance(node, ast.ClassDef) for base in node.bases)
    known = _imported_names(tree)
    return any(dotted not in known and dotted.partition(".")[0] in imported for dotted in map(_dotted, bases) if dotted)


def _imported_names(tree: ast.Module) -> dict[str, str]:
    """Return dotted name in the file -> name in the SDK, for the SDK classes that the file's imports make reachable."""
    known: dict[str, str] = {}
    for node in _top_level(tree):
        if isinstance(node, ast.ImportFrom) and node.module == sdk.MODULE and not node.level:
            known.update(
                {alias.asname or alias.name: alias.name for alias in node.names if alias.name.endswith("Plugin")}
            )
            if any(alias.name == "*" for alias in node.names):
                known.update({name: name for name in sdk.CLASSES})
        prefix = _module_prefix(node)
        if prefix:
            known.update({f"{prefix}.{name}": name for name in sdk.CLASSES})
    return known


def _module_prefix(node: ast.stmt) -> str | None:
    """Return the name by which a statement makes the SDK module itself reachable."""
    package, _, module = sdk.MODULE.rpartition(".")
    if isinstance(node, ast.Import):
        return next((alias.asname or alias.name for alias in node.names if alias.name == sdk.MODULE), None)
    if isinstance(node, ast.ImportFrom) and node.module == package and not node.level:
        return next((alias.asname or alias.name for alias in node.names if alias.name == module), None)
    return None


def _top_level(tree: ast.Module) -> list[ast.stmt]:
    """Return the statements that run with the module, also those under ``if``, ``try`` and ``with``, in order."""
    pending: list[ast.stmt] = tree.body[::-1]
    found: list[ast.stmt] = []
    while pending:
        node = pending.pop()
        found.append(node)
        if isinstance(node, ast.If | ast.Try | ast.TryStar | ast.With):
            inner = [*node.body, *getattr(node, "orelse", ()), *getattr(node, "finalbody", ())]
            inner += [statement for handler in getattr(node, "handlers", ()) for statement in handler.body]
            pending += reversed(inner)
    return found


def _dotted(node: ast.expr) -> str:
    """Return ``a.b.c`` for such an expression (also for ``a.b[c]``), else an empty string."""
    parts: list[str] = []
    if isinstance(node, ast.Subscript):
        node = node.value
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    return ".".join([node.id, *reversed(parts)]) if isinstance(node, ast.Name) else ""
