"""Remove what no state refers to any more, a while after it was superseded: devices may be reading the older state.

``superseded.json`` lists paths below the folder with the time. It is not signed and proves nothing: a path counts only
if it lies below the folder, and whatever a commit uses again is struck off.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Final

import msgspec

from mobileops.runtime.bounded import read_regular
from mobileops.runtime.repository import layout

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

LIST: Final = "superseded.json"
GRACE_S: Final = 3600.0
MAX_LIST_BYTES: Final = 16 << 20
_REMOVABLE: Final = (layout.TARGETS, layout.BLOBS, layout.METADATA)


def note(folder: Path, superseded: Iterable[Path], *, used: Iterable[Path], now: float) -> None:
    """Remove what was superseded more than `GRACE_S` ago, and write down what was just now.

    Nothing of it can undo a commit: what cannot be removed stays.

    Args:
        folder: of the repository.
        superseded: files that the new state does not need.
        used: files that it does need.
        now: seconds since the epoch.
    """
    with suppress(OSError):
        entries = _load(folder)
        entries |= {str(path.relative_to(folder)): now for path in superseded}
        for path in used:
            entries.pop(str(path.relative_to(folder)), None)
        due = [name for name, since in entries.items() if now - since > GRACE_S]
        for name in due:
            del entries[name]
            if _is_below(folder, name):
                (folder / name).unlink(missing_ok=True)
        fresh = folder / f".{LIST}"
        fresh.write_bytes(msgspec.json.encode(entries))  # not flushed: a list that is lost leaves files, no more
        fresh.replace(folder / LIST)


def _load(folder: Path) -> dict[str, float]:
    try:
        return msgspec.json.decode(read_regular(folder / LIST, limit=MAX_LIST_BYTES), type=dict[str, float])
    except (FileNotFoundError, msgspec.DecodeError):
        return {}


def _is_below(folder: Path, path: str) -> bool:
    """Whether a path stays in the part of the folder that holds files of states, without links on the way."""
    place = (folder / path).parent.resolve()
    return any(place.is_relative_to((folder / name).resolve()) for name in _REMOVABLE)
