"""Run a plugin's own tests with the dependencies that it locks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mobileops.toolchain.pack import dependencies
from mobileops.toolchain.testrun import TestRun, run_tests

if TYPE_CHECKING:
    from pathlib import Path


def test(source: Path) -> TestRun:
    """Install a plugin's locked dependencies aside, then run its tests with them.

    Raises:
        ManifestError: the manifest has findings.
        PackagingError: the dependencies are not locked, or cannot be installed.
    """
    with dependencies(source) as folder:
        return run_tests(source, dependencies=folder)
