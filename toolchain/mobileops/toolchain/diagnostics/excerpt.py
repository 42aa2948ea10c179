"""Show a line of a file with a caret below the place, in a width that fits a terminal.

What the file holds is untrusted: no control, bidirectional or unassigned character reaches the terminal. The caret
is right under wide (East Asian) and zero-width characters and tabs. Nothing depends on colour.
"""

from __future__ import annotations

import unicodedata
from typing import Final

TAB_CELLS: Final = 4
MAX_CELLS: Final = 100  # of the shown part of a line
_BEFORE: Final = 60  # cells kept before the caret when a line is cut
_CUT: Final = "…"
_UNPRINTABLE: Final = "\N{REPLACEMENT CHARACTER}"


def excerpt(source_line: str, *, line: int, column: int | None, end_column: int | None) -> tuple[str, ...]:
    """Return two lines: the source with its number, and the caret.

    Args:
        source_line: without its end.
        line: its number.
        column: first marked character, counted from 1; None marks all but the indentation.
        end_column: behind the last marked character.
    """
    first, last = column and column - 1, (end_column or (column or 0) + 1) - 1
    if first is None:
        first, last = len(source_line) - len(source_line.lstrip()), len(source_line.rstrip())
    if first > len(source_line):
        return ()
    # Only what is near the caret is looked at: a line may have a million characters.
    near = max(0, first - MAX_CELLS)
    part = source_line[near : first + MAX_CELLS]
    start, shown = _window(part, first - near)
    start += near
    end = start + len(shown)
    lead, tail = _CUT if start else "", _CUT if end < len(source_line) else ""
    before = len(lead) + sum(map(_cells, source_line[start:first]))
    marked = sum(map(_cells, source_line[first : min(last, end)]))
    gutter = " " * len(str(line))
    text = "".join(map(_visible, shown))
    return f"  {line} | {lead}{text}{tail}".rstrip(), f"  {gutter} | {' ' * before}{'^' * max(marked, 1)}"


def visible(text: str) -> str:
    """Return a text as it may be shown on a terminal, in one line."""
    return "".join(map(_visible, text))


def _window(line: str, first: int) -> tuple[int, str]:
    """Return where the shown part of a line starts, and the part, with the character ``first`` in it."""
    start, cells = 0, sum(map(_cells, line[:first]))
    if sum(map(_cells, line)) > MAX_CELLS:
        while cells > _BEFORE:
            cells -= _cells(line[start])
            start += 1
    end, used = start, 0
    while end < len(line) and used + _cells(line[end]) <= MAX_CELLS:
        used += _cells(line[end])
        end += 1
    return start, line[start:end]


def _cells(char: str) -> int:
    """Return how many columns of a terminal a character takes as it is shown."""
    if char == "\t":
        return TAB_CELLS
    if not char.isprintable():
        return 1
    if unicodedata.combining(char):
        return 0
    return 2 if unicodedata.east_asian_width(char) in {"W", "F"} else 1


def _visible(char: str) -> str:
    if char == "\t":
        return " " * TAB_CELLS
    return char if char.isprintable() else _UNPRINTABLE
