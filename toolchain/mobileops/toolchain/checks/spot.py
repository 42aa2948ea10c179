"""Places in Python files: kept as the parser counts them, and turned into columns only for a finding.

The parser counts bytes of UTF-8 from the start of a line, people and editors count characters from one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    import ast

BYTE_ORDER_MARK: Final = "\ufeff"


class Spot(NamedTuple):
    """Where something starts in a Python file.

    Attributes:
        line: counted from 1.
        offset: bytes of UTF-8 before it on its line (``ast.AST.col_offset``).
    """

    line: int
    offset: int


def spot_of(node: ast.expr | ast.stmt | ast.alias) -> Spot:
    """Return where a node of the syntax tree starts."""
    return Spot(node.lineno, node.col_offset)


def column(text: str, spot: Spot) -> int:
    """Return the column of a spot, counted from 1 in characters.

    Args:
        text: of the whole file.
        spot: in that file.
    """
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n", spot.line)
    if spot.line > len(lines):
        return 1  # the file has changed since it was parsed
    line = lines[spot.line - 1]
    mark = int(spot.line == 1 and line.startswith(BYTE_ORDER_MARK))  # the parser does not count it
    return len(line[mark:].encode("utf-8", "surrogatepass")[: spot.offset].decode("utf-8", "ignore")) + mark + 1
