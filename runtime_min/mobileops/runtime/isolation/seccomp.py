"""The system call filter: a classic BPF program that every plugin runs under.

The program is a deny list over what the C library and CPython need, with three closed edges: another architecture is
killed, a number above the highest that was reviewed (which includes the x32 calls) does not exist, and of the socket
calls only ``socketpair(AF_UNIX, SOCK_STREAM or SOCK_SEQPACKET)`` is left. With a network permission, plain TCP and UDP
sockets can be made as well, and every call that gives one an address is handed to the network broker. ::

    unlimited      most calls: the kernel caches these answers, they cost nothing
    broker         connect, bind, listen, sendto with an address, when there is a network permission
    EPERM          what only administrators, debuggers and loaders of code use
    ENOSYS         what a library falls back from by itself (clone3, io_uring, memfd_create)
    EACCES         sockets, and program execution unless the policy allows it
    by argument    clone (no new namespaces), ioctl (no terminal injection), scheduling and limits (own process only),
                   sendto and sendmsg (no address, no out-of-band data, no TCP Fast Open), socketpair; with a network
                   permission socket, setsockopt (nothing that routes, wraps or tunnels) and ioctl (no interfaces)

Source: Documentation/userspace-api/seccomp_filter.rst. Arguments are compared in their low half where the kernel
takes an int, in both halves where it takes a pointer.
"""

from __future__ import annotations

import errno
import functools
import os
import socket
import struct
from typing import TYPE_CHECKING, Final, NamedTuple

from mobileops.runtime.isolation.bpf import (
    AND,
    ARCHITECTURE_OFFSET,
    ASK,
    ERRNO,
    JUMP_IF_EQUAL,
    JUMP_IF_GREATER,
    JUMP_IF_SET,
    KILL_PROCESS,
    LOAD,
    NUMBER_OFFSET,
    PASS,
    RETURN,
    USER_NOTIFY,
    Filter,
    Instruction,
    argument,
    assemble,
    refuse,
    when,
)
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
    from collections.abc import Iterable, Sequence

TIOCSTI: Final = 0x5412
TIOCLINUX: Final = 0x541C
#: NEWTIME shares its bit with clone's exit signal, which is why only unshare and clone3 can use it.
_NEW_NAMESPACES: Final = NEWNS | NEWCGROUP | NEWUTS | NEWIPC | NEWUSER | NEWPID | NEWNET
_SOCKET_TYPE_MASK: Final = 0xF
_IOPRIO_WHO_PROCESS: Final = 1
_SECCOMP_SET_MODE_FILTER: Final = 1
_SECCOMP_GET_ACTION_AVAIL: Final = 2
_SECCOMP_FILTER_FLAG_TSYNC: Final = 1
_SECCOMP_FILTER_FLAG_NEW_LISTENER: Final = 8
#: Linux 5.19: once the broker has a call, only a fatal signal ends the wait; without it signals restart the call.
_SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV: Final = 32

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
_NO_ACCESS: Final = ("mq_open", "mq_unlink", "mq_timedsend", "mq_timedreceive", "mq_notify", "mq_getsetattr")
_ADDRESSING: Final = ("connect", "bind", "listen")
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
_MSG_FASTOPEN: Final = 0x20000000
#: Requests 0x8900 to 0x89ff tell about interfaces, routes and namespaces: of the host, on a socket of the host.
_INTERFACE_REQUESTS: Final = 0x8900
_INTERFACE_REQUESTS_MASK: Final = 0xFFFFFF00
#: (level, option): source routes, other protocols on top (TCP_ULP), multicast membership, a chosen interface.
_NO_SOCKET_OPTIONS: Final = (
    (socket.IPPROTO_IP, (4, 32, 35, 39)),  # IP_OPTIONS, _MULTICAST_IF, _ADD_MEMBERSHIP, _ADD_SOURCE_MEMBERSHIP
    (socket.IPPROTO_IPV6, (2, 3, 4, 5, 6, 20, 27, 54, 55, 57, 59)),  # both APIs' packet options, groups
    (socket.IPPROTO_TCP, (19, 30, 31)),  # TCP_REPAIR, _FASTOPEN_CONNECT, _ULP
    (socket.SOL_SOCKET, (25, 36, 62)),  # SO_BINDTODEVICE, SO_MARK, SO_BINDTOIFINDEX
)

#: Every call that a rule names.
NAMED: Final = frozenset(("clone", "ioctl", "setsockopt", "socket", "socketpair")).union(
    _NO_PERMISSION, _NO_SUCH_CALL, _NO_ACCESS, _ADDRESSING, _EXECUTION, _OWN_PROCESS_ONLY, _SEND_FLAGS_ARGUMENT
)


class Openings(NamedTuple):
    """What a filter leaves open beyond the least.

    Attributes:
        execution: other programs may be started (the permission ``system.process``).
        network: calls that address a socket are handed to the network broker instead of refused.
    """

    execution: bool = False
    network: bool = False


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
    if not openings.network:
        denied.append((("socket", *_ADDRESSING), errno.EACCES))
    if not openings.execution:
        denied.append((_EXECUTION, errno.EACCES))
    for names, number in denied:
        for name in filter(numbers.__contains__, names):
            code += [Instruction(JUMP_IF_EQUAL, 0, 1, numbers[name]), refuse(number)]
    if openings.network:
        code += [one for name in _ADDRESSING for one in when(numbers[name], ASK)]
    for name, body in _by_argument(openings):
        code += [Instruction(JUMP_IF_EQUAL, 0, len(body), numbers[name]), *body]
    return [*code, PASS]


