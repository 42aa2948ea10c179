"""Which unprivileged identity a plugin has when the plugin manager is root.

The owner of a plugin's data folder is the record: there is nothing to keep in step, and a reinstalled plugin can read
its data again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mobileops.runtime.isolation.credentials import UID_BASE, UID_COUNT

if TYPE_CHECKING:
    from pathlib import Path


def identity_index(data: Path, name: str) -> int:
    """Return the number of a plugin's identity: the one its data folder has, else the first that no data folder has.

    Args:
        data: the folder with one data folder for each plugin.
        name: the plugin.
    """
    taken = {folder.name: folder.lstat().st_uid - UID_BASE - 1 for folder in data.iterdir()}
    index = taken.get(name)
    if index is not None and 0 <= index < UID_COUNT - 1:
        return index
    used = set(taken.values())
    return next(index for index in range(UID_COUNT) if index not in used)
