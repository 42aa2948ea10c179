"""Turn the calling process into a plugin process, step by step; plugin code is opened only after the last step.

::

    1  namespaces    mount, net, ipc, uts, cgroup (the fork already made the pid namespace)
    2  scratch       private /tmp and /dev/shm, with a size
    3  proc          own processes only
       network       with a permission for it: loopback and the name server's sockets
       grants        granted paths of the host, on a root of its own
    4  app, data     the installed version read-only, the own directory; the rest of the store is covered
    5  limits        setrlimit(2)
    6  credentials   when the manager is root: the plugin's own uid
    7  user          a user namespace of its own: the namespaces above belong to its parent, so that even all
                     capabilities in it would give no power over them; process counts start at zero in it
    8  capabilities  none, locked
    9  landlock      then seccomp; the filter comes last because it denies most of the above
       broker        with a network permission: the filter's listener and the sockets are handed over
"""

from __future__ import annotations

import dataclasses
import functools
import os
import sys
from typing import TYPE_CHECKING, Final

from mobileops.runtime.isolation import credentials, landlock, limits, mounts, namespaces, netns, rootfs, seccomp
from mobileops.runtime.isolation.grants import Place, compose, rights
from mobileops.runtime.isolation.policy import SCRATCH_BYTES, SCRATCH_FILES, Limits

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

_STORE_COVER_BYTES: Final = 4096
_READABLE_DEVICES: Final = ("/dev/zero", "/dev/random", "/dev/urandom")
_WRITABLE_DEVICES: Final = ("/dev/null", "/dev/full")
_SCRATCH: Final = ("/tmp", "/dev/shm")  # noqa: S108 (inside the sandbox)


@dataclasses.dataclass(frozen=True, slots=True)
class Confinement:
    """A `SandboxPolicy` in the terms of the zygote's own file system and user namespace.

    Attributes:
        app: directory of the installed version, relative to the plugins directory.
        data: the plugin's own directory, relative to the data directory.
        identity: uid and gid inside the zygote's user namespace, or None to keep the single one there is.
        limits: resource limits.
        allow_execution: whether other programs may be started.
        places: granted paths of the host; the mount of each travels with the request, in this order.
        hidden: host paths beneath a granted one that stay out of sight.
        entrances: how many control groups it goes into; a descriptor of each travels with the request.
        network: whether calls that address a socket are handed to the network broker.
        udp_ports: destination ports that datagrams may go to.
        debugger: whether a socket is left to the plugin that editors are handed in by.
    """

    app: str
    data: str
    identity: int | None
    limits: Limits
    allow_execution: bool
    places: tuple[Place, ...] = ()
    hidden: tuple[str, ...] = ()
    entrances: int = 0
    network: bool = False
    udp_ports: tuple[int, ...] = ()
    debugger: bool = False


def surround(*, step: Callable[[str], None]) -> None:
    """Give the calling process what is the same for every plugin: namespaces, empty scratch folders, own processes.

    Raises:
        OSError: the kernel refused the step named last; the caller must end itself.
    """
    step("namespaces")
    namespaces.unshare(namespaces.SURROUNDINGS)
    step("scratch")
    for target in _SCRATCH:
        mounts.mount_tmpfs(target, size_bytes=SCRATCH_BYTES, inodes=SCRATCH_FILES, mode=0o1777)
    step("proc")
    mounts.mount_proc("/proc")


