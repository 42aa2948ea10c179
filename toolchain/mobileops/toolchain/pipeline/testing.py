"""Run the tests of a plugin: its own and the generated ones, on each Python, with the dependencies that it locks."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import platform
import shutil
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

from mobileops.errors import UsageError
from mobileops.runtime.home import Home
from mobileops.toolchain.pack import Target, dependencies
from mobileops.toolchain.pack.plan import LOCK_FILE
from mobileops.toolchain.pack.source_manifest import load_manifest
from mobileops.toolchain.testrun import TestRun, Wishes, interpreters, junit, measured, run_tests
from mobileops.toolchain.testrun.environments import environment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from mobileops.manifest import Manifest
    from mobileops.toolchain.testrun.interpreters import Interpreter

ANOTHER_PYTHON: Final = "MOP2616"
UNMEASURED: Final = "MOP2617"


@dataclasses.dataclass(frozen=True, slots=True)
class Choices:
    """What an author may choose about a run of tests.

    Attributes:
        pythons: versions or paths; none means all that are installed and that the manifest allows.
        sandboxed: whether the plugin gets a process in its sandbox.
        generated: whether the generated tests run besides the plugin's own.
        junit: file for a report of all runs.
        measured: whether coverage is measured.
        coverage: file for it, besides a table.
        arguments: for pytest.
    """

    pythons: Sequence[str] = ()
    sandboxed: bool = False
    generated: bool = True
    junit: Path | None = None
    measured: bool = False
    coverage: Path | None = None
    arguments: Sequence[str] = ()


@dataclasses.dataclass(frozen=True, slots=True)
class Surroundings:
    """What a run needs of the host.

    Attributes:
        cache: where environments are kept.
        variables: the environment of the process.
        cwd: where relative paths start.
        begin: told which run begins, unless it is the only one.
        show: handed what tests print, as they print it.
    """

    cache: Path
    variables: Mapping[str, str]
    cwd: Path
    begin: Callable[[str], object]
    show: Callable[[str], object]


@dataclasses.dataclass(frozen=True, slots=True)
class Tested:
    """How the tests of a plugin went.

    Attributes:
        runs: the name of each Python, and how its run went.
        coverage: a table, when it was measured.
    """

    runs: tuple[tuple[str, TestRun], ...]
    coverage: str = ""

    @property
    def passed(self) -> bool:
        """Whether there were tests, and all passed on every Python."""
        return all(run.returncode == 0 for _name, run in self.runs)


def test(source: Path, choices: Choices, around: Surroundings) -> Tested:
    """Run the tests of a plugin.

    Raises:
        ManifestError: the manifest has findings.
        PackagingError: the dependencies are not locked or cannot be installed; or, for the sandbox, it cannot be
            packaged.
        HostFault: a Python is not installed, or its environment cannot be made.
        UsageError: the choices do not go together.
    """
    if choices.coverage is not None:
        measured.format_of(choices.coverage)
    if choices.sandboxed and choices.measured:
        raise UsageError(
            "coverage is not measured in the sandbox",
            code=UNMEASURED,
            why="the plugin runs in a process of its own, which nothing can look into",
            fix="leave --sandboxed or --coverage out",
        )
    manifest, _ = load_manifest(source)
    chosen = _chosen(manifest, choices, around)
    with tempfile.TemporaryDirectory(prefix="mobileops-tests-", ignore_cleanup_errors=True) as name:
        scratch = Path(name)
        home = _installed(source, scratch) if choices.sandboxed else None
        runs = []
        for number, one in enumerate(chosen):
            if len(chosen) > 1:
                around.begin(f"{one} ({one.path})")
            wishes = Wishes(
                generated=choices.generated,
                sandboxed=choices.sandboxed,
                home=home,
                junit=scratch / f"{number}.xml" if choices.junit else None,
                suite=f"{manifest.name} {one}",
                coverage=scratch / f"{number}.coverage" if choices.measured else None,
                show=around.show,
            )
            runs.append((f"{one}", _run(source, manifest, one, wishes, (choices, around))))
        if choices.junit is not None:
            write_junit(choices.junit, scratch, manifest.name, runs)
        data = [scratch / f"{number}.coverage" for number in range(len(chosen))]
        table = measured.report(data, app=source.resolve(), file=choices.coverage) if choices.measured else ""
    return Tested(tuple(runs), table)


def _chosen(manifest: Manifest, choices: Choices, around: Surroundings) -> list[Interpreter]:
    declared = manifest.compatibility.python_version
    find = {"search_path": around.variables.get("PATH"), "given": around.cwd}
    if not choices.sandboxed:
        return interpreters.choose(choices.pythons, declared, **find)  # type: ignore[arg-type]
    own = interpreters.own()
    for word in choices.pythons:
        (one,) = interpreters.choose([word], declared, **find)  # type: ignore[arg-type]
        if (one.version, one.base) != (own.version, own.base):
            raise UsageError(
                f"the sandbox has {own}, not {one}",
                code=ANOTHER_PYTHON,
                where=str(one.path),
                why="a plugin runs on the Python of its plugin manager, and that is the one that runs this command",
                fix="install mobileops for that Python, or leave --python out",
            )
    return interpreters.choose([sys.executable], declared, **find)  # type: ignore[arg-type]


def _installed(source: Path, scratch: Path) -> Path:
    """Install the plugin for its sandbox, before any test runs: what is wrong with it is said as `package` says it."""
    from mobileops.toolchain.pipeline.sandbox import prepare  # noqa: PLC0415 - only the sandbox needs it

    home = Home(scratch / "home").prepare()
    prepare(source, home)
    return home.root


def _run(
    source: Path, manifest: Manifest, one: Interpreter, wishes: Wishes, given: tuple[Choices, Surroundings]
) -> TestRun:
    choices, around = given
    if choices.sandboxed:  # the bench is the toolchain's, so its tests run where that is installed
        return run_tests(source, extra_args=choices.arguments, wishes=wishes)
    python = environment(one, cache=around.cache, variables=around.variables)
    with _dependencies(source, manifest, one, around.cache) as site:
        return run_tests(source, python=str(python), dependencies=site, extra_args=choices.arguments, wishes=wishes)


@contextlib.contextmanager
def _dependencies(source: Path, manifest: Manifest, one: Interpreter, cache: Path) -> Iterator[Path | None]:
    """Give the locked dependencies for a Python, installed once for each lock."""
    lock = source / LOCK_FILE
    if not manifest.dependencies and not lock.exists():
        yield None
        return
    text = lock.read_bytes() if lock.exists() else b""
    about = json.dumps([manifest.dependencies, one.version, one.abi], default=str).encode()
    digest = hashlib.sha256(about + b"\0" + text).hexdigest()
    kept = cache / f"dependencies-{digest[:24]}"
    if not kept.is_dir():
        is_own = one.version[:2] == sys.version_info[:2]
        target = None if is_own else Target(platform.machine(), one.version[1])
        with dependencies(source, target=target) as site:
            if site is None:
                yield None
                return
            _keep(site, kept)
    yield kept


def _keep(site: Path, kept: Path) -> None:
    """Move a folder into the cache as a whole; another run may have been faster."""
    kept.parent.mkdir(parents=True, exist_ok=True)
    beside = Path(tempfile.mkdtemp(dir=kept.parent, prefix=".dependencies-"))
    shutil.copytree(site, beside / "site")
    with contextlib.suppress(OSError):
        (beside / "site").rename(kept)
    shutil.rmtree(beside, ignore_errors=True)


def write_junit(file: Path, scratch: Path, name: str, runs: Sequence[tuple[str, TestRun]]) -> None:
    """Merge what pytest wrote for each run, ``0.xml`` and so on in `scratch`, into one file."""
    found = []
    for number, (python, run) in enumerate(runs):
        suites = junit.suites(scratch / f"{number}.xml")
        found += suites or [junit.broken(f"{name} {python}", run.summary)]  # killed before pytest could write
    junit.write(file, found)
