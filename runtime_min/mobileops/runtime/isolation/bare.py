"""NO-NAMESPACE: what is left of the sandbox on a host that offers no namespaces, by Landlock and seccomp alone.

For operators who say so (``min_isolation``), and for plugins without a network permission. Instead of a file system of
its own a plugin has rules on the host's: what it may open is what it could open in the full sandbox, at other paths
(its folders are where they lie on the host). Instead of a process namespace it has a session that it cannot leave::

    chmod chown utime setxattr …    answer "done" and do nothing: Landlock does not guard what a file says of itself
    setsid setpgid                  answer "done" and do nothing: everything the plugin starts stays in its process
                                    group, and one kill(2) ends all of it
    prctl(PR_SET_CHILD_SUBREAPER)   answers "done" and does nothing: the first process inherits every orphan, as process
                                    1 of a namespace would, so that what is measured is measured of all of them

`NOT_ENFORCED` says what is missing. Landlock must be able to hold back signals and abstract sockets (ABI 6).
"""

from __future__ import annotations

import errno
import functools
import os
import signal
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from mobileops.runtime.isolation import bpf, credentials, landlock, limits, namespaces, rootfs, seccomp
from mobileops.runtime.isolation.grants import rights
from mobileops.runtime.isolation.syscalls import PR_SET_CHILD_SUBREAPER, machine_table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from mobileops.runtime.isolation.sandbox import Confinement

LANDLOCK_ABI: Final = 6
NOT_ENFORCED: Final = (
    "that a file exists, its size and its times can be seen, wherever the account may look",
    "the number and the names of the host's processes can be found out by trying",
    "the name of the host can be seen",
    "the size of temporary files is bounded for each file, not for all together",
    "if the plugin manager and its zygote are killed at the same moment, what a plugin forked lives on",
)
SCRATCH_NAME: Final = ".tmp"

_METADATA: Final = (
    "chmod", "fchmod", "fchmodat", "fchmodat2", "chown", "fchown", "lchown", "fchownat", "utime", "utimes", "futimesat",
    "utimensat", "setxattr", "lsetxattr", "fsetxattr", "setxattrat", "removexattr", "lremovexattr", "fremovexattr",
    "removexattrat",
)  # fmt: skip
_SESSION: Final = ("setsid", "setpgid")
#: Every call that answers "done" and does nothing.
INERT: Final = (*_METADATA, *_SESSION)
_DONE: Final = bpf.refuse(0)

_READABLE: Final = (
    "/dev/zero", "/dev/random", "/dev/urandom", "/etc/hosts", "/etc/ld.so.cache", "/etc/localtime",
    "/etc/nsswitch.conf", "/etc/pki/ca-trust/extracted", "/etc/pki/tls/certs", "/etc/ssl/certs",
    "/etc/ssl/openssl.cnf", "/proc/cpuinfo", "/proc/meminfo", "/proc/self",
)  # fmt: skip
_WRITABLE: Final = ("/dev/null", "/dev/full")


def check() -> None:
    """Make sure of what this level needs.

    Raises:
        OSError: the kernel's Landlock cannot hold back signals.
    """
    if landlock.abi() < LANDLOCK_ABI:
        raise OSError(errno.EOPNOTSUPP, f"Landlock ABI {landlock.abi()}, at least {LANDLOCK_ABI} is needed")


