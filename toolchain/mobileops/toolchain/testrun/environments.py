"""Environments that tests run in: one for each Python, made once by nox and kept.

::

    CACHE/NAME/                     a virtual environment: NAME has the version of Python and a digest of what is in it
    CACHE/NAME/mobileops-complete   written last; without it the environment is made again

In it is what runs tests (`TOOLS`), in the versions that this toolchain has, and nothing else: a plugin that imports
what it does not declare fails as it would on a device. Where a Python can load the toolchain's own copies, they are
linked, so that no index is asked; else nox installs them. A run in an environment that exists starts no nox.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Final

from mobileops.errors import HostFault
from mobileops.toolchain.testrun import interpreters

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from mobileops.toolchain.testrun.interpreters import Interpreter

TOOLS: Final = ("coverage", "iniconfig", "msgspec", "packaging", "pluggy", "pygments", "pytest")
COMPLETE: Final = "mobileops-complete"
TIMEOUT_S: Final = 600.0
_FORMAT: Final = "1"
_NOXFILE: Final = Path(__file__).with_name("environments_noxfile.py")
_WORKS: Final = "import coverage, msgspec, pytest"
_OUTPUT_LINES: Final = 20


def environment(one: Interpreter, *, cache: Path, variables: Mapping[str, str]) -> Path:
    """Return the interpreter of the environment of a Python, made if it is not there.

    Args:
        one: the Python.
        cache: where environments are kept.
        variables: of the process; nox and uv read proxies and the index from them.

    Raises:
        HostFault: it cannot be made (MOP2612).
    """
    folder = cache / _name(one)
    python = folder / "bin" / "python"
    if (folder / COMPLETE).exists() and python.exists():
        return python
    with _locked(cache):
        if not ((folder / COMPLETE).exists() and python.exists()):
            _make(one, folder, variables)
    return python


def _name(one: Interpreter) -> str:
    versions = [f"{tool}=={metadata.version(tool)}" for tool in TOOLS]
    parts = (_FORMAT, str(one.path), str(one), one.abi, one.base, str(_home_of_tools()), *versions)
    digest = hashlib.sha256("\0".join(parts).encode()).hexdigest()[:12]
    return f"python3-{one.version[1]}-{digest}"


def _make(one: Interpreter, folder: Path, variables: Mapping[str, str]) -> None:
    links = one.abi == interpreters.own().abi
    wanted = () if links else tuple(f"{tool}=={metadata.version(tool)}" for tool in TOOLS)
    _nox(one, folder, variables, wanted)
    if links:
        _link(folder)
        if not _works(folder):  # a tool has come to need something that is not in the list
            _nox(one, folder, variables, (f"pytest=={metadata.version('pytest')}", "coverage", "msgspec"))
    (folder / COMPLETE).touch()


def _nox(one: Interpreter, folder: Path, variables: Mapping[str, str], wanted: Sequence[str]) -> None:
    """Have nox make an environment.

    Raises:
        HostFault: it said no.
    """
    command = [sys.executable, "-m", "nox", "--noxfile", str(_NOXFILE), "--envdir", str(folder.parent), "--no-color"]
    location = folder.with_name(f"{folder.name}.location")
    told = {
        "MOBILEOPS_TEST_ENVIRONMENT": folder.name,
        "MOBILEOPS_TEST_PYTHON": str(one.path),
        "MOBILEOPS_TEST_LOCATION": str(location),
    }
    shutil.rmtree(folder, ignore_errors=True)
    done = subprocess.run(  # noqa: S603 - an argument list, no shell
        [*command, "--error-on-missing-interpreters", "--", *wanted],
        env={**variables, **told, "UV_COMPILE_BYTECODE": "1"},
        cwd=folder.parent,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=TIMEOUT_S,
        check=False,
        text=True,
    )
    if done.returncode != 0:
        raise HostFault(
            f"nox cannot make an environment for {one}",
            code="MOP2612",
            where=str(one.path),
            why="\n".join(done.stdout.splitlines()[-_OUTPUT_LINES:]),
            fix="see the lines above; the package index is the one that uv is configured for",
        )
    Path(location.read_text(encoding="utf-8")).rename(folder)
    location.unlink()


def _home_of_tools() -> Path:
    return Path(str(metadata.distribution("pytest").locate_file("")))


def _link(folder: Path) -> None:
    """Link the toolchain's own copies of the tools into an empty environment."""
    (site,) = folder.glob("lib/python3.*/site-packages")
    for tool in TOOLS:
        distribution = metadata.distribution(tool)
        for top in sorted({path.parts[0] for path in distribution.files or () if ".." not in path.parts}):
            origin = Path(str(distribution.locate_file(top)))
            if top != "__pycache__" and origin.exists() and not (site / top).exists():
                (site / top).symlink_to(origin)


def _works(folder: Path) -> bool:
    command = [str(folder / "bin" / "python"), "-I", "-c", _WORKS]
    return subprocess.run(command, capture_output=True, timeout=TIMEOUT_S, check=False).returncode == 0  # noqa: S603


@contextmanager
def _locked(cache: Path) -> Iterator[None]:
    """Hold the cache: two runs at once must not make the same environment twice.

    Raises:
        HostFault: the folder cannot be written.
    """
    try:
        cache.mkdir(parents=True, exist_ok=True)
        lock = os.open(cache / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise HostFault(
            f"environments for tests cannot be kept in {str(cache)!r}: {error.strerror}",
            code="MOP2613",
            where=str(cache),
            fix="set XDG_CACHE_HOME to a folder that you may write",
        ) from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)
