"""Say a comparison to people: as plain text, or as Markdown for a pull request.

Everything shown comes from bundles that nobody has to trust: what could act on a terminal, end a code span or begin
markup is replaced.
"""

from __future__ import annotations

import collections
from typing import TYPE_CHECKING, Final

from mobileops.runtime.comparison.change import Change, Level

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mobileops.runtime.comparison.comparison import Comparison

MAX_LINES: Final = 40
"""Of one section; what is more is counted."""
_SIGNS: Final = {"added": "+", "removed": "-", "changed": "~", "widened": "!", "narrowed": "<"}
_BACKWARDS: Final = "backwards"


def text(comparison: Comparison) -> str:
    """Return the report as plain text, without a final newline."""
    lines = [f"{comparison.name} {comparison.old.version} -> {comparison.new.version}"]
    for title, changes in comparison.sections.items():
        if changes:
            lines.append(f"{title}:")
            lines += [f"  {_SIGNS[change.kind]} {_line(change)}" for change in changes[:MAX_LINES]]
            lines += _rest(changes, "  ")
    lines += [f"{label}: {value}" for label, value in _facts(comparison).items()]
    return "\n".join(lines)


def markdown(comparison: Comparison) -> str:
    """Return the report as GitHub Flavored Markdown, without a final newline."""
    lines = [f"### {_code(comparison.name)} {_code(comparison.old.version)} → {_code(comparison.new.version)}", ""]
    lines += [f"**{label}:** {value}  " for label, value in _facts(comparison).items()]
    for title, changes in comparison.sections.items():
        if changes:
            lines += ["", f"#### {title.capitalize() if title != 'api' else 'API'}", ""]
            lines += ["| change | what | before | after |", "|---|---|---|---|"]
            lines += [_row(change) for change in changes[:MAX_LINES]]
            lines += _rest(changes, "\n")
    return "\n".join(lines)


def _facts(comparison: Comparison) -> dict[str, str]:
    old, new = comparison.old, comparison.new
    percent = (new.size_bytes - old.size_bytes) * 100 / old.size_bytes
    actual = _BACKWARDS if comparison.actual is None else comparison.actual.name.lower()
    needed = comparison.required.name.lower()
    verdict = f"{needed} needed, {actual} made: {'enough' if comparison.is_sufficient else 'NOT ENOUGH'}"
    facts = {"size": f"{old.size_bytes:,} -> {new.size_bytes:,} bytes ({percent:+.1f} %)", "version step": verdict}
    if not comparison.complete:
        facts["note"] = "a bundle does not describe its whole API; there may be more changes"
    return facts


def _line(change: Change) -> str:
    words = [_plain(change.what)]
    if change.kind in {"widened", "narrowed"}:
        words.insert(0, change.kind)
    if change.before is not None and change.after is not None:
        words.append(f"({_plain(change.before)} -> {_plain(change.after)})")
    elif change.before is not None or change.after is not None:
        words.append(f"({_plain(change.before or change.after or '')})")
    if change.level is Level.MAJOR:
        words.append("BREAKING")
    return " ".join(words)


def _row(change: Change) -> str:
    kind = f"**{change.kind}, breaking**" if change.level is Level.MAJOR else change.kind
    cells = [_code(cell) if cell else "" for cell in (change.what, change.before, change.after)]
    return f"| {' | '.join([kind, *cells])} |"


def _rest(changes: tuple[Change, ...], prefix: str) -> Iterator[str]:
    if len(changes) > MAX_LINES:
        counts = collections.Counter(change.kind for change in changes[MAX_LINES:])
        yield f"{prefix}… and {', '.join(f'{count} more {kind}' for kind, count in sorted(counts.items()))}"


def _plain(words: str) -> str:
    return words if words.isprintable() else ascii(words)[1:-1]


def _code(words: str) -> str:
    """Return a code span inside a table cell: neither a backtick nor a bar may end it."""
    return f"`{_plain(words).replace('`', chr(39)).replace('|', '¦')}`"
