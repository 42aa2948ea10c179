"""Bounds of a bundle, checked on declared values before anything is inflated and again while inflating.

They bound what a hostile archive can make a device do before its signature has been looked at. All are inclusive.
"""

from __future__ import annotations

from typing import Final

MAX_MEMBERS: Final = 10_000
MIN_MEMBERS: Final = 2
"""``plugin.json`` and ``.mobileops/files.json``."""

MAX_MEMBER_BYTES: Final = 512 << 20
MAX_TOTAL_BYTES: Final = 2 << 30
MAX_ARCHIVE_BYTES: Final = MAX_TOTAL_BYTES + (32 << 20)
"""All members stored, plus records; below 4 GiB, so that ZIP64 is never needed."""

MAX_RATIO: Final = 200
RATIO_FREE_BYTES: Final = 1 << 20
"""Members up to this size may have any ratio: they cannot hurt."""

MAX_PART_BYTES: Final = 255
MAX_DEPTH: Final = 32
MAX_NAME_BYTES: Final = 1024

MAX_CENTRAL_BYTES: Final = MAX_MEMBERS * (46 + MAX_NAME_BYTES)

MAX_MANIFEST_BYTES: Final = 1 << 20
MAX_FILES_BYTES: Final = 16 << 20

CHUNK_BYTES: Final = 256 << 10
"""How much of a member is in memory at once."""

MAX_KEPT_BYTES: Final = 24 << 20
"""Of small members together, between their check and their writing: constant, and most bundles are smaller."""


def ratio_is_excessive(size: int, compressed_size: int) -> bool:
    """Tell whether `size` inflated bytes are too many for `compressed_size` stored ones."""
    return size > RATIO_FREE_BYTES and size > MAX_RATIO * compressed_size
