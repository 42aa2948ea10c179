"""Collect and run the tests of one plugin.

Executed as a script, ``python child.py APP REPORT [ARGS…]``, with nothing but the standard library, in any Python
from 3.8 on. APP is the plugin's folder; the file REPORT gets ``{"runner", "passed", "failed", "skipped"}``. The
exit status is 0 when all tests passed, 5 when there were none, and otherwise what the runner says.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import unittest
from pathlib import Path
from typing import Any

NO_TESTS = 5


class Counter:
    """A pytest plugin that counts outcomes; a test counts once, with the worst of its phases."""

    def __init__(self) -> None:
        self.outcomes: dict[str, str] = {}

    def pytest_collectreport(self, report: Any) -> None:  # noqa: ANN401 - a class of pytest
        """Count a file that cannot be imported as one failure."""
        if report.failed:
            self.outcomes[report.nodeid] = "failed"

    def pytest_runtest_logreport(self, report: Any) -> None:  # noqa: ANN401 - a class of pytest
        """Remember how a phase of a test went, unless another one failed already."""
        tells = report.outcome != "passed" or report.when == "call"
        if tells and self.outcomes.get(report.nodeid) != "failed":
            self.outcomes[report.nodeid] = report.outcome

    def counts(self) -> dict[str, int]:
        """Return outcome -> number of tests."""
        return {kind: list(self.outcomes.values()).count(kind) for kind in ("passed", "failed", "skipped")}


def main(app: Path, report: Path, arguments: list[str]) -> int:
    """Run the tests and write the report."""
    try:
        # before the plugin's folders are importable: their files may be called like a module that pytest needs
        pytest = importlib.import_module("pytest")
    except ImportError:
        pytest = None
    sys.path[:0] = [str(app / part) for part in ("", "lib", "vendor")]
    status, counts = _pytest(pytest, app, arguments) if pytest else _unittest(app, arguments)
    report.write_text(json.dumps({"runner": "pytest" if pytest else "unittest", **counts}), encoding="utf-8")
    return status


def _pytest(
    pytest: Any,  # noqa: ANN401 - the module
    app: Path,
    arguments: list[str],
) -> tuple[int, dict[str, int]]:
    counter = Counter()
    own = app / "pytest.ini"
    options = [
        "-c",
        str(own) if own.is_file() else os.devnull,  # not the settings of whatever project the plugin happens to lie in
        f"--rootdir={app}",
        f"--confcutdir={app}",
        "--import-mode=importlib",
        "-pno:cacheprovider",
        "--color=no",
        *arguments,
        str(app / "tests"),
    ]
    return int(pytest.main(options, plugins=[counter])), counter.counts()


def _unittest(app: Path, arguments: list[str]) -> tuple[int, dict[str, int]]:
    tests = str(app / "tests")
    command = ["python -m unittest", "discover", "-s", tests, "-t", tests, *arguments]
    result = unittest.main(module=None, argv=command, exit=False).result
    failed = len(result.failures) + len(result.errors) + len(result.unexpectedSuccesses)
    skipped = len(result.skipped)
    counts = {"failed": failed, "skipped": skipped, "passed": max(0, result.testsRun - failed - skipped)}
    if not result.testsRun and not failed and not skipped:
        return NO_TESTS, counts
    return (0 if result.wasSuccessful() else 1), counts


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:]))
