"""Resource limits of a plugin process, by setrlimit(2).

Without a writable control group this is all the kernel offers an ordinary user; the plugin manager then watches what
the processes of a plugin use together. ``RLIMIT_DATA`` bounds one process until it has looked: it
counts private writable memory and not reserved address space, so 50 idle threads fit. ``RLIMIT_AS`` above it bounds
shared anonymous mappings, which ``RLIMIT_DATA`` does not see. Memory files would escape both, so the system call
filter has none.
"""

from __future__ import annotations

import dataclasses
import os
import resource
from contextlib import suppress
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from mobileops.runtime.isolation.policy import Limits

#: Address space beyond the memory limit: the interpreter's libraries, its two malloc arenas, and reserve.
ADDRESS_SPACE_HEADROOM_BYTES: Final = 1 << 30
#: What one process may ask for beyond the plugin's memory limit, so that whoever watches the limit gets to see who
#: exceeds it, and can say so.
MEMORY_SLACK_BYTES: Final = 64 * 1024 * 1024
LOCKED_MEMORY_BYTES: Final = 64 * 1024


def beside_others(limits: Limits) -> Limits:
    """Return limits whose process count has room for what else runs under this account.

    Outside a user namespace of its own, RLIMIT_NPROC counts every thread of the account (setrlimit(2)).
    """
    uid, others = os.getuid(), 0
    for entry in os.scandir("/proc"):
        with suppress(OSError):
            if entry.name.isdecimal() and entry.stat().st_uid == uid:
                others += len(os.listdir(f"{entry.path}/task"))  # noqa: PTH208 (names, at every start)
    return dataclasses.replace(limits, processes=limits.processes + others)


def apply_limits(limits: Limits) -> None:
    """Set soft and hard limits of the calling process; what an ordinary user has less of already stays lower."""
    wanted = {
        resource.RLIMIT_DATA: limits.memory_bytes + MEMORY_SLACK_BYTES,
        resource.RLIMIT_AS: limits.memory_bytes + ADDRESS_SPACE_HEADROOM_BYTES,
        resource.RLIMIT_NPROC: limits.processes,
        resource.RLIMIT_NOFILE: limits.open_files,
        resource.RLIMIT_FSIZE: limits.file_size_bytes,
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_MEMLOCK: LOCKED_MEMORY_BYTES,
        resource.RLIMIT_MSGQUEUE: 0,
        resource.RLIMIT_NICE: 0,
        resource.RLIMIT_RTPRIO: 0,
    }
    for kind, value in wanted.items():
        hard = resource.getrlimit(kind)[1]
        bound = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(kind, (bound, bound))
