"""Write files of a repository so that a crash leaves each whole or absent, and none of them counts before the commit.

Everything is written into ``staging`` first, in the same file system, and renamed from there; whoever holds the lock
may empty it. Files are flushed together, because a flush waits for the disk.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from mobileops.bundle.flushing import Flusher
from mobileops.errors import HostFault

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


def write(folder: Path, files: Mapping[Path, bytes], staged: Mapping[Path, Path] = MappingProxyType({})) -> None:
    """Write files below a repository's folder; all of them are durable when this returns.

    Args:
        folder: of the repository.
        files: place -> content.
        staged: place -> file that `stage` made.

    Raises:
        OSError: the disk refused; some of the files may be there, whole.
    """
    waiting = dict(staged)
    with Flusher() as flusher:
        for temporary in staged.values():
            flusher.folder(os.open(temporary, os.O_RDONLY | os.O_CLOEXEC))
        for place, data in files.items():
            descriptor, name = tempfile.mkstemp(dir=_staging(folder))
            waiting[place] = Path(name)
            flusher.file(descriptor, FILE_MODE, iter((data,)))
    changed: set[Path] = set()
    for place, temporary in waiting.items():
        changed |= _make(place.parent) | {place.parent}
        temporary.replace(place)
    with Flusher() as flusher:
        for place in sorted(changed):
            flusher.folder(os.open(place, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC))


def stage(folder: Path, source: Path, blob: Blob) -> Path:
    """Copy a file into staging, for `write` to put it in its place.

    Raises:
        HostFault: ``MOP6124``, it has other bytes than the digest says: it was changed since it was verified.
        OSError: the disk refused.
    """
    descriptor, temporary = tempfile.mkstemp(dir=_staging(folder))
    digest = hashlib.sha256()
    with source.open("rb") as incoming, os.fdopen(descriptor, "wb") as outgoing:
        os.fchmod(outgoing.fileno(), FILE_MODE)
        while data := incoming.read(COPY_BYTES):
            digest.update(data)
            outgoing.write(data)
    if digest.hexdigest() != blob.sha256:
        raise _changed(source)
    return Path(temporary)


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
