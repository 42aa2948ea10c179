"""The order of the stages; no other module knows it."""

from __future__ import annotations

from pathlib import Path

from mobileops.bundle import API_MEMBER
from mobileops.errors import ManifestError
from mobileops.toolchain.api import describe_files
from mobileops.toolchain.diagnostics import diagnose
from mobileops.toolchain.pack import Packed, Plan, dependencies, pack, plan
from mobileops.toolchain.testrun import TestRun, run_tests

__all__ = ["Packed", "Plan", "TestRun", "package", "plan", "test"]


def package(source: Path, out_dir: Path) -> Packed:
    """Check a source folder as ``validate`` does, then build its bundle, with a description of its API in it.

    Raises:
        ManifestError: it has findings that are errors; all of them are in ``findings``.
        PackagingError: something in it may not be packaged.
    """
    errors = tuple(found.finding for found in diagnose(source) if found.is_error)
    if errors:
        raise ManifestError(errors, where=str(source))
    planned = plan(source)
    api = describe_files(planned.manifest, {file.name: Path(file.path) for file in planned.files})
    return pack(source, out_dir, generated={API_MEMBER: api})


def test(source: Path) -> TestRun:
    """Install a plugin's locked dependencies aside, then run its tests with them.

    Raises:
        ManifestError: the manifest has findings.
        PackagingError: the dependencies are not locked, or cannot be installed.
    """
    with dependencies(source) as folder:
        return run_tests(source, dependencies=folder)