def enter(
    confinement: Confinement,
    trees: Sequence[int],
    *,
    broker: int | None,
    landlock_abi: int,
    step: Callable[[str], None],
) -> None:
    """Confine the calling process, which `surround` has prepared, for ever.

    Args:
        confinement: what it is confined to.
        trees: the detached mounts of ``confinement.places``; they are closed at the end.
        broker: with ``confinement.network``, the descriptor of a socket to the network broker; it is closed.
        landlock_abi: what `landlock.abi` returned, at least 1.
        step: told what is tried next, so that a failure has a name.

    Raises:
        OSError: the kernel refused the step named last; the caller must end itself.
    """
    step("network")
    sockets = netns.prepare(confinement.udp_ports) if confinement.network else []
    _mount(confinement, trees, step)
    os.chdir("/app")
    step("limits")
    limits.apply_limits(confinement.limits)
    _drop(confinement, step)
    step("landlock")
    opened = tuple((tree, rights(place)) for place, tree in zip(confinement.places, trees, strict=True))
    landlock.restrict((*rules(allow_execution=confinement.allow_execution), *opened), version=landlock_abi)
    for tree in trees:
        os.close(tree)
    step("seccomp")
    openings = seccomp.Openings(execution=confinement.allow_execution, network=confinement.network)
    program = seccomp.compiled(os.uname().machine, openings)
    if broker is None:
        seccomp.load(program)
    else:
        listener = seccomp.load_with_listener(program)
        step("broker")
        netns.hand_over(broker, listener, sockets)


def _mount(confinement: Confinement, trees: Sequence[int], step: Callable[[str], None]) -> None:
    if trees:
        step("grants")
        compose(confinement.places, trees, hidden=confinement.hidden)
    step("app")
    _attach_store_directory(rootfs.PLUGINS_DIRECTORY, confinement.app, "/app", mounts.RDONLY)
    step("data")
    _attach_store_directory(rootfs.DATA_DIRECTORY, confinement.data, "/data", 0)
    step("store")
    mounts.mount_tmpfs(rootfs.STORE_DIRECTORY, size_bytes=_STORE_COVER_BYTES, mode=0, flags=mounts.RDONLY)


def _attach_store_directory(base: str, relative: str, inside: str, attributes: int) -> None:
    source = mounts.open_beneath(base, relative)
    tree = mounts.clone_tree("", directory=source, attributes=attributes | mounts.NOSUID | mounts.NODEV)
    target = os.open(inside, os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    mounts.attach(tree, target)
    for descriptor in (source, tree, target):
        os.close(descriptor)


def _drop(confinement: Confinement, step: Callable[[str], None]) -> None:
    step("credentials")
    identity = 0 if confinement.identity is None else confinement.identity
    if identity:
        credentials.become(identity, identity)
    namespaces.set_dumpable(1)  # its own /proc/self/uid_map is not writable otherwise
    step("user-namespace")
    namespaces.unshare(namespaces.NEWUSER)
    own = credentials.INSIDE_ID
    namespaces.map_own_id(inside_uid=own, inside_gid=own, outside_uid=identity, outside_gid=identity)
    step("capabilities")
    credentials.forbid_new_privileges()
    credentials.drop_capabilities()
    namespaces.die_with_parent()


@functools.cache
def rules(*, allow_execution: bool) -> tuple[tuple[str, int], ...]:
    """Return the Landlock rules of a plugin: path to rights; the same for all plugins, so made once."""
    return tuple(_rules(allow_execution=allow_execution))


def _rules(*, allow_execution: bool) -> Iterator[tuple[str, int]]:
    programs = landlock.READ | (landlock.EXECUTE if allow_execution else 0)
    prefix = sys.base_prefix
    yield "/usr", programs
    if not f"{prefix}/".startswith("/usr/"):
        yield prefix, programs
    for name in filter(rootfs.is_own_directory, ("/lib", "/lib64", "/bin", "/sbin")):
        yield name, programs
    yield "/app", programs
    yield rootfs.RUNTIME_DIRECTORY, landlock.READ
    yield "/etc", landlock.READ
    yield "/proc", landlock.READ
    yield "/data", landlock.READ_WRITE
    for path in _SCRATCH:
        yield path, landlock.READ_WRITE
    for path in _READABLE_DEVICES:
        yield path, landlock.READ_FILE
    for path in _WRITABLE_DEVICES:
        yield path, landlock.READ_FILE | landlock.WRITE_FILE
