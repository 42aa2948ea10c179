"""Mounts by descriptor: nothing here follows a symbolic link that somebody else could have planted.

Sources are cloned with ``open_tree(2)`` and get their attributes while they are still detached, so there is no moment
at which a read-only mount is writable. Mount points are made only on a tmpfs of our own, one component at a time,
each opened with ``O_NOFOLLOW``: a link planted in a bound directory must not make us create anything on the host (the
class of CVE-2026-87766). Needs Linux 5.12.
"""

from __future__ import annotations

import ctypes
import errno
import os
import stat
from typing import Final

from mobileops.runtime.isolation.syscalls import AT_EMPTY_PATH, AT_FDCWD, AT_RECURSIVE, call

RDONLY: Final = 0x1
NOSUID: Final = 0x2
NODEV: Final = 0x4
NOEXEC: Final = 0x8

MS_REC: Final = 0x4000
MS_PRIVATE: Final = 1 << 18
MNT_DETACH: Final = 2

_OPEN_TREE_CLONE: Final = 0x1
_OPEN_TREE_CLOEXEC: Final = os.O_CLOEXEC
_MOVE_FROM_EMPTY_PATH: Final = 0x4
_MOVE_TO_EMPTY_PATH: Final = 0x40
_RESOLVE_NO_MAGICLINKS: Final = 0x02
_RESOLVE_NO_SYMLINKS: Final = 0x04
_RESOLVE_BENEATH: Final = 0x08


class _MountAttributes(ctypes.Structure):
    _fields_ = (
        ("attr_set", ctypes.c_uint64),
        ("attr_clr", ctypes.c_uint64),
        ("propagation", ctypes.c_uint64),
        ("userns_fd", ctypes.c_uint64),
    )


class _OpenHow(ctypes.Structure):
    _fields_ = (("flags", ctypes.c_uint64), ("mode", ctypes.c_uint64), ("resolve", ctypes.c_uint64))


def make_private() -> None:
    """Stop every mount of this mount namespace from being passed on to another one."""
    call("mount", None, b"/", None, MS_REC | MS_PRIVATE, None)


def mount_tmpfs(target: str, *, size_bytes: int, mode: int, inodes: int = 0, flags: int = 0) -> None:
    """Mount an empty memory file system.

    Args:
        target: an existing directory; it must be one that only we can replace.
        size_bytes: upper bound of what it holds.
        mode: permission bits of its root.
        inodes: upper bound of the number of files; 0 keeps the kernel's default.
        flags: mount flags beyond nosuid and nodev.
    """
    options = f"mode={mode:04o},size={size_bytes}" + (f",nr_inodes={inodes}" if inodes else "")
    call("mount", b"tmpfs", target.encode(), b"tmpfs", NOSUID | NODEV | flags, options.encode())


def mount_proc(target: str) -> None:
    """Mount the process list of the caller's own pid namespace."""
    call("mount", b"proc", target.encode(), b"proc", NOSUID | NODEV | NOEXEC, None)


def clone_tree(source: str, *, attributes: int, directory: int = AT_FDCWD) -> int:
    """Return a detached copy of a mount tree, with the attributes already set on all of it.

    Args:
        source: path of a directory or file; empty to take ``directory`` itself.
        attributes: RDONLY, NOSUID, NODEV, NOEXEC.
        directory: descriptor that ``source`` is relative to.
    """
    flags = _OPEN_TREE_CLONE | _OPEN_TREE_CLOEXEC | AT_RECURSIVE | (0 if source else AT_EMPTY_PATH)
    tree = call("open_tree", directory, source.encode(), flags)
    try:
        set_attributes(tree, attributes, recursive=True)
    except BaseException:
        os.close(tree)
        raise
    return tree


def set_attributes(tree: int, attributes: int, *, recursive: bool) -> None:
    """Add attributes to a mount (descriptor of its root), or to it and everything below."""
    value = _MountAttributes(attr_set=attributes)
    flags = AT_EMPTY_PATH | (AT_RECURSIVE if recursive else 0)
    call("mount_setattr", tree, b"", flags, ctypes.byref(value), ctypes.sizeof(value))


def attach(tree: int, target: int) -> None:
    """Attach a detached tree to the mount point that a descriptor stands for."""
    call("move_mount", tree, b"", target, b"", _MOVE_FROM_EMPTY_PATH | _MOVE_TO_EMPTY_PATH)


def uncover(target: str) -> None:
    """Take away what was mounted last at a path, once nobody uses it any more (umount2(2), MNT_DETACH)."""
    call("umount2", target.encode(), MNT_DETACH)


def open_beneath(base_directory: str, relative: str, *, directory: bool = True) -> int:
    """Open what lies below a directory without crossing a symbolic link or leaving it.

    Args:
        base_directory: where the search starts.
        relative: the path below it.
        directory: whether it must be a directory.

    Raises:
        OSError: ELOOP for a link, EXDEV for a path that leaves ``base_directory``.
    """
    how = _OpenHow(
        flags=os.O_PATH | os.O_CLOEXEC | (os.O_DIRECTORY if directory else 0),
        resolve=_RESOLVE_BENEATH | _RESOLVE_NO_SYMLINKS | _RESOLVE_NO_MAGICLINKS,
    )
    base = os.open(base_directory, os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        return call("openat2", base, relative.encode(), ctypes.byref(how), ctypes.sizeof(how))
    finally:
        os.close(base)


def mount_point(root: int, inside: str, *, directory: bool) -> int:
    """Make and open a mount point strictly inside the file system that ``root`` is on.

    Args:
        root: descriptor of a directory on our own tmpfs.
        inside: absolute path as it will be seen after the switch of roots.
        directory: whether the last component is a directory or a file.

    Raises:
        OSError: ELOOP or ENOTDIR for a component that is a link or a file, EXDEV for one on another file system.
    """
    device = os.fstat(root).st_dev
    current = os.dup(root)
    parts = inside.strip("/").split("/")
    try:
        for position, part in enumerate(parts):
            last = position == len(parts) - 1
            following = _component(current, part, device, directory=directory or not last)
            os.close(current)
            current = following
    except BaseException:
        os.close(current)
        raise
    return current


def pivot(root: str) -> None:
    """Make ``root`` the root of this mount namespace and drop everything that was there before.

    The tree is cloned onto itself first: a mount that came from a more privileged user namespace is locked in place and
    cannot be pivoted to, its clone can (mount_namespaces(7), "locked").
    """
    clone = clone_tree(root, attributes=0)
    here = os.open(root, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    attach(clone, here)
    os.fchdir(clone)
    call("pivot_root", b".", b".")
    call("umount2", b".", MNT_DETACH)
    os.chdir("/")
    os.close(here)
    os.close(clone)


def _component(parent: int, name: str, device: int, *, directory: bool) -> int:
    if name in {"", ".", ".."}:
        raise OSError(errno.EINVAL, "a mount point is a plain absolute path", name)
    if os.fstat(parent).st_dev != device:
        raise OSError(errno.EXDEV, "a mount point would be made outside our own tmpfs", name)
    try:
        if directory:
            os.mkdir(name, 0o755, dir_fd=parent)
        else:
            os.close(os.open(name, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o644, dir_fd=parent))
    except FileExistsError:
        pass
    opened = os.open(name, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=parent)
    mode = os.fstat(opened).st_mode
    if stat.S_ISLNK(mode) or directory != stat.S_ISDIR(mode):
        os.close(opened)
        number = errno.ELOOP if stat.S_ISLNK(mode) else errno.ENOTDIR
        raise OSError(number, "a component of a mount point is not what it must be", name)
    return opened
