"""Hear of new records as they are written, through rotations and of plugins that begin to log meanwhile."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Self

from mobileops.runtime.logs import reading

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType

    from mobileops.runtime.home import Home
    from mobileops.runtime.logs.query import Query
    from mobileops.runtime.logs.writing import Record


class Follower:
    """Reads what is appended to the logs of one plugin, or of all, from now on.

    Attributes:
        ends: plugin name -> size of its log at the beginning; what comes after that is followed.
    """

    def __init__(self, home: Home, query: Query, *, plugin: str | None = None) -> None:
        """Take note of where the logs end.

        Args:
            home: the plugin manager's folder.
            query: only records that it wants.
            plugin: only this plugin.
        """
        self._home = home
        self._query = query
        self._plugin = plugin
        self._open: dict[str, int] = {}
        self._rest: dict[str, bytes] = {}
        self.ends: dict[str, int] = {}
        for name in self._names():
            if self._opened(name):
                self.ends[name] = os.lseek(self._open[name], 0, os.SEEK_END)

    def __enter__(self) -> Self:
        """Follow for the length of a block."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the files."""
        for descriptor in self._open.values():
            os.close(descriptor)
        self._open.clear()

    def new(self) -> list[Record]:
        """Return what was written since the last call, by time."""
        found = [record for name in self._names() for record in self._of(name)]
        return sorted(found, key=lambda record: record.time)

    def _names(self) -> list[str]:
        return [self._plugin] if self._plugin else reading.names(self._home)

    def _of(self, name: str) -> Iterator[Record]:
        if name not in self._open and not self._opened(name):
            return
        yield from self._appended(name)
        try:
            status = os.stat(self._home.logs / f"{name}.jsonl")  # noqa: PTH116  compared with fstat
        except FileNotFoundError:
            return  # between the two steps of a rotation
        if not os.path.samestat(status, os.fstat(self._open[name])):
            yield from self._appended(name)  # what was written between the reading and the rotation
            os.close(self._open.pop(name))
            self._rest.pop(name, None)
            if self._opened(name):
                yield from self._appended(name)

    def _opened(self, name: str) -> bool:
        try:
            self._open[name] = os.open(self._home.logs / f"{name}.jsonl", os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return False
        return True

    def _appended(self, name: str) -> Iterator[Record]:
        while data := os.read(self._open[name], reading.PIECE_BYTES):
            lines, newline, rest = (self._rest.get(name, b"") + data).rpartition(b"\n")
            self._rest[name] = rest
            yield from self._query.records(lines + newline)
