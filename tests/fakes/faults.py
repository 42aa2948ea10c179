"""Kill this process, or have the disk refuse, at the n-th call that changes a file system."""

from __future__ import annotations

import errno
import io
import os
import signal
import threading
from typing import TYPE_CHECKING, Any

from mobileops.bundle import flushing

if TYPE_CHECKING:
    from collections.abc import Callable

STEPS = ("chmod", "fchmod", "fsync", "link", "mkdir", "rename", "replace", "rmdir", "unlink", "write")
NEEDS_SPACE = frozenset({"link", "mkdir", "open", "rename", "replace", "write", "fsync", "syncfs"})
_REAL = {name: getattr(os, name) for name in STEPS}
_REAL_SYNCFS = flushing._sync_file_system
ERRORS = {"ENOSPC": errno.ENOSPC, "EIO": errno.EIO}


class Faults:
    """Counts steps, and makes one of them fail.

    Args:
        at: number of the step, from 0; a number that is never reached only counts.
        how: ``kill`` for SIGKILL before the step; ``EIO`` for this step alone; ``ENOSPC`` for this and, as on a disk
            that stays full, every later one that needs space.
    """

    def __init__(self, at: int, how: str) -> None:
        self.count = 0
        self._at = at
        self._how = how
        self._lock = threading.Lock()

    def install(self) -> None:
        """Watch this process from now on."""
        for name in STEPS:
            setattr(os, name, self._watched(name, getattr(os, name)))
        os_open, io_open = os.open, io.open

        def open_descriptor(path: Any, flags: int, *args: Any, **kwargs: Any) -> int:
            if flags & os.O_CREAT:
                self._step("open")
            return os_open(path, flags, *args, **kwargs)

        def open_file(file: Any, mode: str = "r", *args: Any, **kwargs: Any) -> Any:
            if set(mode) & set("wxa+") and not isinstance(file, int):
                self._step("open")
            return io_open(file, mode, *args, **kwargs)

        flushing._sync_file_system = self._watched("syncfs", _REAL_SYNCFS)
        os.open = open_descriptor
        io.open = open_file  # what pathlib calls

    @staticmethod
    def uninstall() -> None:
        """Watch it no more."""
        for name, real in _REAL.items():
            setattr(os, name, real)
        flushing._sync_file_system = _REAL_SYNCFS

    def _watched(self, name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            self._step(name)
            return real(*args, **kwargs)

        return call

    def _step(self, name: str) -> None:
        with self._lock:
            number = self.count
            self.count += 1
        if self._how == "kill":
            if number == self._at:
                os.kill(os.getpid(), signal.SIGKILL)
        elif number == self._at or (self._how == "ENOSPC" and number > self._at and name in NEEDS_SPACE):
            if self._how == "ENOSPC" and name not in NEEDS_SPACE:
                return
            raise OSError(ERRORS[self._how], os.strerror(ERRORS[self._how]), name)
