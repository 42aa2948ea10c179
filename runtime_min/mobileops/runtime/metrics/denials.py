"""Count denials in the audit log of one plugin, reading only what was added since the last look.

A full file is emptied, and begins anew with the counts so far (see `mobileops.runtime.audit`): then it is read whole.
"""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Final

from mobileops.runtime import audit

if TYPE_CHECKING:
    from pathlib import Path

_HEAD_BYTES: Final = 64
_MARK: Final = b'"verdict": "denied"'


class Denials:
    """The denials of one plugin."""

    def __init__(self, folder: Path, plugin: str) -> None:
        """Count from the beginning of the log.

        Args:
            folder: of the audit log.
            plugin: its name.
        """
        self._sources = [_Source(audit.files(folder, plugin, source)[0]) for source in audit.SOURCES]

    def count(self) -> int:
        """Return how many there were since the plugin first ran."""
        return sum(source.count() for source in self._sources)


class _Source:
    def __init__(self, path: Path) -> None:
        self._path = path
        self._head = b""
        self._read = 0
        self._count = 0

    def count(self) -> int:
        try:
            size = os.stat(self._path).st_size  # noqa: PTH116  for each plugin, each second
        except FileNotFoundError:
            size = 0
        if size != self._read:
            self._look()
        return self._count

    def _look(self) -> None:
        try:
            with self._path.open("rb") as stream:
                head = stream.read(_HEAD_BYTES)
                is_new = head[: len(self._head)] != self._head or stream.seek(0, os.SEEK_END) < self._read
                if is_new or not self._read:
                    self._read, self._count = 0, _counted(self._path)
                stream.seek(self._read)
                added = stream.read()
        except FileNotFoundError:
            self._head, self._read, self._count = b"", 0, 0
            return
        lines = added[: added.rfind(b"\n") + 1]
        self._head = head
        self._read += len(lines)
        self._count += lines.count(_MARK)


def _counted(path: Path) -> int:
    """Return the denials that the first line of a file stands for."""
    with path.open("rb") as stream:
        try:
            totals = json.loads(stream.readline()).get("totals", {})
        except (ValueError, AttributeError):
            return 0
    return sum(number for key, number in totals.items() if key.startswith("denied ")) if isinstance(totals, dict) else 0
