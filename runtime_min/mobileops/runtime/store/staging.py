"""Private copies of bundles, so that the bytes that were verified are the bytes that are installed.

Each copy has a folder of its own below ``staging/``, locked for as long as its process lives: a sweep leaves it alone.
"""

from __future__ import annotations

import dataclasses
import errno
import fcntl
import os
import shutil
import tempfile
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from mobileops.bundle import signature_path
from mobileops.bundle.limits import MAX_ARCHIVE_BYTES
from mobileops.errors import MobileOpsError, NotFoundError
from mobileops.runtime.bounded import open_regular
from mobileops.runtime.trust.signature_file import MAX_SIGNATURE_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mobileops.runtime.receipts import Receipt
    from mobileops.runtime.trust import Pin, VerifiedBundle

COPY_BYTES: Final = 1 << 20
_NO_FILE: Final = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.EINVAL, errno.ENXIO})
"""What opening says of a path that leads to no regular file; ENXIO of a socket."""


@dataclasses.dataclass(frozen=True, slots=True)
class Staged:
    """A verified bundle that may be installed.

    Attributes:
        folder: of its own, for what is made of it.
        verified: the private copy, open.
        before: what was installed under its name when it was verified.
        pin: the signer that was pinned for its name then.
    """

    folder: Path
    verified: VerifiedBundle
    before: Receipt | None
    pin: Pin | None

    @property
    def name(self) -> str:
        """The plugin's name."""
        return self.verified.manifest.name


@contextmanager
def folder(staging: Path) -> Iterator[Path]:
    """Make a folder that no sweep removes before the block ends."""
    while True:
        made = Path(tempfile.mkdtemp(dir=staging))
        descriptor = _lock(made)
        if descriptor is not None and made.is_dir():  # not swept between its making and its lock
            break
    try:
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)
        os.close(descriptor)


@contextmanager
def naming(origin: Path, *, instead_of: Path) -> Iterator[None]:
    """Let errors name files below `origin`: the copies are gone when somebody reads the message."""
    try:
        yield
    except MobileOpsError as error:
        error.where = error.where and error.where.replace(str(instead_of), str(origin))
        raise


def sweep(staging: Path) -> None:
    """Remove what processes that are gone have left."""
    for left in staging.iterdir():
        if not left.is_dir() or left.is_symlink():
            left.unlink(missing_ok=True)
            continue
        descriptor = _lock(left)
        if descriptor is not None:
            shutil.rmtree(left, ignore_errors=True)
            os.close(descriptor)


def copy_in(bundle: Path, into: Path) -> tuple[Path, Path]:
    """Copy a bundle, and its signature if there is one, under their own names (the name is part of what is signed).

    Raises:
        NotFoundError: ``MOP6005``, the bundle is no regular file, or not there.
        OSError: the disk refused.
    """
    signature = signature_path(bundle)
    if not _copy(bundle, into / bundle.name, limit=MAX_ARCHIVE_BYTES):
        raise NotFoundError(
            f"{str(bundle)!r} is not a file",
            code="MOP6005",
            fix="give the path of a bundle made by 'mobileops package'",
        )
    _copy(signature, into / signature.name, limit=MAX_SIGNATURE_BYTES)
    return into / bundle.name, into / signature.name


def _copy(source: Path, target: Path, *, limit: int) -> bool:
    """Copy at most one byte more than a file may have: enough for the reader to refuse it.

    Never enough to fill the disk. False, and no copy, if there is no regular file.
    """
    try:
        descriptor = open_regular(source)
    except OSError as error:
        if error.errno in _NO_FILE:
            return False
        raise
    with os.fdopen(descriptor, "rb") as incoming, target.open("xb") as outgoing:
        left = limit + 1
        while left and (data := incoming.read(min(COPY_BYTES, left))):
            outgoing.write(data)
            left -= len(data)
    return True


def _lock(path: Path) -> int | None:
    """Return a descriptor of a folder that holds its lock; None when somebody else does, or it is gone."""
    with suppress(FileNotFoundError):
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(descriptor)
            return None
        return descriptor
    return None
