"""An ordinary user for tests that run as root, and a Python that this user may run."""

from __future__ import annotations

import os
import pwd
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

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


def python_for(identity: dict[str, Any], code: str = "") -> str:
    """Return an interpreter of this version that a user may run, from a folder that they may enter.

    Args:
        identity: what `ordinary_user` gave.
        code: what the interpreter must be able to run.

    Raises:
        RuntimeError: there is none.
    """
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    for candidate in (os.path.realpath(sys.executable), f"/usr/bin/{version}", f"/usr/local/bin/{version}"):
        try:
            subprocess.run([candidate, "-I", "-B", "-c", code], check=True, capture_output=True, cwd="/", **identity)
        except (OSError, subprocess.CalledProcessError):
            continue
        return candidate
    message = f"no {version} that an ordinary user may run: install one system-wide (apt-get install {version})"
    raise RuntimeError(message)
