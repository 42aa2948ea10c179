"""The system call filter: a classic BPF program that every plugin runs under.

The program is a deny list over what the C library and CPython need, with three closed edges: another architecture is
killed, a number above the highest that was reviewed (which includes the x32 calls) does not exist, and of the socket
calls only ``socketpair(AF_UNIX, SOCK_STREAM or SOCK_SEQPACKET)`` is left. ::

    unlimited      most calls: the kernel caches these answers, they cost nothing
    EPERM          what only administrators, debuggers and loaders of code use
    ENOSYS         what a library falls back from by itself (clone3, io_uring, memfd_create)
    EACCES         sockets, and program execution unless the policy allows it
    by argument    clone (no new namespaces), ioctl (no terminal injection), scheduling and limits (own process only),
                   sendto and sendmsg (no address, no out-of-band data), socketpair

Source: Documentation/userspace-api/seccomp_filter.rst. Arguments are compared in their low half where the kernel
takes an int, in both halves where it takes a pointer.
"""

from __future__ import annotations

import ctypes
import errno
import functools
import os
import socket
import struct
from typing import TYPE_CHECKING, Final, NamedTuple

from mobileops.runtime.isolation.namespaces import (
    NEWCGROUP,
    NEWIPC,
    NEWNET,
    NEWNS,
    NEWPID,
    NEWUSER,
    NEWUTS,
)
from mobileops.runtime.isolation.syscalls import call, machine_table

if TYPE_CHECKING:
    from collections.abc import Iterable

ALLOW: Final = 0x7FFF0000
KILL_PROCESS: Final = 0x80000000
ERRNO: Final = 0x00050000

LOAD: Final = 0x20
AND: Final = 0x54
JUMP_IF_EQUAL: Final = 0x15
JUMP_IF_GREATER: Final = 0x25
JUMP_IF_SET: Final = 0x45
RETURN: Final = 0x06

#: Offsets in struct seccomp_data.
NUMBER_OFFSET: Final = 0
ARCHITECTURE_OFFSET: Final = 4
ARGUMENTS_OFFSET: Final = 16

TIOCSTI: Final = 0x5412
TIOCLINUX: Final = 0x541C
#: NEWTIME shares its bit with clone's exit signal, which is why only unshare and clone3 can use it.
_NEW_NAMESPACES: Final = NEWNS | NEWCGROUP | NEWUTS | NEWIPC | NEWUSER | NEWPID | NEWNET
_SOCKET_TYPE_MASK: Final = 0xF
_IOPRIO_WHO_PROCESS: Final = 1
_SECCOMP_SET_MODE_FILTER: Final = 1
_SECCOMP_GET_ACTION_AVAIL: Final = 2
_SECCOMP_FILTER_FLAG_TSYNC: Final = 1

