"""Store files that two versions of a plugin have in common once: the newer one gets another name of the same file.

That is safe because a plugin sees its files through a read-only mount, or as another user, and the plugin manager never
writes to a file that is installed: it replaces folders. A file of the older version is read and compared with the
digest that the newer one's publisher signed before it gets the second name, so damage does not spread.
"""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from mobileops.runtime import durable
from mobileops.runtime.store import integrity

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from mobileops.bundle import FileEntry

PAYS_FROM_BYTES: Final = 4096
"""A smaller file takes a block of the disk either way, and two names of it save no more than one."""


def share(tree: Path, entries: Mapping[str, FileEntry], before: Path) -> int:
    """Replace files of a new version by links to equal ones of the version before; return the bytes that it saved.

    What cannot be linked (another file system, too many names) stays as it is.

    Args:
        tree: the new version, which nobody uses yet.
        entries: what its files are.
        before: folder of the other version.
    """
    saved, touched = 0, set()
    spare = tree.with_name("shared")
    for name, entry in entries.items():
        if entry.size >= PAYS_FROM_BYTES and _is_equal(before / name, entry):
            with suppress(OSError):
                spare.hardlink_to(before / name)
                spare.replace(tree / name)
                saved += entry.size
                touched.add((tree / name).parent)
    for folder in touched:
        durable.sync_folder(folder)
    return saved


def _is_equal(path: Path, entry: FileEntry) -> bool:
    """Whether a file of the older version is regular, this account's own, and has the mode and the content."""
    try:
        found = path.lstat()
    except OSError:
        return False
    return (
        stat.S_ISREG(found.st_mode)
        and found.st_uid == os.geteuid()
        and stat.S_IMODE(found.st_mode) == entry.mode
        and found.st_size == entry.size
        and integrity.digest(path) == entry.sha256
    )
