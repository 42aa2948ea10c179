"""Raw Linux system calls by name; `syscall_numbers` has the table of each machine.

The C library has no wrappers for Landlock, seccomp or the mount API of Linux 5.2, and Python has none for `unshare`
before 3.12, so everything goes through ``syscall(2)``. A machine without a table is refused by name: a filter that is
built from the numbers of another machine would allow what it means to deny.
"""

from __future__ import annotations

import ctypes
import os
from typing import TYPE_CHECKING, Any, Final

from mobileops.errors import IsolationRefused
from mobileops.runtime.isolation.syscall_numbers import MACHINES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mobileops.runtime.isolation.syscall_numbers import Machine

AT_FDCWD: Final = -100
AT_EMPTY_PATH: Final = 0x1000
AT_RECURSIVE: Final = 0x8000

PR_SET_PDEATHSIG: Final = 1
PR_SET_DUMPABLE: Final = 4
PR_CAPBSET_DROP: Final = 24
PR_SET_SECUREBITS: Final = 28
PR_SET_CHILD_SUBREAPER: Final = 36
PR_SET_NO_NEW_PRIVS: Final = 38
PR_CAP_AMBIENT: Final = 47

_MACHINE: Final = os.uname().machine
_libc = ctypes.CDLL(None, use_errno=True)
_syscall = _libc.syscall
_syscall.restype = ctypes.c_long
_numbers: Final[Mapping[str, int] | None] = MACHINES[_MACHINE].numbers if _MACHINE in MACHINES else None


def machine_table(machine: str) -> Machine:
    """Return the table of a machine.

    Args:
        machine: name as in ``uname -m``.

    Raises:
        IsolationRefused: there is no table for this machine (MOP4001).
    """
    if machine not in MACHINES:
        raise IsolationRefused(
            f"plugins cannot be isolated on machine {machine!r}",
            code="MOP4001",
            why=f"system call numbers have been reviewed for {', '.join(sorted(MACHINES))} only",
            fix="run the plugin manager on one of these machines",
        )
    return MACHINES[machine]


def call(name: str, *arguments: Any) -> int:  # noqa: ANN401 (any ctypes value)
    """Make one system call by name.

    Args:
        name: a key of this machine's table.
        arguments: integers (passed with the full register width), bytes (passed as a C string) or ctypes values.

    Raises:
        OSError: the kernel said no; the system call's name is in ``filename``.
        IsolationRefused: there is no table for this machine.
    """
    number = (_numbers or machine_table(_MACHINE).numbers)[name]
    converted = [ctypes.c_long(value) if isinstance(value, int) else value for value in arguments]
    result = int(_syscall(ctypes.c_long(number), *converted))
    if result < 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error), name)
    return result


def prctl(option: int, argument: int = 0) -> int:
    """Call ``prctl(2)`` with one argument and zeroes after it."""
    return call("prctl", option, argument, 0, 0, 0)
