"""Write diagnostics: one module a format, each with ``render(diagnostics, *, name, base) -> str``.

Args of each:
    diagnostics: sorted, of one plugin.
    name: of the plugin's folder.
    base: what to put in front of file names so that the reader finds them, empty or ending in a slash.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mobileops.toolchain.diagnostics.diagnostic import Diagnostic

NAMES: Final = ("text", "json", "sarif", "junit", "github")


def render(diagnostics: Sequence[Diagnostic], form: str, *, name: str, base: str = "") -> str:
    """Return diagnostics in one of the formats `NAMES`, without a final line end; text and github may be empty."""
    module = importlib.import_module(f"{__name__}.{form}")
    return str(module.render(diagnostics, name=name, base=base))
