"""Write files of a repository so that a crash leaves each whole or absent, and none of them counts before the commit.

Everything is written into ``staging`` first, in the same file system, and renamed from there; whoever holds the lock
may empty it. Files are flushed together, because a flush waits for the disk.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

from mobileops.bundle.flushing import Flusher
from mobileops.errors import HostFault
from mobileops.runtime import durable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mobileops.runtime.repository.document import Blob

STAGING: Final = "staging"
FILE_MODE: Final = 0o644
FOLDER_MODE: Final = 0o755
COPY_BYTES: Final = 1 << 20


def sweep(folder: Path) -> None:
    """Remove what a crash left half written; the caller holds the lock."""
    for path in _staging(folder).iterdir():
        path.unlink()


def write(folder: Path, files: Mapping[Path, bytes]) -> None:
    """Write files below a repository's folder; all of them are durable when this returns.

    Raises:
        OSError: the disk refused; some of the files may be there, whole.
    """
    staged: list[tuple[Path, Path]] = []
    with Flusher() as flusher:
        for path, data in files.items():
            descriptor, temporary = tempfile.mkstemp(dir=_staging(folder))
            staged.append((Path(temporary), path))
            flusher.file(descriptor, FILE_MODE, iter((data,)))
    changed: set[Path] = set()
    for temporary_path, path in staged:
        changed |= _make(path.parent) | {path.parent}
        temporary_path.replace(path)
    with Flusher() as flusher:
        for place in sorted(changed):
            flusher.folder(os.open(place, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC))


def copy(folder: Path, source: Path, *, target: Path, blob: Blob) -> None:
    """Copy a file to where its blob belongs.

    Raises:
        HostFault: ``MOP6124``, it has other bytes than the digest says: it was changed since it was verified.
        OSError: the disk refused.
    """
    descriptor, temporary = tempfile.mkstemp(dir=_staging(folder))
    digest = hashlib.sha256()
    with source.open("rb") as incoming, os.fdopen(descriptor, "wb") as outgoing:
        while data := incoming.read(COPY_BYTES):
            digest.update(data)
            outgoing.write(data)
        outgoing.flush()
        os.fchmod(outgoing.fileno(), FILE_MODE)
        os.fsync(outgoing.fileno())
    if digest.hexdigest() != blob.sha256:
        Path(temporary).unlink()
        raise _changed(source)
    changed = _make(target.parent) | {target.parent}
    Path(temporary).replace(target)
    for place in sorted(changed):
        durable.sync_folder(place)


def _make(folder: Path) -> set[Path]:
    """Make a folder and those above it, readable whatever the umask is; return the folders whose entries changed."""
    missing = []
    while not folder.exists():
        missing.append(folder)
        folder = folder.parent
    for place in reversed(missing):
        place.mkdir(exist_ok=True)
        place.chmod(FOLDER_MODE)
    return {place.parent for place in missing}


def _staging(folder: Path) -> Path:
    place = folder / STAGING
    place.mkdir(mode=0o700, exist_ok=True)
    return place


def _changed(path: Path) -> HostFault:
    return HostFault(
        "the bundle was changed while it was published",
        code="MOP6124",
        where=str(path),
        why="what is kept has to be what was verified",
        fix="repeat the command when nothing writes to the bundle",
    )
