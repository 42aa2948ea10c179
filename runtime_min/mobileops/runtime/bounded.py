"""Read a file from outside: a regular one, within a bound, without ever blocking."""

from __future__ import annotations

import errno
import os
import stat
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

CHUNK_BYTES: Final = 64 << 10


def open_regular(path: Path) -> int:
    """Return a descriptor of a regular file, to read; links are followed.

    A pipe or a device in its place is not waited for (``O_NONBLOCK``), and is judged by its descriptor, not its path.

    Raises:
        FileNotFoundError: there is nothing at the path.
        OSError: ``EINVAL`` it is no regular file, or the system says no.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "not a regular file", str(path))
    return descriptor


def read_regular(path: Path, *, limit: int) -> bytes:
    """Return the bytes of a regular file that has at most ``limit`` of them, as `open_regular` finds it.

    Raises:
        FileNotFoundError: there is nothing at the path.
        OSError: ``EINVAL`` it is no regular file, ``EFBIG`` it is larger, or the system says no.
    """
    descriptor = open_regular(path)
    try:
        data = bytearray()
        while len(data) <= limit and (chunk := os.read(descriptor, CHUNK_BYTES)):
            data += chunk
    finally:
        os.close(descriptor)
    if len(data) > limit:
        raise OSError(errno.EFBIG, f"larger than {limit} bytes", str(path))
    return bytes(data)
