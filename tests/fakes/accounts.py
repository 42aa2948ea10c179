"""An ordinary user for tests that run as root, and a Python that this user may run."""

from __future__ import annotations

import os
import pwd
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from tests.fakes.copied_python import copy_python

if TYPE_CHECKING:
    from collections.abc import Iterator

LEAVING_S: Final = 10.0
"""How long a killed process may take to be gone."""


@contextmanager
def ordinary_user(purpose: str) -> Iterator[dict[str, Any]]:
    """Make a user for the length of the block; yield it as arguments of `subprocess.run`.

    Whoever is not root is an ordinary user already, and gets no arguments.

    Args:
        purpose: part of the user's name.
    """
    if os.geteuid() != 0:
        yield {}
        return
    _remove_what_killed_tests_left()
    name = f"mobileops-{purpose}-{os.getpid()}"
    subprocess.run(["useradd", "--no-create-home", "--shell", "/usr/sbin/nologin", name], check=True)
    entry = pwd.getpwnam(name)
    try:
        yield {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
    finally:
        _wait_until_nothing_runs_as(entry.pw_uid)
        subprocess.run(["userdel", name], check=True)


def _remove_what_killed_tests_left() -> None:
    """Remove the accounts whose tests were killed before they could; a name ends with the pid of who made it."""
    for entry in pwd.getpwall():
        prefix, _, number = entry.pw_name.rpartition("-")
        if prefix.startswith("mobileops-") and number.isdecimal() and not Path("/proc", number).exists():
            subprocess.run(["userdel", entry.pw_name], check=False, capture_output=True)  # another may do it too


def _wait_until_nothing_runs_as(uid: int) -> None:
    """Wait for processes that were killed a moment ago.

    Raises:
        AssertionError: one goes on, which is a leak that the tests made.
    """
    deadline = time.monotonic() + LEAVING_S
    while left := _processes_of(uid):
        assert time.monotonic() < deadline, f"still running: {left}"
        time.sleep(0.05)


def _processes_of(uid: int) -> list[str]:
    """Return the command lines of an account's processes."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(FileNotFoundError, ProcessLookupError):  # it ended meanwhile
            if f"Uid:\t{uid}\t" in (process / "status").read_text():  # the folder of a guarded process is root's
                found.append((process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace"))
    return found


@contextmanager
def python_for(identity: dict[str, Any], code: str = "") -> Iterator[str]:
    """Give an interpreter of this version that a user may run, from a folder that they may enter.

    Where none is installed, as when all of them are in root's own home, it is a copy that lasts as long as the block.

    Args:
        identity: what `ordinary_user` gave.
        code: what the interpreter must be able to run.

    Raises:
        RuntimeError: the copy cannot run it either.
    """
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    installed = (os.path.realpath(sys.executable), f"/usr/bin/{version}", f"/usr/local/bin/{version}")
    command = ("-I", "-B", "-c", code)
    for candidate in installed:
        if not _why_not([candidate, *command], identity):
            yield candidate
            return
    with tempfile.TemporaryDirectory(prefix="mobileops-python-", dir="/usr/local") as folder:  # as if it were installed
        Path(folder).chmod(0o755)
        copied = str(copy_python(Path(folder)))
        if refusal := _why_not([copied, *command], identity):
            message = f"no {version} that an ordinary user may run ({refusal}): apt-get install {version}"
            raise RuntimeError(message)
        yield copied


def _why_not(command: list[str], identity: dict[str, Any]) -> str:
    """Return why a user cannot run a command; nothing when they can."""
    try:
        done = subprocess.run(command, check=False, capture_output=True, text=True, cwd="/", **identity)
    except OSError as error:
        return str(error)
    return "" if done.returncode == 0 else done.stderr.strip() or f"it ended with {done.returncode}"
