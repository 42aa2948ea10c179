"""Write Python source the way the formatter would, so that generated files need no formatter.

Only what generated files contain is covered: string literals, one-level displays and ``if`` statements.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

WIDTH: Final = 120


def literal(value: str) -> str:
    """Return a string literal in double quotes, unless single quotes need fewer escapes."""
    quote = "'" if value.count('"') > value.count("'") else '"'
    body = value.replace("\\", "\\\\").replace(quote, f"\\{quote}")
    return quote + body.replace("\n", "\\n") + quote


def sequence(items: Sequence[str], *, brackets: str, indent: str = "", before: str = "", after: str = "") -> list[str]:
    """Return the lines of a display, on one line where it fits.

    Args:
        items: source of each item.
        brackets: the opening and the closing one.
        indent: white space before the first line.
        before: source in front of the opening bracket.
        after: source behind the closing bracket.
    """
    comma = "," if brackets == "()" and len(items) == 1 else ""
    line = f"{indent}{before}{brackets[0]}{', '.join(items)}{comma}{brackets[1]}{after}"
    if len(line) <= WIDTH:
        return [line]
    return [
        f"{indent}{before}{brackets[0]}",
        *(f"{indent}    {item}," for item in items),
        f"{indent}{brackets[1]}{after}",
    ]


def document(header: str, sections: Sequence[Sequence[str]]) -> str:
    """Return a module: its docstring, then sections two blank lines apart."""
    return "\n\n\n".join([header, *("\n".join(section) for section in sections)]) + "\n"


def negated(test: str) -> str:
    """Return the opposite of a test as it would be written."""
    if " and " in test:
        return f"not ({test})"
    return test.replace(" == ", " != ") if " == " in test else f"not {test}"


def indented(lines: list[str]) -> list[str]:
    """Return lines one level deeper."""
    return [f"    {line}" for line in lines]


def merged(lines: list[str]) -> list[str]:
    """Join an ``if`` that holds only another ``if`` into one condition, as a person would."""
    outer, inner, *body = lines
    if len(body) == 1 and inner.startswith("    if "):
        joined = f"{outer.removesuffix(':')} and {inner.removeprefix('    if ')}"
        return [joined, body[0].removeprefix("    ")]
    return lines
