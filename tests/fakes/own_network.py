"""A program in a network of its own, as whoever may make one."""

from __future__ import annotations

import json
import os
import subprocess
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


def result_in_own_network(command: Sequence[str], *, cwd: Path, identity: dict[str, Any] | None = None) -> Any:
    """Run a program where it may change the network and mount; return the JSON that it prints.

    Args:
        command: the program.
        cwd: where it runs.
        identity: of another account, as arguments of `subprocess.run`.
    """
    own_user = ["--map-root-user"] if identity or os.geteuid() else []
    done = subprocess.run(
        ["unshare", *own_user, "--net", "--mount", *command],
        cwd=cwd,
        env={"PATH": "/usr/bin:/bin:/usr/sbin:/sbin"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        **(identity or {}),
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
