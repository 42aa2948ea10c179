"""Put granted host paths into a plugin's file system, at the paths they have on the host.

The zygote's root is shared by all plugins, so mount points are never made on it: a plugin with grants gets a root of
its own, a fresh tmpfs that shows everything the zygote's root shows. On that, mount points are made one component at a
time (`mounts.mount_point`); inside what is mounted, only what already exists can be mounted on, and no link is
followed on the way to it. So a link that a plugin or a race left in a granted folder creates and covers nothing.
"""

from __future__ import annotations

import dataclasses
import errno
import os
import stat
import sys
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from mobileops.runtime.isolation import landlock, mounts
from mobileops.runtime.isolation.rootfs import GENERATED

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

NEW_ROOT: Final = "/empty"
_ROOT_BYTES: Final = 4 * 1024 * 1024
_HIDDEN_BYTES: Final = 4096
_READ_ONLY: Final = mounts.RDONLY | mounts.NOSUID | mounts.NODEV | mounts.NOEXEC
#: Files and folders; not links, devices, pipes or sockets, through which other programs of the host could be misled.
_WRITE: Final = (
    landlock.WRITE_FILE
    | landlock.REMOVE_DIR
    | landlock.REMOVE_FILE
    | landlock.MAKE_DIR
    | landlock.MAKE_REG
    | landlock.REFER
    | landlock.TRUNCATE
)


@dataclasses.dataclass(frozen=True, slots=True)
class Place:
    """A granted path whose mount travels with the request."""

    path: str
    read: bool
    write: bool


def rights(place: Place) -> int:
    """Return the Landlock rights that a grant opens."""
    return (landlock.READ if place.read else 0) | (_WRITE if place.write else 0)


def compose(places: Sequence[Place], trees: Sequence[int], *, hidden: Sequence[str]) -> None:
    """Give the calling process a root with the granted paths in it.

    Args:
        places: shorter paths first.
        trees: the detached mount of each.
        hidden: host paths beneath a granted one that stay out of sight: the plugin manager's own.

    Raises:
        OSError: a mount point is not what it must be, or the kernel refused.
    """
    os.umask(0o022)  # the folders on the way to a granted path are for the plugin's own uid
    mounts.mount_tmpfs(NEW_ROOT, size_bytes=_ROOT_BYTES, mode=0o755)
    root = os.open(NEW_ROOT, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    _show("", os.dup(root), [place.path.strip("/").split("/") for place in places], Path("/").stat().st_dev)
    for place, tree in zip(places, trees, strict=True):
        target = _target(root, place.path, directory=stat.S_ISDIR(os.fstat(tree).st_mode))
        mounts.attach(tree, target)
        os.close(target)
    _keep_interpreter()
    _keep_generated_files([place.path for place in places])
    for path in hidden:
        _hide(path)
    mounts.set_attributes(root, _READ_ONLY, recursive=False)
    os.close(root)
    mounts.pivot(NEW_ROOT)
    os.umask(0o077)


def _show(above: str, into: int, wanted: Sequence[list[str]], device: int) -> None:
    """Show a folder of the zygote's root in a folder of the new one; descend only where a grant needs it."""
    for name in os.listdir(above or "/"):  # noqa: PTH208 (names, once for every plugin with grants)
        path = f"{above}/{name}"
        below = [parts[1:] for parts in wanted if parts[0] == name]
        status = os.lstat(path)
        if stat.S_ISLNK(status.st_mode):
            os.symlink(Path(path).readlink(), name, dir_fd=into)
        elif below and all(below) and stat.S_ISDIR(status.st_mode) and status.st_dev == device:
            os.mkdir(name, 0o755, dir_fd=into)
            following = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=into)
            _show(path, following, below, device)
        elif path != NEW_ROOT:
            _bind(path, into, name, directory=stat.S_ISDIR(status.st_mode))
    os.close(into)


def _bind(path: str, into: int, name: str, *, directory: bool) -> None:
    tree = mounts.clone_tree(path, attributes=0)
    target = mounts.mount_point(into, f"/{name}", directory=directory)
    mounts.attach(tree, target)
    os.close(target)
    os.close(tree)


def _target(root: int, path: str, *, directory: bool) -> int:
    try:
        return mounts.mount_point(root, path, directory=directory)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
    return mounts.open_beneath(NEW_ROOT, path.lstrip("/"), directory=directory)


def _keep_interpreter() -> None:
    """Where a grant holds the Python that runs this, its libraries are still mapped from a mount that allows it."""
    prefix = sys.base_prefix
    with suppress(FileNotFoundError), _existing(prefix, directory=True) as target:
        if os.fstatvfs(target).f_flag & os.ST_NOEXEC:
            tree = mounts.clone_tree(prefix, attributes=0)
            mounts.attach(tree, target)
            os.close(tree)


def _keep_generated_files(paths: Sequence[str]) -> None:
    """Where the host's /etc was granted, names are still resolved as the sandbox does it."""
    for name in GENERATED if "/etc" in paths else ():
        with suppress(FileNotFoundError, NotADirectoryError), _existing(name, directory=False) as target:
            tree = mounts.clone_tree(name, attributes=0)
            mounts.attach(tree, target)
            os.close(tree)


def _hide(path: str) -> None:
    with suppress(FileNotFoundError), _existing(path, directory=True) as target:
        mounts.mount_tmpfs(f"/proc/self/fd/{target}", size_bytes=_HIDDEN_BYTES, mode=0, flags=mounts.RDONLY)


@contextmanager
def _existing(path: str, *, directory: bool) -> Iterator[int]:
    target = mounts.open_beneath(NEW_ROOT, path.lstrip("/"), directory=directory)
    try:
        yield target
    finally:
        os.close(target)
