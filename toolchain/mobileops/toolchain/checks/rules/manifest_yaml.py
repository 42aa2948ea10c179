"""plugin.yaml, where it is the manifest, says nothing that JSON cannot."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mobileops.errors import Finding
    from mobileops.toolchain.checks.source import Source

CODE: Final = "MOP1321"  # of mobileops.toolchain.yaml_text, which imports a slow parser


def check(source: Source) -> Iterable[Finding]:
    """Return what is wrong with the text of plugin.yaml."""
    return source.manifest.yaml_findings
