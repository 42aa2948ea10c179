"""The import statements of a Python file, and how sure it is that each of them runs."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from mobileops.toolchain.checks import scan
from mobileops.toolchain.checks.spot import spot_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from mobileops.toolchain.checks.spot import Spot

Certainty = Literal["start", "later", "maybe"]

_CATCHING_IMPORT_ERRORS: Final = frozenset({"ImportError", "ModuleNotFoundError", "Exception", "BaseException"})


class Import(NamedTuple):
    """One module that a file imports.

    Attributes:
        module: dotted name; empty for ``from . import name``.
        names: what is taken from it, which may be submodules; empty for a plain ``import``.
        level: dots of a relative import.
        spot: of the name, or of a ``from`` statement.
        when: ``start`` when it runs with the module and its failure is the module's, ``later`` when it is inside a
            function, ``maybe`` when it is under a condition or its failure is handled.
    """

    module: str
    names: tuple[str, ...]
    level: int
    spot: Spot
    when: Certainty

    @property
    def top(self) -> str:
        """The first part of the module's name."""
        return self.module.partition(".")[0]


def import_statements(tree: ast.Module, text: str) -> list[tuple[ast.Import | ast.ImportFrom, Certainty]]:
    """Return the import statements of a file in order, and when each runs.

    Args:
        tree: of the file.
        text: the same file; says where to look.
    """
    lines = scan.lines_with(text, ("import",))
    found: list[tuple[ast.Import | ast.ImportFrom, Certainty]] = []
    pending: list[tuple[Sequence[ast.AST], Certainty]] = [(tree.body, "start")] if lines else []
    while pending:
        body, when = pending.pop()
        for node in scan.touching(body, lines):
            if isinstance(node, ast.Import | ast.ImportFrom):
                found.append((node, when))
            else:
                pending += _inner(node, when)
    return sorted(found, key=lambda one: (one[0].lineno, one[0].col_offset))


def imports(statements: list[tuple[ast.Import | ast.ImportFrom, Certainty]]) -> Iterator[Import]:
    """Yield what statements import."""
    for node, when in statements:
        if isinstance(node, ast.Import):
            yield from (Import(alias.name, (), 0, spot_of(alias), when) for alias in node.names)
        else:
            names = tuple(alias.name for alias in node.names)
            yield Import(node.module or "", names, node.level, spot_of(node), when)


def _inner(node: ast.AST, when: Certainty) -> list[tuple[Sequence[ast.AST], Certainty]]:
    """Return the lists of statements below another, or below a handler or case, each with when it runs."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        return [(node.body, "later" if when == "start" else when)]
    if isinstance(node, ast.Try | ast.TryStar):
        guarded: Certainty = "maybe" if any(map(_catches_import_errors, node.handlers)) else when
        return [(node.body, guarded), (node.orelse, guarded), (node.handlers, "maybe"), (node.finalbody, when)]
    guards = node.items if isinstance(node, ast.With) else []
    if isinstance(node, ast.If | ast.Match | ast.While) or any(_suppresses(item.context_expr) for item in guards):
        when = "maybe"
    blocks = (getattr(node, field, None) for field in ("body", "orelse", "cases"))
    return [(block, when) for block in blocks if isinstance(block, list)]


def _catches_import_errors(handler: ast.ExceptHandler) -> bool:
    return handler.type is None or _names_import_errors(handler.type)


def _names_import_errors(node: ast.expr) -> bool:
    kinds = node.elts if isinstance(node, ast.Tuple) else [node]
    return any(isinstance(kind, ast.Name) and kind.id in _CATCHING_IMPORT_ERRORS for kind in kinds)


def _suppresses(node: ast.expr) -> bool:
    """Whether this is ``contextlib.suppress(ImportError)``."""
    if not isinstance(node, ast.Call):
        return False
    name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    return name == "suppress" and any(map(_names_import_errors, node.args))