_NO_PERMISSION: Final = (
    "_sysctl", "acct", "add_key", "adjtimex", "bpf", "chroot", "clock_adjtime", "clock_settime", "create_module",
    "delete_module", "fanotify_init", "finit_module", "fsconfig", "fsmount", "fsopen", "fspick", "get_kernel_syms",
    "init_module", "ioperm", "iopl", "kcmp", "kexec_file_load", "kexec_load", "keyctl", "listmount",
    "lookup_dcookie", "lsm_set_self_attr", "mbind", "migrate_pages", "modify_ldt", "mount", "mount_setattr",
    "move_mount", "move_pages", "name_to_handle_at", "nfsservctl", "open_by_handle_at", "open_tree",
    "open_tree_attr", "perf_event_open", "personality", "pidfd_getfd", "pivot_root", "process_madvise",
    "process_vm_readv", "process_vm_writev", "ptrace", "query_module", "quotactl", "quotactl_fd", "reboot",
    "request_key", "set_mempolicy", "set_mempolicy_home_node", "setdomainname", "sethostname", "setns",
    "settimeofday", "statmount", "swapoff", "swapon", "sysfs", "syslog", "umount2", "unshare", "uselib",
    "userfaultfd", "ustat", "vhangup", "shmget", "shmat", "shmctl", "shmdt", "semget", "semop", "semctl",
    "semtimedop", "msgget", "msgsnd", "msgrcv", "msgctl",
)  # fmt: skip
_NO_SUCH_CALL: Final = (
    "clone3", "io_uring_enter", "io_uring_register", "io_uring_setup", "memfd_create", "memfd_secret",
)  # fmt: skip
_NO_ACCESS: Final = (
    "socket", "connect", "bind", "listen", "mq_open", "mq_unlink", "mq_timedsend", "mq_timedreceive", "mq_notify",
    "mq_getsetattr",
)  # fmt: skip
_EXECUTION: Final = ("execve", "execveat")
#: Calls that change how a process is scheduled or limited: (argument position, the value for "the calling process").
_OWN_PROCESS_ONLY: Final = {
    "prlimit64": ((0, 0),),
    "sched_setaffinity": ((0, 0),),
    "sched_setattr": ((0, 0),),
    "sched_setparam": ((0, 0),),
    "sched_setscheduler": ((0, 0),),
    "setpriority": ((0, os.PRIO_PROCESS), (1, 0)),
    "ioprio_set": ((0, _IOPRIO_WHO_PROCESS), (1, 0)),
}
_SEND_FLAGS_ARGUMENT: Final = {"sendto": 3, "sendmsg": 2, "sendmmsg": 3}
_SENDTO_ADDRESS_ARGUMENT: Final = 4

#: Every call that a rule names.
NAMED: Final = frozenset(("clone", "ioctl", "socketpair")).union(
    _NO_PERMISSION, _NO_SUCH_CALL, _NO_ACCESS, _EXECUTION, _OWN_PROCESS_ONLY, _SEND_FLAGS_ARGUMENT
)


class Instruction(NamedTuple):
    """One instruction of classic BPF (``struct sock_filter``)."""

    code: int
    jump_true: int
    jump_false: int
    value: int


class Openings(NamedTuple):
    """What a filter leaves open beyond the least.

    Attributes:
        execution: other programs may be started (the permission ``system.process``).
    """

    execution: bool = False


class Filter(NamedTuple):
    """A program in the form the kernel takes; ``memory`` keeps alive what ``header`` points to."""

    header: bytes
    memory: ctypes.Array[ctypes.c_char]


def refuse(number: int) -> Instruction:
    """Return the instruction that ends a call with an error."""
    return Instruction(RETURN, 0, 0, ERRNO | number)


_PASS: Final = Instruction(RETURN, 0, 0, ALLOW)


def program(machine: str, openings: Openings) -> list[Instruction]:
    """Return the filter of a plugin.

    A call that a machine does not have needs no rule there; x86_64 has every call that is named here.

    Args:
        machine: name as in ``uname -m``.
        openings: what is left open.

    Raises:
        IsolationRefused: there is no table of system calls for this machine.
    """
    numbers, architecture, highest = machine_table(machine)
    code = [
        Instruction(LOAD, 0, 0, ARCHITECTURE_OFFSET),
        Instruction(JUMP_IF_EQUAL, 1, 0, architecture),
        Instruction(RETURN, 0, 0, KILL_PROCESS),
        Instruction(LOAD, 0, 0, NUMBER_OFFSET),
        Instruction(JUMP_IF_GREATER, 0, 1, highest),
        refuse(errno.ENOSYS),
    ]
    denied: list[tuple[tuple[str, ...], int]] = [
        (_NO_PERMISSION, errno.EPERM),
        (_NO_SUCH_CALL, errno.ENOSYS),
        (_NO_ACCESS, errno.EACCES),
    ]
    if not openings.execution:
        denied.append((_EXECUTION, errno.EACCES))
    for names, number in denied:
        for name in filter(numbers.__contains__, names):
            code += [Instruction(JUMP_IF_EQUAL, 0, 1, numbers[name]), refuse(number)]
    for name, body in _by_argument():
        code += [Instruction(JUMP_IF_EQUAL, 0, len(body), numbers[name]), *body]
    return [*code, _PASS]


