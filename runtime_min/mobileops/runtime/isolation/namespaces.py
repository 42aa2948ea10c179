"""Namespaces, identity maps and the parent-death signal.

Sources: namespaces(7), user_namespaces(7), pid_namespaces(7), PR_SET_PDEATHSIG(2const).
"""

from __future__ import annotations

import os
import signal
from typing import Final

from mobileops.runtime.isolation.syscalls import PR_SET_CHILD_SUBREAPER, PR_SET_DUMPABLE, PR_SET_PDEATHSIG, call, prctl

NEWNS: Final = 0x00020000
NEWCGROUP: Final = 0x02000000
NEWUTS: Final = 0x04000000
NEWIPC: Final = 0x08000000
NEWUSER: Final = 0x10000000
NEWPID: Final = 0x20000000
NEWNET: Final = 0x40000000
NEWTIME: Final = 0x00000080

#: Namespaces that neither name processes nor users: each plugin gets its own set of them.
SURROUNDINGS: Final = NEWNS | NEWCGROUP | NEWUTS | NEWIPC | NEWNET


def unshare(flags: int) -> None:
    """Move the calling process into new namespaces; NEWPID takes effect for the next child."""
    call("unshare", flags)


def enter(namespace: int, kind: int) -> None:
    """Move the calling process into the namespace that a descriptor stands for."""
    call("setns", namespace, kind)


def map_own_id(*, inside_uid: int, inside_gid: int, outside_uid: int, outside_gid: int) -> None:
    """Map one uid and one gid of the user namespace that the caller has just made.

    ``setgroups`` is denied first, as user_namespaces(7) demands of an unprivileged writer.
    """
    _write("/proc/self/setgroups", "deny")
    _write("/proc/self/uid_map", f"{inside_uid} {outside_uid} 1")
    _write("/proc/self/gid_map", f"{inside_gid} {outside_gid} 1")


def map_range(pid: int, *, base: int, count: int) -> None:
    """Map uids and gids ``0..count-1`` of a child's user namespace to ``base..base+count-1`` here; needs real root."""
    _write(f"/proc/{pid}/gid_map", f"0 {base} {count}")
    _write(f"/proc/{pid}/uid_map", f"0 {base} {count}")


def set_dumpable(dumpable: int) -> None:
    """Set whether other processes of the same user may look into this one; needed (1) to write one's own maps."""
    prctl(PR_SET_DUMPABLE, dumpable)


def die_with_parent() -> None:
    """Ask for SIGKILL when the thread that made this process ends.

    The kernel forgets this at every change of credentials, so it is called again after each.
    """
    prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def adopt_orphans() -> None:
    """Become the parent of every process below this one whose own parent ends (PR_SET_CHILD_SUBREAPER)."""
    prctl(PR_SET_CHILD_SUBREAPER, 1)


def fork_into_new_pid_namespace(own_namespace: int) -> int:
    """Fork a child that is process 1 of a new pid namespace; return its pid here, 0 in the child.

    ``unshare(NEWPID)`` changes where *all* later children go, so the caller is put back into ``own_namespace``
    afterwards: one fork per plugin instead of two, and no process in between that has to be reaped.

    Args:
        own_namespace: descriptor of the caller's ``/proc/self/ns/pid``.
    """
    unshare(NEWPID)
    try:
        pid = os.fork()
    except BaseException:
        enter(own_namespace, NEWPID)
        raise
    if pid:
        enter(own_namespace, NEWPID)
    return pid


def _write(path: str, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.write(descriptor, text.encode())
    finally:
        os.close(descriptor)
