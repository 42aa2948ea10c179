"""Put the zygote into namespaces of its own, as an ordinary user or as root.

::

    ordinary user                                   root
    1  unshare user + mount namespace               1  unshare the mount namespace, still with root's eyes
    2  map 0 -> own uid, own gid                       (a Python below a 0700 directory must be reachable)
    3  build the file system                        2  build the file system
                                                    3  unshare the user namespace; a helper forked before maps
                                                       0..65535 -> BASE..; become 0 in it (BASE on the host)
    4  unshare pid, net, ipc, uts, cgroup           4  the same, and the mount namespace again
    5  fork: the child is process 1, mounts /proc, switches roots

The process that was started stays behind as the parent that the plugin manager watches. As root it has no
capabilities. As an ordinary user it goes back to where the host's files are: it clones granted paths for the manager
(`trees`), who may not. From step 3 on nothing has a host uid of 0.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from mobileops.errors import IsolationRefused
from mobileops.runtime.isolation import credentials, mounts, namespaces, rootfs

if TYPE_CHECKING:
    from collections.abc import Callable


class Mapper(NamedTuple):
    """A helper process: it maps when told through ``order``, and writes an errno (0 is done) to ``answer``."""

    pid: int
    order: int
    answer: int


def enter_jail(contents: rootfs.RootContents, *, step: Callable[[str], None]) -> int:
    """Jail the calling process and fork process 1 of the jail; return its pid, and 0 in it.

    Args:
        contents: what the jail's file system is made of.
        step: told what is tried next, so that a failure has a name.

    Raises:
        OSError: the kernel refused the step named last.
        IsolationRefused: a rule of ours refused.
    """
    credentials.forbid_new_privileges()
    as_root = os.geteuid() == 0
    if as_root:
        _leave_root(contents, step)
    else:
        _leave_user(contents, step)
    step("namespaces")
    with_host_files = os.open("/proc/self/ns/mnt", os.O_RDONLY | os.O_CLOEXEC)
    namespaces.unshare(namespaces.SURROUNDINGS | namespaces.NEWPID)
    pid = os.fork()
    if pid == 0:
        namespaces.die_with_parent()
        step("proc")
        mounts.mount_proc(f"{rootfs.BUILD_DIRECTORY}/proc")
        step("root")
        mounts.pivot(rootfs.BUILD_DIRECTORY)
    elif not as_root:
        namespaces.enter(with_host_files, namespaces.NEWNS)
        mounts.uncover(rootfs.BUILD_DIRECTORY)  # the jail has its own copy; here, the host's files lie beneath
    os.close(with_host_files)
    return pid


def _leave_user(contents: rootfs.RootContents, step: Callable[[str], None]) -> None:
    uid, gid = os.geteuid(), os.getegid()
    step("user-namespace")
    namespaces.unshare(namespaces.NEWUSER | namespaces.NEWNS)
    namespaces.map_own_id(inside_uid=0, inside_gid=0, outside_uid=uid, outside_gid=gid)
    namespaces.die_with_parent()
    step("mount")
    mounts.make_private()
    rootfs.build(contents)


def _leave_root(contents: rootfs.RootContents, step: Callable[[str], None]) -> None:
    step("id-range")
    check_id_range()
    os.setgroups([])
    mapper = fork_mapper(os.getpid())
    step("mount")
    namespaces.unshare(namespaces.NEWNS)
    mounts.make_private()
    rootfs.build(contents)
    enter_range(mapper, step=step)


def enter_range(mapper: Mapper, *, step: Callable[[str], None]) -> None:
    """Leave root for a user namespace with a range of unprivileged ids, and become id 0 of it.

    Raises:
        OSError: the kernel refused the step named last.
    """
    step("user-namespace")
    namespaces.unshare(namespaces.NEWUSER)
    os.write(mapper.order, b"m")
    os.close(mapper.order)
    refused = os.read(mapper.answer, 8)
    os.close(mapper.answer)
    os.waitpid(mapper.pid, 0)
    if refused != b"0":
        step("id-range")
        raise OSError(int(refused or 1), "the range of user ids could not be mapped", "uid_map")
    step("credentials")
    credentials.become(0, 0)
    namespaces.die_with_parent()


def check_id_range() -> None:
    """Refuse to be root where the zygote's range of ids does not exist, as in most containers.

    Raises:
        IsolationRefused: the range is not part of this user namespace (MOP4009).
    """
    with Path("/proc/self/uid_map").open(encoding="ascii") as stream:
        extents = [[int(word) for word in line.split()] for line in stream.read(4096).splitlines()]
    wanted = (credentials.UID_BASE, credentials.UID_BASE + credentials.UID_COUNT)
    if not any(first <= wanted[0] and wanted[1] <= first + count for first, _outside, count in extents):
        raise IsolationRefused(
            f"user ids {wanted[0]}..{wanted[1] - 1} do not exist in this user namespace",
            code="MOP4009",
            why="a manager that runs as root gives every plugin an unprivileged uid of this range",
            fix="run the plugin manager as an ordinary user, or map the range into the container",
        )


def fork_mapper(target: int) -> Mapper:
    """Fork a helper that keeps root just long enough to write the id maps of ``target``."""
    order_read, order_write = os.pipe()
    answer_read, answer_write = os.pipe()
    helper = os.fork()
    if helper == 0:
        os.close(order_write)
        answer = b"1"
        try:
            namespaces.die_with_parent()
            if os.read(order_read, 1) == b"m":
                namespaces.map_range(target, base=credentials.UID_BASE, count=credentials.UID_COUNT)
                answer = b"0"
        except OSError as error:
            answer = str(error.errno).encode()
        os.write(answer_write, answer)
        os._exit(0)
    os.close(order_read)
    os.close(answer_write)
    return Mapper(pid=helper, order=order_write, answer=answer_read)
