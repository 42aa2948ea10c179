"""What the processes of one run use, read from proc(5) as cheaply as can be.

Processor time and open files are read at every look. Which processes there are and what they hold is read anew after
`SLOW_S`; how much of it they share (``Pss``), which takes twenty times as long as all the rest, when they hold another
amount, or after `SHARED_S`: it also changes with what others hold.
"""

from __future__ import annotations

import os
import time
from typing import Final, NamedTuple

from mobileops.runtime.instances import consumption

SLOW_S: Final = 5.0
SHARED_S: Final = 60.0


class Used(NamedTuple):
    """What a plugin uses.

    Attributes:
        cpu_s: processor time of all its processes since it was started.
        memory_bytes: held by all of them, shared pages divided among those that share them where that may be asked.
        open_files: of all of them; None where this account may not ask.
        processes: how many there are.
    """

    cpu_s: float
    memory_bytes: int
    open_files: int | None
    processes: int


class _Share(NamedTuple):
    """The memory of one process in bytes, as it is and with shared pages divided, and until when that is believed."""

    resident: int
    proportional: int
    stale_at_s: float


class Usage:
    """Looks at the processes of one run."""

    def __init__(self, pid: int) -> None:
        """Look at nothing yet.

        Args:
            pid: the first process.
        """
        self.pid = pid
        self._times = consumption.Times({}, {})
        self._cpu_s = 0.0
        self._memory_bytes = 0
        self._processes: list[int] = []
        self._shares: dict[int, _Share] = {}
        self._stale_at_s = 0.0

    def look(self, now_s: float | None = None) -> Used:
        """Return what they use now.

        Args:
            now_s: by a clock that does not go back; that of the system when absent.
        """
        now_s = time.monotonic() if now_s is None else now_s
        if now_s >= self._stale_at_s:
            self._processes = consumption.descendants(self.pid)
            self._shares = {pid: self._share(pid, now_s) for pid in self._processes}
            self._memory_bytes = sum(share.proportional for share in self._shares.values())
            self._stale_at_s = now_s + SLOW_S
        times = consumption.times(self._processes)
        self._cpu_s += times.since(self._times)
        self._times = times
        return Used(self._cpu_s, self._memory_bytes, _open_files(self._processes), len(self._processes))

    def _share(self, pid: int, now_s: float) -> _Share:
        """Return what a process holds; as it was if it holds the same amount."""
        held, known = consumption.resident(pid), self._shares.get(pid)
        if known is not None and known.resident == held and now_s < known.stale_at_s:
            return known
        return _Share(held, consumption.proportional(pid), now_s + SHARED_S)


def _open_files(processes: list[int]) -> int | None:
    """Return how many descriptors processes have open; since Linux 6.2, the size of ``/proc/PID/fd`` says so."""
    total = 0
    for pid in processes:
        path = f"/proc/{pid}/fd"
        try:
            total += os.stat(path).st_size or len(os.listdir(path))  # noqa: PTH116, PTH208  for each plugin, each second
        except OSError:
            return None
    return total
