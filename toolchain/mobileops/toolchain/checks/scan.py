"""Find the places of a Python file that are worth a closer look."""

from __future__ import annotations

import ast
import bisect
import functools
import re
from typing import TYPE_CHECKING, Any

from mobileops.toolchain.checks import calls

if TYPE_CHECKING:
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


def lines_with(text: str, names: Iterable[str]) -> list[int]:
    """Return the numbers of the lines on which one of some names stands, as the parser counts lines.

    Args:
        text: of a file.
        names: identifiers.
    """
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    found: set[int] = set()
    for name in names:
        search = _word(name).search
        number, position = 1, 0
        while position >= 0 and (match := search(text, position)):
            number += text.count("\n", position, match.start())
            found.add(number)
            position = text.find("\n", match.end())  # one hit says all about its line
    return sorted(found)


def touching(nodes: Iterable[Any], lines: list[int]) -> list[Any]:
    """Return the nodes of a list that stand on one of these lines, and those without a place of their own.

    Args:
        nodes: one list of the syntax tree, which is in the order of the text; what is no node is left out.
        lines: sorted; at least one.
    """
    found: list[Any] = []
    next_line, end = lines[0], len(lines)
    for node in nodes:
        last = getattr(node, "end_lineno", None)
        if last is None:
            found += [node] if isinstance(node, ast.AST) else []
        elif last >= next_line:
            decorators = getattr(node, "decorator_list", None)
            near = bisect.bisect_left(lines, (decorators[0] if decorators else node).lineno)
            if near == end:
                break
            next_line = lines[near]
            found += [node] if next_line <= last else []
    return found


def expressions(tree: ast.Module, lines: list[int]) -> Iterator[ast.expr]:
    """Yield the outermost expressions that touch one of these lines."""
    pending: list[list[Any]] = [tree.body] if lines else []
    while pending:
        for node in touching(pending.pop(), lines):
            if isinstance(node, ast.expr):
                yield node
            elif not isinstance(node, ast.Import | ast.ImportFrom):
                for field in node._fields:  # ast.iter_child_nodes, without its cost for every statement
                    value = getattr(node, field)
                    if isinstance(value, list):
                        pending.append(value)
                    elif isinstance(value, ast.AST):
                        pending.append([value])


@functools.lru_cache(maxsize=256)
def _word(name: str) -> re.Pattern[str]:
    """Return the pattern of a name as a word of its own.

    It begins with the name: `re` finds a literal ten times as fast as a boundary. ``os.path`` is no use of ``os``: it
    is in most files, and needs no permission.
    """
    return re.compile(rf"{name}(?<!\w{name})\b" + (r"(?!\.path\b)" if name == "os" else ""))


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
