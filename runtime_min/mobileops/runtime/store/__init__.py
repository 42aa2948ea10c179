"""Installed plugins on disk, for changing; `mobileops.runtime.receipts` is for reading.

A change goes through these states, and each module is one of them::

    staging      a private copy of the bundle, verified; nothing of the store has changed, and no lock is held
    placing      the files, flushed to disk, in a folder of the store that nothing refers to yet
      ├── sharing      equal files of the version before are linked, not stored twice
      └── bytecode     the verified sources are compiled
    operations   one commit of the journal: receipts, pins                                the commit point

Before the commit point the old state holds, after it the new one, whenever the process is killed and whatever the disk
refuses (`mobileops.runtime.journal`). Everything from placing on happens under one lock for the whole store
(`changing`).

Law: for every name, ``get(name)`` is the receipt of a folder that is complete, or raises NotFoundError.

The names below are imported when they are first used: a verification reads the pins and changes nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from mobileops.runtime.store.installed_files import InstalledFiles
    from mobileops.runtime.store.operations import Accepted, Store
    from mobileops.runtime.store.staging import Staged

__all__ = ["Accepted", "InstalledFiles", "Staged", "Store"]

_HOMES: Final[dict[str, str]] = {
    "Accepted": "operations",
    "InstalledFiles": "installed_files",
    "Staged": "staging",
    "Store": "operations",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message)
    found = getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = found
    return found