def _by_argument(openings: Openings) -> Iterable[tuple[str, list[Instruction]]]:
    addressed = ASK if openings.network else refuse(errno.EACCES)
    for name, wanted in _OWN_PROCESS_ONLY.items():
        body = []
        for position, value in wanted:
            body += [argument(position), Instruction(JUMP_IF_EQUAL, 1, 0, value), refuse(errno.EPERM)]
        yield name, [*body, PASS]
    for name, position in _SEND_FLAGS_ARGUMENT.items():
        # Out-of-band data on unix sockets is code that nobody needs and that has had holes (CVE-2025-38236).
        # TCP Fast Open connects without connect().
        unwanted = socket.MSG_OOB | _MSG_FASTOPEN
        body = [argument(position), Instruction(JUMP_IF_SET, 0, 1, unwanted), refuse(errno.EOPNOTSUPP)]
        if name == "sendto":
            body += [
                argument(_SENDTO_ADDRESS_ARGUMENT),
                Instruction(JUMP_IF_EQUAL, 1, 0, 0),
                addressed,
                argument(_SENDTO_ADDRESS_ARGUMENT, upper_half=True),
                Instruction(JUMP_IF_EQUAL, 1, 0, 0),
                addressed,
            ]
        yield name, [*body, PASS]
    yield "clone", [argument(0), Instruction(JUMP_IF_SET, 0, 1, _NEW_NAMESPACES), refuse(errno.EPERM), PASS]
    yield from _of_sockets() if openings.network else (_of_terminals(()),)
    # A datagram pair could still name another socket in sendmsg; stream and seqpacket pairs are connected for good.
    yield (
        "socketpair",
        [
            argument(0),
            Instruction(JUMP_IF_EQUAL, 0, 4, socket.AF_UNIX),
            argument(1),
            Instruction(AND, 0, 0, _SOCKET_TYPE_MASK),
            Instruction(JUMP_IF_EQUAL, 2, 0, socket.SOCK_STREAM),
            Instruction(JUMP_IF_EQUAL, 1, 0, socket.SOCK_SEQPACKET),
            refuse(errno.EACCES),
            PASS,
        ],
    )


def _of_terminals(more: Sequence[Instruction]) -> tuple[str, list[Instruction]]:
    return (
        "ioctl",
        [
            argument(1),
            *(one for number in (TIOCSTI, TIOCLINUX) for one in when(number, refuse(errno.EPERM))),
            *more,
            PASS,
        ],
    )


def _of_sockets() -> Iterable[tuple[str, list[Instruction]]]:
    """Yield what a network permission changes: plain TCP and UDP can be made, and only what they are for be done."""
    interfaces = [
        Instruction(AND, 0, 0, _INTERFACE_REQUESTS_MASK),
        *when(_INTERFACE_REQUESTS, refuse(errno.EPERM)),
    ]
    yield _of_terminals(interfaces)
    kinds = []
    for kind, protocol in ((socket.SOCK_STREAM, socket.IPPROTO_TCP), (socket.SOCK_DGRAM, socket.IPPROTO_UDP)):
        plain = [argument(2), *when(0, PASS), *when(protocol, PASS), refuse(errno.EACCES)]
        kinds += [Instruction(JUMP_IF_EQUAL, 0, len(plain), kind), *plain]
    yield (
        "socket",
        [
            argument(0),
            Instruction(JUMP_IF_EQUAL, 2, 0, socket.AF_INET),
            Instruction(JUMP_IF_EQUAL, 1, 0, socket.AF_INET6),
            refuse(errno.EACCES),
            argument(1),
            Instruction(AND, 0, 0, _SOCKET_TYPE_MASK),
            *kinds,
            refuse(errno.EACCES),
        ],
    )
    levels = []
    for level, options in _NO_SOCKET_OPTIONS:
        body = [argument(2), *(one for option in options for one in when(option, refuse(errno.EPERM))), PASS]
        levels += [Instruction(JUMP_IF_EQUAL, 0, len(body), level), *body]
    yield "setsockopt", [argument(1), *levels, PASS]


@functools.cache
def compiled(machine: str, openings: Openings) -> Filter:
    """Return the filter of a plugin, ready to load; made once per process."""
    return assemble(program(machine, openings))


def load(filter_: Filter) -> None:
    """Put the calling process under a filter, for ever; needs no_new_privs."""
    call("seccomp", _SECCOMP_SET_MODE_FILTER, _SECCOMP_FILTER_FLAG_TSYNC, filter_.header)


def load_with_listener(filter_: Filter) -> int:
    """Put the calling process, of one thread, under a filter; return the descriptor that answers what it asks.

    Raises:
        OSError: the kernel refused; EBUSY when a listener answers this process already.
    """
    try:
        return call(
            "seccomp",
            _SECCOMP_SET_MODE_FILTER,
            _SECCOMP_FILTER_FLAG_NEW_LISTENER | _SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV,
            filter_.header,
        )
    except OSError as error:
        if error.errno != errno.EINVAL:
            raise
    return call("seccomp", _SECCOMP_SET_MODE_FILTER, _SECCOMP_FILTER_FLAG_NEW_LISTENER, filter_.header)


def check_available() -> None:
    """Ask the kernel whether filters can return errors, kill, and ask another process; change nothing.

    Raises:
        OSError: the kernel has no seccomp filters.
    """
    for action in (ERRNO, KILL_PROCESS, USER_NOTIFY):
        call("seccomp", _SECCOMP_GET_ACTION_AVAIL, 0, struct.pack("=I", action))
