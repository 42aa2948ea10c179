"""The manifest is strict JSON, follows the schema, and its keys agree with one another."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mobileops.errors import Finding
    from mobileops.toolchain.checks.source import Source

CODE: Final = "MOP10xx-MOP13xx"


def check(source: Source) -> Iterable[Finding]:
    """Return what `mobileops.manifest` finds; the codes are its own."""
    return source.manifest.findings
