"""Findings for people and programs: with places, one for each mistake, in five formats, explained and repaired.

`diagnose` runs the checks of a plugin's folder and returns everything that is wrong with it: each finding with file,
line and column, under the project's own rules (`.mobileops.toml`), in a stable order. `formats` writes them,
`catalogue` explains their codes offline, `repair` corrects what has one safe correction.
"""

from __future__ import annotations

from mobileops.toolchain.diagnostics.diagnosis import diagnose
from mobileops.toolchain.diagnostics.diagnostic import Diagnostic

__all__ = ["Diagnostic", "diagnose"]
