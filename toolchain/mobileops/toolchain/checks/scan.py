"""Find the places of a Python file that are worth a closer look."""

from __future__ import annotations

import ast
import bisect
from typing import TYPE_CHECKING

from mobileops.toolchain.checks import calls

if TYPE_CHECKING:
    import re
    from collections.abc import Iterable, Iterator, Sequence


def origins(statements: Iterable[ast.Import | ast.ImportFrom]) -> dict[str, str]:
    """Return name in the file -> dotted name where it comes from, for the modules of the table."""
    found: dict[str, str] = {}
    for node in statements:
        if isinstance(node, ast.Import):
            for alias in node.names:
                top = alias.name.partition(".")[0]
                if top in calls.ROOTS:
                    found[alias.asname or top] = alias.name if alias.asname else top
        elif not node.level and (node.module or "").partition(".")[0] in calls.ROOTS:
            found |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
    found.pop("*", None)
    return found


def constants(tree: ast.Module) -> dict[str, str]:
    """Return the texts that the module itself gives a name, once."""
    found: dict[str, str] = {}
    twice: set[str] = set()
    for node in tree.body:
        for target in _targets(node):
            if isinstance(target, ast.Name):
                value = getattr(node, "value", None)
                if isinstance(value, ast.Constant) and isinstance(value.value, str) and target.id not in found:
                    found[target.id] = value.value
                else:
                    twice.add(target.id)
    return {name: value for name, value in found.items() if name not in twice}


def statements(tree: ast.Module) -> Iterator[ast.AST]:
    """Yield every statement, without looking into expressions."""
    pending: list[ast.AST] = list(tree.body)
    while pending:
        node = pending.pop()
        yield node
        for field in ("body", "orelse", "finalbody", "handlers", "cases"):
            inner = getattr(node, field, None)
            if isinstance(inner, list):
                pending += inner


def lines_with(text: str, pattern: re.Pattern[str]) -> list[int]:
    """Return the numbers of the lines on which a pattern is found, as the parser counts lines."""
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    found: list[int] = []
    number, position = 1, 0
    for match in pattern.finditer(text):
        number += text.count("\n", position, match.start())
        position = match.start()
        if not found or found[-1] != number:
            found.append(number)
    return found


def touches(node: ast.AST, lines: list[int]) -> bool:
    """Whether a node stands on one of these lines; one without a place of its own may."""
    last = getattr(node, "end_lineno", None)
    if last is None:
        return bool(lines)
    decorators = getattr(node, "decorator_list", None)
    near = bisect.bisect_left(lines, decorators[0].lineno if decorators else getattr(node, "lineno", 0))
    return near < len(lines) and lines[near] <= last


def expressions(tree: ast.Module, lines: list[int]) -> Iterator[ast.AST]:
    """Yield the outermost expressions that touch one of these lines."""
    pending: list[ast.AST] = list(tree.body) if lines else []
    while pending:
        node = pending.pop()
        if not touches(node, lines):
            continue
        if isinstance(node, ast.expr):
            yield node
        elif not isinstance(node, ast.Import | ast.ImportFrom):
            for field in node._fields:  # ast.iter_child_nodes, without its cost for every statement
                value = getattr(node, field)
                if isinstance(value, ast.AST):
                    pending.append(value)
                elif isinstance(value, list):
                    pending += (item for item in value if isinstance(item, ast.AST))


def names_of_platform(tree: ast.Module) -> set[str]:
    """Return the names, of variables or attributes, that a file gives to the platform API."""
    found: set[str] = set()
    for node in statements(tree):
        value = getattr(node, "value", None)
        if isinstance(value, ast.Await):
            value = value.value
        if isinstance(value, ast.Call) and is_platform_call(value):
            found |= {name for name in map(last_name, _targets(node)) if name}
    return found


def is_platform_call(node: ast.expr) -> bool:
    """Whether this is a call of ``get_platform_api``."""
    return isinstance(node, ast.Call) and last_name(node.func) == calls.PLATFORM_METHOD


def last_name(node: ast.expr) -> str:
    """Return ``c`` for an expression like ``a.b.c`` or ``c``, else an empty string."""
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _targets(node: ast.AST) -> Sequence[ast.expr]:
    if isinstance(node, ast.Assign):
        return node.targets
    return [node.target] if isinstance(node, ast.AnnAssign) else []
