"""The values that a plugin's code has as constants, of the kinds that JSON has too; nothing is evaluated."""

from __future__ import annotations

import ast
import unicodedata
from typing import Any, Final

MAX_NESTING: Final = 32
MAX_CHARACTERS: Final = 1000
UNKNOWN: Final = object()
"""What `literal` returns for an expression that is no constant."""


def literal(node: ast.expr) -> Any:  # noqa: ANN401 - any JSON value, or UNKNOWN
    """Return the value of a constant expression that JSON has too, else `UNKNOWN`; a long one is unknown as well."""
    try:
        value = ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return UNKNOWN
    return value if _is_json(value, depth=0) and len(repr(value)) <= MAX_CHARACTERS else UNKNOWN


def enum_values(node: ast.expr | ast.ClassDef) -> dict[str, Any]:
    """Return member -> value of an enumeration, as far as the values are constants."""
    if not isinstance(node, ast.ClassDef):
        return {}
    values: dict[str, Any] = {}
    for statement in node.body:
        if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name):
            value = literal(statement.value)
            if value is not UNKNOWN:
                values[statement.targets[0].id] = value
    return values


def _is_json(value: object, *, depth: int) -> bool:
    if depth > MAX_NESTING:
        return False
    if isinstance(value, list):
        return all(_is_json(item, depth=depth + 1) for item in value)
    if isinstance(value, dict):
        return all(isinstance(key, str) for key in value) and _is_json([*value, *value.values()], depth=depth)
    if isinstance(value, float):
        return value - value == 0  # JSON has neither infinity nor NaN
    if isinstance(value, str):
        return not any(unicodedata.category(character) == "Cs" for character in value)  # a lone surrogate
    # RFC 8785 has the numbers of IEEE 754: larger integers have no canonical form.
    return value is None or isinstance(value, bool) or (isinstance(value, int) and abs(value) < 1 << 53)
