"""What a plugin prints: its standard output and error, cut into lines for its log."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

READ_BYTES: Final = 1 << 16
MAX_LINE_BYTES: Final = 16 << 10


class OutputReader:
    """Read one pipe in the event loop until its end."""

    def __init__(self, descriptor: int, on_line: Callable[[str], None]) -> None:
        """Take over the read end of a pipe; it is closed at end of file.

        Args:
            descriptor: the read end.
            on_line: gets each line without its newline; a line longer than `MAX_LINE_BYTES` arrives in pieces.
        """
        self._descriptor = descriptor
        self._on_line = on_line
        self._rest = b""
        os.set_blocking(descriptor, False)
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(descriptor, self._readable)

    def _readable(self) -> None:
        try:
            data = os.read(self._descriptor, READ_BYTES)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._end()
            return
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            self._emit(line)
        while len(self._rest) > MAX_LINE_BYTES:
            self._emit(self._rest[:MAX_LINE_BYTES])
            self._rest = self._rest[MAX_LINE_BYTES:]

    def _end(self) -> None:
        self._loop.remove_reader(self._descriptor)
        os.close(self._descriptor)
        if self._rest:
            self._emit(self._rest)

    def _emit(self, line: bytes) -> None:
        self._on_line(line.decode("utf-8", "replace"))