def _by_argument() -> Iterable[tuple[str, list[Instruction]]]:
    for name, wanted in _OWN_PROCESS_ONLY.items():
        body = []
        for position, value in wanted:
            body += [_argument(position), Instruction(JUMP_IF_EQUAL, 1, 0, value), refuse(errno.EPERM)]
        yield name, [*body, _PASS]
    for name, position in _SEND_FLAGS_ARGUMENT.items():
        # Out-of-band data on unix sockets is code that nobody needs and that has had holes (CVE-2025-38236).
        body = [_argument(position), Instruction(JUMP_IF_SET, 0, 1, socket.MSG_OOB), refuse(errno.EOPNOTSUPP)]
        if name == "sendto":
            body += [
                _argument(_SENDTO_ADDRESS_ARGUMENT),
                Instruction(JUMP_IF_EQUAL, 1, 0, 0),
                refuse(errno.EACCES),
                _argument(_SENDTO_ADDRESS_ARGUMENT, upper_half=True),
                Instruction(JUMP_IF_EQUAL, 1, 0, 0),
                refuse(errno.EACCES),
            ]
        yield name, [*body, _PASS]
    yield "clone", [_argument(0), Instruction(JUMP_IF_SET, 0, 1, _NEW_NAMESPACES), refuse(errno.EPERM), _PASS]
    yield (
        "ioctl",
        [
            _argument(1),
            Instruction(JUMP_IF_EQUAL, 2, 0, TIOCSTI),
            Instruction(JUMP_IF_EQUAL, 1, 0, TIOCLINUX),
            _PASS,
            refuse(errno.EPERM),
        ],
    )
    # A datagram pair could still name another socket in sendmsg; stream and seqpacket pairs are connected for good.
    yield (
        "socketpair",
        [
            _argument(0),
            Instruction(JUMP_IF_EQUAL, 0, 4, socket.AF_UNIX),
            _argument(1),
            Instruction(AND, 0, 0, _SOCKET_TYPE_MASK),
            Instruction(JUMP_IF_EQUAL, 2, 0, socket.SOCK_STREAM),
            Instruction(JUMP_IF_EQUAL, 1, 0, socket.SOCK_SEQPACKET),
            refuse(errno.EACCES),
            _PASS,
        ],
    )


def _argument(position: int, *, upper_half: bool = False) -> Instruction:
    return Instruction(LOAD, 0, 0, ARGUMENTS_OFFSET + 8 * position + (4 if upper_half else 0))


@functools.cache
def compiled(machine: str, openings: Openings) -> Filter:
    """Return the filter of a plugin, ready to load; made once per process."""
    return assemble(program(machine, openings))


def assemble(code: list[Instruction]) -> Filter:
    """Lay out a program as ``struct sock_fprog``."""
    packed = b"".join(struct.pack("=HBBI", *instruction) for instruction in code)
    memory = ctypes.create_string_buffer(packed, len(packed))
    return Filter(header=struct.pack("@HP", len(code), ctypes.addressof(memory)), memory=memory)


def load(filter_: Filter) -> None:
    """Put the calling process under a filter, for ever; needs no_new_privs."""
    call("seccomp", _SECCOMP_SET_MODE_FILTER, _SECCOMP_FILTER_FLAG_TSYNC, filter_.header)


def check_available() -> None:
    """Ask the kernel whether filters can return errors and kill; change nothing.

    Raises:
        OSError: the kernel has no seccomp filters.
    """
    for action in (ERRNO, KILL_PROCESS):
        call("seccomp", _SECCOMP_GET_ACTION_AVAIL, 0, struct.pack("=I", action))
