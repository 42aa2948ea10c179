"""Become the plugin manager of a folder, and end, with every plugin, when the process that asked for it ends.

Executed as a script: ``python -I tethered.py PID FOLDER [OPTIONS…]``; PID is the process that starts it. The tests that
it serves may be killed at any moment, and then nobody would stop it.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main(words: list[str]) -> None:
    """Tie this process to its parent, then run the plugin manager in it."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != int(words[0]):  # it has ended meanwhile
        sys.exit(1)
    command = [sys.executable, "-I", "-m", "mobileops.cli.main", "daemon", "--home", *words[1:]]
    os.execv(sys.executable, command)  # noqa: S606 - an argument list, no shell


if __name__ == "__main__":
    main(sys.argv[1:])
