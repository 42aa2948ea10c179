"""For people: the cause, the line with a caret, the rule and the remedy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mobileops.toolchain.diagnostics.excerpt import excerpt, visible

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mobileops.toolchain.diagnostics.diagnostic import Diagnostic

MAX_EXCERPTS: Final = 1000  # nobody looks at more of them, and each costs time


def render(diagnostics: Sequence[Diagnostic], *, name: str, base: str) -> str:  # noqa: ARG001 - see the package
    """Return one paragraph for each diagnostic."""
    return "\n".join(
        line
        for number, found in enumerate(diagnostics)
        for line in _lines(found, base, with_source=number < MAX_EXCERPTS)
    )


def _lines(found: Diagnostic, base: str, *, with_source: bool) -> list[str]:
    finding = found.finding
    lines = [visible(f"{found.place(base)}: {finding.severity}: {finding.what} [{finding.code}]")]
    if with_source and found.source_line is not None and found.line is not None and found.source_line.strip():
        lines += excerpt(found.source_line, line=found.line, column=found.column, end_column=found.end_column)
    if finding.why:
        lines.append(visible(f"  why: {finding.why}"))
    if finding.fix:
        lines.append(visible(f"  fix: {finding.fix}"))
    return lines
