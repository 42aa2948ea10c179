"""What was checked and is soon written is held meanwhile, so that it is not inflated twice; bounded."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mobileops.bundle.limits import CHUNK_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mobileops.bundle.records import Member


class Kept:
    """Bytes of small members by their names.

    Args:
        limit_bytes: of all kept members together.
    """

    def __init__(self, limit_bytes: int) -> None:
        self._left = limit_bytes
        self._content: dict[str, bytes] = {}

    def keep(self, member: Member, content: Iterator[bytes]) -> None:
        """Read `content` to its end, and keep it while there is room."""
        if member.size > min(self._left, CHUNK_BYTES):
            for _ in content:
                pass
            return
        # Two threads may both see the last room: the bound is then exceeded by one chunk.
        self._left -= member.size
        self._content[member.name] = b"".join(content)

    def take(self, member: Member) -> bytes | None:
        """Return the bytes of a member, which are forgotten here; None when they were not kept."""
        return self._content.pop(member.name, None)
