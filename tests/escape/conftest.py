"""An ordinary user with a readable copy of the runtime, the host's targets, and one run of everything per kind of user.

As root the tests run twice, as root and as a user that is made for them and removed afterwards; otherwise once, as
whoever runs them. Nothing is attempted outside the sandbox but by an ordinary user.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import numpy
import pytest

from mobileops import errors
from tests.fakes.accounts import ordinary_user, python_for

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))
from attempts import ATTEMPTS, CHECKS  # noqa: E402 (the folder is the plugin's, it is no package of the tests)

sys.path.remove(str(HERE))
IS_ROOT = os.geteuid() == 0
MANAGERS = ("root", "user") if IS_ROOT else ("user",)
START_TIMEOUT_S = 60


@dataclass(frozen=True)
class Person:
    """Who runs a command: their Python, and how to become them."""

    python: str
    packages: Path
    base: Path
    become: dict[str, Any] = field(default_factory=dict)

    def command(self, *arguments: object) -> list[str]:
        return [self.python, "-I", str(self.base / "driver.py"), str(self.packages), *map(str, arguments)]

    def run(self, arguments: list[str], **options: Any) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            arguments, check=False, text=True, capture_output=True, cwd=self.base, timeout=300, **self.become, **options
        )


@pytest.fixture(scope="session")
def base() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(
        prefix="mobileops-escape-", dir="/var/tmp"
    ) as name:  # the sandbox has its own /tmp
        path = Path(name)
        path.chmod(0o755)
        yield path


@pytest.fixture(scope="session")
def identity() -> Iterator[dict[str, Any]]:
    """An ordinary user, as arguments of `subprocess.run`; made when the tests run as root."""
    with ordinary_user("escape") as arguments:
        yield arguments


@pytest.fixture(scope="session")
def packages(base: Path) -> Path:
    """A copy of what the launcher imports, readable for everybody."""
    target = base / "packages"
    source = Path(errors.__file__).parent
    ignore = shutil.ignore_patterns("__pycache__")
    for part in ("manifest", "plugin", "runtime"):
        shutil.copytree(source / part, target / "mobileops" / part, ignore=ignore)
    shutil.copy(source / "errors.py", target / "mobileops")
    shutil.copytree(Path(msgspec.__file__).parent, target / "msgspec", ignore=ignore)
    shutil.copy(HERE / "driver.py", base)
    shutil.copy(HERE / "host.py", base)
    for path in (target, *target.rglob("*"), base / "driver.py", base / "host.py"):
        path.chmod(0o755 if path.is_dir() else 0o644)
    return target


@pytest.fixture(scope="session")
def user(base: Path, packages: Path, identity: dict[str, Any]) -> Iterator[Person]:
    home = _owned(base / "user", identity)
    shutil.copy(base / "driver.py", home)
    with python_for(identity, f"import sys; sys.path.insert(0, {str(packages)!r}); import msgspec") as python:
        yield Person(python, packages, home, identity)


@pytest.fixture(scope="session")
def people(base: Path, packages: Path, user: Person) -> dict[str, Person]:
    everybody = {"user": user}
    if IS_ROOT:
        home = _owned(base / "root", {})
        shutil.copy(base / "driver.py", home)
        everybody["root"] = Person(sys.executable, packages, home)
    for person in everybody.values():
        _store(person)
    return everybody


@pytest.fixture(params=MANAGERS)
def manager(request: pytest.FixtureRequest, people: dict[str, Person]) -> Person:
    """Who runs the plugin manager."""
    return people[request.param]


@pytest.fixture(scope="session")
def targets(user: Person, base: Path) -> Iterator[dict[str, Any]]:
    directory = _owned(user.base / "targets", user.become)
    arguments = [user.python, "-I", str(base / "host.py"), str(directory)]
    with subprocess.Popen(
        arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, **user.become
    ) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        line = process.stdout.readline()
        yield json.loads(line)
        process.stdin.close()
        process.wait(START_TIMEOUT_S)


@pytest.fixture(scope="session")
def sandboxed(people: dict[str, Person], targets: dict[str, Any]) -> Callable[..., dict[str, Any]]:
    """How an attempt came out inside the sandbox of one kind of manager, with namespaces or without.

    Each sandbox is started once, for all attempts.
    """
    results: dict[tuple[str, bool], dict[str, Any]] = {}

    def result(manager: str, name: str, *, namespaces: bool = True) -> dict[str, Any]:
        case = (manager, namespaces)
        if case not in results:
            # Without namespaces a root manager needs a Python that everybody may run, as the user's is.
            person = people[manager] if namespaces else replace(people[manager], python=people["user"].python)
            everything = {**ATTEMPTS, **CHECKS}
            chosen = {one: what for one, what in everything.items() if namespaces or what.bare}
            names = {one: [what.execution, what.network, what.granted, what.starts] for one, what in chosen.items()}
            plan = {"targets": targets, "names": names, "namespaces": namespaces}
            done = person.run(person.command("all", person.base / "store"), input=json.dumps(plan))
            assert done.returncode == 0, done.stderr
            results[case] = json.loads(done.stdout)
        return results[case][name]

    return result


@pytest.fixture(scope="session")
def uncontained(user: Person, targets: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """How every attempt comes out without any sandbox, for the ordinary user."""
    base = _owned(user.base / "control", user.become)
    for name in ("data", "tmp"):
        _owned(base / name, user.become)
    shutil.copytree(HERE / "attempts", base / "app" / "attempts", ignore=shutil.ignore_patterns("__pycache__"))
    for path in (base / "app", *(base / "app").rglob("*")):
        _give(path, user.become)
    (base / "targets.json").write_text(json.dumps(targets))

    names = [name for name, one in ATTEMPTS.items() if not one.uncontrolled]
    code = f"import sys; sys.path.insert(0, {str(base / 'app')!r}); import attempts; attempts.controls(*sys.argv[1:])"
    with Path(targets["secret"]).open() as stream:
        done = user.run(
            [user.python, "-I", "-B", "-c", code, str(base), *names],
            env={"MOBILEOPS_ESCAPE_SECRET": "secret", "PATH": "/usr/bin:/bin"},
            pass_fds=(stream.fileno(),),
        )
    assert done.returncode == 0, done.stderr
    results: dict[str, dict[str, Any]] = {}
    for line in done.stdout.splitlines():
        results.update(json.loads(line))
    return results


VENDORED = ("numpy", "numpy.libs", "requests", "urllib3", "idna", "certifi", "charset_normalizer")
UNUSED = shutil.ignore_patterns("__pycache__", "tests", "*.pyi", "f2py")


def _store(person: Person) -> None:
    """Lay out a store with one plugin that holds all attempts, and a data directory."""
    application = person.base / "store" / "plugins" / "escape" / "1.0.0"
    shutil.copytree(HERE / "attempts", application / "attempts", ignore=shutil.ignore_patterns("__pycache__"))
    for path in (HERE / "plugin").iterdir():
        if path.suffix == ".py":
            shutil.copy(path, application)
    for name in VENDORED:
        source = Path(numpy.__file__).parents[1] / name
        if source.is_dir():  # the libraries of a wheel may lie inside it
            shutil.copytree(source, application / "vendor" / name, ignore=UNUSED)
    (person.base / "store" / "data").mkdir()
    for path in (person.base / "store", *(person.base / "store").rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
        _give(path, person.become)


def _owned(path: Path, identity: dict[str, Any]) -> Path:
    path.mkdir()
    path.chmod(0o755)
    _give(path, identity)
    return path


def _give(path: Path, identity: dict[str, Any]) -> None:
    if identity:
        os.chown(path, identity["user"], identity["group"])


MATRIX: dict[tuple[str, str, str], dict[str, int]] = {}
COLUMNS = {
    "test_the_attempt_is_refused": ("FULL", "attempts", "escapes"),
    "test_the_attempt_is_refused_without_namespaces": ("NO-NAMESPACE", "attempts", "escapes"),
    "test_it_still_works_inside": ("FULL", "attempts", "escapes"),
    "test_it_still_works_without_namespaces": ("NO-NAMESPACE", "attempts", "escapes"),
    "test_the_same_attempt_works_outside": ("no sandbox", "controls", "failed controls"),
}


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Count attempts by family, account and level."""
    test, _, parameters = report.nodeid.rpartition("::")[2].rstrip("]").partition("[")
    if report.when != "call" or test not in COLUMNS:
        return
    level, counted, failed = COLUMNS[test]
    name, _, account = parameters.rpartition("-") if level != "no sandbox" else (parameters, "", "user")
    row = MATRIX.setdefault((family_of(name), account, level), {})
    if ("absent", True) in report.user_properties:
        counted = "absent"
    row[counted] = row.get(counted, 0) + 1
    row[failed] = row.get(failed, 0) + int(report.failed)