def enter(
    confinement: Confinement,
    granted: Sequence[int],
    *,
    packages: Sequence[str],
    landlock_abi: int,
    step: Callable[[str], None],
) -> None:
    """Confine the calling process, which leads a session of its own, for ever.

    Args:
        confinement: what it is confined to; ``app`` and ``data`` are host paths.
        granted: a descriptor of each of ``confinement.places``; they are closed.
        packages: host paths of the runtime's own packages.
        landlock_abi: what `landlock.abi` returned.
        step: told what is tried next.

    Raises:
        OSError: the kernel refused the step named last; the caller must end itself.
    """
    _drop(confinement, step)
    step("data")
    scratch = f"{confinement.data}/{SCRATCH_NAME}"
    with suppress(FileExistsError):
        os.mkdir(scratch, 0o700)  # noqa: PTH102 (a string, as the environment needs it)
    os.environ.update(HOME=confinement.data, TMPDIR=scratch)
    step("python")
    for path in (sys.base_prefix, *packages):
        os.stat(path)  # noqa: PTH116 (a Python below a folder of root's is refused by name)
    step("app")
    os.chdir(confinement.app)
    step("landlock")
    opened = [(number, rights(place)) for place, number in zip(confinement.places, granted, strict=True)]
    own = rules(confinement.app, confinement.data, allow_execution=confinement.allow_execution, packages=packages)
    landlock.restrict((*own, *opened), version=landlock_abi)
    for number in granted:
        os.close(number)
    step("seccomp")
    machine = os.uname().machine
    seccomp.load(compiled(machine))
    seccomp.load(seccomp.compiled(machine, seccomp.Openings(execution=confinement.allow_execution)))


def _drop(confinement: Confinement, step: Callable[[str], None]) -> None:
    identity, bounds = confinement.identity, confinement.limits
    step("credentials")
    if identity is None:
        bounds = limits.beside_others(bounds)
    credentials.forbid_new_privileges()
    with suppress(PermissionError):  # only root can, and nobody else has any
        credentials.drop_bounding_set()
    if identity is not None:
        os.setgroups([])
        credentials.become(identity, identity)
    namespaces.set_dumpable(1)  # its own /proc/self is not readable otherwise
    namespaces.die_with_parent()
    namespaces.adopt_orphans()
    step("limits")
    limits.apply_limits(bounds)


def program(machine: str) -> list[bpf.Instruction]:
    """Return the filter that this level has beside the one of every plugin; of two answers the stricter one counts."""
    numbers, architecture, _highest = machine_table(machine)
    code = [
        bpf.Instruction(bpf.LOAD, 0, 0, bpf.ARCHITECTURE_OFFSET),
        bpf.Instruction(bpf.JUMP_IF_EQUAL, 1, 0, architecture),
        bpf.Instruction(bpf.RETURN, 0, 0, bpf.KILL_PROCESS),
        bpf.Instruction(bpf.LOAD, 0, 0, bpf.NUMBER_OFFSET),
    ]
    for name in filter(numbers.__contains__, INERT):
        code += bpf.when(numbers[name], _DONE)
    return [
        *code,
        bpf.Instruction(bpf.JUMP_IF_EQUAL, 0, 3, numbers["prctl"]),
        bpf.argument(0),
        bpf.Instruction(bpf.JUMP_IF_EQUAL, 0, 1, PR_SET_CHILD_SUBREAPER),
        _DONE,
        bpf.PASS,
    ]


@functools.cache
def compiled(machine: str) -> bpf.Filter:
    """Return `program`, ready to load."""
    return bpf.assemble(program(machine))


def rules(app: str, data: str, *, allow_execution: bool, packages: Sequence[str]) -> Iterator[tuple[str, int]]:
    """Yield the Landlock rules of a plugin: path of the host to rights.

    Args:
        app: folder of the installed version.
        data: the plugin's own folder.
        allow_execution: whether other programs may be started.
        packages: host paths of the runtime's own packages.
    """
    programs = landlock.READ | (landlock.EXECUTE if allow_execution else 0)
    yield "/usr", programs
    if not f"{sys.base_prefix}/".startswith("/usr/"):
        yield sys.base_prefix, programs
    for name in filter(rootfs.is_own_directory, ("/lib", "/lib64", "/bin", "/sbin")):
        yield name, programs
    yield app, programs
    yield data, landlock.READ_WRITE
    for path in packages:
        yield path, landlock.READ
    for path in filter(os.path.exists, _READABLE):
        yield path, landlock.READ
    for path in filter(os.path.exists, _WRITABLE):
        yield path, landlock.READ_FILE | landlock.WRITE_FILE


def end_group(leader: int) -> None:
    """Kill everything that a plugin has started; it must not have been waited for, so that the number is still its."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, signal.SIGKILL)
