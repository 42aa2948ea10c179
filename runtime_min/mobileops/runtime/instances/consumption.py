"""How much memory and processor time a plugin uses as a whole, where no control group counts it.

The processes of a plugin are the descendants of its first one: that is process 1 of the plugin's pid namespace, which
inherits every orphan in it (without namespaces it is made to, see `bare`), so nothing gets away from under it.
``statm`` counts pages that processes share once for each, so it only says that there *may* be too much; then
``smaps_rollup`` divides shared pages (``Pss``, proc(5)).
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

_PAGE_BYTES: Final = os.sysconf("SC_PAGE_SIZE")
_READ_LIMIT_BYTES: Final = 64 * 1024
_TICKS_PER_S: Final = os.sysconf("SC_CLK_TCK")
#: More processes than a manifest can ask for are not looked at.
_MAX_PROCESSES: Final = 4096


class Times(NamedTuple):
    """Seconds of processor time of several processes, by pid.

    Attributes:
        own: used by the process itself.
        waited: used by children of it that have ended and were waited for.
    """

    own: dict[int, float]
    waited: dict[int, float]

    def since(self, before: Times) -> float:
        """Return what all have used since; what was seen of a child before it was waited for counts once."""
        own = sum(max(0.0, seconds - before.own.get(pid, 0.0)) for pid, seconds in self.own.items())
        waited = sum(max(0.0, seconds - before.waited.get(pid, 0.0)) for pid, seconds in self.waited.items())
        ended = sum(before.own[pid] + before.waited[pid] for pid in before.own.keys() - self.own.keys())
        return own + max(0.0, waited - ended)


def times(processes: Iterable[int]) -> Times:
    """Return the processor time of processes; what ended meanwhile is left out (proc_pid_stat(5), fields 14 to 17)."""
    found = Times({}, {})
    for pid in processes:
        fields = _read(f"/proc/{pid}/stat").rpartition(") ")[2].split()
        if fields:
            user, system, waited_user, waited_system = map(int, fields[11:15])
            found.own[pid] = (user + system) / _TICKS_PER_S
            found.waited[pid] = (waited_user + waited_system) / _TICKS_PER_S
    return found


def exceeds(pid: int, limit_bytes: int) -> bool:
    """Whether a plugin's processes hold more memory than a limit.

    Args:
        pid: its first process.
        limit_bytes: the limit.
    """
    processes = descendants(pid)
    if sum(map(resident, processes)) <= limit_bytes:
        return False
    return sum(map(proportional, processes)) > limit_bytes


def descendants(pid: int) -> list[int]:
    """Return a process and all below it; what ends meanwhile is left out."""
    found: list[int] = []
    waiting = [pid]
    while waiting and len(found) < _MAX_PROCESSES:
        found.append(waiting.pop())
        tasks = f"/proc/{found[-1]}/task"
        try:
            threads = os.listdir(tasks)  # noqa: PTH208 (names, twenty times a second)
        except OSError:
            continue
        for thread in threads:
            waiting += map(int, _read(f"{tasks}/{thread}/children").split())
    return found


def resident(pid: int) -> int:
    """Return the memory of a process, in bytes, shared pages in full."""
    words = _read(f"/proc/{pid}/statm").split()
    return int(words[1]) * _PAGE_BYTES if words else 0


def proportional(pid: int) -> int:
    """Return the memory of a process, in bytes, shared pages divided among those that share them."""
    for line in _read(f"/proc/{pid}/smaps_rollup").splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024
    return resident(pid)  # it forbids others to look: counted as if it shared nothing


def _read(path: str) -> str:
    """Return what a file of /proc says, in as many pieces as the kernel gives it; the empty text when it is gone."""
    found = b""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)  # (open() costs twice as much, twenty times a second)
    except OSError:
        return ""
    try:
        while len(found) < _READ_LIMIT_BYTES and (part := os.read(descriptor, _READ_LIMIT_BYTES)):
            found += part
    except OSError:  # the process ended in between
        return ""
    finally:
        os.close(descriptor)
    return found.decode("ascii", "replace")
