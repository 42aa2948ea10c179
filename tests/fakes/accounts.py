"""An ordinary user for tests that run as root, and a Python that this user may run."""

from __future__ import annotations

import os
import pwd
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator


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
    name = f"mobileops-{purpose}-{os.getpid()}"
    subprocess.run(["useradd", "--no-create-home", "--shell", "/usr/sbin/nologin", name], check=True)
    try:
        entry = pwd.getpwnam(name)
        yield {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
    finally:
        subprocess.run(["userdel", name], check=True)


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
