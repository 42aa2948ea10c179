"""Text for a terminal: as wide as it is, broken instead of cut off, and without what could act on it.

Where there is no terminal, nothing is broken: programs and files get whole lines. No typing, textwrap or shutil: their
import would take longer than ``mobileops --help``.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False  # see mobileops.cli.verbs
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Final, TextIO

COLUMNS: Final = 80
"""Of a terminal that does not say how wide it is."""
MIN_COLUMNS: Final = 40
"""Text is not broken into a narrower column than this: a digest would fill line after line."""
_GAP: Final = 2
_MIN_CELL: Final = 8
LABELS: Final = ("  why: ", "  fix: ")
"""Text behind one of these goes on below itself."""


def width(stream: TextIO) -> int | None:
    """Return the columns of the terminal that a stream prints on, None when it prints on none."""
    if not stream.isatty():
        return None
    told = os.environ.get("COLUMNS", "")
    if told.isdecimal() and int(told):
        return int(told)
    try:
        return os.get_terminal_size(stream.fileno()).columns or COLUMNS
    except (ValueError, OSError):  # it only says that it is one
        return COLUMNS


def printable(text: str) -> str:
    """Return one line that a plugin or a bundle may have written, with what could act on a terminal in escapes."""
    if text.isprintable():
        return text
    return "".join(sign if sign.isprintable() else ascii(sign)[1:-1] for sign in text)


def harmless(text: str) -> str:
    """Return lines of text, tabs among them, with everything else that could act on a terminal in escapes."""
    if text.isprintable():
        return text
    return "\n".join("\t".join(map(printable, line.split("\t"))) for line in text.split("\n"))


def broken(text: str, columns: int, *, hard: bool = False) -> list[str]:
    """Return text in lines, broken at spaces.

    Args:
        text: one line.
        columns: of each.
        hard: whether a longer word is broken, too, after a hyphen or slash if it has one; otherwise it stays whole, so
            that a path can still be copied.
    """
    lines: list[str] = []
    for word in text.split(" "):
        pieces = _pieces(word, columns) if hard and len(word) > columns else [word]
        if lines and len(lines[-1]) + 1 + len(pieces[0]) <= columns:
            lines[-1] += f" {pieces.pop(0)}"
        lines += pieces
    return lines


def paragraph(text: str, columns: int | None) -> str:
    """Return one line of text for a terminal: in lines of its width, each but the first indented a little more."""
    if columns is None or len(text) <= columns:
        return text
    start = len(text) - len(text.lstrip(" "))
    indent = " " * (len(LABELS[0]) if text.startswith(LABELS) else start + _GAP)
    first, *rest = broken(text[start:], max(columns - len(indent), MIN_COLUMNS))
    return "\n".join((" " * start + first, *(indent + line for line in rest)))


def table(lines: Sequence[Sequence[str]], columns: int | None) -> str:
    """Return rows as aligned columns, two spaces apart and without trailing space; cells are broken to fit a terminal.

    A cell is one line whatever it holds: `printable`.

    Args:
        lines: the header, then the rows.
        columns: of the terminal, None for none.
    """
    lines = [[printable(cell) for cell in line] for line in lines]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    if columns is not None:
        widths = _fitted(widths, lines, columns - _GAP * (len(widths) - 1))
    text = []
    for line in lines:
        cells = [broken(cell, size, hard=True) for cell, size in zip(line, widths, strict=True)]
        for at in range(max(map(len, cells))):
            row = [cell[at] if at < len(cell) else "" for cell in cells]
            text.append((" " * _GAP).join(f"{one:{size}}" for one, size in zip(row, widths, strict=True)).rstrip())
    return "\n".join(text) + "\n"


def _fitted(widths: Sequence[int], lines: Sequence[Sequence[str]], room: int) -> list[int]:
    """Return narrower widths whose sum fits: the widest give first, and words and times are broken last."""
    columns = list(zip(*lines, strict=True))
    whole = [
        max(len(part) for cell in column for word in cell.split(" ") for part in _parts(word)) for column in columns
    ]
    least = [min(size, max(len(column[0]), _MIN_CELL)) for size, column in zip(widths, columns, strict=True)]
    fitted = list(widths)
    for floors in ([max(pair) for pair in zip(whole, least, strict=True)], least):
        while sum(fitted) > room and (wide := [at for at, size in enumerate(fitted) if size > floors[at]]):
            fitted[max(wide, key=fitted.__getitem__)] -= 1
    return fitted if sum(fitted) <= room else list(widths)


def _pieces(word: str, columns: int) -> list[str]:
    """Return a long word in pieces that fit."""
    lines = [""]
    for part in _parts(word):
        if len(lines[-1]) + len(part) <= columns:
            lines[-1] += part
        else:
            lines += [part[at : at + columns] for at in range(0, len(part), columns)]
    return [line for line in lines if line]


def _parts(word: str) -> list[str]:
    """Return the parts that a word may be broken into: behind a hyphen or slash inside it that no digit follows."""
    parts = [""]
    for at, sign in enumerate(word):
        parts[-1] += sign
        if at and sign in "-/" and word[at + 1 : at + 2].isalpha():
            parts.append("")
    return parts
