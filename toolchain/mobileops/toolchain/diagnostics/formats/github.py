"""GitHub Actions annotations: workflow commands ``::error file=…,line=…,col=…,title=…::message``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mobileops.toolchain.diagnostics.diagnostic import Diagnostic

# The runner decodes these in messages, and the last two in properties besides (actions/toolkit, command.ts).
_MESSAGE: Final = str.maketrans({"%": "%25", "\r": "%0D", "\n": "%0A"})
_PROPERTY: Final = str.maketrans({"%": "%25", "\r": "%0D", "\n": "%0A", ":": "%3A", ",": "%2C"})


def render(diagnostics: Sequence[Diagnostic], *, name: str, base: str) -> str:  # noqa: ARG001 - see the package
    """Return one command for each diagnostic."""
    return "\n".join(_command(found, base) for found in diagnostics)


def _command(found: Diagnostic, base: str) -> str:
    finding = found.finding
    properties: dict[str, str | int | None] = {
        "file": f"{base}{found.file}",
        "line": found.line,
        "col": found.column,
        # The runner's end column includes the last character, ours is behind it.
        "endColumn": found.end_column - 1 if found.end_column else None,
        "title": finding.code,
    }
    listed = ",".join(
        f"{key}={str(value).translate(_PROPERTY)}" for key, value in properties.items() if value is not None
    )
    message = "\n".join([finding.what, *(text for text in (finding.why, finding.fix) if text)])
    return f"::{'error' if found.is_error else 'warning'} {listed}::{message.translate(_MESSAGE)}"
