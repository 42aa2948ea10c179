"""Ignores every signal and the end of its channel, clears the parent-death signal, leaves a daemon behind."""

from __future__ import annotations

import ctypes
import os
import signal
from contextlib import suppress


def main(channel, assignment) -> None:
    for number in signal.valid_signals():
        with suppress(OSError, ValueError):
            signal.signal(number, signal.SIG_IGN)
    ctypes.CDLL(None).prctl(1, 0, 0, 0, 0)
    between = os.fork()
    if between == 0:
        os.setsid()
        if os.fork() != 0:
            os._exit(0)
    else:
        with suppress(ChildProcessError):  # nobody collects the children of who ignores SIGCHLD
            os.waitpid(between, 0)
        channel.sendall(b"up")
    while True:
        signal.pause()
