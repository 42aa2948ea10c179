"""For programs: the array that schema/cli/validate.v1.schema.json describes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mobileops.toolchain.diagnostics.diagnostic import Diagnostic


def render(diagnostics: Sequence[Diagnostic], *, name: str, base: str) -> str:  # noqa: ARG001 - see the package
    """Return all diagnostics; file names are relative to the plugin's folder."""
    return json.dumps([found.to_dict() for found in diagnostics], indent=2)
