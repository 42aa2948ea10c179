"""Collect and run the tests of one plugin.

Executed as a script, ``python child.py APP REPORT OPTIONS [ARGS…]``, with nothing but the standard library. APP is the
plugin's folder; the file REPORT gets ``{"runner", "passed", "failed", "skipped", "own"}``, the last of which is the
number of tests that are the plugin's own. OPTIONS is a JSON object:

==============  ====================================================================================================
``suites``      folder of the generated tests, which run besides the plugin's own
``sandboxed``   whether a plugin gets a process in its sandbox, for which it is installed in the folder ``home``
``junit``       file for pytest's report, ``suite`` is its name
``coverage``    file for what coverage.py measures of the plugin's own files
==============  ====================================================================================================

The exit status is 0 when all tests passed, 5 when the plugin has none of its own, and otherwise what the runner says.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import os
import sys
import unittest
from pathlib import Path
from typing import Any

NO_TESTS = 5
GENERATED = "conformance/"


class Counter:
    """A pytest plugin that counts outcomes; a test counts once, with the worst of its phases."""

    def __init__(self, work: str) -> None:
        self.work = work
        self.outcomes: dict[str, str] = {}

    def pytest_load_initial_conftests(self) -> None:
        """Go back to the empty folder: pytest starts in the plugin's, so that it names files as the author does."""
        os.chdir(self.work)

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
        found = {kind: list(self.outcomes.values()).count(kind) for kind in ("passed", "failed", "skipped")}
        return {**found, "own": sum(not name.startswith(GENERATED) for name in self.outcomes)}


def main(app: Path, report: Path, arguments: list[str], options: dict[str, Any] | None = None) -> int:
    """Run the tests and write the report."""
    options = options or {}
    try:
        # before the plugin's folders are importable: their files may be called like a module that pytest needs
        pytest = importlib.import_module("pytest")
    except ImportError:
        pytest = None
    measurement = _measurement(app, options)
    sys.path[:0] = [str(app / part) for part in ("", "lib", "vendor")]
    status, counts = _pytest(pytest, app, arguments, options) if pytest else _unittest(app, arguments)
    if measurement is not None:
        measurement.stop()
        measurement.save()
    report.write_text(json.dumps({"runner": "pytest" if pytest else "unittest", **counts}), encoding="utf-8")
    return status


def _measurement(app: Path, options: dict[str, Any]) -> Any:  # noqa: ANN401 - a class of coverage.py
    if not options.get("coverage"):
        return None
    coverage = importlib.import_module("coverage")
    others = [f"{app}/{part}/*" for part in ("tests", "vendor", "dist", ".*")]
    found = coverage.Coverage(
        data_file=options["coverage"], config_file=False, branch=True, source=[str(app)], omit=others, messages=False
    )
    found.set_option("run:disable_warnings", ["no-data-collected"])  # whoever reports says it
    found.start()
    return found


def _pytest(
    pytest: Any,  # noqa: ANN401 - the module
    app: Path,
    arguments: list[str],
    asked: dict[str, Any],
) -> tuple[int, dict[str, int]]:
    counter = Counter(os.getcwd())  # noqa: PTH109 - a text is enough
    own = app / "pytest.ini"
    options = [
        "-c",
        str(own) if own.is_file() else os.devnull,  # not the settings of whatever project the plugin happens to lie in
        f"--rootdir={app}",
        f"--confcutdir={app}",
        "--import-mode=importlib",
        "-pno:cacheprovider",
        "--color=no",
        "-rfEs",
        "-Wignore::pytest.PytestAssertRewriteWarning",  # of our own modules, which are imported by now
    ]
    if asked.get("junit"):
        options += [f"--junitxml={asked['junit']}", "-ojunit_family=xunit2", f"-ojunit_suite_name={asked['suite']}"]
    fixtures = "mobileops.plugin.fixtures"
    if importlib.util.find_spec(fixtures):
        options.append(f"-p{fixtures}")
        options += ["--mobileops-sandboxed", f"--mobileops-home={asked['home']}"] if asked.get("sandboxed") else []
    wanted = [str(app / "tests")] if (app / "tests").is_dir() else []
    wanted += [asked["suites"]] if asked.get("suites") else []
    os.chdir(app)
    status, counts = int(pytest.main([*options, *arguments, *wanted], plugins=[counter])), counter.counts()
    return (NO_TESTS if status == 0 and not counts["own"] and not _narrowed(arguments) else status), counts


def _narrowed(arguments: list[str]) -> bool:
    """Whether somebody has chosen among the tests, and may have chosen none of the plugin's own."""
    return any(one.startswith(("-k", "-m", "--deselect", "--lf")) for one in arguments)


def _unittest(app: Path, arguments: list[str]) -> tuple[int, dict[str, int]]:
    tests = str(app / "tests")
    command = ["python -m unittest", "discover", "-s", tests, "-t", tests, *arguments]
    result = unittest.main(module=None, argv=command, exit=False).result
    failed = len(result.failures) + len(result.errors) + len(result.unexpectedSuccesses)
    skipped = len(result.skipped)
    counts = {"failed": failed, "skipped": skipped, "passed": max(0, result.testsRun - failed - skipped)}
    counts["own"] = sum(counts.values())
    if not result.testsRun and not failed and not skipped:
        return NO_TESTS, counts
    return (0 if result.wasSuccessful() else 1), counts


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[4:], json.loads(sys.argv[3])))
