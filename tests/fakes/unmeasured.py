"""A Python program in a process that is not measured: what coverage.py imports and traces is not the program's."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


def run_python(
    *words: str, cwd: Path | None = None, timeout_s: float | None = None, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run this Python, and return how it ended and what it printed.

    Args:
        words: its options and arguments.
        cwd: the folder that it runs in.
        timeout_s: it is killed after this time.
        environment: variables beside or instead of those of the tests.
    """
    return subprocess.run(
        [sys.executable, *words],
        cwd=cwd,
        env=without_coverage() | environment,
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
    )


def without_coverage() -> Mapping[str, str]:
    """Return the environment without what starts a measurement."""
    return {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE")}
