"""Keep names apart that a person would take for each other: one of each shape, in 256 lists by the shape's digest.

`mobileops.runtime.trust.squatting` says which names look alike. The lists are targets like the documents, so that
somebody who can write the folder, and has no key, cannot free a name.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

import msgspec

from mobileops.errors import RefusedError
from mobileops.runtime.trust.squatting import shape

if TYPE_CHECKING:
    from mobileops.toolchain.repository.change import Change

MAX_LIST_BYTES: Final = 4 << 20


def claim(change: Change, name: str) -> None:
    """Take a new name.

    Raises:
        RefusedError: ``MOP6129``, there is a plugin whose name looks the same.
    """
    folded = shape(name)
    path = list_path(folded)
    data = change.read(path, limit=MAX_LIST_BYTES)
    taken = {} if data is None else msgspec.json.decode(data, type=dict[str, str])
    owner = taken.setdefault(folded, name)
    if owner != name:
        raise RefusedError(
            f"the name {name!r} looks like {owner!r}, which is published already",
            code="MOP6129",
            where=str(change.state.folder),
            why="letters and digits of one shape, and hyphens, do not tell two names apart",
            fix="choose a name that nobody would take for another",
        )
    change.put(path, encode(taken))


def list_path(folded: str) -> str:
    """Return the target path of the list that a shape is in."""
    return f"names/{hashlib.sha256(folded.encode()).hexdigest()[:2]}.json"


def encode(taken: dict[str, str]) -> bytes:
    """Return the bytes of a list."""
    return msgspec.json.encode(dict(sorted(taken.items())))
