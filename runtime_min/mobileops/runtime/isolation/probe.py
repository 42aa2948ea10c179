"""What this host can enforce: every mechanism is tried for real, each in a throw-away child.

A configuration file or a kernel version says what should work; only trying says what does (a security module, a
container's filter, a masked ``/proc``). The children inherit nothing but a pipe and leave nothing behind. Call it
from a process with one thread, since it forks.
"""

from __future__ import annotations

import dataclasses
import errno
import os
import socket
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, NoReturn

from mobileops.errors import MobileOpsError
from mobileops.runtime.isolation import (
    bare,
    credentials,
    jail,
    landlock,
    mounts,
    namespaces,
    refusal,
    seccomp,
    syscalls,
)

if TYPE_CHECKING:
    from collections.abc import Callable

#: Mechanisms that the level without namespaces stands on.
_WITHOUT_NAMESPACES: Final = frozenset({"landlock", "machine", "pidfd", "seccomp"})
_REPORT_LIMIT_BYTES: Final = 2048
_FIELD = "\n"


@dataclasses.dataclass(frozen=True, slots=True)
class Mechanism:
    """One mechanism of the sandbox on this host.

    Attributes:
        name: a step name of `refusal.CAUSES`, or ``machine``.
        ok: whether it worked just now.
        detail: what was found, or why it did not work.
        fix: what to do; empty when it works.
    """

    name: str
    ok: bool
    detail: str
    fix: str


@dataclasses.dataclass(frozen=True, slots=True)
class HostReport:
    """Every mechanism, and the level they can add up to.

    FULL when all work. NO-NAMESPACE when what works is enough for `bare`; plugins are started at that level only where
    the operator has accepted it. REFUSE otherwise.
    """

    level: Literal["FULL", "NO-NAMESPACE", "REFUSE"]
    mechanisms: tuple[Mechanism, ...]


def probe() -> HostReport:
    """Try every mechanism that plugins are isolated with."""
    try:
        syscalls.machine_table(os.uname().machine)
    except MobileOpsError as error:
        return HostReport("REFUSE", (Mechanism("machine", ok=False, detail=error.what, fix=error.fix or ""),))
    tried = (
        Mechanism("machine", ok=True, detail=os.uname().machine, fix=""),
        *(_try(name, attempt) for name, attempt in _ATTEMPTS.items()),
    )
    missing = {mechanism.name for mechanism in tried if not mechanism.ok}
    if not missing:
        return HostReport("FULL", tried)
    enough = not missing & _WITHOUT_NAMESPACES and landlock.abi() >= bare.LANDLOCK_ABI
    return HostReport("NO-NAMESPACE" if enough else "REFUSE", tried)


def _try(name: str, attempt: Callable[[Callable[[str], None]], str]) -> Mechanism:
    read_end, write_end = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(read_end)
        _report(name, attempt, write_end)
    os.close(write_end)
    with open(read_end, "rb") as stream:  # noqa: PTH123 (a descriptor)
        report = stream.read(_REPORT_LIMIT_BYTES).decode(errors="replace")
    os.waitpid(child, 0)
    step, _, detail = report.partition(_FIELD)
    if step == "ok":
        return Mechanism(name, ok=True, detail=detail, fix="")
    step = step or name
    cause = refusal.CAUSES[step]
    fix = refusal.user_namespace_fix() if step == "user-namespace" else cause.fix
    lacking = f"{cause.mechanism}: {detail or 'the child that tried it died'}"
    return Mechanism(name, ok=False, detail=lacking, fix=fix)


def _report(name: str, attempt: Callable[[Callable[[str], None]], str], pipe: int) -> NoReturn:
    current = name

    def step(following: str) -> None:
        nonlocal current
        current = following

    try:
        text = f"ok{_FIELD}{attempt(step)}"
    except MobileOpsError as error:
        text = f"{current}{_FIELD}{error.what}"
    except BaseException as error:  # noqa: BLE001 (this process has nothing else to say)
        text = f"{current}{_FIELD}{error}"
    os.write(pipe, text.encode()[:_REPORT_LIMIT_BYTES])
    os._exit(0)


def _enter_user_namespace(step: Callable[[str], None]) -> str:
    step("user-namespace")
    uid, gid = os.geteuid(), os.getegid()
    if uid == 0:
        step("id-range")
        jail.check_id_range()
        os.setgroups([])
        jail.enter_range(jail.fork_mapper(os.getpid()), step=step)
        return f"uids {credentials.UID_BASE}..{credentials.UID_BASE + credentials.UID_COUNT - 1}"
    namespaces.unshare(namespaces.NEWUSER)
    namespaces.map_own_id(inside_uid=0, inside_gid=0, outside_uid=uid, outside_gid=gid)
    return f"uid {uid}"


def _try_mounts(step: Callable[[str], None]) -> str:
    _enter_user_namespace(step)
    step("mount")
    namespaces.unshare(namespaces.NEWNS)
    mounts.make_private()
    mounts.mount_tmpfs("/tmp", size_bytes=4096, mode=0o700)  # noqa: S108 (in a mount namespace of its own)
    os.close(mounts.clone_tree("/usr", attributes=mounts.RDONLY | mounts.NOSUID))
    return "private and read-only mounts"


def _try_proc(step: Callable[[str], None]) -> str:
    _enter_user_namespace(step)
    step("pid-namespace")
    namespaces.unshare(namespaces.NEWNS | namespaces.NEWPID)
    step("proc")
    child = os.fork()
    if child == 0:
        number = 0
        try:
            mounts.make_private()
            mounts.mount_proc("/proc")
        except OSError as error:
            number = error.errno or errno.EPERM
        os._exit(number)
    number = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if number:
        raise OSError(number, os.strerror(number), "mount proc")
    return "own process list"


def _try_surroundings(step: Callable[[str], None]) -> str:
    _enter_user_namespace(step)
    step("namespaces")
    namespaces.unshare(namespaces.SURROUNDINGS)
    return "mount, network, IPC, UTS and cgroup namespaces"


def _try_landlock(step: Callable[[str], None]) -> str:
    step("landlock")
    version = landlock.abi()
    if not version:
        raise OSError(errno.EOPNOTSUPP, "the kernel offers no Landlock")
    credentials.forbid_new_privileges()
    landlock.restrict([("/usr", landlock.READ)], version=version)
    try:
        list(Path("/").iterdir())
    except PermissionError:
        return f"ABI {version}"
    raise OSError(errno.ENOTSUP, "the restriction was accepted and does nothing")


def _try_seccomp(step: Callable[[str], None]) -> str:
    step("seccomp")
    credentials.forbid_new_privileges()
    seccomp.load(seccomp.compiled(os.uname().machine, seccomp.Openings()))
    try:
        socket.socket().close()
    except PermissionError:
        return "filter loaded, socket() refused"
    raise OSError(errno.ENOTSUP, "the filter was accepted and does nothing")


def _try_pidfd(step: Callable[[str], None]) -> str:
    step("pidfd")
    os.close(os.pidfd_open(os.getpid()))
    return "pidfd_open"


_ATTEMPTS: Final = {
    "user-namespace": _enter_user_namespace,
    "mount": _try_mounts,
    "proc": _try_proc,
    "namespaces": _try_surroundings,
    "landlock": _try_landlock,
    "seccomp": _try_seccomp,
    "pidfd": _try_pidfd,
}
