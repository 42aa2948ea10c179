"""SHA-256 of files, in constant memory."""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING

from mobileops.bundle.limits import CHUNK_BYTES

if TYPE_CHECKING:
    from pathlib import Path


def sha256_of_descriptor(descriptor: int, *, size: int) -> str:
    """Hash the first `size` bytes of an open file without moving its position.

    Args:
        descriptor: open for reading, of a file that can be read at any offset.
        size: how many bytes to hash; no more are read.

    Returns:
        Lowercase hex digits. A file that ends early gives the digest of what there was.
    """
    digest = hashlib.sha256()
    offset = 0
    while offset < size:
        piece = os.pread(descriptor, min(CHUNK_BYTES, size - offset), offset)
        if not piece:
            break
        digest.update(piece)
        offset += len(piece)
    return digest.hexdigest()


def sha256_of_file(path: Path) -> str:
    """Hash a whole file, which must not be a symbolic link; the result is lowercase hex digits.

    Raises:
        OSError: the file cannot be opened or read.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        return sha256_of_descriptor(descriptor, size=os.fstat(descriptor).st_size)
    finally:
        os.close(descriptor)
