"""Landlock: the second lock on the file system, and the first on TCP ports and signals.

Mounts decide what is *there*; Landlock decides what may be *done* with it, and holds even where a mount was forgotten.
Source: Documentation/userspace-api/landlock.rst; rights are named as in ``linux/landlock.h``.
"""

from __future__ import annotations

import ctypes
import errno
import os
import stat
from typing import TYPE_CHECKING, Final

from mobileops.runtime.isolation.syscalls import call

if TYPE_CHECKING:
    from collections.abc import Iterable

EXECUTE: Final = 1 << 0
WRITE_FILE: Final = 1 << 1
READ_FILE: Final = 1 << 2
READ_DIR: Final = 1 << 3
REMOVE_DIR: Final = 1 << 4
REMOVE_FILE: Final = 1 << 5
MAKE_DIR: Final = 1 << 7
MAKE_REG: Final = 1 << 8
MAKE_SOCK: Final = 1 << 9
MAKE_FIFO: Final = 1 << 10
MAKE_SYM: Final = 1 << 12
REFER: Final = 1 << 13
TRUNCATE: Final = 1 << 14
IOCTL_DEV: Final = 1 << 15
RESOLVE_UNIX: Final = 1 << 16

#: Read files and list directories.
READ: Final = READ_FILE | READ_DIR
#: Everything with files but running them and making device nodes.
READ_WRITE: Final = (
    READ | WRITE_FILE | REMOVE_DIR | REMOVE_FILE | MAKE_DIR | MAKE_REG | MAKE_FIFO | MAKE_SYM | REFER | TRUNCATE
)
_OF_A_FILE: Final = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE | IOCTL_DEV

_RIGHTS_OF_ABI_1: Final = (1 << 13) - 1
_BIND_TCP_AND_CONNECT_TCP: Final = 3
_SCOPE_ABSTRACT_SOCKETS_AND_SIGNALS: Final = 3
_CREATE_RULESET_VERSION: Final = 1
_RULE_PATH_BENEATH: Final = 1
_ABI_NET: Final = 4
_ABI_SCOPES: Final = 6


class _Ruleset(ctypes.Structure):
    _fields_ = (("fs", ctypes.c_uint64), ("net", ctypes.c_uint64), ("scoped", ctypes.c_uint64))


class _PathBeneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = (("allowed", ctypes.c_uint64), ("parent", ctypes.c_int32))


def abi() -> int:
    """Return the kernel's Landlock ABI, 0 when it has none or has it switched off."""
    try:
        return call("landlock_create_ruleset", None, 0, _CREATE_RULESET_VERSION)
    except OSError as error:
        if error.errno in {errno.ENOSYS, errno.EOPNOTSUPP, errno.EPERM}:
            return 0
        raise


def handled_rights(version: int) -> int:
    """Return every file system right that an ABI knows; all that is handled and not granted is denied."""
    rights = _RIGHTS_OF_ABI_1
    for since, right in ((2, REFER), (3, TRUNCATE), (5, IOCTL_DEV), (9, RESOLVE_UNIX)):
        if version >= since:
            rights |= right
    return rights


def restrict(rules: Iterable[tuple[str | int, int]], *, version: int) -> None:
    """Restrict the calling process to these paths, and to no TCP port at all; there is no way back.

    Args:
        rules: path, or descriptor of it, to the rights below it; rights that the path's type cannot have are left out.
        version: what `abi` returned, at least 1.

    Raises:
        OSError: the kernel refused a rule or the restriction; nothing is restricted then.
    """
    handled = handled_rights(version)
    attributes = _Ruleset(
        fs=handled,
        net=_BIND_TCP_AND_CONNECT_TCP if version >= _ABI_NET else 0,
        scoped=_SCOPE_ABSTRACT_SOCKETS_AND_SIGNALS if version >= _ABI_SCOPES else 0,
    )
    size = 24 if version >= _ABI_SCOPES else 16 if version >= _ABI_NET else 8
    ruleset = call("landlock_create_ruleset", ctypes.byref(attributes), size, 0)
    try:
        for path, rights in rules:
            _allow(ruleset, path, rights & handled)
        call("landlock_restrict_self", ruleset, 0)
    finally:
        os.close(ruleset)


def _allow(ruleset: int, path: str | int, rights: int) -> None:
    parent = os.dup(path) if isinstance(path, int) else os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        if not stat.S_ISDIR(os.fstat(parent).st_mode):
            rights &= _OF_A_FILE
        rule = _PathBeneath(allowed=rights, parent=parent)
        call("landlock_add_rule", ruleset, _RULE_PATH_BENEATH, ctypes.byref(rule), 0)
    finally:
        os.close(parent)
