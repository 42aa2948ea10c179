"""Hold a plugin to its share of processor time where no control group does: stop it until its share has caught up.

Of what a plugin may use, ``cores`` seconds are earned every second and at most `BURST_S` of that can be saved. What it
used is taken off; below zero, all its processes are stopped (SIGSTOP), and go on (SIGCONT) at zero again::

    used(t0, t1) <= cores * (t1 - t0 + BURST_S) + processors * the longest time between two looks

A plugin that is busy is looked at so often that it overdraws by little; `DEBT_S` bounds how long it waits for a moment
in which nobody looked. Not seen is what a process used that ended between two looks without being waited for.
"""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from mobileops.runtime.instances import consumption

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

BURST_S: Final = 0.1
"""As long as the period of a control group's quota."""
DEBT_S: Final = 1.0
IDLE_S: Final = 0.05
BUSY_S: Final = 0.01
"""The kernel counts in steps of this length (proc(5), sysconf(_SC_CLK_TCK))."""
_AT_ONCE: Final = 64


class ProcessorTime:
    """Looks at one plugin, and stops and continues it.

    Args:
        pid: its first process.
        cores: how many processors' time it may use.
        clock: seconds that never go back.
        processors: how many the host has.
    """

    def __init__(
        self, pid: int, cores: float, *, clock: Callable[[], float] = time.monotonic, processors: int | None = None
    ) -> None:
        self._pid = pid
        self._cores = cores
        self._clock = clock
        self._processors = processors or os.cpu_count() or 1
        self._at = clock()
        self._saved = cores * BURST_S
        self._before = consumption.Times({}, {})
        self.stopped = False

    def look(self) -> float:
        """Measure, stop or continue; return after how many seconds to look again."""
        processes = consumption.descendants(self._pid)
        now = self._clock()
        times = consumption.times(processes)
        used = times.since(self._before)
        earned = (now - self._at) * self._cores
        self._at, self._before = now, times
        self._saved = min(self._saved + earned, self._cores * BURST_S) - used
        self._saved = max(self._saved, -self._cores * DEBT_S)
        if self._saved < 0:
            self._signal(processes, signal.SIGSTOP)  # again, for what was forked while the others were being stopped
            self.stopped = True
            return min(max(-self._saved / self._cores, BUSY_S), IDLE_S)
        if not used and not self.stopped:
            return IDLE_S
        if self.stopped:
            self._signal(processes, signal.SIGCONT)
            self.stopped = False
        return min(max(self._saved / self._processors, BUSY_S), IDLE_S)

    def _signal(self, processes: Sequence[int], number: signal.Signals) -> None:
        """Signal processes of the plugin and no other that got a number of theirs meanwhile.

        A descriptor names one process whatever becomes of its number; whose it is, is asked after it was opened.
        """
        for first in range(0, len(processes), _AT_ONCE):
            opened: list[tuple[int, int]] = []
            for pid in processes[first : first + _AT_ONCE]:
                with suppress(OSError):
                    opened.append((pid, os.pidfd_open(pid)))
            its_own = set(consumption.descendants(self._pid))
            for pid, descriptor in opened:
                if pid in its_own:
                    with suppress(OSError):
                        signal.pidfd_send_signal(descriptor, number)
                os.close(descriptor)