def family_of(name: str) -> str:
    """Return the module that an attempt or a check is in; what must still work is a family of its own."""
    if name in CHECKS:
        return "(must work)"
    return str(ATTEMPTS[name].run.__module__.rpartition(".")[2])


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the matrix; of what must work, what counts as an escape is that it did not."""
    if not MATRIX:
        return
    terminalreporter.section("escape matrix")
    line = "{:<14} {:<6} {:<14} {:>9} {:>9} {:>9} {:>7} {:>16}"
    terminalreporter.write_line(
        line.format("FAMILY", "AS", "LEVEL", "ATTEMPTS", "ESCAPES", "CONTROLS", "ABSENT", "CONTROLS FAILED")
    )
    for (family, account, level), row in sorted(MATRIX.items()):
        counts = [row.get(key, "-") for key in ("attempts", "escapes", "controls", "absent", "failed controls")]
        terminalreporter.write_line(line.format(family, account, level, *counts))
    uncontrolled = {name: one.uncontrolled for name, one in ATTEMPTS.items() if one.uncontrolled}
    shown, absent = (sum(row.get(key, 0) for row in MATRIX.values()) for key in ("controls", "absent"))
    terminalreporter.write_line(
        f"{len(ATTEMPTS)} attempts: {shown} succeed as an ordinary user without the sandbox, {absent} are nothing that "
        f"this kernel lets one do, {len(uncontrolled)} have no control; {len(CHECKS)} things must still work"
    )
    for reason in sorted(set(uncontrolled.values())):
        names = ", ".join(name for name, why in uncontrolled.items() if why == reason)
        terminalreporter.write_line(f"  {reason}: {names}")
