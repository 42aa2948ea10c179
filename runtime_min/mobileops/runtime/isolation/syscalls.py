"""Raw Linux system calls, with a table of numbers per machine.

The C library has no wrappers for Landlock, seccomp or the mount API of Linux 5.2, and Python has none for `unshare`
before 3.12, so everything goes through ``syscall(2)``. A machine without a table is refused by name: a filter that is
built from the numbers of another machine would allow what it means to deny.
"""

from __future__ import annotations

import ctypes
import os
from typing import TYPE_CHECKING, Any, Final

from mobileops.errors import IsolationRefused

if TYPE_CHECKING:
    from collections.abc import Mapping

AT_FDCWD: Final = -100
AT_EMPTY_PATH: Final = 0x1000
AT_RECURSIVE: Final = 0x8000

PR_SET_PDEATHSIG: Final = 1
PR_SET_DUMPABLE: Final = 4
PR_CAPBSET_DROP: Final = 24
PR_SET_SECUREBITS: Final = 28
PR_SET_NO_NEW_PRIVS: Final = 38
PR_CAP_AMBIENT: Final = 47

# Source: arch/x86/entry/syscalls/syscall_64.tbl of Linux 6.16.
_X86_64: Final[Mapping[str, int]] = {
    "connect": 42, "sendto": 44, "sendmsg": 46, "bind": 49, "listen": 50, "socket": 41, "socketpair": 53,
    "sendmmsg": 307, "ioctl": 16, "clone": 56, "execve": 59, "execveat": 322, "clone3": 435, "prctl": 157,
    "seccomp": 317, "close_range": 436, "shmget": 29, "shmat": 30, "shmctl": 31, "shmdt": 67, "semget": 64,
    "semop": 65, "semctl": 66, "semtimedop": 220, "msgget": 68, "msgsnd": 69, "msgrcv": 70, "msgctl": 71,
    "mq_open": 240, "mq_unlink": 241, "mq_timedsend": 242, "mq_timedreceive": 243, "mq_notify": 244,
    "mq_getsetattr": 245, "ptrace": 101, "personality": 135, "ustat": 136, "sysfs": 139, "setpriority": 141,
    "sched_setparam": 142, "sched_setscheduler": 144, "sched_setaffinity": 203, "sched_setattr": 314,
    "prlimit64": 302, "ioprio_set": 251, "vhangup": 153, "modify_ldt": 154, "pivot_root": 155, "_sysctl": 156,
    "adjtimex": 159, "chroot": 161, "acct": 163, "settimeofday": 164, "mount": 165, "umount2": 166, "swapon": 167,
    "swapoff": 168, "reboot": 169, "sethostname": 170, "setdomainname": 171, "iopl": 172, "ioperm": 173,
    "create_module": 174, "init_module": 175, "delete_module": 176, "get_kernel_syms": 177, "query_module": 178,
    "quotactl": 179, "nfsservctl": 180, "uselib": 134, "syslog": 103, "lookup_dcookie": 212, "clock_settime": 227,
    "mbind": 237, "set_mempolicy": 238, "kexec_load": 246, "add_key": 248, "request_key": 249, "keyctl": 250,
    "migrate_pages": 256, "capset": 126, "unshare": 272, "move_pages": 279, "perf_event_open": 298,
    "fanotify_init": 300, "name_to_handle_at": 303, "open_by_handle_at": 304, "clock_adjtime": 305, "setns": 308,
    "process_vm_readv": 310, "process_vm_writev": 311, "kcmp": 312, "finit_module": 313, "memfd_create": 319,
    "kexec_file_load": 320, "bpf": 321, "userfaultfd": 323, "io_uring_setup": 425, "io_uring_enter": 426,
    "io_uring_register": 427, "open_tree": 428, "move_mount": 429, "fsopen": 430, "fsconfig": 431, "fsmount": 432,
    "fspick": 433, "openat2": 437, "pidfd_getfd": 438, "process_madvise": 440, "mount_setattr": 442,
    "quotactl_fd": 443, "landlock_create_ruleset": 444, "landlock_add_rule": 445, "landlock_restrict_self": 446,
    "memfd_secret": 447, "set_mempolicy_home_node": 450, "statmount": 457, "listmount": 458,
    "lsm_set_self_attr": 460, "open_tree_attr": 467,
}  # fmt: skip

#: Machine name as in ``uname -m`` to (system call numbers, AUDIT_ARCH value, highest number that was reviewed).
MACHINES: Final[Mapping[str, tuple[Mapping[str, int], int, int]]] = {"x86_64": (_X86_64, 0xC000003E, 467)}

_MACHINE: Final = os.uname().machine
_libc = ctypes.CDLL(None, use_errno=True)
_syscall = _libc.syscall
_syscall.restype = ctypes.c_long
_numbers: Final[Mapping[str, int] | None] = MACHINES[_MACHINE][0] if _MACHINE in MACHINES else None


def machine_table(machine: str) -> tuple[Mapping[str, int], int, int]:
    """Return the system call numbers, the audit architecture and the highest reviewed number of a machine.

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
    number = (_numbers or machine_table(_MACHINE)[0])[name]
    converted = [ctypes.c_long(value) if isinstance(value, int) else value for value in arguments]
    result = int(_syscall(ctypes.c_long(number), *converted))
    if result < 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error), name)
    return result


def prctl(option: int, argument: int = 0) -> int:
    """Call ``prctl(2)`` with one argument and zeroes after it."""
    return call("prctl", option, argument, 0, 0, 0)
