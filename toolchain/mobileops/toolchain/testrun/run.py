"""`run_tests`: start the child that collects and runs the tests, and say in one line how it went."""

from __future__ import annotations

import dataclasses
import importlib.util
import json
import os
import signal
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Final

from mobileops.errors import HostFault
from mobileops.toolchain.testrun import process

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

TIMEOUT_S: Final = 300.0
TESTS: Final = "tests"
NO_TESTS: Final = 5  # pytest's and unittest's own exit code for it
TIMED_OUT: Final = 124  # as timeout(1) says it
MAX_REPORT_BYTES: Final = 1 << 16

_CHILD: Final = Path(__file__).with_name("child.py")
_SDK: Final = ("errors", "manifest", "plugin")
SUITES: Final = Path(__file__).with_name("suites") / "conformance"


@dataclasses.dataclass(frozen=True, slots=True)
class Wishes:
    """What is wanted of a run besides its result.

    Attributes:
        generated: whether the tests that every plugin has to pass run too.
        sandboxed: whether the plugin gets a process in its sandbox.
        home: a plugin manager's folder in which it is installed for that; None makes one.
        junit: file for pytest's report.
        suite: the name in that.
        coverage: file for what coverage.py measures.
        show: is handed the output as it comes.
    """

    generated: bool = False
    sandboxed: bool = False
    home: Path | None = None
    junit: Path | None = None
    suite: str = "tests"
    coverage: Path | None = None
    show: Callable[[str], object] | None = None

    def options(self, scratch: Path) -> dict[str, Any]:
        """Return what the child is told; the generated tests are linked into a folder where no package is around them.

        Args:
            scratch: an empty folder.
        """
        told = {"home": self.home, "junit": self.junit, "coverage": self.coverage}
        if self.generated:
            told["suites"] = scratch / "generated"
            (scratch / "generated").mkdir()
            (scratch / "generated" / SUITES.name).symlink_to(SUITES)
        return {
            "sandboxed": self.sandboxed,
            "suite": self.suite,
            **{name: str(value) for name, value in told.items() if value is not None},
        }


@dataclasses.dataclass(frozen=True, slots=True)
class TestRun:
    """How the tests of a plugin went.

    Attributes:
        returncode: 0 if there were tests and all passed; `NO_TESTS`, `TIMED_OUT`, else what the child said.
        summary: one line for people.
        output: what the tests printed, stdout and stderr together, cut in the middle beyond `process.MAX_OUTPUT_BYTES`.
    """

    __test__: ClassVar[bool] = False  # the name begins with Test, but it is no test case

    returncode: int
    summary: str
    output: str


def run_tests(
    source: Path,
    *,
    python: str = sys.executable,
    dependencies: Path | None = None,
    extra_args: Sequence[str] = (),
    timeout_s: float = TIMEOUT_S,
    wishes: Wishes = Wishes(),
) -> TestRun:
    """Run what is in a plugin's ``tests/`` with pytest if that Python has it, else with unittest.

    The tests can import what the plugin can: its folder, ``lib/``, ``vendor/`` and the SDK. They start in an empty
    folder of their own with an environment of their own, and no bytecode is written beside the sources. There is no
    sandbox.

    Args:
        source: the plugin's folder.
        python: the interpreter to run them with.
        dependencies: a folder with the plugin's dependencies installed, importable after everything else.
        extra_args: further arguments for pytest or ``python -m unittest discover``.
        timeout_s: seconds after which the tests and all their processes are killed.
        wishes: what else is wanted.

    Raises:
        HostFault: MOP7120, the interpreter cannot be started.
    """
    app = source.resolve()
    if not (app / TESTS).is_dir() and not wishes.generated:
        return TestRun(NO_TESTS, f"no tests: {source.name or app.name} has no folder {TESTS!r}", "")
    with tempfile.TemporaryDirectory(prefix="mobileops-test-", ignore_cleanup_errors=True) as scratch:
        home = Path(scratch)
        told = json.dumps(wishes.options(home))
        command = [python, "-B", str(_CHILD), str(app), str(home / "report.json"), told, *extra_args]
        (home / "work").mkdir()
        env = _environment(home, dependencies)
        try:
            ended = process.run(command, cwd=home / "work", env=env, timeout_s=timeout_s, show=wishes.show)
        except OSError as error:
            raise HostFault(
                f"cannot start {python!r}",
                code="MOP7120",
                where=python,
                why=error.strerror,
                fix="name a Python interpreter that exists",
            ) from error
        return judged(ended, _report(home / "report.json"), timeout_s)


def _environment(home: Path, dependencies: Path | None) -> dict[str, str]:
    """Return the whole environment of the child: the author's own would make the result depend on the author."""
    path = [_sdk(home), dependencies] if dependencies else [_sdk(home)]
    return {
        "HOME": str(home),
        "LANG": "C.UTF-8",
        "PATH": os.defpath,
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONPATH": os.pathsep.join(map(str, path)),
        "PYTHONSAFEPATH": "1",
        "TMPDIR": str(home),
    }


def _sdk(home: Path) -> Path:
    """Make a folder from which the SDK can be imported, and nothing that happens to be installed beside it."""
    portion = home / "sdk" / "mobileops"
    portion.mkdir(parents=True)
    for name in _SDK:
        found = importlib.util.find_spec(f"mobileops.{name}")
        origin = Path(found.origin) if found and found.origin else portion  # the SDK is this project's own: it is there
        target = origin.parent if origin.name == "__init__.py" else origin
        (portion / target.name).symlink_to(target)
    return home / "sdk"


def judged(ended: process.Ended, report: Mapping[str, Any], timeout_s: float) -> TestRun:
    """Return how tests went.

    Args:
        ended: of the process that ran them.
        report: as `child` writes it; empty if there is none.
        timeout_s: what they had.
    """
    if ended.timed_out:
        return TestRun(TIMED_OUT, f"the tests did not finish within {timeout_s:g} s and were stopped", ended.output)
    if ended.returncode < 0:
        return TestRun(
            ended.returncode, f"the tests were ended by signal {_signal_name(-ended.returncode)}", ended.output
        )
    if ended.returncode == NO_TESTS:
        others = f" of its own, {report['passed']} generated ones passed" if report.get("passed") else ""
        return TestRun(
            NO_TESTS,
            f"no tests{others}: nothing in {TESTS!r} is a test (files test_*.py, methods or functions test_*)",
            ended.output,
        )
    counts = ", ".join(
        f"{report[kind]} {kind}"
        for kind in ("passed", "failed", "skipped")
        if isinstance(report.get(kind), int) and report[kind]
    )
    if not counts:  # the tests ended the process themselves: os._exit(0) in a test is no success
        return TestRun(ended.returncode or 1, "the tests ended before they could be counted", ended.output)
    return TestRun(ended.returncode, f"{counts} ({report.get('runner')})", ended.output)


def _report(path: Path) -> Mapping[str, Any]:
    """Return what the child reported; tests may have written anything there."""
    try:
        with path.open("rb") as file:
            report = json.loads(file.read(MAX_REPORT_BYTES))
    except (OSError, ValueError):
        return {}
    return report if isinstance(report, dict) else {}


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return str(number)
